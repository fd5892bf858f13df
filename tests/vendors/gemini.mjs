// Proves that Google's own SDK takes the simulator for the Gemini API: pictures, refusals, interactions, uploads of files, and its errors.
export default async function (sim) {
  const { GoogleGenAI, ApiError } = await sim.sdk("@google/genai");
  const { assert } = sim;
  const make = (apiKey) => new GoogleGenAI({ apiKey, vertexai: false, httpOptions: { baseUrl: sim.base, retryOptions: { attempts: 1 } } });
  const ai = make(sim.key);
  const model = "gemini-3.1-flash-image";
  const draw = (contents, config = {}) => ai.models.generateContent({ model, contents, config: { responseModalities: ["IMAGE"], ...config } });
  const picture = (got) => Buffer.from(got.candidates[0].content.parts.find((part) => part.inlineData).inlineData.data, "base64");

  await sim.check("generateContent gives a picture of the class asked for", async () => {
    const bytes = picture(await draw("a red fox", { imageConfig: { aspectRatio: "1:1", imageSize: "2K" }, seed: 7 }));
    assert.equal(sim.sniff(bytes), "png");
    assert.equal(bytes.readUInt32BE(16), 2048);
  });
  await sim.check("generateContent edits a picture", async () => {
    const got = await draw([{ text: "make it night" }, { inlineData: { mimeType: "image/png", data: sim.png.toString("base64") } }]);
    assert.equal(sim.sniff(picture(got)), "png");
    assert.ok(got.usageMetadata.totalTokenCount > 0);
  });
  await sim.check("a refused prompt is an answer without candidates", async () => {
    const got = await draw("a fox [sim:policy]");
    assert.equal(got.promptFeedback.blockReason, "PROHIBITED_CONTENT");
  });
  await sim.check("files.upload goes in two steps, and the file becomes active", async () => {
    const file = await ai.files.upload({ file: new Blob([sim.png], { type: "image/png" }), config: { mimeType: "image/png" } });
    const done = await sim.until(() => ai.files.get({ name: file.name }), (asked) => asked.state === "ACTIVE");
    assert.equal(done.mimeType, "image/png");
    const got = await draw([{ text: "make it night" }, { fileData: { fileUri: done.uri, mimeType: done.mimeType } }]);
    assert.equal(sim.sniff(picture(got)), "png");
  });

  const film = (text, more = {}) => ai.interactions.create({
    model: "gemini-omni-1.1-flash", input: [{ type: "text", text }], background: true, response_format: { type: "video", ...more },
  });
  const ended = (id) => sim.until(() => ai.interactions.get(id), (asked) => !["queued", "in_progress"].includes(asked.status));
  await sim.check("an interaction makes a video in the background, as a file that needs the key", async () => {
    const made = await film("a marble rolls", { delivery: "uri", aspect_ratio: "9:16", resolution: "1080p", duration: "4s" });
    assert.equal(made.status, "queued");
    const done = await ended(made.id);
    assert.equal(done.status, "completed");
    const { uri } = done.steps.find((step) => step.type === "model_output").content[0];
    const asked = await fetch(`${uri}:download?alt=media`, { headers: { "x-goog-api-key": sim.key } });
    assert.equal(sim.sniff(await sim.bytesOf(asked)), "mp4");
    assert.equal((await fetch(`${uri}:download?alt=media`)).status, 400);
  });
  await sim.check("an interaction gives a video inside its answer", async () => {
    const done = await ended((await film("a marble rolls")).id);
    assert.equal(sim.sniff(Buffer.from(done.output_video.data, "base64")), "mp4");
  });
  await sim.check("interactions.cancel", async () => {
    const made = await film("a marble [sim:endless]");
    assert.equal((await ai.interactions.cancel(made.id)).status, "cancelled");
    assert.equal((await ended(made.id)).status, "cancelled");
  });
  await sim.check("an interaction that fails says why", async () => {
    const done = await ended((await film("a marble [sim:jobfail=policy]")).id);
    assert.deepEqual([done.status, done.errors[0].code], ["failed", "content_blocked"]);
  });
  for (const [fault, status, word] of [["auth", 400, "API key not valid"], ["429", 429, "RetryInfo"], ["quota", 429, "PerDay"], ["404", 404, "NOT_FOUND"],
    ["500", 500, "INTERNAL"], ["503", 503, "UNAVAILABLE"]]) {
    await sim.check(`${fault} is an ApiError ${status}`, async () => {
      const error = await sim.error(draw(`a fox [sim:${fault}]`));
      assert.ok(error instanceof ApiError, String(error));
      assert.equal(error.status, status);
      assert.ok(error.message.includes(word), error.message);
    });
  }
  await sim.check("another key is refused", async () => {
    const error = await sim.error(make("wrong").models.generateContent({ model, contents: "a fox" }));
    assert.match(error.message, /API_KEY_INVALID/);
  });
}
