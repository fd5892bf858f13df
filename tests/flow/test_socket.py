"""The socket against malformed, oversized, slow and hostile clients: each gets its own clear error, the others notice nothing, memory stays bounded."""
import base64
import concurrent.futures
import hashlib
import json
import os
import re
import resource
import socket
import struct
import threading
import time

import msgpack
import pytest
import rig as parts
from rig import UnixConnection, in_threads, until
from test_tasks import PIXEL, error_of, unique


@pytest.fixture(scope="module")
def tight(tmp_path_factory):
    """An agent with small limits."""
    rig = parts.Rig(tmp_path_factory.mktemp("rig"))
    rig.agent(extra="socket_limits: { connections: 40, in_flight: 20, body: 1MiB, media: 2MiB }\n")
    yield rig
    rig.close()


@pytest.fixture
def agent(shared):
    return shared.agents[0]


@pytest.fixture(autouse=True)
def alive(request):
    """After each test the agent is the same process and answers."""
    yield
    for name in ("shared", "tight"):
        if name in request.fixturenames:
            agent = request.getfixturevalue(name).agents[0]
            assert agent.alive(), agent.output()[-3000:]
            assert agent.call("GET", "/v1/models")[0] == 200


def connect(agent, timeout=30):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(agent.socket)
    return s


def talk(agent, *pieces):
    """Sends pieces, ends the sending side, gives everything that comes back until the other side ends, too."""
    s, got = connect(agent), b""
    try:
        for piece in pieces:
            s.sendall(piece)
        s.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # refused before all of it was sent: the answer is there to be read
    try:
        while data := s.recv(1 << 16):
            got += data
    except ConnectionResetError:
        pass
    s.close()
    return got


def statuses(answer):
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def code_of(answer):
    return json.loads(answer[answer.rindex(b"\r\n\r\n") + 4:])["error"]["code"]


# ---- the conformance battery ----

TASK = b'{"model":"tts-1","input":{"text":"battery","voice":"alloy"}}'


def head(*fields, start=b"POST /v1/tasks HTTP/1.1", host=True):
    return b"\r\n".join([start, *([b"Host: a"] if host else []), *fields]) + b"\r\n\r\n"


SIZED = head(b"Content-Length: %d" % len(TASK)) + TASK
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(TASK), TASK)
CHUNKED = head(b"Transfer-Encoding: chunked")

