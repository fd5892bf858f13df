"""Agents and NATS are killed, paused and stopped at random under load; then every task that was accepted is accounted for."""
import os
import random
import signal
import threading
import time

import rig as parts
from rig import in_threads, until

SECONDS = float(os.environ.get("SLUICE_CHAOS_SECONDS", "40"))
SEED = int(os.environ.get("SLUICE_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
FAULTS = ["", "", "", "[sim:latency=400]", "[sim:429]", "[sim:503 times=2]", "[sim:job-ms=3000]", "[sim:500 step=poll]", "[sim:reset step=download]"]


class App:
    """Clients that submit until they are told to stop; a request whose answer was lost is sent again with its key, as apps do."""

    def __init__(self, agents, dice):
        self.agents, self.dice = agents, dice
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.accepted, self.prompts = {}, []

    def body(self, name):
        model = self.dice.choice(["gpt-image-2", "flux", "avatar", "tts-1"])
        prompt = f"{name} {self.dice.choice(FAULTS)}"
        given = {"avatar": {"script": prompt, "avatar": "a"}, "tts-1": {"text": prompt, "voice": "alloy"}}.get(model, {"prompt": prompt})
        kind = {"flux": {"kind": "image.generate"}}.get(model, {})
        return prompt, {"model": model, "input": given, **kind}

    def submit(self, name, prompt, body):
        for _ in range(200):
            try:
                status, _, answer = self.dice.choice(self.agents).call("POST", "/v1/tasks", body, {"Idempotency-Key": name}, timeout=20)
            except OSError:
                status = 0
            if status in (200, 202):
                with self.lock:
                    self.accepted[answer["id"]] = prompt
                return
            assert status in (0, 503), (status, answer)
            time.sleep(0.3)
        raise AssertionError(f"{name} was never accepted")

    def client(self, i):
        n = 0
        while not self.stop.is_set():
            n += 1
            with self.lock:
                prompt, body = self.body(f"client {i} task {n}")
                self.prompts.append(prompt)
            self.submit(f"client {i} task {n}", prompt, body)
            time.sleep(0.05)


def hurt(rig, dice, end):
    """One blow after the other until the time is over; what was hurt is well again at the end."""
    while time.monotonic() < end:
        agent = dice.choice(rig.agents)
        blow = dice.choice(["kill", "kill", "kill", "stop", "pause", "nats"])
        if blow == "nats":
            rig.nats.kill()
            time.sleep(dice.uniform(0, 1.5))
            rig.nats.restart()
        elif blow == "pause":
            agent.signal(signal.SIGSTOP)
            time.sleep(dice.uniform(0.5, 4))
            agent.signal(signal.SIGCONT)
        else:
            agent.kill() if blow == "kill" else agent.stop()
            time.sleep(dice.uniform(0, 2))
            agent.restart()
        time.sleep(dice.uniform(0.2, 2))


def test_random_blows(rig):
    """Each accepted task has exactly one result; each is paid at most once, the completed exactly once; the others ended for a reason."""
    print(f"SLUICE_CHAOS_SEED={SEED}")
    dice = random.Random(SEED)
    for _ in range(3):
        rig.agent(extra="slots: 16\ndrain: 5s\n")
    app = App(rig.agents, random.Random(SEED + 1))
    clients = threading.Thread(target=in_threads, args=(8, app.client))
    clients.start()
    hurt(rig, dice, time.monotonic() + SECONDS)
    app.stop.set()
    clients.join()
    client = rig.client()
    counts = {}
    for task, prompt in app.accepted.items():
        view = rig.agents[0].result(task, 4 * parts.PATIENCE)
        paid = rig.sim.paid(prompt=prompt)["paid"]
        end = view["status"] if view["status"] == "completed" else view["error"]["code"]
        counts[end] = counts.get(end, 0) + 1
        assert until("its result is published", lambda t=task: client.result("demo", t)) == view
        assert paid == 1 if end == "completed" else paid <= 1, (prompt, paid, view)
        assert end in ("completed", "outcome_unknown"), (prompt, view)
    assert len(app.accepted) == len(app.prompts)  # one task for each key, however often it was sent
    print(counts)
