// Any other service: reads results, events, records, letters and media with the ordinary NATS clients for Node, and puts media:
// jetstream.mjs PORT SOCKET FOLDER TAG prints {"name", "value"} or {"name", "error"} for every scene, one line each.
import { createHash, randomBytes } from "node:crypto";
import { connect } from "@nats-io/transport-node";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { decode } from "@msgpack/msgpack";
import { Agent, request } from "undici";

const [port, socketPath, , tag] = process.argv.slice(2);
const dispatcher = new Agent({ connect: { socketPath }, headersTimeout: 0 });
const nc = await connect({ servers: `127.0.0.1:${port}` });
const js = jetstream(nc), jsm = await jetstreamManager(nc);
const media = await new Objm(js).open("SLUICE_MEDIA"), journal = await new Kvm(js).open("SLUICE_JOURNAL");

const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");
const say = (text) => `${tag} ${text}`;
const letter = (message) => {
  const { v, kind, body } = decode(message.data);
  return { v, kind, body, subject: message.subject, headers: Object.fromEntries([...(message.headers ?? [])].map(([k, x]) => [k, x[0]])) };
};

async function http(method, path, body, headers = {}) {
  const answer = await request(`http://sluice${path}`, {
    method, dispatcher, headers: { "content-type": "application/json", ...headers }, body: body && JSON.stringify(body),
  });
  return answer.body.json();
}
const kinds = { flux: "image.generate", "kling-video": "video.generate" };
const submit = (model, input, more = {}) => http("POST", "/v1/tasks", { model, input, kind: kinds[model], ...more });
const end = (id) => http("GET", `/v1/tasks/${id}?wait=60`);

// Waits for the first message of a stream that fits, as a service with a consumer of its own does.
async function consume(stream, filter, enough) {
  const { name } = await jsm.consumers.add(stream, { filter_subject: filter, ack_policy: AckPolicy.Explicit, inactive_threshold: 60e9 });
  const consumer = await js.consumers.get(stream, name), got = [];
  for await (const message of await consumer.consume({ expires: 5000 })) {
    got.push(letter(message));
    message.ack();
    if (enough(got)) return got;
  }
}

async function bytesOf(name) {
  const object = await media.get(name), pieces = [];
  for await (const piece of object.data) pieces.push(piece);
  await object.error;
  return { info: object.info, bytes: Buffer.concat(pieces) };
}

const scenes = {
  // A consumer gets the result as soon as it is there; its media are ordinary objects with the right digest.
  result: async () => {
    const waiting = consume("SLUICE_RESULTS", `sluice.result.*.*`, (got) => got.some((m) => m.body.metadata?.scene === say("result")));
    const task = await submit("gpt-image-2", { prompt: say("result"), n: 2 }, { metadata: { scene: say("result") } });
    const result = (await waiting).find((m) => m.body.id === task.id);
    const objects = await Promise.all(result.body.outputs.map((output) => bytesOf(output.media)));
    return {
      result, view: await end(task.id),
      objects: objects.map(({ info, bytes }) => ({ size: info.size, digest: info.digest, name: info.name, metadata: info.metadata, bytes: bytes.length, sha: sha(bytes) })),
    };
  },
  // What is republished as it is stored can be had by a plain subscription, without any consumer.
  live: async () => {
    const sub = nc.subscribe("sluice.live.result.demo.*");
    await nc.flush();
    const task = await submit("tts-1", { text: say("live"), voice: "alloy" });
    for await (const message of sub) {
      if (message.subject.endsWith(task.id)) return { id: task.id, kind: decode(message.data).kind, status: decode(message.data).body.status };
    }
  },
  // A video of several chunks.
  video: async () => {
    const task = await submit("kling-video", { prompt: say("video [sim:bytes=3000000]"), duration_s: 4 });
    const view = await end(task.id);
    const { info, bytes } = await bytesOf(view.outputs[0].media);
    return { view, chunks: info.chunks, bytes: bytes.length, sha: sha(bytes), blob: sha(await media.getBlob(view.outputs[0].media)) };
  },
  // Media that this service puts are used by digest.
  input: async () => {
    const png = Buffer.concat([Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64"), randomBytes(400000)]);
    const wav = Buffer.concat([Buffer.from("RIFF\x24\0\0\0WAVEfmt "), randomBytes(1000)]);
    await media.putBlob({ name: sha(png) }, png);
    await media.putBlob({ name: sha(wav), metadata: { type: "audio/wav" } }, wav);
    const got = await request(`http://sluice/v1/media/${sha(png)}`, { dispatcher });
    const typed = await request(`http://sluice/v1/media/${sha(wav)}`, { method: "HEAD", dispatcher });
    const task = await submit("gpt-image-2", { prompt: say("input"), images: [{ media: sha(png) }] }, { kind: "image.edit" });
    return { view: await end(task.id), same: Buffer.from(await got.body.arrayBuffer()).equals(png), type: typed.headers["content-type"] };
  },
  // Every change of a task is on its own subject, in order.
  events: async () => {
    const task = await submit("flux", { prompt: say("events") });
    await end(task.id);
    const got = await consume("SLUICE_EVENTS", `sluice.event.demo.${task.id}`, (all) => all.at(-1).body.stage === "vendor_queued" || all.length > 2);
    return { id: task.id, events: got };
  },
  // The journal is an ordinary key-value bucket.
  journal: async () => {
    const task = await submit("flux", { prompt: say("journal") }, { metadata: { a: "b" } });
    const view = await end(task.id);
    const entry = await journal.get(`demo.${task.id}`);
    const keys = [];
    for await (const key of await journal.keys("demo.*")) keys.push(key);
    return { view, record: decode(entry.value), revision: entry.revision, listed: keys.includes(`demo.${task.id}`) };
  },
  // A task that was given up leaves a letter with its request, its reason and its history.
  dead: async () => {
    const waiting = consume("SLUICE_DEAD", "sluice.dead.>", (got) => got.some((m) => m.body.task?.input?.prompt === say("dead [sim:auth times=always]")));
    const task = await submit("gpt-image-2-refused", { prompt: say("dead [sim:auth times=always]") });
    return { id: task.id, letter: (await waiting).find((m) => m.body.task?.id === task.id), view: await end(task.id) };
  },
  // A whole service: no socket after the submission, only the stream; it takes every result once.
  service: async () => {
    const ids = new Set();
    const waiting = consume("SLUICE_RESULTS", "sluice.result.demo.*", (got) => ids.size === 20 && [...ids].every((id) => got.some((m) => m.body.id === id)));
    await Promise.all(Array.from({ length: 20 }, async (_, i) => ids.add((await submit("tts-1", { text: say(`service ${i}`), voice: "alloy" })).id)));
    const got = (await waiting).filter((m) => ids.has(m.body.id));
    return { results: got.length, distinct: new Set(got.map((m) => m.body.id)).size, statuses: [...new Set(got.map((m) => m.body.status))] };
  },
};

await Promise.all(
  Object.entries(scenes).map(async ([name, scene]) => {
    try {
      console.log(JSON.stringify({ name, value: await scene() }));
    } catch (error) {
      console.log(JSON.stringify({ name, error: `${error.stack}` }));
    }
  }),
);
await nc.close();
process.exit(0);
