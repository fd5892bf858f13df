"""The official OpenAI SDK for Node works on the socket unchanged but for its transport."""
import base64
import json
import uuid

import pytest
import rig as parts
from rig import node, until
from test_tasks import PIXEL, error_of

TAG = uuid.uuid4().hex
# What a vendor says against a key keeps the whole fleet from it: such models have keys of their own.
MODELS = {**parts.MODELS, "flux-video": ("fal", "fal-ai/pika/v2.2/text-to-video", "fal"),
          "gpt-image-2-spent": ("openai-images", "gpt-image-2", "spent"), "gpt-image-2-refused": ("openai-images", "gpt-image-2", "refused")}
POOLS = dict.fromkeys(("openai", "fal", "elevenlabs", "heygen", "spent", "refused"), "SIM_KEY")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    rig = parts.Rig(tmp_path_factory.mktemp("rig"))
    rig.agent(models=MODELS, pools=POOLS)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def scenes(fleet):
    """What became of every scene of openai.mjs, all of them played at once."""
    for name in ("a.png", "b.png", "mask.png"):
        (fleet.folder / name).write_bytes(PIXEL + name.encode() * 50000)
    return {line["name"]: line for line in node("openai.mjs", fleet.agents[0].socket, fleet.folder, TAG)}


@pytest.fixture
def scene(scenes):
    def value(name):
        assert "error" not in scenes[name], scenes[name]
        return scenes[name]["value"]

    return value


@pytest.fixture
def paid(fleet):
    return lambda text: fleet.sim.paid(prompt=f"{TAG} {text}")


def is_png(told):
    return told["magic"].startswith("\x89PNG") and told["bytes"] > 500


def test_models(scene):
    """models.list and models.retrieve give what is configured."""
    value = scene("models")
    assert set(value["ids"]) == set(MODELS)
    assert value["one"]["id"] == "flux" and value["one"]["object"] == "model" and value["one"]["created"] > 1.6e9


def test_generate(scene, paid, fleet):
    """images.generate gives b64_json of the very bytes that are stored, with size, format and usage."""
    value = scene("generate")
    assert is_png(value["images"][0]) and (value["size"], value["format"]) == ("1024x1536", "png") and value["usage"]["total_tokens"] == 1070
    assert value["created"] > 1.6e9 and paid("generate")["paid"] == 1
    task = fleet.agents[0].call("GET", f"/v1/tasks/{value['request']}")[2]
    assert task["outputs"][0]["digest"] == value["images"][0]["sha"]


def test_generate_many(scene, paid):
    """n=4 in JPEG gives four different pictures for one submission."""
    value = scene("generateMany")
    assert len({image["sha"] for image in value}) == 4 and all(image["magic"].startswith("\xff\xd8") for image in value)
    assert paid("many")["paid"] == 1


def test_generate_url(scene):
    """response_format url gives a URL on the socket that serves the bytes, and says until when."""
    value = scene("generateUrl")
    assert value["item"]["url"] == f"/v1/media/{value['sha']}" and value["item"]["expires_at"] > 1.6e9 and "b64_json" not in value["item"]


@pytest.mark.parametrize("name,text,count", [("editStream", "edit stream", 1), ("editMany", "edit many", 2), ("editFile", "edit file", 1)])
def test_edit(scene, paid, name, text, count):
    """images.edit takes a stream (chunked multipart), several pictures with a mask, and a file."""
    value = scene(name)
    assert len(value) == count and all(is_png(image) for image in value) and paid(text)["paid"] == 1


def test_speech(scene, paid):
    """audio.speech gives the sound in the format asked for."""
    value = scene("speech")
    assert value["type"] == "audio/mpeg" and value["bytes"] > 1000 and paid("speech")["paid"] == 1
    assert scene("speechWav")["type"] == "audio/wav" and scene("speechWav")["magic"].startswith("RIFF")


