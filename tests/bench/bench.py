"""What Sluice costs: each row is a ratio measured in one run against a reference on the same machine. `make bench`; names on the command line
choose rows. Absolute figures of a shared machine mean little; the ratio and its budget are what to read."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
import rig as parts  # noqa: E402

LOAD = parts.BUILD / "tests/bench/bench_load"
BARE = parts.BUILD / "tests/bench/bench_bare"
ADAPTERS = parts.BUILD / "tests/bench/bench_adapters"
ROWS = []
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))


def row(what, ours, reference, ratio, budget, good):
    ROWS.append((what, ours, reference, ratio, budget, "yes" if good else "NO"))
    print(f"  {what}: {ours} against {reference}; {ratio} (budget {budget}) {'ok' if good else 'MISSED'}", flush=True)


def run(argv):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=600)
    if not done.stdout:
        raise SystemExit(f"{argv}: {done.stderr}")
    return json.loads(done.stdout)


def memory(pid):
    """(private, resident) in KiB."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]), int(fields["VmRSS"].split()[0])


def settled(pid):
    """Memory once it has stopped falling: freed pages go back when the agent is idle."""
    lows = []
    for _ in range(20):
        lows.append(memory(pid))
        time.sleep(0.1)
    return min(lows)


class Bench:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        self.rig = parts.Rig(self.folder)
        self.task = self.folder / "task.json"
        self.task.write_text(json.dumps({"model": "gpt-image-2", "input": {"prompt": "a heron in the reeds at dawn, watercolour", "size": "1024x1024"}}))
        self.image = self.folder / "image.json"
        self.image.write_text(json.dumps({"model": "gpt-image-2", "prompt": "a heron in the reeds at dawn", "size": "1024x1024"}))

    def close(self):
        self.rig.close()

    def ingress(self):
        """An agent that only accepts: nothing is pulled."""
        return self.rig.agent("ingress", app="bench", roles="[ingress]")

    def purge(self):
        """Empties the queue between rows, by deleting and making its streams anew."""
        client = self.rig.client()
        for stream in ("SLUICE_TASKS", "SLUICE_POLL", "KV_SLUICE_JOURNAL", "SLUICE_RESULTS", "SLUICE_EVENTS"):
            client.api(f"STREAM.DELETE.{stream}")
        client.close()

    # -- rows --

    def accept(self):
        agent = self.ingress()
        n = int(20000 * SECONDS / 4)
        bare = run([BARE, self.rig.nats.url, n * 2, 1000, 0, 400])
        for dialect, budget in (("rpc", 0.25), ("http", 0.15)):
            ours = run([LOAD, dialect, agent.socket, 64 if dialect == "http" else 8, n, 0, "/v1/tasks", self.task])
            ratio = ours["rate"] / bare["rate"]
            row(f"accept, saturated, {dialect}", f"{ours['rate']:.0f}/s", f"bare publisher {bare['rate']:.0f}/s", f"{ratio:.2f} x", f">= {budget} x", ratio >= budget)
        rate = 2000
        bare = run([BARE, self.rig.nats.url, rate * SECONDS, 1000, rate, 400])
        for dialect in ("rpc", "http"):
            ours = run([LOAD, dialect, agent.socket, 64 if dialect == "http" else 8, int(rate * SECONDS), rate, "/v1/tasks", self.task])
            for p in ("p50_us", "p99_us"):
                ratio = ours[p] / bare[p]
                row(f"accept at 2,000/s, {dialect}, {p[:3]}", f"{ours[p] / 1000:.2f} ms", f"bare {bare[p] / 1000:.2f} ms", f"{ratio:.2f} x", "<= 2 x", ratio <= 2)
        agent.stop()
        self.purge()

    def synchronous(self):
        agent = self.rig.agent("sync", app="sync")
        rate, count = 200, int(200 * SECONDS)
        direct = run([LOAD, "http", f"127.0.0.1:{self.rig.sim.port}", 32, count, rate, "/openai/v1/images/generations", self.image])
        ours = run([LOAD, "http", agent.socket, 32, count, rate, "/v1/images/generations", self.image])
        for p, budget in (("p50_us", 2000), ("p99_us", 6000)):
            added = ours[p] - direct[p]
            row(f"synchronous image call at 200/s, added at {p[:3]}", f"{ours[p] / 1000:.2f} ms", f"simulator {direct[p] / 1000:.2f} ms", f"+{added / 1000:.2f} ms", f"<= {budget // 1000} ms", added <= budget)
        agent.stop()

    def throughput(self):
        agent = self.rig.agent("through", app="through", extra="slots: 256\n")
        count = int(4000 * SECONDS)
        ours = run([LOAD, "http", agent.socket, 128, count, 0, "/v1/images/generations", self.image])
        row("tasks completed per second, 1 agent", f"{ours['rate']:.0f}/s", "-", "-", ">= 3,000/s", ours["rate"] >= 3000)
        agent.stop()

    def idle(self):
        agent = self.rig.agent("idle", app="idle")
        time.sleep(2)
        private, resident = settled(agent.child.pid)
        row("idle memory, private", f"{private / 1024:.1f} MiB", "-", "-", "<= 4 MiB", private <= 4096)
        row("idle memory, resident", f"{resident / 1024:.1f} MiB", "-", "-", "<= 16 MiB", resident <= 16384)
        agent.stop()

    def waiting(self):
        agent = self.rig.agent("waiting", app="waiting", extra="slots: 64\n")
        body = self.folder / "video.json"
        body.write_text(json.dumps({"model": "sora-2", "input": {"prompt": "a lock fills [sim:job-ms=3600000]", "duration_s": 4}}))
        before, client = None, self.rig.client()
        for total in (500, 1000, 10000):
            have = client.messages("SLUICE_POLL")
            run([LOAD, "rpc", agent.socket, 8, total - have, 0, "-", body])
            parts.until(f"{total} tasks wait at the vendor", lambda: client.messages("SLUICE_POLL") >= total, 300)
            time.sleep(2)
            private, _ = settled(agent.child.pid)
            if before is None:
                before = private  # warmed up: connections, tables
            else:
                grown = private - before
                row(f"memory for {total:,} waiting tasks", f"{private / 1024:.1f} MiB", f"{before / 1024:.1f} MiB with 500", f"+{grown / 1024:.2f} MiB", "<= 1 MiB", grown <= 1024)
        client.close()
        agent.kill()
        self.purge()

    def media(self):
        agent = self.rig.agent("media", app="media", extra="")
        size = 1 << 30
        peak = memory(agent.child.pid)[0]
        before, began = peak, time.monotonic()
        task = agent.submit("sora-2", {"prompt": f"a long river [sim:bytes={size} job-ms=10]", "duration_s": 4})
        while agent.call("GET", f"/v1/tasks/{task['id']}")[2]["status"] in ("queued", "in_progress"):
            peak = max(peak, memory(agent.child.pid)[0])
            time.sleep(0.05)
        seconds = time.monotonic() - began
        view = agent.call("GET", f"/v1/tasks/{task['id']}")[2]
        assert view["status"] == "completed" and view["outputs"][0]["bytes"] >= size, view
        grown = peak - before
        row("1 GiB video through, memory grows", f"{grown / 1024:.1f} MiB", "-", "-", "<= 8 MiB", grown <= 8192)
        row("1 GiB video through, rate (poll waits included)", f"{size / seconds / 1e6:.0f} MB/s", "-", "-", "reported", True)
        agent.stop()

    def adapters(self):
        """Each adapter: what its success case costs, rendered and read, what it keeps in memory, how long it takes to load."""
        files = [file for file in sorted((parts.ROOT / "adapters").glob("*.yaml")) if self.case(file).exists()]
        found = run([ADAPTERS, int(100 * SECONDS), *(path for file in files for path in (file, self.case(file)))])
        least = min(a["task_us"] for a in found)
        for a in sorted(found, key=lambda a: a["task_us"]):
            print(f"    {a['adapter']:28} {a['steps']:2} steps  {a['task_us']:7.0f} us a task  {a['task_us'] / least:5.1f} x the cheapest  "
                  f"{a['bytes'] / 1024:6.0f} KiB  loads in {a['load_us'] / 1000:5.1f} ms")
        most, mean = max(a["task_us"] for a in found), statistics.mean(a["task_us"] for a in found)
        row(f"mapping cost of a task, {len(found)} adapters, mean", f"{mean:.0f} us", f"cheapest {least:.0f} us", f"{mean / least:.1f} x", "<= 1 ms", mean <= 1000)
        row("mapping cost of a task, dearest adapter", f"{most:.0f} us", f"cheapest {least:.0f} us", f"{most / least:.1f} x", "<= 5 ms", most <= 5000)
        small, large = (choose(a["bytes"] for a in found) for choose in (min, max))
        row("memory of a loaded adapter, largest", f"{large / 1024:.0f} KiB", f"smallest {small / 1024:.0f} KiB", f"{large / small:.1f} x", "<= 2 MiB", large <= 2 << 20)
        total = sum(a["load_us"] for a in found) / 1000
        row(f"loading all {len(found)} adapters", f"{total:.0f} ms", f"mean {total / len(found):.1f} ms", "-", "<= 2 s", total <= 2000)

    @staticmethod
    def case(file):
        return parts.ROOT / "tests/adapters" / file.stem / "success.yaml"

    def start(self):
        """From exec to the socket's first answer, five adapters configured."""
        agent = self.rig.agent("start", app="start")
        agent.stop()
        times = []
        for _ in range(7):
            began = time.monotonic()
            agent.start()
            while True:
                try:
                    if parts.http_call(agent.socket, "GET", "/v1/models", timeout=5)[0] == 200:
                        break
                except OSError:
                    time.sleep(0.002)
            times.append((time.monotonic() - began) * 1000)
            agent.stop()
        middle = statistics.median(times)
        row("start to ready, all adapters, median of 7", f"{middle:.0f} ms", "-", "-", "<= 150 ms", middle <= 150)


def main():
    wanted = sys.argv[1:] or ["accept", "synchronous", "throughput", "idle", "waiting", "media", "start", "adapters"]
    bench = Bench()
    try:
        for name in wanted:
            print(f"{name} …", flush=True)
            getattr(bench, name)()
    finally:
        bench.close()
    widths = [max(len(str(r[i])) for r in ROWS + [("what", "ours", "reference", "ratio", "budget", "met")]) for i in range(6)]
    print()
    for r in [("what", "ours", "reference", "ratio", "budget", "met")] + ROWS:
        print("  ".join(str(v).ljust(w) for v, w in zip(r, widths)))
    missed = sum(r[5] == "NO" for r in ROWS)
    print(f"\n{len(ROWS) - missed} of {len(ROWS)} within budget")


if __name__ == "__main__":
    main()
