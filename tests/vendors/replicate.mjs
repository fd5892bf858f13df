// Proves that Replicate's own client takes the simulator for Replicate: run in both modes, predictions, deployments, cancel, files, and its errors.
export default async function (sim) {
  const { default: Replicate } = await sim.sdk("replicate");
  const { assert } = sim;
  const make = (more = {}) => new Replicate({ auth: sim.key, baseUrl: `${sim.base}/v1`, useFileOutput: false, ...more });
  const replicate = make();

  await sim.check("run holds the request open and gives pictures", async () => {
    const got = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a red fox", num_outputs: 2, output_format: "png" } });
    assert.equal(got.length, 2);
    assert.equal(sim.sniff(await sim.download(got[1])), "png");
  });
  await sim.check("run asks for a version until it has ended", async () => {
    const seen = [];
    const version = "stability-ai/sdxl:39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b";
    const got = await replicate.run(version, { input: { prompt: "a red fox", output_format: "jpg" }, wait: { mode: "poll", interval: 50 } }, (p) => seen.push(p.status));
    assert.equal(sim.sniff(await sim.download(got[0])), "jpeg");
    assert.deepEqual([seen[0], seen.at(-1)], ["starting", "succeeded"]);
  });
  await sim.check("predictions.create and wait: a video", async () => {
    const begun = await replicate.predictions.create({ version: "kwaivgi/kling-v2.1", input: { prompt: "a fox runs", duration: 5 } });
    assert.equal(begun.status, "starting");
    const ended = await replicate.wait(begun, { interval: 50 });
    assert.equal(ended.status, "succeeded");
    assert.ok(ended.metrics.predict_time > 0);
    assert.equal(sim.sniff(await sim.download(ended.output)), "mp4");
  });
  await sim.check("a deployment of one's own", async () => {
    const begun = await replicate.deployments.predictions.create("acme", "my-app", { input: { prompt: "a red fox" } });
    assert.equal((await replicate.wait(begun, { interval: 50 })).status, "succeeded");
  });
  await sim.check("a file is uploaded and taken as an input", async () => {
    const file = await replicate.files.create(new File([sim.png], "fox.png", { type: "image/png" }));
    assert.equal(file.size, sim.png.length);
    const begun = await replicate.predictions.create({ model: "black-forest-labs/flux-kontext-pro", input: { prompt: "a hat", input_image: sim.png } });
    assert.match(begun.input.input_image, /\/v1\/files\//);
  });
  await sim.check("predictions.cancel ends what runs", async () => {
    const begun = await replicate.predictions.create({ model: "black-forest-labs/flux-dev", input: { prompt: "a fox [sim:endless]" } });
    assert.equal((await replicate.predictions.cancel(begun.id)).status, "canceled");
    assert.equal((await replicate.predictions.get(begun.id)).status, "canceled");
  });
  await sim.check("a prediction that fails is an error of run", async () => {
    const error = await sim.error(replicate.run("black-forest-labs/flux-dev", { input: { prompt: "a fox [sim:jobfail=policy]" } }));
    assert.match(error.message, /flagged as sensitive.*E005/);
  });
  for (const [fault, status] of [["auth", 401], ["quota", 402], ["404", 404], ["policy", 422], ["500", 500]]) {
    await sim.check(`${fault} is an ApiError ${status}`, async () => {
      const error = await sim.error(replicate.predictions.create({ model: "a/b", input: { prompt: `a fox [sim:${fault}]` } }));
      assert.equal(error.name, "ApiError");
      assert.equal(error.response.status, status);
    });
  }
  await sim.check("the client waits after 429 and asks again", async () => {
    const prompt = "a fox [sim:429 retry-after=1]";
    await replicate.predictions.create({ model: "a/b", input: { prompt } });
    assert.deepEqual([(await sim.paid(prompt)).asked, (await sim.paid(prompt)).paid], [2, 1]);
  });
  await sim.check("an input of the wrong type is a 422 with the field", async () => {
    const error = await sim.error(replicate.predictions.create({ model: "a/b", input: { prompt: "a fox", num_outputs: 9 } }));
    assert.equal(error.response.status, 422);
    assert.match(error.message, /num_outputs/);
  });
  await sim.check("another key is refused", async () => {
    const error = await sim.error(make({ auth: "wrong" }).predictions.create({ model: "a/b", input: { prompt: "a fox" } }));
    assert.equal(error.response.status, 401);
  });
}
