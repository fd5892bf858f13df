"""What flow tests are made of: a real nats-server, sluice-sim, agents, and small clients for socket and NATS. Standard library only."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import msgpack

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "release")).resolve()
NATS_SERVER = os.environ.get("SLUICE_NATS_SERVER") or shutil.which("nats-server") or "/usr/sbin/nats-server"
SECRET = "sim-key-5f0c9a7e"  # the vendors' key: must never be seen anywhere
NODE = next((str(p) for p in (ROOT / "tests/node_modules").glob("node-linux-*/bin/node")), "node")  # Debian 12's is too old for the SDKs
PATIENCE = float(os.environ.get("SLUICE_PATIENCE", "60"))  # how long something that must happen may take; never asserted as a speed

MODELS = {
    "gpt-image-2": ("openai-images", "gpt-image-2", "openai"),
    "sora-2": ("openai-videos", "sora-2", "openai"),
    "tts-1": ("openai-speech", "tts-1", "openai"),
    "flux": ("fal", "fal-ai/flux/dev", "fal"),
    "kling-video": ("fal", "fal-ai/kling-video/v2/master/text-to-video", "fal"),
    "eleven": ("elevenlabs", "eleven_multilingual_v2", "elevenlabs"),
    "avatar": ("heygen", "avatar_iv", "heygen"),
}
KINDS = {"flux": "image.generate", "kling-video": "video.generate", "eleven": "audio.speech", "avatar": "avatar.generate"}  # of models whose adapter does several
BASES = {
    "openai-images": "openai/v1",
    "openai-videos": "openai/v1",
    "openai-speech": "openai/v1",
    "fal": "fal",
    "elevenlabs": "elevenlabs",
    "heygen": "heygen",
}


def on_lane(lane, models=None):
    """Settings of an agent whose tasks are on a lane of their own, so that no other agent of the rig takes them."""
    return {"lanes": [lane], "models": {name: (*model, f"lane: {lane}") for name, model in (models or MODELS).items()}}


def quick_adapters(folder, names=("*",), swaps=()):
    """The shipped adapters with nothing changed but how soon a vendor is asked again: tests wait less. swaps: (name, text, other text) of addresses that stand in a file."""
    def hurried(every):
        soon = re.sub(r"\bmax: \w+", "max: 500ms", re.sub(r"\b(first|min): \w+", r"\1: 100ms", every.group()))
        return re.sub(r"\bevery: \d+m?s\b", "every: 100ms", soon)

    quick = folder / "adapters"
    quick.mkdir(exist_ok=True)
    for file in (file for name in names for file in (ROOT / "adapters").glob(f"{name}.yaml")):
        text = re.sub(r"\bevery: .*", hurried, file.read_text())
        text = re.sub(r"\b(later|lag): \d+m?s\b", r"\1: 1s", text)
        for _, before, after in (swap for swap in swaps if swap[0] == file.stem):
            assert before in text, f"{file.name} has no {before}"
            text = text.replace(before, after)
        (quick / file.name).write_text(text)
    return quick


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, check, patience=PATIENCE):
    """Waits for check() to be true and gives its value; fails with `what` after a long time."""
    end = time.monotonic() + patience
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not happen: {what}")
        time.sleep(0.02)


class Process:
    """A child with its output in a file, stopped by its own pid."""

    def __init__(self, name, argv, folder, env=None, start=True):
        self.name, self.argv, self.log = name, [str(a) for a in argv], folder / f"{name}.log"
        self.env = dict(os.environ, **(env or {}))
        self.child = None
        if start:
            self.start()

    def start(self):
        self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=open(self.log, "ab"), stderr=subprocess.STDOUT, env=self.env)

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        if self.alive():
            self.child.kill()
        self.child.wait()

    def ended(self, patience=40):
        """The exit code of a process that is ending by itself, or was asked to."""
        return self.child.wait(patience)

    def stop(self, patience=40):
        """Ends it as Kubernetes would; gives the exit code, None when it never ran."""
        if self.child is None:
            return None
        if self.alive():
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not stop; its log ends: {self.output()[-2000:]}")
        return self.child.returncode


class Nats(Process):
    def __init__(self, folder, name="nats", extra=""):
        self.port = free_port()
        self.store = folder / f"{name}-store"
        conf = folder / f"{name}.conf"
        conf.write_text(f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{self.store}", max_file_store: 20GB }}\nmax_payload: 2MB\n{extra}\n')
        super().__init__(name, [NATS_SERVER, "-c", conf], folder)
        self.wait()

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def wait(self):
        def up():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as s:
                return s.recv(4) == b"INFO"

        until("nats-server answers", up)

    def restart(self):
        self.start()
        self.wait()


class Sim(Process):
    def __init__(self, folder, args=()):
        self.port = free_port()
        super().__init__("sim", [BUILD / "sluice-sim", "--listen", f"127.0.0.1:{self.port}", "--key", SECRET, "--job-ms", "300", *args], folder)
        until("sluice-sim answers", lambda: self.get("/_sim/stats", quiet=True))

    def call(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"} if body is not None else {})
        r = c.getresponse()
        data = r.read()
        c.close()
        return r.status, data

    def get(self, path, quiet=False):
        try:
            status, data = self.call("GET", path)
            return json.loads(data) if status == 200 else None
        except OSError:
            if quiet:
                return None
            raise

    def fault(self, **rule):
        status, data = self.call("POST", "/_sim/faults", rule)
        assert status in (200, 201, 204), data

    def paid(self, **what):
        """What became of a prompt= (or key=): {"asked", "paid", "refused", "lost", …}."""
        return self.get("/_sim/paid?" + urllib.parse.urlencode(what))

    def steps(self, vendor):
        """Requests of a vendor by step."""
        steps = self.get("/_sim/stats")["vendors"].get(vendor, {}).get("steps", {})
        return {name: step["requests"] for name, step in steps.items()}


def config_text(app, socket_path, nats_url, sim_port, folder, extra="", models=None, admin="127.0.0.1:0", roles="[ingress, execute]", adapters=None, lanes=None, allow=(),
                watch="0s", streams="streams: { media_bytes: 4GiB, tasks_bytes: 256MiB, results_bytes: 256MiB }", pools=None):
    lines = [
        f"app: {app}",
        f"roles: {roles}",
        f"socket: {socket_path}",
        f'admin: "{admin}"',
        f"nats: {{ url: {nats_url} }}",
        f"adapters: [{adapters or quick_adapters(folder)}]",
        f"lanes: [{', '.join(lanes or ['default'])}]",
        f"spool: {{ dir: {folder / 'spool'} }}",
        streams,
        "allow_http: true",
        f"watch: {watch}",
        f"allow_hosts: {json.dumps([f'127.0.0.1:{sim_port}', *allow])}",
        "keys:",
    ]
    for pool, variable in (pools or dict.fromkeys(("openai", "fal", "elevenlabs", "heygen"), "SIM_KEY")).items():
        lines.append(f"  {pool}: [{{ id: main, env: {variable} }}]")
    lines.append("models:")
    for name, (adapter, vendor_model, pool, *more) in (models or MODELS).items():
        members = [f"adapter: {adapter}", f"model: {vendor_model}", f"key: {pool}", *more]
        if not any(member.startswith("base:") for member in more):
            members.append(f"base: 'http://127.0.0.1:{sim_port}/{BASES[adapter]}'")
        lines.append(f"  {name}: {{ {', '.join(members)} }}")
    return "\n".join(lines) + "\n" + extra


class Agent(Process):
    def __init__(self, folder, name, nats, sim, app="demo", extra="", env=None, setup=True, start=True, **config):
        self.folder = folder
        self.dir = folder / name
        self.dir.mkdir(exist_ok=True)
        self.socket = str(self.dir / "agent.sock")
        self.config = self.dir / "sluice.yaml"
        self.app, self.rest = app, (nats.url, sim.port if sim else 1, self.dir, extra, config)
        self.configure()
        self.own_env = {"SIM_KEY": SECRET, **(env or {})}
        if setup:
            self.setup()
        super().__init__(name, [BUILD / "sluice", "agent", "-c", self.config], folder, self.own_env, start)

    def setup(self):
        done = subprocess.run([BUILD / "sluice", "setup", "-c", self.config], env=dict(os.environ, **self.own_env), capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def configure(self, **changes):
        """Writes the configuration again with changes; the agent reads it on SIGHUP."""
        url, port, folder, extra, config = self.rest
        self.config.write_text(config_text(self.app, self.socket, url, port, folder, extra, **{**config, **changes}))

    def calm(self, *targets):
        """Keeps the breakers of these targets closed, for tests whose vendor fails all the time."""
        for target in targets:
            done = subprocess.run([BUILD / "sluice", "breaker", "close", target, "-c", self.config], env=dict(os.environ, **self.own_env), capture_output=True, text=True,
                                  timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
        return self

    def events(self, name):
        """The log lines of that event, parsed."""
        lines = [line for line in self.output().splitlines() if f'"event":"{name}"' in line]
        return [json.loads(line) for line in lines]

    def restart(self):
        """Another process of the same configuration, ready."""
        self.seen = len(self.events("ready"))
        self.start()
        return self.ready()

    seen = 0

    def ready(self):
        until(f"{self.name} is ready", lambda: len(self.events("ready")) > self.seen or (not self.alive() and self.fail()))
        until(f"{self.name} has a socket", lambda: "ingress" not in self.config.read_text() or os.path.exists(self.socket))
        return self

    def fail(self):
        raise AssertionError(f"{self.name} ended: {self.output()[-3000:]}")

    def call(self, method, path, body=None, headers=None, timeout=PATIENCE):
        return http_call(self.socket, method, path, body, headers, timeout)

    def submit(self, model, input, **more):
        """Accepts a task: its view. The kind is said where the model alone does not."""
        headers = more.pop("headers", None)
        if model in KINDS:
            more.setdefault("kind", KINDS[model])
        status, _, body = self.call("POST", "/v1/tasks", {"model": model, "input": input, **more}, headers)
        assert status in (200, 202), body
        return body

    def result(self, task_id, patience=PATIENCE):
        """The terminal view of a task."""

        def ended():
            status, _, body = self.call("GET", f"/v1/tasks/{task_id}?wait=5")
            return status == 200 and body["status"] in ("completed", "failed", "cancelled", "expired") and body

        return until(f"task {task_id} ends", ended, patience)

    def run(self, model, input, **more):
        """Submits and waits: the terminal view."""
        return self.result(self.submit(model, input, **more)["id"])

    def admin(self, path):
        """(status, text) of a page of the admin port."""
        port = self.events("admin port")[-1]["port"]
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        c.request("GET", path)
        r = c.getresponse()
        return r.status, r.read().decode()

    def metrics(self):
        return self.admin("/metrics")[1]

    def memory(self, field="RssAnon"):
        """Bytes of a field of /proc/PID/status; 0 in a sanitizer's build, whose memory is mostly the sanitizer's."""
        if BUILD.name.startswith(("asan", "tsan")):
            return 0
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M).group(1)) * 1024

    def rpc(self):
        return Rpc(self.socket)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def http_call(path, method, target, body=None, headers=None, timeout=PATIENCE):
    """(status, headers, body): JSON is parsed, anything else is bytes."""
    c = UnixConnection(path, timeout)
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused in the middle of its body: the answer is there
        c.request(method, target, body, headers)
    r = c.getresponse()
    data = r.read()
    c.close()
    kind = r.headers.get("Content-Type") or ""
    if "json" in kind:
        data = json.loads(data) if data else None
    elif "msgpack" in kind:
        data = msgpack.unpackb(data) if data else None
    return r.status, r.headers, data


def cancelled(body):
    """The outcome that POST …/cancel tells."""
    return body.get("status") or body["error"]["status"]


def multipart(fields):
    """multipart/form-data of (name, text) or (name, file name, type, bytes): content type and body."""
    boundary, out = "rig-boundary-7MA4", b""
    for name, *rest in fields:
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if len(rest) == 1:
            out += b"\r\n\r\n" + str(rest[0]).encode()
        else:
            file, kind, data = rest
            out += f'; filename="{file}"\r\nContent-Type: {kind}\r\n\r\n'.encode() + data
        out += b"\r\n"
    return f"multipart/form-data; boundary={boundary}", out + f"--{boundary}--\r\n".encode()


class EventStream:
    """An open GET /v1/tasks/{id}/events."""

    def __init__(self, agent, task_id, last_id=None, timeout=PATIENCE):
        self.c = UnixConnection(agent.socket, timeout)
        self.c.request("GET", f"/v1/tasks/{task_id}/events", headers={"Last-Event-ID": last_id} if last_id else {})
        self.response = self.c.getresponse()
        self.status = self.response.status

    def __iter__(self):
        """(event id, event name, data) until the stream ends; comments are skipped."""
        one = {}
        while line := self.response.readline():
            line = line.decode().rstrip("\r\n")
            if not line and "data" in one:
                yield one.get("id"), one.get("event"), json.loads(one["data"])
                one = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(":")
                one[name] = value.removeprefix(" ")

    def close(self):
        self.c.close()


class Rpc:
    """MessagePack-RPC on the socket: one connection, answers in any order, notifications kept."""

    def __init__(self, path, timeout=PATIENCE):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.unpacker = msgpack.Unpacker(raw=False, max_buffer_size=1 << 28)
        self.n, self.answers, self.order, self.told = 0, {}, [], []

    def close(self):
        self.sock.close()

    def raw(self, data):
        self.sock.sendall(data)

    def ask(self, method, *params):
        """Sends a request and gives its message id."""
        self.n += 1
        self.raw(msgpack.packb([0, self.n, method, list(params)]))
        return self.n

    def receive(self):
        """Takes one frame: an answer or a notification; False at the end of the connection."""
        while True:
            for frame in self.unpacker:
                if frame[0] == 1:
                    self.answers[frame[1]] = (frame[2], frame[3])
                    self.order.append(frame[1])
                else:
                    self.told.append((frame[1], frame[2]))
                return True
            data = self.sock.recv(1 << 16)
            if not data:
                return False
            self.unpacker.feed(data)

    def answer(self, msgid):
        """(error, result) of a request."""
        while msgid not in self.answers:
            if not self.receive():
                raise EOFError("the connection ended")
        return self.answers.pop(msgid)

    def call(self, method, *params):
        """The result; an error fails."""
        error, result = self.answer(self.ask(method, *params))
        assert error is None, error
        return result

    def fault(self, method, *params):
        """The error; a result fails."""
        error, result = self.answer(self.ask(method, *params))
        assert error is not None, result
        return error


def unpack(data):
    """The body of an envelope out of NATS."""
    return msgpack.unpackb(data)["body"]


def node(script, *args, check=True):
    """Runs a .mjs script of this folder: what it prints is JSON, one value a line."""
    done = subprocess.run([NODE, pathlib.Path(__file__).with_name(script), *map(str, args)], capture_output=True, text=True, timeout=2 * PATIENCE,
                          cwd=ROOT / "tests")
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line]


class NatsClient:
    """As much of the NATS protocol as a test needs: requests, one at a time."""

    def __init__(self, nats):
        self.sock = socket.create_connection(("127.0.0.1", nats.port), 10)
        self.file = self.sock.makefile("rb")
        self.file.readline()
        self.sock.sendall(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n')
        self.n = 0

    def close(self):
        self.sock.close()

    def request(self, subject, payload=b""):
        """(headers, payload) of the first answer."""
        self.n += 1
        inbox = f"_INBOX.rig.{os.getpid()}.{id(self)}.{self.n}"
        self.sock.sendall(f"SUB {inbox} {self.n}\r\nUNSUB {self.n} 1\r\nPUB {subject} {inbox} {len(payload)}\r\n".encode() + payload + b"\r\n")
        while True:
            line = self.file.readline().split()
            if not line:
                raise OSError("the server closed the connection")
            if line[0] == b"PING":
                self.sock.sendall(b"PONG\r\n")
            elif line[0] == b"MSG":
                data = self.file.read(int(line[-1]) + 2)[:-2]
                return b"", data
            elif line[0] == b"HMSG":
                head, total = int(line[-2]), int(line[-1])
                data = self.file.read(total + 2)[:-2]
                return data[:head], data[head:]

    def api(self, subject, request=None):
        return json.loads(self.request("$JS.API." + subject, json.dumps(request).encode() if request is not None else b"")[1])

    def record(self, app, task_id):
        """A task's record in the journal, or None."""
        data = self.last("KV_SLUICE_JOURNAL", f"$KV.SLUICE_JOURNAL.{app}.{task_id}")
        return unpack(data) if data else None

    def result(self, app, task_id):
        """What SLUICE_RESULTS has of a task, or None."""
        data = self.last("SLUICE_RESULTS", f"sluice.result.{app}.{task_id}")
        return unpack(data) if data else None

    def dead(self, app, task_id):
        """A task's dead letter, or None."""
        data = self.last("SLUICE_DEAD", f"sluice.dead.{app}.{task_id}")
        return unpack(data) if data else None

    def last(self, stream, subject):
        """The last message on a subject of a stream: bytes, or None."""
        answer = self.api(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})
        return base64.b64decode(answer["message"].get("data", "")) if "message" in answer else None

    def messages(self, stream):
        return self.api(f"STREAM.INFO.{stream}")["state"]["messages"]


