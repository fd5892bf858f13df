"""Large media pass through an agent that hardly grows with them: measured as private memory, swapped parts included, against the same agent before."""
import base64
import contextlib
import hashlib
import http.client
import json
import pathlib
import re
import threading

import hostile
import msgpack
import pytest
import rig as parts
from hostile import long_text, zeros
from test_media import unique

MIB = 1 << 20
GROWTH = 8 * MIB  # what one large medium may cost

pytestmark = pytest.mark.skipif(parts.BUILD.name.startswith(("asan", "tsan")), reason="a sanitizer's memory is mostly its own")


class Scene:
    def __init__(self, rig):
        self.vendor = hostile.Hostile()
        folder = rig.folder / "evil"
        folder.mkdir()
        (folder / "evil.yaml").write_text(hostile.ADAPTER)
        at = (f"base: '{self.vendor.at}'", "lane: evil")
        models = {name: ("evil", name, "openai", *at) for name in ("out", "up", "edit", "video", "chat", "speech")}
        self.agent = rig.agent(adapters=folder, lanes=["evil"], models=models, allow=[f"127.0.0.1:{self.vendor.port}"])

    def run(self, model, kind, **more):
        view = self.agent.run(model, {"prompt": unique(model), **more}, kind=kind)
        assert view["status"] == "completed", view
        return view

    def private(self):
        text = pathlib.Path(f"/proc/{self.agent.child.pid}/smaps_rollup").read_text()
        return sum(int(kb) for kb in re.findall(r"^(?:Private_\w+|Swap): +(\d+) kB", text, re.M)) * 1024

    @contextlib.contextmanager
    def growth(self, what):
        """Fails when the agent had more than GROWTH more than before at any time within."""
        before, most, done = self.private(), [0], threading.Event()

        def watch():
            while not done.wait(0.01):
                most[0] = max(most[0], self.private())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        grown = max(most[0], self.private()) - before
        print(f"{what}: {before / MIB:.1f} MiB before, {grown / MIB:+.1f} MiB")
        assert grown <= GROWTH, f"{what}: the agent grew by {grown / MIB:.1f} MiB from {before / MIB:.1f} MiB"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    r = parts.Rig(tmp_path_factory.mktemp("memory"))
    s = Scene(r)
    warm_up(s)
    yield s
    r.close()
    s.vendor.close()


def warm_up(s):
    """Small media of every way once: what an agent makes at first use and keeps is not what a large medium costs."""
    for route in (b64_out, url_out, hex_out, raw_out):
        route(s, 300000)
    data_in(s, 300000)
    url_in(s, 300000)


