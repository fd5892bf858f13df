// The AI SDK's ByteDance provider takes the simulator for ModelArk: Seedance videos, Seedream pictures, errors.
export default async function (sim) {
  const { assert } = sim;
  const { createByteDance } = await sim.sdk("@ai-sdk/bytedance");
  const { APICallError } = await sim.sdk("@ai-sdk/provider");
  const ark = (apiKey = sim.key) => createByteDance({ apiKey, baseURL: `${sim.base}/api/v3` });
  const video = (apiKey) => ark(apiKey).video("dreamina-seedance-2-0-260128");
  const image = (apiKey) => ark(apiKey).image("seedream-4-5-251128");
  const picture = (more, options) => ({ n: 1, providerOptions: { bytedance: { ...options } }, ...more });
  const ask = (more, options) => picture(more, { pollIntervalMs: 50, ...options });
  const png = { type: "file", mediaType: "image/png", data: new Uint8Array(sim.png) };

  await sim.check("words become a video", async () => {
    const { videos, providerMetadata } = await video().doGenerate(ask({ prompt: "a red fox", aspectRatio: "16:9", duration: 5, resolution: "1280x720", seed: 7 }, { generateAudio: true, watermark: false }));
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
    assert.ok(providerMetadata.bytedance.usage.completion_tokens > 0);
    assert.equal((await sim.paid("a red fox")).paid, 1);
  });

  await sim.check("frames become a video", async () => {
    const { videos } = await video().doGenerate(ask({ prompt: "from here to there", image: png }, { lastFrameImage: "https://example.com/end.png" }));
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
  });

  await sim.check("references become a video, assets too", async () => {
    const references = { referenceImages: ["asset://asset-1"], referenceVideos: ["https://example.com/a.mp4"], referenceAudio: ["https://example.com/a.mp3"] };
    const { videos } = await video().doGenerate(ask({ prompt: "as in these" }, references));
    assert.equal(sim.sniff(await sim.download(videos[0].url)), "mp4");
  });

  await sim.check("a video that fails", async () => {
    const error = await sim.error(video().doGenerate(ask({ prompt: "a blue fox [sim:jobfail=policy]" })));
    assert.equal(error.name, "BYTEDANCE_VIDEO_GENERATION_FAILED");
    assert.match(error.message, /"status":"failed"/);
  });

  await sim.check("words become a picture", async () => {
    const { images } = await image().doGenerate(picture({ prompt: "a red fox in snow", size: "1024x1024" }, { watermark: false }));
    assert.equal(sim.sniff(Buffer.from(images[0], "base64")), "jpeg");
  });

  await sim.check("pictures become a series", async () => {
    const { images } = await image().doGenerate(picture({ prompt: "both in one", files: [png, png] }, { sequentialImageGeneration: "auto", maxImages: 2, outputFormat: "png" }));
    assert.equal(images.length, 2);
    assert.equal(sim.sniff(Buffer.from(images[1], "base64")), "png");
  });

  await sim.check("a bad key", async () => {
    const error = await sim.error(image("nobody").doGenerate(picture({ prompt: "a red fox" })));
    assert.ok(APICallError.isInstance(error), error.name);
    assert.equal(error.statusCode, 401);
  });

  for (const [fault, status, words] of [["429", 429, /RPM/], ["quota", 403, /overdue/], ["policy", 400, /sensitive/], ["500", 500, /internal error/]]) {
    await sim.check(`refused: ${fault}`, async () => {
      const error = await sim.error(video().doGenerate(ask({ prompt: `a green fox [sim:${fault}]` })));
      assert.ok(APICallError.isInstance(error), error.name);
      assert.equal(error.statusCode, status);
      assert.match(error.message, words);
    });
  }
}