BATTERY = {
    "plain": ([SIZED], [202]),
    "pipeline of three": ([SIZED * 3], [202, 202, 202]),
    "chunked": ([CHUNKED + CHUNKS], [202]),
    "chunks of one byte": ([CHUNKED + b"".join(b"1\r\n%c\r\n" % c for c in TASK) + b"0\r\n\r\n"], [202]),
    "trailers": ([CHUNKED + CHUNKS[:-2] + b"X-T: 1\r\n\r\n"], [202]),
    "chunk extension": ([CHUNKED + CHUNKS.replace(b"\r\n", b";a=b\r\n", 1)], [202]),
    "leading empty lines": ([b"\r\n\r\n" + SIZED], [202]),
    "byte at a time": ([bytes([c]) for c in SIZED], [202]),
    "HTTP/1.0": ([head(b"Content-Length: %d" % len(TASK), start=b"POST /v1/tasks HTTP/1.0") + TASK], [202]),
    "CL and TE": ([head(b"Content-Length: 4", b"Transfer-Encoding: chunked") + CHUNKS], [400]),
    "two CL that differ": ([head(b"Content-Length: %d" % len(TASK), b"Content-Length: 3") + TASK], [400]),
    "CL +": ([head(b"Content-Length: +%d" % len(TASK)) + TASK], [400]),
    "CL -1": ([head(b"Content-Length: -1") + TASK], [400]),
    "CL empty": ([head(b"Content-Length: ") + TASK], [400]),
    "CL list": ([head(b"Content-Length: %d, %d" % (len(TASK), len(TASK))) + TASK], [400]),
    "CL overflow": ([head(b"Content-Length: 99999999999999999999999") + TASK], [400]),
    "CL 1e12": ([head(b"Content-Length: 1000000000000")], [413]),
    "TE xchunked": ([head(b"Transfer-Encoding: xchunked") + CHUNKS], [400]),
    "TE gzip, chunked": ([head(b"Transfer-Encoding: gzip, chunked") + CHUNKS], [400]),
    "TE twice": ([head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + CHUNKS], [400]),
    "TE on HTTP/1.0": ([head(b"Transfer-Encoding: chunked", start=b"POST /v1/tasks HTTP/1.0") + CHUNKS], [400]),
    "space before the colon": ([head(b"Content-Length : %d" % len(TASK)) + TASK], [400]),
    "a line that begins with a space": ([b"POST /v1/tasks HTTP/1.1\r\nHost: a\r\n Content-Length: 5\r\n\r\n" + TASK], [400]),
    "a folded line": ([b"POST /v1/tasks HTTP/1.1\r\nHost: a\r\nX: y\r\n\tContent-Length: 5\r\n\r\n" + TASK], [400]),
    "CR parts fields": ([b"POST /v1/tasks HTTP/1.1\r\nHost: a\r\nX: \rxTransfer-Encoding: chunked\r\n\r\n" + CHUNKS], [400]),
    "bare LF": ([SIZED.replace(b"\r\n", b"\n")], [400]),
    "NUL in a field": ([head(b"X: a\0b", b"Content-Length: %d" % len(TASK)) + TASK], [400]),
    "chunk size overflow": ([CHUNKED + b"1000000000000000d\r\n" + TASK + b"\r\n0\r\n\r\n"], [400]),
    "chunk size negative": ([CHUNKED + b"-d\r\n" + TASK], [400]),
    "chunk size 0x": ([CHUNKED + b"0x" + CHUNKS], [400]),
    "no CRLF after a chunk": ([CHUNKED + CHUNKS.replace(b"}\r\n0", b"}0")], [400]),
    "chunks with bare LF": ([CHUNKED + CHUNKS.replace(b"\r\n", b"\n")], [400]),
    "chunk extension of 1 MB": ([CHUNKED + b"%x;" % len(TASK) + b"a" * 1000000 + CHUNKS], [413]),
    "trailers of 1 MB": ([CHUNKED + CHUNKS[:-2] + b"X: aaaaaaaa\r\n" * 80000 + b"\r\n"], [413]),
    "field of 70 KB": ([head(b"X: " + b"a" * 70000)], [431]),
    "500 fields": ([head(*[b"X-%d: y" % i for i in range(500)])], [431]),
    "URL of 70 KB": ([head(start=b"POST /" + b"a" * 70000 + b" HTTP/1.1")], [431]),
    "no Host": ([head(b"Content-Length: %d" % len(TASK), host=False) + TASK], [400]),
    "two Hosts": ([head(b"Host: b", b"Content-Length: %d" % len(TASK)) + TASK], [400]),
    "HTTP/2 preface": ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [400]),
    "HTTP/3.7": ([head(start=b"POST /v1/tasks HTTP/3.7")], [400]),
    "HTTP/0.9": ([b"GET /v1/models\r\n\r\n"], [400]),
    "unknown method": ([head(start=b"FROB /v1/tasks HTTP/1.1")], [400]),
    "absolute-form": ([head(start=b"GET http://evil/v1/models HTTP/1.1")], [400]),
    "dot segments": ([head(start=b"GET /v1/../v1/models HTTP/1.1")], [400]),
    "escaped NUL in the path": ([head(start=b"GET /v1/models%00 HTTP/1.1")], [400]),
    "TLS": ([b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(160)], [400]),
    "noise": ([bytes(range(1, 127)) * 20], [400]),
    "good, then bad": ([SIZED + b"nonsense\r\n\r\n" + SIZED], [202, 400]),
}


@pytest.mark.parametrize("name", BATTERY)
def test_battery(shared, agent, name):
    """What RFC 9112 allows is served; what it does not, or what smugglers use, is refused at once and its connection ends."""
    pieces, want = BATTERY[name]
    assert statuses(talk(agent, *pieces)) == want


def test_the_battery_made_no_more_tasks(shared, agent):
    """Of the battery exactly the good requests became tasks."""
    good = sum(want.count(202) for _, want in BATTERY.values())
    until("all of them are carried out", lambda: shared.sim.paid(prompt="battery")["paid"] >= good)
    assert shared.sim.paid(prompt="battery")["paid"] == good


