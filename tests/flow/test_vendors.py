"""The shipped adapters against the simulator: success, progress, every class of error, every fault on the wire, and what was paid for each."""
import http.server
import json
import threading

import jsonschema
import pytest
import rig as parts
from rig import ROOT, SECRET, until
from test_tasks import PIXEL

# adapter -> (model, input of a prompt, does one request do the whole task?)
VENDORS = {
    "openai-images": ("gpt-image-2", lambda p: {"prompt": p}, True),
    "openai-speech": ("tts-1", lambda p: {"text": p, "voice": "alloy"}, True),
    "elevenlabs": ("eleven", lambda p: {"text": p, "voice": "v1"}, True),
    "openai-videos": ("sora-2", lambda p: {"prompt": p, "duration_s": 4}, False),
    "fal": ("flux", lambda p: {"prompt": p}, False),
    "heygen": ("avatar", lambda p: {"script": p, "avatar": "a1", "voice": "v1"}, False),
}
SYNC = [name for name, vendor in VENDORS.items() if vendor[2]]
ASYNC = [name for name, vendor in VENDORS.items() if not vendor[2]]
PAYING = [name for name in VENDORS if name != "heygen"]  # those whose submissions cannot be repeated safely
POLICY, REJECTED, UNKNOWN = "content_policy_violation", "vendor_rejected", "outcome_unknown"
RESULT_SCHEMA = json.loads((ROOT / "schemas" / "result.json").read_text())


class Case:
    """One task with faults ordered in its prompt, and what must become of it."""

    def __init__(self, adapter, faults, ends="completed", paid=1, asked=1, deadline_s=None):
        self.adapter, self.faults, self.ends, self.deadline_s = adapter, faults, ends, deadline_s
        self.paid, self.asked = paid, asked
        self.id = f"{adapter}:{faults or 'plain'}"


CASES = []
for name in VENDORS:
    CASES += [
        Case(name, ""),
        Case(name, "[sim:429]", asked=2),
        Case(name, "[sim:429 times=3]", asked=4),
        Case(name, "[sim:429 retry-after=1]", asked=2),
        Case(name, "[sim:429 retry-after=11]", asked=2),  # longer than an agent waits by itself: NATS keeps the time
        Case(name, "[sim:503 times=2]", asked=3),
        Case(name, "[sim:auth]", "vendor_auth", 0),
        Case(name, "[sim:quota]", "quota_exhausted", 0),
        Case(name, "[sim:policy]", POLICY, 0),
        Case(name, "[sim:slow=20] [sim:latency=200]"),
    ]
for name in SYNC:
    CASES.append(Case(name, "[sim:500 times=2]", asked=3))
    CASES.append(Case(name, "[sim:503 times=always]", "vendor_unavailable", 0, asked=5))
for name in PAYING:  # an answer that does not tell is never answered with a second submission
    CASES += [Case(name, f"[sim:{fault}]", UNKNOWN) for fault in ("lost", "reset", "cut")]
for name in ("fal", "openai-videos"):
    CASES += [Case(name, f"[sim:{status}]", UNKNOWN, 0) for status in (500, 502, 504)]
    CASES.append(Case(name, "[sim:500 accepted]", UNKNOWN))
for name in ("openai-images", "fal", "openai-videos"):  # a whole answer that makes no sense says nothing about the payment either
    CASES += [Case(name, f"[sim:{fault}]", UNKNOWN) for fault in ("truncate", "garbage", "deep", "huge=3000000")]
# The same key again: paid once, whatever was lost.
CASES += [Case("heygen", f"[sim:{fault}]", asked=2) for fault in ("lost", "reset", "cut", "truncate", "garbage", "502", "504", "500 accepted")]
CASES.append(Case("heygen", "[sim:lost times=3]", asked=4))
for name in ASYNC:
    CASES += [Case(name, f"[sim:{fault} step=poll]") for fault in ("429", "500 times=2", "503", "lost", "reset", "cut", "truncate", "garbage", "deep", "404")]
    CASES += [Case(name, f"[sim:{fault} step=download]") for fault in ("503 times=2", "reset", "cut", "302", "404")]
    CASES.append(Case(name, "[sim:jobfail]", "vendor_failed"))
    CASES.append(Case(name, "[sim:jobfail=policy]", POLICY))
    CASES.append(Case(name, "[sim:endless]", "deadline_exceeded", deadline_s=6))