def b64_out(s, size):
    """The vendor answers with so many bytes in base64 inside JSON."""
    text = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + b"\1" * 32)  # 64 chars for 48 bytes
    size -= size % 48
    s.vendor.route("/out", lambda sock, r: long_text(sock, b'{"outputs":[{"base64":"', text, size // 48 * 64, b'"}]}'))
    view = s.run("out", "image.generate")
    assert view["outputs"][0]["bytes"] == size
    return view, hashlib.sha256(base64.b64decode(text) * (size // 48)).hexdigest()


def hex_out(s, size):
    """The same in hex digits."""
    size -= size % 64
    s.vendor.route("/out", lambda sock, r: long_text(sock, b'{"outputs":[{"hex":"', (b"\x89PNG" * 16).hex().encode(), size * 2, b'"}]}'))
    assert s.run("out", "image.generate")["outputs"][0]["bytes"] == size


def raw_out(s, size):
    """The body itself."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    s.vendor.route("/speech", lambda sock, r: zeros(sock, head, size))
    view = s.agent.run("speech", {"text": unique("speak")}, kind="audio.speech")
    assert view["status"] == "completed" and view["outputs"][0]["bytes"] == size, view


def url_out(s, size):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    file = s.vendor.route("/file", lambda sock, r: zeros(sock, head, size))
    steps = {step: s.vendor.route(f"/{step}", answer) for step, answer in (("poll", {"status": "done"}), ("fetch", {"outputs": [{"url": file}]}), ("cancel", {}))}
    s.vendor.route("/video", {"id": "1", **steps})
    view = s.run("video", "video.generate")
    assert view["outputs"][0]["bytes"] == size
    return view


def taken(s, path):
    """Lets path answer with a small picture; what came is in vendor.last(path)."""
    s.vendor.route(path, {"outputs": [{"base64": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()}]})


def post(s, body, kind):
    """POST /v1/tasks with a body that is sent piece by piece; gives the terminal view."""
    c = parts.UnixConnection(s.agent.socket, parts.PATIENCE)
    c.request("POST", "/v1/tasks", body, {"Content-Type": kind})
    answer = c.getresponse()
    view = json.loads(answer.read())
    assert answer.status in (200, 202), view
    view = s.agent.result(view["id"])
    assert view["status"] == "completed", view


def data_in(s, size):
    taken(s, "/edit")
    text = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\2" * (size - 8)).decode()
    task = {"model": "edit", "kind": "image.edit", "input": {"prompt": unique("in"), "images": [f"data:image/png;base64,{text}"]}}
    post(s, json.dumps(task).encode(), "application/json")
    assert s.vendor.last("/edit").length > size * 4 / 3


def url_in(s, size):
    taken(s, "/edit")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    url = s.vendor.route("/source", lambda sock, r: zeros(sock, head, size, b"\x89PNG\r\n\x1a\n" * 8192))
    s.run("edit", "image.edit", images=[url])
    assert s.vendor.last("/edit").length > size * 4 / 3


def read_out(s, path, headers, size):
    """Reads an answer of the socket without keeping it."""
    c = parts.UnixConnection(s.agent.socket, parts.PATIENCE)
    c.request(*path, headers=headers) if len(path) == 2 else c.request(*path, headers)
    answer, n = c.getresponse(), 0
    while part := answer.read(1 << 18):
        n += len(part)
    assert answer.status == 200 and n >= size
    c.close()


def test_a_gibibyte_of_video(scene):
    """1 GiB from a vendor's URL into the store, and out of it again."""
    with scene.growth("1 GiB by URL from the vendor"):
        view = url_out(scene, 1 << 30)
    with scene.growth("1 GiB out of the socket"):
        read_out(scene, ("GET", f"/v1/tasks/{view['id']}/outputs/0"), {}, 1 << 30)


def test_a_picture_inside_json(scene):
    """60 MB of base64 in a vendor's JSON, stored as what they are, and given back inside JSON."""
    with scene.growth("60 MB of base64 from the vendor"):
        view, digest = b64_out(scene, 60_000_000)
    assert view["outputs"][0]["digest"] == digest
    body = json.dumps({"model": "out", "prompt": unique("openai")}).encode()
    with scene.growth("60 MB of base64 through the OpenAI endpoint"):
        read_out(scene, ("POST", "/v1/images/generations", body), {"Content-Type": "application/json"}, 80_000_000 - 64)


@pytest.mark.parametrize("route", [hex_out, raw_out])
def test_other_forms_of_an_output(scene, route):
    """60 MB in hex inside JSON, and as the body itself."""
    with scene.growth(f"60 MB by {route.__name__}"):
        route(scene, 60_000_000)


def test_a_document_in_a_message(scene):
    """60 MB of document inside a message of a chat, to the vendor and not through NATS' messages."""
    size = 60_000_000
    scene.vendor.route("/chat", {"outputs": [{"text": "long"}]})
    text = base64.b64encode(b"%PDF-1.7\n" + b"\3" * size).decode()
    file = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{text}"}}
    body = json.dumps({"model": "chat", "kind": "text.chat", "input": {"messages": [{"role": "user", "content": [file]}]}}).encode()
    with scene.growth("60 MB inside a message"):
        post(scene, body, "application/json")
    assert scene.vendor.last("/chat").length > len(text)


@pytest.mark.parametrize("form", ["json", "msgpack text", "msgpack bin"])
def test_a_picture_in_a_request(scene, form):
    """60 MB of picture in a request: as data URI in JSON, the same in MessagePack, and as bin."""
    size = 60_000_000
    data = b"\x89PNG\r\n\x1a\n" + form[-1].encode() * (size - 8)
    text = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    task = {"model": "edit", "kind": "image.edit", "input": {"prompt": unique("in"), "images": [{"base64": data} if form == "msgpack bin" else text]}}
    if form == "msgpack bin":
        task["input"]["images"] = [data]
    body = json.dumps(task).encode() if form == "json" else msgpack.packb(task)
    taken(scene, "/edit")
    with scene.growth(f"60 MB in a request, {form}"):
        post(scene, body, "application/json" if form == "json" else "application/msgpack")
    assert scene.vendor.last("/edit").length > len(text) and text[:1000].encode() in scene.vendor.last("/edit").body


def test_an_input_by_url(scene):
    """200 MB fetched for a vendor that wants a data URI."""
    with scene.growth("200 MB by URL from the app"):
        url_in(scene, 200_000_000)


def test_many_at_once(scene):
    """Eight at a time cost eight times as much at most, and what they took is given back."""
    before = scene.private()
    parts.in_threads(8, lambda i: b64_out(scene, 20_000_000))
    parts.until("the memory is given back", lambda: scene.private() - before <= GROWTH)
