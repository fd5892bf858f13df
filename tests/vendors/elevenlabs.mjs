// Proves that ElevenLabs' own SDK takes the simulator for ElevenLabs: speech in all its forms, flows, models, and its classes of errors.
export default async function (sim) {
  const { ElevenLabsClient, ElevenLabs, ElevenLabsError } = await sim.sdk("@elevenlabs/elevenlabs-js");
  const { assert } = sim;
  const make = (apiKey = sim.key) => new ElevenLabsClient({ baseUrl: sim.base, apiKey, maxRetries: 0 });
  const client = make();
  const speak = (text, more = {}) => client.textToSpeech.convert("JBFqnCBsd6RMkjVDRZzb", { text, modelId: "eleven_multilingual_v2", ...more });

  await sim.check("textToSpeech.convert gives sound", async () => {
    assert.equal(sim.sniff(await sim.bytesOf(await speak("Good day"))), "mp3");
    assert.equal(sim.sniff(await sim.bytesOf(await speak("Good day", { outputFormat: "wav_44100", seed: 7, voiceSettings: { stability: 0.5, speed: 1.1 } }))), "wav");
    assert.ok((await sim.bytesOf(await speak("Good day", { outputFormat: "pcm_16000" }))).length > 1000);
  });
  await sim.check("the headers say what it cost", async () => {
    const { rawResponse } = await speak("Good day").withRawResponse();
    assert.equal(rawResponse.headers.get("character-cost"), "8");
    assert.ok(rawResponse.headers.get("request-id"));
  });
  await sim.check("textToSpeech.stream gives sound", async () => {
    assert.equal(sim.sniff(await sim.bytesOf(await client.textToSpeech.stream("v1", { text: "Good day" }))), "mp3");
  });
  await sim.check("textToSpeech.convertWithTimestamps gives sound in JSON", async () => {
    const got = await client.textToSpeech.convertWithTimestamps("v1", { text: "Good day" });
    assert.equal(sim.sniff(Buffer.from(got.audioBase64, "base64")), "mp3");
  });
  const wait = { minPollIntervalInSeconds: 0.5 };
  await sim.check("flows.image.createAndWait gives a picture", async () => {
    const mask = { type: "inline_base64", contentBase64: sim.png.toString("base64"), mimeType: "image/png" };
    const got = await client.flows.image.createAndWait({ modelId: "gpt-image-2", prompt: "make it night", images: [mask], mask }, wait);
    assert.deepEqual([got.status, got.contentMimeType], ["completed", "image/png"]);
    assert.equal(sim.sniff(await sim.download(got.contentUrl)), "png");
  });
  await sim.check("assets.create takes a file, and flows take the asset", async () => {
    const asset = await client.assets.create({ name: "fox.png", asset: new File([sim.png], "fox.png", { type: "image/png" }) });
    assert.equal(asset.mimeType, "image/png");
    const got = await client.flows.image.createAndWait({ modelId: "gpt-image-2", prompt: "a hat", images: [{ type: "asset", assetId: asset.assetId }] }, wait);
    assert.equal(got.status, "completed");
  });
  await sim.check("flows.video.createAndWait gives a video", async () => {
    const got = await client.flows.video.createAndWait({ modelId: "veo-3.1-generate-001", prompt: "a fox runs", durationSecs: 4, aspectRatio: "16:9" }, wait);
    assert.equal(sim.sniff(await sim.download(got.contentUrl)), "mp4");
  });
  await sim.check("a flow that fails says why", async () => {
    const got = await client.flows.video.createAndWait({ modelId: "veo-3.1-generate-001", prompt: "a fox [sim:jobfail=policy]" }, wait);
    assert.deepEqual([got.status, got.failureReason], ["failed", "moderated"]);
  });
  await sim.check("models.list", async () => {
    assert.equal((await client.models.list())[0].modelId, "eleven_multilingual_v2");
  });
  for (const [fault, name, status] of [["auth", "UnauthorizedError", 401], ["quota", "UnauthorizedError", 401], ["policy", "BadRequestError", 400], ["403", "ForbiddenError", 403],
    ["404", "NotFoundError", 404], ["409", "ConflictError", 409], ["422", "UnprocessableEntityError", 422]]) {
    await sim.check(`${fault} is a ${name}`, async () => {
      const error = await sim.error(speak(`Good day [sim:${fault}]`));
      assert.ok(error instanceof ElevenLabs[name] || error instanceof ElevenLabsError, `${error?.constructor?.name}: ${error}`);
      assert.equal(error.statusCode, status);
      assert.ok(error.body.detail, JSON.stringify(error.body));
    });
  }
  for (const [fault, code] of [["429", "system_busy"], ["500", "internal_server_error"], ["503", "system_busy"]]) {
    await sim.check(`${fault} is an error with the vendor's code`, async () => {
      const error = await sim.error(speak(`Good day [sim:${fault}]`));
      assert.ok(error instanceof ElevenLabsError);
      assert.deepEqual([error.statusCode, error.body.detail.status], [Number(fault), code]);
    });
  }
  await sim.check("another key is refused", async () => {
    assert.equal((await sim.error(make("wrong").models.list())).statusCode, 401);
  });
}
