"""/v1/tasks over HTTP: accepting, waiting, looking, listing, cancelling, outputs, events, keys, both encodings."""
import time
import base64
import hashlib
import json
import threading
import uuid

import jsonschema
import msgpack
import pytest
import rig as parts
from rig import ROOT, EventStream, UnixConnection, in_threads, multipart, until

NOBODY = "01973f5e-7c1a-7b8e-9d3a-2f6c1e0a4b5d"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.fixture
def agent(shared):
    return shared.agents[0]


@pytest.fixture
def other(shared):
    """A second agent of the same app."""
    if len(shared.agents) < 2:
        shared.agent()
    return shared.agents[1]


def unique(text):
    return f"{text} {uuid.uuid4()}"


def schema(name):
    return jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / name).read_text()))


def image(prompt, **more):
    return {"model": "gpt-image-2", "input": {"prompt": prompt}, **more}


def error_of(answer, status, code, param=None):
    """Asserts OpenAI's envelope and gives the inner object."""
    assert answer[0] == status, answer
    error = answer[2]["error"]
    assert error["code"] == code and error["message"] and error["type"], error
    assert "param" in error and (param is None or error["param"] == param), error
    return error


# ---- accepting ----


def test_accepted(agent, shared):
    """A task is answered with 202, its id, its place, and is in the journal and done a moment later."""
    prompt = unique("accepted")
    status, headers, body = agent.call("POST", "/v1/tasks", image(prompt))
    assert status == 202 and headers["Location"] == f"/v1/tasks/{body['id']}" and headers["Content-Type"].startswith("application/json")
    assert body["object"] == "task" and body["status"] == "queued" and body["kind"] == "image.generate" and body["created_at"] > 1.6e9
    schema("result.json").validate(body)
    assert shared.client().record("demo", body["id"])["model"] == "gpt-image-2"
    view = agent.result(body["id"])
    schema("result.json").validate(view)
    assert view["status"] == "completed" and shared.sim.paid(prompt=prompt)["paid"] == 1


def test_prefer_wait(agent):
    """Prefer: wait=N gives the result with 200 when it comes in time, and the task with 202 when it does not."""
    status, headers, body = agent.call("POST", "/v1/tasks", image(unique("waits")), {"Prefer": "wait=30"})
    assert status == 200 and body["status"] == "completed" and headers["Location"] == f"/v1/tasks/{body['id']}"
    status, headers, body = agent.call("POST", "/v1/tasks", image(unique("late [sim:latency=2500]")), {"Prefer": "respond-async, wait=1"})
    assert status == 202 and body["status"] in ("queued", "in_progress") and headers["Location"]
    assert agent.result(body["id"])["status"] == "completed"


def test_get_with_wait(agent):
    """GET tells how the task is now; with wait it answers when the task ends, or when the time is over."""
    task = agent.submit("gpt-image-2", {"prompt": unique("looked at [sim:latency=1500]")})["id"]
    status, _, body = agent.call("GET", f"/v1/tasks/{task}")
    assert status == 200 and body["status"] in ("queued", "in_progress") and body["stage"]
    schema("result.json").validate(body)
    assert agent.call("GET", f"/v1/tasks/{task}?wait=1")[2]["status"] == "in_progress"
    assert agent.call("GET", f"/v1/tasks/{task}?wait=30")[2]["status"] == "completed"
    error_of(agent.call("GET", f"/v1/tasks/{task}?wait=soon"), 400, "invalid_value", "wait")


def test_many_wait_for_one(agent, other):
    """Any number of clients, at any agent, get the same result of one task."""
    task = agent.submit("gpt-image-2", {"prompt": unique("popular [sim:latency=500]")})["id"]
    views = in_threads(12, lambda i: (agent, other)[i % 2].call("GET", f"/v1/tasks/{task}?wait=30")[2])
    assert views[0]["status"] == "completed" and all(view == views[0] for view in views)


def test_no_such_task(agent):
    """An id of no task, and a text that is no id, are 404 task_not_found everywhere."""
    for name in (NOBODY, "nonsense", NOBODY.upper(), "*"):
        for method, path in [("GET", ""), ("GET", "?wait=1"), ("GET", "/events"), ("GET", "/outputs/0"), ("POST", "/cancel")]:
            answer = agent.call(method, f"/v1/tasks/{name}{path}")
            assert answer[0] == 404 and answer[2]["error"]["code"] in ("task_not_found", "not_found"), (name, path, answer)


# ---- what is refused ----


