"""MessagePack-RPC on the same socket: every method, notifications, media as bytes, bad frames; from Python and from Node."""
import hashlib
import struct
import uuid

import msgpack
import pytest
from rig import Rpc, node, until
from test_tasks import NOBODY, PIXEL, schema, unique

TAG = uuid.uuid4().hex


@pytest.fixture
def agent(shared):
    return shared.agents[0]


@pytest.fixture
def rpc(agent):
    connection = agent.rpc()
    yield connection
    connection.close()


def image(prompt, **more):
    return {"model": "gpt-image-2", "input": {"prompt": prompt}, **more}


# ---- a Node app ----


@pytest.fixture(scope="module")
def scenes(shared):
    return {line["name"]: line for line in node("rpc.mjs", shared.agents[0].socket, TAG)}


@pytest.fixture
def scene(scenes):
    def value(name):
        assert "error" not in scenes[name], scenes[name]["error"]
        return scenes[name]["value"]

    return value


def test_node_inline(scene):
    """Submit, wait and the bytes in one call: bin arrives as Uint8Array and is what its digest says; nothing unasked is told."""
    view = scene("inline")["view"]
    assert view["status"] == "completed" and len(view["outputs"]) == 2 and scene("inline")["told"] == []
    assert all(output["sha"] == output["digest"] and output["bytes_in"] for output in view["outputs"])


def test_node_bytes_in(scene, shared):
    """Pictures go in as bin."""
    assert scene("bytesIn")["status"] == "completed" and shared.sim.paid(prompt=f"{TAG} bytes in")["paid"] == 1


def test_node_subscribe(scene):
    """Notifications come only after task.subscribe, only of what was submitted afterwards, in order, the last with the result."""
    value = scene("subscribe")
    assert value["before"] == 0
    assert {note["method"] for note in value["told"]} == {"task.event"} and {note["event"]["task"] for note in value["told"]} == {value["id"]}
    marks = [tuple(map(int, note["event"]["id"].split("."))) for note in value["told"]]
    assert marks == sorted(set(marks))
    assert value["told"][-1]["event"]["result"]["status"] == "completed"


def test_node_overtaking(scene):
    """Answers come in the order in which they are ready."""
    assert scene("overtaking") == {"before": 50, "status": "completed"}


def test_node_pieces(scene):
    """A medium of many pieces is stored as one."""
    value = scene("pieces")
    assert value["answer"]["digest"] == value["answer"]["media"] == value["sha"] and value["answer"]["bytes"] == value["bytes"]


def test_node_output(scene):
    """A large output is read by ranges that fit into a frame, and adds up to its digest."""
    value = scene("output")
    assert value["sha"] == value["digest"] and value["calls"] >= 3 and value["middle"]


def test_node_faults(scene):
    """Faults are maps with the same codes as over HTTP; the connection goes on."""
    value = scene("faults")
    assert (value["method"]["code"], value["model"]["code"], value["field"]["code"], value["task"]["code"]) == (
        "not_found", "model_not_found", "invalid_value", "task_not_found")
    assert value["field"]["param"] == "input.n" and value["still"]["status"] == "ok"


def test_node_notify(scene, shared):
    """A notification is carried out and answered by nothing, not even an error."""
    assert scene("notify")["order"] == [0]
    until("it is carried out", lambda: shared.sim.paid(prompt=f"{TAG} unanswered")["paid"] == 1)


# ---- methods, one by one ----


def test_ping_and_models(rpc, agent):
    """ping tells the version and whether tasks are taken; models is what HTTP gives."""
    pong = rpc.call("ping")
    assert pong["status"] == "ok" and pong["ready"] is True and pong["version"]
    assert rpc.call("models") == agent.call("GET", "/v1/models")[2]


def test_submit_and_look(rpc, agent):
    """What RPC accepts, HTTP shows, and the other way round: one and the same view."""
    task = rpc.call("task.submit", image(unique("one way")))
    schema("result.json").validate(task)
    assert task["status"] == "queued"
    view = rpc.call("task.wait", task["id"])
    assert view["status"] == "completed" and view == agent.result(task["id"]) == rpc.call("task.get", task["id"]) == rpc.call("task.get", {"id": task["id"]})
    other = agent.run("gpt-image-2", {"prompt": unique("the other")})
    assert rpc.call("task.get", other["id"]) == other