def test_expect_continue(agent, shared):
    """A client that waits for 100 Continue gets it, once, and a refusal instead when its body would not be read."""
    s = connect(agent)
    s.sendall(head(b"Content-Length: %d" % len(TASK), b"Expect: 100-continue"))
    assert s.recv(1000).startswith(b"HTTP/1.1 100 ")
    s.sendall(TASK)
    assert s.recv(1000).startswith(b"HTTP/1.1 202 ")
    s.sendall(head(b"Content-Length: 10", b"Expect: 100-continue", start=b"POST /v1/nothing HTTP/1.1"))
    assert s.recv(1000).startswith(b"HTTP/1.1 404 ")
    s.close()


def test_keep_alive(agent, shared):
    """A connection serves one request after the other, faults of the request's content included."""
    c = UnixConnection(agent.socket, 30)
    for path, want in [("/v1/models", 200), ("/v1/nothing", 404), ("/v1/tasks/nonsense", 404), ("/v1/models", 200)]:
        c.request("GET", path)
        r = c.getresponse()
        r.read()
        assert r.status == want
    c.close()


# ---- too much ----


def nested(depth):
    return b'{"model":"tts-1","input":{"text":"deep","vendor":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"


JSON = {
    "depth": (nested(100000), 400, "nesting_too_deep"),
    "elements": (b'{"model":"tts-1","input":{"text":"t","vendor":{"a":[' + b"1," * 100000 + b"1]}}}", 400, "too_many_elements"),
    "a long text": (b'{"model":"tts-1","input":{"text":"' + b"word! " * 50000 + b'"}}', 413, "request_too_large"),
    "many texts": (b'{"model":"tts-1","input":{"vendor":[' + b",".join(b'"' + b"a! " * 20000 + b'"' for _ in range(30)) + b"]}}", 413,
                   "request_too_large"),
    "a broken escape": (b'{"model":"\\u12"}', 400, "invalid_request"),
    "a lone surrogate": (b'{"model":"\\ud800"}', 400, "invalid_request"),
    "a NUL": (b'{"model":"\\u0000"}', 400, "invalid_request"),
    "twice the same name": (b'{"model":"tts-1","model":"tts-1"}', 400, "invalid_request"),
    "a huge number": (b'{"model":"tts-1","input":{"text":"t","speed":1' + b"0" * 400 + b"}}", 400, "invalid_request"),
    "a forged marker": (b'{"model":"tts-1","input":{"text":"t","audio":{"$blob":0}}}', 400, "invalid_request"),
    "trailing bytes": (TASK + b"x", 400, "invalid_request"),
}


@pytest.mark.parametrize("name", JSON)
def test_json(shared, agent, name):
    """JSON that is too deep, too large, broken or forged is refused by its own code."""
    body, status, code = JSON[name]
    answer = talk(agent, head(b"Content-Length: %d" % len(body), b"Content-Type: application/json", b"Connection: close") + body)
    assert statuses(answer) == [status] and code_of(answer) == code, answer[-400:]


PACKED = {
    "depth": (b"\x81" * 40 + b"\xc0", "nesting_too_deep"),
    "elements": (b"\xdd" + struct.pack(">I", 1 << 31), "too_many_elements"),
    "bytes": (b"\xc6" + struct.pack(">I", 1 << 31), "request_too_large"),
    "trailing bytes": (msgpack.packb({"model": "tts-1", "input": {"text": "t"}}) + b"\xc0", "invalid_request"),
    "a number as a name": (msgpack.packb({1: 2}), "invalid_request"),
    "an extension": (b"\x81\xa5model\xc7\x00\x05", "invalid_request"),
    "no UTF-8": (b"\x81\xa5model\xa2\xff\xfe", "invalid_request"),
    "a forged marker": (msgpack.packb({"model": "tts-1", "input": {"text": "t", "audio": {"$bin": 3}}}), "invalid_request"),
}


@pytest.mark.parametrize("name", PACKED)
def test_msgpack_bodies(shared, agent, name):
    """The same for MessagePack."""
    answer = agent.call("POST", "/v1/tasks", PACKED[name][0], {"Content-Type": "application/msgpack"})
    assert answer[2]["error"]["code"] == PACKED[name][1], answer


def form(*parts_, boundary=b"b"):
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts_) + b"--" + boundary + b"--\r\n"


