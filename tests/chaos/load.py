"""What apps do: they submit, ask again with their key when an answer was lost, cancel and look; all that they were told is kept."""
import http.client
import random
import threading
import time

import rig as parts

SYNC, ASYNC, KEYED = ("gpt-image-2", "tts-1"), ("flux",), ("avatar",)  # KEYED: asynchronous, and the vendor knows idempotency keys
# What goes wrong at the vendor. The first is accepted and paid without an answer that says so.
LOSING = ["[sim:lost]", "[sim:500;accepted]"]
FAULTS = ["", "", "", "", "[sim:latency=700]", "[sim:slow=40]", "[sim:429]", "[sim:429 retry-after=1 times=2]", "[sim:503 times=2]", "[sim:policy]", "[sim:lost]"]
LATER = ["[sim:job-ms=3000]", "[sim:job-ms=3000]", "[sim:job-ms=6000]", "[sim:job-ms=6000]", "[sim:500 step=poll]", "[sim:503 step=poll times=3]", "[sim:reset step=download]", "[sim:500;accepted]"]
TERMINAL = ("completed", "failed", "cancelled", "expired")


class Task:
    """One submission of an app, and what it was told of it."""

    def __init__(self, name, dice):
        self.name = name
        self.model = dice.choice(SYNC + ASYNC + KEYED)
        # A synchronous vendor that answers 500 has refused, by the contract: one that was paid all the same cannot be told from it.
        self.fault = dice.choice(FAULTS + (LATER if self.model not in SYNC else []))
        self.prompt = f"{name} {self.fault}"
        self.once = dice.random() < 0.15  # sent without a key, and never again
        self.cancel = dice.random() < 0.08
        self.waits = dice.random() < 0.2
        self.ids, self.told = [], []  # ids that were said to be accepted; (Unix time, agent, text)
        self.views = []  # terminal views that the app has seen
        self.refused = self.cancelled = False

    @property
    def body(self):
        given = {"avatar": {"script": self.prompt, "avatar": "a"}, "tts-1": {"text": self.prompt, "voice": "alloy"}}.get(self.model, {"prompt": self.prompt})
        kind = {"kind": parts.KINDS[self.model]} if self.model in parts.KINDS else {}
        return {"model": self.model, "input": given, "metadata": {"name": self.name}, **kind}

    @property
    def loses(self):
        return self.fault in LOSING


class Load:
    """Clients that go on until they are told to stop."""

    def __init__(self, stage, seed, clients=10):
        self.stage, self.seed = stage, seed
        self.lock, self.over = threading.Lock(), threading.Event()
        self.tasks, self.errors = {}, []
        self.threads = [threading.Thread(target=self.guarded, args=(i,), daemon=True) for i in range(clients)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def guarded(self, i):
        try:
            self.client(i)
        except BaseException as e:  # noqa: BLE001 - raised by stop()
            self.errors.append(e)

    def client(self, i):
        n = 0
        while not self.over.is_set():
            n += 1
            name = f"s{self.seed} client {i} task {n}"
            self.one(name, random.Random(name))

    def one(self, name, dice):
        task = Task(name, dice)
        with self.lock:
            self.tasks[name] = task
        self.submit(task, dice)
        if task.cancel and task.ids:
            self.over.wait(dice.uniform(0, 1))
            self.cancel(task, dice)
        if task.waits and task.ids:
            self.look(task, dice)
        self.over.wait(dice.uniform(0.02, 0.2))

    def ask(self, task, dice, method, path, body=None, headers=None):
        """(status, answer) of a request to any agent; status 0: there was no answer."""
        agent = dice.choice(self.stage.agents)
        at = time.time()
        try:
            status, _, answer = agent.call(method, path, body, headers, timeout=dice.choice([3, 8, 20]))
        except (OSError, http.client.HTTPException) as e:
            status, answer = 0, repr(e)
        said = answer if status == 0 or not isinstance(answer, dict) else answer.get("error", {}).get("code") or f"{answer.get('status')} {answer.get('id', '')}"
        task.told.append((at, agent.name, f"{method} {path}: {status} {said} after {time.time() - at:.1f} s"))
        return status, answer

    def submit(self, task, dice):
        headers = {} if task.once else {"Idempotency-Key": task.name}
        for _ in range(400):
            status, answer = self.ask(task, dice, "POST", "/v1/tasks", task.body, headers)
            if status in (200, 202):
                task.ids.append(answer["id"])
                return
            assert status in (0, 503), (task.name, status, answer)
            if task.once:
                task.refused = status == 503 and answer["error"]["code"] != "accept_unknown"
                return
            time.sleep(0.3)
        raise AssertionError(f"{task.name} was never accepted: {task.told[-5:]}")

    def cancel(self, task, dice):
        task.cancelled = True
        self.ask(task, dice, "POST", f"/v1/tasks/{task.ids[0]}/cancel")

    def look(self, task, dice):
        status, answer = self.ask(task, dice, "GET", f"/v1/tasks/{task.ids[0]}?wait=3")
        if status == 200 and answer["status"] in TERMINAL:
            task.views.append(answer)
