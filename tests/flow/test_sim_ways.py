"""What dialects of the simulator can ask for besides a plain key and JSON: signed and minted secrets, forms, errors at 200, answers that wait."""
import base64
import hashlib
import hmac
import json
import subprocess
import time
import urllib.parse

import pytest
import sim as parts

DIALECT = """
vendor: acme
secrets: [ { header: authorization, value: "Bearer {token}" }, { header: authorization, value: "Basic {basic}" } ]
files: { path: /files, secret: ignore }
errors:
  shape: { code: "{code|0}", message: "{message}", "why?": "{why}" }
  auth: { status: 401, message: "no" }
  invalid: { status: 200, code: 2013 }
  not_found: { status: 404 }
  rate: { status: 200, code: 1002, message: slow }
  quota: { status: 200, code: 1008 }
  policy: { status: 200, code: 1026 }
  internal: { status: 500 }
  unavailable: { status: 503 }
  conflict: { status: 409 }
routes:
  - route: POST /token
    secrets: [ { from: "{body.assertion}", value: "{jwt_rs256}" }, { from: "{body.client_id}:{body.client_secret}", value: "{key}" } ]
    reads: [urlencoded]
    fields: { grant_type: { is: text, need: true }, expires: { is: integer } }
    let: { access: "at-{hex.32}" }
    mints: { token: "{access}", lives: "{body.expires|3600}" }
    answers: [ { json: { access_token: "{access}", expires_in: 3600, account: "{account}" } } ]
  - route: POST /jwt
    secrets: [ { header: authorization, value: "Bearer {jwt_hs256}" } ]
    answers: [ { json: { account: "{account}" } } ]
  - route: GET /who
    answers: [ { json: { account: "{account}" } } ]
  - route: POST /make
    step: submit
    reads: [json]
    fields: { prompt: { is: text, need: true }, key: { is: text } }
    idempotency: "{body.key}"
    let: { prompt: "{body.prompt}" }
    waits: "{body.wait|0}"
    job: make
    id: "job-{hex.8}"
    answers: [ { status: 202, when: { phase: [queued, running] }, json: { id: "{id}", state: "{state}" } }, { json: { id: "{id}", audio: { $media: { kind: mp3, as: hex } } } } ]
  - route: PUT /typed
    secret: ignore
    reads: [form]
    fields: { policy: { is: map, need: true }, file: { is: file, need: true, last: true } }
    answers: [ { json: { mode: "{body.policy.mode}", bytes: "{body.file.bytes}" } } ]
"""


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims, sign, alg="HS256"):
    covered = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode()) + "." + b64(json.dumps(claims).encode())
    return covered + "." + b64(sign(covered.encode()))


