"""Every adapter, as vendors/NAME.yaml tells it, through a real agent against the simulator: each operation with real media, and what goes wrong.

A file: vendor (its dialect), base (of the simulator, in place of the vendor's), secret, options, tasks. In inputs $png, $mp4 and $mp3 are small real media, $png_6MB large ones; in options and
secrets $sim is the simulator's address and $account a service account as JSON. `swap` maps texts of the adapter, addresses of other hosts, to others; `without` names what
the vendor cannot: policy, rate, lost, expired, cancel.
"""
import base64
import functools
import json
import os
import re
import subprocess

import pytest
import rig as parts
import yaml
from rig import ROOT, until

CHUNK = 8  # adapters of one agent
NAMES = sorted(file.stem for file in (ROOT / "tests/flow/vendors").glob("*.yaml"))
NAMES = [name for name in NAMES if name in os.environ.get("SLUICE_VENDORS", name).split(",")]
MEDIA = {"png": "image/png", "mp4": "video/mp4", "mp3": "audio/mpeg"}
PROMPTS = ("prompt", "script", "text")
ENDS = ("completed", "failed", "cancelled", "expired")


@functools.cache
def data_of(name):
    return yaml.safe_load((ROOT / "tests/flow/vendors" / f"{name}.yaml").read_text())


@functools.cache
def adapter_of(name):
    """The adapter's text with the files that it extends, as one value."""
    value = yaml.safe_load((ROOT / "adapters" / f"{name}.yaml").read_text())
    below = adapter_of(value["extends"]) if "extends" in value else {}
    merge = lambda a, b: {**a, **{k: merge(a[k], v) if isinstance(v, dict) and isinstance(a.get(k), dict) else v for k, v in b.items()}}  # noqa: E731
    return merge(below, value)


def has(name, kind, step):
    """Does the adapter have that step for tasks of a kind?"""
    found = adapter_of(name)["tasks"][kind]
    return any(step in operation for operation in (found if isinstance(found, list) else [found]))


def polls(name):
    return any(has(name, task["kind"], "poll") for task in data_of(name)["tasks"])


def prompted(name):
    """The first task of a file whose input has a prompt, as its place and the task; one that polls where there is any."""
    found = [(i, task) for i, task in enumerate(data_of(name)["tasks"]) if said(task["input"]) is not None]
    return next(((i, task) for i, task in found if has(name, task["kind"], "poll")), (found or [(None, None)])[0])


def said(value):
    """The prompt in an input, by whatever name."""
    found = next((value[field] for field in PROMPTS if isinstance(value.get(field), str)), None)
    return found or (value["messages"][-1]["content"] if isinstance((value.get("messages") or [{}])[-1].get("content"), str) else None)


def say(value, more):
    """The input with more words in its prompt."""
    for field in PROMPTS:
        if isinstance(value.get(field), str):
            return {**value, field: f"{value[field]} {more}"}
    if said(value) is not None:
        last = value["messages"][-1]
        return {**value, "messages": [*value["messages"][:-1], {**last, "content": f"{last['content']} {more}"}]}
    return value


