"""The sweeper: what should not happen, made to happen, and repaired."""
import base64
import time

import msgpack
from rig import until


def stored(client, stream, subject):
    """The message on that subject, or None."""
    return client.api(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject}).get("message")


def lose(client, stream, subject):
    """Takes the message away as if the server had lost it."""
    seq = stored(client, stream, subject)["seq"]
    answer = client.api(f"STREAM.MSG.DELETE.{stream}", {"seq": seq})
    assert answer.get("success"), answer


def swept(agent, what):
    line = f'sluice_swept_total{{what="{what}"}} '
    return int(next(row for row in agent.metrics().splitlines() if row.startswith(line)).split()[-1])


def test_a_lost_message_is_placed_again(rig):
    """A task whose message is gone from its queue, before its submission or while a vendor works on it, is placed again and ends once."""
    door = rig.agent(roles="[ingress]")
    client = rig.client()
    waiting = door.submit("flux", {"prompt": "lost before"})["id"]
    lose(client, "SLUICE_TASKS", f"sluice.task.default.normal.demo.{waiting}")
    worker = rig.agent(extra="sweep: 500ms\n")
    until("it is placed again", lambda: swept(worker, "placed_again") == 1)
    assert door.result(waiting)["status"] == "completed"

    running = door.submit("flux", {"prompt": "lost while it runs [sim:job-ms=6000]"})["id"]
    subject = f"sluice.poll.default.vendor.demo.{running}"
    until("the vendor has it", lambda: stored(client, "SLUICE_POLL", subject))
    lose(client, "SLUICE_POLL", subject)
    until("it is placed again, too", lambda: swept(worker, "placed_again") == 2)
    assert door.result(running)["status"] == "completed"
    assert rig.sim.paid(prompt="lost while it runs [sim:job-ms=6000]")["paid"] == 1
    assert swept(worker, "ended") == 0


def test_a_task_that_nobody_ends_ends(rig):
    """A task whose time is over and that no agent carries ends as expired, and its result is published."""
    door = rig.agent(roles="[ingress]", lanes=["default", "lonely"])
    client = rig.client()
    task = door.submit("flux", {"prompt": "too late"}, deadline_s=2)["id"]
    lose(client, "SLUICE_TASKS", f"sluice.task.default.normal.demo.{task}")
    worker = rig.agent(extra="sweep: 3s\n", lanes=["default", "lonely"])
    view = door.result(task)
    assert view["status"] == "expired", view
    assert swept(worker, "ended") + swept(worker, "placed_again") >= 1
    assert client.result("demo", task)["status"] == "expired"


def test_old_records_are_forgotten(rig):
    """A record that ended more than 25 hours ago goes without leaving a marker; a younger one stays."""
    agent = rig.agent(extra="sweep: 500ms\n")
    client = rig.client()
    old, young = (agent.run("flux", {"prompt": prompt})["id"] for prompt in ("old", "young"))
    subject = f"$KV.SLUICE_JOURNAL.demo.{old}"
    record = msgpack.unpackb(base64.b64decode(stored(client, "KV_SLUICE_JOURNAL", subject)["data"]))
    record["body"]["ended_ms"] -= 26 * 3600 * 1000
    client.request(subject, msgpack.packb(record))
    until("it is forgotten", lambda: stored(client, "KV_SLUICE_JOURNAL", subject) is None)
    assert agent.call("GET", f"/v1/tasks/{old}")[0] in (200, 404)  # its result lives on for a while
    assert stored(client, "KV_SLUICE_JOURNAL", f"$KV.SLUICE_JOURNAL.demo.{young}")
    assert swept(agent, "forgotten") == 1 and swept(agent, "placed_again") == 0 and swept(agent, "ended") == 0


def test_one_sweeper_at_a_time(rig):
    """Of several agents one has the seat; when it leaves, another takes it."""
    agents = [rig.agent(extra="sweep: 300ms\n") for _ in range(3)]

    def seated():
        return [agent for agent in agents if agent.events("this agent is the fleet's sweeper now")]

    until("one has it", seated)
    time.sleep(1)
    (first,) = seated()
    first.stop()
    agents.remove(first)
    until("another has it", seated)
    time.sleep(1)
    assert len(seated()) == 1


def test_busy_tasks_are_left_alone(rig):
    """While tasks wait at a vendor, wait for their turn and end, the sweeper finds nothing to do."""
    agent = rig.agent(extra="sweep: 300ms\n")
    tasks = [agent.submit("flux", {"prompt": f"busy {i} [sim:job-ms={500 * i}]"})["id"] for i in range(8)]
    assert all(agent.result(task)["status"] == "completed" for task in tasks)
    time.sleep(1)
    assert [swept(agent, what) for what in ("placed_again", "ended", "orphan_removed")] == [0, 0, 0]


def test_an_end_without_a_result_is_published(rig):
    """A task has ended in the journal, its message is gone and its result is not there: the sweeper publishes it, once, and the one that was there it leaves."""
    door = rig.agent()
    client = rig.client()
    view, kept = (door.run("flux", {"prompt": prompt}) for prompt in ("not published", "published"))
    subjects = [f"sluice.result.demo.{v['id']}" for v in (view, kept)]
    until("they are published", lambda: all(stored(client, "SLUICE_RESULTS", subject) for subject in subjects))
    door.stop()
    lose(client, "SLUICE_RESULTS", subjects[0])
    before = stored(client, "SLUICE_RESULTS", subjects[1])
    client.close()
    rig.nats.kill()
    rig.nats.restart()  # it forgets that it had a message of that id
    worker = rig.agent(extra="sweep: 500ms\n")
    client = rig.client()
    until("its result is there", lambda: client.result("demo", view["id"]) == view)
    assert [event["task"] for event in worker.events("a task had ended without its result")] == [view["id"]]
    assert stored(client, "SLUICE_RESULTS", subjects[1]) == before