CASES += [Case("fal", f"[sim:{fault} step=fetch]") for fault in ("429", "503 times=2", "lost", "truncate", "garbage")]


# What a vendor says against a key or a target holds for the whole fleet: a case with a fault has a key of its own.
for number, case in enumerate(CASES):
    model = VENDORS[case.adapter][0]
    case.model, case.kind = (f"{model}-{number}" if case.faults else model), parts.KINDS.get(model)
MODELS = {**parts.MODELS, **{c.model: (*parts.MODELS[VENDORS[c.adapter][0]][:2], c.model) for c in CASES if c.faults}}
POOLS = dict.fromkeys((pool for _, _, pool in MODELS.values()), "SIM_KEY")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    r = parts.Rig(tmp_path_factory.mktemp("rig"))
    r.agent(models=MODELS, pools=POOLS)
    yield r
    r.close()


def prompt_of(case):
    return f"{case.adapter} {case.faults or 'plain'}"


@pytest.fixture(scope="module")
def tasks(shared):
    """All cases at once: case id -> task id. Each test then looks at one of them."""
    ids = {}
    for case in CASES:
        more = {name: value for name, value in (("deadline_s", case.deadline_s), ("kind", case.kind)) if value}
        ids[case.id] = shared.agents[0].submit(case.model, VENDORS[case.adapter][1](prompt_of(case)), **more)["id"]
    return ids


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(shared, tasks, case):
    """What is ordered in the prompt happens, the task ends as it must, and the vendor was asked and paid exactly so often."""
    view = shared.agents[0].result(tasks[case.id], 2 * parts.PATIENCE)
    jsonschema.Draft7Validator(RESULT_SCHEMA).validate(view)
    if case.ends == "completed":
        assert view["status"] == "completed", view
        assert view["outputs"] and all(output["bytes"] > 0 and output["digest"] for output in view["outputs"])
    else:
        assert view["status"] == ("expired" if case.ends == "deadline_exceeded" else "failed"), view
        assert view["error"]["code"] == case.ends, view
    counted = shared.sim.paid(prompt=prompt_of(case))
    assert (counted["paid"], counted["asked"]) == (case.paid, case.asked), counted


@pytest.mark.parametrize("name", [name for name in VENDORS if name != "elevenlabs"])
def test_rate_limit_costs_no_attempt(shared, tasks, name):
    """A 429 counts as a refusal and not as an attempt."""
    case = next(c for c in CASES if c.adapter == name and c.faults == "[sim:429 times=3]")
    shared.agents[0].result(tasks[case.id])
    record = shared.client().record("demo", tasks[case.id])
    assert (record["tries"], record["refusals"]) == (0, 3)
    assert [attempt["class"] for attempt in record["attempts"]] == ["rate_limited"] * 3


@pytest.mark.parametrize("seconds", [1, 11])
@pytest.mark.parametrize("name", VENDORS)
def test_retry_after_is_obeyed(shared, tasks, name, seconds):
    """Nobody asks before the time that the vendor named is over."""
    case = next(c for c in CASES if c.adapter == name and c.faults == f"[sim:429 retry-after={seconds}]")
    shared.agents[0].result(tasks[case.id])
    counted = shared.sim.paid(prompt=prompt_of(case))
    assert counted["last_ms"] - counted["first_ms"] >= 1000 * seconds - 50, counted
    placements = shared.client().record("demo", tasks[case.id])["placement"]
    assert placements - (name in ASYNC) == (2 if seconds > 10 else 1)


@pytest.mark.parametrize("name,kind", [("openai-images", "image/png"), ("openai-speech", "audio/mpeg"), ("elevenlabs", "audio/mpeg"),
                                       ("openai-videos", "video/mp4"), ("fal", "image/jpeg"), ("heygen", "video/mp4")])
