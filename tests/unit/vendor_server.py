"""A vendor that misbehaves on request, for test_vendor.c. Standard library only.

Prints one line: ports of http, https, h2 that refuses its first stream, h2 that drops its second, a port where nobody listens, and the
path of the certificate. Ends when its standard input does.
"""
import hashlib
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

hits = {}
ports = {}
lock = threading.Lock()


def hit(name):
    with lock:
        hits[name] = hits.get(name, 0) + 1
        return hits[name]


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Request:
    def __init__(self, file):
        line = file.readline(65537)
        if not line:
            raise EOFError
        self.method, self.target, _ = line.decode("latin-1").split(" ", 2)
        self.path, _, self.query = self.target.partition("?")
        self.fields = []
        while True:
            line = file.readline(65537)
            if line in (b"\r\n", b""):
                break
            name, _, value = line.decode("latin-1").partition(":")
            self.fields.append((name, value.strip()))
        digest, left = hashlib.sha256(), int(self.field("content-length") or 0)
        self.length = left
        while left:
            part = file.read(min(left, 65536))
            if not part:
                raise EOFError
            digest.update(part)
            left -= len(part)
        self.digest = digest.hexdigest()

    def field(self, name):
        for n, v in self.fields:
            if n.lower() == name:
                return v
        return None


def answer(sock, status, body=b"", fields=(), reason="x"):
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
    sock.sendall(head.encode("latin-1") + body)


def pattern(n):
    return bytes(range(256)) * (n // 256) + bytes(range(n % 256))


def echo(sock, r, server):
    body = {"method": r.method, "target": r.target, "fields": r.fields, "bytes": r.length, "sha256": r.digest,
            "port": server}
    answer(sock, 200, json.dumps(body).encode(), [("Content-Type", "application/json"), ("X-Two", "a"), ("x-two", "b")])


def big(sock, n):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n)
    block = pattern(65536)
    while n:
        sock.sendall(block[: min(n, 65536)])
        n -= min(n, 65536)


def splice(sock, port):
    """A proxy's tunnel: bytes both ways until one side ends."""
    far = socket.create_connection(("127.0.0.1", port))

    def pump(a, b):
        try:
            while part := a.recv(65536):
                b.sendall(part)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    back = threading.Thread(target=pump, args=(far, sock), daemon=True)
    back.start()
    pump(sock, far)
    back.join()


def serve_connect(sock, r):
    hit("connect")
    if r.target.startswith("refuse."):
        answer(sock, 403, b"not through here")
    else:
        sock.sendall(b"HTTP/1.1 200 Connected\r\nX-Proxy: yes\r\n\r\n")
        splice(sock, ports["https"])
    return False


def token(sock, r, name, lives):
    """A token endpoint: what it does is in the beginning of the name, so that each test has one of its own."""
    count = hit(name)
    good = r.method == "POST" and r.field("content-type") == "application/x-www-form-urlencoded"
    if name.startswith("slow"):
        time.sleep(0.3)
    if name.startswith("refuse") or not good:
        answer(sock, 401, json.dumps({"error": "invalid_client", "error_description": "geheimnis is wrong"}).encode())
    elif name.startswith("fail") or (name.startswith("once") and count > 1) or (name.startswith("later") and count == 1):
        answer(sock, 503, b"not now")
    elif name.startswith("huge"):
        answer(sock, 200, b" " * 1000000)
    else:
        answer(sock, 200, json.dumps({"access_token": f"{name}-{count}", "expires_in": lives}).encode())


