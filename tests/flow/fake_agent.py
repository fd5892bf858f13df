"""An agent's socket without an agent: answers as a test says and remembers what was asked. Standard library only."""
import http.server
import json
import socketserver
import threading
import time
import urllib.parse

ID = "01a20312-6b40-7efe-85d9-1d6f2d15dc14"


class Answer:
    """What a route gives: a value becomes JSON, bytes stay; a generator is sent piece by piece and then cut off."""

    def __init__(self, status=200, body=None, headers=None):
        self.status, self.body, self.headers = status, body, headers or {}


def error(status, code, message, param=None, **headers):
    envelope = {"error": {"message": message, "type": "x", "code": code, "param": param}}
    return Answer(status, envelope, {k.replace("_", "-"): v for k, v in headers.items()})


def event(number, status, stage=None, progress=None, **more):
    body = {"id": f"{number}.0", "task": ID, "status": status, **({"stage": stage} if stage else {}), **more}
    if progress is not None:
        body["progress"] = progress
    return f"id: {number}.0\nevent: task.{status}\ndata: {json.dumps(body)}\n\n".encode()


class Asked:
    def __init__(self, method, target, headers, body):
        parts = urllib.parse.urlsplit(target)
        self.method, self.path, self.headers, self.body = method, parts.path, headers, body
        self.query = dict(urllib.parse.parse_qsl(parts.query))

    def json(self):
        return json.loads(self.body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self):
        fake = self.server.fake
        asked = Asked(self.command, self.path, self.headers, self.read_body())
        fake.asked.append(asked)
        route = fake.routes.get((asked.method, asked.path), error(404, "not_found", "there is no such endpoint"))
        given = route(asked) if callable(route) else route
        given = given if isinstance(given, Answer) else Answer(200, given)
        if hasattr(given.body, "__next__"):
            return self.stream(given)
        body = given.body if isinstance(given.body, bytes) else b"" if given.body is None else json.dumps(given.body).encode()
        self.send_response(given.status)
        kind = "application/octet-stream" if isinstance(given.body, bytes) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **given.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, given):
        self.send_response(given.status)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in given.body:
            self.wfile.write(piece)
            self.wfile.flush()
        self.close_connection = True

    do_GET = do_POST = do_DELETE = answer

    def address_string(self):
        return "socket"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a client that leaves is nothing special


class FakeAgent:
    def __init__(self, folder):
        self.socket = str(folder / "agent.sock")
        self.routes, self.asked = {}, []
        self.server = Server(self.socket, Handler)
        self.server.fake = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def of(self, method, path):
        return [a for a in self.asked if (a.method, a.path) == (method, path)]

    def serve_task(self, outputs=(b"\x89PNG\r\n\x1a\n-picture",), status="completed", events=None, model="m", **more):
        """A task that is accepted, tells its events and ends."""
        view = {"id": ID, "object": "task", "model": model, "kind": "image.generate", "status": status, "created_at": int(time.time())}
        view["outputs"] = [{"type": "image/png", "bytes": len(o), "media": "d" * 64} for o in outputs]
        view.update(more)
        told = events or [event(1, "queued", "accepted"), event(2, "in_progress", "vendor_running", 40), event(3, status)]
        self.routes[("POST", "/v1/tasks")] = Answer(202, {"id": ID, "status": "queued"})
        self.routes[("GET", f"/v1/tasks/{ID}")] = lambda _: Answer(200, view)
        self.routes[("GET", f"/v1/tasks/{ID}/events")] = lambda _: Answer(200, iter(told))
        for n, body in enumerate(outputs):
            self.routes[("GET", f"/v1/tasks/{ID}/outputs/{n}")] = Answer(200, body, {"Content-Type": "image/png"})
        return view