def hs256(secret):
    return lambda covered: hmac.new(secret, covered, hashlib.sha256).digest()


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A service account: its JSON, and a signer."""
    pem = tmp_path_factory.mktemp("account") / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", pem], check=True, capture_output=True)
    sign = lambda covered: subprocess.run(["openssl", "dgst", "-sha256", "-sign", pem], input=covered, check=True, capture_output=True).stdout  # noqa: E731
    return json.dumps({"client_email": "robot@acme", "private_key": pem.read_text()}), sign


@pytest.fixture(scope="module")
def acme(tmp_path_factory, account):
    folder = tmp_path_factory.mktemp("acme")
    (folder / "acme.yaml").write_text(DIALECT)
    s = parts.Sim("--dialects", folder, "--job-ms", "300", "--key", "user:password", "--key", account[0])
    yield s
    s.stop()


def post(acme, path, value, authorization=None, form=False):
    headers = {"content-type": "application/x-www-form-urlencoded" if form else "application/json"}
    if authorization:
        headers["authorization"] = authorization
    return acme.request("POST", "/acme" + path, urllib.parse.urlencode(value) if form else json.dumps(value), headers)


BASIC = "Basic " + base64.b64encode(b"user:password").decode()


def test_tokens_are_minted(acme, account):
    """Who signs as the service account, or brings a good key, gets a token; it is good until its end; another signature gets none."""
    now = int(time.time())
    claims = {"iss": "robot@acme", "aud": "x", "iat": now, "exp": now + 60}
    for grant in ({"assertion": token(claims, account[1], "RS256")}, {"client_id": "user", "client_secret": "password"}):
        made = post(acme, "/token", {"grant_type": "g", **grant}, form=True)
        assert made.status == 200, made.body
        who = acme.request("GET", "/acme/who", headers={"authorization": "Bearer " + made.json()["access_token"]})
        assert who.json()["account"] == made.json()["account"] in ("robot@acme", "user:password")
    short = post(acme, "/token", {"grant_type": "g", "client_id": "user", "client_secret": "password", "expires": "1"}, form=True).json()
    time.sleep(1.1)
    assert acme.request("GET", "/acme/who", headers={"authorization": "Bearer " + short["access_token"]}).status == 401
    for bad in ({"assertion": token({**claims, "iss": "other"}, account[1], "RS256")}, {"assertion": token({**claims, "exp": now - 1}, account[1], "RS256")},
                {"assertion": token(claims, hs256(b"x"), "RS256")}, {"client_id": "user", "client_secret": "wrong"}, {}):
        assert post(acme, "/token", {"grant_type": "g", **bad}, form=True).status == 401, bad
    assert post(acme, "/token", {"client_id": "user", "client_secret": "password"}, form=True).json()["code"] == 2013  # grant_type is needed


def test_signed_tokens(acme):
    """HS256: the claim iss names the key, its secret signs; what is wrong is told in a header."""
    now = int(time.time())
    good = {"iss": "user", "exp": now + 60, "nbf": now - 5}
    answer = post(acme, "/jwt", {}, "Bearer " + token(good, hs256(b"password")))
    assert (answer.status, answer.json()) == (200, {"account": "user"})
    for claims, secret in (({**good, "exp": now - 1}, b"password"), ({**good, "nbf": now + 60}, b"password"), ({**good, "iss": "x"}, b"password"), (good, b"wrong")):
        answer = post(acme, "/jwt", {}, "Bearer " + token(claims, hs256(secret)))
        assert answer.status == 401 and answer.headers["x-sim-why"] and answer.json()["why"], claims


def test_basic(acme):
    """A key "user:password" comes in base64."""
    assert acme.request("GET", "/acme/who", headers={"authorization": BASIC}).json() == {"account": "user:password"}
    for bad in ("Basic dXNlcjpwYXNz", "Basic !", "Basic", "Bearer user:password"):
        assert acme.request("GET", "/acme/who", headers={"authorization": bad}).status == 401


def test_errors_at_200(acme):
    """A vendor that tells errors in the body does so for ordered faults, too, and nothing is paid."""
    for fault, code in (("429", 1002), ("quota", 1008), ("policy", 1026)):
        prompt = f"no [sim:{fault}]"
        answer = post(acme, "/make", {"prompt": prompt}, BASIC)
        assert (answer.status, answer.json()["code"]) == (200, code)
        assert acme.paid(prompt)["paid"] == 0
    assert post(acme, "/make", {"prompt": 7}, BASIC).json()["code"] == 2013
    assert post(acme, "/make", {"prompt": "no [sim:503]"}, BASIC).status == 503


def test_an_answer_waits(acme):
    """An answer that may wait comes with the result; one that may not wait long enough comes without. Bytes in hex are media."""
    began = time.monotonic()
    done = post(acme, "/make", {"prompt": "a", "wait": 10}, BASIC)
    assert done.status == 200 and bytes.fromhex(done.json()["audio"])[:2] in (b"ID", b"\xff\xfb") and time.monotonic() - began >= 0.3
    assert post(acme, "/make", {"prompt": "b", "wait": 0.1}, BASIC).status == 202
    assert post(acme, "/make", {"prompt": "c"}, BASIC).status == 202


def test_idempotency_in_the_body(acme):
    """A key that stands in the body replays like one in a header."""
    ids = {post(acme, "/make", {"prompt": "twice", "key": "k"}, BASIC).json()["id"] for _ in range(3)}
    assert len(ids) == 1 and acme.paid("twice")["paid"] == 1


def test_typed_parts(acme):
    """A part of JSON is a value; what must be last is refused before others."""
    def put(*names):
        of = {"policy": b'--b\r\nContent-Disposition: form-data; name="policy"\r\nContent-Type: application/json\r\n\r\n{"mode": "x"}\r\n',
              "file": b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n12345\r\n'}
        return acme.request("PUT", "/acme/typed", b"".join(of[name] for name in names) + b"--b--\r\n", {"content-type": "multipart/form-data; boundary=b"})

    assert put("policy", "file").json() == {"mode": "x", "bytes": 5}
    assert put("file", "policy").json()["code"] == 2013
