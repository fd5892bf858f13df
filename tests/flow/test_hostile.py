"""A vendor that means no good: endless, nested, slow, wrongly typed, packed to a bomb, lying. Each answer ends as a clear fault, the agent stays small, and the next task is well."""
import base64
import gzip
import json
import time
import zlib

import hostile
import pytest
import rig as parts
from hostile import status, whole, zeros
from test_media import PIXEL, Scene, picture, unique

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PNG64 = base64.b64encode(PIXEL).decode()


def forever(head, block, pause=0.0):
    """Sends head, then block until the other side has enough."""

    def act(sock, request):
        sock.sendall(head)
        while True:
            sock.sendall(block)
            time.sleep(pause)

    return act


def raw(*pieces):
    """Sends exactly these bytes, then closes."""
    return lambda sock, request: sock.sendall(b"".join(pieces))


def js(text):
    return whole(text if isinstance(text, bytes) else text.encode())


def bomb(coding, data):
    return whole(data, f"Content-Encoding: {coding}")


def gzip_bomb():
    """A hundred megabytes of blanks as some hundred kilobytes, behind the beginning of a good answer."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(b'{"outputs":[') + b"".join(packer.compress(b" " * (1 << 20)) for _ in range(100)) + packer.flush()


# What the vendor sends -> what the text says.
ANSWERS = {
    "endless blanks": (forever(HEAD + b'\r\n{"outputs":[', b" " * 65536), "no whole answer came|more than"),
    "endless text": (forever(HEAD + b'\r\n{"outputs":["', b"a" * 65536), "no whole answer came|more than"),
    "endless list": (forever(HEAD + b'\r\n{"outputs":[', b'{"url":"https://a.example/"},' * 1000), "no whole answer came|more than"),
    "endless bytes": (forever(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", b"\0" * 65536), "no whole answer came|more than"),
    "endless base64": (forever(HEAD + b'\r\n{"outputs":[{"base64":"', b"AAAA" * 16384), "no whole answer came|more than"),
    "endless chunks": (forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 1000), "no whole answer came|more than"),
    "endless chunk head": (forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 65536), ""),
    "endless trailers": (forever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 1000), ""),
    "endless head": (forever(HEAD, b"X-A: " + b"a" * 1000 + b"\r\n"), "head of the answer"),
    "endless field": (forever(HEAD + b"X-A: ", b"a" * 65536), ""),
    "endless status line": (forever(b"HTTP/1.1 200 ", b"a" * 65536), ""),
    "endless interim answers": (forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), "head of the answer"),
    "slow head": (forever(b"", b"H", 0.1), "no whole answer came|HTTP"),
    "slow body": (forever(HEAD + b"Content-Length: 1000000\r\n\r\n", b" ", 0.1), "no whole answer came"),
    "silence": (lambda sock, request: time.sleep(4), "no whole answer came"),
    "nothing": (raw(), ""),
    "half a head": (raw(HEAD), ""),
    "half a body": (raw(HEAD, b"Content-Length: 1000\r\n\r\n{}"), ""),
    "half of base64": (raw(HEAD, b"Content-Length: 1000000\r\n\r\n", b'{"outputs":[{"base64":"', b"AAAA" * 100000), ""),
    "a broken chunk": (raw(HEAD, b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), ""),
    "no HTTP": (raw(b"\0\1\2 hello \r\n\r\n"), "HTTP/0.9"),
    "HTTP/0.9": (raw(b'{"outputs":[{"base64":"' + PNG64.encode() + b'"}]}'), "HTTP/0.9"),
    "a status of a thousand": (raw(b"HTTP/1.1 1000 OK\r\n\r\n"), ""),
    "two lengths": (raw(HEAD, b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "), ""),
    "a length below nothing": (raw(HEAD, b"Content-Length: -1\r\n\r\n{}"), ""),
    "a length beyond all": (raw(HEAD, b"Content-Length: 99999999999999999999999\r\n\r\n{}"), ""),
    "deep lists": (js("[" * 100000), "nested more than 24 levels"),
    "deep objects": (js('{"a":' * 100000), "nested more than 24 levels"),
    "a million outputs": (js('{"outputs":[' + ",".join(['{"url":"u"}'] * 1000000) + "]}"), "more than 20000 values"),
    "a long text": (js('{"outputs":[{"url":"' + "a b" * 100000 + '"}]}'), "must be base64"),
    "many texts": (js(json.dumps({"a": ["b" * 60000] * 40})), "longer than 1048576 bytes"),
    "forty pictures": (js(json.dumps({"outputs": [{"base64": "AAAA" * 20000}] * 40})), "more than 32 media"),
    "not JSON": (js("<html>"), "cannot be read: not JSON"),
    "half of JSON": (js('{"outputs":['), "it ends early"),
    "a number too large": (js('{"outputs":[1e400]}'), "cannot be read: not JSON"),
    "a key twice": (js('{"outputs":[],"outputs":[]}'), "cannot be read: not JSON"),
    "no UTF-8": (js(b'{"outputs":"\xff\xfe"}'), "cannot be read: not JSON"),
    "half a surrogate": (js('{"outputs":"\\ud800"}'), "surrogate"),
    "U+0000": (js('{"outputs":"\\u0000"}'), "cannot be read: not JSON"),
    "a forged marker": (js('{"outputs":[{"base64":{"$blob":0}}]}'), "reserved"),
    "base64 that goes wrong": (js('{"outputs":[{"base64":"' + "AAAA" * 20000 + '*"}]}'), "must be base64"),
    "base64 that ends too early": (js('{"outputs":[{"base64":"' + "AAAA" * 20000 + 'A"}]}'), "must be base64"),
    "hex that goes wrong": (js('{"outputs":[{"hex":"' + "ab" * 40000 + 'x"}]}'), "must be base64"),
    "a gzip bomb": (lambda sock, request: bomb("gzip", gzip_bomb()), "cannot be read: not JSON"),
    "a br bomb": (bomb("br", b"\xcf\xff\xff\x7f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x5f\x80" * 1000), "cannot be read: not JSON"),
    "a zstd bomb": (bomb("zstd", b"\x28\xb5\x2f\xfd\xa4\0\0\0\x80" + b"\x4b\0\0\x20" * 10000), "cannot be read: not JSON"),
    "gzip in gzip": (bomb("gzip, gzip", gzip.compress(gzip_bomb())), "cannot be read: not JSON"),
    "a list": (js("[]"), "makes no sense"),
    "a number": (js("1"), "makes no sense"),
    "a text": (js('"outputs"'), "makes no sense"),
    "nil": (js("null"), "makes no sense"),
    "outputs that are no list": (js('{"outputs":7}'), "makes no sense"),
    "outputs that are a text": (js('{"outputs":"https://a.example/"}'), "makes no sense"),
    "outputs of numbers": (js('{"outputs":[1,2,3]}'), "makes no sense"),
    "a URL that is a number": (js('{"outputs":[{"url":1}]}'), "makes no sense"),
    "a URL that is an object": (js('{"outputs":[{"url":{"a":1}}]}'), "makes no sense"),
    "a file": (js('{"outputs":[{"url":"file:///etc/passwd"}]}'), "makes no sense"),
    "gopher": (js('{"outputs":[{"url":"gopher://127.0.0.1:70/x"}]}'), "makes no sense"),
    "a data URI of text": (js('{"outputs":[{"url":"data:text/html,<script>"}]}'), "makes no sense"),
    "hex with half a byte": (js('{"outputs":[{"hex":"abc"}]}'), "makes no sense"),
    "two sources": (js('{"outputs":[{"url":"https://a.example/","base64":"AAAA"}]}'), "several sources"),
    "a redirect": (status(302, "Location: http://169.254.169.254/"), "302"),
    "JSON that says it is a picture": (whole(b'{"outputs":[]}', kind="image/png"), "makes no sense"),
    "a picture that says it is JSON": (whole(PIXEL), "cannot be read: not JSON"),
}
STEPS = ["submit", "poll"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    r = parts.Rig(tmp_path_factory.mktemp("hostile"))
    s = Scene(r, r.folder)
    s.run("image.generate", {"outputs": [{"base64": PNG64}]})
    yield s
    r.close()
    s.vendor.close()
    s.other.close()


@pytest.fixture(scope="module")
def tasks(scene):
    """All of them at once, as the answer to a submission and to a poll: (name, step) -> task id."""
    before, ids = scene.agent.memory(), {}
    for name, (answer, _) in ANSWERS.items():
        prompt = unique(name)
        scene.acts[prompt] = answer
        ids[name, "submit"] = scene.agent.submit("evil", {"prompt": prompt}, kind="image.generate", deadline_s=60)["id"]
        prompt, route = unique(name), f"/poll/{len(ids)}"
        job = {step: scene.vendor.route(f"/{step}/{len(ids)}", {}) for step in ("fetch", "cancel")}
        scene.acts[prompt] = {"id": "1", "poll": scene.vendor.route(route, answer), **job}
        ids[name, "poll"] = scene.agent.submit("evil", {"prompt": prompt}, kind="video.generate", deadline_s=7)["id"]
    yield ids
    assert scene.agent.memory() - before < 64 << 20  # a hundred and twenty at once


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ANSWERS)
def test_answer(scene, tasks, name, step):
    """The task ends, with a text that says what is wrong; a poll never fails the task, so it ends with its deadline and says why."""
    view = scene.agent.result(tasks[name, step])
    assert view["status"] == ("failed" if step == "submit" else "expired"), view
    says = ANSWERS[name][1].replace("makes no sense", "makes no sense|does not say").replace("several sources", "several sources|does not say").split("|")
    error = view["error"]
    assert error["code"] == ("deadline_exceeded" if step == "poll" else "outcome_unknown") or "302" in says[0], error
    assert any(word in error["message"] for word in says), error
    assert step == "submit" or "what failed last" in error["message"], error


def test_it_goes_on(scene, tasks):
    """After all of this the agent does what it always does, and is as small as it was."""
    for task in tasks.values():
        scene.agent.result(task)
    data = picture()
    view = scene.run("image.generate", {"outputs": [{"base64": base64.b64encode(data).decode()}]})
    assert view["status"] == "completed" and scene.bytes(view) == data
    assert not [e for e in scene.agent.events("task ended") if e.get("code") == "internal"]


# ---- answers that lie and are harmless ----


@pytest.mark.parametrize("answer", [
    whole(json.dumps({"outputs": [{"base64": PNG64}]}).encode()) + b"HTTP/1.1 200 OK\r\n\r\nmore",
    whole(json.dumps({"outputs": [{"base64": PNG64, "n": 10**30, "deep": [[[[]]]], "\u2028": None}]}).encode(), *[f"X-{i}: {i}" for i in range(300)]),
    whole(b" \r\n\t" + json.dumps({"outputs": [{"base64": PNG64}]}).encode() + b"\n" * 1000, kind="text/html"),
    whole(json.dumps({"outputs": [{"url": f"data:image/png;base64,{PNG64}"}]}).encode()),
    whole(json.dumps({"outputs": [{"base64": PNG64}] * 32}).encode()),
], ids=["more than its length", "odd members and many fields", "another type", "a data URI as URL", "thirty-two outputs"])
def test_odd_and_good(scene, answer):
    """Not everything odd is bad."""
    view = scene.run("image.generate", answer)
    assert view["status"] == "completed" and scene.bytes(view) == PIXEL, view


# ---- downloads ----

DOWNLOADS = {
    "endless": (forever(b"HTTP/1.1 200 OK\r\n\r\n", b"\0" * (1 << 20)), "more than|bytes"),
    "announced beyond all": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000\r\n\r\n"), "more than"),
    "endless head": (forever(HEAD, b"X-A: " + b"a" * 1000 + b"\r\n"), "head of the answer"),
    "a circle": (lambda sock, request: status(302, f"Location: {request.path}"), "redirects more than"),
    "cut": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"), "download of an output failed"),
    "HTTP/0.9": (raw(b"GIF89a"), "HTTP/0.9"),
    "packed": (bomb("gzip", gzip.compress(b"x")), "compressed"),
    "nothing": (whole(b"", kind="image/png"), "no bytes"),
}


@pytest.mark.parametrize("name", DOWNLOADS)
def test_download(scene, name):
    """An output's URL that gives nonsense ends the task clearly, and stores nothing that could be taken for the output."""
    answer, says = DOWNLOADS[name]
    agent = small(scene)
    prompt = unique(name)
    scene.acts[prompt] = {"outputs": [{"url": scene.vendor.route(f"/get/{unique('x').split()[1]}", answer)}]}
    view = agent.run("evil", {"prompt": prompt}, kind="image.generate", deadline_s=20)
    assert view["status"] == "failed" and view["error"]["code"] == "output_unavailable" and view["outputs"] == [], view
    assert any(word in view["error"]["message"] for word in says.split("|")), view


def small(scene):
    """An agent whose media may have 50 MB at most: so endless ones end."""
    if not hasattr(scene, "small"):
        model = ("evil", "do", "openai", f"base: '{scene.vendor.at}'", "lane: small")
        scene.small = scene.rig.agent(app="small", adapters=scene.rig.folder / "evil", lanes=["small"], models={"evil": model},
                                      extra="socket_limits: { media: 50MB }\n")
    return scene.small
