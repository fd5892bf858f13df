"""Starts sluice-sim on a free port and talks to it: for every test that needs a vendor."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "release"))
SECRETS = {
    "openai": ("authorization", "Bearer %s"),
    "fal": ("authorization", "Key %s"),
    "elevenlabs": ("xi-api-key", "%s"),
    "heygen": ("x-api-key", "%s"),
}


class Answer:
    """Status, headers (lower-case names) and the body's bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Sim:
    """A running simulator. `base` is http://host:port."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([BUILD / "sluice-sim", *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if "listening on" not in line:
            raise RuntimeError("sluice-sim did not start: %r" % line)
        self.base = line.split()[-1]
        self.host, port = self.base.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)

    def stop(self):
        """Ends it as Kubernetes would; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        return code

    def request(self, method, path, body=None, headers=None, timeout=20):
        """One request on a connection of its own; path may be a whole URL."""
        if path.startswith("http://"):
            parts = urllib.parse.urlsplit(path)
            path = parts.path + ("?" + parts.query if parts.query else "")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            data = response.read()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, data)
        finally:
            connection.close()

    def call(self, vendor, method, path, value=None, key="k1", fault=None, **headers):
        """A request to a vendor with its secret; value goes as JSON."""
        name, form = SECRETS[vendor]
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        if key:
            fields[name] = form % key
        if fault:
            fields["x-sim-fault"] = fault
        body = None
        if value is not None:
            body = json.dumps(value)
            fields["content-type"] = "application/json"
        if not path.startswith("http://"):
            path = "/" + vendor + path
        return self.request(method, path, body, fields)

    def control(self, method, path, value=None):
        """/_sim: gives the JSON, fails on anything but 200."""
        body = None if value is None else json.dumps(value)
        answer = self.request(method, "/_sim" + path, body, {"content-type": "application/json"})
        assert answer.status == 200, answer.body
        return answer.json()

    def paid(self, prompt=None, key=None):
        """How often a prompt, or an idempotency key, was asked, paid, answered…"""
        name, text = ("key", key) if key else ("prompt", prompt)
        return self.control("GET", "/paid?%s=%s" % (name, urllib.parse.quote(text)))


def form(fields):
    """multipart/form-data of (name, value) or (name, file name, type, bytes): content type and body."""
    boundary = "sluice-sim-test"
    out = b""
    for field in fields:
        out += b"--" + boundary.encode() + b"\r\n"
        if len(field) == 2:
            out += b'Content-Disposition: form-data; name="%s"\r\n\r\n' % field[0].encode()
            out += field[1].encode()
        else:
            name, file, kind, data = field
            out += b'Content-Disposition: form-data; name="%s"; filename="%s"\r\n' % (name.encode(), file.encode())
            out += b"Content-Type: " + kind.encode() + b"\r\n\r\n" + data
        out += b"\r\n"
    out += b"--" + boundary.encode() + b"--\r\n"
    return "multipart/form-data; boundary=" + boundary, out