def test_wait(rpc):
    """task.wait with a time gives the task as it is when the time is over."""
    task = rpc.call("task.submit", image(unique("waited for [sim:latency=1500]")))
    assert rpc.call("task.wait", task["id"], 0.2)["status"] in ("queued", "in_progress")
    assert rpc.call("task.wait", task["id"])["status"] == "completed"
    assert rpc.fault("task.wait", task["id"], -1)["param"] == "wait_s"


def test_key(rpc, agent):
    """idempotency_key is the same as the header: one task over both dialects."""
    key, task = unique("key"), image(unique("once"))
    first = rpc.call("task.submit", task, {"idempotency_key": key})
    again = rpc.call("task.submit", task, {"idempotency_key": key})
    assert again["id"] == first["id"] and again["replayed"] is True and "replayed" not in first
    assert agent.call("POST", "/v1/tasks", task, {"Idempotency-Key": key})[2]["id"] == first["id"]
    assert rpc.fault("task.submit", image("other"), {"idempotency_key": key})["code"] == "idempotency_key_reused"
    assert rpc.fault("task.submit", task, {"idempotency_key": "k" * 256})["param"] == "idempotency_key"


def test_cancel(rpc):
    """task.cancel tells the four outcomes."""
    waiting = rpc.call("task.submit", image(unique("waits [sim:429 times=always retry-after=30]")))["id"]
    until("it waits", lambda: rpc.call("task.get", waiting).get("stage") == "rate_limited")
    assert rpc.call("task.cancel", waiting)["status"] == "cancelled"
    done = rpc.call("task.submit", image(unique("done")), {"wait_s": 60})
    assert rpc.call("task.cancel", done["id"])["status"] == "already_completed"
    rendering = rpc.call("task.submit", {"model": "flux", "kind": "image.generate", "input": {"prompt": unique("rendering [sim:endless]")}})["id"]
    until("the vendor has it", lambda: rpc.call("task.get", rendering)["stage"].startswith("vendor"))
    assert rpc.call("task.cancel", rendering)["status"] == "cancellation_requested"
    assert rpc.call("task.wait", rendering)["status"] == "cancelled"
    error = rpc.fault("task.cancel", NOBODY)
    assert (error["code"], error["status"]) == ("task_not_found", "not_found")


def test_list(rpc, agent):
    """task.list has the filters of HTTP."""
    task = rpc.call("task.submit", {"model": "eleven", "kind": "audio.speech", "input": {"text": unique("listed"), "voice": "v"}}, {"wait_s": 60})
    page = rpc.call("task.list", {"model": "eleven", "limit": 1})
    assert page["data"] == [task] and page == agent.call("GET", "/v1/tasks?model=eleven&limit=1")[2]
    assert rpc.call("task.list")["object"] == "list"
    assert rpc.fault("task.list", {"limit": 1000})["param"] == "limit"
    assert rpc.fault("task.list", {"colour": "red"})["code"] == "unsupported_option"


def test_output(rpc):
    """task.output gives bytes by range, says what they belong to, and refuses what is not there."""
    view = rpc.call("task.submit", image(unique("bytes")), {"wait_s": 60, "inline": True})
    whole, output = view["outputs"][0]["data"], view["outputs"][0]
    assert type(whole) is bytes and hashlib.sha256(whole).hexdigest() == output["digest"]
    part = rpc.call("task.output", view["id"])
    assert part["data"] == whole and part["last"] is True and part["total"] == len(whole) and part["digest"] == output["digest"]
    assert rpc.call("task.output", view["id"], 0, 10, 5)["data"] == whole[10:15]
    assert rpc.call("task.output", view["id"], 0, len(whole))["data"] == b""
    assert rpc.fault("task.output", view["id"], 0, len(whole) + 1)["code"] == "range_not_satisfiable"
    assert rpc.fault("task.output", view["id"], 5)["code"] == "output_not_found"
    running = rpc.call("task.submit", image(unique("running [sim:latency=800]")))["id"]
    assert rpc.fault("task.output", running)["code"] == "task_not_completed"


