// Proves that Together's own SDK takes the simulator for Together: pictures in both forms, videos, speech, the queue, and its classes of errors.
export default async function (sim) {
  const { default: Together, BadRequestError, AuthenticationError, APIError, NotFoundError, RateLimitError, UnprocessableEntityError, InternalServerError } = await sim.sdk("together-ai");
  const { assert } = sim;
  const make = (version, more = {}) => new Together({ apiKey: sim.key, baseURL: `${sim.base}/${version}`, maxRetries: 0, ...more });
  const together = make("v1");
  const films = make("v2"); // where the SDK sends videos when nobody gives it a base
  const picture = (prompt, more = {}) => together.images.generate({ model: "black-forest-labs/FLUX.1-schnell", prompt, steps: 4, ...more });

  await sim.check("images.generate gives base64 or URLs", async () => {
    const { data } = await picture("a red fox", { n: 2, width: 512, height: 256, response_format: "base64", output_format: "png" });
    assert.deepEqual(data.map((image) => sim.sniff(Buffer.from(image.b64_json, "base64"))), ["png", "png"]);
    const urls = await picture("a red fox", { response_format: "url" });
    assert.equal(sim.sniff(await sim.download(urls.data[0].url)), "jpeg");
  });
  await sim.check("videos.create and retrieve: in progress, completed", async () => {
    const media = { frame_images: [{ input_image: "https://example.com/a.png", frame: "first" }] };
    const begun = await films.videos.create({ model: "minimax/hailuo-02", prompt: "a fox runs", width: 640, height: 360, seconds: "5", media });
    assert.equal(begun.status, "in_progress");
    const done = await sim.until(() => films.videos.retrieve(begun.id), (now) => now.status !== "in_progress");
    assert.equal(done.status, "completed");
    assert.equal(sim.sniff(await sim.download(done.outputs.video_url)), "mp4");
  });
  await sim.check("a video that fails has an error", async () => {
    const { id } = await films.videos.create({ model: "minimax/hailuo-02", prompt: "a fox [sim:jobfail=policy]" });
    const done = await sim.until(() => films.videos.retrieve(id), (now) => now.status !== "in_progress");
    assert.equal(done.status, "failed");
    assert.match(done.error.message, /moderation/);
  });
  await sim.check("audio.speech.create gives bytes", async () => {
    const answer = await together.audio.speech.create({ model: "cartesia/sonic-2", input: "Good morning.", voice: "laidback woman", response_format: "mp3" });
    assert.equal(sim.sniff(await sim.bytesOf(answer)), "mp3");
  });
  await sim.check("the queue: submitted, asked for, cancelled while it waits", async () => {
    const { queue } = together.beta.jig;
    const { requestId } = await queue.submit({ model: "acme/my-model", payload: { prompt: "a red fox" }, priority: 5 });
    const done = await sim.until(() => queue.retrieve({ model: "acme/my-model", request_id: requestId }), (now) => now.status === "done");
    assert.equal(sim.sniff(await sim.download(done.outputs.images[0])), "png");
    const second = await queue.submit({ model: "acme/my-model", payload: { prompt: "a fox [sim:job-ms=60000]" } });
    assert.equal((await queue.cancel({ model: "acme/my-model", request_id: second.requestId })).status, "canceled");
  });
  const faults = { auth: AuthenticationError, quota: APIError, policy: UnprocessableEntityError, 404: NotFoundError, 429: RateLimitError, 503: InternalServerError };
  for (const [fault, kind] of Object.entries(faults)) {
    await sim.check(`${fault} is a ${kind.name}`, async () => {
      const error = await sim.error(picture(`a fox [sim:${fault}]`));
      assert.ok(error instanceof kind, String(error));
    });
  }
  await sim.check("a width that is no number is a BadRequestError", async () => {
    const error = await sim.error(picture("a fox", { width: "wide" }));
    assert.ok(error instanceof BadRequestError, String(error));
    assert.match(error.message, /width/);
  });
  await sim.check("the SDK waits after 429 and asks again", async () => {
    const prompt = "another fox [sim:429 retry-after=1]";
    await make("v1", { maxRetries: 2 }).images.generate({ model: "black-forest-labs/FLUX.1-schnell", prompt });
    assert.deepEqual([(await sim.paid(prompt)).asked, (await sim.paid(prompt)).paid], [2, 1]);
  });
}
