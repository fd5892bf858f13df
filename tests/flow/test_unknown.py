"""Answers that are lost, of vendors and of NATS: what is not known is resolved, ends as unknown or is taken back; nothing is paid twice."""
import pathlib
import signal
import time

from rig import in_threads, until


def test_a_limit_tells_nothing_of_the_first_time(rig):
    """The answer of a submission is lost and its repetition meets a rate limit: the third carries the same key still, and is paid once."""
    agent = rig.agent()
    prompt = "limited after it was lost [sim:lost times=1] [sim:429 times=2 retry-after=1]"
    view = agent.run("avatar", {"script": prompt, "avatar": "a"})
    assert view["status"] == "completed", view
    paid = rig.sim.paid(prompt=prompt)
    assert paid["paid"] == 1 and paid["asked"] >= 3, paid


def test_cancelled_while_it_is_refused(rig):
    """Cancelled while its submission is on the wire, and then refused: it ends as cancelled and is not sent again."""
    agent = rig.agent()
    prompt = "refused in a moment [sim:429 times=50 retry-after=1] [sim:latency=1500]"
    task = agent.submit("gpt-image-2", {"prompt": prompt})["id"]
    until("it is at the vendor", lambda: rig.client().record("demo", task)["state"] == "claimed")
    agent.call("POST", f"/v1/tasks/{task}/cancel")
    view = agent.result(task)
    assert view["status"] == "cancelled", view
    asked = rig.sim.paid(prompt=prompt)["asked"]
    assert asked <= 2, asked


def test_a_deadline_passes_at_the_vendor(rig):
    """The deadline passes while a synchronous vendor works: the task ends then, as unknown, since it may have been paid."""
    agent = rig.agent()
    prompt = "slower than its deadline [sim:latency=20000]"
    view = agent.result(agent.submit("gpt-image-2", {"prompt": prompt}, deadline_s=3)["id"], 15)
    assert (view["status"], view["error"]["code"]) == ("failed", "outcome_unknown"), view
    assert rig.sim.paid(prompt=prompt)["asked"] == 1


def frozen(rig, agent, *requests):
    """Makes the requests (prompt, headers) while NATS stands still until they are answered; gives the answers."""
    rig.nats.signal(signal.SIGSTOP)
    threads = list(pathlib.Path(f"/proc/{rig.nats.child.pid}/task").glob("*/stat"))
    until("NATS stands still", lambda: all(t.read_text().rsplit(")", 1)[1].split()[0] == "T" for t in threads))
    try:
        return in_threads(len(requests), lambda i: agent.call("POST", "/v1/tasks", {"model": "gpt-image-2", "input": {"prompt": requests[i][0]}}, requests[i][1]))
    finally:
        rig.nats.signal(signal.SIGCONT)


def test_what_was_not_confirmed_is_taken_back(rig):
    """NATS stands still while a task comes in: the app is told that it is not known; what turns up later is cancelled and never sent."""
    agent = rig.agent()
    prompts = [f"not confirmed {i}" for i in range(4)]
    for status, _, body in frozen(rig, agent, *((p, {}) for p in prompts)):
        assert (status, body["error"]["code"]) == (503, "accept_unknown"), body
    client = rig.client()
    until("the queue is empty", lambda: client.messages("SLUICE_TASKS") == 0)
    tasks = until("all have ended", lambda: (data := agent.call("GET", "/v1/tasks")[2]["data"]) and all("completed_at" in t for t in data) and data)
    assert {t["status"] for t in tasks} == {"cancelled"}, tasks
    assert agent.run("gpt-image-2", {"prompt": "afterwards"})["status"] == "completed"
    for prompt in prompts:
        assert rig.sim.paid(prompt=prompt)["asked"] == 0


def test_a_key_that_was_not_confirmed_may_come_again(rig):
    """The same with an Idempotency-Key: asked again with it, before or after the first was taken back, the task is made once and paid once."""
    agent = rig.agent()
    requests = [(f"not confirmed with key {i}", {"Idempotency-Key": f"key {i}"}) for i in range(4)]
    for status, _, body in frozen(rig, agent, *requests):
        assert (status, body["error"]["code"]) == (503, "accept_unknown"), body
    for prompt, headers in requests:
        def accepted():
            status, _, body = agent.call("POST", "/v1/tasks", {"model": "gpt-image-2", "input": {"prompt": prompt}}, headers)  # noqa: B023
            return status in (200, 202) and body

        view = agent.result(until("it is accepted", accepted)["id"])
        assert view["status"] == "completed", view
        assert rig.sim.paid(prompt=prompt)["paid"] == 1


def test_a_long_absence_of_nats_overtakes_nobody(rig):
    """NATS is away for longer than a presence lives while vendors work: who comes back first does not take the others for dead."""
    agents = [rig.agent() for _ in range(3)]
    ids = {agents[i % 3].submit("gpt-image-2", {"prompt": p})["id"]: p for i, p in enumerate(f"through the absence {i} [sim:latency=42000]" for i in range(9))}
    until("all are at the vendor", lambda: all(rig.sim.paid(prompt=p)["asked"] == 1 for p in ids.values()))
    rig.nats.kill()
    time.sleep(34)
    rig.nats.restart()
    for task, prompt in ids.items():
        assert agents[0].result(task)["status"] == "completed"
        assert rig.sim.paid(prompt=prompt)["asked"] == 1