class Rig:
    """One nats-server, one simulator, any number of agents; everything is stopped at the end."""

    def __init__(self, folder=None, sim_args=()):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sluice-"))
        self.own = folder is None
        self.processes = []
        self.agents = []
        try:
            self.nats = self.add(Nats(self.folder))
            self.sim = self.add(Sim(self.folder, sim_args))
        except BaseException:
            self.close()  # nothing is left running by a rig that could not be made
            raise

    def add(self, process):
        self.processes.append(process)
        return process

    def agent(self, name=None, wait=True, **more):
        """A new agent, ready; start=False makes its files only, wait=False does not wait until it is ready."""
        a = self.add(Agent(self.folder, name or f"agent{len(self.agents) + 1}", self.nats, self.sim, **more))
        self.agents.append(a)
        return a.ready() if a.child and wait else a

    def client(self):
        return NatsClient(self.nats)

    def close(self):
        wrong = []
        for p in reversed(self.processes):
            try:
                p.stop()
            except AssertionError as e:
                wrong.append(str(e))
        text = "".join(p.output() for p in self.processes)
        for bad in ("AddressSanitizer", "runtime error:", "ThreadSanitizer", "LeakSanitizer", "Assertion"):
            if bad in text:
                at = text.index(bad)
                wrong.append(f"{bad} in a log: {text[max(0, at - 200) : at + 3000]}")
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
        if wrong:
            raise AssertionError("\n".join(wrong))


def in_threads(count, work):
    """Runs work(i) in count threads and gives the results in order; the first error is raised."""
    results, errors = [None] * count, []

    def one(i):
        try:
            results[i] = work(i)
        except BaseException as e:  # noqa: BLE001 - handed on below
            errors.append(e)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return results
