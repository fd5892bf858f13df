// Proves that OpenAI's own SDK takes the simulator for Azure: by deployments and by the v1 address, with a key and with a token, and its classes of errors.
export default async function (sim) {
  const { AzureOpenAI, OpenAI, toFile, ...errors } = await sim.sdk("openai");
  const { assert } = sim;
  const make = (more = {}) => new AzureOpenAI({ endpoint: sim.base, apiVersion: "2025-04-01-preview", apiKey: sim.key, maxRetries: 0, ...more });
  const client = make();
  const draw = (prompt, with_ = client) => with_.images.generate({ model: "my-gpt-image", prompt });
  const kind = (got) => sim.sniff(Buffer.from(got.data[0].b64_json, "base64"));

  await sim.check("images.generate of a deployment", async () => {
    assert.equal(kind(await client.images.generate({ model: "my-gpt-image", prompt: "a red fox", size: "1024x1024", output_format: "webp" })), "webp");
  });
  await sim.check("images.edit of a deployment", async () => {
    const image = await toFile(sim.png, "a.png", { type: "image/png" });
    assert.equal(kind(await make({ deployment: "my-gpt-image" }).images.edit({ model: "my-gpt-image", prompt: "a hat", image })), "png");
  });
  await sim.check("the v1 address takes the key", async () => {
    const v1 = new OpenAI({ baseURL: `${sim.base}/openai/v1`, apiKey: sim.key, maxRetries: 0 });
    assert.equal(kind(await draw("a red fox", v1)), "png");
  });
  await sim.check("an application's token is taken in place of the key", async () => {
    const answer = await fetch(`${sim.base}/openai/v1/login/contoso/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials", client_id: sim.access, client_secret: sim.secret, scope: "https://cognitiveservices.azure.com/.default" }),
    });
    const { access_token: token } = await answer.json();
    assert.equal(kind(await draw("a red fox", make({ apiKey: undefined, azureADTokenProvider: async () => token }))), "png");
    assert.ok((await sim.error(draw("a fox", make({ apiKey: undefined, azureADTokenProvider: async () => "none" })))) instanceof errors.AuthenticationError);
  });
  await sim.check("a refusal names its reason", async () => {
    const error = await sim.error(draw("a fox [sim:policy]"));
    assert.ok(error instanceof errors.BadRequestError, String(error));
    assert.deepEqual([error.code, error.error.inner_error.code], ["contentFilter", "ResponsibleAIPolicyViolation"]);
  });
  for (const [fault, name] of [["auth", "AuthenticationError"], ["429", "RateLimitError"], ["quota", "RateLimitError"], ["404", "NotFoundError"], ["500", "InternalServerError"]]) {
    await sim.check(`${fault} is a ${name}`, async () => {
      const error = await sim.error(draw(`a fox [sim:${fault}]`));
      assert.ok(error instanceof errors[name], `${error.constructor.name}: ${error.message}`);
    });
  }
}
