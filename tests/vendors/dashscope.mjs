// The AI SDK's Alibaba provider takes the simulator for DashScope: Wan videos by all three protocols, states, errors.
export default async function (sim) {
  const { assert } = sim;
  const { createAlibaba } = await sim.sdk("@ai-sdk/alibaba");
  const { APICallError } = await sim.sdk("@ai-sdk/provider");
  const wan = (model, apiKey = sim.key) => createAlibaba({ apiKey, videoBaseURL: sim.base }).video(model);
  const ask = (more, options) => ({ n: 1, providerOptions: { alibaba: { ...options } }, ...more });
  const make = async (model, more, options) => {
    const { operation, warnings } = await wan(model).doStart(ask(more, options));
    return { warnings, ...(await sim.until(() => wan(model).doStatus({ operation }), ({ status }) => status !== "pending")) };
  };
  const png = { type: "file", mediaType: "image/png", data: new Uint8Array(sim.png) };

  await sim.check("Wan 2.6 from words, with a star in its size", async () => {
    const { videos, providerMetadata } = await make("wan2.6-t2v", { prompt: "a red fox", resolution: "1280x720", duration: 5, seed: 7 }, { promptExtend: false, shotType: "single" });
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
    assert.equal(providerMetadata.alibaba.usage.duration, 5);
    assert.equal((await sim.paid("a red fox")).paid, 1);
  });

  await sim.check("Wan 2.6 from a picture", async () => {
    const { videos } = await make("wan2.6-i2v", { prompt: "it runs", image: { type: "url", url: "https://example.com/fox.png" }, resolution: "1280x720" });
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
  });

  await sim.check("Wan 2.7 from references", async () => {
    const { videos } = await make("wan2.7-r2v", { prompt: "Image 1 runs", inputReferences: [png, { type: "url", url: "https://example.com/a.mp4" }], aspectRatio: "9:16", resolution: "1920x1080" });
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
  });

  await sim.check("Wan 3 from frames", async () => {
    const frameImages = [{ frameType: "first_frame", image: png }, { frameType: "last_frame", image: png }];
    const { videos, warnings } = await make("wan3.0-video", { prompt: "from here to there", frameImages, generateAudio: true });
    assert.deepEqual(warnings, []);
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
  });

  await sim.check("a video that fails", async () => {
    const { status, error } = await make("wan2.7-t2v", { prompt: "a blue fox [sim:jobfail=policy]" });
    assert.equal(status, "error");
    assert.match(error, /failed.*inappropriate content/);
  });

  await sim.check("a bad key", async () => {
    const error = await sim.error(wan("wan2.7-t2v", "nobody").doStart(ask({ prompt: "a red fox" })));
    assert.ok(APICallError.isInstance(error), error.name);
    assert.equal(error.statusCode, 401);
  });

  for (const [fault, status, words] of [["429", 429, /rate limit/], ["quota", 400, /good standing/], ["policy", 400, /inappropriate/], ["500", 500, /internal error/]]) {
    await sim.check(`refused: ${fault}`, async () => {
      const error = await sim.error(make("wan2.7-t2v", { prompt: `a green fox [sim:${fault}]` }));
      assert.ok(APICallError.isInstance(error), error.name);
      assert.equal(error.statusCode, status);
      assert.match(error.message, words);
    });
  }
}
