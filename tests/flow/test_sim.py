"""sluice-sim: each dialect, each fault, counting, idempotency, media that decoders take."""

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from sim import BUILD, ROOT, Sim, form

SPECS = os.environ.get("SLUICE_SPECS")  # a folder of the vendors' machine-readable specifications


@pytest.fixture(scope="module")
def sim():
    simulator = Sim("--job-ms", "200", "--key", "k1", "--key", "k2")
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture(autouse=True)
def fresh(request):
    if "sim" in request.fixturenames:
        request.getfixturevalue("sim").control("POST", "/reset")


def until(check, seconds=20):
    """Repeats check until it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def probe(path):
    """ffprobe's first stream; fails when ffmpeg cannot decode all of it."""
    out = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height,duration,nb_frames", "-of", "json", path],
        capture_output=True, text=True, check=True)
    decoded = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"], capture_output=True, text=True)
    assert decoded.returncode == 0 and not decoded.stderr, decoded.stderr
    return json.loads(out.stdout)["streams"][0]


# ---- openai ----


def image(sim, prompt, fault=None, key="k1", **more):
    value = {"model": "gpt-image-2", "prompt": prompt, **more}
    return sim.call("openai", "POST", "/v1/images/generations", value, key=key, fault=fault)


def test_openai_image(sim, tmp_path):
    """A generated image is a PNG of the size asked, in base64, once per n, each different."""
    answer = image(sim, "a red fox", n=3, size="640x320")
    assert answer.status == 200
    images = [base64.b64decode(d["b64_json"]) for d in answer.json()["data"]]
    assert len(set(images)) == 3
    for i, data in enumerate(images):
        path = tmp_path / ("%d.png" % i)
        path.write_bytes(data)
        stream = probe(str(path))
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("png", 640, 320)


@pytest.mark.parametrize("kind,codec", [("jpeg", "mjpeg"), ("webp", "webp")])
def test_openai_formats(sim, tmp_path, kind, codec):
    """output_format changes the bytes and the answer says so."""
    answer = image(sim, "a red fox", output_format=kind, size="1536x1024").json()
    path = tmp_path / ("x." + kind)
    path.write_bytes(base64.b64decode(answer["data"][0]["b64_json"]))
    stream = probe(str(path))
    assert (stream["codec_name"], stream["width"], stream["height"]) == (codec, 1536, 1024)
    assert answer["output_format"] == kind and answer["size"] == "1536x1024"


def test_openai_url(sim):
    """dall-e gives URLs that need no key and serve the same bytes again."""
    value = {"model": "dall-e-3", "prompt": "a red fox"}
    url = sim.call("openai", "POST", "/v1/images/generations", value).json()["data"][0]["url"]
    first, second = sim.request("GET", url), sim.request("GET", url)
    assert first.status == 200 and first.headers["content-type"] == "image/png"
    assert first.body == second.body and first.body.startswith(b"\x89PNG")


def test_openai_edits(sim):
    """Edits take JSON with images and forms with image, image[] and mask."""
    value = {"model": "gpt-image-1", "prompt": "p", "images": [{"image_url": "data:image/png;base64,AAAA"}]}
    assert sim.call("openai", "POST", "/v1/images/edits", value).status == 200
    for names in (["image"], ["image[]", "image[]"]):
        fields = [("model", "gpt-image-1"), ("prompt", "p"), ("n", "2")]
        fields += [(name, "a.png", "image/png", b"\x89PNG....") for name in names] + [("mask", "m.png", "image/png", b"x")]
        kind, body = form(fields)
        answer = sim.request("POST", "/openai/v1/images/edits", body, {"content-type": kind, "authorization": "Bearer k1"})
        assert answer.status == 200, answer.body
        assert len(answer.json()["data"]) == 2
    assert sim.paid("p")["paid"] == 3


@pytest.mark.parametrize("change,param,code", [
    ({"prompt": None}, "prompt", "missing_required_parameter"),
    ({"n": 11}, "n", "invalid_value"),
    ({"n": "two"}, "n", "invalid_type"),
    ({"quality": "best"}, "quality", "invalid_value"),
    ({"response_format": "url"}, "response_format", "unknown_parameter"),
    ({"prompt": "x" * 32001}, "prompt", "invalid_value"),
])
def test_openai_invalid(sim, change, param, code):
    """What the API does not take is refused in OpenAI's words, and is not paid."""
    value = {"model": "gpt-image-2", "prompt": "a red fox", **change}
    answer = sim.call("openai", "POST", "/v1/images/generations", value)
    error = answer.json()["error"]
    assert (answer.status, error["param"], error["code"], error["type"]) == (400, param, code, "invalid_request_error")
    assert sim.control("GET", "/stats")["vendors"]["openai"]["paid"] == 0


def test_openai_unreadable(sim):
    """Broken JSON, no JSON and a form without a boundary are a 400 in the vendor's shape."""
    for kind, body in [("application/json", b"{"), ("text/plain", b"hello"), ("multipart/form-data", b"x"), (None, None)]:
        headers = {"authorization": "Bearer k1"}
        headers.update({"content-type": kind} if kind else {})
        answer = sim.request("POST", "/openai/v1/images/generations", body, headers)
        assert answer.status == 400 and answer.json()["error"]["message"], (kind, answer.body)