def test_video(scene, paid):
    """videos.create answers at once, retrieve follows it, downloadContent gives the file when it is there."""
    value = scene("video")
    for video in (value["made"], value["first"], value["done"]):
        assert video["object"] == "video" and video["model"] == "sora-2" and video["seconds"] == "8" and video["size"] == "1280x720", video
        assert video["error"] is None and video["created_at"] > 1.6e9 and 0 <= video["progress"] <= 100
    assert value["made"]["status"] in ("queued", "in_progress") and value["made"]["completed_at"] is None
    assert value["done"]["status"] == "completed" and value["done"]["progress"] == 100 and value["done"]["expires_at"] > value["done"]["completed_at"]
    assert value["type"] == "video/mp4" and "ftyp" in value["magic"] and paid("video")["paid"] == 1
    assert value["early"]["status"] == 409 and value["early"]["code"] == "task_not_completed"


@pytest.mark.parametrize("name,text", [("videoReference", "reference"), ("videoElsewhere", "elsewhere"), ("avatar", "avatar speaks")])
def test_videos(scene, paid, name, text):
    """A reference picture, another vendor's model, an avatar: all by the same calls."""
    assert scene(name)["status"] == "completed" and paid(text)["paid"] == 1


def test_video_fails(scene):
    """A video that the vendor refuses ends as failed with code and message."""
    value = scene("videoFails")
    assert value["status"] == "failed" and value["error"]["code"] == "content_policy_violation" and value["error"]["message"]


def test_videos_list_and_delete(scene):
    """videos.list walks all pages in both orders; a deleted video is gone."""
    value = scene("videosListAndDelete")
    assert [i for i in value["walked"] if i in value["ids"]] == value["ids"][::-1] and len(set(value["walked"])) == len(value["walked"])
    assert [i for i in value["upwards"] if i in value["ids"]] == value["ids"]
    assert value["deleted"] == {"id": value["ids"][0], "object": "video.deleted", "deleted": True}
    assert value["ids"][0] not in value["after"] and set(value["ids"][1:]) <= set(value["after"])
    assert (value["gone"]["class"], value["gone"]["status"]) == ("NotFoundError", 404)


def test_video_delete_running(scene, fleet):
    """Deleting a running video cancels it at the vendor that can."""
    value = scene("videoDeleteRunning")
    assert value["deleted"]["deleted"] is True and value["gone"]["status"] == 404
    until("the task ends", lambda: fleet.client().record("demo", value["id"])["state"] == "ended")


@pytest.mark.parametrize("name,kind,status,code,param", [
    ("policy", "BadRequestError", 400, "content_policy_violation", None),
    ("noModel", "NotFoundError", 404, "model_not_found", "model"),
    ("wrongKind", "BadRequestError", 400, "invalid_value", "model"),
    ("badField", "BadRequestError", 400, "invalid_value", "n"),
    ("streamed", "BadRequestError", 400, "unsupported_option", "stream"),
    ("chatStreamed", "BadRequestError", 400, "unsupported_option", "stream"),
    ("quota", "RateLimitError", 429, "quota_exhausted", None),
    ("auth", "InternalServerError", 502, "vendor_auth", None),
    ("unknown", "InternalServerError", 502, "outcome_unknown", None),
    ("vendorDown", "InternalServerError", 502, "vendor_unavailable", None),
    ("noVideo", "NotFoundError", 404, "task_not_found", None),
])
def test_errors(scene, name, kind, status, code, param):
    """Failures become the SDK's error classes, with code and param."""
    value = scene(name)
    assert (value["class"], value["status"], value["code"], value["param"]) == (kind, status, code, param), value


@pytest.mark.parametrize("text,asked", [("policy [sim:policy times=always]", 1), ("quota [sim:quota times=always]", 1), ("auth [sim:auth times=always]", 1),
                                        ("unknown [sim:lost times=always]", 1), ("down [sim:503 times=always]", 5)])
def test_sdk_does_not_repeat_failures(scenes, paid, text, asked):
    """A task that failed is not begun again by the SDK's own retries."""
    assert paid(text)["asked"] == asked


def test_limited(scene, paid):
    """A vendor's rate limit is waited out behind the SDK's back."""
    assert is_png(scene("limited")[0]) and paid("limited [sim:429 times=2]") | {"paid": 1, "asked": 3} == paid("limited [sim:429 times=2]")