class World:
    """A simulator that knows all secrets, small media, and an agent for each few adapters, started when first asked for."""

    def __init__(self, folder):
        self.account = self.make_account(folder)
        secrets = [data_of(name)["secret"] for name in NAMES]
        self.secrets = {name: self.filled(secret) for name, secret in zip(NAMES, secrets)}
        keys = sorted({self.known(name) for name in NAMES})
        self.rig = parts.Rig(folder, ["--dialects", os.environ.get("SLUICE_DIALECTS", ROOT / "tests/adapters/dialects"), *(word for key in keys for word in ("--key", key))])
        self.sim, self.agents = self.rig.sim, {}
        self.media = {}

    @staticmethod
    def make_account(folder):
        pem = folder / "account.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", pem], check=True, capture_output=True)
        return {"type": "service_account", "project_id": "p1", "private_key_id": "id1", "private_key": pem.read_text(), "client_email": "robot@p1.example"}

    def filled(self, secret):
        return secret.replace("$account", json.dumps(self.account))

    def known(self, name):
        """The secret as the simulator knows it: parts are joined, an account stays whole."""
        secret = self.secrets[name]
        if not secret.startswith("{") or "private_key" in secret:
            return secret
        value = json.loads(secret)
        return ":".join(value[part.rstrip("?")] for part in adapter_of(name)["auth"]["parts"] if part.rstrip("?") in value)

    def sample(self, name):
        """A medium of the simulator as a data URI: "$png" small, "$png_6MB" of about that size."""
        kind, _, size = name[1:].partition("_")
        size = int(size.removesuffix("MB") or 0) * 1000000
        status, data = self.sim.call("GET", f"/openai/files/0/00000000000000a1-{kind}-64x64-1000-{size}.{kind}")
        assert status == 200 and len(data) >= size
        return f"data:{MEDIA[kind]};base64,{base64.b64encode(data).decode()}"

    def input(self, value):
        """An input with media in place of their names."""
        if isinstance(value, str) and re.fullmatch(r"\$(png|mp4|mp3)(_\d+MB)?", value):
            if value not in self.media:
                self.media[value] = self.sample(value)
            return self.media[value]
        if isinstance(value, list):
            return [self.input(item) for item in value]
        return {key: self.input(item) for key, item in value.items()} if isinstance(value, dict) else value

    def model(self, name, task):
        data, address = data_of(name), f"http://127.0.0.1:{self.sim.port}"
        more = [f"base: '{address}{data['base']}'"] if "base" in data else []
        options = {**data.get("options", {}), **task.get("options", {})}
        if options:
            more.append("options: " + json.dumps({key: str(text).replace("$sim", address) for key, text in options.items()}))
        return (name, json.dumps(task["model"]), name, *more)

    def agent(self, name):
        """The agent of an adapter's chunk; every task has a model of its own."""
        chunk = NAMES.index(name) // CHUNK
        if chunk not in self.agents:
            names = NAMES[chunk * CHUNK : (chunk + 1) * CHUNK]
            models = {f"{n}.{i}": self.model(n, task) for n in names for i, task in enumerate(data_of(n)["tasks"])}
            folder = self.rig.folder / f"adapters{chunk}"
            folder.mkdir()
            needed = {n for n in names} | {below for n in names for below in self.extended(n)}
            lane = f"chunk{chunk}"
            self.agents[chunk] = self.rig.agent(
                name=lane, app=lane, lanes=[lane], models={m: (*model, f"lane: {lane}") for m, model in models.items()},
                adapters=parts.quick_adapters(folder, sorted(needed), list(self.swaps(names))), pools={n: f"KEY_{NAMES.index(n)}" for n in names},
                env={f"KEY_{NAMES.index(n)}": self.secrets[n] for n in names})
        return self.agents[chunk]

    def swaps(self, names):
        """(file, text, other text): in the adapter's own file, or where it stands in one that is extended."""
        for name in names:
            for before, after in data_of(name).get("swap", {}).items():
                files = [f for f in (name, *self.extended(name)) if before in (ROOT / "adapters" / f"{f}.yaml").read_text()]
                assert files, f"{name} has no {before}"
                for file in files:
                    yield file, before, after.replace("$sim", f"http://127.0.0.1:{self.sim.port}")

    @staticmethod
    def extended(name):
        while True:
            name = yaml.safe_load((ROOT / "adapters" / f"{name}.yaml").read_text()).get("extends")
            if not name:
                return
            yield name

    def submit(self, name, place, task, more):
        """A task whose prompt is like no other: its id and its prompt."""
        value = say(task["input"], f"({name} {place} {more})")
        extra = {"deadline_s": task["deadline_s"]} if "deadline_s" in task else {}
        return self.agent(name).submit(f"{name}.{place}", self.input(value), kind=task["kind"], **extra)["id"], said(value)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("adapters"))
    yield w
    w.rig.close()


@pytest.fixture(scope="module")
def tasks(world):
    """All tasks at once, so that they wait together: (name, what) -> (id, prompt), or the error of a submission."""
    found = {}
    for name in NAMES:
        world.agent(name)
        place, first = prompted(name)
        wanted = [((name, i), i, task, "plain") for i, task in enumerate(data_of(name)["tasks"])]
        if first:
            wanted.append(((name, "policy"), place, first, "[sim:jobfail=policy]" if has(name, first["kind"], "poll") else "[sim:policy]"))
            wanted.append(((name, "rate"), place, first, "[sim:429]"))
            wanted.append(((name, "lost"), place, first, "[sim:lost]"))
            if has(name, first["kind"], "poll"):
                wanted.append(((name, "expired"), place, first, "[sim:403 step=download]"))
        for key, i, task, more in (w for w in wanted if w[0][1] not in data_of(name).get("without", [])):
            try:
                found[key] = world.submit(name, i, task, more)
            except AssertionError as error:
                found[key] = error
    return found


def ended(world, tasks, name, what):
    made = tasks.get((name, what))
    if made is None or what in data_of(name).get("without", []):
        pytest.skip("the vendor has no such thing")
    if isinstance(made, AssertionError):
        raise made
    return world.agent(name).result(made[0]), made[1]


def test_all_have_tasks():
    """Each adapter has a file here, and each kind of task that it serves, but for what it only takes over from another."""
    assert {file.stem for file in (ROOT / "adapters").glob("*.yaml")} == {file.stem for file in (ROOT / "tests/flow/vendors").glob("*.yaml")}
    for name in NAMES:
        own = yaml.safe_load((ROOT / "adapters" / f"{name}.yaml").read_text())
        kinds = {kind for kind, operation in own.get("tasks", {}).items() if operation}
        assert kinds <= {task["kind"] for task in data_of(name)["tasks"]}, name