@pytest.mark.parametrize("key", [None, "wrong", ""])
def test_secrets(sim, key):
    """No key and a wrong key are 401 in each vendor's own shape."""
    asks = {
        "openai": ("/v1/images/generations", {"model": "gpt-image-2", "prompt": "p"}),
        "fal": ("/fal-ai/flux/dev", {"prompt": "p"}),
        "elevenlabs": ("/v1/text-to-speech/v", {"text": "p"}),
        "heygen": ("/v3/videos", {"type": "avatar", "avatar_id": "a", "script": "p"}),
    }
    for vendor, (path, value) in asks.items():
        answer = sim.call(vendor, "POST", path, value, key=key)
        assert answer.status == 401, (vendor, answer.body)
        assert "error" in answer.json() or "detail" in answer.json()
    assert sim.paid("p")["asked"] == 0


def test_no_such_thing(sim):
    """Unknown vendors, paths and methods are 404 and 405."""
    assert sim.request("GET", "/nobody/v1").status == 404
    assert sim.call("openai", "GET", "/v1/nothing").status == 404
    assert sim.call("openai", "PUT", "/v1/models").status == 405
    assert sim.call("openai", "GET", "/v1/models").json()["object"] == "list"
    shipped = {file.stem for file in (ROOT / "tests/adapters/dialects").glob("*.yaml")}
    assert set(sim.request("GET", "/").json()["vendors"]) == shipped >= {"elevenlabs", "fal", "heygen", "openai"}


def video(sim, prompt="a red fox", key="k1", **more):
    return sim.call("openai", "POST", "/v1/videos", {"prompt": prompt, "model": "sora-2", **more}, key=key)


def video_end(sim, name, key="k1"):
    def check():
        answer = sim.call("openai", "GET", "/v1/videos/" + name, key=key).json()
        return answer if answer["status"] in ("completed", "failed") else None
    return until(check)


def test_openai_video(sim, tmp_path):
    """A video is queued, in progress, completed; its content needs the key, is an MP4 of the size and length asked."""
    made = video(sim, seconds="8", size="1280x720")
    assert made.status == 200 and made.json()["status"] == "queued"
    name, seen, progress = made.json()["id"], [], []

    def check():
        answer = sim.call("openai", "GET", "/v1/videos/" + name)
        seen.append(answer.json()["status"])
        progress.append(answer.json()["progress"])
        if seen[-1] != "completed":
            assert int(answer.headers["openai-poll-after-ms"]) > 0
        return seen[-1] == "completed"

    assert sim.call("openai", "GET", "/v1/videos/%s/content" % name).status == 404
    until(check)
    assert seen == sorted(seen, key=["queued", "in_progress", "completed"].index) and progress == sorted(progress)
    assert progress[-1] == 100
    path = "/v1/videos/%s/content" % name
    assert sim.call("openai", "GET", path, key=None).status == 401
    assert sim.call("openai", "GET", path, key="k2").status == 404
    content = sim.call("openai", "GET", path)
    assert content.headers["content-type"] == "video/mp4"
    (tmp_path / "v.mp4").write_bytes(content.body)
    stream = probe(str(tmp_path / "v.mp4"))
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 1280, 720)
    assert abs(float(stream["duration"]) - 8) < 0.01 and int(stream["nb_frames"]) == 192
    assert sim.call("openai", "GET", path + "?variant=thumbnail").body[8:12] == b"WEBP"
    assert sim.call("openai", "DELETE", "/v1/videos/" + name).json() == {"id": name, "object": "video.deleted", "deleted": True}
    assert sim.call("openai", "GET", "/v1/videos/" + name).status == 404


def test_openai_video_form(sim):
    """A video may be asked for with a form and a file, and be deleted only at its end."""
    kind, body = form([("prompt", "p"), ("seconds", "4"), ("input_reference", "a.png", "image/png", b"\x89PNG")])
    answer = sim.request("POST", "/openai/v1/videos", body, {"content-type": kind, "authorization": "Bearer k1", "x-sim-fault": "endless"})
    assert answer.status == 200 and answer.json()["seconds"] == "4"
    assert sim.call("openai", "DELETE", "/v1/videos/" + answer.json()["id"]).status == 409
    assert sim.call("openai", "GET", "/v1/videos/" + answer.json()["id"]).status == 200


def test_openai_speech(sim, tmp_path):
    """Speech is MP3 by default, WAV or raw PCM when asked, and counted by its input."""
    for kind, codec in [(None, "mp3"), ("wav", "pcm_s16le")]:
        value = {"model": "tts-1", "input": "hello", "voice": "alloy", **({"response_format": kind} if kind else {})}
        answer = sim.call("openai", "POST", "/v1/audio/speech", value)
        path = tmp_path / ("x." + (kind or "mp3"))
        path.write_bytes(answer.body)
        stream = probe(str(path))
        assert stream["codec_name"] == codec and abs(float(stream["duration"]) - 2) < 0.1
    assert sim.paid("hello")["paid"] == 2