@pytest.mark.parametrize("name,text", [("retried", "retried [sim:latency=3500]"), ("retriedEdit", "retried edit [sim:latency=3500]")])
def test_sdk_retries_join(scene, paid, name, text):
    """An SDK that loses patience and tries again by itself joins the task: one submission, and it gets the result."""
    assert is_png(scene(name)[0])
    assert (paid(text)["asked"], paid(text)["paid"]) == (1, 1)


def test_aborted(scene, paid, fleet):
    """A call that is aborted leaves its task alone: it completes and is paid once."""
    assert scene("aborted")["class"] == "APIUserAbortError"
    task = lambda: next((t for t in fleet.agents[0].call("GET", "/v1/tasks?limit=100")[2]["data"] if t["status"] == "in_progress"), None)  # noqa: E731
    until("nothing is under way", lambda: task() is None)
    assert paid("aborted [sim:latency=1500]")["paid"] == 1


def test_same_key(scene, paid):
    """Three calls with one Idempotency-Key get one picture."""
    assert len({image["sha"] for image in scene("sameKey")}) == 1 and paid("same key")["paid"] == 1


# ---- what the SDK does not send, but others do ----


@pytest.mark.parametrize("path,body,param", [
    ("images/generations", {"model": "gpt-image-2", "prompt": "p", "partial_images": 2}, "partial_images"),
    ("images/generations", {"model": "gpt-image-2", "prompt": "p", "colour": "red"}, "colour"),
    ("images/generations", {"model": "gpt-image-2", "prompt": "p", "response_format": "gif"}, "response_format"),
    ("images/generations", {"prompt": "p"}, "model"),
    ("images/edits", {"model": "gpt-image-2", "prompt": "p"}, "image"),
    ("audio/speech", {"model": "tts-1", "voice": "alloy"}, "input"),
    ("audio/speech", {"model": "tts-1", "voice": "alloy", "input": "p", "stream_format": "sse"}, "stream_format"),
    ("videos", {"model": "sora-2", "prompt": "p", "seconds": "long"}, "seconds"),
    ("videos", {"model": "gpt-image-2", "prompt": "p"}, "model"),
    ("chat/completions", {"model": "flux", "messages": [{"role": "user", "content": "hi"}]}, "model"),
])
def test_nothing_is_ignored(fleet, path, body, param):
    """An option that is not served, unknown or malformed is 400 in the words of the request."""
    answer = fleet.agents[0].call("POST", f"/v1/{path}", body)
    assert answer[0] == 400, answer
    assert answer[2]["error"]["param"].startswith(param) and answer[2]["error"]["code"] in ("invalid_value", "unsupported_option"), answer


def test_json_edit(fleet):
    """images/edits takes JSON with images as data URIs, as newer OpenAI clients send it."""
    picture = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
    body = {"model": "gpt-image-2", "prompt": f"{TAG} json edit", "images": [{"image_url": picture}], "mask": {"image_url": picture}}
    status, _, answer = fleet.agents[0].call("POST", "/v1/images/edits", body)
    assert status == 200 and base64.b64decode(answer["data"][0]["b64_json"]).startswith(b"\x89PNG"), answer


def test_msgpack_images(fleet):
    """With Accept: application/msgpack the pictures of OpenAI's endpoint are bin, without base64."""
    status, headers, answer = fleet.agents[0].call("POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": f"{TAG} packed", "n": 2},
                                                   {"Accept": "application/msgpack"})
    assert status == 200 and headers["Content-Type"] == "application/msgpack"
    assert [type(item["b64_json"]) for item in answer["data"]] == [bytes, bytes] and answer["data"][0]["b64_json"].startswith(b"\x89PNG")


def test_answers_name_their_task(fleet):
    """Synchronous answers, good and bad, name the task, so that nothing is lost with the connection."""
    good = fleet.agents[0].call("POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": f"{TAG} named"})
    assert fleet.agents[0].call("GET", good[1]["Location"])[2]["status"] == "completed"
    bad = fleet.agents[0].call("POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": f"{TAG} named [sim:policy]"})
    error = error_of(bad, 400, "content_policy_violation")
    assert bad[1]["x-should-retry"] == "false" and fleet.agents[0].call("GET", f"/v1/tasks/{error['task']}")[2]["status"] == "failed"
    json.dumps(error)