@pytest.mark.parametrize("name,place", [(name, i) for name in NAMES for i in range(len(data_of(name)["tasks"]))])
def test_task(world, tasks, name, place):
    """Each operation ends well, gives media of its kind, and is paid exactly once."""
    task = data_of(name)["tasks"][place]
    view, prompt = ended(world, tasks, name, place)
    assert view["status"] == "completed", view.get("error")
    if task["gives"] == "text":
        assert view.get("choices") or view["outputs"][0]["type"].startswith("text/"), view
    else:
        assert view["outputs"] and {output["type"].split("/")[0] for output in view["outputs"]} == {task["gives"]}, view["outputs"]
        status, headers, data = world.agent(name).call("GET", f"/v1/tasks/{view['id']}/outputs/0")
        assert status == 200 and len(data) == view["outputs"][0]["bytes"] > 0
    if prompt:
        counted = world.sim.paid(prompt=prompt)
        assert (counted["asked"], counted["paid"]) == (1, 1), counted


@pytest.mark.parametrize("name", NAMES)
def test_policy(world, tasks, name):
    """What the vendor will not make for its content is told as such."""
    view, _ = ended(world, tasks, name, "policy")
    assert (view["status"], view["error"]["code"]) == ("failed", "content_policy_violation"), view


@pytest.mark.parametrize("name", NAMES)
def test_rate_limit(world, tasks, name):
    """A 429 is waited out: asked twice, paid once."""
    view, prompt = ended(world, tasks, name, "rate")
    assert view["status"] == "completed", view.get("error")
    counted = world.sim.paid(prompt=prompt)
    assert (counted["asked"], counted["paid"], counted["refused"]) == (2, 1, 1), counted


@pytest.mark.parametrize("name", NAMES)
def test_lost_answer(world, tasks, name):
    """Nobody pays twice: a submission whose answer is lost is found again, or repeated with its key, or left alone, and said to be unknown."""
    view, prompt = ended(world, tasks, name, "lost")
    kind = prompted(name)[1]["kind"]
    if has(name, kind, "lookup") or "idempotency" in adapter_of(name):
        assert view["status"] == "completed", view.get("error")
    else:
        assert (view["status"], view["error"]["code"]) == ("failed", "outcome_unknown"), view
    assert world.sim.paid(prompt=prompt)["paid"] == 1


@pytest.mark.parametrize("name", [name for name in NAMES if polls(name)])
def test_expired_address(world, tasks, name):
    """An address of a result that works no more is asked for again."""
    view, prompt = ended(world, tasks, name, "expired")
    assert view["status"] == "completed", view.get("error")
    assert world.sim.paid(prompt=prompt)["paid"] == 1


CANCELLING = [name for name in NAMES if polls(name) and prompted(name)[1] and "cancel" not in data_of(name).get("without", [])]


def cancels(world):
    """Requests to cancel, by vendor."""
    return {vendor: world.sim.steps(vendor).get("cancel", 0) for vendor in {data_of(name)["vendor"] for name in CANCELLING}}


@pytest.fixture(scope="module")
def cancelled(world, tasks):
    """Tasks that were cancelled while their vendors had them, all at once: name -> id; and how often each vendor was asked before."""
    before, made, client = cancels(world), {}, world.rig.client()
    for name in CANCELLING:
        place, task = prompted(name)
        made[name] = world.submit(name, place, task, "[sim:job-ms=5000] cancel")[0]
    for name, id_ in made.items():
        agent = world.agent(name)
        ended = lambda: agent.call("GET", f"/v1/tasks/{id_}")[2]["status"] in ENDS  # noqa: E731, B023
        until("the vendor has it", lambda: (client.record(agent.app, id_) or {}).get("state") == "submitted" or ended())  # noqa: B023
        agent.call("POST", f"/v1/tasks/{id_}/cancel")
    client.close()
    return made, before


@pytest.mark.parametrize("name", CANCELLING)
def test_cancel(world, cancelled, name):
    """A cancel reaches a vendor that has one; what the vendor says in the end counts. One that has none goes on."""
    made, before = cancelled
    view = world.agent(name).result(made[name])
    able = has(name, prompted(name)[1]["kind"], "cancel")
    assert view["status"] in (("cancelled", "completed") if able else ("completed",)), view
    vendor = data_of(name)["vendor"]
    asking = [n for n in CANCELLING if data_of(n)["vendor"] == vendor and has(n, prompted(n)[1]["kind"], "cancel")]
    assert cancels(world)[vendor] >= before[vendor] + len(asking)


@pytest.mark.parametrize("name", [name for name in NAMES if "uploads" in adapter_of(name)])
def test_uploads(world, tasks, name):
    """An adapter that uploads does so: its vendor was given files."""
    for i in range(len(data_of(name)["tasks"])):
        ended(world, tasks, name, i)
    assert world.sim.steps(data_of(name)["vendor"]).get("upload", 0) > 0


def test_secrets_stay(world, tasks):
    """No secret stands in a log, and none came to a place that must not see it."""
    for key in tasks:
        if not isinstance(tasks[key], AssertionError):
            world.agent(key[0]).result(tasks[key][0])
    for agent in world.rig.agents:
        text = agent.output()
        assert [name for name in NAMES if world.secrets[name] in text] == []
    assert {name: v["leaked"] for name, v in world.sim.get("/_sim/stats")["vendors"].items() if v["leaked"]} == {}
