// MiniMax's own JavaScript library takes the simulator for MiniMax: speech as hex and by URL, a video in three steps, errors at HTTP 200.
export default async function (sim) {
  const { assert } = sim;
  const { MiniMaxAPI } = await sim.sdk("minimax-mcp-js/build/utils/api.js");
  const { TTSAPI } = await sim.sdk("minimax-mcp-js/build/api/tts.js");
  const { VideoAPI } = await sim.sdk("minimax-mcp-js/build/api/video.js");
  const { MinimaxAuthError, MinimaxRequestError } = await sim.sdk("minimax-mcp-js/build/exceptions/index.js");
  const { readFile, mkdtemp, rm } = await import("node:fs/promises");
  const { tmpdir } = await import("node:os");
  const { join } = await import("node:path");
  const api = (apiKey = sim.key) => new MiniMaxAPI({ apiKey, apiHost: sim.base, resourceMode: "url" });
  const folder = await mkdtemp(join(tmpdir(), "minimax-"));

  await sim.check("speech comes as hex", async () => {
    const { audio } = await new TTSAPI(api()).generateSpeech({ text: "Good morning.", model: "speech-02-hd", format: "wav", bitrate: 128000, outputFile: join(folder, "a.wav") });
    assert.equal(sim.sniff(await readFile(audio)), "wav");
  });

  await sim.check("speech comes by URL", async () => {
    const { audio } = await new TTSAPI(api()).generateSpeech({ text: "Good morning, again.", outputFormat: "url", outputFile: join(folder, "b.mp3") });
    assert.equal(sim.sniff(await sim.download(audio)), "mp3");
  });

  await sim.check("a video in three steps", async () => {
    const video = new VideoAPI(api());
    const image = `data:image/png;base64,${sim.png.toString("base64")}`;
    const { task_id: taskId } = await video.generateVideo({ prompt: "a red fox", model: "MiniMax-Hailuo-02", firstFrameImage: image, duration: 6, resolution: "768P", asyncMode: true });
    const seen = new Set();
    const done = await sim.until(() => video.queryVideoGeneration({ taskId }), (task) => (seen.add(task.status), task.status === "Success"));
    assert.ok(seen.has("Queueing") || seen.has("Preparing") || seen.has("Processing"), [...seen].join());
    assert.equal(sim.sniff(await sim.download(done.video_url)), "mp4");
    assert.equal((await sim.paid("a red fox")).paid, 1);
  });

  await sim.check("a video that fails", async () => {
    const video = new VideoAPI(api());
    const { task_id: taskId } = await video.generateVideo({ prompt: "a blue fox [sim:jobfail=policy]", asyncMode: true });
    const error = await sim.error(sim.until(() => video.queryVideoGeneration({ taskId }), () => false));
    assert.ok(error instanceof MinimaxRequestError, error.name);
    assert.match(error.message, /new_sensitive|failed/);
  });

  await sim.check("a bad key", async () => {
    const error = await sim.error(new TTSAPI(api("nobody")).generateSpeech({ text: "Good morning.", outputFile: join(folder, "c.mp3") }));
    assert.ok(error instanceof MinimaxAuthError, error.name);
  });

  for (const [fault, words] of [["quota", /insufficient balance/], ["policy", /new_sensitive/], ["429", /rate limit/]]) {
    await sim.check(`refused: ${fault}`, async () => {
      const error = await sim.error(new VideoAPI(api()).generateVideo({ prompt: `a green fox [sim:${fault}]`, asyncMode: true }));
      assert.ok(error instanceof MinimaxRequestError, error.name);
      assert.match(error.message, words);
    });
  }

  await rm(folder, { recursive: true });
}
