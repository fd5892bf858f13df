// Proves that AWS's own SDK takes the simulator for Bedrock: signatures, pictures, asynchronous videos, a Bedrock API key, and its classes of errors.
export default async function (sim) {
  const aws = await sim.sdk("@aws-sdk/client-bedrock-runtime");
  const { NodeHttpHandler } = await sim.sdk("@smithy/node-http-handler");
  const { assert } = sim;
  const credentials = { accessKeyId: sim.access, secretAccessKey: sim.secret };
  const make = (more = {}) => new aws.BedrockRuntimeClient({
    region: "us-east-1", endpoint: sim.base, maxAttempts: 1, credentials, requestHandler: new NodeHttpHandler(), ...more, // HTTP/2 by default
  });
  const client = make();
  const draw = (text, with_ = client, more = {}) => with_.send(new aws.InvokeModelCommand({
    modelId: "amazon.nova-canvas-v1:0", contentType: "application/json", accept: "application/json",
    body: JSON.stringify({ taskType: "TEXT_IMAGE", textToImageParams: { text }, imageGenerationConfig: { numberOfImages: 2, width: 640, height: 480 }, ...more }),
  }));
  const film = (text, token) => client.send(new aws.StartAsyncInvokeCommand({
    clientRequestToken: token, modelId: "amazon.nova-reel-v1:1", outputDataConfig: { s3OutputDataConfig: { s3Uri: "s3://films/nova" } },
    modelInput: { taskType: "TEXT_VIDEO", textToVideoParams: { text }, videoGenerationConfig: { durationSeconds: 6, fps: 24, dimension: "1280x720" } },
  }));
  const pictures = (answer) => JSON.parse(Buffer.from(answer.body).toString()).images.map((image) => sim.sniff(Buffer.from(image, "base64")));

  await sim.check("InvokeModel gives all pictures", async () => {
    assert.deepEqual(pictures(await draw("a red fox")), ["png", "png"]);
  });
  await sim.check("a Bedrock API key is taken in place of a signature", async () => {
    const bearer = make({ credentials: undefined, token: { token: sim.key }, authSchemePreference: ["httpBearerAuth"] });
    assert.deepEqual(pictures(await draw("a red fox", bearer)), ["png", "png"]);
  });
  await sim.check("StartAsyncInvoke, GetAsyncInvoke by its ARN", async () => {
    const { invocationArn } = await film("a fox runs");
    assert.match(invocationArn, /^arn:aws:bedrock:us-east-1:\d{12}:async-invoke\/[a-z0-9]{12}$/);
    const done = await sim.until(() => client.send(new aws.GetAsyncInvokeCommand({ invocationArn })), (asked) => asked.status !== "InProgress");
    assert.equal(done.status, "Completed");
    assert.match(done.outputDataConfig.s3OutputDataConfig.s3Uri, /^s3:\/\/films\/nova\/[a-z0-9]{12}$/);
  });
  await sim.check("the same token again gives the same invocation, and is paid once", async () => {
    const [first, second] = [await film("a fox sleeps", "token-1"), await film("a fox sleeps", "token-1")];
    assert.equal(first.invocationArn, second.invocationArn);
    assert.equal((await sim.paid("a fox sleeps")).paid, 1);
  });
  await sim.check("an invocation that fails says why", async () => {
    const { invocationArn } = await film("a fox [sim:jobfail=policy]");
    const done = await sim.until(() => client.send(new aws.GetAsyncInvokeCommand({ invocationArn })), (asked) => asked.status !== "InProgress");
    assert.equal(done.status, "Failed");
    assert.match(done.failureMessage, /content filters/);
  });
  for (const [fault, name] of [["429", "ThrottlingException"], ["quota", "ServiceQuotaExceededException"], ["policy", "ValidationException"],
    ["404", "ResourceNotFoundException"], ["500", "InternalServerException"], ["503", "ServiceUnavailableException"]]) {
    await sim.check(`${fault} is a ${name}`, async () => {
      const error = await sim.error(draw(`a fox [sim:${fault}]`));
      assert.ok(error instanceof aws[name], `${error.name}: ${error.message}`);
    });
  }
  await sim.check("another secret makes another signature, which is refused", async () => {
    const error = await sim.error(draw("a fox", make({ credentials: { ...credentials, secretAccessKey: "wrong" } })));
    assert.equal(error.name, "UnrecognizedClientException");
    assert.equal(error.$metadata.httpStatusCode, 403);
  });
  await sim.check("a field that Nova does not know is a ValidationException", async () => {
    const error = await sim.error(draw("a fox", client, { taskType: "NONE" }));
    assert.ok(error instanceof aws.ValidationException, String(error));
  });
}
