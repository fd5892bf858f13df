// Proves that the AI SDK's own provider takes the simulator for Black Forest Labs: pictures, references, video, and every way to fail.
export default async function (sim) {
  const { createBlackForestLabs } = await sim.sdk("@ai-sdk/black-forest-labs");
  const { assert } = sim;
  const make = (more = {}) => createBlackForestLabs({ baseURL: `${sim.base}/v1`, apiKey: sim.key, pollIntervalMillis: 50, ...more });
  const bfl = make();
  const picture = (prompt, more = {}) => bfl.image("flux-2-pro").doGenerate({ prompt, n: 1, providerOptions: {}, ...more });

  await sim.check("a picture in the size and format asked for", async () => {
    const blackForestLabs = { width: 512, height: 256, outputFormat: "png" };
    const made = await picture("a red fox", { seed: 7, providerOptions: { blackForestLabs } });
    assert.equal(sim.sniff(made.images[0]), "png");
    assert.deepEqual([Buffer.from(made.images[0]).readUInt32BE(16), Buffer.from(made.images[0]).readUInt32BE(20)], [512, 256]);
    assert.deepEqual(made.providerMetadata.blackForestLabs.images[0], { seed: 7, cost: 3, inputMegapixels: 0, outputMegapixels: 1 });
  });
  await sim.check("reference pictures, one of them as base64", async () => {
    const files = [{ type: "file", data: sim.png, mediaType: "image/png" }, { type: "url", url: "https://example.com/fox.png" }];
    assert.equal(sim.sniff((await picture("a hat", { files })).images[0]), "jpeg");
  });
  await sim.check("a video from words", async () => {
    const made = await bfl.video("flux-3-video").doGenerate({ prompt: "the fox runs", n: 1, duration: 5, aspectRatio: "16:9", providerOptions: {} });
    assert.equal(sim.sniff(await sim.download(made.videos[0].url)), "mp4");
  });
  for (const [fault, status, text] of [["429", 429, /Too many/], ["quota", 402, /credits/], ["auth", 403, /authenticated/], ["500", 500, /Internal/]]) {
    await sim.check(`${fault} is an error ${status}`, async () => {
      const error = await sim.error(picture(`a red fox [sim:${fault}]`));
      assert.equal(error.statusCode, status);
      assert.match(error.message, text);
    });
  }
  await sim.check("a wrong field is an error 422 that names it", async () => {
    const error = await sim.error(picture("a red fox", { providerOptions: { blackForestLabs: { steps: 99 } } }));
    assert.equal(error.statusCode, 422);
    assert.match(error.message, /steps/);
  });
  await sim.check("another key is refused", async () => {
    const error = await sim.error(make({ apiKey: "wrong" }).image("flux-2-pro").doGenerate({ prompt: "a fox", n: 1, providerOptions: {} }));
    assert.equal(error.statusCode, 403);
  });
  await sim.check("a picture that fails", async () => {
    assert.match((await sim.error(picture("a red fox [sim:jobfail]"))).message, /generation failed/);
  });
  await sim.check("a video that moderation refuses", async () => {
    const refused = bfl.video("flux-3-video").doGenerate({ prompt: "x [sim:jobfail=policy]", n: 1, providerOptions: {} });
    assert.match((await sim.error(refused)).message, /Request Moderated.*Safety Filter/);
  });
}
