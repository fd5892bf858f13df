// Proves that OpenAI's own SDK takes the simulator for OpenAI: pictures, edits, videos, speech, chat, models, and its classes of errors.
export default async function (sim) {
  const { OpenAI, toFile, ...errors } = await sim.sdk("openai");
  const { assert } = sim;
  const make = (more = {}) => new OpenAI({ baseURL: `${sim.base}/v1`, apiKey: sim.key, maxRetries: 0, ...more });
  const client = make();

  await sim.check("images.generate gives base64 of every picture asked for", async () => {
    const got = await client.images.generate({ model: "gpt-image-2", prompt: "a red fox", n: 2, size: "1024x1536", output_format: "webp" });
    assert.deepEqual(got.data.map((item) => sim.sniff(Buffer.from(item.b64_json, "base64"))), ["webp", "webp"]);
    assert.equal(got.usage.total_tokens, 1070);
    assert.equal(got.size, "1024x1536");
  });
  await sim.check("images.generate of dall-e-3 gives URLs", async () => {
    const got = await client.images.generate({ model: "dall-e-3", prompt: "a red fox" });
    assert.equal(sim.sniff(await sim.download(got.data[0].url)), "png");
  });
  await sim.check("images.edit takes several files", async () => {
    const image = [await toFile(sim.png, "a.png", { type: "image/png" }), await toFile(sim.png, "b.png", { type: "image/png" })];
    const got = await client.images.edit({ model: "gpt-image-2", prompt: "a hat", image });
    assert.equal(sim.sniff(Buffer.from(got.data[0].b64_json, "base64")), "png");
  });
  await sim.check("videos: create, poll, download, delete", async () => {
    const first = await toFile(sim.png, "first.png", { type: "image/png" });
    const made = await client.videos.create({ model: "sora-2", prompt: "a fox runs", seconds: "4", size: "1280x720", input_reference: first });
    assert.equal(made.status, "queued");
    const done = await sim.until(() => client.videos.retrieve(made.id), (video) => video.status === "completed");
    assert.deepEqual([done.status, done.progress, done.size, done.seconds], ["completed", 100, "1280x720", "4"]);
    assert.equal(sim.sniff(await sim.bytesOf(await client.videos.downloadContent(made.id))), "mp4");
    assert.equal((await client.videos.delete(made.id)).deleted, true);
    assert.ok((await sim.error(client.videos.retrieve(made.id))) instanceof errors.NotFoundError);
  });
  await sim.check("a video that fails says why", async () => {
    const { id } = await client.videos.create({ model: "sora-2", prompt: "a fox [sim:jobfail=policy]" });
    const video = await sim.until(() => client.videos.retrieve(id), (asked) => asked.status === "failed");
    assert.equal(video.error.code, "moderation_blocked");
  });
  await sim.check("audio.speech gives sound", async () => {
    for (const [format, kind] of [["mp3", "mp3"], ["wav", "wav"]]) {
      const got = await client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: "Good day", response_format: format });
      assert.equal(sim.sniff(await sim.bytesOf(got)), kind);
    }
  });
  await sim.check("chat.completions.create", async () => {
    const got = await client.chat.completions.create({ model: "gpt-5", messages: [{ role: "user", content: "Good day" }] });
    assert.match(got.choices[0].message.content, /Good day/);
  });
  await sim.check("models.list", async () => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes("sora-2"));
  });
  for (const [fault, name] of [["auth", "AuthenticationError"], ["429", "RateLimitError"], ["quota", "RateLimitError"], ["policy", "BadRequestError"],
    ["403", "PermissionDeniedError"], ["404", "NotFoundError"], ["409", "ConflictError"], ["422", "UnprocessableEntityError"], ["500", "InternalServerError"]]) {
    await sim.check(`${fault} is a ${name}`, async () => {
      const error = await sim.error(client.images.generate({ model: "gpt-image-2", prompt: `a fox [sim:${fault}]` }));
      assert.ok(error instanceof errors[name], `${error.constructor.name}: ${error.message}`);
      assert.ok(error.requestID.startsWith("req_") && error.message.length > 10);
    });
  }
  await sim.check("a field that does not exist is refused by name", async () => {
    const error = await sim.error(client.images.generate({ model: "gpt-image-2", prompt: "a fox", nonsense: 1 }));
    assert.deepEqual([error.status, error.param, error.code], [400, "nonsense", "unknown_parameter"]);
  });
  await sim.check("another key is refused", async () => {
    assert.ok((await sim.error(make({ apiKey: "wrong" }).models.list())) instanceof errors.AuthenticationError);
  });
  await sim.check("the SDK's own retries end well and are paid once", async () => {
    const prompt = "a patient fox [sim:429 times=2]";
    await make({ maxRetries: 3 }).images.generate({ model: "gpt-image-2", prompt });
    const counted = await sim.paid(prompt);
    assert.deepEqual([counted.asked, counted.paid], [3, 1]);
  });
}
