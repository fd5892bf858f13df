"""Models and adapters of a running fleet: changed in NATS and on disk, taken over whole or not at all."""
import json
import os
import re
import signal
import subprocess

import rig as parts
from rig import BUILD, SECRET, until


def config(agent, *words, text=None, code=0):
    """`sluice config` as an operator runs it."""
    done = subprocess.run([BUILD / "sluice", "config", *words, "-c", agent.config], input=text, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "SIM_KEY": SECRET})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def models_of(agent):
    return {model["id"] for model in agent.call("GET", "/v1/models")[2]["data"]}


def adapter_text(agent, name):
    return (agent.folder / agent.name / "adapters" / f"{name}.yaml").read_text()


def counted(agent, metric):
    found = re.search(rf"^{re.escape(metric)} (\d+)$", agent.metrics(), re.M)
    return int(found.group(1)) if found else 0


def base_of(rig, vendor):
    return f"http://127.0.0.1:{rig.sim.port}/{vendor}"


def at_the_vendor(rig, task):
    """Waits until the vendor has the task and the journal says so: of a task that is only claimed nobody knows what became of it when its agent dies."""
    client = rig.client()
    until("the vendor has it", lambda: "submission" in (client.record("demo", task) or {}))
    client.close()


def test_models_change_without_a_deploy(rig):
    """`sluice config put models`: all agents serve the new model and not the one taken away; rollback and delete undo it."""
    first, second = rig.agent(), rig.agent()
    change = f"fox: {{ adapter: fal, model: fal-ai/flux/dev, key: fal, base: '{base_of(rig, 'fal')}' }}\nflux: null\n"
    assert "revision" in config(first, "put", "models", "-", text=change)
    for agent in (first, second):
        until("it is taken over", lambda a=agent: "fox" in models_of(a))
        assert "flux" not in models_of(agent)
    assert second.run("fox", {"prompt": "new"}, kind="image.generate")["status"] == "completed"
    assert first.call("POST", "/v1/tasks", {"model": "flux", "input": {"prompt": "p"}})[0] == 404

    config(first, "put", "models", "-", text=change.replace("fox", "vixen"))
    until("the second change is taken over", lambda: "vixen" in models_of(second))
    config(first, "rollback", "models")
    until("it is rolled back", lambda: "fox" in models_of(second) and "vixen" not in models_of(second))
    assert "fox" in config(first, "get", "models")
    assert [e["key"] for e in json.loads(config(first, "list", "--json"))] == ["models"]
    assert len(json.loads(config(first, "history", "models", "--json"))) == 3
    assert "vixen" in config(first, "get", "models", "--revision", str(json.loads(config(first, "history", "models", "--json"))[1]["revision"]))
    config(first, "delete", "models")
    until("the files say it all again", lambda: models_of(second) == set(parts.MODELS))
    config(first, "get", "models", code=1)
    assert "is not there" in config(first, "delete", "models", code=1)
    assert counted(second, 'sluice_reloads_total{result="ok"}') >= 4


def test_a_bad_change_is_refused_before_it_is_written(rig):
    """`sluice config put` says file, line, column and why, and writes nothing; so for models and adapters."""
    agent = rig.agent()
    assert re.search(r"SLUICE_CONFIG/models:2:1: model fox wants adapter nobody",
                     config(agent, "put", "models", "-", text="# one\nfox: { adapter: nobody }\n", code=1))
    broken = adapter_text(agent, "fal").replace("submit:", "sumbit:", 1)
    line = broken[:broken.index("sumbit")].count("\n") + 1
    assert f"SLUICE_CONFIG/adapter.fal:{line}:" in config(agent, "put", "adapter.fal", "-", text=broken, code=1)
    assert "another name" in config(agent, "put", "adapter.fal", "-", text=adapter_text(agent, "heygen"), code=1)
    assert "SLUICE_CONFIG/adapter.fal:2:1: a tab" in config(agent, "put", "adapter.fal", "-", text="adapter: fal\n\tbase: x\n", code=1)
    assert "no key" in config(agent, "put", "nonsense", "-", text="x", code=2)
    assert "nothing was changed" in config(agent, "list")
    assert agent.run("flux", {"prompt": "as before"})["status"] == "completed"


