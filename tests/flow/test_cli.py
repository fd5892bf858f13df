"""The commands: what they ask of an agent, what they say, how they end. Most talk to a socket without an agent behind it."""
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest
from fake_agent import ID, Answer, FakeAgent, error, event
from rig import BUILD, PATIENCE, ROOT, until

SLUICE = (BUILD / "sluice").resolve()
DONE, FAILED, USAGE, AWAY = 0, 1, 2, 3
ADAPTERS = ROOT / "adapters"
CASES = ROOT / "tests" / "adapters"


def sluice(*words, env=None, cwd=None, stdin="", **more):
    """Runs a command with no setting in its environment but those given."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
    return subprocess.run([str(SLUICE), *map(str, words)], env={**clean, **(env or {})}, cwd=cwd, input=stdin, capture_output=True,
                          text=True, timeout=PATIENCE, **more)


def on_terminal(*words, env=None, stream="stderr", cwd=None):
    """Runs a command with one of its streams on a terminal: exit code and what the terminal saw."""
    ours, its = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: its}
    child = subprocess.Popen([str(SLUICE), *map(str, words)], env={**clean, "TERM": "xterm", **(env or {})}, cwd=cwd, stdin=subprocess.DEVNULL, **streams)
    os.close(its)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break  # the last one who had it open is gone
        if not piece:
            break
        seen += piece
    child.communicate(timeout=PATIENCE)
    os.close(ours)
    return child.returncode, seen


@pytest.fixture
def fake(tmp_path):
    f = FakeAgent(tmp_path)
    yield f
    f.close()


@pytest.fixture
def ask(fake, tmp_path):
    """Runs a command against the fake agent, in a folder of its own."""
    home = tmp_path / "here"
    home.mkdir()
    run = lambda *words, **more: sluice("-s", fake.socket, *words, cwd=home, **more)
    run.home = home
    return run


# ---- the command line ----


@pytest.mark.parametrize("words, part", [
    ([], "usage: sluice COMMAND"),
    (["frobnicate"], "there is no command frobnicate"),
    (["--frobnicate"], "a command is missing before --frobnicate"),
    (["-s", "/x"], "a command is missing"),
    (["help", "frobnicate"], "there is no command frobnicate"),
    (["get"], "something is missing"),
    (["get", ID, ID], f'what is "{ID}"?'),
    (["get", "--frobnicate", ID], "there is no option --frobnicate"),
    (["get", "42"], '"42" is not the id of a task'),
    (["get", ID, "--wait", "soon"], "--wait must be a duration"),
    (["get", ID, "--wait", "1h"], "--wait is at most 540 s"),
    (["run"], "something is missing"),
    (["run", "m", "-f"], "--field needs a value"),
    (["run", "m", "-f", "prompt"], 'must be key=value'),
    (["run", "m", "-k", "image.paint"], '"image.paint" is no kind of task'),
    (["run", "m", "-p", "urgent"], "--priority must be high, normal or low"),
    (["run", "m", "--deadline", "8d"], "--deadline must be 1s to 7d"),
    (["run", "m", "--json", "-o", "-"], "both want the standard output"),
    (["submit", "m", "-m", "a:=1"], "only texts are taken here"),
    (["list", "--status", "done"], '"done" is no status'),
    (["list", "--limit", "0"], "--limit must be a number from 1 to 100"),
    (["output", ID, "first"], '"first" is not the number of an output'),
    (["check"], "something is missing"),
    (["try", "fal"], "something is missing behind fal"),
    (["setup", "-c"], "--config needs a value"),
])
def test_usage(words, part):
    """A slip on the command line is told with the word that is wrong, before anything else happens."""
    r = sluice(*words)
    assert (r.returncode, r.stdout) == (USAGE, "")
    assert part in r.stderr


def test_help():
    """Help is there for everything, on stdout, and names what it helps with."""
    everything = sluice("help")
    assert everything.returncode == DONE and not everything.stderr
    commands = re.findall(r"^  (\w+) ", everything.stdout, re.M)
    assert {"run", "submit", "get", "watch", "cancel", "list", "output", "check", "try", "setup", "health", "dev"} <= set(commands)
    for command in set(commands) - {"help", "version"}:
        for words in (["help", command], [command, "--help"], [command, "-h"]):
            r = sluice(*words)
            assert (r.returncode, r.stderr) == (DONE, "")
            assert re.match(rf"usage: sluice {command}\b", r.stdout)
            assert ("--json" in r.stdout) == (command != "agent")
            assert ("--socket" in r.stdout) == (command not in {"agent", "check", "try", "setup", "dev", "config", "dead", "fleet", "breaker"})


def test_version():
    """All ways to ask for the version give the one of the changelog."""
    version = re.search(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)[1]
    for word in ("version", "--version", "-V"):
        r = sluice(word)
        assert (r.returncode, r.stdout) == (DONE, f"sluice {version}\n")


@pytest.mark.parametrize("words", [["health"], ["run", "m", "-f", "prompt=x"], ["submit", "m"], ["get", ID], ["watch", ID], ["cancel", ID],
                                   ["list"], ["output", ID], ["models"]])
def test_nobody_there(words, tmp_path):
    """Without an agent each command ends with 3 and says which socket it tried, however it was named."""
    path = str(tmp_path / "none.sock")
    for r in (sluice(*words, "-s", path), sluice("-s", path, *words), sluice(*words, env={"SLUICE_SOCKET": path})):
        assert r.returncode == AWAY, r.stderr
        assert f"no agent answers at {path}: No such file or directory" in r.stderr


def test_proxy_is_not_asked(ask, fake):
    """A proxy in the environment is none of the socket's business."""
    fake.routes[("GET", "/v1/models")] = {"object": "list", "data": []}
    assert ask("models", env={"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}).returncode == DONE


def test_health(ask, fake):
    """Health asks whether the socket answers, not whether all is well."""
    fake.routes[("GET", "/v1/models")] = error(503, "draining", "no")
    r = ask("health", "--timeout", "30s")
    assert (r.returncode, r.stdout) == (DONE, "ok\n")
    fake.routes[("GET", "/v1/models")] = lambda _: time.sleep(3)
    r = ask("health", "--timeout", "300ms")
    assert r.returncode == AWAY and "no agent answers" in r.stderr


# ---- submit, run ----


def test_submit(ask, fake):
    """A task is sent as the words say, each field in the type that its schema has."""
    fake.serve_task()
    r = ask("submit", "flux", "-f", "prompt=42", "-f", "n=2", "-f", "vendor.cfg=7", "-f", "strength=0.1", "-f", "images=https://a/b.png", "-k", "image.edit", "-p", "high",
            "--deadline", "10m", "-m", "order=7", "-K", "key-1")
    assert (r.returncode, r.stdout, r.stderr) == (DONE, ID + "\n", "")
    [sent] = fake.of("POST", "/v1/tasks")
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["Idempotency-Key"] == "key-1"
    assert b"0.1," in sent.body
    assert sent.json() == {
        "model": "flux", "kind": "image.edit", "priority": "high", "deadline_s": 600, "metadata": {"order": "7"},
        "input": {"prompt": "42", "n": 2, "vendor": {"cfg": 7}, "strength": 0.1, "images": ["https://a/b.png"]},
    }
    assert json.loads(ask("submit", "flux", "--json").stdout) == {"id": ID, "status": "queued"}


def test_submit_chat(ask, fake):
    """A prompt for a chat becomes a message."""
    fake.serve_task()
    ask("submit", "gpt", "-k", "text.chat", "-f", "prompt=hello")
    [sent] = fake.of("POST", "/v1/tasks")
    assert sent.json()["input"] == {"messages": [{"role": "user", "content": "hello"}]}


def test_refused(ask, fake):
    """A refusal is told in the agent's words with its code, its field and what to do; as JSON too."""
    fake.routes[("POST", "/v1/tasks")] = error(404, "model_not_found", "nope is not configured", "model")
    r = ask("submit", "nope")
    assert (r.returncode, r.stdout) == (FAILED, "")
    assert "model_not_found: nope is not configured (model)" in r.stderr
    assert "sluice models" in r.stderr
    assert json.loads(ask("submit", "nope", "--json").stdout)["error"]["code"] == "model_not_found"
    fake.routes[("POST", "/v1/tasks")] = error(503, "fleet_full", "full", Retry_After="5")
    assert "again in 5 s" in ask("submit", "m").stderr
    fake.routes[("POST", "/v1/tasks")] = Answer(500, b"oh\x1b[2J no")
    r = ask("submit", "m")
    assert r.returncode == FAILED and "status 500: oh?[2J no" in r.stderr


def test_run(ask, fake):
    """A task is followed to its end and its output saved under a name of its own, which is all that is printed."""
    fake.serve_task(model="flux/dev")
    r = ask("run", "flux/dev", "-f", "prompt=x")
    assert (r.returncode, r.stdout, r.stderr) == (DONE, "flux-dev-15dc14.png\n", "")
    assert (ask.home / "flux-dev-15dc14.png").read_bytes() == b"\x89PNG\r\n\x1a\n-picture"
    assert [p.name for p in ask.home.iterdir()] == ["flux-dev-15dc14.png"]


@pytest.mark.parametrize("to, names", [("x.png", ["x-0.png", "x-1.png"]), ("out", ["out/m-15dc14-0.png", "out/m-15dc14-1.png"])])
def test_run_several(ask, fake, to, names):
    """Several outputs are numbered, in a folder too."""
    (ask.home / "out").mkdir()
    fake.serve_task(outputs=[b"one", b"two"])
    r = ask("run", "m", "-o", to)
    assert (r.returncode, r.stdout.split()) == (DONE, names)
    assert [(ask.home / n).read_bytes() for n in names] == [b"one", b"two"]


def test_run_json(ask, fake):
    """With --json the whole task is printed, with the files' names."""
    fake.serve_task()
    task = json.loads(ask("run", "m", "--json", "-o", "x.png").stdout)
    assert task["status"] == "completed" and task["outputs"][0]["file"] == "x.png"


def test_run_failed(ask, fake):
    """A task that failed is a command that failed, with the reason."""
    fake.serve_task(outputs=[], status="failed", error={"code": "content_policy_violation", "message": "the vendor refused it", "type": "task_error"})
    r = ask("run", "m")
    assert (r.returncode, r.stdout) == (FAILED, "")
    assert "content_policy_violation: the vendor refused it" in r.stderr


def test_run_output_missing(ask, fake):
    """One output that is missing does not keep the others from being saved, and is a failure."""
    view = fake.serve_task(outputs=[b"one", b"two"])
    view["outputs"][0] = {"type": "image/png", "error": {"code": "output_unavailable", "message": "gone", "type": "x"}}
    r = ask("run", "m", "-o", "x.png")
    assert (r.returncode, r.stdout) == (FAILED, "x-1.png\n")
    assert "output 0 is missing" in r.stderr
    assert [p.name for p in ask.home.iterdir()] == ["x-1.png"]


def test_run_chat(ask, fake):
    """The text of a chat is printed, or written to a file."""
    fake.serve_task(outputs=[], choices=[{"message": {"role": "assistant", "content": "Good day."}}])
    assert ask("run", "m").stdout == "Good day.\n"
    ask("run", "m", "-o", "x.txt")
    assert (ask.home / "x.txt").read_text() == "Good day.\n"


def test_broken_download(ask, fake):
    """A download that breaks off leaves no file that looks whole."""
    fake.serve_task()
    fake.routes[("GET", f"/v1/tasks/{ID}/outputs/0")] = Answer(200, b"half", {"Content-Length": "100", "Connection": "close"})
    r = ask("run", "m", "-o", "x.png")
    assert r.returncode == FAILED and "broke off" in r.stderr
    assert list(ask.home.iterdir()) == []


def test_attach(ask, fake):
    """Files are uploaded first with the type their bytes tell, and stand in the input where the kind has them."""
    (ask.home / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"a" * 5000)
    (ask.home / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"b" * 50)
    (ask.home / "s.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    fake.serve_task()
    fake.routes[("GET", "/v1/models")] = {"data": [{"id": "v", "kinds": ["video.generate"]}, {"id": "i", "kinds": ["image.generate", "image.edit"]}]}
    fake.routes[("POST", "/v1/media")] = lambda a: {"media": f"{len(a.body):064x}", "type": a.headers["Content-Type"]}
    ref = lambda n, type: {"media": f"{n:064x}", "type": type}
    assert ask("submit", "v", "-i", "a.png", "-i", "s.wav").returncode == DONE
    assert ask("submit", "i", "-i", "a.png", "-i", "b.png", "-i", "mask=b.png").returncode == DONE
    assert [a.body[-1:] for a in fake.of("POST", "/v1/media")][:1] == [b"a"]
    video, image = [a.json() for a in fake.of("POST", "/v1/tasks")]
    assert video["kind"] == "video.generate"
    assert video["input"] == {"image": ref(5008, "image/png"), "audio": ref(16, "audio/wav")}
    assert "kind" not in image
    assert image["input"] == {"images": [ref(5008, "image/png"), ref(58, "image/png")], "mask": ref(58, "image/png")}


def test_attach_stdin(ask, fake):
    """A medium may come through a pipe, whose size nobody knows beforehand."""
    fake.serve_task()
    fake.routes[("POST", "/v1/media")] = lambda a: {"media": "c" * 64}
    r = subprocess.run(f"printf abc | {SLUICE} -s {fake.socket} submit m -k image.upscale -i image=-", shell=True, capture_output=True, text=True, timeout=PATIENCE)
    assert r.returncode == DONE, r.stderr
    [sent] = fake.of("POST", "/v1/media")
    assert (sent.body, sent.headers["Content-Type"]) == (b"abc", "application/octet-stream")
    assert fake.of("POST", "/v1/tasks")[0].json()["input"] == {"image": {"media": "c" * 64}}


@pytest.mark.parametrize("words, part", [
    (["-i", "none.png"], "none.png cannot be read: No such file or directory"),
    (["-i", "empty"], "empty is empty"),
    (["-i", "x.txt"], "x.txt is application/octet-stream"),
    (["-k", "image.upscale", "-i", "a.png", "-i", "a.png"], "a.png would be a second image"),
    (["-k", "audio.speech", "-i", "a.png"], "audio.speech takes none by itself"),
])
def test_attach_refused(ask, fake, words, part):
    """A file that cannot be attached is told, and no task is made."""
    (ask.home / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (ask.home / "x.txt").write_text("words")
    (ask.home / "empty").touch()
    fake.serve_task()
    fake.routes[("POST", "/v1/media")] = {"media": "c" * 64}
    r = ask("submit", "m", *words)
    assert r.returncode in (FAILED, USAGE) and part in r.stderr
    assert not fake.of("POST", "/v1/tasks")


# ---- watch ----


def test_watch(ask, fake):
    """Each event is a line, for people or as JSON; the exit code tells how the task ended."""
    fake.serve_task()
    r = ask("watch", ID)
    assert (r.returncode, r.stderr) == (DONE, "")
    assert [line.split()[1:] for line in r.stdout.splitlines()] == [["queued", "accepted"], ["in_progress", "vendor_running", "40", "%"], ["completed"]]
    events = [json.loads(line) for line in ask("watch", ID, "--json").stdout.splitlines()]
    assert [e["id"] for e in events] == ["1.0", "2.0", "3.0"]
    fake.serve_task(status="expired", error={"code": "deadline_exceeded", "message": "too late", "type": "x"})
    r = ask("watch", ID)
    assert r.returncode == FAILED and "deadline_exceeded: too late" in r.stderr


def test_watch_resumes(ask, fake):
    """A stream that breaks off is taken up where it was, and an event that was cut in half is not lost."""
    fake.serve_task()
    second = event(2, "in_progress", "vendor_running", 40)
    streams = [[event(1, "queued"), second[:30]], [second], [], [event(3, "completed")]]
    fake.routes[("GET", f"/v1/tasks/{ID}/events")] = lambda _: Answer(200, iter(streams.pop(0)))
    r = ask("watch", ID, "--json")
    assert r.returncode == DONE, r.stderr
    assert [json.loads(line)["id"] for line in r.stdout.splitlines()] == ["1.0", "2.0", "3.0"]
    assert [a.headers.get("Last-Event-ID") for a in fake.of("GET", f"/v1/tasks/{ID}/events")] == [None, "1.0", "2.0", "2.0"]


def test_watch_unknown(ask, fake):
    """A task that is not there is told at once."""
    fake.routes[("GET", f"/v1/tasks/{ID}/events")] = error(404, "task_not_found", "no task of this app has that id")
    r = ask("watch", ID)
    assert r.returncode == FAILED and "task_not_found" in r.stderr and "sluice list" in r.stderr


def test_interrupt(fake, tmp_path):
    """Ctrl-C ends the watching and says how to go on with the task."""
    fake.serve_task()

    def endless():
        yield event(1, "queued")
        for _ in range(600):
            time.sleep(0.1)
            yield b": still here\n\n"

    fake.routes[("GET", f"/v1/tasks/{ID}/events")] = lambda _: Answer(200, endless())
    child = subprocess.Popen([str(SLUICE), "-s", fake.socket, "run", "m"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    until("the stream is asked for", lambda: fake.of("GET", f"/v1/tasks/{ID}/events"))
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out) == (FAILED, "")
    assert f"sluice watch {ID}" in err and f"sluice cancel {ID}" in err
    assert not fake.of("POST", f"/v1/tasks/{ID}/cancel")


def test_progress(fake, tmp_path):
    """On a terminal the progress is drawn and cleared again; the file's name is not in its way."""
    fake.serve_task()
    code, seen = on_terminal("-s", fake.socket, "run", "m", "-o", "x.png", cwd=tmp_path)
    assert code == DONE
    assert b" 40 %  vendor_running" in seen and b"[" in seen
    assert seen.endswith(b"\r\x1b[K")
    code, seen = on_terminal("-s", fake.socket, "run", "m", "-o", "x.png", cwd=tmp_path, env={"TERM": "dumb"})
    assert (code, seen) == (DONE, b"")


# ---- get, list, cancel, output ----


def test_get(ask, fake):
    """A task in a few lines, or as JSON; waiting is the agent's."""
    fake.serve_task(vendor={"adapter": "fal", "model": "x", "id": "r-1"}, cost={"amount": 0.04, "unit": "usd"})
    lines = dict(line.split(None, 1) for line in ask("get", ID).stdout.splitlines())
    assert lines["task"] == ID and lines["status"] == "completed" and lines["vendor"] == "fal x, there r-1" and lines["cost"] == "0.04 usd"
    assert json.loads(ask("get", ID, "--json", "--wait", "1500ms").stdout)["id"] == ID
    assert fake.of("GET", f"/v1/tasks/{ID}")[-1].query == {"wait": "2"}


def test_list(ask, fake):
    """Filters go to the agent as they are; people get a table, and the word for the next page."""
    task = {"id": ID, "status": "in_progress", "stage": "vendor_running", "model": "flux", "created_at": int(time.time()) - 65}
    fake.routes[("GET", "/v1/tasks")] = {"object": "list", "data": [task], "has_more": True}
    r = ask("list", "--status", "in_progress", "--model", "a b&c", "--limit", "1", "--after", ID)
    assert r.returncode == DONE
    assert fake.of("GET", "/v1/tasks")[0].query == {"limit": "1", "status": "in_progress", "model": "a b&c", "after": ID}
    head, row = r.stdout.splitlines()
    assert head.split() == ["TASK", "STATUS", "STAGE", "AGE", "MODEL"]
    assert row.split()[:3] == [ID, "in_progress", "vendor_running"] and row.split()[-1] == "flux"
    assert f"--after {ID}" in r.stderr
    fake.routes[("GET", "/v1/tasks")] = {"object": "list", "data": [], "has_more": False}
    assert ask("list").stdout == ""
    assert json.loads(ask("list", "--json").stdout)["data"] == []


@pytest.mark.parametrize("outcome, code", [("cancelled", DONE), ("cancellation_requested", DONE), ("already_completed", FAILED)])
def test_cancel(ask, fake, outcome, code):
    """Each outcome is printed with its task; only a task that ends otherwise is a failure."""
    fake.routes[("POST", f"/v1/tasks/{ID}/cancel")] = {"id": ID, "status": outcome, "task": {}}
    r = ask("cancel", ID)
    assert (r.returncode, r.stdout) == (code, f"{ID} {outcome}\n")
    assert "Content-Type" not in fake.asked[0].headers


def test_output(ask, fake):
    """One output by its number, to a file or through a pipe."""
    fake.serve_task(outputs=[b"one", b"two"])
    assert ask("output", ID, "-o", "x").stdout == "x\n"
    assert (ask.home / "x").read_bytes() == b"one"
    r = ask("output", ID, "1", "-o", "-")
    assert (r.returncode, r.stdout) == (DONE, "two")
    r = ask("output", ID, "2")
    assert r.returncode == FAILED and "there is no such output; the task has 2" in r.stderr
    r = ask("output", ID, "-o", "/nonexistent/x")
    assert r.returncode == FAILED and "/nonexistent/x.part cannot be written: No such file or directory" in r.stderr
    r = ask("output", ID, "-o", "-", preexec_fn=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1))
    assert r.returncode == FAILED and "cannot be written" in r.stderr


def test_output_not_yet(ask, fake):
    """A task without a result has no output, and says what to do."""
    fake.serve_task(outputs=[], status="in_progress")
    r = ask("output", ID)
    assert r.returncode == FAILED and "the task is in_progress" in r.stderr and f"sluice watch {ID}" in r.stderr


def test_no_binary_to_a_terminal(fake):
    """A picture is not written to a terminal."""
    fake.serve_task()
    code, seen = on_terminal("-s", fake.socket, "output", ID, "-o", "-", stream="stdout")
    assert code == USAGE and b"PNG" not in seen
    assert not fake.of("GET", f"/v1/tasks/{ID}/outputs/0")


def test_models(ask, fake):
    """What can be asked for, with the kinds of each."""
    fake.routes[("GET", "/v1/models")] = {"data": [{"id": "a", "kinds": ["image.generate", "image.edit"]}, {"id": "b", "kinds": []}]}
    assert ask("models").stdout == "a\timage.generate, image.edit\nb\n"


def test_not_an_agent(ask, fake):
    """Something else on the socket is told as such."""
    fake.routes[("GET", "/v1/models")] = Answer(200, b"hello")
    r = ask("models")
    assert r.returncode == FAILED and "the answer is no JSON" in r.stderr


# ---- check ----

GOOD = """\
app: shop
adapters: [{adapters}]
models:
  flux: {{ adapter: fal, model: fal-ai/flux/dev, key: main }}
keys:
  main: [{{ id: one, env: SLUICE_TEST_NO_SUCH_KEY }}]
"""


def test_check_good(tmp_path):
    """What is right is said to be, adapters and a configuration told apart by themselves."""
    conf = tmp_path / "sluice.yaml"
    conf.write_text(GOOD.format(adapters=ADAPTERS))
    r = sluice("check", *sorted(ADAPTERS.glob("*.yaml")), conf, "--no-secrets")
    assert (r.returncode, r.stderr) == (DONE, "")
    assert [line.rsplit(": ", 1)[1] for line in r.stdout.splitlines()] == ["ok"] * (len(list(ADAPTERS.glob("*.yaml"))) + 1)


def test_check_adapters_that_came_along(tmp_path):
    """Without the setting the adapters count that came with the program."""
    conf = tmp_path / "sluice.yaml"
    conf.write_text("\n".join(line for line in GOOD.format(adapters="").splitlines() if not line.startswith("adapters")))
    r = sluice("check", conf, "--no-secrets")
    assert (r.returncode, r.stderr) == (DONE, "")


def test_check_secrets(tmp_path):
    """Keys are looked for unless told otherwise, and no check prints one."""
    conf = tmp_path / "sluice.yaml"
    conf.write_text(GOOD.format(adapters=ADAPTERS))
    r = sluice("check", conf)
    assert r.returncode == FAILED
    assert re.search(r"sluice\.yaml:6:\d+: key one: the environment variable SLUICE_TEST_NO_SUCH_KEY is not set", r.stderr)
    r = sluice("check", conf, env={"SLUICE_TEST_NO_SUCH_KEY": "very-secret"})
    assert r.returncode == DONE and "very-secret" not in r.stdout + r.stderr


@pytest.mark.parametrize("text, told", [
    ("app: x\nslot: 3\n", "2:1: there is no setting slot"),
    ("app: x\nslots: [1, 2\nlanes: a\n", "3:"),
    ("nats: nats://elsewhere\n", "1:1: nats must be a mapping of its settings"),
    ("nats:\n  replicas: 9\n", "2:3: nats.replicas must be 1 to 5 (got 9)"),
    ("roles: [worker]\n", "1:1: there is no role worker"),
    ("models:\n  a: { adapter: nope }\nkeys: { nope: [{ id: a, env: HOME }] }\n", "2:3: model a wants adapter nope"),
    ("models:\n  a: { adapter: fal }\n", "2:3: model a wants the keys of pool fal"),
    ("adapter: fal\nhosts: 5\n", "2:1: "),
    ("adapter: fal\nnonsense: 1\n", "2:1: "),
])
def test_check_mistakes(tmp_path, text, told):
    """Each mistake is told as file:line:column and what to do, and as JSON with the same."""
    file = tmp_path / "x.yaml"
    file.write_text(text)
    env = {"SLUICE_ADAPTERS": str(ADAPTERS)}
    r = sluice("check", file, "--no-secrets", env=env)
    assert (r.returncode, r.stdout) == (FAILED, "")
    assert f"{file}:{told}" in r.stderr
    first = json.loads(sluice("check", file, "--no-secrets", "--json", env=env).stdout)[0]
    assert first["file"] == str(file) and f"{first['line']}:{first['column']}: {first['text']}".startswith(told)


def test_check_expression(tmp_path):
    """An adapter's expression that does not compile is told at its place."""
    text = (ADAPTERS / "fal.yaml").read_text()
    line = next(i for i, l in enumerate(text.splitlines(), 1) if l.startswith("  text: ["))
    file = tmp_path / "fal.yaml"
    file.write_text(text.replace("  text: [", "  text: ['.body.(', ", 1))
    r = sluice("check", file)
    assert r.returncode == FAILED and f"{file}:{line}:" in r.stderr


def test_check_other(tmp_path):
    """A file that cannot be read, or is a case, is said to be; the good ones are checked all the same."""
    r = sluice("check", tmp_path / "none.yaml", CASES / "fal" / "avatar.yaml", ADAPTERS / "fal.yaml")
    assert r.returncode == FAILED
    assert "none.yaml: cannot be read: No such file or directory" in r.stderr
    assert "this is a case; `sluice try ADAPTER CASE` runs it" in r.stderr
    assert "fal.yaml: ok" in r.stdout


def test_check_documentation(tmp_path):
    """The example of the documentation is a configuration that passes."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    conf = tmp_path / "sluice.yaml"
    conf.write_text(re.search(r"```yaml\n(.*?)```", page, re.S)[1])
    r = sluice("check", conf, "--no-secrets", env={"SLUICE_ADAPTERS": str(ADAPTERS)})
    assert (r.returncode, r.stderr) == (DONE, "")


# ---- try ----


def test_try():
    """A case is run without network: what is sent and what the answers mean."""
    r = sluice("try", "fal", CASES / "fal" / "avatar.yaml", "--adapters", ADAPTERS)
    assert (r.returncode, r.stderr) == (DONE, "")
    assert "operation avatar.generate" in r.stdout and '"url": "https://queue.fal.run/fal-ai/omnihuman"' in r.stdout
    rows = json.loads(sluice("try", ADAPTERS / "fal.yaml", CASES / "fal" / "avatar.yaml", "--json").stdout)
    assert rows[1] == {"operation": "avatar.generate"} and rows[2]["request"]["method"] == "POST"


def test_try_differs(tmp_path):
    """What the case wants otherwise is told by its place in the case."""
    case = tmp_path / "case.yaml"
    case.write_text((CASES / "fal" / "avatar.yaml").read_text().replace("face.png\", audio_url", "other.png\", audio_url"))
    r = sluice("try", ADAPTERS / "fal.yaml", case)
    assert r.returncode == FAILED
    assert "/steps/0/request/json/image_url differs" in r.stderr and "1 difference" in r.stderr


def test_try_refuses(tmp_path):
    """An adapter or a case that is not there, or is none, is told."""
    r = sluice("try", "nope", CASES / "fal" / "avatar.yaml")
    assert r.returncode == FAILED and "there is no adapter nope" in r.stderr
    r = sluice("try", ADAPTERS / "fal.yaml", tmp_path / "none.yaml")
    assert r.returncode == FAILED and "none.yaml: No such file or directory" in r.stderr
    for text in ("task: 1\n", "{", "[]", "steps: []\ntask: {}\n"):
        (tmp_path / "bad.yaml").write_text(text)
        r = sluice("try", ADAPTERS / "fal.yaml", tmp_path / "bad.yaml")
        assert r.returncode == FAILED and "bad.yaml" in r.stderr


# ---- setup ----


def test_setup_without_nats(tmp_path):
    """Without NATS setup ends with 3 after its time and names the server it tried."""
    r = sluice("setup", "--timeout", "1s", env={"SLUICE_NATS_URL": "nats://127.0.0.1:1"})
    assert r.returncode == AWAY and "NATS cannot be reached at nats://127.0.0.1:1" in r.stderr
    r = sluice("setup", "-c", tmp_path / "none.yaml")
    assert r.returncode == FAILED and "none.yaml: cannot be read" in r.stderr


# ---- with an agent ----


def test_setup(rig, tmp_path):
    """Setup makes everything once; verifying finds what is missing and what differs, and alters nothing."""
    env = {"SLUICE_NATS_URL": rig.nats.url, "SLUICE_STREAMS_MEDIA_BYTES": "1GiB", "SLUICE_STREAMS_TASKS_BYTES": "64MiB", "SLUICE_STREAMS_RESULTS_BYTES": "64MiB"}
    r = sluice("setup", "--verify", env=env)
    assert r.returncode == FAILED and "SLUICE_TASKS does not exist" in r.stderr
    r = sluice("setup", env=env)
    assert r.returncode == DONE and "SLUICE_TASKS: created" in r.stdout and "consumer default_high: created" in r.stdout
    r = sluice("setup", "--verify", env=env)
    assert r.returncode == DONE and "SLUICE_TASKS: ok" in r.stdout
    lines = json.loads(sluice("setup", "--json", env=env).stdout)
    assert "SLUICE_TASKS: ok" in lines
    r = sluice("setup", env={**env, "SLUICE_STREAMS_TASKS_BYTES": "32MiB"})
    assert r.returncode == FAILED and "max_bytes is 67108864 but this configuration says 33554432; nothing was altered" in r.stderr
    r = sluice("setup", env={**env, "SLUICE_NATS_REPLICAS": "3"})
    assert r.returncode == FAILED


def test_agent_run(shared, tmp_path):
    """Against an agent: a picture, a video, speech and a picture made from a picture, with the bytes that the task names."""
    socket = shared.agents[0].socket
    for words, magic in (
        (["gpt-image-2", "-f", "prompt=a fox", "-o", "fox.png"], b"\x89PNG"),
        (["sora-2", "-f", "prompt=water", "-f", "duration_s=4", "-o", "water.mp4"], b"ftyp"),
        (["tts-1", "-f", "text=hello", "-f", "voice=alloy", "-o", "hello.mp3"], b""),
        (["gpt-image-2", "-f", "prompt=again", "-i", "fox.png", "-o", "again.png"], b"\x89PNG"),
    ):
        r = sluice("-s", socket, "run", *words, "--json", cwd=tmp_path)
        assert r.returncode == DONE, r.stderr
        task = json.loads(r.stdout)
        data = (tmp_path / words[-1]).read_bytes()
        assert magic in data[:12] and len(data) == task["outputs"][0]["bytes"]
    assert task["kind"] == "image.edit"
    listed = json.loads(sluice("-s", socket, "list", "--model", "gpt-image-2", "--json").stdout)
    assert len(listed["data"]) == 2 and listed["data"][0]["id"] == task["id"]


def test_agent_refuses(shared):
    """Against an agent: what it refuses reads well."""
    socket = shared.agents[0].socket
    r = sluice("-s", socket, "run", "gpt-image-2", "-f", "prmpt=x")
    assert r.returncode == FAILED and 'did you mean "prompt"' in r.stderr
    r = sluice("-s", socket, "submit", "flux", "-f", "prompt=x")
    assert r.returncode == FAILED and "name it with -k" in r.stderr
    r = sluice("-s", socket, "cancel", ID)
    assert r.returncode == FAILED and "task_not_found" in r.stderr


# ---- dev ----


class Dev:
    def __init__(self, folder):
        env = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
        self.child = subprocess.Popen([str(SLUICE), "dev", "--dir", str(folder), "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        assert line, self.child.stderr.read()
        self.ready = json.loads(line)

    def stop(self):
        self.child.send_signal(signal.SIGINT)
        self.child.communicate(timeout=PATIENCE)
        return self.child.returncode


def children(pid):
    """The processes whose parent is pid."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/stat") as file:
                found += [int(name)] if int(file.read().rsplit(")", 1)[1].split()[1]) == pid else []
    return found


def test_dev(tmp_path):
    """Everything starts with one word, works without keys, ends with Ctrl-C, and is there again the next time."""
    folder = tmp_path / "state"
    dev = Dev(folder)
    pids = children(dev.child.pid)
    try:
        socket = dev.ready["socket"]
        r = sluice("dev", "--dir", folder)
        assert r.returncode == FAILED and "runs in" in r.stderr
        r = sluice("-s", socket, "run", "gpt-image-2", "-f", "prompt=x", "-o", "x.png", cwd=tmp_path)
        assert r.returncode == DONE, r.stderr
        task = sluice("-s", socket, "submit", "sora-2", "-f", "prompt=x", "-f", "duration_s=4").stdout.strip()
        assert sluice("check", folder / "sluice.yaml").returncode == DONE
    finally:
        code = dev.stop()
    assert code == DONE and len(pids) == 3
    for pid in pids:
        assert not os.path.exists(f"/proc/{pid}")
    again = Dev(folder)
    try:
        assert again.ready["nats_port"] == dev.ready["nats_port"]
        assert sluice("-s", socket, "watch", task).returncode == DONE
        assert len(json.loads(sluice("-s", socket, "list", "--json").stdout)["data"]) == 2
    finally:
        again.stop()


def test_dev_killed(tmp_path):
    """When dev is killed its children end too, and nothing keeps the folder from being used again."""
    dev = Dev(tmp_path)
    pids = children(dev.child.pid)
    dev.child.kill()
    dev.child.communicate()
    until("its children end", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))
    again = Dev(tmp_path)
    assert again.stop() == DONE
