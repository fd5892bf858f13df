// Proves that the AI SDK's package for xAI takes the simulator for xAI: pictures, edits, videos of three kinds, blocked ones, and its errors.
export default async function (sim) {
  const { createXai } = await sim.sdk("@ai-sdk/xai");
  const { assert } = sim;
  const make = (apiKey = sim.key) => createXai({ apiKey, baseURL: `${sim.base}/v1` });
  const picture = (prompt, more = {}, xai = make()) => xai.image("grok-imagine-image").doGenerate({ prompt, n: 1, providerOptions: {}, ...more });
  const film = make().video("grok-imagine-video-1.5");
  const data = new Uint8Array(sim.png);
  const begin = (prompt, more = {}) => film.doStart({ prompt, n: 1, providerOptions: {}, ...more });
  const ended = ({ operation }) => sim.until(() => film.doStatus({ operation, providerOptions: {} }), (now) => now.status !== "pending");

  await sim.check("pictures come as base64, with their cost", async () => {
    const got = await picture("a red fox", { n: 2, aspectRatio: "16:9", providerOptions: { xai: { output_format: "png", resolution: "2k" } } });
    assert.deepEqual(got.images.map((image) => sim.sniff(Buffer.from(image, "base64"))), ["png", "png"]);
    assert.equal(got.providerMetadata.xai.costInUsdTicks, 200000000);
    assert.equal(got.providerMetadata.xai.images[0].revisedPrompt, "a red fox");
  });
  await sim.check("an edit takes one picture or several", async () => {
    for (const count of [1, 3]) {
      const files = Array.from({ length: count }, () => ({ type: "file", mediaType: "image/png", data: { type: "data", data } }));
      assert.equal((await picture("a hat", { files })).images.length, 1);
    }
  });
  await sim.check("a video: pending, then done with its length", async () => {
    const done = await ended(await begin("a fox runs", { duration: 6, aspectRatio: "9:16" }));
    assert.equal(done.status, "completed");
    assert.equal(sim.sniff(await sim.download(done.videos[0].url)), "mp4");
    assert.equal(done.providerMetadata.xai.duration, 6);
  });
  await sim.check("a video is edited and gone on from", async () => {
    for (const mode of ["edit-video", "extend-video"]) {
      const done = await ended(await begin("it goes on", { providerOptions: { xai: { mode, videoUrl: "https://example.com/v.mp4" } } }));
      assert.equal(done.status, "completed", JSON.stringify(done));
    }
  });
  await sim.check("a video that was blocked, and one that failed, are errors", async () => {
    assert.match((await ended(await begin("a fox [sim:jobfail=policy]"))).error, /content policy/);
    assert.match((await ended(await begin("a fox [sim:jobfail]"))).error, /Something went wrong/);
  });
  for (const [fault, status, words] of [["auth", 400, /API key/], ["quota", 403, /credits/], ["policy", 400, /moderation/], ["404", 404, /not found/], ["429", 429, /Too many/], ["503", 503, /capacity/]]) {
    await sim.check(`${fault} is an APICallError ${status}`, async () => {
      const error = await sim.error(picture(`a fox [sim:${fault}]`));
      assert.equal(error.name, "AI_APICallError");
      assert.equal(error.statusCode, status);
      assert.match(error.message, words);
      assert.equal(error.isRetryable, status === 429 || status >= 500);
    });
  }
  await sim.check("another key is refused", async () => {
    assert.match((await sim.error(picture("a fox", {}, make("wrong")))).message, /API key/);
  });
}
