"""Media both ways: whatever form an app gives and whatever form a vendor gives, what is passing is tried again, what is paid is not lost, and nobody is led where he must not go."""
import base64
import hashlib
import json
import socket
import threading
import uuid

import hostile
import msgpack
import pytest
import rig as parts
from hostile import medium, status, whole
from rig import SECRET, until
from test_tasks import PIXEL

KINDS = {"url": "image.generate", "base64": "image.generate", "long base64": "image.generate", "hex": "image.generate", "long hex": "image.generate", "data uri": "image.generate",
         "raw": "audio.speech"}


def unique(text):
    return f"{text} {uuid.uuid4().hex[:8]}"


def picture(n=0):
    """A PNG that nobody has stored before, n bytes longer than it must be."""
    return PIXEL + uuid.uuid4().bytes + b"\0" * n


class Scene:
    """An agent and its vendor. What the vendor does is ordered by the prompt."""

    def __init__(self, rig, folder):
        self.vendor, self.other, self.acts = hostile.Hostile(), hostile.Hostile(), {}
        self.vendor.route("/do", self.do)
        folder = folder / "evil"
        folder.mkdir()
        (folder / "evil.yaml").write_text(hostile.ADAPTER)
        model = ("evil", "do", "openai", f"base: '{self.vendor.at}'", "lane: evil")
        self.agent = rig.agent(app="evil", adapters=folder, lanes=["evil"], models={"evil": model, "up": ("evil", "up", *model[2:])})
        self.agent.calm("evil/do", "evil/up")  # it fails all the time
        self.rig = rig

    def do(self, sock, request):
        body = request.json()
        act = self.acts[body.get("prompt") or body.get("text") or body["messages"][0]["content"][0]["text"]]
        return act(sock, request) if callable(act) else act

    def run(self, kind, act, input=None, **more):
        """Lets the vendor do that and gives the terminal view."""
        prompt = unique("do it")
        self.acts[prompt] = act
        field = "text" if kind == "audio.speech" else "prompt"
        more.setdefault("deadline_s", 60)
        return self.agent.run("evil", {field: prompt, **(input or {}), **({"voice": "v"} if kind == "audio.speech" else {})}, kind=kind, **more)

    def video(self, answers, **more):
        """A job whose polls and fetches are answered by these; gives the view."""
        job = uuid.uuid4().hex
        given = {"id": job}
        for step in ("poll", "fetch", "cancel"):
            answer = answers.get(step, {"status": "done"} if step == "poll" else {})
            given[step] = answer if isinstance(answer, str) else self.vendor.route(f"/{step}/{job}", answer)
        return self.run("video.generate", given, **more)

    def bytes(self, view, n=0):
        return self.agent.call("GET", f"/v1/tasks/{view['id']}/outputs/{n}")[2]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    r = parts.Rig(tmp_path_factory.mktemp("media"))
    s = Scene(r, r.folder)
    yield s
    r.close()
    s.vendor.close()
    s.other.close()


def in_turn(*answers):
    """Each request gets the next answer, the last one stays."""
    left = list(answers)
    return lambda sock, request: left.pop(0) if len(left) > 1 else left[0]


