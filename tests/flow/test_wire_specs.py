"""What the agent really sends, and what the simulator really answers, against the vendors' own descriptions: each operation once, through a proxy that reads along.

The cases beside the adapters are checked by tests/adapters/check_specs.py; this one sees the bytes on the wire. Without SLUICE_SPECS' folder it is skipped.
"""
import email.parser
import email.policy
import http.client
import http.server
import json
import os
import re
import sys
import threading

import pytest
import test_adapters as adapters
from rig import ROOT

sys.path.insert(0, str(ROOT / "tests/adapters"))
import check_specs  # noqa: E402
import check_table  # noqa: E402

NAMES = [name for name in adapters.NAMES if name in check_table.DESCRIBED]
pytestmark = pytest.mark.skipif(not os.path.isdir(check_specs.SPECS), reason="SLUICE_SPECS names no folder of descriptions")
HOP = ("connection", "transfer-encoding", "keep-alive", "content-length")


class Reader(http.server.BaseHTTPRequestHandler):
    """Passes everything on to the simulator and keeps what was said."""

    protocol_version = "HTTP/1.1"
    target, seen = None, None

    def pass_on(self):
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        body = self.chunks() if chunked else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        c = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        c.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # Host, too: the simulator gives addresses that lead here again
            if name.lower() not in HOP:
                c.putheader(name, value)
        if body or self.command in ("POST", "PUT"):
            c.putheader("Content-Length", str(len(body)))
        c.endheaders(body)
        r = c.getresponse()
        answer = r.read()
        c.close()
        self.seen.append((self.command, self.path, self.headers.get("Content-Type") or "", body, r.status, r.headers.get("Content-Type") or "", answer))
        self.send_response(r.status)
        for name, value in r.headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on

    def log_message(self, *args):
        pass


class Between:
    """In place of the simulator's port: agents talk to the proxy."""

    def __init__(self, world):
        handler = type("Handler", (Reader,), {"target": world.sim.port, "seen": []})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port, self.seen = self.server.server_port, handler.seen


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """name of a dialect -> everything that was said to it, after every task of every described adapter."""
    world = adapters.World(tmp_path_factory.mktemp("wire"))
    proxy = Between(world)
    plain, world.sim.port = world.sim.port, proxy.port
    try:
        made = [(name, world.submit(name, i, task, "on the wire")[0]) for name in NAMES for i, task in enumerate(adapters.data_of(name)["tasks"])]
        views = {id_: world.agent(name).result(id_) for name, id_ in made}
        assert {view["status"] for view in views.values()} == {"completed"}, [view for view in views.values() if view["status"] != "completed"][:2]
        yield proxy.seen
    finally:
        world.sim.port = plain
        proxy.server.shutdown()
        world.rig.close()


def form_of(kind, body):
    """The parts of a form as check_specs has them in cases."""
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    parts = []
    for part in message.iter_parts():
        name, file = part.get_param("name", header="content-disposition"), part.get_filename()
        parts.append({"name": name, "medium": 0} if file else {"name": name, "text": part.get_payload(decode=True).decode()})
    return parts


def step_of(url, exchange):
    """An exchange as a step of a case."""
    method, _, kind, body, status, answered, answer = exchange
    request, told = {"method": method, "url": url}, {"status": status}
    if kind.startswith("application/json") and body:
        request["json"] = json.loads(body)
    elif kind.startswith("multipart/form-data"):
        request["multipart"] = form_of(kind, body)
    elif body:
        request["raw"] = 0
    if answered.startswith("application/json"):
        told["body"] = json.loads(answer)
    elif answer:
        told["raw_bytes"] = len(answer)
    return {"step": "wire", "request": request, "answer": told, "meaning": {}}


def starts(prefix):
    """What may stand before a path of the simulator: a URL that a prefix, a regular expression of check_table, fits, and its host alone."""
    text = re.sub(r"\(\?:([^|()]*)(?:\|[^()]*)?\)\??", r"\1", prefix)
    whole = re.sub(r"\[[^\]]*\][+*]?", "x", text).replace("\\", "")
    return re.match(r"https?://[^/]+", whole).group(), whole


@pytest.mark.parametrize("name", NAMES)
def test_described(said, name, capsys):
    """All that the agent said to this vendor, and all that it was told, is as the vendor describes it."""
    report, vendor = check_specs.Report(), check_specs.Vendor(name)
    dialect = "/" + adapters.data_of(name)["vendor"]
    for exchange in [e for e in said if e[1].startswith(dialect + "/")]:
        path = exchange[1][len(dialect) :]
        for url in (start + path for _, prefix, _ in vendor.parts for start in starts(prefix)):
            step = step_of(url, exchange)
            found = vendor.find(step["request"]["method"], step["request"]["url"])
            if found and found[1]:
                check_specs.check_step(report, name, found[1].name, vendor, step)
                break
    wrong = sorted(set(capsys.readouterr().out.splitlines()))
    assert not wrong and report.passed > 0, "\n".join(wrong)