def test_result_tells(shared, tasks, name, kind):
    """A result says what the media are, who made them, under which id, how long it took."""
    agent = shared.agents[0]
    view = agent.result(tasks[f"{name}:plain"])
    assert [output["type"] for output in view["outputs"]] == [kind]
    assert view["vendor"]["adapter"] == name and view["vendor"]["model"] == parts.MODELS[view["model"]][1]
    assert name in SYNC or view["vendor"]["id"]
    assert view["attempts"] == 1 and view["timing"]["running_ms"] >= 0 and view["completed_at"] >= view["created_at"]
    status, headers, data = agent.call("GET", f"/v1/tasks/{view['id']}/outputs/0")
    assert status == 200 and headers["Content-Type"] == kind and len(data) == view["outputs"][0]["bytes"]
    if kind.startswith("image/"):
        assert view["outputs"][0]["width"] and view["outputs"][0]["height"]


def test_cost_and_usage(shared, tasks):
    """What a vendor says about tokens, characters and units is in the result, and in the metrics."""
    agent = shared.agents[0]
    assert agent.result(tasks["openai-images:plain"])["usage"]["total_tokens"] == 1070
    assert agent.result(tasks["elevenlabs:plain"])["cost"] == {"amount": len(prompt_of(next(c for c in CASES if c.id == "elevenlabs:plain"))),
                                                               "unit": "characters"}
    assert agent.result(tasks["fal:plain"])["cost"] == {"amount": 1, "unit": "units"}
    assert 'sluice_cost_total{model="eleven",unit="characters"}' in agent.metrics()


def test_progress(shared):
    """A vendor's percentage reaches whoever watches, and never falls."""
    task = shared.agents[0].submit("sora-2", {"prompt": "slowly [sim:job-ms=2500]"})["id"]
    stream = parts.EventStream(shared.agents[0], task)
    told = [data for _, _, data in stream]
    seen = [event["progress"] for event in told if "progress" in event]
    assert seen == sorted(seen) and any(0 < percent < 100 for percent in seen), told
    assert told[-1]["status"] == "completed" and all(event["at"] > 1.6e9 for event in told), told


@pytest.mark.parametrize("name", ["openai-videos", "heygen"])
def test_cancel_where_the_vendor_cannot(shared, name):
    """A vendor without cancel goes on: the request is noted, the result still comes, and is the vendor's."""
    agent, (model, make, _) = shared.agents[0], VENDORS[name]
    task = agent.submit(model, make(f"cancel {name} [sim:job-ms=1500]"))["id"]
    until("the vendor has it", lambda: shared.client().record("demo", task)["state"] == "submitted")
    status, _, body = agent.call("POST", f"/v1/tasks/{task}/cancel")
    assert status in (200, 202) and parts.cancelled(body) == "cancellation_requested"
    assert agent.result(task)["status"] == "completed"
    assert shared.sim.paid(prompt=f"cancel {name} [sim:job-ms=1500]")["paid"] == 1


def test_cancel_at_fal(shared):
    """fal is asked to cancel with PUT, once, and what it says in the end is what counts."""
    agent, before = shared.agents[0], shared.sim.steps("fal").get("cancel", 0)
    task = agent.submit("flux", {"prompt": "cancel fal [sim:endless]"})["id"]
    until("the vendor has it", lambda: shared.client().record("demo", task)["state"] == "submitted")
    status, _, body = agent.call("POST", f"/v1/tasks/{task}/cancel")
    assert status in (200, 202) and parts.cancelled(body) == "cancellation_requested"
    view = agent.result(task)
    assert view["status"] == "cancelled" and view["error"]["code"] == "cancelled"
    assert shared.sim.steps("fal")["cancel"] == before + 1


def test_invalid_request_is_not_repeated(shared):
    """What the vendor calls invalid is told with its own words and never sent again."""
    prompt = "an impossible size"
    view = shared.agents[0].run("gpt-image-2", {"prompt": prompt, "quality": "marvellous"})
    assert (view["status"], view["error"]["code"]) == ("failed", REJECTED) and "quality" in view["error"]["message"]
    assert len(shared.client().record("demo", view["id"])["attempts"]) == 1


def test_rhythm_as_shipped(shared):
    """The adapters exactly as shipped finish a task, too: nothing hangs on the tests' quicker polls."""
    agent = shared.agent(app="shipped", adapters=ROOT / "adapters", **parts.on_lane("shipped"))
    ids = [agent.submit(model, make(f"as shipped {name}"))["id"] for name, (model, make, _) in VENDORS.items()]
    assert {agent.result(i)["status"] for i in ids} == {"completed"}
    agent.stop()


