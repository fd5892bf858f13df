// Proves that Leonardo's own SDK takes the simulator for Leonardo: pictures, video, upload of a picture, delete, and its errors.
export default async function (sim) {
  const { Leonardo } = await sim.sdk("@leonardo-ai/sdk");
  const { assert } = sim;
  const make = (bearerAuth = sim.key) => new Leonardo({ serverURL: sim.base, bearerAuth, retryConfig: { strategy: "none" } });
  const leonardo = make();
  const picture = (prompt, more = {}) => leonardo.image.createGeneration({ prompt, modelId: "b24e16ff-06e3-43eb-8d33-4416c2d75876", width: 512, height: 512, numImages: 2, ...more });
  const ended = (id) =>
    sim.until(
      async () => (await leonardo.image.getGenerationById(id)).object.generationsByPk,
      (generation) => generation.status !== "PENDING",
    );

  await sim.check("createGeneration and getGenerationById: two pictures", async () => {
    const job = (await picture("a red fox", { seed: 7 })).object.sdGenerationJob;
    const got = await ended(job.generationId);
    assert.equal(got.status, "COMPLETE");
    assert.equal(got.generatedImages.length, 2);
    assert.equal(sim.sniff(await sim.download(got.generatedImages[1].url)), "jpeg");
  });
  await sim.check("uploadInitImage gives the fields of a form as a text", async () => {
    const init = (await leonardo.initImages.uploadInitImage({ extension: "png" })).object.uploadInitImage;
    const form = new FormData();
    for (const [name, value] of Object.entries(JSON.parse(init.fields))) form.append(name, value);
    form.append("file", new Blob([sim.png], { type: "image/png" }), "fox.png");
    assert.equal((await fetch(init.url, { method: "POST", body: form })).status, 204);
    const job = (await picture("in winter", { initImageId: init.id, initStrength: 0.5 })).object.sdGenerationJob;
    assert.equal((await ended(job.generationId)).status, "COMPLETE");
  });
  await sim.check("a failed generation", async () => {
    const job = (await picture("a red fox [sim:jobfail]")).object.sdGenerationJob;
    assert.equal((await ended(job.generationId)).status, "FAILED");
  });
  await sim.check("deleteGenerationById throws it away", async () => {
    const job = (await picture("a red fox")).object.sdGenerationJob;
    await leonardo.image.deleteGenerationById(job.generationId);
    assert.equal((await sim.error(leonardo.image.getGenerationById(job.generationId))).statusCode, 404);
  });
  for (const [fault, status, text] of [["429", 429, /Too many/], ["quota", 400, /tokens/], ["policy", 400, /moderation/], ["auth", 401, /authorization/], ["500", 500, /internal/]]) {
    await sim.check(`${fault} is an error ${status}`, async () => {
      const error = await sim.error(picture(`a red fox [sim:${fault}]`));
      assert.equal(error.statusCode, status);
      assert.match(error.body, text);
    });
  }
  await sim.check("a wrong field is an error 400 that names it", async () => {
    const error = await sim.error(picture("a red fox", { width: 5000 }));
    assert.equal(error.statusCode, 400);
    assert.match(error.body, /width/);
  });
  await sim.check("another key is refused", async () => {
    assert.equal((await sim.error(make("wrong").image.createGeneration({ prompt: "a fox" }))).statusCode, 401);
  });
}
