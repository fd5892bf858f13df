// The AI SDK's MiniMax provider takes the simulator for MiniMax's H3: words, frames and references, states, errors.
export default async function (sim) {
  const { assert } = sim;
  const { createMiniMax } = await sim.sdk("@ai-sdk/minimax");
  const { APICallError } = await sim.sdk("@ai-sdk/provider");
  const model = (apiKey = sim.key) => createMiniMax({ apiKey, videoBaseURL: sim.base }).video("MiniMax-H3");
  const ask = (more) => ({ n: 1, providerOptions: { minimax: { pollIntervalMs: 50 } }, ...more });
  const png = { type: "file", mediaType: "image/png", data: new Uint8Array(sim.png) };

  await sim.check("words become a video", async () => {
    const { videos, providerMetadata } = await model().doGenerate(ask({ prompt: "a red fox", aspectRatio: "9:16", duration: 5, resolution: "768P" }));
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
    assert.equal(providerMetadata.minimax.usage.totalSeconds, 5);
    assert.equal((await sim.paid("a red fox")).paid, 1);
  });

  await sim.check("frames become a video", async () => {
    const frameImages = [{ frameType: "first_frame", image: png }, { frameType: "last_frame", image: png }];
    const { videos, warnings } = await model().doGenerate(ask({ prompt: "from here to there", frameImages }));
    assert.deepEqual(warnings, []);
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
  });

  await sim.check("references become a video", async () => {
    const { videos } = await model().doGenerate(ask({ prompt: "as in these", aspectRatio: "16:9", inputReferences: [png, { type: "url", url: "https://example.com/a.mp4", mediaType: "video/mp4" }] }));
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
  });

  await sim.check("a video that fails", async () => {
    const error = await sim.error(model().doGenerate(ask({ prompt: "a blue fox [sim:jobfail=policy]" })));
    assert.equal(error.name, "MINIMAX_VIDEO_GENERATION_FAILED");
    assert.match(error.message, /new_sensitive \(1027\)/);
  });

  await sim.check("a bad key", async () => {
    const error = await sim.error(model("nobody").doGenerate(ask({ prompt: "a red fox" })));
    assert.ok(APICallError.isInstance(error), error.name);
    assert.equal(error.statusCode, 401);
  });

  for (const [fault, status, words] of [["429", 429, /rate limit/], ["quota", 429, /insufficient balance/], ["policy", 400, /new_sensitive/], ["500", 500, /system error/]]) {
    await sim.check(`refused: ${fault}`, async () => {
      const error = await sim.error(model().doGenerate(ask({ prompt: `a green fox [sim:${fault}]` })));
      assert.ok(APICallError.isInstance(error), error.name);
      assert.equal(error.statusCode, status);
      assert.match(error.message, words);
    });
  }
}