class Pictures(http.server.BaseHTTPRequestHandler):
    """A web server with a picture, a way round to it, and a way to where nobody may go."""

    asked = []

    def do_GET(self):
        self.asked.append((self.path, dict(self.headers)))
        if self.path == "/a.png":
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(PIXEL)))
        else:
            self.send_response(302)
            self.send_header("Location", {"/round": "/a.png", "/inside": "http://169.254.169.254/latest/meta-data"}.get(self.path, "/again"))
            self.send_header("Content-Length", "0")
        self.end_headers()
        if self.path == "/a.png":
            self.wfile.write(PIXEL)

    def log_message(self, *args):
        pass


def test_inputs_by_url(shared):
    """Media at URLs are fetched for vendors that want bytes, through redirects, without any secret, and never from where the operator does not allow."""
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    agent = shared.agent(app="web", allow=[f"127.0.0.1:{web.server_port}"], **parts.on_lane("web"))
    at = f"http://127.0.0.1:{web.server_port}"
    for path, code in [("/a.png", None), ("/round", None), ("/inside", "host_not_allowed"), ("/endless", "input_unavailable")]:
        view = agent.run("sora-2", {"prompt": f"from {path}", "image": at + path})
        assert (view.get("error") or {}).get("code") == code, (path, view)
        assert shared.sim.paid(prompt=f"from {path}")["asked"] == (0 if code else 1)
    assert Pictures.asked and all(SECRET not in json.dumps(headers) for _, headers in Pictures.asked)
    view = agent.run("gpt-image-2", {"prompt": "passed on", "images": [at + "/a.png"]}, kind="image.edit")  # this vendor takes URLs
    assert view["status"] == "completed", view
    agent.stop()
    web.shutdown()


class Gossip(http.server.BaseHTTPRequestHandler):
    """A vendor that repeats the secret in everything it says."""

    def do_POST(self):
        secret = self.headers["Authorization"]
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {secret}.", "code": f"bad {secret}", "type": secret}}).encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("x-request-id", secret)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_a_vendor_repeats_the_secret(shared):
    """A secret that a vendor puts into its error text goes no further."""
    vendor = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gossip)
    threading.Thread(target=vendor.serve_forever, daemon=True).start()
    model = ("openai-images", "gpt-image-2", "openai", f"base: 'http://127.0.0.1:{vendor.server_port}/v1'")
    agent = shared.agent(app="gossip", allow=[f"127.0.0.1:{vendor.server_port}"], **parts.on_lane("gossip", {"gossip": model}))
    view = agent.run("gossip", {"prompt": "tell me"})
    assert view["error"]["code"] == "vendor_auth" and SECRET not in json.dumps(view), view
    agent.stop()
    vendor.shutdown()


def test_secrets_stay(shared, tasks):
    """After all of this the key is in no log, no metric, nothing that NATS stores, and went to no other place."""
    for case in CASES:
        shared.agents[0].result(tasks[case.id])
    for agent in shared.agents:
        assert SECRET not in agent.output()
    assert SECRET not in shared.agents[0].metrics()
    needle, files = SECRET.encode(), [f for f in shared.nats.store.rglob("*") if f.is_file()]
    assert any(b"sluice.result.demo" in f.read_bytes() for f in files)  # it can be found when it is there
    assert [str(f) for f in files if needle in f.read_bytes()] == []
    assert {name: v["leaked"] for name, v in shared.sim.get("/_sim/stats")["vendors"].items() if v["leaked"]} == {}


def test_dead_letters(shared, tasks):
    """Tasks given up leave a letter with the request and the reason; those refused for their own content do not."""
    client = shared.client()
    for case in CASES:
        if case.ends != "completed":
            shared.agents[0].result(tasks[case.id])
    for case in CASES:
        letter = client.dead("demo", tasks[case.id])
        if case.ends in ("completed", POLICY, REJECTED):
            assert letter is None, (case.id, letter)
        else:
            assert letter["error"]["code"] == case.ends and letter["task"]["input"], case.id
