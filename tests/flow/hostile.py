"""A small vendor that does whatever a test wants, well or badly: a route is a function on the raw socket. And the adapter that speaks to it. Standard library only."""
import hashlib
import json
import re
import socket
import threading

BLOCK = bytes(range(256)) * 1024

ADAPTER = """\
adapter: evil
about: a vendor that means no good
base: http://127.0.0.1:1
auth: { header: Authorization, value: "Bearer {secret}" }
error: { code: .body.error.code, text: .body.error.message }
tasks:
  image.generate:
    inputs: { images: { forms: [base64] } }
    submit:
      request: { url: "{base}/{model|path}", json: { prompt: .input.prompt, image: '.input.images[0]' } }
      timeout: 3s
      outputs: &outputs { each: .body.outputs, url: .item.url, base64: .item.base64, hex: .item.hex, type: .item.type }
  image.edit:
    inputs: { images: { forms: [data_uri] } }
    submit:
      request: { url: "{base}/{model|path}", json: { prompt: .input.prompt, image: '.input.images[0]' } }
      outputs: *outputs
  image.upscale:
    inputs: { image: { forms: [part] } }
    submit:
      request: { url: "{base}/{model|path}", multipart: { picture: .input.image } }
      outputs: *outputs
  audio.speech:
    unsupported: { voice: ignore }
    submit:
      request: { url: "{base}/{model|path}", json: { text: .input.text } }
      outputs: { raw: true }
  text.chat:
    inputs: { messages: { forms: [url, data_uri] } }
    submit:
      request: { url: "{base}/{model|path}", json: { messages: .input.messages } }
      outputs: { each: .body.outputs, text: .item.text }
  video.generate:
    inputs: { image: { forms: [url, data_uri] } }
    submit:
      request: { url: "{base}/{model|path}", json: { prompt: .input.prompt, image: .input.image } }
      save: { id: .body.id, poll: .body.poll, fetch: .body.fetch, cancel: .body.cancel }
    poll:
      request: { url: "{poll}" }
      timeout: 3s
      every: { first: 100ms, min: 100ms, max: 300ms }
      state: { from: .body.status, map: { waits: queued, works: in_progress, done: completed, broken: failed } }
    fetch:
      request: { url: "{fetch}" }
      outputs: *outputs
    cancel: { request: { url: "{cancel}" } }
"""


class Request:
    """Head and body; of a long body the beginning, its length and its digest."""

    KEEP = 1 << 20

    def __init__(self, file):
        words = file.readline(65537).decode("latin-1").split(" ")
        if len(words) < 2:
            raise EOFError
        self.method, self.path = words[0], words[1]
        self.headers = {}
        while (line := file.readline(65537).strip()):
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.lower()] = value.strip()
        self.body, self.length, digest = b"", 0, hashlib.sha256()
        left = int(self.headers.get("content-length", 0))
        while left:
            part = file.read(min(left, 1 << 18))
            if not part:
                raise EOFError
            digest.update(part)
            left -= len(part)
            self.length += len(part)
            if len(self.body) < self.KEEP:
                self.body += part
        self.digest = digest.hexdigest()

    def json(self):
        return json.loads(self.body)


class Hostile:
    """Listens on a port of its own. routes: {path: function(sock, request)}; what a function returns is the answer: a value as JSON, bytes as they are, None when it answered itself."""

    def __init__(self):
        self.routes, self.asked = {}, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def at(self):
        return f"http://127.0.0.1:{self.port}"

    def route(self, path, answer):
        """Answers path with a function, or always with the same value; gives the URL."""
        self.routes[path] = answer if callable(answer) else lambda sock, request: answer
        return self.at + path

    def count(self, path):
        return sum(r.path == path for r in self.asked)

    def last(self, path):
        return next(r for r in reversed(self.asked) if r.path == path)

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            with sock, sock.makefile("rb") as file:
                request = Request(file)
                self.asked.append(request)
                do = self.routes.get(re.sub(r"\?.*", "", request.path))
                answer = do(sock, request) if do else status(404)
                if answer is not None:
                    sock.sendall(answer if isinstance(answer, bytes) else whole(json.dumps(answer).encode()))
        except (OSError, EOFError):
            pass


def whole(body, *fields, status="200 OK", kind="application/json"):
    """An answer with its length and what else is said of it."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return (head + "".join(f"{field}\r\n" for field in fields) + "\r\n").encode() + body


def status(code, *fields, body=b"{}"):
    return whole(body, *fields, status=f"{code} x")


def medium(data, kind="image/png"):
    return whole(data, kind=kind)


def zeros(sock, head, size, block=BLOCK):
    """A head with its length, and so many bytes."""
    sock.sendall(head)
    while size > 0:
        sock.sendall(block[:size])
        size -= len(block)


def long_text(sock, before, text, size, after):
    """JSON with one long string made of one text over and over; text's length divides size."""
    block = text * (65536 // len(text))
    sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(before) + size + len(after)}\r\nConnection: close\r\n\r\n".encode() + before)
    while size > 0:
        sock.sendall(block[:size])
        size -= len(block)
    sock.sendall(after)