def cut(sock, request):
    """Half an answer, then silence and the end of the connection."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n" + PIXEL)


def reset(sock, request):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.fixture(scope="module")
def web(scene):
    """The vendor's other host, which only an operator's word lets through: an agent that has it."""
    model = ("evil", "do", "openai", f"base: '{scene.vendor.at}'", "lane: web")
    agent = scene.rig.agent(app="web", adapters=scene.rig.folder / "evil", lanes=["web"], models={"evil": model, "up": ("evil", "up", *model[2:])},
                            allow=[f"127.0.0.1:{scene.other.port}"])
    return agent


# ---- inputs by URL ----


def edit(scene, agent, url, **more):
    """An edit of the picture at url: (view, what the vendor got)."""
    prompt, got = unique("edit"), []
    scene.acts[prompt] = lambda sock, request: got.append(request.json()) or {"outputs": [{"base64": base64.b64encode(PIXEL).decode()}]}
    view = agent.run("evil", {"prompt": prompt, "images": [url]}, kind="image.edit", **{"deadline_s": 60, **more})
    return view, got


@pytest.mark.parametrize("trouble", [status(503), status(500), status(429, "Retry-After: 1"), status(408), cut, reset], ids=["503", "500", "429", "408", "cut", "reset"])
def test_input_is_asked_for_again(scene, web, trouble):
    """A host that is in trouble, busy or gone for a moment does not fail the task, and half a picture is not taken for one."""
    data, path = picture(), f"/in/{uuid.uuid4().hex}"
    url = scene.other.route(path, in_turn(trouble, trouble, medium(data)) if not callable(trouble) else calls(trouble, trouble, medium(data)))
    view, got = edit(scene, web, url)
    assert view["status"] == "completed", view
    assert got[0]["image"] == "data:image/png;base64," + base64.b64encode(data).decode()
    assert scene.other.count(path) == 3


def calls(*answers):
    left = list(answers)

    def do(sock, request):
        answer = left.pop(0) if len(left) > 1 else left[0]
        return answer(sock, request) if callable(answer) else answer

    return do


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 418])
def test_input_that_is_not_there(scene, web, code):
    """What the host refuses is not asked for again; the text names field and status."""
    path = f"/in/{uuid.uuid4().hex}"
    view, got = edit(scene, web, scene.other.route(path, status(code)))
    assert (view["status"], view["error"]["code"], got) == ("failed", "input_unavailable", []), view
    assert view["error"]["param"] == "images[0]" and f"input.images[0]: fetching the URL was answered with status {code}" == view["error"]["message"]
    assert scene.other.count(path) == 1


def test_input_gives_up(scene, web):
    """A host that stays in trouble is asked five times; one that nobody listens at too."""
    path = f"/in/{uuid.uuid4().hex}"
    view, got = edit(scene, web, scene.other.route(path, status(503)))
    assert (view["error"]["code"], scene.other.count(path), got) == ("input_unavailable", 5, []), view
    assert "503" in view["error"]["message"]


def test_input_and_the_deadline(scene, web):
    """Waiting for a host ends with the deadline."""
    path = f"/in/{uuid.uuid4().hex}"
    view, got = edit(scene, web, scene.other.route(path, status(503, "Retry-After: 50")), deadline_s=3)
    assert (view["status"], got, scene.other.count(path)) == ("expired", [], 1), view


def test_input_redirects(scene, web):
    """Redirects are followed three times, and not round in circles."""
    data = picture()
    scene.other.route("/there", medium(data))
    url = scene.other.route("/via", status(302, f"Location: {scene.other.at}/there"))
    assert edit(scene, web, url)[0]["status"] == "completed"
    url = scene.other.route("/circle", status(302, f"Location: {scene.other.at}/circle"))
    view, _ = edit(scene, web, url)
    assert view["error"]["code"] == "input_unavailable" and "redirects" in view["error"]["message"], view
    assert scene.other.count("/circle") == 4


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "identity, GZIP"])
def test_input_is_not_unpacked(scene, web, coding):
    """Nobody asks for compressed media, so none are unpacked, and none are taken for the medium."""
    path = f"/in/{uuid.uuid4().hex}"
    view, got = edit(scene, web, scene.other.route(path, whole(PIXEL, f"Content-Encoding: {coding}", kind="image/png")))
    assert view["error"]["code"] == "input_unavailable" and "compressed" in view["error"]["message"] and got == [], view
    assert "accept-encoding" not in scene.other.last(path).headers


def test_input_as_a_part(scene, web):
    """For a vendor that wants a file, a picture at a URL becomes a part of a form."""
    data, got = picture(), []
    scene.vendor.route("/up", lambda sock, request: got.append(request.body) or {"outputs": [{"base64": base64.b64encode(PIXEL).decode()}]})
    view = web.run("up", {"image": scene.other.route("/part", medium(data))}, kind="image.upscale")
    assert view["status"] == "completed", view
    assert data in got[0] and b"image/png" in got[0]


# ---- every form of the app, in every form for the vendor ----

GIVEN = ["base64", "object", "data uri", "url", "reference", "part", "bin", "bin object"]
TAKEN = {"base64": ("image.generate", "images"), "data_uri": ("image.edit", "images"), "part": ("image.upscale", "image"), "url": ("video.generate", "image")}


def give(scene, agent, given, kind, field, prompt, data):
    """Submits a task with data in that form; gives the terminal view and the URL, if it was one."""
    text, url = base64.b64encode(data).decode(), None
    if given == "url":
        url = scene.other.route(f"/m/{uuid.uuid4().hex}", medium(data))
    if given == "reference":
        assert agent.call("POST", "/v1/media", data)[0] == 201
    value = {"base64": text, "object": {"base64": text, "name": "a.png"}, "data uri": f"data:image/png;base64,{text}", "url": url,
             "reference": {"media": hashlib.sha256(data).hexdigest()}, "bin": data, "bin object": {"base64": data, "type": "image/png"}}.get(given)
    task = {"model": "up" if kind == "image.upscale" else "evil", "kind": kind, "input": {} if kind == "image.upscale" else {"prompt": prompt}}
    headers = {"Content-Type": "application/json"}
    if given == "part":
        headers["Content-Type"], body = parts.multipart([("task", json.dumps(task)), (field, "a.png", "image/png", data)])
    else:
        task["input"][field] = [value] if field == "images" else value
        body = msgpack.packb(task) if given.startswith("bin") else json.dumps(task).encode()
        headers["Content-Type"] = "application/msgpack" if given.startswith("bin") else "application/json"
    code, _, view = agent.call("POST", "/v1/tasks", body, headers)
    assert code == 202, view
    return agent.result(view["id"]), url


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("form", TAKEN)
def test_each_form_for_each_vendor(scene, web, form, given):
    """However an app gives a picture, the vendor gets it as it takes it: base64, data URI, a part of a form, or the URL itself where there is one."""
    (kind, field), data, prompt, got = TAKEN[form], picture(), unique("each"), []
    output = {"outputs": [{"base64": base64.b64encode(PIXEL).decode()}]}
    job = {step: scene.vendor.route(f"/{step}/{uuid.uuid4().hex}", answer) for step, answer in (("poll", {"status": "done"}), ("fetch", output), ("cancel", {}))}
    answer = {"id": "1", **job} if kind == "video.generate" else output
    scene.acts[prompt] = lambda sock, request: got.append(request) or answer
    scene.vendor.route("/up", scene.acts[prompt])
    view, url = give(scene, web, given, kind, field, prompt, data)
    assert view["status"] == "completed", view
    text = base64.b64encode(data).decode()
    if form == "part":
        assert data in got[0].body and b"image/png" in got[0].body
    else:
        want = text if form == "base64" else url if form == "url" and url else f"data:image/png;base64,{text}"
        assert got[0].json()["image"] == want


# ---- outputs ----


def test_expired_url(scene):
    """A download that finds its URL expired asks the vendor for a fresh one, and the task ends well; the vendor is paid once."""
    data, job = picture(), uuid.uuid4().hex
    for code in (403, 404, 410):
        old, new = f"/old/{job}-{code}", f"/new/{job}-{code}"
        scene.vendor.route(old, status(code))
        scene.vendor.route(new, medium(data))
        polls = len(scene.vendor.asked)
        view = scene.video({"fetch": in_turn({"outputs": [{"url": scene.vendor.at + old}]}, {"outputs": [{"url": scene.vendor.at + new}]})})
        assert view["status"] == "completed" and scene.bytes(view) == data, view
        assert scene.vendor.count(old) == 1
        asked = [r.path for r in scene.vendor.asked[polls:]]
        assert sum(path.startswith("/poll/") for path in asked) == 1 and asked.count("/do") == 1, asked  # refreshed on the spot


@pytest.mark.parametrize("code", [400, 403, 404, 418, 422, 500])
def test_a_fetch_that_fails_once(scene, code):
    """The vendor says that the work is done, and its result is not to be had at once, whatever the status: it is asked for again, and what is paid is not lost."""
    data, job = picture(), uuid.uuid4().hex
    url = scene.vendor.route(f"/made/{job}", medium(data))
    view = scene.video({"fetch": in_turn(status(code), {"outputs": [{"url": url}]})})
    assert view["status"] == "completed" and scene.bytes(view) == data, view


def test_what_is_stored_stays(scene):
    """One of three outputs cannot be had for a while: the task comes again for it, and takes the others no second time, even when they are gone."""
    data, job = [picture(), picture(), picture()], uuid.uuid4().hex
    fetch = {"outputs": [{"url": f"{scene.vendor.at}/o{i}/{job}"} for i in range(3)]}
    scene.vendor.route(f"/o0/{job}", calls(medium(data[0]), status(404)))
    scene.vendor.route(f"/o1/{job}", calls(status(503), cut, status(404), status(404), status(404), status(404), status(500), medium(data[1])))
    scene.vendor.route(f"/o2/{job}", medium(data[2]))
    view = scene.video({"fetch": fetch})
    assert view["status"] == "completed", view
    assert [scene.bytes(view, i) for i in range(3)] == data
    assert [scene.vendor.count(f"/o{i}/{job}") for i in range(3)] == [1, 8, 1]
    record = scene.rig.client().record("evil", view["id"])
    assert "stored" not in record and "trouble" not in record


def test_paid_at_once(scene):
    """What one request has paid for is asked for as long as its host is only in trouble: longer than for what is gone for good."""
    data, job = picture(), uuid.uuid4().hex
    url = scene.vendor.route(f"/later/{job}", in_turn(*[status(503)] * 6, medium(data)))
    gone = scene.vendor.route(f"/gone/{job}", status(404))
    view = scene.run("image.generate", {"outputs": [{"url": url}]}, deadline_s=600)
    assert view["status"] == "completed" and scene.bytes(view) == data, view
    view = scene.run("image.generate", {"outputs": [{"url": gone}]}, deadline_s=600)
    assert view["error"]["code"] == "output_unavailable" and "status 404" in view["error"]["message"] and scene.vendor.count(f"/gone/{job}") == 6, view


def test_output_that_never_comes(scene):
    """A paid output that the vendor does not give is asked for until the deadline; then the text says what failed."""
    job = uuid.uuid4().hex
    scene.vendor.route(f"/never/{job}", status(503))
    view = scene.video({"fetch": {"outputs": [{"url": f"{scene.vendor.at}/never/{job}"}]}}, deadline_s=4)
    assert view["status"] == "expired" and "the download of an output was answered with status 503" in view["error"]["message"], view
    assert scene.vendor.count(f"/never/{job}") > 1


def test_downloading_is_told(scene):
    """While a long download goes on, the task's stage says so."""
    data, job, go = picture(300000), uuid.uuid4().hex, threading.Event()

    def slow(sock, request):
        answer = medium(data)
        sock.sendall(answer[:200000])
        go.wait(30)
        sock.sendall(answer[200000:])

    scene.vendor.route(f"/slow/{job}", slow)
    prompt = unique("slow")
    scene.acts[prompt] = {"id": job, "poll": scene.vendor.route(f"/poll/{job}", {"status": "done"}), "cancel": scene.vendor.at,
                          "fetch": scene.vendor.route(f"/fetch/{job}", {"outputs": [{"url": f"{scene.vendor.at}/slow/{job}"}]})}
    task = scene.agent.submit("evil", {"prompt": prompt}, kind="video.generate")["id"]
    stream = parts.EventStream(scene.agent, task)
    try:
        until("the stage is downloading", lambda: scene.agent.call("GET", f"/v1/tasks/{task}")[2].get("stage") == "downloading")
    finally:
        go.set()
    assert scene.agent.result(task)["status"] == "completed"
    assert "downloading" in [event.get("stage") for _, _, event in stream]