FORMS = {
    "many parts": (form(*[b'Content-Disposition: form-data; name="p%d"\r\n\r\nx' % i for i in range(100)]), 400, "too_many_parts"),
    "a long head": (form(b'Content-Disposition: form-data; name="p"\r\nX: ' + b"a" * 100000 + b"\r\n\r\nx"), 431, "headers_too_large"),
    "no name": (form(b"Content-Disposition: form-data\r\n\r\nx"), 400, "invalid_request"),
    "no end": (form(b'Content-Disposition: form-data; name="p"\r\n\r\nx')[:-4], 400, "invalid_request"),
    "no boundary": (b"nothing", 400, "invalid_request"),
    "a text without end": (form(b'Content-Disposition: form-data; name="prompt"\r\n\r\n' + b"a" * 3000000), 413, "request_too_large"),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(shared, agent, name):
    """Forms with too many parts, long heads, without names, without end are refused."""
    body, status, code = FORMS[name]
    kind = b"Content-Type: multipart/form-data; boundary=b"
    answer = talk(agent, head(b"Content-Length: %d" % len(body), kind, start=b"POST /v1/images/edits HTTP/1.1") + body)
    assert statuses(answer) == [status] and code_of(answer) == code, answer[-400:]


def test_body_limits(tight):
    """A body over its limit is 413, told before it is sent when its length is, and in the middle when not; the client reads the answer."""
    agent = tight.agents[0]
    big = b'{"model":"gpt-image-2","kind":"image.edit","input":{"prompt":"p","images":["' + base64.b64encode(bytes(2 << 20)) + b'"]}}'
    answer = talk(agent, head(b"Content-Length: %d" % len(big), b"Content-Type: application/json") + big)
    assert statuses(answer) == [413] and code_of(answer) == "request_too_large"
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(big[i:i + 60000]), big[i:i + 60000]) for i in range(0, len(big), 60000))
    answer = talk(agent, head(b"Transfer-Encoding: chunked", b"Content-Type: application/json") + chunked)
    assert statuses(answer) == [413] and code_of(answer) == "request_too_large"
    error_of(agent.call("POST", "/v1/media", bytes(3 << 20)), 413, "request_too_large")
    assert agent.call("POST", "/v1/media", bytes(1 << 20))[0] == 201


def test_connection_limit(tight):
    """One connection more than there may be is told so with 503; when others leave there is room again."""
    agent = tight.agents[0]
    open_ = [connect(agent) for _ in range(40)]
    for s in open_:
        s.sendall(head(start=b"GET /v1/models HTTP/1.1"))
        assert s.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    answer = talk(agent, head(start=b"GET /v1/models HTTP/1.1"))
    assert statuses(answer) == [503] and code_of(answer) == "too_many_connections" and b"Retry-After" in answer
    for s in open_:
        s.close()
    until("there is room", lambda: agent.call("GET", "/v1/models")[0] == 200)


def test_in_flight_limit(tight):
    """More unanswered requests than there may be are refused with 503; those under way are answered."""
    agent = tight.agents[0]
    prompt = unique("held [sim:latency=1500 times=always]")
    ask = lambda i: agent.call("POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": f"{prompt} {i}"})  # noqa: E731
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, range(32)))
    refused = [a for a in answers if a[0] == 503]
    assert refused and {a[2]["error"]["code"] for a in refused} == {"too_many_in_flight"} and all(a[1]["Retry-After"] for a in refused)
    assert [a[0] for a in answers if a[0] != 503] == [200] * (32 - len(refused)) and len(refused) < 32


# ---- slow, and idle ----