def serve_one(sock, r, server):
    """Gives True when the connection goes on."""
    if r.method == "CONNECT":
        return serve_connect(sock, r)
    if r.path.startswith("http://"):  # as proxies get it
        hit("proxied")
        r.path = "/" + r.path.split("/", 3)[3]
    parts = r.path.strip("/").split("/")
    word, args = parts[0], parts[1:]
    count = hit(word)
    if word == "echo":
        echo(sock, r, server)
    elif word == "token":
        token(sock, r, args[0], int(args[1]) if len(args) > 1 else 3600)
    elif word == "hello":
        answer(sock, 200, b"hello")
    elif word == "hits":
        answer(sock, 200, str(hits.get(args[0], 0)).encode())
    elif word == "status":
        answer(sock, int(args[0]), b"no such luck", [("Retry-After", "7")])
    elif word == "nobody":
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    elif word == "slow":
        time.sleep(int(args[0]) / 1000)
        answer(sock, 200, b"slow")
    elif word == "stall":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
        time.sleep(30)
        return False
    elif word == "mute":
        time.sleep(30)
        return False
    elif word == "coded":
        # /coded/STATUS/CODING
        answer(sock, int(args[0]), b"packed", [("Content-Encoding", args[1])])
    elif word == "announce":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % int(args[0]))
        time.sleep(30)
        return False
    elif word == "drip":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % int(args[0]))
        for _ in range(int(args[0])):
            time.sleep(0.05)
            sock.sendall(b".")
    elif word == "cut":
        # a whole answer, and a reset right behind it
        answer(sock, 200, b"whole")
        reset(sock)
        return False
    elif word == "reset":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789")
        time.sleep(0.1)
        reset(sock)
        return False
    elif word == "short":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789")
        return False
    elif word == "drop":
        return False
    elif word == "bye":
        answer(sock, 200, b"bye")
        return False
    elif word == "garbage":
        sock.sendall(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
        return False
    elif word == "badchunk":
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
        time.sleep(0.1)
        return False
    elif word == "chunked":
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n"
                     b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-End: HTTP/1.1 500 no\r\n\r\n")
    elif word == "interim":
        sock.sendall(b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        answer(sock, 200, b"done", [("X-B", "2")])
    elif word == "interims":
        for _ in range(100000):
            sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </some/thing>; rel=preload\r\n\r\n")
    elif word == "head":
        fields = [(f"X-{i}", "v" * 1000) for i in range(int(args[0]))]
        answer(sock, 200, b"", fields)
    elif word == "fold":
        sock.sendall(b"HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nX-Far : away\r\n: noname\r\nX-Empty:\r\nX-B:  b \t\r\nContent-Length: 0\r\n\r\n")
    elif word == "big":
        big(sock, int(args[0]))
    elif word == "endless":
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        block = pattern(65536)
        while True:
            sock.sendall(block)
    elif word == "redirect":
        # /redirect/STATUS?URL ; a second argument is the number of bytes that go with it
        body = b"r" * (int(args[1]) if len(args) > 1 else 4)
        answer(sock, int(args[0]), body, [("Location", r.query)])
    elif word == "loop":
        answer(sock, 302, b"", [("Location", f"/loop/{count}")])
    else:
        answer(sock, 404, b"?")
    return True


def serve_http(sock, server):
    try:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        file = sock.makefile("rb")
        hit("connections")
        while serve_one(sock, Request(file), server):
            pass
        file.close()
        if isinstance(sock, ssl.SSLSocket):
            sock.unwrap()
    except (OSError, EOFError, ValueError):
        pass
    try:
        sock.close()
    except OSError:
        pass
    hit("closed")


# ---- HTTP/2 by hand: just frames; the header block of ":status: 200" is one byte of HPACK's static table ----

def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def h2_frames(file):
    while True:
        head = file.read(9)
        if len(head) < 9:
            raise EOFError
        n = int.from_bytes(head[:3], "big")
        yield head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, file.read(n)


def serve_h2(sock, name):
    """refuse: the first stream of all is refused, others are answered. drop: the second stream of all ends the connection."""
    try:
        sock.do_handshake()
        file = sock.makefile("rb")
        file.read(24)
        sock.sendall(frame(4, 0, 0))
        for kind, flags, stream, payload in h2_frames(file):
            if kind == 4 and not flags & 1:
                sock.sendall(frame(4, 1, 0))
            if kind == 1:
                hit(name)
            if kind not in (0, 1) or not flags & 1:
                continue
            count = hit(name + "-whole")
            if name == "refuse" and count == 1:
                sock.sendall(frame(3, 0, stream, struct.pack(">I", 7)))
            elif name == "drop" and count == 2:
                sock.close()
                file.close()
                return
            else:
                sock.sendall(frame(1, 4, stream, b"\x88") + frame(0, 1, stream, b"two"))
    except (OSError, EOFError):
        pass


def listen(handler, context, *args):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(512)

    def accept():
        while True:
            sock, _ = server.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context:
                sock = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=handler, args=(sock, *args), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def tls(directory, *protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def main():
    threading.stack_size(256 * 1024)
    with tempfile.TemporaryDirectory(prefix="test-vendor-") as directory:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", f"{directory}/key.pem", "-out", f"{directory}/cert.pem"], check=True, capture_output=True)
        http = listen(serve_http, None, "http")
        https = listen(serve_http, tls(directory), "https")
        ports["https"] = https
        refuse = listen(serve_h2, tls(directory, "h2"), "refuse")
        drop = listen(serve_h2, tls(directory, "h2"), "drop")
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))
        print(http, https, refuse, drop, nobody.getsockname()[1], f"{directory}/cert.pem", flush=True)
        sys.stdin.read()
    os._exit(0)


main()
