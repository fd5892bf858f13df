// The vendors' own SDKs against the simulator: run.mjs [NAME…] runs NAME.mjs of this folder, or all of them, and ends with one count.
// SLUICE_BUILD (build/release) has sluice-sim, or SLUICE_SIM names it; SLUICE_DIALECTS (tests/adapters/dialects) has its vendors.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const program = process.env.SLUICE_SIM ?? join(root, process.env.SLUICE_BUILD ?? "build/release", "sluice-sim");
const dialects = process.env.SLUICE_DIALECTS ?? join(root, "tests/adapters/dialects");
const patience = Number(process.env.SLUICE_PATIENCE ?? 60) * 1000; // how long one check may take

// What a vendor's account may be, by the form of its secret; the simulator knows all of them.
export const keys = {
  key: "sim-key-5f0c9a7e",
  access: "SIMACCESSKEY0001",
  secret: "sim-secret-key-4b1d77",
  account: {
    type: "service_account",
    project_id: "p1",
    private_key_id: "key1",
    client_email: "robot@p1.iam.example",
    private_key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }),
  },
};

const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

/** What bytes are, by their first ones: png, jpeg, webp, mp4, mp3, wav, or "" for anything else. */
function sniff(bytes) {
  const b = Buffer.from(bytes);
  const is = (text, at = 0) => b.subarray(at, at + text.length).toString("latin1") === text;
  if (is("\x89PNG\r\n\x1a\n")) return "png";
  if (is("\xff\xd8\xff")) return "jpeg";
  if (is("RIFF") && is("WEBP", 8)) return "webp";
  if (is("RIFF") && is("WAVE", 8)) return "wav";
  if (is("ftyp", 4)) return "mp4";
  return is("ID3") || (b[0] === 0xff && (b[1] & 0xe0) === 0xe0) ? "mp3" : "";
}

/** All bytes of whatever an SDK gives: Buffer, Blob, Response, web or node stream, async iterable. */
async function bytesOf(value) {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return Buffer.from(value);
  if (typeof value.arrayBuffer === "function") return Buffer.from(await value.arrayBuffer());
  const parts = [];
  for await (const part of value) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** The folder of the dialects that the named scripts are for: a broken file of another vendor does not matter then. */
function dialectsOf(names) {
  if (!names.length || !names.every((name) => existsSync(join(dialects, `${name}.yaml`)))) return dialects;
  const folder = mkdtempSync(join(tmpdir(), "sluice-dialects-"));
  process.on("exit", () => rmSync(folder, { recursive: true }));
  for (const name of names) cpSync(join(dialects, `${name}.yaml`), join(folder, `${name}.yaml`));
  return folder;
}

async function startSimulator(names) {
  const argv = ["--listen", "127.0.0.1:0", "--job-ms", "400", "--dialects", dialectsOf(names), "--key", keys.key, "--key", `${keys.access}:${keys.secret}`, "--key", JSON.stringify(keys.account)];
  const child = spawn(program, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((found, failed) => {
    lines.on("line", (line) => line.includes("http://") && found(line.slice(line.indexOf("http://")).trim()));
    child.on("error", failed);
    child.on("exit", (code) => failed(new Error(`${program} ended with ${code}`)));
  });
  return { child, url };
}

async function within(promise, what) {
  let timer;
  const late = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error(`took longer than ${patience / 1000} s: ${what}`)), patience)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a script gets. */
class Sim {
  assert = assert;
  png = png;
  sniff = sniff;
  bytesOf = bytesOf;
  passed = 0;
  failed = 0;

  constructor(vendor, url) {
    Object.assign(this, keys, { vendor, root: url, base: `${url}/${vendor}` });
  }

  /** Imports a package of tests/vendors/node_modules. */
  sdk(name) {
    return import(name);
  }

  /** One check: a line of output. What comes after a failed one is still tried. */
  async check(what, work) {
    try {
      const value = await within(work(), what);
      this.passed++;
      console.log(`ok      ${this.vendor}: ${what}`);
      return value;
    } catch (error) {
      this.failed++;
      console.log(`FAILED  ${this.vendor}: ${what}\n${String(error?.stack ?? error).replace(/^/gm, "        ")}`);
      return undefined;
    }
  }

  /** The error that a promise ends with; it is an error when it does not. */
  async error(promise) {
    let value;
    try {
      value = await promise;
    } catch (error) {
      return error;
    }
    throw new Error(`it did not fail but gave ${JSON.stringify(value)?.slice(0, 300)}`);
  }

  /** Asks until done(value) holds: for SDKs that leave waiting to their caller. */
  async until(ask, done) {
    for (;;) {
      const value = await ask();
      if (done(value)) return value;
      await new Promise((go) => setTimeout(go, 100));
    }
  }

  /** The bytes behind a URL of an answer. */
  async download(url) {
    const response = await fetch(url);
    assert.equal(response.status, 200, `GET ${url}`);
    return bytesOf(response);
  }

  /** /_sim: what the simulator counted, and orders of faults for this vendor. */
  async control(method, path, body) {
    const response = await fetch(this.root + path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.json();
  }
  fault(fault, more = {}) {
    return this.control("POST", "/_sim/faults", { fault, vendor: this.vendor, ...more });
  }
  paid(prompt) {
    return this.control("GET", `/_sim/paid?prompt=${encodeURIComponent(prompt)}`);
  }
  async stats() {
    return (await this.control("GET", "/_sim/stats")).vendors[this.vendor];
  }
}

async function runScript(vendor, url) {
  const sim = new Sim(vendor, url);
  try {
    const script = (await import(pathToFileURL(join(here, `${vendor}.mjs`)))).default;
    await within(script(sim), "the whole script");
    if (!sim.passed && !sim.failed) sim.passed = 1; // a script without checks of its own is one
  } catch (error) {
    sim.failed++;
    console.log(`FAILED  ${vendor}: the script\n${String(error?.stack ?? error).replace(/^/gm, "        ")}`);
  }
  await sim.control("POST", "/_sim/reset");
  return sim;
}

const all = readdirSync(here).filter((name) => name.endsWith(".mjs") && name !== "run.mjs").map((name) => name.slice(0, -4)).sort();
const named = process.argv.slice(2).map((name) => name.replace(/^.*\//, "").replace(/\.mjs$/, ""));
const { child, url } = await startSimulator(named);
let passed = 0, failed = 0;
for (const vendor of named.length ? named : all) {
  const sim = await runScript(vendor, url);
  passed += sim.passed;
  failed += sim.failed;
}
child.removeAllListeners("exit");
const ended = new Promise((done) => child.on("exit", done));
child.kill("SIGTERM");
const code = await ended;
if (code !== 0) {
  failed++; // a sanitizer's build tells so what it found
  console.log(`FAILED  the simulator ended with ${code}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