def test_slow_heads_and_bodies(shared, agent):
    """A head that dribbles in is given up after its time, however busy it looks; quick clients beside it are served."""
    slow = [connect(agent, 60) for _ in range(50)]
    stop = threading.Event()

    def dribble():
        while not stop.wait(0.2):
            for s in slow:
                try:
                    s.sendall(b"X")
                except OSError:
                    pass

    for s in slow:
        s.sendall(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n")
    thread = threading.Thread(target=dribble)
    thread.start()
    assert all(answer[0] == 200 for answer in in_threads(20, lambda i: agent.call("GET", "/v1/models")))
    answers = [s.recv(4096) for s in slow]
    stop.set()
    thread.join()
    assert all(a.startswith(b"HTTP/1.1 408 ") and b"request_timeout" in a for a in answers), answers[:3]
    for s in slow:
        s.close()


def test_idle_connections(shared, agent):
    """A thousand idle connections cost little, hinder nobody, and may be used at last."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    before = agent.memory()
    idle = [connect(agent) for _ in range(1000)]
    until("they are there", lambda: len(os.listdir(f"/proc/{agent.child.pid}/fd")) > 1000)
    assert agent.run("gpt-image-2", {"prompt": unique("beside a thousand")})["status"] == "completed"
    assert agent.memory() - before < 16 << 20
    for s in idle[::100]:
        s.sendall(head(start=b"GET /v1/models HTTP/1.1"))
        assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
    for s in idle:
        s.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    until("they are gone", lambda: len(os.listdir(f"/proc/{agent.child.pid}/fd")) < 100)


def test_a_client_that_does_not_read(shared, agent):
    """Clients that ask for megabytes and read nothing hold no megabytes in the agent."""
    task = agent.run("kling-video", {"prompt": unique("unread [sim:bytes=20000000]")})
    before = agent.memory()
    greedy = [connect(agent) for _ in range(20)]
    for s in greedy:
        s.sendall(head(start=f"GET /v1/tasks/{task['id']}/outputs/0 HTTP/1.1".encode()))
    for s in greedy:
        assert s.recv(100).startswith(b"HTTP/1.1 200 ")
    time.sleep(1)
    assert agent.memory() - before < 40 << 20
    for s in greedy:
        s.close()


def test_a_flood_of_half_requests(shared, agent):
    """Hundreds of clients that send half a large body and leave free everything that they took."""
    before = agent.memory()
    start = b'{"model":"gpt-image-2","kind":"image.edit","input":{"prompt":"half","images":["' + base64.b64encode(bytes(300000))

    def half(i):
        s = connect(agent)
        s.sendall(head(b"Content-Length: 100000000", b"Content-Type: application/json") + start)
        s.close()

    for _ in range(4):
        in_threads(25, half)
    half_rpc = msgpack.packb([0, 1, "media.put", [bytes(3 << 20)]])[:2 << 20]
    for i in range(10):
        s = connect(agent)
        s.sendall(half_rpc)
        s.close()
    until("the memory comes back", lambda: agent.memory() - before < 32 << 20)


def test_both_dialects(shared, agent):
    """HTTP and MessagePack-RPC share the socket at the same time, in any mixture."""

    def one(i):
        if i % 2:
            rpc = agent.rpc()
            view = rpc.call("task.submit", {"model": "tts-1", "input": {"text": unique("mixed"), "voice": "alloy"}}, {"wait_s": 60})
            rpc.close()
            return view
        return agent.call("POST", "/v1/tasks", {"model": "tts-1", "input": {"text": unique("mixed"), "voice": "alloy"}}, {"Prefer": "wait=60"})[2]

    views = in_threads(30, one)
    assert {view["status"] for view in views} == {"completed"} and len({view["id"] for view in views}) == 30


def test_noise(shared, agent):
    """Ten thousand bytes of noise with every possible first byte end their connections and nothing else."""
    for first in range(256):
        noise = bytes([first]) + bytes((first * 31 + i * i * 7) & 0xFF for i in range(400))
        talk(agent, noise)


def test_large_upload(shared, agent):
    """Eighty megabytes of base64 in JSON become a task's medium without the agent growing with them."""
    data = PIXEL + os.urandom(60 << 20)
    digest = hashlib.sha256(data).hexdigest()
    body = b'{"model":"gpt-image-2","kind":"image.edit","input":{"prompt":"' + unique("large [sim:policy]").encode() + b'","images":["' + \
        base64.b64encode(data) + b'"]}}'
    before, peak, stop = agent.memory(), [0], threading.Event()

    def watch():
        while not stop.wait(0.01):
            peak[0] = max(peak[0], agent.memory())

    thread = threading.Thread(target=watch)
    thread.start()
    status, _, view = agent.call("POST", "/v1/tasks", body, {"Content-Type": "application/json"})
    stop.set()
    thread.join()
    assert status == 202, view
    assert peak[0] - before < 24 << 20
    assert agent.call("HEAD", f"/v1/media/{digest}")[0] == 200
    agent.call("POST", f"/v1/tasks/{view['id']}/cancel")
