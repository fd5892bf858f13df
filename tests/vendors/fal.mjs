// Proves that fal's own client takes the simulator for fal: queue, status, result, cancel, upload of files, and its classes of errors.
export default async function (sim) {
  const { createFalClient, ApiError, ValidationError } = await sim.sdk("@fal-ai/client");
  const { assert } = sim;
  // The client has no setting for another host; its middleware may send a request elsewhere.
  const requestMiddleware = async (request) => ({ ...request, url: request.url.replace(/^https:\/\/(queue\.fal\.run|fal\.run|rest\.fal\.ai)/, sim.base) });
  const make = (more = {}) => createFalClient({ credentials: sim.key, requestMiddleware, retry: { maxRetries: 0 }, ...more });
  const fal = make();

  await sim.check("subscribe waits for pictures", async () => {
    const seen = [];
    const got = await fal.subscribe("fal-ai/flux/dev", {
      input: { prompt: "a red fox", image_size: { width: 640, height: 480 }, num_images: 2, output_format: "png" },
      pollInterval: 50,
      onQueueUpdate: (update) => seen.push(update.status),
    });
    assert.deepEqual(got.data.images.map((image) => [image.width, image.height, image.content_type]), [[640, 480, "image/png"], [640, 480, "image/png"]]);
    assert.equal(sim.sniff(await sim.download(got.data.images[1].url)), "png");
    assert.deepEqual([seen[0], seen.at(-1)], ["IN_QUEUE", "COMPLETED"]);
  });
  await sim.check("queue.submit, status, result: a video", async () => {
    const model = "fal-ai/kling-video/v2/master/text-to-video";
    const { request_id: requestId } = await fal.queue.submit(model, { input: { prompt: "a fox runs", duration: "5", aspect_ratio: "9:16" } });
    await sim.until(() => fal.queue.status(model, { requestId, logs: true }), (status) => status.status === "COMPLETED");
    const got = await fal.queue.result(model, { requestId });
    assert.equal(sim.sniff(await sim.download(got.data.video.url)), "mp4");
    assert.equal(got.requestId, requestId);
  });
  await sim.check("storage.upload puts a file where a model takes it from", async () => {
    const url = await fal.storage.upload(new File([sim.png], "fox.png", { type: "image/png" }));
    const got = await fal.subscribe("fal-ai/flux/dev/image-to-image", { input: { prompt: "a hat", image_url: url }, pollInterval: 50 });
    assert.equal(got.data.images.length, 1);
    assert.equal((await sim.stats()).leaked, 0);
  });
  await sim.check("queue.cancel ends a request that runs", async () => {
    const { request_id: requestId } = await fal.queue.submit("fal-ai/flux/dev", { input: { prompt: "a fox [sim:endless]" } });
    await fal.queue.cancel("fal-ai/flux/dev", { requestId });
    const error = await sim.error(fal.queue.result("fal-ai/flux/dev", { requestId }));
    assert.equal(error.status, 499);
  });
  await sim.check("a prompt against the policy is a ValidationError of the result", async () => {
    const error = await sim.error(fal.subscribe("fal-ai/flux/dev", { input: { prompt: "a fox [sim:jobfail=policy]" }, pollInterval: 50 }));
    assert.ok(error instanceof ValidationError, String(error));
    assert.equal(error.fieldErrors[0].type, "content_policy_violation");
  });
  await sim.check("a runner that fails is an ApiError", async () => {
    const error = await sim.error(fal.subscribe("fal-ai/flux/dev", { input: { prompt: "a fox [sim:jobfail]" }, pollInterval: 50 }));
    assert.ok(error instanceof ApiError && !(error instanceof ValidationError), String(error));
    assert.equal(error.status, 500);
  });
  for (const [fault, status] of [["auth", 401], ["quota", 403], ["404", 404]]) {
    await sim.check(`${fault} is an ApiError ${status}`, async () => {
      const error = await sim.error(fal.queue.submit("fal-ai/flux/dev", { input: { prompt: `a fox [sim:${fault}]` } }));
      assert.ok(error instanceof ApiError && error.requestId, String(error));
      assert.equal(error.status, status);
    });
  }
  await sim.check("another key is refused", async () => {
    const error = await sim.error(make({ credentials: "wrong" }).queue.submit("fal-ai/flux/dev", { input: { prompt: "a fox" } }));
    assert.equal(error.status, 401);
  });
}
