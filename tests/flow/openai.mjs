// The official OpenAI SDK on the agent's socket, unchanged but for its transport: openai.mjs SOCKET FOLDER TAG
// prints {"name", "value"} or {"name", "error"} for every scene, one line each.
import { createReadStream, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import OpenAI from "openai";
import { Agent } from "undici";

const [socketPath, folder, tag] = process.argv.slice(2);
const transport = () => ({ dispatcher: new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 }) });
const client = new OpenAI({ baseURL: "http://sluice/v1", apiKey: "none", fetchOptions: transport() });
const hurried = new OpenAI({ baseURL: "http://sluice/v1", apiKey: "none", timeout: 1500, maxRetries: 4, fetchOptions: transport() });

const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");
const told = (bytes) => ({ bytes: bytes.length, sha: sha(bytes), magic: bytes.subarray(0, 12).toString("latin1") });
const image64 = (item) => told(Buffer.from(item.b64_json, "base64"));
const say = (text) => `${tag} ${text}`;

async function fails(promise) {
  try {
    await promise;
  } catch (error) {
    return {
      class: error.constructor.name, status: error.status ?? null, code: error.code ?? null, type: error.type ?? null,
      param: error.param ?? null, message: error.message, request: error.requestID ?? null,
    };
  }
  throw new Error("it did not fail");
}

async function videoEnd(id) {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (video.status === "completed" || video.status === "failed") return video;
    await new Promise((go) => setTimeout(go, 100));
  }
}