def test_a_bad_change_in_nats_changes_nothing(rig):
    """What somebody puts into the bucket by hand and is wrong is refused aloud by the agent; a change that would eat all memory dies in the child and not in the agent."""
    agent = rig.agent()
    client = rig.client()
    client.request("$KV.SLUICE_CONFIG.models", b"fox: { adapter: nobody }\n")
    until("it is refused", lambda: agent.events("not reloaded"))
    assert any(m["file"] == "SLUICE_CONFIG/models" and "nobody" in m["why"] for m in agent.events("the configuration has a mistake"))
    assert agent.run("flux", {"prompt": "still"})["status"] == "completed"
    client.request("$KV.SLUICE_CONFIG.models", b"flux: null\n")
    until("a good one is taken over", lambda: "flux" not in models_of(agent))
    if "san" in BUILD.name:
        return  # sanitizers want terabytes of address space: the memory of a rehearsal is not bounded there
    bomb = re.sub(r"json:\n", "json:\n          bomb: '(.kind * 100000000 | length)'\n", adapter_text(agent, "heygen"), count=1)
    assert "bomb" in bomb
    client.request("$KV.SLUICE_CONFIG.adapter.heygen", bomb.encode())
    until("the bomb is refused", lambda: len(agent.events("not reloaded")) == 2)
    assert agent.alive() and agent.run("gpt-image-2", {"prompt": "alive"})["status"] == "completed"
    assert counted(agent, 'sluice_reloads_total{result="refused"}') == 2


def test_a_task_ends_on_the_adapter_it_began_with(rig):
    """A new version of an adapter that would poll elsewhere is taken over while a vendor works: the task still ends; a peer without the old version uses the new one, and counts it."""
    agent = rig.agent()
    task = agent.submit("flux", {"prompt": "long [sim:job-ms=4000]"})["id"]
    at_the_vendor(rig, task)
    changed = adapter_text(agent, "fal").replace('poll: &poll\n      request: { url: "{poll}" }', 'poll: &poll\n      request: { url: "{poll}/nowhere" }')
    assert "nowhere" in changed
    config(agent, "put", "adapter.fal", "-", text=changed)
    until("it is taken over", lambda: counted(agent, "sluice_config_revision") > 0 and agent.events("reloaded"))
    assert agent.result(task)["status"] == "completed"
    assert counted(agent, 'sluice_adapter_other_version_total{adapter="fal"}') == 0

    config(agent, "put", "adapter.fal", "-", text=adapter_text(agent, "fal") + "# second\n")
    until("the second is taken over", lambda: len(agent.events("reloaded")) == 2)
    other = agent.submit("flux", {"prompt": "longer [sim:job-ms=6000]"})["id"]
    at_the_vendor(rig, other)
    agent.kill()
    config(agent, "put", "adapter.fal", "-", text=adapter_text(agent, "fal") + "# third\n")
    peer = rig.agent()
    assert peer.result(other)["status"] == "completed"
    assert counted(peer, 'sluice_adapter_other_version_total{adapter="fal"}') >= 1
    assert len(peer.events("tasks were submitted with another version of their adapter")) == 1


def test_a_task_outlives_its_model(rig):
    """A model is taken away, another leads elsewhere now, while a vendor works for them: what is paid is polled and fetched all the same, twice reloaded."""
    agent = rig.agent()
    tasks = [agent.submit(model, {"prompt": f"{model} stays [sim:job-ms=8000]"}, deadline_s=60)["id"] for model in ("flux", "kling-video")]
    for task in tasks:
        at_the_vendor(rig, task)
    change = f"flux: {{ adapter: fal, model: fal-ai/flux-3/dev, key: fal, base: '{base_of(rig, 'fal')}' }}\nkling-video: null\n"
    config(agent, "put", "models", "-", text=change)
    until("it is taken over", lambda: "kling-video" not in models_of(agent))
    config(agent, "put", "models", "-", text=change + "eleven: null\n")
    until("the next is taken over", lambda: "eleven" not in models_of(agent))
    for task in tasks:
        view = agent.result(task)
        assert view["status"] == "completed", view
    assert "kling-video" not in models_of(agent) and len(models_of(agent)) == len(parts.MODELS) - 2
    assert agent.call("POST", "/v1/tasks", {"model": "kling-video", "kind": "video.generate", "input": {"prompt": "p"}})[0] == 404


