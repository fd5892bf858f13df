"""What is done to a fleet: one blow after the other, of two hands, from a seed."""
import contextlib
import random
import signal
import threading
import time

import rig as parts

# Where a debug build can be told to kill itself.
POINTS = ["after_record", "before_accept", "before_claim", "after_claim", "before_submit", "after_submit", "after_refused", "before_submitted", "after_submitted",
          "before_place", "after_place", "after_poll", "after_store", "before_end", "after_end", "after_settle", "before_ack"]


class Hand:
    """Hits until the time is over; what it hurt is well again at its end."""

    def __init__(self, stage, seed, end):
        self.stage, self.end = stage, end
        self.dice = random.Random(f"{seed} {type(self).__name__}")
        self.done = []  # (from, to, text), Unix time
        self.error = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while time.monotonic() < self.end:
                at = time.time()
                what = self.hit()
                self.done.append((at, time.time(), what))
                time.sleep(self.dice.uniform(0.1, 1.5))
        except BaseException as e:  # noqa: BLE001 - raised by join()
            self.error = e

    def join(self):
        self.thread.join()
        if self.error:
            raise self.error

    def held(self, least, most):
        time.sleep(self.dice.uniform(least, most))


class AgentHand(Hand):
    """Agents are killed, ended and paused; their links are cut and stalled."""

    def hit(self):
        agent = self.dice.choice(self.stage.agents)
        blow = self.dice.choice(["kill", "kill", "crash", "crash", "stop", "pause", "cut", "stall", "mute", "deaf"])
        if blow == "crash":
            return self.crash(agent)
        if blow == "pause":
            agent.signal(signal.SIGSTOP)
            self.away()
            agent.signal(signal.SIGCONT)
        elif blow in ("kill", "stop"):
            agent.kill() if blow == "kill" else agent.stop()
            self.held(0, 2)
            agent.restart()
        else:
            self.stage.links[agent.name].set(blow)
            self.away()
            self.stage.links[agent.name].set("pass")
        return f"{blow} {agent.name}"

    def away(self):
        """Now and then, where there is time, for so long that the others take the agent for dead."""
        long = self.dice.random() < 0.25
        self.held(*((31, 40) if long and self.end - time.monotonic() > 45 else (0.3, 8)))

    def crash(self, agent):
        """It is killed and comes back to die at a named point, if it gets there; other builds than debug's just live on for a while."""
        point = f"{self.dice.choice(POINTS)}:{self.dice.randint(1, 4)}"
        agent.kill()
        agent.env["SLUICE_CRASH"] = point
        agent.start()
        with contextlib.suppress(parts.subprocess.TimeoutExpired):
            agent.ended(self.dice.uniform(4, 10))
        itself = not agent.alive()
        agent.kill()
        agent.env["SLUICE_CRASH"] = ""
        agent.restart()
        return f"kill {agent.name} at {point}{'' if itself else ', which it did not reach'}"


class FleetHand(Hand):
    """NATS servers are killed and paused, the leader among them; messages are lost; the configuration changes."""

    deadline = 30

    def hit(self):
        blows = {"lose": 4, "reload": 1, "node": 1, "pause": 1}
        if len(self.stage.nats.each) > 1:
            blows |= {"leader": 3, "two": 1, "all": 1}
        blow = self.dice.choices(list(blows), blows.values())[0]
        if blow == "lose":
            return self.lose()
        if blow == "reload":
            return self.reload()
        nodes = self.dice.sample(self.stage.nats.each, {"two": 2, "all": 3}.get(blow, 1))
        if blow in ("leader", "pause"):
            leader = self.stage.nats.leader(self.dice.choice(["SLUICE_TASKS", "SLUICE_TASKS", "KV_SLUICE_JOURNAL", "SLUICE_POLL"]))
            nodes = [leader] if leader else nodes
        names = " ".join(node.name for node in nodes)
        if blow == "pause":
            nodes[0].signal(signal.SIGSTOP)
            self.held(0.5, 8)
            nodes[0].signal(signal.SIGCONT)
            return f"pause {names}"
        for node in nodes:
            node.kill()
        self.held(0, 4)
        for node in nodes:
            node.restart()
        return f"kill -9 and restart of {names} ({blow})"

    def lose(self):
        """A message vanishes from a work queue."""
        stream = self.dice.choice(["SLUICE_TASKS", "SLUICE_POLL", "SLUICE_POLL"])
        with contextlib.suppress(OSError, ValueError, KeyError), contextlib.closing(self.stage.client()) as client:
            client.sock.settimeout(3)
            subjects = client.api(f"STREAM.INFO.{stream}", {"subjects_filter": ">"})["state"].get("subjects")
            if not subjects:
                return "lose: the queue was empty"
            subject = self.dice.choice(sorted(subjects))
            found = client.api(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})["message"]
            answer = client.api(f"STREAM.MSG.DELETE.{stream}", {"seq": found["seq"]})
            return f"lose {subject}" if answer.get("success") else f"lose: {answer['error']['description']}"
        return "lose: no answer"

    def reload(self):
        """Models get another deadline, one comes or goes; what runs must not notice."""
        self.deadline = self.dice.choice([30, 35, 40])
        sim = self.stage.sim.port
        text = f"flux: {{ adapter: fal, model: fal-ai/flux/dev, key: fal, deadline: {self.deadline}m, base: 'http://127.0.0.1:{sim}/fal' }}\n"
        if self.dice.random() < 0.5:
            text += "eleven: null\n"
        code, said = self.stage.run("config", "put", "models", "-", "--timeout", "8s", text=text)
        return f"config put models: {code} {said.strip()[-80:]}"


def heal(stage):
    """After the hands: everything runs and is linked."""
    for link in stage.links.values():
        link.set("pass")
    for process in stage.nats.each + stage.agents:
        assert process.alive(), f"{process.name} ended by itself: {process.output()[-2000:]}"
