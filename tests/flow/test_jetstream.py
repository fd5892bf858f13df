"""Other services read results, events, records, dead letters and media with the ordinary NATS clients for Node, and put media."""
import uuid

import pytest
import rig as parts
from rig import node, until
from test_tasks import schema

TAG = uuid.uuid4().hex


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """As the others', with a key that a scene may have refused for the whole fleet."""
    r = parts.Rig(tmp_path_factory.mktemp("rig"))
    pools = dict.fromkeys(("openai", "fal", "elevenlabs", "heygen", "refused"), "SIM_KEY")
    r.agent(models={**parts.MODELS, "gpt-image-2-refused": ("openai-images", "gpt-image-2", "refused")}, pools=pools)
    yield r
    r.close()


@pytest.fixture(scope="module")
def scenes(shared):
    """What became of every scene of jetstream.mjs, all of them played at once."""
    lines = node("jetstream.mjs", shared.nats.port, shared.agents[0].socket, shared.folder, TAG)
    return {line["name"]: line for line in lines}


@pytest.fixture
def scene(scenes):
    def value(name):
        assert "error" not in scenes[name], scenes[name]["error"]
        return scenes[name]["value"]

    return value


def test_result(scene):
    """A consumer of SLUICE_RESULTS gets the same result as the app, with the headers that operators search for."""
    value = scene("result")
    result = value["result"]
    assert (result["v"], result["kind"]) == (1, "result") and result["body"] == value["view"]
    schema("result.json").validate(result["body"])
    assert result["subject"] == f"sluice.result.demo.{result['body']['id']}"
    headers = {name.lower(): text for name, text in result["headers"].items()}
    assert headers["sluice-task"] == result["body"]["id"] and headers["sluice-model"] == "gpt-image-2" and headers["nats-msg-id"]


def test_media_are_objects(scene):
    """Outputs are objects named by their SHA-256; the client checks ADR-20's digest itself and finds the bytes whole."""
    value = scene("result")
    assert len(value["objects"]) == 2
    for output, found in zip(value["view"]["outputs"], value["objects"]):
        assert found["name"] == found["sha"] == output["digest"] and found["bytes"] == found["size"] == output["bytes"]
        assert found["digest"].startswith("SHA-256=")


def test_large_media(scene):
    """A video of many chunks is read whole, both ways that the client has."""
    value = scene("video")
    output = value["view"]["outputs"][0]
    assert value["bytes"] == output["bytes"] == 3000000 and value["chunks"] > 20
    assert value["sha"] == value["blob"] == output["digest"]


def test_media_as_input(scene, shared):
    """Media put by the client are served on the socket and used by digest in a task."""
    value = scene("input")
    assert value["same"] and value["type"] == "audio/wav"
    assert value["view"]["status"] == "completed", value["view"]
    assert shared.sim.paid(prompt=f"{TAG} input")["paid"] == 1


def test_events(scene):
    """SLUICE_EVENTS has a task's changes in order, each fitting its schema."""
    value = scene("events")
    marks = [tuple(map(int, event["body"]["id"].split("."))) for event in value["events"]]
    assert marks == sorted(set(marks)) and len(marks) >= 2
    for event in value["events"]:
        assert event["kind"] == "event" and event["body"]["task"] == value["id"] and event["subject"] == f"sluice.event.demo.{value['id']}"
        schema("event.json").validate(event["body"])
    assert {event["body"]["status"] for event in value["events"]} == {"in_progress"}


def test_journal(scene):
    """The record tells state, target, key id, vendor id, attempts, and has the result; the secret is not in it."""
    value = scene("journal")
    record = value["record"]["body"]
    assert value["record"]["kind"] == "record" and value["listed"] and value["revision"] > 0
    assert record["state"] == "ended" and record["result"] == value["view"] and record["metadata"] == {"a": "b"}
    submission = record["submission"]
    assert submission["target"] == "fal/fal-ai/flux/dev" and submission["key"] == "main" and submission["vendor_id"] == value["view"]["vendor"]["id"]


def test_dead(scene):
    """A dead letter has the whole request, the reason and what was tried."""
    letter, view = scene("dead")["letter"], scene("dead")["view"]
    assert letter["kind"] == "dead" and letter["body"]["error"] == view["error"] and view["error"]["code"] == "vendor_auth"
    assert letter["body"]["task"]["input"]["prompt"].startswith(TAG) and letter["body"]["record"]["attempts"][-1]["class"] == "auth"


def test_live(scene):
    """A plain subscription to the republished results is enough to hear of them."""
    assert (scene("live")["kind"], scene("live")["status"]) == ("result", "completed")


def test_service(scene):
    """A service that only consumes the stream gets each of its twenty results exactly once."""
    assert scene("service") == {"results": 20, "distinct": 20, "statuses": ["completed"]}


def test_nobody_else_is_disturbed(shared, scenes):
    """After all those consumers came and went, the queues are empty and the agent works on."""
    client = shared.client()
    until("the queues are empty", lambda: client.messages("SLUICE_TASKS") == 0 and client.messages("SLUICE_POLL") == 0)
    assert shared.agents[0].run("tts-1", {"text": "still here", "voice": "alloy"})["status"] == "completed"
