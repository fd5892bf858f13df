"""Media that a vendor wants as assets: uploaded before the submission, with its key, and not twice while they live."""
import os
import re

import pytest
from rig import SECRET
from test_tasks import PIXEL

KEYS = "  heygen: [{ id: one, env: SIM_KEY }, { id: two, env: OTHER_KEY }]"


def sound():
    """Bytes that nobody has uploaded, and that are known as MP3."""
    return b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x64" + os.urandom(2000)


def uploads(rig, vendor="heygen"):
    return rig.sim.steps(vendor).get("upload", 0)


def leaked(rig):
    return {name: v["leaked"] for name, v in rig.sim.get("/_sim/stats")["vendors"].items() if v["leaked"]}


def stored(agent, data, kind="audio/mpeg"):
    return {"media": agent.call("POST", "/v1/media", data, {"Content-Type": kind})[2]["media"]}


def test_an_asset_lives(rig):
    """A recording is uploaded in three steps, the vendor gets its id; the same bytes go up once, others again."""
    agent = rig.agent()
    first, other = stored(agent, sound()), stored(agent, sound())
    for audio, steps in ((first, 3), (first, 3), (other, 6)):
        view = agent.run("avatar", {"avatar": "a", "audio": audio, "vendor": {"title": f"asset {steps}"}})
        assert view["status"] == "completed", view
        assert uploads(rig) == steps
    assert leaked(rig) == {}


def test_an_upload_in_trouble_costs_nothing(rig):
    """An upload that fails for a while is made again; the task has no attempt for it and is paid once."""
    agent = rig.agent()
    for fault in ("503", "429;retry-after=1", "429;retry-after=11", "reset"):  # 11 s: longer than an agent waits by itself
        rig.sim.fault(fault=fault, vendor="heygen", step="upload", times=1)
        prompt = f"uploaded through {fault}"
        view = agent.run("avatar", {"avatar": "a", "audio": stored(agent, sound()), "vendor": {"title": prompt}})
        assert view["status"] == "completed", view
        record = rig.client().record("demo", view["id"])
        assert record["tries"] == 0 and not record.get("attempts"), record
        assert rig.sim.paid(prompt=prompt)["paid"] == 1


@pytest.mark.parametrize("fault,code", [("auth", "vendor_auth"), ("quota", "quota_exhausted"), ("400", "vendor_rejected")])
def test_an_upload_that_is_refused(rig, fault, code):
    """A refusal ends the task as its class says, names the field, and nothing is submitted."""
    agent = rig.agent()
    rig.sim.fault(fault=fault, vendor="heygen", step="upload", times=1)
    prompt = f"refused with {fault}"
    view = agent.run("avatar", {"avatar": "a", "audio": stored(agent, sound()), "vendor": {"title": prompt}})
    assert (view["status"], view["error"]["code"]) == ("failed", code), view
    assert "input.audio" in view["error"]["message"]
    assert rig.sim.paid(prompt=prompt)["asked"] == 0


def test_the_submission_goes_with_the_key_of_the_upload(rig):
    """Refused for a while, a task with assets is submitted again with the same key, though another one were next."""
    agent = rig.agent(env={"OTHER_KEY": SECRET}, start=False)
    text = agent.config.read_text()
    agent.config.write_text(re.sub(r"^  heygen: .*$", KEYS, text, count=1, flags=re.M))
    agent.restart()
    for i in range(2):
        prompt = f"the same key {i} [sim:429 times=3]"
        view = agent.run("avatar", {"avatar": "a", "audio": stored(agent, sound()), "vendor": {"title": prompt}})
        assert view["status"] == "completed", view
        tried = {line["key"] for line in agent.events("a submission failed") if line["task"] == view["id"]}
        record = rig.client().record("demo", view["id"])
        assert len(tried) <= 1 and tried <= {record["submission"]["key"]}, (tried, record["submission"])
    assert uploads(rig) == 6


def test_what_fits_goes_inline(rig):
    """A small picture goes inside the request; no upload is made."""
    agent = rig.agent()
    view = agent.run("avatar", {"image": stored(agent, PIXEL, "image/png"), "script": "inline"})
    assert view["status"] == "completed", view
    assert uploads(rig) == 0


def test_fal_storage(rig):
    """A clip that is too large for a data URI goes to fal's storage, whose presigned address never sees the key."""
    agent = rig.agent()
    clip = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + os.urandom(8_100_000)
    agent.configure(models={"kling-video": ("fal", "fal-ai/kling-video/v2/master/text-to-video", "fal",
                                            f"options: {{ rest: 'http://127.0.0.1:{rig.sim.port}/fal' }}")})
    agent.stop()
    agent.restart()
    view = agent.run("kling-video", {"prompt": "a clip", "video": stored(agent, clip, "video/mp4")})
    assert view["status"] == "completed", view
    assert uploads(rig, "fal") == 2
    assert leaked(rig) == {}
