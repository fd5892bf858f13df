"""The checker itself: what it must find is done behind the fleet's back, and it finds each."""
import base64
import http.client
import json
import random

import msgpack
import pytest
import rig as parts
from checker import Checker
from load import Load, Task
from stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("checker"), 1, agents=2)
    yield stage
    stage.close()


def done(stage, name):
    """A load of one picture that completed."""
    load = Load(stage, 0)
    task = Task(name, random.Random(0))
    task.model, task.fault, task.prompt, task.once = "gpt-image-2", "", f"{name} ", False
    load.tasks[name] = task
    load.submit(task, random.Random(0))
    view = stage.agents[0].result(task.ids[0])
    assert view["status"] == "completed", view
    parts.until("its result is published", lambda: stage.client().result("demo", view["id"]))
    return load, task, view


def gone(client, stream, subject):
    seq = client.api(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})["message"]["seq"]
    assert client.api(f"STREAM.MSG.DELETE.{stream}", {"seq": seq})["success"]


def paid_again(stage, task, view):
    c = http.client.HTTPConnection("127.0.0.1", stage.sim.port, timeout=30)
    c.request("POST", "/openai/v1/images/generations", json.dumps({"model": "gpt-image-2", "prompt": task.prompt}),
              {"Content-Type": "application/json", "Authorization": f"Bearer {parts.SECRET}"})
    assert c.getresponse().status == 200


def record_lost(stage, task, view):
    assert stage.client().api("STREAM.PURGE.KV_SLUICE_JOURNAL", {"filter": f"$KV.SLUICE_JOURNAL.demo.{view['id']}"})["purged"] == 1


def result_changed(stage, task, view):
    client, subject = stage.client(), f"sluice.result.demo.{view['id']}"
    found = client.api("STREAM.MSG.GET.SLUICE_RESULTS", {"last_by_subj": subject})["message"]
    envelope = msgpack.unpackb(base64.b64decode(found["data"]))
    envelope["body"]["status"] = "failed"
    gone(client, "SLUICE_RESULTS", subject)
    client.request(subject, msgpack.packb(envelope))


def medium_lost(stage, task, view):
    client = stage.client()
    for subject in client.api("STREAM.INFO.OBJ_SLUICE_MEDIA", {"subjects_filter": "$O.SLUICE_MEDIA.C.>"})["state"]["subjects"]:
        gone(client, "OBJ_SLUICE_MEDIA", subject)


def letter_made(stage, task, view):
    stage.client().request(f"sluice.dead.demo.{view['id']}", msgpack.packb({"body": {}}))


def seen_otherwise(stage, task, view):
    task.views.append({**view, "status": "expired"})


def told_twice(stage, task, view):
    task.ids.append("0" * 36)


SABOTAGE = [
    (paid_again, "paid 2 times"),
    (record_lost, "accepted and lost"),
    (result_changed, "the stream {"),
    (letter_made, "its dead letter: True"),
    (seen_otherwise, "the app 0 {"),
    (told_twice, "does not end"),
    (medium_lost, "output 0"),
]


@pytest.mark.parametrize("sabotage, finds", SABOTAGE, ids=[s.__name__ for s, _ in SABOTAGE])
def test_it_is_found(stage, monkeypatch, sabotage, finds):
    """One thing is wrong with one task: the checker fails, says so, and shows the seed and the task's history; before that it is content."""
    load, task, view = done(stage, f"checker {sabotage.__name__}")
    checker = Checker(stage, load, [])
    assert checker.check() == {"completed": 1}
    sabotage(stage, task, view)
    monkeypatch.setattr(parts, "PATIENCE", 1)
    with pytest.raises(AssertionError) as e:
        Checker(stage, load, []).check()
    stage.heard.different.clear()
    assert finds in str(e.value) and "SLUICE_CHAOS_SEED=0" in str(e.value) and "POST /v1/tasks: 202" in str(e.value), str(e.value)
