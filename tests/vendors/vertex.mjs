// Proves that Google's own SDK takes the simulator for Vertex AI, with a service account: tokens, Veo's operations, Imagen, and its errors.
export default async function (sim) {
  const { GoogleGenAI, ApiError, RawReferenceImage, MaskReferenceImage } = await sim.sdk("@google/genai");
  const { JWT } = await sim.sdk("google-auth-library");
  const { assert } = sim;
  const { client_email: email, private_key: key, private_key_id: keyId } = sim.account;
  // The library knows one token endpoint; its transport may send a request elsewhere.
  const toSim = { resolved: async (config) => Object.assign(config, { url: new URL(String(config.url).replace("https://oauth2.googleapis.com/token", `${sim.base}/token`)) }) };
  const makeAuth = (more = {}) => {
    const client = new JWT({ email, key, keyId, scopes: ["https://www.googleapis.com/auth/cloud-platform"], ...more });
    client.transporter.interceptors.request.add(toSim);
    return client;
  };
  const make = (authClient) => new GoogleGenAI({
    vertexai: true, project: "p1", location: "us-central1", googleAuthOptions: { authClient, projectId: "p1" }, httpOptions: { baseUrl: sim.base, retryOptions: { attempts: 1 } },
  });
  const ai = make(makeAuth());
  const ended = async (operation) => sim.until(async () => (operation = await ai.operations.getVideosOperation({ operation })), (asked) => asked.done);
  const film = (prompt, config = {}) => ai.models.generateVideos({ model: "veo-3.1-generate-001", source: { prompt }, config });

  await sim.check("generateVideos, asked until it is done, gives the bytes of all", async () => {
    const done = await ended(await film("a fox runs", { numberOfVideos: 2, durationSeconds: 4, aspectRatio: "9:16", resolution: "720p", generateAudio: false }));
    assert.deepEqual(done.response.generatedVideos.map(({ video }) => sim.sniff(Buffer.from(video.videoBytes, "base64"))), ["mp4", "mp4"]);
  });
  await sim.check("with a place in Cloud Storage it gives an address there, which is read with the same token", async () => {
    const done = await ended(await film("a fox runs", { outputGcsUri: "gs://films/veo" }));
    const { uri } = done.response.generatedVideos[0].video;
    const [, bucket, name] = uri.match(/^gs:\/\/([^/]+)\/(.+)$/);
    const url = `${sim.base}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`;
    assert.equal((await fetch(url)).status, 401);
    assert.equal(sim.sniff(await sim.bytesOf(await fetch(url, { headers: await makeAuth().getRequestHeaders() }))), "mp4");
  });
  await sim.check("a video from a first and a last frame", async () => {
    const image = { imageBytes: sim.png.toString("base64"), mimeType: "image/png" };
    const started = await ai.models.generateVideos({ model: "veo-3.1-generate-001", source: { prompt: "from day to night", image }, config: { lastFrame: image } });
    assert.equal((await ended(started)).response.generatedVideos.length, 1);
  });
  await sim.check("what a filter withheld is counted, with its reason", async () => {
    const done = await ended(await film("a fox [sim:jobfail=policy]"));
    assert.equal(done.response.raiMediaFilteredCount, 1);
    assert.match(done.response.raiMediaFilteredReasons[0], /usage guidelines/);
  });
  await sim.check("an operation that fails says why", async () => {
    const done = await ended(await film("a fox [sim:jobfail]"));
    assert.equal(done.error.code, 13);
  });
  await sim.check("generateImages", async () => {
    const got = await ai.models.generateImages({ model: "imagen-4.0-generate-001", prompt: "a red fox", config: { numberOfImages: 2, imageSize: "2K", outputMimeType: "image/jpeg" } });
    assert.deepEqual(got.generatedImages.map(({ image }) => sim.sniff(Buffer.from(image.imageBytes, "base64"))), ["jpeg", "jpeg"]);
  });
  await sim.check("editImage with a mask", async () => {
    const raw = Object.assign(new RawReferenceImage(), { referenceId: 1, referenceImage: { imageBytes: sim.png.toString("base64"), mimeType: "image/png" } });
    const mask = Object.assign(new MaskReferenceImage(), { referenceId: 2, referenceImage: raw.referenceImage, config: { maskMode: "MASK_MODE_USER_PROVIDED" } });
    const got = await ai.models.editImage({ model: "imagen-3.0-capability-001", prompt: "a hat", referenceImages: [raw, mask], config: { editMode: "EDIT_MODE_INPAINT_INSERTION" } });
    assert.equal(sim.sniff(Buffer.from(got.generatedImages[0].image.imageBytes, "base64")), "png");
  });
  await sim.check("upscaleImage", async () => {
    const image = { imageBytes: sim.png.toString("base64"), mimeType: "image/png" };
    const got = await ai.models.upscaleImage({ model: "imagen-4.0-upscale-preview", image, upscaleFactor: "x2" });
    assert.equal(sim.sniff(Buffer.from(got.generatedImages[0].image.imageBytes, "base64")), "png");
  });
  for (const [fault, status] of [["auth", 401], ["429", 429], ["quota", 403], ["policy", 400], ["404", 404], ["500", 500], ["503", 503]]) {
    await sim.check(`${fault} is an ApiError ${status}`, async () => {
      const error = await sim.error(ai.models.generateImages({ model: "imagen-4.0-generate-001", prompt: `a fox [sim:${fault}]` }));
      assert.ok(error instanceof ApiError, String(error));
      assert.equal(error.status, status);
    });
  }
  await sim.check("an account that is not known gets no token", async () => {
    const error = await sim.error(make(makeAuth({ email: "nobody@p1.example" })).models.generateImages({ model: "imagen-4.0-generate-001", prompt: "a fox" }));
    assert.ok(error, "no error");
  });
}