def test_inline_is_bounded(rpc):
    """Outputs that do not fit into an answer stay references."""
    view = rpc.call("task.submit", {"model": "kling-video", "kind": "video.generate", "input": {"prompt": unique("large [sim:bytes=6000000]"), "duration_s": 4}},
                    {"wait_s": 60, "inline": True})
    assert view["status"] == "completed" and "data" not in view["outputs"][0] and view["outputs"][0]["bytes"] == 6000000


def test_media_put(rpc, agent):
    """media.put stores bytes; HTTP serves them; a task refers to them."""
    data = PIXEL + uuid.uuid4().bytes
    answer = rpc.call("media.put", data)
    assert answer["digest"] == hashlib.sha256(data).hexdigest() and (answer["type"], answer["width"], answer["height"]) == ("image/png", 1, 1)
    assert agent.call("GET", f"/v1/media/{answer['digest']}")[2] == data
    edit = {"model": "gpt-image-2", "kind": "image.edit", "input": {"prompt": unique("by digest"), "images": [{"media": answer["media"]}]}}
    view = rpc.call("task.submit", edit, {"wait_s": 60})
    assert view["status"] == "completed", view
    assert rpc.fault("media.put", "text")["param"] == "data" and rpc.fault("media.put", b"")["param"] == "data"
    assert rpc.fault("media.put", b"x", {"upload": "nothing"})["param"] == "upload"


def test_many_uploads(agent):
    """A connection that begins many uploads and leaves takes nothing with it that others need."""
    one = agent.rpc()
    for i in range(16):
        assert one.call("media.put", b"x" * 1000, {"last": False})["bytes"] == 1000
    assert one.fault("media.put", b"x", {"last": False})["code"] == "too_many_in_flight"
    one.close()
    other = agent.rpc()
    assert other.call("media.put", PIXEL)["digest"]
    other.close()


def test_subscribe_one(rpc, agent):
    """task.subscribe with an id tells that task's events, from an event on; unsubscribe ends it."""
    task = agent.submit("flux", {"prompt": unique("followed [sim:job-ms=800]")})["id"]
    assert rpc.call("task.subscribe", task) == {"subscribed": True, "id": task}
    other = rpc.call("task.submit", image(unique("not followed")), {"wait_s": 60})["id"]
    until("the end is told", lambda: rpc.receive() and rpc.told[-1][1][0].get("result"))
    assert {params[0]["task"] for _, params in rpc.told} == {task} and other != task
    for _, params in rpc.told[:-1]:
        schema("event.json").validate(params[0])
    first, rpc.told = rpc.told, []
    assert rpc.call("task.subscribe", task, first[-1][1][0]["id"])["subscribed"]
    rpc.call("task.unsubscribe", task)
    assert rpc.fault("task.subscribe", NOBODY)["code"] == "task_not_found"
    assert rpc.call("task.unsubscribe") == {"subscribed": False}


def test_out_of_order(rpc):
    """A hundred calls at once are all answered, each with its own result."""
    ids = {rpc.ask("task.submit", image(f"{unique('crowd')} [sim:latency={300 - 3 * i}]"), {"wait_s": 60}): i for i in range(60)}
    pings = [rpc.ask("ping") for _ in range(40)]
    views = {msgid: rpc.answer(msgid)[1] for msgid in ids}
    assert all(rpc.answer(msgid)[1]["status"] == "ok" for msgid in pings)
    assert {view["status"] for view in views.values()} == {"completed"} and len({view["id"] for view in views.values()}) == 60
    assert rpc.order != sorted(rpc.order)


@pytest.mark.parametrize("method,params,code", [
    ("task.submit", [], "invalid_value"),
    ("task.submit", ["text"], "invalid_value"),
    ("task.submit", [{"model": "gpt-image-2"}], "invalid_value"),
    ("task.submit", [{"model": "gpt-image-2", "input": {"prompt": "p"}}, {"colour": 1}], "unsupported_option"),
    ("task.get", [], "invalid_value"),
    ("task.get", [7], "invalid_value"),
    ("task.get", ["nonsense"], "task_not_found"),
    ("task.get", [NOBODY, 1, 2, 3], "invalid_value"),
    ("", [], "invalid_request"),
    ("x" * 60, [], "not_found"),
    ("ping", [1], "invalid_value"),
])
def test_bad_calls(rpc, method, params, code):
    """A call that is wrong gets its error, with its id, and the connection goes on."""
    error = rpc.fault(method, *params)
    assert error["code"] == code and error["message"] and error["type"], error
    assert rpc.call("ping")["status"] == "ok"


