// MessagePack-RPC as a Node app writes it, with @msgpack/msgpack and a socket, nothing else: rpc.mjs SOCKET TAG
// prints {"name", "value"} or {"name", "error"} for every scene, one line each.
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { decodeMultiStream, encode } from "@msgpack/msgpack";

const [socketPath, tag] = process.argv.slice(2);
const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");
const say = (text) => `${tag} ${text}`;

// A connection: call() gives the answer, notifications go to told.
function open() {
  const socket = connect(socketPath), waiting = new Map(), told = [], order = [];
  let next = 0, hear = () => {};
  (async () => {
    for await (const [type, ...rest] of decodeMultiStream(socket)) {
      if (type === 1) {
        const [id, error, result] = rest, { good, bad } = waiting.get(id);
        waiting.delete(id);
        order.push(id);
        if (error === null) good(result);
        else bad(Object.assign(new Error(error.message), { fault: error }));
      } else {
        told.push({ method: rest[0], event: rest[1][0] });
        hear();
      }
    }
  })();
  return {
    told, order, socket,
    call: (method, ...params) => new Promise((good, bad) => {
      waiting.set(next, { good, bad });
      socket.write(encode([0, next++, method, params]));
    }),
    notify: (method, ...params) => socket.write(encode([2, method, params])),
    until: async (fits) => {
      while (!fits(told)) await new Promise((go) => (hear = go));
    },
  };
}
const fault = (promise) => promise.then(() => { throw new Error("it did not fail"); }, (error) => error.fault);

const scenes = {
  // One call from words to bytes: what an app wants most of the time.
  inline: async () => {
    const app = open();
    const view = await app.call("task.submit", { model: "gpt-image-2", input: { prompt: say("inline"), n: 2 } }, { wait_s: 60, inline: true });
    return { view: { ...view, outputs: view.outputs.map(({ data, ...rest }) => ({ ...rest, sha: sha(data), bytes_in: data instanceof Uint8Array })) }, told: app.told };
  },
  // A picture goes in as bytes.
  bytesIn: async () => {
    const app = open(), png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    const task = { model: "gpt-image-2", kind: "image.edit", input: { prompt: say("bytes in"), images: [png, Buffer.concat([png, randomBytes(1000)])] } };
    return app.call("task.submit", task, { wait_s: 60 });
  },
  // Nothing is told to a connection that did not ask for it; then everything, in order.
  subscribe: async () => {
    const app = open();
    const quiet = await app.call("task.submit", { model: "tts-1", input: { text: say("quiet"), voice: "alloy" } }, { wait_s: 60 });
    const before = app.told.length;
    await app.call("task.subscribe");
    const task = await app.call("task.submit", { model: "flux", kind: "image.generate", input: { prompt: say("subscribed") } });
    await app.until((told) => told.some(({ event }) => event.task === task.id && event.result));
    return { before, quiet: quiet.id, id: task.id, told: app.told };
  },
  // A fast answer overtakes a slow one.
  overtaking: async () => {
    const app = open();
    const slow = app.call("task.submit", { model: "gpt-image-2", input: { prompt: say("slow [sim:latency=1000]") } }, { wait_s: 60 });
    await Promise.all(Array.from({ length: 50 }, () => app.call("ping")));
    const last = app.order.length;
    return { before: last, status: (await slow).status };
  },
  // Media in pieces, and back by ranges.
  pieces: async () => {
    const app = open(), bytes = randomBytes(1_500_000);
    let upload;
    for (let at = 0; at < bytes.length; at += 400_000) {
      const last = at + 400_000 >= bytes.length;
      const answer = await app.call("media.put", bytes.subarray(at, at + 400_000), { ...(upload && { upload }), type: "video/mp4", last });
      if (last) return { answer, sha: sha(bytes), bytes: bytes.length };
      upload = answer.upload;
    }
  },
  output: async () => {
    const app = open();
    const view = await app.call("task.submit", { model: "kling-video", kind: "video.generate", input: { prompt: say("output [sim:bytes=9000000]"), duration_s: 4 } }, { wait_s: 60 });
    const parts = [];
    for (let offset = 0, last = false; !last;) {
      const part = await app.call("task.output", view.id, 0, offset);
      parts.push(Buffer.from(part.data));
      offset += part.data.length;
      last = part.last;
    }
    const middle = await app.call("task.output", { id: view.id, n: 0, offset: 4_000_000, length: 7 });
    const whole = Buffer.concat(parts);
    return { digest: view.outputs[0].digest, sha: sha(whole), calls: parts.length, middle: whole.subarray(4_000_000, 4_000_007).equals(Buffer.from(middle.data)) };
  },
  faults: async () => {
    const app = open();
    return {
      method: await fault(app.call("task.paint", 1)),
      model: await fault(app.call("task.submit", { model: "nobody", input: { prompt: "p" } })),
      field: await fault(app.call("task.submit", { model: "gpt-image-2", input: { prompt: "p", n: "two" } })),
      task: await fault(app.call("task.get", "01973f5e-7c1a-7b8e-9d3a-2f6c1e0a4b5d")),
      still: await app.call("ping"),
    };
  },
  // Notifications to the agent are carried out without an answer.
  notify: async () => {
    const app = open();
    app.notify("task.submit", { model: "tts-1", input: { text: say("unanswered"), voice: "alloy" } });
    app.notify("no.such.method", 1);
    return { ping: await app.call("ping"), order: app.order };
  },
};

await Promise.all(
  Object.entries(scenes).map(async ([name, scene]) => {
    try {
      console.log(JSON.stringify({ name, value: await scene() }));
    } catch (error) {
      console.log(JSON.stringify({ name, error: `${error.stack} ${JSON.stringify(error.fault ?? null)}` }));
    }
  }),
);
process.exit(0);