def test_unknown_model(agent):
    """A model that is not configured is 404, and the text says where the list is."""
    error = error_of(agent.call("POST", "/v1/tasks", {"model": "nobody", "input": {"prompt": "p"}}), 404, "model_not_found", "model")
    assert "nobody" in error["message"] and "/v1/models" in error["message"]


@pytest.mark.parametrize("body,param", [
    ({"input": {"prompt": "p"}}, "model"),
    ({"model": "gpt-image-2"}, "input"),
    ({"model": 7, "input": {"prompt": "p"}}, "model"),
    ({"model": "gpt-image-2", "input": []}, "input"),
    ({"model": "gpt-image-2", "input": {}}, "input.prompt"),
    ({"model": "gpt-image-2", "input": {"prompt": ""}}, "input.prompt"),
    ({"model": "gpt-image-2", "input": {"prompt": "p", "n": 0}}, "input.n"),
    ({"model": "gpt-image-2", "input": {"prompt": "p", "n": "two"}}, "input.n"),
    ({"model": "gpt-image-2", "input": {"prompt": "p", "size": "big"}}, "input.size"),
    ({"model": "gpt-image-2", "input": {"prompt": "p", "colour": "red"}}, "input.colour"),
    ({"model": "gpt-image-2", "input": {"prompt": "p"}, "priority": "urgent"}, "priority"),
    ({"model": "gpt-image-2", "input": {"prompt": "p"}, "deadline_s": 0}, "deadline_s"),
    ({"model": "gpt-image-2", "input": {"prompt": "p"}, "deadline_s": 700000}, "deadline_s"),
    ({"model": "gpt-image-2", "input": {"prompt": "p"}, "kind": "audio.speech"}, "kind"),
    ({"model": "gpt-image-2", "input": {"prompt": "p"}, "webhook": "https://x"}, "webhook"),
    ({"model": "gpt-image-2", "input": {"prompt": "p"}, "metadata": {"a": 1}}, "metadata.a"),
    ({"model": "flux", "input": {"prompt": "p"}, "kind": "text.chat"}, "kind"),
    ({"model": "flux", "input": {"prompt": "p"}}, "kind"),
])
def test_schema_names_the_field(agent, body, param):
    """Whatever does not fit the schema is 400 invalid_value and names its field; nothing is stored."""
    error = error_of(agent.call("POST", "/v1/tasks", body), 400, "invalid_value", param)
    assert param == "kind" or param.split(".")[-1] in error["message"], error


