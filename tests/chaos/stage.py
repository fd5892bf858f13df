"""Where a chaos test plays: one NATS server or three, a vendor, and agents, each with a link to NATS of its own."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time

import msgpack
import rig as parts
from link import Link

OWN_SERVER = parts.ROOT / "build/tools/nats/nats-server"  # of a newer Debian suite, fetched by `make chaos`


def version(server):
    said = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10).stdout
    return tuple(map(int, re.findall(r"(\d+)\.(\d+)\.(\d+)", said)[0]))


def cluster_server():
    """A nats-server whose replicas are to be trusted, or None."""
    for server in (parts.NATS_SERVER, OWN_SERVER):
        if pathlib.Path(server).exists() and version(server) >= (2, 10, 23):
            return str(server)
    return None


class Nodes:
    """The servers of one NATS, asked through any that answers."""

    def __init__(self, stage, count):
        ports = [parts.free_port() for _ in range(count)]
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports)
        self.each = []
        for i, port in enumerate(ports):
            extra = f'server_name: n{i}\ncluster {{ name: chaos, listen: "127.0.0.1:{port}", routes: [{routes}], no_advertise: true }}' if count > 1 else ""
            self.each.append(stage.add(parts.Nats(stage.folder, f"nats{i}", extra)))

    @property
    def port(self):
        """Of a server that answers."""
        def answering():
            for node in self.each:
                with contextlib.suppress(OSError), parts.socket.create_connection(("127.0.0.1", node.port), 1) as s:
                    s.settimeout(1)
                    if s.recv(4) == b"INFO":
                        return node.port
            return None

        return parts.until("a NATS server answers", answering)

    @property
    def url(self):
        return ",".join(node.url for node in self.each)

    def leader(self, stream):
        """The node that leads a stream, or None."""
        with contextlib.suppress(OSError, ValueError, KeyError), contextlib.closing(parts.NatsClient(self)) as client:
            client.sock.settimeout(3)
            name = client.api(f"STREAM.INFO.{stream}")["cluster"].get("leader")
            return next((node for i, node in enumerate(self.each) if f"n{i}" == name), None)
        return None


class Stage(parts.Rig):
    """As the flow tests' rig, with several servers and with links."""

    def __init__(self, folder, servers, agents, **config):
        self.folder, self.own = pathlib.Path(folder), False
        self.processes, self.agents, self.links = [], [], {}
        try:
            self.nats = Nodes(self, servers)
            self.env = {"SLUICE_NATS_REPLICAS": "3" if servers > 1 else "1"}
            self.sim = self.add(parts.Sim(self.folder))
            self.operator = self.add(parts.Agent(self.folder, "operator", self.nats.each[0], self.sim, env=self.env | {"SLUICE_NATS_URL": self.nats.url}, setup=False,
                                                 start=False))
            parts.until("the servers have found each other and the streams are made", self.set_up, 3 * parts.PATIENCE)
            self.heard = Heard(self.nats)
            self.memory = Memory(self.agents)
            for i in range(agents):
                link = Link([node.port for node in self.nats.each])
                env = self.env | {"SLUICE_NATS_URL": link.url}
                agent = parts.Agent(self.folder, f"agent{i + 1}", self.nats.each[0], self.sim, env=env, setup=False, extra="slots: 16\ndrain: 5s\nsweep: 1s\n",
                                    **config)
                self.links[agent.name] = link
                self.agents.append(self.add(agent))
                agent.ready()
        except BaseException:
            self.close()
            raise

    def set_up(self):
        try:
            self.operator.setup()
        except AssertionError as e:
            print(f"setup: {str(e)[-200:]}")
            time.sleep(1)
            return False
        return True

    def run(self, *words, text="", patience=60):
        """`sluice` as an operator runs it: (exit code, what it said)."""
        done = subprocess.run([parts.BUILD / "sluice", *words, "-c", self.operator.config], input=text, capture_output=True, text=True,
                              timeout=patience, env=dict(os.environ, **self.operator.own_env))
        return done.returncode, done.stdout + done.stderr

    def lines(self, task):
        """(Unix time, agent, text) of what agents logged of a task."""
        for agent in self.agents:
            for line in agent.output().splitlines():
                if task in line and line.startswith("{"):
                    said = json.loads(line)
                    said.pop("task", None)
                    at = said.pop("time")
                    yield parts_time(at), agent.name, " ".join(f"{k}={v}" for k, v in said.items() if k != "level")

    def count(self, event):
        """How often agents logged it."""
        return sum(len(agent.events(event)) for agent in self.agents)

    def close(self):
        for helper in [getattr(self, name, None) for name in ("heard", "memory")]:
            if helper:
                helper.stop()
        for process in self.processes:
            with contextlib.suppress(Exception):
                process.signal(parts.signal.SIGCONT)
        for link in self.links.values():
            link.set("pass")
        try:
            super().close()
        finally:
            for link in self.links.values():
                link.close()


def parts_time(text):
    """Unix seconds of a log line's time."""
    import datetime

    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Heard:
    """A service that listens to results as they are published, as long as it has a server; what it heard twice must be the same."""

    SUBJECT = "sluice.live.result.>"

    def __init__(self, nats):
        self.nats, self.results, self.different = nats, {}, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def stop(self):
        self.over.set()
        self.thread.join()

    def listen(self):
        while not self.over.is_set():
            with contextlib.suppress(OSError, AssertionError, ValueError):
                self.connection()
            self.over.wait(0.1)

    def connection(self):
        client = parts.NatsClient(self.nats)
        with contextlib.closing(client):
            client.sock.sendall(f"SUB {self.SUBJECT} 1\r\n".encode())
            client.sock.settimeout(1)
            kept = b""
            while not self.over.is_set():
                try:
                    data = client.sock.recv(1 << 16)
                except TimeoutError:
                    continue
                if not data:
                    return
                kept = self.take(client, kept + data)

    def take(self, client, data):
        """Deals with the whole frames of data; gives the rest."""
        while True:
            line, end, rest = data.partition(b"\r\n")
            if not end:
                return data
            words = line.split()
            if words[:1] in ([b"MSG"], [b"HMSG"]):
                size = int(words[-1])
                if len(rest) < size + 2:
                    return data
                head = int(words[-2]) if words[0] == b"HMSG" else 0
                self.result(words[1].decode(), rest[head:size])
                rest = rest[size + 2 :]
            elif words[:1] == [b"PING"]:
                client.sock.sendall(b"PONG\r\n")
            data = rest

    def result(self, subject, payload):
        task, result = subject.rsplit(".", 1)[1], msgpack.unpackb(payload)["body"]
        if self.results.setdefault(task, result) != result:
            self.different.append((task, result))


class Memory:
    """How much private memory each agent had at most."""

    def __init__(self, agents):
        self.agents, self.most, self.over = agents, {}, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.over.wait(0.3):
            for agent in list(self.agents):
                with contextlib.suppress(OSError, AttributeError):  # not alive just now
                    self.most[agent.name] = max(self.most.get(agent.name, 0), agent.memory())

    def stop(self):
        self.over.set()
        self.thread.join()
