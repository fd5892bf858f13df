// Proves that Luma's own SDK takes the simulator for the Dream Machine: videos, pictures in both modes, delete, and its classes of errors.
export default async function (sim) {
  const { LumaAI, BadRequestError, AuthenticationError, NotFoundError, RateLimitError, UnprocessableEntityError, InternalServerError } = await sim.sdk("lumaai");
  const { assert } = sim;
  const make = (more = {}) => new LumaAI({ authToken: sim.key, baseURL: `${sim.base}/dream-machine/v1`, maxRetries: 0, ...more });
  const luma = make();
  const ended = (generation) => generation.state === "completed" || generation.state === "failed";

  await sim.check("generations.video.create and get: queued, dreaming, completed", async () => {
    const keyframes = { frame0: { type: "image", url: "https://example.com/a.png" } };
    const begun = await luma.generations.video.create({ model: "ray-2", prompt: "a lake", resolution: "540p", duration: "5s", keyframes });
    assert.equal(begun.state, "queued");
    const seen = new Set();
    const done = await sim.until(
      () => luma.generations.get(begun.id),
      (now) => seen.add(now.state) && ended(now),
    );
    assert.ok(seen.has("dreaming"), [...seen].join());
    assert.equal(sim.sniff(await sim.download(done.assets.video)), "mp4");
  });
  await sim.check("generations.image.create gives a picture later, or at once", async () => {
    const begun = await luma.generations.image.create({ model: "photon-1", prompt: "a lake", format: "png" });
    const done = await sim.until(() => luma.generations.get(begun.id), ended);
    assert.equal(sim.sniff(await sim.download(done.assets.image)), "png");
    const now = await luma.generations.image.create({ model: "photon-1", prompt: "a lake", sync: true });
    assert.equal(now.state, "completed");
    assert.equal(sim.sniff(await sim.download(now.assets.image)), "jpeg");
  });
  await sim.check("videos are modified and reframed", async () => {
    const media = { url: "https://example.com/v.mp4" };
    const modified = await luma.generations.video.modify({ generation_type: "modify_video", model: "ray-2", media, mode: "flex_1", prompt: "night" });
    const reframed = await luma.generations.video.reframe({ generation_type: "reframe_video", model: "ray-2", media, aspect_ratio: "9:16" });
    for (const { id } of [modified, reframed]) assert.ok((await sim.until(() => luma.generations.get(id), ended)).assets.video);
  });
  await sim.check("a generation that fails has a reason", async () => {
    const begun = await luma.generations.video.create({ model: "ray-2", prompt: "a lake [sim:jobfail=policy]" });
    const done = await sim.until(() => luma.generations.get(begun.id), ended);
    assert.equal(done.state, "failed");
    assert.match(done.failure_reason, /moderated/);
  });
  await sim.check("generations.delete forgets one", async () => {
    const { id } = await luma.generations.video.create({ model: "ray-2", prompt: "a lake" });
    await luma.generations.delete(id);
    assert.ok((await sim.error(luma.generations.get(id))) instanceof NotFoundError);
  });
  const faults = { auth: AuthenticationError, quota: BadRequestError, policy: BadRequestError, 404: NotFoundError, 429: RateLimitError, 503: InternalServerError };
  for (const [fault, kind] of Object.entries(faults)) {
    await sim.check(`${fault} is a ${kind.name}`, async () => {
      const error = await sim.error(luma.generations.video.create({ model: "ray-2", prompt: `a lake [sim:${fault}]` }));
      assert.ok(error instanceof kind, String(error));
    });
  }
  await sim.check("a duration that there is not is an UnprocessableEntityError with the field", async () => {
    const error = await sim.error(luma.generations.video.create({ model: "ray-2", prompt: "a lake", duration: "7s" }));
    assert.ok(error instanceof UnprocessableEntityError, String(error));
    assert.deepEqual(error.error.detail[0].loc, ["body", "duration"]);
  });
  await sim.check("the SDK waits after 429 and asks again", async () => {
    const prompt = "another lake [sim:429 retry-after=1]";
    await make({ maxRetries: 2 }).generations.video.create({ model: "ray-2", prompt });
    assert.deepEqual([(await sim.paid(prompt)).asked, (await sim.paid(prompt)).paid], [2, 1]);
  });
}