def test_output_is_not_unpacked(scene):
    """A compressed output is not stored as if it were the medium."""
    job = uuid.uuid4().hex
    scene.vendor.route(f"/gz/{job}", whole(b"\x1f\x8b" + b"\0" * 100, "Content-Encoding: gzip", kind="image/png"))
    view = scene.video({"fetch": {"outputs": [{"url": f"{scene.vendor.at}/gz/{job}"}]}}, deadline_s=3)
    assert view["status"] == "expired" and "compressed" in view["error"]["message"], view


# ---- every form of the vendor, in every form for the app ----


def answer_in(scene, form, data):
    """The vendor's answer that gives data in that form."""
    if form == "raw":
        return medium(data, "audio/mpeg")
    if form == "url":
        return {"outputs": [{"url": scene.vendor.route(f"/file/{uuid.uuid4().hex}", medium(data))}]}
    if "hex" in form:
        return {"outputs": [{"hex": data.hex() if len(data) % 2 else data.hex().upper()}]}
    text = base64.b64encode(data).decode()
    return {"outputs": [{"base64": f"data:image/png;base64,{text}" if form == "data uri" else text}]}


@pytest.mark.parametrize("form", KINDS)
def test_task_gives_each_form(scene, form):
    """/v1/tasks: a reference with digest and URL, the bytes at both places, and inline over RPC."""
    data = picture(200000 if "long" in form else 0)
    view = scene.run(KINDS[form], answer_in(scene, form, data))
    assert view["status"] == "completed", view
    output, digest = view["outputs"][0], hashlib.sha256(data).hexdigest()
    assert (output["digest"], output["media"], output["bytes"]) == (digest, digest, len(data))
    assert output["url"] == f"/v1/media/{digest}" and output["type"] == "image/png"
    assert scene.bytes(view) == data and scene.agent.call("GET", output["url"])[2] == data
    rpc = scene.agent.rpc()
    assert rpc.call("task.get", {"id": view["id"], "inline": True})["outputs"][0]["data"] == data
    rpc.close()
    result = scene.rig.client().result("evil", view["id"])
    assert result["outputs"][0]["digest"] == digest
    again, got = edit(scene, scene.agent, {"media": digest})  # and as the input of another task
    assert again["status"] == "completed" and got[0]["image"].endswith(base64.b64encode(data).decode())