def test_an_older_version_keeps_its_base(rig):
    """An adapter whose new version has another base: the task under way is polled where its version says."""
    folder = rig.folder / "own"
    folder.mkdir()
    adapters = parts.quick_adapters(folder, ("openai-videos",))
    file = adapters / "openai-videos.yaml"
    here = f"127.0.0.1:{rig.sim.port}"
    text = re.sub(r"^hosts: .*$", f"hosts: ['{here}']", re.sub(r"^base: .*$", f"base: http://{here}/openai/v1", file.read_text(), flags=re.M), flags=re.M)
    file.write_text(text)
    agent = rig.agent(adapters=adapters, models={"sora-2": parts.MODELS["sora-2"]}, start=False)
    agent.config.write_text(re.sub(r", base: '[^']*'", "", agent.config.read_text()))
    agent.start()
    agent.ready()
    task = agent.submit("sora-2", {"prompt": "where it began [sim:job-ms=6000]"}, deadline_s=60)["id"]
    at_the_vendor(rig, task)
    file.write_text(text.replace(here, "127.0.0.1:9"))
    agent.signal(signal.SIGHUP)
    until("it is taken over", lambda: agent.events("reloaded"))
    view = agent.result(task)
    assert view["status"] == "completed", view


def test_writing_without_end_starves_nobody(rig):
    """Somebody writes to the bucket several times a second: what was written is taken over meanwhile."""
    agent = rig.agent()
    client = rig.client()
    n = 0

    def another():
        nonlocal n
        n += 1
        client.request("$KV.SLUICE_CONFIG.models", f"fox: {{ adapter: fal, model: m{n}, key: fal, base: '{base_of(rig, 'fal')}' }}\n".encode())
        return agent.events("reloaded")

    until("it is taken over while more comes", another)


def test_a_change_extends_adapters_only(rig):
    """`extends` in a change is a name: it leads to no file outside of the adapters' folders."""
    agent = rig.agent()
    (rig.folder / "outside.yaml").write_text("password: hunter2\n")
    way = "../" * 12 + str(rig.folder / "outside").lstrip("/")
    rig.client().request("$KV.SLUICE_CONFIG.adapter.evil", f"adapter: evil\nextends: {way}\n".encode())
    until("it is refused", lambda: agent.events("not reloaded"))
    mistakes = agent.events("the configuration has a mistake")
    assert [m["file"] for m in mistakes] == ["SLUICE_CONFIG/adapter.evil"] and "password" not in agent.output(), mistakes


def test_changes_are_known_before_the_first_task(rig):
    """An agent that starts after a change serves by it from its first task on, and one that was away from NATS catches up."""
    first = rig.agent()
    config(first, "put", "models", "-", text="flux: null\n")
    late = rig.agent()
    assert "flux" not in models_of(late)
    until("the first knows, too", lambda: "flux" not in models_of(first))
    rig.nats.kill()
    until("they see it", lambda: first.events("NATS is away"))
    rig.nats.restart()
    config(first, "delete", "models")
    for agent in (first, late):
        until("it is there again", lambda a=agent: "flux" in models_of(a))


def test_files_are_watched_through_links(rig):
    """A swapped link as Kubernetes makes it for a ConfigMap is seen and taken over without a signal; a half-written file is refused and changes nothing."""
    agent = rig.agent(watch="100ms")
    text = agent.config.read_text()
    for name, content in (("v1", text), ("v2", text.replace("  flux:", "  fox:"))):
        (agent.dir / name).mkdir()
        (agent.dir / name / "sluice.yaml").write_text(content)
    (agent.dir / "data").symlink_to("v1")
    agent.config.unlink()
    agent.config.symlink_to("data/sluice.yaml")
    until("the link is seen", lambda: agent.events("reloaded"))
    (agent.dir / "next").symlink_to("v2")
    os.rename(agent.dir / "next", agent.dir / "data")
    until("the swap is taken over", lambda: "fox" in models_of(agent))
    assert "flux" not in models_of(agent)
    (agent.dir / "v2" / "sluice.yaml").write_text(text[:200] + "\nmodls: {}\n")
    until("nonsense is refused", lambda: agent.events("not reloaded"))
    assert "fox" in models_of(agent) and agent.run("fox", {"prompt": "as before"}, kind="image.generate")["status"] == "completed"
    seen = len(agent.events("reloaded"))
    (agent.dir / "v2" / "sluice.yaml").write_text(text.replace("  flux:", "  fox:"))
    until("it is mended", lambda: len(agent.events("reloaded")) > seen)