@pytest.mark.parametrize("body,kind,status,code", [
    (b"{", "application/json", 400, "invalid_request"),
    (b"", "application/json", 400, "invalid_request"),
    (b"[1]", "application/json", 400, "invalid_value"),
    (b'{"model": "a", "model": "b", "input": {}}', "application/json", 400, "invalid_request"),
    (b'{"model": "\xff"}', "application/json", 400, "invalid_request"),
    (b"\x81", "application/msgpack", 400, "invalid_request"),
    (b"model=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    (b"x", "text/plain", 415, "unsupported_media_type"),
    (b"x", "multipart/form-data", 400, "invalid_request"),
])
def test_unreadable_bodies(agent, body, kind, status, code):
    """A body that cannot be parsed, or is of a type that nobody reads, is refused with the right code."""
    error_of(agent.call("POST", "/v1/tasks", body, {"Content-Type": kind}), status, code)


def test_routes(agent):
    """Unknown paths are 404, wrong methods 405 with Allow, unknown parameters 400."""
    error_of(agent.call("GET", "/v1/nothing"), 404, "not_found")
    answer = agent.call("DELETE", "/v1/tasks")
    error_of(answer, 405, "method_not_allowed")
    assert set(answer[1]["Allow"].split(", ")) == {"GET", "POST"}
    error_of(agent.call("GET", "/v1/tasks?colour=red"), 400, "unsupported_option", "colour")


# ---- idempotency ----


def test_key_gives_the_same_task(agent, other, shared):
    """The same Idempotency-Key and task give the same task, also at another agent and after it ended; the vendor is paid once."""
    prompt, key = unique("once"), {"Idempotency-Key": unique("key")}
    first = agent.call("POST", "/v1/tasks", image(prompt), key)
    assert first[0] == 202 and "Idempotent-Replayed" not in first[1]
    again = agent.call("POST", "/v1/tasks", image(prompt), key)
    assert again[2]["id"] == first[2]["id"] and again[1]["Idempotent-Replayed"] == "true"
    view = agent.result(first[2]["id"])
    ended = other.call("POST", "/v1/tasks", image(prompt), key)
    assert ended[0] == 200 and ended[2] == view and ended[1]["Idempotent-Replayed"] == "true"
    waited = other.call("POST", "/v1/tasks", image(prompt), {**key, "Prefer": "wait=10"})
    assert waited[0] == 200 and waited[2] == view
    assert shared.sim.paid(prompt=prompt)["paid"] == 1


def test_key_of_a_failed_task(agent, shared):
    """A failed task answers for its key, too: nothing is sent again."""
    prompt, key = unique("refused [sim:policy times=always]"), {"Idempotency-Key": unique("key")}
    first = agent.call("POST", "/v1/tasks", image(prompt), {**key, "Prefer": "wait=30"})
    assert first[2]["status"] == "failed"
    again = agent.call("POST", "/v1/tasks", image(prompt), key)
    assert again[2] == first[2] and again[1]["Idempotent-Replayed"] == "true"
    assert shared.sim.paid(prompt=prompt)["asked"] == 1


def test_key_of_another_task(agent, other):
    """The same key with another body is 409 at every agent, and tells the SDKs not to repeat it."""
    prompt, key = unique("mine"), {"Idempotency-Key": unique("key")}
    assert agent.call("POST", "/v1/tasks", image(prompt), key)[0] == 202
    answer = other.call("POST", "/v1/tasks", image(prompt + "!"), key)
    error_of(answer, 409, "idempotency_key_reused")
    assert answer[1]["x-should-retry"] == "false"


def test_key_ignores_spelling(agent):
    """What is compared is the task: order of members, spaces and escapes do not matter, media count by their bytes."""
    key = {"Idempotency-Key": unique("key")}
    prompt, data = unique("spelt"), base64.b64encode(PIXEL).decode()
    one = {"model": "gpt-image-2", "kind": "image.edit", "input": {"prompt": prompt, "images": [data]}}
    two = {"input": {"images": ["data:image/png;base64," + data], "prompt": prompt}, "kind": "image.edit", "model": "gpt-image-2"}
    first = agent.call("POST", "/v1/tasks", one, key)
    second = agent.call("POST", "/v1/tasks", json.dumps(two, indent=3).encode(), {**key, "Content-Type": "application/json"})
    assert first[0] == 202 and second[2]["id"] == first[2]["id"], second


def test_keys_at_the_same_time(agent, other, shared):
    """Twenty requests with one key at two agents at once make one task."""
    prompt, key = unique("race"), {"Idempotency-Key": unique("key")}
    answers = in_threads(20, lambda i: (agent, other)[i % 2].call("POST", "/v1/tasks", image(prompt), key))
    assert {answer[0] for answer in answers} <= {200, 202}, answers
    assert len({answer[2]["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer[1] for answer in answers) <= 1
    assert agent.result(answers[0][2]["id"])["status"] == "completed" and shared.sim.paid(prompt=prompt)["paid"] == 1


def test_bad_key(agent):
    """A key that is empty or too long is 400."""
    for key in ("", "k" * 256):
        error_of(agent.call("POST", "/v1/tasks", image("p"), {"Idempotency-Key": key}), 400, "invalid_value", "Idempotency-Key")


def test_sdk_retry_joins(agent, shared):
    """A keyless request that an SDK marks as its own retry joins the task; an unmarked one makes another."""
    prompt = unique("retried")
    first = agent.call("POST", "/v1/tasks", image(prompt), {"x-stainless-retry-count": "0"})
    second = agent.call("POST", "/v1/tasks", image(prompt), {"x-stainless-retry-count": "1"})
    third = agent.call("POST", "/v1/tasks", image(prompt))
    assert second[2]["id"] == first[2]["id"] and third[2]["id"] != first[2]["id"]
    assert agent.result(first[2]["id"]) and agent.result(third[2]["id"])
    assert shared.sim.paid(prompt=prompt)["paid"] == 2


# ---- listing ----


def test_list(agent, other):
    """The list is newest first, filtered by status, model and kind, and can be walked page by page without gap or repetition."""
    marks = []
    for _ in range(7):
        marks.append(agent.submit("tts-1", {"text": unique("listed"), "voice": "alloy"})["id"])
        time.sleep(0.002)  # tasks of one millisecond have no order
    failed = agent.run("tts-1", {"text": unique("listed [sim:policy]"), "voice": "alloy"})
    for task in marks:
        agent.result(task)
    status, _, page = other.call("GET", "/v1/tasks?model=tts-1&status=completed&limit=100")
    ids = [task["id"] for task in page["data"]]
    assert status == 200 and page["object"] == "list" and [i for i in ids if i in marks] == marks[::-1] and failed["id"] not in ids
    assert {task["status"] for task in page["data"]} == {"completed"} and {task["model"] for task in page["data"]} == {"tts-1"}
    assert failed["id"] in [t["id"] for t in other.call("GET", "/v1/tasks?status=failed&limit=100")[2]["data"]]
    assert {t["kind"] for t in other.call("GET", "/v1/tasks?kind=audio.speech")[2]["data"]} == {"audio.speech"}
    walked, after = [], ""
    while True:
        page = other.call("GET", f"/v1/tasks?model=tts-1&limit=3{after}")[2]
        assert len(page["data"]) <= 3
        walked += [task["id"] for task in page["data"]]
        if not page["has_more"]:
            break
        assert page["last_id"] == walked[-1]
        after = f"&after={page['last_id']}"
    assert walked == [t["id"] for t in other.call("GET", "/v1/tasks?model=tts-1&limit=100")[2]["data"]]
    assert len(set(walked)) == len(walked) >= 8


@pytest.mark.parametrize("query,param", [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("status=done", "status"),
                                         ("kind=sculpture", "kind"), ("after=there", "after")])
def test_list_refusals(agent, query, param):
    """A filter that means nothing is refused and named."""
    error_of(agent.call("GET", f"/v1/tasks?{query}"), 400, "invalid_value", param)


def test_list_one_task(agent):
    """A page of a task's own view equals what GET of the task says."""
    task = agent.run("tts-1", {"text": unique("one"), "voice": "alloy"}, metadata={"a": "b"})
    assert next(t for t in agent.call("GET", "/v1/tasks?limit=100")[2]["data"] if t["id"] == task["id"]) == task


# ---- cancelling ----


def cancel(agent, task):
    status, _, body = agent.call("POST", f"/v1/tasks/{task}/cancel")
    return status, parts.cancelled(body)


def test_cancel_while_it_waits(agent, shared):
    """A task that nobody holds ends at once as cancelled: the vendor sees no further request."""
    prompt = unique("waits [sim:429 times=always retry-after=30]")
    task = agent.submit("gpt-image-2", {"prompt": prompt})["id"]
    until("it waits", lambda: agent.call("GET", f"/v1/tasks/{task}")[2].get("stage") == "rate_limited")
    assert cancel(agent, task) == (200, "cancelled")
    view = agent.call("GET", f"/v1/tasks/{task}")[2]
    assert view["status"] == "cancelled" and view["error"]["code"] == "cancelled"
    schema("result.json").validate(view)
    assert shared.client().result("demo", task)["status"] == "cancelled"
    assert cancel(agent, task)[1] in ("cancelled", "already_completed")
    assert shared.sim.paid(prompt=prompt)["asked"] == 1


def test_cancel_in_the_queue(agent, shared):
    """A task of a lane that nobody serves is cancelled before anybody claims it."""
    front = shared.agent(app="idle", roles="[ingress]", **parts.on_lane("idle"))
    task = front.submit("gpt-image-2", {"prompt": unique("never")})["id"]
    assert front.call("GET", f"/v1/tasks/{task}")[2]["status"] == "queued"
    assert cancel(front, task) == (200, "cancelled")
    assert front.result(task)["status"] == "cancelled"
    front.stop()


def test_cancel_at_the_vendor(agent, shared):
    """A task at fal is cancelled there; the answer says requested, the end says cancelled."""
    task = agent.submit("flux", {"prompt": unique("cancel me [sim:endless]")})["id"]
    until("the vendor has it", lambda: shared.client().record("demo", task)["state"] == "submitted")
    assert cancel(agent, task) == (200, "cancellation_requested")
    view = agent.result(task)
    schema("result.json").validate(view)
    assert view["status"] == "cancelled", view


def test_cancel_too_late(agent):
    """A completed task stays completed; an unknown one is not_found."""
    task = agent.run("gpt-image-2", {"prompt": unique("done")})["id"]
    assert cancel(agent, task) == (200, "already_completed")
    assert agent.call("GET", f"/v1/tasks/{task}")[2]["status"] == "completed"
    assert cancel(agent, NOBODY) == (404, "not_found")


def test_cancel_on_the_wire(agent, shared):
    """Cancelling while a request is at a synchronous vendor cannot call it back: one request, one honest end."""
    prompt = unique("on the wire [sim:latency=1200]")
    task = agent.submit("gpt-image-2", {"prompt": prompt})["id"]
    until("it is on the wire", lambda: shared.client().record("demo", task)["state"] == "claimed")
    assert cancel(agent, task) == (200, "cancellation_requested")
    assert agent.result(task)["status"] in ("completed", "cancelled")
    counted = shared.sim.paid(prompt=prompt)
    assert counted["asked"] == counted["paid"] == 1


# ---- outputs ----


@pytest.fixture(scope="module")
def picture(shared):
    """A finished task with three outputs, and their bytes as the object store has them."""
    view = shared.agents[0].run("gpt-image-2", {"prompt": "three of them", "n": 3})
    return view, [shared.agents[0].call("GET", f"/v1/tasks/{view['id']}/outputs/{i}")[2] for i in range(3)]


def test_outputs(agent, other, picture):
    """Each output is what its digest says, everywhere; size, type and ETag fit."""
    view, data = picture
    assert len(set(data)) == 3
    for i, output in enumerate(view["outputs"]):
        assert hashlib.sha256(data[i]).hexdigest() == output["digest"] and len(data[i]) == output["bytes"]
        assert data[i].startswith(b"\x89PNG") and output["type"] == "image/png" and (output["width"], output["height"]) == (1024, 1024)
        status, headers, again = other.call("GET", f"/v1/tasks/{view['id']}/outputs/{i}")
        assert (status, again) == (200, data[i])
        assert headers["ETag"] == f'"{output["digest"]}"' and headers["Content-Type"] == "image/png"
        assert int(headers["Content-Length"]) == len(data[i])
        assert agent.call("GET", f"/v1/media/{output['media']}")[2] == data[i]


@pytest.mark.parametrize("asked,first,last", [("bytes=0-9", 0, 9), ("bytes=100-", 100, -1), ("bytes=-7", -7, -1), ("bytes=5-99999999", 5, -1)])
def test_output_ranges(agent, picture, asked, first, last):
    """A range gives 206 with exactly these bytes."""
    view, data = picture
    n = len(data[0])
    first, last = first % n, last % n
    status, headers, got = agent.call("GET", f"/v1/tasks/{view['id']}/outputs/0", headers={"Range": asked})
    assert (status, got) == (206, data[0][first:last + 1])
    assert headers["Content-Range"] == f"bytes {first}-{last}/{n}"


def test_output_conditions(agent, picture):
    """HEAD has no body, If-None-Match gives 304, If-Range an old ETag the whole, a range outside 416."""
    view, data = picture
    path, tag = f"/v1/tasks/{view['id']}/outputs/1", f'"{view["outputs"][1]["digest"]}"'
    status, headers, body = agent.call("HEAD", path)
    assert (status, body, int(headers["Content-Length"])) == (200, b"", len(data[1]))
    assert agent.call("GET", path, headers={"If-None-Match": tag})[0] == 304
    assert agent.call("GET", path, headers={"If-None-Match": '"other"'})[2] == data[1]
    assert agent.call("GET", path, headers={"Range": "bytes=0-4", "If-Range": tag})[2] == data[1][:5]
    assert agent.call("GET", path, headers={"Range": "bytes=0-4", "If-Range": '"old"'})[2] == data[1]
    answer = agent.call("GET", path, headers={"Range": f"bytes={len(data[1])}-"})
    error_of(answer, 416, "range_not_satisfiable")
    assert answer[1]["Content-Range"] == f"bytes */{len(data[1])}"


def test_output_refusals(agent, picture):
    """There is no fourth output, none of a running task, none of a failed one."""
    error_of(agent.call("GET", f"/v1/tasks/{picture[0]['id']}/outputs/3"), 404, "output_not_found")
    error_of(agent.call("GET", f"/v1/tasks/{picture[0]['id']}/outputs/x"), 404, "output_not_found")
    running = agent.submit("flux", {"prompt": unique("running")})["id"]
    error_of(agent.call("GET", f"/v1/tasks/{running}/outputs/0"), 409, "task_not_completed")
    failed = agent.run("gpt-image-2", {"prompt": unique("failed [sim:policy]")})["id"]
    error_of(agent.call("GET", f"/v1/tasks/{failed}/outputs/0"), 404, "output_not_found")
    agent.result(running)


def test_large_output(agent):
    """Sixty megabytes of video come through whole, by parts and in one, without the agent growing with them."""
    size = 60_000_000
    view = agent.run("kling-video", {"prompt": unique(f"long [sim:bytes={size}]")})
    assert view["outputs"][0]["bytes"] == size
    before = agent.memory()
    _, _, data = agent.call("GET", f"/v1/tasks/{view['id']}/outputs/0")
    assert hashlib.sha256(data).hexdigest() == view["outputs"][0]["digest"]
    _, _, part = agent.call("GET", f"/v1/tasks/{view['id']}/outputs/0", headers={"Range": "bytes=31000000-32999999"})
    assert part == data[31000000:33000000]
    assert agent.memory() - before < 16 << 20


# ---- media ----


def test_media(agent, other):
    """Media are uploaded once and named by their digest; a task may refer to them; what is not there is refused."""
    data = PIXEL + uuid.uuid4().bytes
    status, headers, body = agent.call("POST", "/v1/media", data, {"Content-Type": "image/png"})
    digest = hashlib.sha256(data).hexdigest()
    assert status == 201 and body["digest"] == body["media"] == digest and headers["Location"] == f"/v1/media/{digest}"
    assert body["bytes"] == len(data) and body["type"] == "image/png" and (body["width"], body["height"]) == (1, 1)
    assert other.call("GET", f"/v1/media/{digest}")[2] == data
    kind, form = multipart([("file", "a.png", "image/png", data)])
    assert agent.call("POST", "/v1/media", form, {"Content-Type": kind})[2]["digest"] == digest
    view = agent.run("gpt-image-2", {"prompt": unique("from a reference"), "images": [{"media": digest}]}, kind="image.edit")
    assert view["status"] == "completed"
    missing = hashlib.sha256(b"never stored").hexdigest()
    error_of(agent.call("GET", f"/v1/media/{missing}"), 404, "media_not_found")
    error_of(agent.call("GET", "/v1/media/nonsense"), 404, "media_not_found")
    error_of(agent.call("POST", "/v1/media", b"", {"Content-Type": "image/png"}), 400, "invalid_value")


@pytest.mark.parametrize("form", ["base64", "object", "data uri", "media", "part"])
def test_media_forms(agent, shared, form):
    """The same picture may come as base64, object, data URI, reference or multipart part: the vendor gets one."""
    prompt, data = unique(f"as {form}"), PIXEL + uuid.uuid4().bytes
    text = base64.b64encode(data).decode()
    if form == "part":
        kind, body = multipart([("task", json.dumps({"model": "gpt-image-2", "kind": "image.edit", "input": {"prompt": prompt}})),
                                ("images", "a.png", "image/png", data)])
        answer = agent.call("POST", "/v1/tasks", body, {"Content-Type": kind, "Prefer": "wait=30"})
    else:
        if form == "media":
            agent.call("POST", "/v1/media", data)
        medium = {"base64": text, "object": {"base64": text, "name": "a.png"}, "data uri": f"data:image/png;base64,{text}",
                  "media": {"media": hashlib.sha256(data).hexdigest()}}[form]
        answer = agent.call("POST", "/v1/tasks", {"model": "gpt-image-2", "kind": "image.edit", "input": {"prompt": prompt, "images": [medium]}},
                            {"Prefer": "wait=30"})
    assert answer[0] == 200 and answer[2]["status"] == "completed", answer
    assert shared.sim.paid(prompt=prompt)["paid"] == 1


def test_bad_media(agent, shared):
    """Media that are no base64, are nowhere, or lie at a private address end the request or the task with a clear code; nothing is sent."""
    prompt = unique("bad media")
    task = {"model": "gpt-image-2", "kind": "image.edit", "input": {"prompt": prompt, "images": ["!!!"]}}
    error_of(agent.call("POST", "/v1/tasks", task), 400, "invalid_value")
    task["input"]["images"] = [{"media": hashlib.sha256(b"nowhere").hexdigest()}]
    answer = agent.call("POST", "/v1/tasks", task, {"Prefer": "wait=30"})
    assert (answer[2].get("error") or {}).get("code") in ("input_unavailable", "media_not_found"), answer
    for url in ("http://127.0.0.1:1/a.png", "http://169.254.169.254/latest", "http://[::1]/a.png"):
        task["input"]["images"] = [url, base64.b64encode(PIXEL).decode()]
        answer = agent.call("POST", "/v1/tasks", task, {"Prefer": "wait=30"})
        assert answer[2]["error"]["code"] in ("host_not_allowed", "input_unavailable"), answer
    assert shared.sim.paid(prompt=prompt)["asked"] == 0


def test_large_prompt(agent, shared):
    """An input of more than a message may hold goes by the object store and arrives whole."""
    text = unique("before it there is much")
    view = agent.run("eleven", {"text": text, "voice": "v", "vendor": {"previous_text": "p" * 60000}})
    assert view["status"] == "completed" and shared.sim.paid(prompt=text)["paid"] == 1
    message = shared.client().record("demo", view["id"])
    assert len(str(message)) < 20000


# ---- events ----


def test_events(agent):
    """A stream tells every change in order, with growing ids, ends with the result, and fits the schema."""
    task = agent.submit("flux", {"prompt": unique("told [sim:job-ms=800]")})["id"]
    stream = EventStream(agent, task)
    assert stream.status == 200 and stream.response.headers["Content-Type"] == "text/event-stream"
    told = list(stream)
    marks = [tuple(map(int, mark.split("."))) for mark, _, _ in told]
    assert marks == sorted(set(marks)) and told[-1][1] == "task.completed" and told[-1][2]["result"] == agent.result(task)
    order = ["queued", "in_progress", "completed"]
    statuses = [data["status"] for _, _, data in told]
    assert statuses == sorted(statuses, key=order.index) and set(statuses) >= {"in_progress", "completed"}
    for mark, name, data in told:
        assert name == f"task.{data['status']}" and data["id"] == mark and data["task"] == task
        schema("event.json").validate({k: v for k, v in data.items() if k != "result"})


def test_events_of_an_ended_task(agent, other):
    """A stream of an ended task tells its end and closes."""
    task = agent.run("gpt-image-2", {"prompt": unique("over")})
    told = list(EventStream(other, task["id"]))
    assert [data["status"] for _, _, data in told] == ["completed"] and told[0][2]["result"] == task


def test_events_resume(agent, other):
    """Last-Event-ID, at the same agent or another, goes on where the client was: nothing is missing, nothing comes twice."""
    task = agent.submit("flux", {"prompt": unique("resumed [sim:job-ms=1200]")})["id"]
    whole = EventStream(agent, task)
    first = EventStream(agent, task)
    seen = [next(iter(first))]
    first.close()
    for at in (other, agent):
        stream = EventStream(at, task, last_id=seen[-1][0])
        seen.append(next(iter(stream)))
        stream.close()
    seen += list(EventStream(other, task, last_id=seen[-1][0]))
    told = list(whole)
    marks = [mark for mark, _, _ in seen]
    assert len(set(marks)) == len(marks) and seen[-1][2] == told[-1][2]
    stages = [data.get("stage") for _, _, data in told]
    assert [data.get("stage") for _, _, data in seen if data.get("stage") not in stages] == []
    ended = agent.call("GET", f"/v1/tasks/{task}/events", headers={"Last-Event-ID": seen[-1][0]})
    assert ended[0] == 204  # a browser that comes back after the end is told to stop
    again = list(EventStream(agent, task, last_id="1.0"))
    assert again[-1][2] == told[-1][2]


def test_many_streams(agent, other):
    """Fifty watchers of one task at two agents all see its end."""
    task = agent.submit("flux", {"prompt": unique("watched [sim:job-ms=1000]")})["id"]
    ends = in_threads(50, lambda i: list(EventStream((agent, other)[i % 2], task))[-1][2])
    assert all(end == ends[0] for end in ends) and ends[0]["status"] == "completed"


# ---- both encodings ----


def test_msgpack(agent):
    """Requests and answers may be MessagePack: the same values, bytes as bin; errors, too."""
    accept = {"Accept": "application/msgpack"}
    body = msgpack.packb({"model": "gpt-image-2", "kind": "image.edit", "input": {"prompt": unique("packed"), "images": [PIXEL]}})
    status, headers, view = agent.call("POST", "/v1/tasks", body, {**accept, "Content-Type": "application/msgpack", "Prefer": "wait=30"})
    assert status == 200 and headers["Content-Type"] == "application/msgpack" and view["status"] == "completed"
    assert agent.call("GET", f"/v1/tasks/{view['id']}")[2] == view == agent.call("GET", f"/v1/tasks/{view['id']}", headers=accept)[2]
    answer = agent.call("GET", f"/v1/tasks/{NOBODY}", headers=accept)
    assert answer[0] == 404 and answer[1]["Content-Type"] == "application/msgpack" and answer[2]["error"]["code"] == "task_not_found"
    plain = agent.call("POST", "/v1/tasks", body, {"Content-Type": "application/msgpack"})
    assert plain[1]["Content-Type"].startswith("application/json") and plain[0] == 202
    assert agent.call("GET", "/v1/models", headers=accept)[2] == agent.call("GET", "/v1/models")[2]


# ---- the rest of a task ----


def test_metadata(agent, shared):
    """Metadata come back with the task, its result and its record, and mean nothing."""
    metadata = {"order": "4711", "ключ": "значение"}
    view = agent.run("gpt-image-2", {"prompt": unique("with data")}, metadata=metadata)
    assert view["metadata"] == metadata
    assert shared.client().result("demo", view["id"])["metadata"] == metadata


def test_priorities(shared):
    """Of what waits for a slot, high goes before low."""
    agent = shared.agent(app="queue", extra="slots: 1\n", **parts.on_lane("queue", {"m": parts.MODELS["gpt-image-2"]}))
    first = agent.submit("m", {"prompt": unique("first [sim:latency=1500]")})["id"]
    until("the slot is taken", lambda: shared.client().record("queue", first)["state"] == "claimed")
    low = [agent.submit("m", {"prompt": unique("low")}, priority="low")["id"] for _ in range(6)]
    high = [agent.submit("m", {"prompt": unique("high")}, priority="high")["id"] for _ in range(6)]
    for task in low + high:
        assert agent.result(task)["status"] == "completed"
    order = [event["task"] for event in agent.events("task ended") if event["task"] != first]
    place = lambda ids: sum(order.index(task) for task in ids) / len(ids)  # noqa: E731
    assert place(high) < place(low), order
    agent.stop()


def test_last_poll_before_the_deadline(agent):
    """A vendor that wants to be asked again only after the deadline is asked once more just before it: what it has done by then is paid."""
    task = agent.submit("flux", {"prompt": unique("slow down [sim:job-ms=1000] [sim:429 step=poll retry-after=600]")}, deadline_s=9)["id"]
    assert agent.result(task)["status"] == "completed"


def test_deadline(agent, shared):
    """A task whose deadline passes ends as expired, whatever it was waiting for, with a dead letter."""
    waiting = agent.submit("gpt-image-2", {"prompt": unique("late [sim:429 times=always retry-after=1]")}, deadline_s=3)["id"]
    rendering = agent.submit("flux", {"prompt": unique("endless [sim:endless]")}, deadline_s=3)["id"]
    for task in (waiting, rendering):
        view = agent.result(task)
        schema("result.json").validate(view)
        assert (view["status"], view["error"]["code"]) == ("expired", "deadline_exceeded"), view
        until("the letter is there", lambda t=task: shared.client().dead("demo", t))


def test_traceparent(agent, shared):
    """A W3C trace context that comes with a task is on its result's message; nonsense is dropped."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    task = agent.run("gpt-image-2", {"prompt": unique("traced")}, headers={"traceparent": trace})["id"]
    message = shared.client().api("STREAM.MSG.GET.SLUICE_RESULTS", {"last_by_subj": f"sluice.result.demo.{task}"})["message"]
    headers = base64.b64decode(message["hdrs"]).decode()
    assert f"traceparent: {trace}" in headers and f"Sluice-Task: {task}" in headers and "Sluice-Model: gpt-image-2" in headers
    assert agent.run("gpt-image-2", {"prompt": unique("traced")}, headers={"traceparent": "nonsense"})["status"] == "completed"


def test_a_dropped_connection_cancels_nothing(agent, other, shared):
    """An app that leaves in the middle of its wait comes back, at any agent, for its result; the vendor was paid once."""
    prompt, key = unique("left alone [sim:latency=1000]"), unique("key")
    c = UnixConnection(agent.socket, 30)
    c.request("POST", "/v1/tasks", json.dumps(image(prompt)), {"Content-Type": "application/json", "Prefer": "wait=30", "Idempotency-Key": key})
    until("the vendor has it", lambda: shared.sim.paid(prompt=prompt)["asked"])
    c.close()
    status, headers, view = other.call("POST", "/v1/tasks", image(prompt), {"Idempotency-Key": key, "Prefer": "wait=30"})
    assert status == 200 and view["status"] == "completed" and headers["Idempotent-Replayed"] == "true"
    assert shared.sim.paid(prompt=prompt)["paid"] == 1


def test_a_half_sent_request_makes_no_task(agent):
    """A request that ends before its body does makes nothing."""
    before = agent.call("GET", "/v1/tasks?limit=1")[2]["data"][0]["id"]
    c = UnixConnection(agent.socket, 30)
    c.putrequest("POST", "/v1/tasks")
    c.putheader("Content-Type", "application/json")
    c.putheader("Content-Length", "1000")
    c.endheaders(b'{"model": "gpt-image-2", "input": {"prompt": "half')
    c.close()
    assert agent.call("GET", "/v1/tasks?limit=1")[2]["data"][0]["id"] == before


def test_many_at_once(agent, other, shared):
    """Two hundred tasks from forty clients at two agents: all distinct, all done, all paid once."""
    run = uuid.uuid4()
    lock, ids = threading.Lock(), {}

    def client(i):
        for k in range(5):
            prompt = f"crowd {run} {i} {k}"
            task = (agent, other)[i % 2].submit("tts-1", {"text": prompt, "voice": "alloy"})["id"]
            with lock:
                ids[task] = prompt

    in_threads(40, client)
    assert len(ids) == 200
    for task, prompt in ids.items():
        assert agent.result(task)["status"] == "completed"
        assert shared.sim.paid(prompt=prompt)["paid"] == 1