@pytest.mark.parametrize("asked", ["b64_json", "url", "msgpack"])
@pytest.mark.parametrize("form", [f for f in KINDS if f != "raw"])
def test_openai_gives_each_form(scene, form, asked):
    """/v1/images/generations: base64, a URL on the socket, or bytes in MessagePack, whatever the vendor gave."""
    data, prompt = picture(200000 if "long" in form else 0), unique("openai")
    scene.acts[prompt] = answer_in(scene, form, data)
    body = {"model": "evil", "prompt": prompt, "response_format": "url" if asked == "url" else "b64_json"}
    headers = {"Accept": "application/msgpack"} if asked == "msgpack" else {}
    code, _, answer = scene.agent.call("POST", "/v1/images/generations", body, headers)
    assert code == 200, answer
    item = answer["data"][0]
    if asked == "url":
        assert scene.agent.call("GET", item["url"])[2] == data
    else:
        assert (item["b64_json"] if asked == "msgpack" else base64.b64decode(item["b64_json"])) == data


@pytest.mark.parametrize("form", ["raw"])
def test_speech_gives_the_bytes(scene, form):
    """/v1/audio/speech: the vendor's bytes are the answer."""
    data, prompt = b"ID3\x04\0\0\0\0\0\0" + uuid.uuid4().bytes * 1000, unique("speak")
    scene.acts[prompt] = medium(data, "audio/mpeg")
    code, headers, body = scene.agent.call("POST", "/v1/audio/speech", {"model": "evil", "input": prompt, "voice": "v"})
    assert (code, headers["Content-Type"], body) == (200, "audio/mpeg", data)


