"""Reads what a chaos test left behind and accounts for every task: what apps were told, what the vendor was paid, what each stream holds."""
import contextlib
import hashlib
import http.client
import json

import rig as parts

TERMINAL = ("completed", "failed", "cancelled", "expired")
MEMORY = 64 << 20  # private bytes of an agent that carries small media, 16 at once
DEAD = ("outcome_unknown",)  # ends that leave a dead letter, of those that are right here
GRACE = 1.0  # seconds that a blow's effects outlive it
LEASE = 25.0  # seconds: an agent that is away for so long may be taken for dead


class Checker:
    """stage: where it was played; load: what apps did; blows: (from, to, text) of what was done to it."""

    def __init__(self, stage, load, blows):
        self.stage, self.load, self.blows = stage, load, sorted(blows)
        self.wrong = []  # (Task or id, text)
        self.ends = {}
        self.paid, self.records, self.made, self.views = {}, {}, {}, {}

    def check(self):
        """Everything; fails with the seed and the shortest history of a task that went wrong."""
        self.end_all()
        self.client = self.stage.client()
        self.read_journal()
        for task in self.load.tasks.values():
            self.one(task)
        self.streams()
        self.memory()
        for task, result in self.stage.heard.different:
            self.fail(task, f"two results were published; the second: {result}")
        if self.wrong:
            raise AssertionError(self.report())
        return self.ends

    def fail(self, task, text):
        """task: a Task, or the id of one, which may be of nobody's."""
        self.wrong.append((self.owner(task) or task, text))

    def owner(self, i):
        return next((task for task in self.load.tasks.values() if i in self.ids_of(task)), None)

    # ---- collecting ----

    def end_all(self):
        """Every accepted task ends; what an agent says of it is kept."""
        ids = [(task, i) for task in self.load.tasks.values() for i in task.ids]
        for n, (task, i) in enumerate(ids):
            try:
                self.views[i] = self.stage.agents[n % len(self.stage.agents)].result(i, 3 * parts.PATIENCE)
            except (AssertionError, OSError) as e:
                self.fail(task, f"{i} was accepted and does not end: {e}")
            if len(self.wrong) > 3:
                break

    def subjects(self, stream):
        return self.client.api(f"STREAM.INFO.{stream}", {"subjects_filter": ">"})["state"].get("subjects") or {}

    def read_journal(self):
        """All records end, also of tasks of which no app was told."""
        ids = [subject.rsplit(".", 1)[1] for subject in self.subjects("KV_SLUICE_JOURNAL")]

        def ended(i):
            self.records[i] = self.client.record("demo", i)
            return self.records[i]["state"] == "ended"

        for i in ids:
            try:
                parts.until(f"record {i} ends", lambda i=i: ended(i), 5 if self.wrong else 2 * parts.PATIENCE)
            except AssertionError:
                self.fail(i, f"the record does not end: {self.records[i]['state']} {self.records[i]['stage']}")
        for i in ids:
            self.made.setdefault(self.records[i].get("metadata", {}).get("name"), []).append(i)

    # ---- one task ----

    def one(self, task):
        self.paid[task.name] = paid = self.stage.sim.paid(prompt=task.prompt)
        made = self.made.get(task.name, [])
        taken_back = [i for i in made if code(self.records[i].get("result")) == "accept_unknown"]
        stands = [i for i in made if i not in taken_back]
        told = set(task.ids)
        if not told <= set(made):
            self.fail(task, f"accepted and lost: {told - set(made)}")
        if told & set(taken_back):
            self.fail(task, f"accepted, and taken back: {told & set(taken_back)}")
        if len(stands) > 1 or len(told) > 1 or (not task.once and len(told) != 1):
            self.fail(task, f"one submission made {len(stands)} tasks, the app was told of {len(told)}: {stands} {told}")
        if task.refused and made:
            self.fail(task, f"refused for sure, and made: {made}")
        if taken_back and not stands and paid["asked"]:
            self.fail(task, f"taken back, and sent to the vendor: {paid}")
        for i in stands:  # of one that was taken back nobody was told, so that nobody waits for its result
            self.result(task, i)
            self.payment(task, self.records[i].get("result"), paid)

    def result(self, task, i):
        """Journal, stream, socket and what an app or a service has seen say the same."""
        record = self.records[i]
        result = record.get("result")
        if result is None:
            return
        try:
            stream = parts.until("its result is published", lambda: self.client.result("demo", i), 5 if self.wrong else parts.PATIENCE)
        except AssertionError as e:
            self.fail(task, f"{i} ended and {e}")
            return
        seen = {"stream": stream, "socket": self.views.get(i, result), "service": self.stage.heard.results.get(i, result)}
        seen.update({f"app {n}": view for n, view in enumerate(task.views)} if i in task.ids else {})
        for who, view in seen.items():
            if view != result:
                self.fail(task, f"{i}: the journal has {json.dumps(result)}, the {who} {json.dumps(view)}")
        letter = self.client.dead("demo", i)
        if (letter is not None) != (code(result) in DEAD):
            self.fail(task, f"{i} ended as {result['status']} {code(result)}, its dead letter: {letter is not None}")
        for n, output in enumerate(result["outputs"]):
            self.medium(task, n, output)
        if result["status"] == "completed" and not result["outputs"]:
            self.fail(task, f"{i} completed without outputs")

    def medium(self, task, n, output):
        agent = self.stage.agents[n % len(self.stage.agents)]
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _, data = agent.call("GET", output["url"])
            if status != 200 or hashlib.sha256(data).hexdigest() != output["digest"] or len(data) != output["bytes"]:
                self.fail(task, f"output {n} of {output['bytes']} bytes, digest {output['digest']}: {status}, {len(data)} bytes, digest {hashlib.sha256(data).hexdigest()}")
            return
        self.fail(task, f"output {n} cannot be read: {output}")

    def payment(self, task, result, paid):
        """Paid once at most; further requests were refused before or carried the key of the first; and it ended for a reason."""
        end = code(result) or (result or {}).get("status", "not ended")
        self.ends[end] = self.ends.get(end, 0) + 1
        if paid["paid"] > 1 or (end == "completed" and paid["paid"] != 1):
            self.fail(task, f"ended as {end} and was paid {paid['paid']} times: {paid}")
        if paid["asked"] != paid["paid"] + paid["refused"] + paid["replayed"] or (paid["replayed"] and task.model != "avatar"):
            self.fail(task, f"requests that nothing explains: {paid}")
        if end not in self.allowed(task):
            self.fail(task, f"ended as {end}, which nothing explains")

    def allowed(self, task):
        ends = {"completed"}
        if task.loses or self.during(task, self.fatal):
            ends.add("outcome_unknown")
        if "policy" in task.fault:
            ends.add("content_policy_violation")
        if task.cancelled:
            ends.add("cancelled")
        return ends

    # ---- the whole ----

    def streams(self):
        """Nothing is left in the work queues but messages of which there never was a record: no app was told, and they are dropped in their own time."""
        for stream in ("SLUICE_TASKS", "SLUICE_POLL"):
            def left(s=stream):
                return [i for i in (subject.rsplit(".", 1)[1] for subject in self.subjects(s)) if i in self.records]

            try:
                parts.until(f"{stream} is empty", lambda: not left(), 5 if self.wrong else 2 * parts.PATIENCE)  # noqa: B023
            except AssertionError:
                for i in left():
                    self.fail(i, f"is still in {stream}")

    def memory(self):
        for agent, most in self.stage.memory.most.items():
            if most > MEMORY:
                self.fail(None, f"{agent} had {most >> 20} MiB of its own")

    # ---- the report ----

    def span(self, task):
        """From when to when a task lived."""
        ends = [self.records[i].get("ended_ms", 0) / 1000 for i in self.ids_of(task) if i in self.records]
        return task.told[0][0], max([at for at, _, _ in task.told] + ends)

    def ids_of(self, task):
        return sorted({*task.ids, *self.made.get(task.name, [])})

    @staticmethod
    def fatal(since, until, text):
        """After this blow others may take the place of an agent, and cannot know what it had sent."""
        return text.startswith(("kill agent", "stop agent")) or ("agent" in text and until - since > LEASE)

    def during(self, task, which=lambda *blow: True):
        """The blows of that kind in the life of a task."""
        start, end = self.span(task)
        return [blow for blow in self.blows if which(*blow) and blow[0] <= end + GRACE and blow[1] + GRACE >= start]

    def history(self, task):
        """Lines, oldest first."""
        ids, lines = [task], []
        if not isinstance(task, str):
            ids = self.ids_of(task)
            lines += [(at, f"app to {agent}: {text}") for at, agent, text in task.told]
            lines += [(since, f"blow: {text}, for {until - since:.1f} s") for since, until, text in self.during(task)]
        for i in ids:
            lines += [(at, f"{agent}: {text}") for at, agent, text in self.stage.lines(i)]
        return [f"{at:.3f} {text}" for at, text in sorted(lines)]

    def report(self):
        """The seed, what is wrong, and the shortest history of a task that is."""
        def name(task):
            return task if isinstance(task, str | None) else f"{task.name} ({task.model}{' once' if task.once else ''} {task.fault})"

        lines = [f"SLUICE_CHAOS_SEED={self.load.seed}: {len(self.wrong)} things are wrong with {len(self.load.tasks)} tasks"]
        lines += [f"  {name(task)}: {text[:1500]}" for task, text in self.wrong[:12]]
        histories = [(self.history(task), task) for task, _ in self.wrong[:200] if task is not None]
        if histories:
            shortest, task = min(histories, key=lambda pair: len(pair[0]))
            lines += [f"the shortest history, of {name(task)}:", *(f"  {line[:500]}" for line in shortest)]
            for i in [task] if isinstance(task, str) else self.ids_of(task):
                lines.append(f"  record {json.dumps(self.records.get(i))[:3000]}")
            if not isinstance(task, str):
                lines.append(f"  vendor {self.paid.get(task.name)}")
        return "\n".join(lines)


def code(result):
    """The error code of a result, or None."""
    return ((result or {}).get("error") or {}).get("code")
