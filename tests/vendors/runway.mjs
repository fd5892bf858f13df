// Proves that Runway's own SDK takes the simulator for Runway: pictures, videos, waiting, cancel, uploads, and its classes of errors.
export default async function (sim) {
  const { default: RunwayML, toFile, TaskFailedError, TaskTimedOutError, BadRequestError, AuthenticationError, NotFoundError, RateLimitError, InternalServerError } = await sim.sdk("@runwayml/sdk");
  const { assert } = sim;
  const make = (more = {}) => new RunwayML({ apiKey: sim.key, baseURL: sim.base, maxRetries: 0, ...more });
  const runway = make();
  const video = (prompt, more = {}) => ({ model: "gen4.5", promptImage: "https://example.com/fox.png", promptText: prompt, ratio: "1280:720", duration: 5, ...more });

  await sim.check("imageToVideo and waiting for the task: a video", async () => {
    const task = await runway.imageToVideo.create(video("a fox runs")).waitForTaskOutput({ timeout: 30_000 });
    assert.equal(task.status, "SUCCEEDED");
    assert.equal(sim.sniff(await sim.download(task.output[0])), "mp4");
  });
  await sim.check("textToImage and tasks.retrieve: queued, running, done", async () => {
    const { id, estimatedCost } = await runway.textToImage.create({ model: "gen4_image", promptText: "a red fox", ratio: "1024:1024" });
    assert.ok(estimatedCost.credits > 0);
    const seen = new Set();
    const task = await sim.until(
      () => runway.tasks.retrieve(id),
      (now) => seen.add(now.status) && now.status === "SUCCEEDED",
    );
    assert.ok(seen.has("RUNNING"), [...seen].join());
    assert.equal(sim.sniff(await sim.download(task.output[0])), "png");
  });
  await sim.check("a file is uploaded by a presigned form, without the key", async () => {
    const { uri } = await runway.uploads.createEphemeral({ file: await toFile(sim.png, "fox.png", { type: "image/png" }) });
    assert.match(uri, /^runway:\/\//);
    const task = await runway.imageToVideo.create(video("a fox runs", { promptImage: [{ uri, position: "first" }] })).waitForTaskOutput({ timeout: 30_000 });
    assert.equal(task.output.length, 1);
    assert.equal((await sim.stats()).leaked, 0);
  });
  await sim.check("tasks.delete cancels what runs", async () => {
    const { id } = await runway.imageToVideo.create(video("a fox [sim:endless]"));
    await runway.tasks.delete(id);
    assert.equal((await runway.tasks.retrieve(id)).status, "CANCELLED");
  });
  await sim.check("waiting for a task that fails is a TaskFailedError with its code", async () => {
    const error = await sim.error(runway.imageToVideo.create(video("a fox [sim:jobfail=policy]")).waitForTaskOutput({ timeout: 30_000 }));
    assert.ok(error instanceof TaskFailedError, String(error));
    assert.equal(error.taskDetails.failureCode, "SAFETY.INPUT.TEXT");
  });
  await sim.check("waiting for too long is a TaskTimedOutError", async () => {
    const error = await sim.error(runway.imageToVideo.create(video("another fox [sim:endless]")).waitForTaskOutput({ timeout: 100 }));
    assert.ok(error instanceof TaskTimedOutError, String(error));
  });
  for (const [fault, status, kind] of [["auth", 401, AuthenticationError], ["quota", 400, BadRequestError], ["404", 404, NotFoundError], ["429", 429, RateLimitError], ["503", 503, InternalServerError]]) {
    await sim.check(`${fault} is a ${kind.name}`, async () => {
      const error = await sim.error(runway.imageToVideo.create(video(`a fox [sim:${fault}]`)));
      assert.ok(error instanceof kind, String(error));
      assert.equal(error.status, status);
    });
  }
  await sim.check("the SDK waits after 429 and asks again", async () => {
    const prompt = "a fox [sim:429 retry-after=1]";
    await make({ maxRetries: 2 }).imageToVideo.create(video(prompt));
    assert.deepEqual([(await sim.paid(prompt)).asked, (await sim.paid(prompt)).paid], [2, 1]);
  });
  await sim.check("a field that is missing is told with its name", async () => {
    const error = await sim.error(runway.textToImage.create({ model: "gen4_image", promptText: "a red fox" }));
    assert.ok(error instanceof BadRequestError, String(error));
    assert.deepEqual(error.error.issues[0].path, ["ratio"]);
  });
  await sim.check("a request without a version is refused", async () => {
    const answer = await fetch(`${sim.base}/v1/text_to_image`, { method: "POST", headers: { authorization: `Bearer ${sim.key}`, "content-type": "application/json" }, body: "{}" });
    assert.equal(answer.status, 400);
  });
}
