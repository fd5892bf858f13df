"""A vendor that takes no idempotency key but knows tasks by our name for them: a submission whose answer was lost is looked up, never sent blindly again."""
import pytest
import rig as parts
from rig import until

MODEL = {"kling": ("kling", "kling-v2-1", "heygen", "base: 'http://127.0.0.1:{port}/kling'")}


def kling(rig, **more):
    """An agent with Kling, whose answers are waited for and whose tasks are known after a shorter time than in truth."""
    swaps = [("kling", "      lookup:\n", "      lookup:\n        lag: 100ms\n"), ("kling", "      submit:\n", "      submit:\n        timeout: 3s\n")]
    folder = rig.folder / "quick"
    folder.mkdir(exist_ok=True)
    models = {name: (*row[:3], row[3].format(port=rig.sim.port)) for name, row in MODEL.items()}
    return rig.agent(models=models, adapters=parts.quick_adapters(folder, ("kling",), swaps), **more)


def submit(agent, prompt):
    return agent.submit("kling", {"prompt": prompt, "duration_s": 5}, kind="video.generate")["id"]


@pytest.mark.parametrize("fault", ["lost", "reset", "truncate", "latency=5000"])
def test_found(rig, fault):
    """The vendor took it and its answer was lost: it is found, polled on and paid once."""
    agent = kling(rig)
    prompt = f"found after all [sim:{fault}]"
    view = agent.result(submit(agent, prompt))
    assert view["status"] == "completed", view
    paid = rig.sim.paid(prompt=prompt)
    assert (paid["paid"], paid["asked"]) == (1, 1), paid
    assert agent.events("a lost submission was found at the vendor")


@pytest.mark.parametrize("status,least_ms", [(500, 100), (504, 8000)])
def test_not_found(rig, status, least_ms):
    """The vendor never took it: once that is sure it is submitted again, which is written down as an attempt. Behind a gateway's word it takes longer."""
    agent = kling(rig)
    prompt = f"never taken [sim:{status}]"
    view = agent.result(submit(agent, prompt))
    assert view["status"] == "completed", view
    paid = rig.sim.paid(prompt=prompt)
    assert (paid["paid"], paid["asked"]) == (1, 2), paid
    record = rig.client().record("demo", view["id"])
    assert [a["lookup"] for a in record["attempts"]] == ["not_found"], record["attempts"]
    assert record["submission"]["at_ms"] - record["attempts"][0]["at_ms"] > least_ms, record  # not before it was sure


def test_lookup_in_trouble(rig):
    """A lookup that fails is made again; a task that nobody can tell of ends as unknown at its deadline, and is not sent again."""
    agent = kling(rig)
    rig.sim.fault(fault="503", vendor="kling", step="poll", times=2)
    prompt = "found in the end [sim:lost]"
    assert agent.result(submit(agent, prompt))["status"] == "completed"
    assert rig.sim.paid(prompt=prompt)["paid"] == 1
    rig.sim.fault(fault="503;times=always", vendor="kling", step="poll")
    prompt = "nobody can tell [sim:lost]"
    task = agent.submit("kling", {"prompt": prompt}, kind="video.generate", deadline_s=6)["id"]
    view = agent.result(task)
    assert (view["status"], view["error"]["code"]) == ("failed", "outcome_unknown"), view
    assert rig.sim.paid(prompt=prompt)["asked"] == 1


def test_the_agent_dies(rig):
    """An agent dies while the vendor has its submission: a peer looks it up and goes on with it; paid once."""
    first, second = kling(rig), kling(rig)
    prompts = [f"an orphan {i} [sim:latency=2500]" for i in range(4)]
    tasks = [submit(first, prompt) for prompt in prompts]
    until("all are at the vendor", lambda: all(rig.sim.paid(prompt=p)["asked"] for p in prompts))
    first.kill()
    for task, prompt in zip(tasks, prompts):
        view = second.result(task, 2 * parts.PATIENCE)
        assert view["status"] == "completed", view
        paid = rig.sim.paid(prompt=prompt)
        assert (paid["paid"], paid["asked"]) == (1, 1), paid


def test_the_agent_dies_and_the_place_is_another(rig):
    """A peer whose configuration leads to another place (a region, an account's gateway) asks nobody there: "not found" would be true, and the task paid twice. It ends as unknown."""
    first = kling(rig)
    prompt = "asked for over there [sim:latency=4000]"
    task = submit(first, prompt)
    until("it is at the vendor", lambda: rig.sim.paid(prompt=prompt)["asked"])
    first.kill()
    elsewhere = rig.add(parts.Sim(rig.folder))
    model = (*MODEL["kling"][:3], f"base: 'http://127.0.0.1:{elsewhere.port}/kling'")
    second = rig.agent(models={"kling": model}, adapters=rig.folder / "quick" / "adapters", allow=[f"127.0.0.1:{elsewhere.port}"])
    view = second.result(task, 2 * parts.PATIENCE)
    assert (view["status"], view["error"]["code"]) == ("failed", "outcome_unknown"), view
    assert rig.sim.paid(prompt=prompt)["asked"] == 1 and not elsewhere.steps("kling")
