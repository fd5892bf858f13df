"""Credentials that are made: tokens signed by the agent or asked for at an endpoint, and signed requests; against a small vendor that checks them."""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import subprocess
import threading
import time
import urllib.parse

import pytest
import rig as parts
from rig import in_threads, until
from test_tasks import PIXEL

ACCESS, KEY = "ak-7c41b0e2d9", "sk-93ab55e17fc8d02e"
REGION = "eu-west-1"

ADAPTER = """adapter: {name}
base: https://api.example.com
{options}
auth:
{auth}
error: {{ code: .body.code, text: .body.message }}
errors:
  - {{ status: 401, class: reauth_once }}
tasks:
  image.generate:
    submit:
      request: {{ url: "{{base}}/{name}/gen%3A1", json: {{ prompt: .input.prompt }} }}
      outputs: {{ url: .body.url }}
    download: {{ secret: true{download} }}
  image.edit:
    inputs: {{ images: {{ forms: [base64] }} }}
    submit:
      request: {{ url: "{{base}}/{name}/edit", json: {{ prompt: .input.prompt, image: ".input.images[0]" }} }}
      outputs: {{ base64: .body.b64 }}
"""
TOKEN = """  header: Authorization
  value: Bearer {{token}}
  parts: [access_key, secret_key]
  token:
    {rule}
"""
AUTHS = {
    "jwt": TOKEN.format(rule='jwt_hs256: { key: "{secret.secret_key}", claims: { iss: "{secret.access_key}" } }'),
    "oauth": TOKEN.format(rule='oauth2_client_credentials: { url: "{base}/oauth/token", form: { client_id: "{secret.access_key}", client_secret: '
                               '"{secret.secret_key}", scope: all } }'),
    "short": TOKEN.format(rule='oauth2_client_credentials: { url: "{base}/short/token", form: { client_id: "{secret.access_key}", client_secret: '
                               '"{secret.secret_key}" } }'),
    "account": TOKEN.format(rule='oauth2_jwt_bearer: { url: "{base}/account/token", key: "{secret.secret_key}", claims: { iss: "{secret.access_key}", '
                                 'scope: all } }'),
    "broken": TOKEN.format(rule='oauth2_client_credentials: { url: "{base}/broken/token", form: { client_secret: "{secret.secret_key}" } }'),
    "closed": TOKEN.format(rule='oauth2_client_credentials: { url: "{base}/closed/token", form: { client_secret: "{secret.secret_key}" } }'),
    "aws": '  aws_sigv4: { service: bedrock, region: "{region}" }',
}


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(token):
    head, claims, _ = token.split(".")
    return json.loads(unbase64(head)), json.loads(unbase64(claims))