def test_openai_chat(sim):
    """A chat completion answers from the first message."""
    answer = sim.call("openai", "POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    assert "hi" in answer.json()["choices"][0]["message"]["content"]


# ---- fal ----


def fal(sim, value, model="fal-ai/flux/dev", **more):
    return sim.call("fal", "POST", "/" + model, value, **more)


def fal_end(sim, made):
    def check():
        answer = sim.call("fal", "GET", made["status_url"])
        assert answer.status == (200 if answer.json()["status"] == "COMPLETED" else 202)
        return answer.json() if answer.status == 200 else None
    return until(check)


def test_fal_image(sim):
    """The queue gives URLs to follow; the result's media need no key and have the size told."""
    made = fal(sim, {"prompt": "p", "num_images": 2, "image_size": "portrait_4_3"}).json()
    assert made["status"] == "IN_QUEUE" and made["queue_position"] >= 0
    assert made["status_url"].endswith("/fal/fal-ai/flux/requests/%s/status" % made["request_id"])
    early = sim.call("fal", "GET", made["response_url"])
    assert (early.status, early.json()) == (400, {"detail": "Request is still in progress"})
    assert "error" not in fal_end(sim, made)
    result = sim.call("fal", "GET", made["response_url"])
    images = result.json()["images"]
    assert result.headers["x-fal-billable-units"] == "2" and len(images) == 2
    assert (images[0]["width"], images[0]["height"], images[0]["content_type"]) == (768, 1024, "image/jpeg")
    media = sim.request("GET", images[0]["url"])
    assert media.status == 200 and media.headers["content-type"] == "image/jpeg"
    assert media.body == sim.request("GET", images[0]["url"]).body != sim.request("GET", images[1]["url"]).body
    assert sim.call("fal", "GET", made["response_url"]).json()["images"][0]["url"] == images[0]["url"]
    assert sim.control("GET", "/stats")["vendors"]["fal"]["leaked"] == 0
    sim.call("fal", "GET", images[0]["url"])
    assert sim.control("GET", "/stats")["vendors"]["fal"]["leaked"] == 1


def test_fal_video(sim):
    """A video model gives a video, an audio model audio."""
    made = fal(sim, {"prompt": "p", "duration": "5", "aspect_ratio": "9:16"}, "fal-ai/kling-video/v2/master/text-to-video").json()
    fal_end(sim, made)
    video = sim.call("fal", "GET", made["response_url"]).json()["video"]
    assert sim.request("GET", video["url"]).body[4:8] == b"ftyp" and "720x1280" in video["url"]
    made = fal(sim, {"text": "hello"}, "fal-ai/some-tts").json()
    fal_end(sim, made)
    assert sim.request("GET", sim.call("fal", "GET", made["response_url"]).json()["audio"]["url"]).body.startswith(b"ID3")
    assert sim.paid("hello")["paid"] == 1


@pytest.mark.parametrize("reason,status,kind", [("", 500, "runner_server_error"), ("=policy", 422, "content_policy_violation")])
def test_fal_completed_but_failed(sim, reason, status, kind):
    """A failed request is COMPLETED; the result call has the error."""
    made = fal(sim, {"prompt": "p [sim:jobfail%s]" % reason}).json()
    assert fal_end(sim, made)["error_type"] == kind
    result = sim.call("fal", "GET", made["response_url"])
    assert result.status == status
    assert (result.json()["detail"][0]["type"] if status == 422 else result.headers["x-fal-error-type"]) == kind


def test_fal_cancel(sim):
    """Cancel is accepted once, then too late; of an unknown request it is NOT_FOUND."""
    made = fal(sim, {"prompt": "p"}, fault="endless").json()
    first, second = (sim.call("fal", "PUT", made["cancel_url"]) for _ in range(2))
    assert (first.status, first.json()["status"]) == (202, "CANCELLATION_REQUESTED")
    assert (second.status, second.json()["status"]) == (400, "ALREADY_COMPLETED")
    assert fal_end(sim, made)["error_type"] == "client_cancelled"
    assert sim.call("fal", "GET", made["response_url"]).status == 499
    other = sim.call("fal", "PUT", "/fal-ai/flux/requests/none/cancel")
    assert (other.status, other.json()["status"]) == (404, "NOT_FOUND")


def test_fal_upload(sim):
    """Uploads go in two steps; the second is presigned and refuses the key."""
    made = sim.call("fal", "POST", "/storage/upload/initiate", {"content_type": "image/png", "file_name": "a.png"}).json()
    assert sim.request("PUT", made["upload_url"], b"x" * 100000, {"content-type": "image/png"}).status == 200
    assert sim.call("fal", "PUT", made["upload_url"]).status == 422
    assert made["file_url"].startswith(sim.base)


# ---- elevenlabs ----


def test_elevenlabs(sim, tmp_path):
    """Text becomes bytes; what it cost stands in the headers; with-timestamps is JSON."""
    answer = sim.call("elevenlabs", "POST", "/v1/text-to-speech/voice1?output_format=mp3_44100_128", {"text": "höllo"})
    assert answer.headers["content-type"] == "audio/mpeg" and answer.headers["character-cost"] == "5"
    assert answer.headers["request-id"] and answer.headers["maximum-concurrent-requests"]
    (tmp_path / "x.mp3").write_bytes(answer.body)
    assert probe(str(tmp_path / "x.mp3"))["codec_name"] == "mp3"
    wav = sim.call("elevenlabs", "POST", "/v1/text-to-speech/v?output_format=wav_24000", {"text": "hello"})
    assert wav.body.startswith(b"RIFF")
    timed = sim.call("elevenlabs", "POST", "/v1/text-to-speech/v/with-timestamps", {"text": "hello"})
    assert base64.b64decode(timed.json()["audio_base64"]).startswith(b"ID3")
    bad = sim.call("elevenlabs", "POST", "/v1/text-to-speech/v", {})
    assert bad.status == 422 and bad.json()["detail"][0]["loc"] == ["body", "text"]
    quota = sim.call("elevenlabs", "POST", "/v1/text-to-speech/v", {"text": "hello"}, fault="quota")
    assert (quota.status, quota.json()["detail"]["status"]) == (401, "quota_exceeded")


# ---- heygen ----


def heygen(sim, script="hello", **more):
    return sim.call("heygen", "POST", "/v3/videos", {"type": "avatar", "avatar_id": "a", "voice_id": "v", "script": script}, **more)


def heygen_end(sim, name):
    def check():
        data = sim.call("heygen", "GET", "/v3/videos/" + name).json()["data"]
        return data if data["status"] in ("completed", "failed") else None
    return until(check)


def test_heygen_video(sim):
    """A video is made and its presigned URL works without the key, and only without."""
    made = heygen(sim).json()["data"]
    assert made["status"] == "waiting"
    done = heygen_end(sim, made["video_id"])
    assert done["duration"] == 5 and "Signature=" in done["video_url"]
    assert sim.request("GET", done["video_url"]).body[4:8] == b"ftyp"
    refused = sim.call("heygen", "GET", done["video_url"])
    assert refused.status == 400 and b"<Error>" in refused.body
    again = sim.call("heygen", "GET", "/v3/videos/" + made["video_id"]).json()["data"]
    assert again["video_url"] != done["video_url"]  # signed anew
    assert sim.request("GET", again["video_url"]).body == sim.request("GET", done["video_url"]).body


def test_heygen_idempotency(sim):
    """The same key replays the same answer and is paid once; another key, or another account, is another video."""
    first, second = (heygen(sim, idempotency_key="key-1") for _ in range(2))
    assert first.body == second.body
    other = heygen(sim, idempotency_key="key-2")
    account = heygen(sim, idempotency_key="key-1", key="k2")
    assert len({a.json()["data"]["video_id"] for a in (first, other, account)}) == 3
    counted = sim.paid(key="key-1")
    assert (counted["asked"], counted["paid"], counted["replayed"]) == (3, 2, 1)


def test_heygen_in_progress(sim):
    """While the first answer is on its way the same key is 409, then it replays."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(heygen(sim, idempotency_key="slow", fault="latency=1500")))
    thread.start()
    until(lambda: sim.paid(key="slow")["paid"])
    busy = heygen(sim, idempotency_key="slow")
    assert (busy.status, busy.json()["error"]["code"]) == (409, "request_in_progress")
    thread.join()
    assert heygen(sim, idempotency_key="slow").body == answers[0].body
    assert sim.paid(key="slow")["paid"] == 1


def test_heygen_lost_then_replayed(sim):
    """An answer that was lost can be had again with its key, without paying twice."""
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        heygen(sim, idempotency_key="lost", fault="lost")
    answer = heygen(sim, idempotency_key="lost")
    assert answer.status == 200
    counted = sim.paid(key="lost")
    assert (counted["paid"], counted["lost"], counted["replayed"]) == (1, 1, 1)
    assert heygen_end(sim, answer.json()["data"]["video_id"])["status"] == "completed"


def test_heygen_types(sim):
    """Each type has its own required fields; an unknown type is refused."""
    for value, status in [({"type": "image", "image": {"type": "url", "url": "u"}}, 200), ({"type": "image"}, 400),
                          ({"type": "cinematic_avatar", "prompt": "p", "avatar_id": ["a"]}, 200),
                          ({"type": "cinematic_avatar", "prompt": "p", "avatar_id": []}, 400),
                          ({"type": "other"}, 400), ({}, 400)]:
        answer = sim.call("heygen", "POST", "/v3/videos", value)
        assert answer.status == status, (value, answer.body)
        assert status == 200 or answer.json()["error"]["code"] == "invalid_parameter"


def test_heygen_assets(sim):
    """A small asset is one form; a large one is three steps, the second with the headers given and without the key."""
    kind, body = form([("file", "a.png", "image/png", b"x" * 1000)])
    small = sim.request("POST", "/heygen/v3/assets", body, {"content-type": kind, "x-api-key": "k1"}).json()["data"]
    assert small["mime_type"] == "image/png" and small["size_bytes"] == 1000
    large = sim.call("heygen", "POST", "/v3/assets/direct-uploads", {"filename": "a", "content_type": "video/mp4", "size_bytes": 10}).json()["data"]
    assert sim.request("PUT", large["upload_url"], b"0123456789").status == 403
    assert sim.request("PUT", large["upload_url"], b"0123456789", {**large["upload_headers"], "x-api-key": "k1"}).status == 400
    assert sim.request("PUT", large["upload_url"], b"0123456789", large["upload_headers"]).status == 200
    assert sim.call("heygen", "POST", "/v3/assets/%s/complete" % large["asset_id"], {}).json()["data"]["status"] == "completed"


# ---- faults ----


@pytest.mark.parametrize("fault,status,code", [
    ("429", 429, "rate_limit_exceeded"), ("429;retry-after=7", 429, "rate_limit_exceeded"), ("500", 500, None),
    ("503", 503, None), ("502", 502, None), ("auth", 401, "invalid_api_key"), ("quota", 429, "insufficient_quota"),
    ("policy", 400, "moderation_blocked"),
])
def test_refusals(sim, fault, status, code):
    """A refusal has the vendor's shape, and is not paid; Retry-After only when ordered."""
    answer = image(sim, "p", fault=fault)
    assert (answer.status, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("7" if "retry" in fault else None)
    counted = sim.paid("p")
    assert (counted["asked"], counted["paid"], counted["refused"]) == (1, 0, 1)


def test_accepted_error(sim):
    """An error after acceptance is an error answer that was paid."""
    assert image(sim, "p", fault="500;accepted").status == 500
    assert sim.paid("p")["paid"] == 1


def test_lost(sim):
    """A lost answer was paid and never came."""
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        image(sim, "p", fault="lost")
    counted = until(lambda: sim.paid("p"))
    assert (counted["paid"], counted["lost"], counted["answered"]) == (1, 1, 0)


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_half_a_body(sim, fault):
    """reset and cut end the connection in the middle of the body; what is sent is honest."""
    connection = socket.create_connection((sim.host, sim.port), timeout=20)
    body = json.dumps({"model": "gpt-image-2", "prompt": "p"}).encode()
    connection.sendall(b"POST /openai/v1/images/generations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k1\r\n"
                       b"Content-Type: application/json\r\nx-sim-fault: " + fault.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    got, reset = b"", False
    try:
        while piece := connection.recv(65536):
            got += piece
    except ConnectionResetError:
        reset = True
    connection.close()
    assert reset == (fault == "reset")
    if not reset:  # after a reset the kernel may have thrown away what was not read yet
        head, sent = got.split(b"\r\n\r\n", 1)
        told = int(re.search(rb"content-length: (\d+)", head.lower()).group(1))
        assert 0 < len(sent) < told
    assert until(lambda: sim.paid("p")["lost"]) == 1


def test_spoiled_bodies(sim):
    """truncate, garbage, deep and huge are whole HTTP answers with wrong JSON in them."""
    whole = image(sim, "p").body
    cut = image(sim, "p", fault="truncate")
    assert abs(len(cut.body) - len(whole) / 2) < 10 and cut.status == 200
    with pytest.raises(ValueError):
        cut.json()
    garbage = image(sim, "p", fault="garbage")
    assert garbage.headers["content-type"] == "application/json" and b"<html>" in garbage.body
    deep = image(sim, "p", fault="deep").body
    assert deep == b"[" * 100000 + b"]" * 100000
    huge = image(sim, "p", fault="huge=3000000")
    assert len(huge.body) == 3000000 and len(huge.json()["huge"]) > 2900000
    assert sim.paid("p")["paid"] == 5


def test_latency_and_slow(sim):
    """latency delays the answer, slow spreads its body; both go along with another fault."""
    start = time.monotonic()
    assert image(sim, "p", fault="latency=300, 429").status == 429
    assert time.monotonic() - start >= 0.2
    start = time.monotonic()
    assert image(sim, "p", fault="slow=30").status == 200
    assert time.monotonic() - start >= 0.2


def test_job_faults(sim):
    """A job can fail, with a reason, and never end."""
    for fault, code in [("jobfail", "internal_error"), ("jobfail=policy", "moderation_blocked"), ("jobfail=odd", "odd")]:
        value = {"prompt": "p", "model": "sora-2"}
        made = sim.call("openai", "POST", "/v1/videos", value, fault=fault).json()
        done = video_end(sim, made["id"])
        assert done["status"] == "failed" and done["error"]["code"] == code
        assert sim.call("openai", "GET", "/v1/videos/%s/content" % made["id"]).status == 404
    made = sim.call("openai", "POST", "/v1/videos", {"prompt": "p"}, fault="endless;job-ms=10").json()
    until(lambda: sim.call("openai", "GET", "/v1/videos/" + made["id"]).json()["progress"] == 99)
    assert sim.call("openai", "GET", "/v1/videos/" + made["id"]).json()["status"] == "in_progress"


def test_prompt_orders(sim):
    """Words in the prompt order faults for its own requests, counted over repetitions."""
    prompt = "a fox [sim:429 times=2 retry-after=1] [sim:500 step=poll] [sim:job-ms=0] [sim:bytes=200000]"
    statuses = [video(sim, prompt).status for _ in range(3)]
    assert statuses == [429, 429, 200]
    assert video(sim, "another [sim:job-ms=0]").status == 200
    name = video(sim, prompt).json()["id"]
    assert [sim.call("openai", "GET", "/v1/videos/" + name).status for _ in range(2)] == [500, 200]
    assert len(sim.call("openai", "GET", "/v1/videos/%s/content" % name).body) == 200000
    assert (sim.paid(prompt)["asked"], sim.paid(prompt)["paid"], sim.paid(prompt)["refused"]) == (4, 2, 2)


def test_prompt_orders_reach_media(sim):
    """An order for the download step meets the media URL of that prompt only."""
    made = [fal(sim, {"prompt": p}).json() for p in ("p [sim:503 step=download times=2]", "q")]
    urls = []
    for one in made:
        fal_end(sim, one)
        urls.append(sim.call("fal", "GET", one["response_url"]).json()["images"][0]["url"])
    assert sim.request("GET", urls[1]).status == 200
    assert [sim.request("GET", urls[0]).status for _ in range(3)] == [503, 503, 200]


def test_bad_orders(sim):
    """A fault that does not exist is refused where it is ordered, with a text that says what there is."""
    answer = image(sim, "a fox [sim:explode]")
    assert answer.status == 400 and "explode" in answer.json()["error"]["message"]
    assert image(sim, "a fox", fault="latency").status == 400
    assert image(sim, "a fox [sim:429").status == 400
    bad = sim.request("POST", "/_sim/faults", json.dumps({"fault": "429", "who": 1}), {"content-type": "application/json"})
    assert bad.status == 400 and "who" in bad.json()["error"]["message"]


def test_control_orders(sim):
    """Orders by API fit vendor, step and secret, are used up, listed and dropped."""
    sim.control("POST", "/faults", [{"fault": "429", "vendor": "openai", "step": "submit", "times": 2},
                                    {"fault": "500", "secret": "k2", "after": 1}])
    assert [image(sim, "p").status for _ in range(3)] == [429, 429, 200]
    assert [image(sim, "p", key="k2").status for _ in range(3)] == [200, 500, 200]
    assert sim.control("GET", "/faults") == []
    sim.control("POST", "/faults", {"fault": "503 times=always", "vendor": "fal"})
    assert fal(sim, {"prompt": "p"}).status == 503 and image(sim, "p").status == 200
    assert len(sim.control("GET", "/faults")) == 1
    sim.control("DELETE", "/faults")
    assert fal(sim, {"prompt": "p"}).status == 200


def test_redirect(sim):
    """A redirect order leads a download to itself, as often as ordered."""
    made = fal(sim, {"prompt": "p [sim:302 step=download]"}).json()
    fal_end(sim, made)
    url = sim.call("fal", "GET", made["response_url"]).json()["images"][0]["url"]
    first = sim.request("GET", url)
    assert (first.status, first.headers["location"]) == (302, url)
    assert sim.request("GET", url).status == 200


def test_limits(sim):
    """A rate limit is per account and tells how long to wait."""
    sim.control("POST", "/limits", {"vendor": "openai", "per_second": 0.01, "burst": 2})
    statuses = [image(sim, "p").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    limited = image(sim, "p")
    assert 1 <= int(limited.headers["retry-after"]) <= 100
    assert image(sim, "p", key="k2").status == 200
    sim.control("DELETE", "/limits")
    assert image(sim, "p").status == 200


# ---- counting ----


def test_stats(sim):
    """Everything is counted by vendor, step, status and secret, and forgotten by a reset."""
    image(sim, "p")
    image(sim, "p", key="k2")
    image(sim, "q", fault="429")
    name = video(sim, "p").json()["id"]
    sim.call("openai", "GET", "/v1/videos/" + name)
    stats = sim.control("GET", "/stats")
    openai = stats["vendors"]["openai"]
    assert openai["steps"]["submit"]["statuses"] == {"200": 3, "429": 1}
    assert openai["steps"]["poll"]["requests"] == 1 and openai["open_max"] >= 1 and openai["open"] == 0
    assert openai["secrets"] == {"k1": {"requests": 4, "paid": 2}, "k2": {"requests": 1, "paid": 1}}
    assert stats["prompts"]["p"]["vendors"] == {"openai": 3} and stats["jobs"] == 1
    assert stats["prompts"]["p"]["first_ms"] <= stats["prompts"]["p"]["last_ms"]
    assert list(sim.control("GET", "/stats?most=1")["prompts"]) != []
    sim.control("POST", "/reset")
    stats = sim.control("GET", "/stats")
    assert stats["vendors"] == {} and stats["prompts"] == {} and stats["jobs"] == 0


def test_long_prompts_are_counted_apart(sim):
    """Prompts that differ only behind many chars are two prompts."""
    long = "ü" * 3000
    image(sim, long + "a")
    image(sim, long + "b")
    assert sim.paid(long + "a")["paid"] == sim.paid(long + "b")["paid"] == 1


def test_open_max(sim):
    """Concurrency is what was open at once."""
    threads = [threading.Thread(target=image, args=(sim, "p", "latency=1500")) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sim.control("GET", "/stats")["vendors"]["openai"]["open_max"] == 6


# ---- bytes ----


@pytest.mark.parametrize("size", [1, 5000, 65536, 1000003])
def test_sizes(sim, size, tmp_path):
    """Media have the size asked for to the byte, once it is above the smallest possible, and still decode."""
    name = video(sim, "p [sim:job-ms=0] [sim:bytes=%d]" % size, seconds="4", size="1280x720").json()["id"]
    body = sim.call("openai", "GET", "/v1/videos/%s/content" % name).body
    assert len(body) == size or (size < 6000 and len(body) < 12000)
    (tmp_path / "v.mp4").write_bytes(body)
    assert probe(str(tmp_path / "v.mp4"))["width"] == 1280
    data = base64.b64decode(image(sim, "p [sim:bytes=%d]" % size).json()["data"][0]["b64_json"])
    assert len(data) == size or (size == 1 and len(data) < 4000)
    (tmp_path / "v.png").write_bytes(data)
    assert probe(str(tmp_path / "v.png"))["width"] == 1024


def test_large_media_are_not_held(sim):
    """A GiB goes out as a stream: the simulator's memory does not grow with it."""
    def memory(field):
        with open("/proc/%d/status" % sim.process.pid) as status:
            return int(re.search(field + r":\s+(\d+)", status.read()).group(1)) * 1024

    name = video(sim, "p [sim:job-ms=0] [sim:bytes=%d]" % (1 << 30)).json()["id"]
    with open("/proc/%d/clear_refs" % sim.process.pid, "w") as peak:
        peak.write("5")  # the peak begins anew
    before = memory("VmRSS")
    connection = http.client.HTTPConnection(sim.host, sim.port, timeout=60)
    connection.request("GET", "/openai/v1/videos/%s/content" % name, headers={"authorization": "Bearer k1"})
    response = connection.getresponse()
    assert int(response.headers["content-length"]) == 1 << 30
    got, digest, buffer = 0, hashlib.sha256(), bytearray(1 << 20)
    blocks = set()
    while n := response.readinto(buffer):
        got += n
        if got < 64 << 20:
            blocks.add(hashlib.md5(buffer[:n]).digest())
    connection.close()
    assert got == 1 << 30 and memory("VmHWM") - before < 16 << 20
    assert len(blocks) > 32  # no two stretches are alike


def test_pipelining_and_keep_alive(sim):
    """Requests that come in one write are answered in order on one connection, delayed or not."""
    connection = socket.create_connection((sim.host, sim.port), timeout=20)
    one = b"GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k1\r\n"
    connection.sendall(one + b"x-sim-fault: latency=100\r\n\r\n" + one + b"x-sim-fault: 503\r\n\r\n" + one + b"Connection: close\r\n\r\n")
    got = b""
    while piece := connection.recv(65536):
        got += piece
    assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"503", b"200"]


def test_bad_http(sim):
    """What is not HTTP is told so and ends; the simulator lives on."""
    for raw in [b"\x00\x01\x02\x03\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: z\r\n\r\n"]:
        connection = socket.create_connection((sim.host, sim.port), timeout=20)
        connection.sendall(raw)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")
        connection.close()
    assert sim.request("GET", "/").status == 200


def test_expect_continue(sim):
    """A client that waits for 100 Continue gets it."""
    connection = socket.create_connection((sim.host, sim.port), timeout=20)
    body = b'{"model": "gpt-image-2", "prompt": "p"}'
    connection.sendall(b"POST /openai/v1/images/generations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k1\r\nExpect: 100-continue\r\n"
                       b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert connection.recv(100).startswith(b"HTTP/1.1 100")
    connection.sendall(body)
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    connection.close()


# ---- the program ----


def test_command_line(tmp_path):
    """Port file, configuration, other dialects, a repeatable seed; mistakes are told with exit code 2."""
    dialect = (tmp_path / "d")
    dialect.mkdir()
    errors = "\n".join("  %s: { status: %d }" % pair for pair in [("auth", 401), ("invalid", 400), ("not_found", 404), ("rate", 429), ("quota", 402),
                       ("policy", 403), ("internal", 500), ("unavailable", 503), ("conflict", 409)])
    text = "vendor: tiny\nerrors:\n  shape: { oops: '{status}' }\n%s\nroutes:\n  - { route: 'GET /v/{x}', secret: ignore, answers: [ { json: { x: '{path.x}', id: '{hex.8}' } } ] }\n" % errors
    (dialect / "tiny.yaml").write_text(text)
    (tmp_path / "c.yaml").write_text("latency_ms: 1\nfaults: [ { fault: '503', times: 1 } ]\n")
    seen = []
    for _ in range(2):
        simulator = Sim("--dialects", str(dialect), "--config", str(tmp_path / "c.yaml"), "--port-file", str(tmp_path / "port"), "--seed", "7")
        assert int((tmp_path / "port").read_text()) == simulator.port
        assert simulator.request("GET", "/tiny/v/abc").json() == {"oops": 503}
        seen.append(simulator.request("GET", "/tiny/v/abc").json())
        assert simulator.request("GET", "/openai/v1/models").status == 404
        assert simulator.stop() == 0
    assert seen[0] == seen[1] and seen[0]["x"] == "abc"
    (dialect / "tiny.yaml").write_text(text.replace("answers", "anwsers"))
    for arguments, word in [(["--dialects", str(dialect)], "anwsers"), (["--job-ms", "x"], "usage"), (["--listen", "nowhere"], "address"),
                            (["extra"], "usage"), (["--config", str(tmp_path / "none")], "cannot be opened")]:
        out = subprocess.run([BUILD / "sluice-sim", *arguments], capture_output=True, text=True, timeout=20)
        assert out.returncode in (1, 2) and word in out.stderr, (arguments, out.stderr)


def test_documented_dialect(tmp_path):
    """The dialect that docs/simulator.md shows works as it says: a vendor is a file."""
    text = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```yaml\n(.*?)```", text, re.S) if "vendor: acme" in b)
    (tmp_path / "acme.yaml").write_text(block, encoding="utf-8")
    simulator = Sim("--dialects", str(tmp_path), "--job-ms", "0")

    def ask(method, path, value=None, **headers):
        fields = {"authorization": "Bearer k", **{k.replace("_", "-"): v for k, v in headers.items()}}
        fields.update({"content-type": "application/json"} if value is not None else {})
        return simulator.request(method, "/acme" + path, None if value is None else json.dumps(value), fields)

    value = {"prompt": "p", "n": 2, "client_id": "mine"}
    answer = ask("POST", "/v1/m/run", {**value, "mode": "x"})
    assert answer.status == 400 and answer.json()["error"].startswith("Unknown parameter: 'mode'")
    assert ask("POST", "/v1/m/run", {"prompt": "p", "n": 5}).status == 400
    made = ask("POST", "/v1/m/run", value, idempotency_key="i")
    assert made.status == 202 and re.fullmatch("job-[0-9a-f]{12}", made.json()["id"])
    assert ask("POST", "/v1/m/run", value, idempotency_key="i").body == made.body
    assert ask("GET", "/v1/jobs/mine").json()["status"] == "ready"
    done = simulator.request("GET", made.json()["poll"], headers={"authorization": "Bearer k"}).json()
    assert done["status"] == "ready" and len(done["images"]) == 2
    assert simulator.request("GET", done["images"][0]).body.startswith(b"\x89PNG")
    failed = ask("POST", "/v1/m/run", {"prompt": "p"}, x_sim_fault="jobfail").json()
    assert ask("GET", "/v1/jobs/" + failed["id"]).json() == {"status": "error", "progress": 100, "error": "broken"}
    queued = ask("POST", "/v1/m/run", {"prompt": "p [sim:job-ms=1000000]"}).json()
    assert ask("GET", "/v1/jobs/" + queued["id"]).json() == {"status": "waiting", "progress": 0}
    assert [ask("POST", "/v1/jobs/%s/stop" % j).status for j in (queued["id"], made.json()["id"], "none")] == [200, 409, 404]
    assert ask("GET", "/v1/jobs/" + queued["id"]).json()["status"] == "stopped"
    assert simulator.stop() == 0


# ---- against the vendors' own specifications, where they are at hand ----


def spec_schema(document, schema):
    """A JSON Schema out of an OpenAPI document: nullable becomes a type, references stay inside."""
    def walk(node):
        if isinstance(node, dict):
            node = {k: walk(v) for k, v in node.items()}
            if node.pop("nullable", False):
                return {"anyOf": [{k: v for k, v in node.items() if k != "default"}, {"type": "null"}]}
            return node
        return [walk(v) for v in node] if isinstance(node, list) else node
    return {**walk(schema), "components": walk(document.get("components", {}))}


@pytest.mark.skipif(not SPECS, reason="SLUICE_SPECS names no folder of specifications")
def test_specs(sim):
    """The answers fit the response schemas of OpenAI, ElevenLabs and HeyGen."""
    import jsonschema
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(os.path.join(SPECS, "openai_openai-openapi__openapi.yaml"), encoding="utf-8") as file:
        openai = yaml.load(file, Loader=loader)
    with open(os.path.join(SPECS, "tryAGI_ElevenLabs__openapi.json"), encoding="utf-8") as file:
        eleven = json.load(file)
    with open(os.path.join(SPECS, "heygen-cli_v3-operations.extracted.json"), encoding="utf-8") as file:
        operations = {(o["method"], o["path"]): o for o in json.load(file)["operations"]}

    def fits(document, name, value):
        jsonschema.Draft7Validator(spec_schema(document, document["components"]["schemas"][name])).validate(value)

    def fits_heygen(method, path, value):
        jsonschema.Draft7Validator(spec_schema({}, operations[(method, path)]["ResponseSchema"])).validate(value)

    for more in ({}, {"n": 2, "size": "1024x1536", "quality": "low", "background": "transparent", "output_format": "webp"}, {"size": "512x512"}):
        fits(openai, "ImagesResponse", image(sim, "p", **more).json())
    fits(openai, "ImagesResponse", sim.call("openai", "POST", "/v1/images/generations", {"model": "dall-e-3", "prompt": "p"}).json())
    for fault in ("429", "500", "503", "auth", "quota", "policy"):
        fits(openai, "ErrorResponse", image(sim, "p", fault=fault).json())
    fits(openai, "ListModelsResponse", sim.call("openai", "GET", "/v1/models").json())
    chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    fits(openai, "CreateChatCompletionResponse", sim.call("openai", "POST", "/v1/chat/completions", chat).json())
    for fault in (None, "jobfail"):
        made = sim.call("openai", "POST", "/v1/videos", {"prompt": "p", "model": "sora-2"}, fault=fault).json()
        fits(openai, "VideoResource", made)
        fits(openai, "VideoResource", video_end(sim, made["id"]))
        fits(openai, "DeletedVideoResource", sim.call("openai", "DELETE", "/v1/videos/" + made["id"]).json())

    fits(eleven, "AudioWithTimestampsResponseModel", sim.call("elevenlabs", "POST", "/v1/text-to-speech/v/with-timestamps", {"text": "p"}).json())
    fits(eleven, "HTTPValidationError", sim.call("elevenlabs", "POST", "/v1/text-to-speech/v", {}).json())
    for one in sim.call("elevenlabs", "GET", "/v1/models").json():
        fits(eleven, "ModelResponseModel", one)

    for fault in (None, "jobfail"):
        made = heygen(sim, fault=fault)
        fits_heygen("POST", "/v3/videos", made.json())
        name = made.json()["data"]["video_id"]
        fits_heygen("GET", "/v3/videos/{video_id}", sim.call("heygen", "GET", "/v3/videos/" + name).json())
        heygen_end(sim, name)
        fits_heygen("GET", "/v3/videos/{video_id}", sim.call("heygen", "GET", "/v3/videos/" + name).json())
        fits_heygen("DELETE", "/v3/videos/{video_id}", sim.call("heygen", "DELETE", "/v3/videos/" + name).json())
    upload = {"filename": "a", "content_type": "video/mp4", "size_bytes": 10}
    fits_heygen("POST", "/v3/assets/direct-uploads", sim.call("heygen", "POST", "/v3/assets/direct-uploads", upload).json())
    fits_heygen("POST", "/v3/assets/{asset_id}/complete", sim.call("heygen", "POST", "/v3/assets/a/complete", {}).json())
    kind, body = form([("file", "a.png", "image/png", b"x")])
    asset = sim.request("POST", "/heygen/v3/assets", body, {"content-type": kind, "x-api-key": "k1"})
    fits_heygen("POST", "/v3/assets", asset.json())