@pytest.mark.parametrize("frame", [
    [0, 1, "ping"], [0, 1, "ping", [], 5], [0, 1, 7, []], [0, 1, "ping", "params"], [0, 1, "m" * 100, []],
], ids=str)
def test_bad_frames_with_an_id(agent, frame):
    """A frame that is no call but has an id is answered under that id; the next call works."""
    rpc = agent.rpc()
    rpc.raw(msgpack.packb(frame))
    error, result = rpc.answer(1)
    assert error["code"] in ("invalid_request", "not_found") and result is None
    rpc.n = 10
    assert rpc.call("ping")["status"] == "ok"
    rpc.close()


@pytest.mark.parametrize("raw", [
    b"\x90", b"\x91\x07", b"\x94\x05\x01\xa4ping\x90", b"\x94\x00\xc1\xa4ping\x90", msgpack.packb([0, "id", "ping", []]), msgpack.packb([0, -1, "ping", []]),
    b"\xdc\x00\x04\x00\x01\xc1", b"\x94\x00\x01\xa4ping\x91\xd7\x00" + b"\0" * 8,
], ids=lambda raw: raw.hex()[:24])
def test_bad_frames_without_an_id(agent, raw):
    """A frame that makes no sense ends its connection, at the latest when the client stops sending, and no other."""
    rpc = agent.rpc()
    rpc.raw(raw)
    rpc.sock.shutdown(1)
    while rpc.receive():
        pass
    assert all(answer[0] is not None for answer in rpc.answers.values())
    rpc.close()
    assert agent.call("GET", "/v1/models")[0] == 200


@pytest.mark.parametrize("what,params,code", [
    ("depth", b"\x91" * 40 + b"\xc0", "nesting_too_deep"),
    ("elements", b"\xdd" + struct.pack(">I", 50_000_000), "too_many_elements"),
    ("bin", b"\x91\xc6" + struct.pack(">I", 1 << 30), "request_too_large"),
    ("text", b"\x91\xdb" + struct.pack(">I", 1 << 30), "request_too_large"),
])
def test_bombs(agent, what, params, code):
    """A frame that announces more than may be is refused by its first bytes, with its id, before anything is allocated."""
    before = agent.memory()
    rpc = agent.rpc()
    rpc.raw(b"\x94\x00\x07\xa4ping" + params)
    error, _ = rpc.answer(7)
    assert error["code"] == code, error
    rpc.close()
    assert agent.memory() - before < 4 << 20


def test_byte_by_byte(agent):
    """A call that comes byte by byte is understood."""
    rpc = agent.rpc()
    for byte in msgpack.packb([0, 3, "ping", []]):
        rpc.raw(bytes([byte]))
    assert rpc.answer(3)[1]["status"] == "ok"
    rpc.close()


def test_too_many_in_flight(agent):
    """Of more unanswered calls than a connection may have, the surplus is refused and the others are answered."""
    rpc = agent.rpc()
    task = rpc.call("task.submit", image(unique("awaited [sim:latency=1500]")))["id"]
    waits = [rpc.ask("task.wait", task) for _ in range(300)]
    answers = [rpc.answer(msgid) for msgid in waits]
    refused = [error for error, _ in answers if error]
    assert len(refused) == 300 - 256 and {error["code"] for error in refused} == {"too_many_in_flight"}
    assert all(view["status"] == "completed" for error, view in answers if not error)
    rpc.close()


def test_peer_leaves(agent, shared):
    """A connection that goes away in the middle of everything cancels nothing."""
    rpc, prompt = agent.rpc(), unique("left [sim:latency=500]")
    rpc.call("task.subscribe")
    rpc.ask("task.submit", image(prompt), {"wait_s": 60, "inline": True})
    until("the vendor has it", lambda: shared.sim.paid(prompt=prompt)["asked"])
    rpc.close()
    until("it completes", lambda: shared.sim.paid(prompt=prompt)["answered"])
    assert isinstance(agent.rpc(), Rpc) and agent.call("GET", "/v1/models")[0] == 200
