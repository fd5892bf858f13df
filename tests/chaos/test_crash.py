"""An agent dies at each named crash point (builds with them only). Another goes on: one result for every task, and nobody pays twice."""
import pytest
import rig as parts
from rig import BUILD, in_threads, until

pytestmark = pytest.mark.skipif(b"SLUICE_CRASH" not in (BUILD / "sluice").read_bytes(), reason="this build has no crash points: make FLAVOUR=debug")

IMAGE, QUEUE, AVATAR = "gpt-image-2", "flux", "avatar"  # synchronous; asynchronous; asynchronous with idempotency keys
DONE, UNKNOWN, POLICY = "completed", "outcome_unknown", "content_policy_violation"


class Case:
    """A task during which its agent dies, and how it must end; paid is how often the vendor may be paid then."""

    def __init__(self, point, model, ends=DONE, paid=(1,), faults="", key=False):
        self.point, self.model, self.ends, self.paid, self.faults, self.key = point, model, ends, paid, faults, key
        self.id = f"{point}-{model}".replace(":", "-")
        self.prompt = f"{self.id} {faults}"


CASES = [
    # The app has no answer yet. With its key it asks again, and gets one task.
    Case("after_record", IMAGE, key=True),
    Case("before_accept", IMAGE, key=True),
    Case("before_claim", IMAGE),
    # From the claim on the request may be on its way. A vendor without idempotency keys is never asked again.
    Case("after_claim", IMAGE, UNKNOWN, (0,)),
    Case("before_submit", IMAGE, UNKNOWN, (0,)),
    Case("after_submit", IMAGE, UNKNOWN),
    Case("after_store", IMAGE, UNKNOWN),
    Case("before_end", IMAGE, UNKNOWN),
    Case("after_refused", IMAGE, faults="[sim:429]"),
    Case("before_claim:2", IMAGE, faults="[sim:503]"),
    # What is written down is done; the rest is made true.
    Case("after_end", IMAGE),
    Case("after_settle", IMAGE),
    Case("before_ack", IMAGE),
    Case("after_end", IMAGE + "-refused", POLICY, (0,), "[sim:policy]"),
    # A vendor that works on: before its acceptance is written down it is unknown, then anybody carries on.
    Case("after_submit", QUEUE, UNKNOWN),
    Case("before_submitted", QUEUE, UNKNOWN),
    Case("after_submitted", QUEUE),
    Case("before_place", QUEUE),
    Case("after_place", QUEUE),
    Case("before_ack", QUEUE),
    Case("after_poll", QUEUE),
    Case("after_poll:2", QUEUE),
    Case("after_store", QUEUE),
    Case("before_end", QUEUE),
    Case("after_end", QUEUE),
    Case("after_settle", QUEUE),
    Case("before_ack:2", QUEUE),
    # A vendor that knows keys is asked again with the same one.
    Case("after_claim", AVATAR),
    Case("before_submit", AVATAR),
    Case("after_submit", AVATAR),
    Case("before_submitted", AVATAR),
    Case("after_submitted", AVATAR),
]


def submit(agent, case):
    """(status, body) of the submission; None when the agent died over it."""
    text = {"script": case.prompt, "avatar": "a"} if case.model == AVATAR else {"prompt": case.prompt}
    model = case.model.removesuffix("-refused")
    body = {"model": model, "kind": parts.KINDS.get(model, "avatar.generate" if model == AVATAR else "image.generate"), "input": text}
    try:
        status, _, answer = agent.call("POST", "/v1/tasks", body, {"Idempotency-Key": case.id} if case.key else {})
        return status, answer
    except OSError:
        return None


def play(rig, case):
    """One case on a lane of its own: the agent dies at the point, a new one takes its place. Gives the task's final view."""
    model = case.model.removesuffix("-refused")
    agent = rig.agent(case.id, env={"SLUICE_CRASH": case.point}, **parts.on_lane(case.id, {model: parts.MODELS[model]}))
    answer = submit(agent, case)
    assert (answer is None) == case.key, answer
    until(f"{case.id}: the agent dies", lambda: not agent.alive(), 2 * parts.PATIENCE)
    assert agent.ended() == -9
    agent.env["SLUICE_CRASH"] = ""
    agent.restart()
    if case.key:
        answer = submit(agent, case)
    assert answer[0] in (200, 202), answer
    return agent.result(answer[1]["id"], 3 * parts.PATIENCE)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    rig = parts.Rig(tmp_path_factory.mktemp("rig"))
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def views(fleet):
    """Every case, all at the same time: most of it is waiting for leases and acks of the dead to run out."""

    def one(i):
        try:
            return play(fleet, CASES[i])
        except BaseException as e:  # noqa: BLE001 - shown by the test of this case
            return e

    return dict(zip([case.id for case in CASES], in_threads(len(CASES), one)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_crash(fleet, views, case):
    """The task has exactly one result, as it must be; the vendor was paid no more than allowed; nothing is left behind."""
    view = views[case.id]
    if isinstance(view, BaseException):
        raise view
    assert (view["status"] if case.ends == DONE else view["error"]["code"]) == case.ends, view
    assert fleet.sim.paid(prompt=case.prompt)["paid"] in case.paid
    client = fleet.client()
    assert until("the result is published", lambda: client.result("demo", view["id"])) == view
    assert (client.dead("demo", view["id"]) is not None) == (case.ends == UNKNOWN)
    subjects = lambda: [s for stream in ("SLUICE_TASKS", "SLUICE_POLL")  # noqa: E731
                        for s in client.api(f"STREAM.INFO.{stream}", {"subjects_filter": ">"})["state"].get("subjects") or {}]
    until("its messages are acked", lambda: not any(view["id"] in s for s in subjects()), 2 * parts.PATIENCE)