def quoted(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-._~")


def aws_signature(method, target, headers, body, day, service, names):
    """The signature that AWS would expect, from what came over the wire."""
    path, _, query = target.partition("?")
    query = sorted(tuple(quoted(urllib.parse.unquote(x)) for x in (one + "=").split("=")[:2]) for one in query.split("&") if one)
    canonical = [method, path if service == "s3" else quoted(path, "/"), "&".join("=".join(pair) for pair in query)]
    canonical += [f"{name}:{headers[name].strip()}" for name in names] + ["", ";".join(names), hashlib.sha256(body).hexdigest()]
    scope = f"{day}/{REGION}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256("\n".join(canonical).encode()).hexdigest()])
    key = ("AWS4" + KEY).encode()
    for part in (day, REGION, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={';'.join(names)}, Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"


class Vendor(http.server.BaseHTTPRequestHandler):
    """Serves all the adapters of this file. What it was asked is counted by path; `refused` holds tokens that it takes no more."""

    protocol_version = "HTTP/1.1"
    counts, refused, public, lock = collections.Counter(), set(), None, threading.Lock()
    log_message = lambda *_: None  # noqa: E731

    def reply(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def token_endpoint(self, name, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        time.sleep(0.2)  # so that many wait for it
        if name == "closed":
            return self.reply(401, {"error": "invalid_client", "error_description": f"{form['client_secret']} is wrong"})
        if name == "broken" and self.counts["/broken/token"] < 3:
            return self.reply(503, {})
        if name == "account":
            head, claims = claims_of(form["assertion"])
            url = f"http://{self.headers['Host']}{self.path}"
            assert head == {"alg": "RS256", "typ": "JWT"} and form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            assert claims["iss"] == ACCESS and claims["scope"] == "all" and claims["aud"] == url and claims["exp"] == claims["iat"] + 3600, claims
            assert self.verified(form["assertion"]), "the assertion's signature"
        else:
            assert form["client_secret"] == KEY and form["grant_type"] == "client_credentials", form
        self.reply(200, {"access_token": f"token-{name}-{self.counts[self.path]}", "token_type": "Bearer", "expires_in": 8 if name == "short" else 3600})

    def verified(self, token):
        text, _, signature = token.rpartition(".")
        (self.public.parent / "signature").write_bytes(unbase64(signature))
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.public, "-signature", self.public.parent / "signature"], input=text.encode(),
                              capture_output=True)
        return done.returncode == 0

    def allowed(self, name, body):
        given = self.headers["Authorization"] or ""
        if name == "aws":
            headers = {k.lower(): v for k, v in self.headers.items()}
            names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
            day, service = given.split("/")[1], "s3" if self.command == "GET" else "bedrock"
            assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest() and {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names)
            return given == aws_signature(self.command, self.path, headers, body, day, service, names)
        token = given.removeprefix("Bearer ")
        if name == "jwt" and token:
            head, claims = claims_of(token)
            text, _, signature = token.rpartition(".")
            good = hmac.compare_digest(unbase64(signature), hmac.digest(KEY.encode(), text.encode(), "sha256"))
            assert head == {"alg": "HS256", "typ": "JWT"} and good and claims["iss"] == ACCESS and claims["exp"] == claims["nbf"] + 1805, claims
        return token and token not in self.refused

    def handle_one(self, body):
        name = self.path.split("/")[1]
        with self.lock:
            self.counts[self.path] += 1
        if self.path.endswith("/token"):
            return self.token_endpoint(name, body)
        if not self.allowed(name, body):
            with self.lock:
                self.counts["401 " + name] += 1
            return self.reply(401, {"code": "no", "message": f"{self.headers['Authorization']} is not taken"})
        if self.command == "GET":
            return self.reply(200, PIXEL, "image/png")
        if self.path.endswith("/edit"):
            return self.reply(200, {"b64": base64.b64encode(PIXEL).decode(), "got": len(body)})
        if (word := json.loads(body)["prompt"]).startswith("expire"):
            with self.lock:
                fresh, _ = word not in self.refused, self.refused.add(word)
            if fresh:  # this token is taken back
                self.refused.add(self.headers["Authorization"].removeprefix("Bearer "))
                return self.reply(401, {"code": "expired", "message": f"{self.headers['Authorization']} has expired"})
        if word == "never":
            return self.reply(401, {"code": "no", "message": f"{self.headers['Authorization']} of {KEY} is not taken"})
        self.reply(200, {"url": f"http://{self.headers['Host']}/{name}/files/a%3Ab.png?b=2&a=x%2Fy"})

    def do_POST(self):
        try:
            self.handle_one(self.rfile.read(int(self.headers["Content-Length"] or 0)))
        except Exception as e:  # noqa: BLE001 - told to the test through the task
            self.reply(418, {"code": "test", "message": repr(e)})

    do_GET = do_POST


@pytest.fixture(scope="module")
def vendor():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture(scope="module")
def agent(tmp_path_factory, vendor):
    r = parts.Rig(tmp_path_factory.mktemp("tokens"))
    folder = r.folder / "made"
    folder.mkdir()
    for name, auth in AUTHS.items():
        options, download = (f"options: {{ region: {{ about: where the account is, default: {REGION} }} }}", ', request: { url: "{url}", sign_as: s3 }')
        more = {"options": options, "download": download} if name == "aws" else {"options": "", "download": ""}
        (folder / f"{name}.yaml").write_text(ADAPTER.format(name=name, auth=auth.rstrip(), **more))
    pem = r.folder / "key.pem"
    Vendor.public = r.folder / "public.pem"
    subprocess.run(["openssl", "genrsa", "-out", pem, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", pem, "-pubout", "-out", Vendor.public], check=True, capture_output=True)
    models = {name: (name, "m", "account" if name == "account" else "made", f"base: 'http://127.0.0.1:{vendor}'") for name in AUTHS}
    env = {"MADE_KEY": f"{ACCESS}:{KEY}", "ACCOUNT_KEY": json.dumps({"access_key": ACCESS, "secret_key": pem.read_text(), "type": "service_account"})}
    a = r.agent(adapters=folder, models=models, pools={"made": "MADE_KEY", "account": "ACCOUNT_KEY"}, env=env, allow=[f"127.0.0.1:{vendor}"])
    yield a
    text = a.output() + a.metrics()
    r.close()
    store = [f for f in r.nats.store.rglob("*") if f.is_file()]
    for needle in (KEY, "token-oauth", "PRIVATE KEY", "eyJhbGciOi"):
        assert needle not in text, needle
        assert not [f for f in store if needle.encode() in f.read_bytes()], needle


def paint(agent, model, prompt="a fox", **more):
    return agent.run(model, {"prompt": prompt, **more}, kind="image.generate")


def completed(view):
    assert view["status"] == "completed", view
    return view


def test_jwt(agent):
    """A token that the agent signs itself is taken by the vendor, for the request and the download."""
    completed(paint(agent, "jwt"))
    assert Vendor.counts["401 jwt"] == 0


def test_minted_once(agent):
    """Many tasks at once need one token; downloads go with it as well."""
    for view in in_threads(12, lambda i: paint(agent, "oauth", f"fox {i}")):
        completed(view)
    assert Vendor.counts["/oauth/token"] == 1 and Vendor.counts["/oauth/gen%3A1"] == 12


def test_service_account(agent):
    """A JSON secret's private key signs an assertion, which is exchanged for a token."""
    completed(paint(agent, "account"))
    completed(paint(agent, "account"))
    assert Vendor.counts["/account/token"] == 1


def test_renewed_early(agent):
    """A token of a short life is replaced before it ends, and no task meets a refusal."""
    def twice():
        completed(paint(agent, "short"))
        time.sleep(0.5)
        return Vendor.counts["/short/token"] >= 2

    until("a second token is minted", twice)
    assert Vendor.counts["401 short"] == 0


def test_reauth_once(agent):
    """A token that the vendor takes back is replaced inside the call: the task is sent once more and costs no attempt."""
    completed(paint(agent, "oauth"))
    tokens, sent = Vendor.counts["/oauth/token"], Vendor.counts["/oauth/gen%3A1"]
    view = completed(paint(agent, "oauth", "expire 1"))
    assert Vendor.counts["/oauth/token"] == tokens + 1 and Vendor.counts["/oauth/gen%3A1"] == sent + 2
    assert view["attempts"] == 1, view
    completed(paint(agent, "jwt", "expire 2"))


def test_reauth_in_vain(agent):
    """A vendor that refuses the new token, too, refuses the key; nothing of it is repeated to the app."""
    sent = Vendor.counts["/oauth/gen%3A1"]
    view = paint(agent, "oauth", "never")
    assert view["status"] == "failed" and view["error"]["code"] == "vendor_auth", view
    assert Vendor.counts["/oauth/gen%3A1"] == sent + 2
    text = json.dumps(view)
    assert "token-oauth" not in text and KEY not in text and "****" in text, view


def test_endpoint_is_down(agent):
    """A token endpoint that fails for a while costs a task nothing but time: nothing was sent to the vendor."""
    completed(paint(agent, "broken"))
    assert Vendor.counts["/broken/gen%3A1"] == 1 and Vendor.counts["/broken/token"] == 3


def test_endpoint_refuses(agent):
    """A token endpoint that refuses the key fails the task as the vendor itself would; its words are told without the secret."""
    view = paint(agent, "closed")
    assert view["status"] == "failed" and view["error"]["code"] == "vendor_auth", view
    assert "invalid_client" in view["error"]["message"] and KEY not in json.dumps(view), view
    assert Vendor.counts["/closed/gen%3A1"] == 0


def test_signed(agent):
    """Requests are signed as AWS wants it: escaped paths, short and long bodies with media in them, and downloads for another service."""
    completed(paint(agent, "aws"))
    for size in (1000, 900000):
        picture = PIXEL + bytes(size)
        status, _, media = agent.call("POST", "/v1/media", picture, {"Content-Type": "image/png"})
        assert status in (200, 201), media
        completed(agent.run("aws", {"prompt": "edit", "images": [{"media": media["digest"]}]}, kind="image.edit"))
    assert Vendor.counts["401 aws"] == 0


def test_secret_without_parts(agent):
    """A secret that has not the parts that its adapter names is told when the configuration is read, and not repeated."""
    done = subprocess.run([parts.BUILD / "sluice", "check", agent.config], capture_output=True, text=True,
                          env={**agent.env, "MADE_KEY": "only-one-text"})
    assert done.returncode != 0 and "secret_key" in done.stdout + done.stderr and "only-one-text" not in done.stdout + done.stderr, done