const scenes = {
  models: async () => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids, one: await client.models.retrieve("flux") };
  },
  generate: async () => {
    const { data, response } = await client.images
      .generate({ model: "gpt-image-2", prompt: say("generate"), size: "1024x1536", quality: "low", background: "opaque" })
      .withResponse();
    return {
      created: data.created, size: data.size, format: data.output_format, usage: data.usage, images: data.data.map(image64),
      request: response.headers.get("x-request-id"),
    };
  },
  generateMany: async () => (await client.images.generate({ model: "gpt-image-2", prompt: say("many"), n: 4, output_format: "jpeg" })).data.map(image64),
  generateUrl: async () => {
    const answer = await client.images.generate({ model: "flux", prompt: say("url"), response_format: "url" });
    const fetched = await fetch("http://sluice" + answer.data[0].url, transport());
    return { item: answer.data[0], ...told(Buffer.from(await fetched.arrayBuffer())) };
  },
  editStream: async () => {
    const answer = await client.images.edit({ model: "gpt-image-2", prompt: say("edit stream"), image: createReadStream(`${folder}/a.png`) });
    return answer.data.map(image64);
  },
  editMany: async () => {
    const answer = await client.images.edit({
      model: "gpt-image-2", prompt: say("edit many"), image: [createReadStream(`${folder}/a.png`), createReadStream(`${folder}/b.png`)],
      mask: createReadStream(`${folder}/mask.png`), n: 2, size: "1024x1024",
    });
    return answer.data.map(image64);
  },
  editFile: async () => {
    const file = new File([readFileSync(`${folder}/a.png`)], "a.png", { type: "image/png" });
    return (await client.images.edit({ model: "gpt-image-2", prompt: say("edit file"), image: file })).data.map(image64);
  },
  speech: async () => {
    const answer = await client.audio.speech.create({ model: "tts-1", voice: "alloy", input: say("speech") });
    return { type: answer.headers.get("content-type"), ...told(Buffer.from(await answer.arrayBuffer())) };
  },
  speechWav: async () => {
    const answer = await client.audio.speech.create({ model: "tts-1", voice: "alloy", input: say("wav"), response_format: "wav", speed: 1.5 });
    return { type: answer.headers.get("content-type"), ...told(Buffer.from(await answer.arrayBuffer())) };
  },
  video: async () => {
    const made = await client.videos.create({ model: "sora-2", prompt: say("video"), seconds: "8", size: "1280x720" });
    const first = await client.videos.retrieve(made.id);
    const early = await fails(client.videos.downloadContent(made.id));
    const done = await videoEnd(made.id);
    const content = await client.videos.downloadContent(made.id);
    return { made, first, early, done, type: content.headers.get("content-type"), ...told(Buffer.from(await content.arrayBuffer())) };
  },
  videoReference: async () => {
    const made = await client.videos.create({ model: "sora-2", prompt: say("reference"), input_reference: createReadStream(`${folder}/a.png`) });
    return videoEnd(made.id);
  },
  videoElsewhere: async () => videoEnd((await client.videos.create({ model: "kling-video", prompt: say("elsewhere"), seconds: "4" })).id),
  avatar: async () => videoEnd((await client.videos.create({ model: "avatar", prompt: say("avatar speaks"), avatar: "a1", voice: "v1" })).id),
  videoFails: async () => videoEnd((await client.videos.create({ model: "sora-2", prompt: say("fails [sim:jobfail=policy]") })).id),
  videosListAndDelete: async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push((await client.videos.create({ model: "kling-video", prompt: say(`listed ${i}`), seconds: "4" })).id);
    for (const id of ids) await videoEnd(id);
    const walked = [];
    for await (const video of client.videos.list({ limit: 2 })) walked.push(video.id);
    const upwards = [];
    for await (const video of client.videos.list({ limit: 3, order: "asc" })) upwards.push(video.id);
    const deleted = await client.videos.delete(ids[0]);
    const after = [];
    for await (const video of client.videos.list({ limit: 100 })) after.push(video.id);
    return { ids, walked, upwards, deleted, after, gone: await fails(client.videos.retrieve(ids[0])) };
  },
  videoDeleteRunning: async () => {
    const made = await client.videos.create({ model: "flux-video", prompt: say("running [sim:endless]") });
    return { id: made.id, deleted: await client.videos.delete(made.id), gone: await fails(client.videos.retrieve(made.id)) };
  },
  policy: () => fails(client.images.generate({ model: "gpt-image-2", prompt: say("policy [sim:policy times=always]") })),
  noModel: () => fails(client.images.generate({ model: "gpt-image-99", prompt: say("nobody") })),
  wrongKind: () => fails(client.images.generate({ model: "tts-1", prompt: say("wrong kind") })),
  badField: () => fails(client.images.generate({ model: "gpt-image-2", prompt: say("bad"), n: 99 })),
  streamed: () => fails(client.images.generate({ model: "gpt-image-2", prompt: say("streamed"), stream: true })),
  quota: () => fails(client.images.generate({ model: "gpt-image-2-spent", prompt: say("quota [sim:quota times=always]") })),
  auth: () => fails(client.images.generate({ model: "gpt-image-2-refused", prompt: say("auth [sim:auth times=always]") })),
  noVideo: () => fails(client.videos.retrieve("video_123")),
  vendorDown: () => fails(client.images.generate({ model: "gpt-image-2", prompt: say("down [sim:503 times=always]") })),
  unknown: () => fails(client.images.generate({ model: "gpt-image-2", prompt: say("unknown [sim:lost times=always]") })),
  limited: async () => (await client.images.generate({ model: "gpt-image-2", prompt: say("limited [sim:429 times=2]") })).data.map(image64),
  retried: async () => (await hurried.images.generate({ model: "gpt-image-2", prompt: say("retried [sim:latency=3500]") })).data.map(image64),
  retriedEdit: async () => {
    const file = new File([readFileSync(`${folder}/a.png`)], "a.png", { type: "image/png" });
    return (await hurried.images.edit({ model: "gpt-image-2", prompt: say("retried edit [sim:latency=3500]"), image: file })).data.map(image64);
  },
  aborted: async () => {
    const away = new AbortController();
    setTimeout(() => away.abort(), 300);
    return fails(client.images.generate({ model: "gpt-image-2", prompt: say("aborted [sim:latency=1500]") }, { signal: away.signal }));
  },
  sameKey: async () => {
    const ask = () => client.images.generate({ model: "gpt-image-2", prompt: say("same key") }, { headers: { "Idempotency-Key": say("key") } });
    return (await Promise.all([ask(), ask(), ask()])).map((answer) => image64(answer.data[0]));
  },
  chatStreamed: () => fails(client.chat.completions.create({ model: "flux", messages: [{ role: "user", content: "hi" }], stream: true })),
};

await Promise.all(
  Object.entries(scenes).map(async ([name, scene]) => {
    try {
      console.log(JSON.stringify({ name, value: await scene() }));
    } catch (error) {
      console.log(JSON.stringify({ name, error: `${error.constructor.name}: ${error.message}` }));
    }
  }),
);
process.exit(0);