# ---- media in messages ----


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("endpoint", ["tasks", "chat"])
def test_media_in_messages(scene, web, endpoint, long):
    """Pictures, sounds and documents inside messages go into the store, not into NATS, and reach the vendor as it takes them; a URL is passed on where it may be one."""
    n = 150000 if long else 0
    images, wav, pdf, prompt, got = [picture(n), picture(n)], b"RIFF\0\0\0\0WAVEfmt " + uuid.uuid4().bytes + b"\0" * n, b"%PDF-1.7\n" + uuid.uuid4().bytes + b"\0" * n, unique("look"), []
    text = [base64.b64encode(data).decode() for data in (*images, wav, pdf)]
    url, sound = "https://media.example/cat.png", scene.other.route(f"/wav/{uuid.uuid4().hex}", medium(wav, "audio/wav"))
    scene.acts[prompt] = lambda sock, request: got.append(request) or {"outputs": [{"text": "a cat"}]}
    messages = [{"role": "user", "content": [
        {"type": "text", "text": prompt},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{text[0]}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "input_audio", "input_audio": {"data": text[2], "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{text[3]}", "filename": "a.pdf"}}]},
        {"role": "assistant", "content": "yes?"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": text[1]}}]}]
    if endpoint == "tasks":
        view = web.run("evil", {"messages": messages}, kind="text.chat")
        assert view["status"] == "completed", view
        message = scene.rig.client().record("web", view["id"])
        assert len(json.dumps(message, default=str)) < 20000
    else:
        code, _, answer = web.call("POST", "/v1/chat/completions", {"model": "evil", "messages": messages})
        assert code == 200 and answer["choices"][0]["message"]["content"] == "a cat", answer
    if long:
        assert got[0].length > 4 * n * 4 / 3
        return
    first, second = (m["content"] for m in (got[0].json()["messages"][0], got[0].json()["messages"][2]))
    assert first[0] == {"type": "text", "text": prompt}
    assert first[1]["image_url"] == {"url": f"data:image/png;base64,{text[0]}", "detail": "low"}
    assert first[2]["image_url"] == {"url": url}
    assert first[3]["input_audio"] == {"data": f"data:audio/wav;base64,{text[2]}", "format": "wav"} == first[4]["input_audio"]
    assert first[5]["file"] == {"file_data": f"data:application/pdf;base64,{text[3]}", "filename": "a.pdf"}
    assert second[0]["image_url"] == {"url": f"data:image/png;base64,{text[1]}"}


def test_bad_media_in_messages(scene):
    """What is no medium is refused at once, and the text says where."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "not a picture!"}}]}]
    code, _, answer = scene.agent.call("POST", "/v1/tasks", {"model": "evil", "kind": "text.chat", "input": {"messages": messages}})
    assert code == 400 and answer["error"]["code"] == "invalid_value" and "messages[0].content[1].image_url.url" in answer["error"]["message"], answer


# ---- nobody is led where he must not go ----

INSIDE = [
    "http://127.0.0.1:{port}/x", "http://localhost:{port}/x", "http://localhost.:{port}/x", "http://[::1]:{port}/x", "http://0:{port}/x", "http://0.0.0.0:{port}/x",
    "http://2130706433:{port}/x", "http://0x7f.1:{port}/x", "http://017700000001:{port}/x", "http://127.1:{port}/x", "http://[::ffff:127.0.0.1]:{port}/x",
    "http://[::127.0.0.1]:{port}/x", "http://[64:ff9b::7f00:1]:{port}/x", "http://[2002:7f00:1::]:{port}/x", "http://169.254.169.254/latest/meta-data",
    "http://[fd00:ec2::254]/x", "http://10.0.0.1/x", "http://100.64.0.1/x", "http://192.168.0.1/x", "http://172.16.0.1/x", "http://224.0.0.1/x",
    "http://user:pass@127.0.0.1:{port}/x", "http://%31%32%37.0.0.1:{port}/x", "http://１２７.0.0.1:{port}/x", "http://127。0。0。1:{port}/x",
]


@pytest.mark.parametrize("url", INSIDE)
def test_input_url_inside(scene, url):
    """An app's URL to a place inside is refused at once, whatever its spelling; the text names the field; nothing is asked there and nothing is paid."""
    asked = len(scene.other.asked)
    prompt = unique("inside")
    code, _, view = scene.agent.call("POST", "/v1/tasks", {"model": "evil", "kind": "image.edit", "input": {"prompt": prompt, "images": [url.format(port=scene.other.port)]}})
    if code == 202:
        view = scene.agent.result(view["id"])
    assert view["error"]["code"] in ("host_not_allowed", "invalid_value"), view
    assert "input.images[0]" in view["error"]["message"] and len(scene.other.asked) == asked, view


@pytest.mark.parametrize("url", INSIDE)
def test_output_url_inside(scene, url):
    """A vendor's URL to a place inside is not fetched: the task ends with a clear code."""
    asked = len(scene.other.asked)
    view = scene.run("image.generate", {"outputs": [{"url": url.format(port=scene.other.port)}]})
    assert view["error"]["code"] in ("host_not_allowed", "outcome_unknown"), view
    assert any(words in view["error"]["message"] for words in ("unless allow_hosts names it", "not one that may be fetched", "usable URL", "plain host")), view
    assert len(scene.other.asked) == asked


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1:{port}/x", "ftp://127.0.0.1/x", "dict://127.0.0.1:{port}/", "javascript:1", "http:/x"])
def test_output_url_of_another_kind(scene, url):
    """What is no web address is no output."""
    asked = len(scene.other.asked)
    view = scene.run("image.generate", {"outputs": [{"url": url.format(port=scene.other.port)}]})
    assert view["status"] == "failed" and view["outputs"] == [] and len(scene.other.asked) == asked, view


@pytest.mark.parametrize("step", ["poll", "fetch", "cancel"])
def test_step_url_inside(scene, step):
    """Addresses for the next steps that come in an answer lead nobody inside either, and the secret goes nowhere with them."""
    url, asked = f"http://localhost:{scene.other.port}/x", len(scene.other.asked)
    if step == "cancel":
        job, prompt = uuid.uuid4().hex, unique("cancel")
        scene.acts[prompt] = {"id": job, "poll": scene.vendor.route(f"/poll/{job}", {"status": "works"}), "fetch": scene.vendor.at, "cancel": url}
        task = scene.agent.submit("evil", {"prompt": prompt}, kind="video.generate", deadline_s=4)["id"]
        until("the vendor has it", lambda: scene.rig.client().record("evil", task)["state"] == "submitted")
        scene.agent.call("POST", f"/v1/tasks/{task}/cancel")
        view = scene.agent.result(task)
    else:
        view = scene.video({step: url}, deadline_s=3)
    assert view["status"] in ("expired", "failed", "cancelled") and len(scene.other.asked) == asked, view
    if step != "cancel":
        assert "unless allow_hosts names it" in view["error"]["message"], view


def test_redirect_inside(scene, web):
    """A redirect of a host that is allowed leads nobody inside: neither an app's URL nor a vendor's."""
    for n, target in enumerate(("http://169.254.169.254/latest", f"http://localhost:{scene.vendor.port}/x", "http://[::1]/", "file:///etc/passwd")):
        url = scene.other.route(f"/lead/{n}", status(302, f"Location: {target}"))
        view, got = edit(scene, web, url)
        assert view["error"]["code"] == "host_not_allowed" and got == [] and "input.images[0]" in view["error"]["message"], view
        prompt = unique("lead")
        scene.acts[prompt] = {"outputs": [{"url": url}]}
        view = web.run("evil", {"prompt": prompt}, kind="image.generate")
        assert view["error"]["code"] == "host_not_allowed", view
    assert scene.vendor.count("/x") == 0


def test_allowed_host(scene, web):
    """What the operator allows is reached, without any secret; an agent without that word does not go there."""
    data = picture()
    url = scene.other.route("/allowed", medium(data))
    assert edit(scene, web, url)[0]["status"] == "completed"
    prompt = unique("allowed")
    scene.acts[prompt] = {"outputs": [{"url": url}]}
    view = web.run("evil", {"prompt": prompt}, kind="image.generate")
    assert view["status"] == "completed" and view["outputs"][0]["digest"] == hashlib.sha256(data).hexdigest(), view
    assert all(SECRET not in json.dumps(r.headers) for r in scene.other.asked)
    asked = scene.other.count("/allowed")
    view, _ = edit(scene, scene.agent, url)
    assert view["error"]["code"] == "host_not_allowed" and "unless allow_hosts names it" in view["error"]["message"], view
    assert scene.other.count("/allowed") == asked
