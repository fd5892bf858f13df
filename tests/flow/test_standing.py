"""How targets and keys stand in the whole fleet: one agent's 429, dead key or failing vendor binds all, and an operator has the last word."""
import json
import os
import subprocess

import pytest

import rig as parts
from rig import BUILD, SECRET, in_threads, until

TARGET = "fal/fal-ai/flux/dev"
GOOD = "second-sim-key-77aa"


@pytest.fixture
def pool(tmp_path):
    """A rig whose vendors take two secrets."""
    r = parts.Rig(tmp_path, ("--key", GOOD))
    yield r
    r.close()


def fleet_of(rig, count=3, **more):
    """Agents of one app that share lane and keys."""
    return [rig.agent(**more) for _ in range(count)]


def picture(agent, prompt, **more):
    return agent.submit("flux", {"prompt": prompt}, **more)["id"]


def asked(rig, prompt):
    return rig.sim.paid(prompt=prompt)["asked"]


def sluice(agent, *words, code=0):
    """A command that talks to NATS itself, as an operator runs it."""
    done = subprocess.run([BUILD / "sluice", *words, "-c", agent.config], capture_output=True, text=True, timeout=120, env={**os.environ, "SIM_KEY": SECRET})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def two_keys(agent, first="SIM_KEY", second="GOOD_KEY"):
    """The pool of fal gets two keys."""
    text = agent.config.read_text()
    agent.config.write_text(text.replace("fal: [{ id: main, env: SIM_KEY }]", f"fal: [{{ id: main, env: {first} }}, {{ id: spare, env: {second} }}]"))
    return agent


def pool_agents(rig, count=3, **env):
    agents = [rig.agent(env={"GOOD_KEY": GOOD, **env}, start=False) for _ in range(count)]
    for agent in agents:
        two_keys(agent).restart()
    return agents


def gauge(agent, name):
    """{labels: value} of a metric."""
    rows = (line.rsplit(" ", 1) for line in agent.metrics().splitlines() if line.startswith(name + "{"))
    return {labels: float(value) for labels, value in rows}


def breaker_is(agent, value, target=TARGET):
    return any(target in labels and v == value for labels, v in gauge(agent, "sluice_breaker_state").items())


def fail_all(rig, agents, n=8):
    """So many tasks whose submissions the vendor fails, until a breaker opens."""
    rig.sim.fault(fault="503", vendor="fal", step="submit", times=1000)
    ids = {picture(agents[i % len(agents)], f"in trouble {i}"): f"in trouble {i}" for i in range(n)}
    until("the breaker opens", lambda: any(agent.events("a breaker opened") for agent in agents))
    return ids


def submissions(rig):
    return rig.sim.steps("fal").get("submit", 0)


def test_a_limit_binds_all(rig):
    """One agent is told to come back in 4 s: none of three agents sends anything with the key before that, whoever holds the tasks; no attempt is lost."""
    agents = fleet_of(rig)
    first = picture(agents[0], "limited [sim:429 retry-after=4]")
    until("the vendor has refused it", lambda: asked(rig, "limited [sim:429 retry-after=4]") == 1)
    until("all have heard", lambda: all(any(v > 0 for v in gauge(a, "sluice_not_before_seconds").values()) for a in agents))
    prompts = [f"behind it {i}" for i in range(9)]
    tasks = in_threads(9, lambda i: picture(agents[i % 3], prompts[i]))
    until("one says why it waits", lambda: any(agents[0].call("GET", f"/v1/tasks/{t}")[2].get("stage") == "rate_limited" for t in tasks))
    for task in [first, *tasks]:
        assert agents[1].result(task)["status"] == "completed"
    begun = rig.sim.paid(prompt="limited [sim:429 retry-after=4]")["first_ms"]
    for prompt in prompts:
        counted = rig.sim.paid(prompt=prompt)
        assert counted["asked"] == 1 and counted["first_ms"] - begun >= 4000 - 50, (prompt, counted, begun)
    assert all(rig.client().record("demo", task)["tries"] == 0 for task in [first, *tasks])


def test_a_limit_outlives_agents_and_nats(rig):
    """The not-before time holds for agents that start later, and when NATS was restarted in between."""
    one = rig.agent()
    task = picture(one, "long limited [sim:429 retry-after=15]")
    until("the vendor has refused it", lambda: asked(rig, "long limited [sim:429 retry-after=15]") == 1)
    until("it is known", lambda: any(v > 5 for v in gauge(one, "sluice_not_before_seconds").values()))
    one.stop()
    rig.nats.stop()
    rig.nats.restart()
    two = rig.agent()
    later = picture(two, "after the restart")
    for each in (later, task):
        assert two.result(each)["status"] == "completed"
    begun = rig.sim.paid(prompt="long limited [sim:429 retry-after=15]")["first_ms"]
    assert rig.sim.paid(prompt="after the restart")["first_ms"] - begun >= 15000 - 50


def test_a_limited_key_gives_way(pool):
    """With two keys a 429 on one sends the task on with the other at once."""
    agents = pool_agents(pool, 1)
    pool.sim.fault(fault="429;retry-after=60", vendor="fal", step="submit", secret=SECRET, times=1000)
    for i in range(4):
        view = agents[0].run("flux", {"prompt": f"gives way {i}"})
        assert view["status"] == "completed", view
        assert pool.client().record("demo", view["id"])["submission"]["key"] == "spare"
    assert sum(asked(pool, f"gives way {i}") for i in range(4)) <= 5  # the limited key was tried once at most


def test_a_dead_key_leaves_the_pool(pool):
    """A revoked key is tried once in the whole fleet; the rest carry on, in the same task; its polls stay with the key that submitted."""
    agents = pool_agents(pool, 3, SIM_KEY="revoked-key")
    for i in range(9):
        view = agents[i % 3].run("flux", {"prompt": f"revoked {i}"})
        assert view["status"] == "completed", view
        record = pool.client().record("demo", view["id"])
        assert record["submission"]["key"] == "spare" and record["tries"] == 0
    dead = [agent.events("a key is out of use") for agent in agents]
    assert sum(map(len, dead)) == 1 and [e["key"] for events in dead for e in events] == ["fal/main"]
    late = pool_agents(pool, 1, SIM_KEY="revoked-key")[0]
    for agent in agents:
        agent.stop()
    assert late.run("flux", {"prompt": "a late agent"})["status"] == "completed"
    assert not late.events("a key is out of use")
    late.stop()
    renewed = pool_agents(pool, 1)[0]
    keys = {pool.client().record("demo", renewed.run("flux", {"prompt": f"renewed {i}"})["id"])["submission"]["key"] for i in range(4)}
    assert keys == {"main", "spare"}


def test_all_keys_dead_is_one_clear_error(pool):
    """When the vendor refuses every key the task fails at once, and the error names the keys; a new secret is used at once."""
    agent = pool_agents(pool, 1, SIM_KEY="revoked-one", GOOD_KEY="revoked-two")[0]
    for i in range(3):
        view = agent.run("flux", {"prompt": f"all dead {i}"})
        assert (view["status"], view["error"]["code"]) == ("failed", "vendor_auth"), view
        assert "fal/main" in view["error"]["message"] and "fal/spare" in view["error"]["message"], view
        assert "revoked" not in json.dumps(view)
    assert submissions(pool) == 2
    agent.stop()
    agent.env["SIM_KEY"] = SECRET
    agent.restart()
    for i in range(3):
        view = agent.run("flux", {"prompt": f"renewed {i}"})
        assert view["status"] == "completed", view
        assert pool.client().record("demo", view["id"])["submission"]["key"] == "main"
    assert "revoked-" not in agent.output()


def test_a_spent_quota_gives_way(pool):
    """A key whose quota is used up rests for a while; the task goes on with the next one and loses no attempt."""
    agents = pool_agents(pool, 2)
    pool.sim.fault(fault="quota", vendor="fal", step="submit", secret=SECRET, times=1000)
    for i in range(6):
        view = agents[i % 2].run("flux", {"prompt": f"spent {i}"})
        assert view["status"] == "completed", view
        assert pool.client().record("demo", view["id"])["submission"]["key"] == "spare"
    assert submissions(pool) <= 7


def test_a_breaker_opens_for_all_and_one_probe_goes(rig):
    """The vendor fails: the breaker opens in all three agents, nothing is sent while it is open, then one probe goes out in the whole fleet; with a
    healthy vendor it closes, and everything that waited completes without an attempt more."""
    agents = fleet_of(rig)
    tasks = fail_all(rig, agents)
    until("all have heard", lambda: all(breaker_is(agent, 3) for agent in agents))
    until("what was on the wire has ended", lambda: all(rig.client().record("demo", t)["state"] == "accepted" for t in tasks))
    before = submissions(rig)
    more = {picture(agents[i % 3], f"while open {i}"): f"while open {i}" for i in range(9)}
    until("one says why it waits", lambda: any(agents[0].call("GET", f"/v1/tasks/{t}")[2].get("stage") == "breaker_open" for t in more))
    assert submissions(rig) == before and all(asked(rig, prompt) == 0 for prompt in more.values())
    # The first probe fails, too, and it is the only request of that half-open time: the second opening is twice as long.
    until("a probe went out", lambda: submissions(rig) > before)
    until("it opened again", lambda: sum(len(a.events("a breaker opened")) for a in agents) == 2)
    assert submissions(rig) == before + 1
    rig.sim.call("DELETE", "/_sim/faults")
    for task in [*tasks, *more]:
        view = agents[0].result(task, 3 * parts.PATIENCE)
        assert view["status"] == "completed", view
    closed = [e for agent in agents for e in agent.events("a breaker closed")]
    assert len(closed) == 1, closed
    assert all(rig.client().record("demo", t)["tries"] <= 1 for t in more)
    until("it is closed for all", lambda: all(breaker_is(agent, 0) for agent in agents))


def test_an_open_breaker_outlives_agents_and_nats(rig):
    """All agents are killed and NATS is restarted while a breaker is open: whoever comes next knows."""
    agents = fleet_of(rig, 2)
    tasks = fail_all(rig, agents)
    until("nothing is on the wire", lambda: all(rig.client().record("demo", t)["state"] == "accepted" for t in tasks))
    for agent in agents:
        agent.kill()
    before = submissions(rig)
    rig.nats.kill()
    rig.nats.restart()
    late = rig.agent()
    assert breaker_is(late, 3)
    task = picture(late, "asked of a late agent")
    until("it says why it waits", lambda: late.call("GET", f"/v1/tasks/{task}")[2].get("stage") == "breaker_open")
    assert submissions(rig) == before
    rig.sim.call("DELETE", "/_sim/faults")
    for each in [task, *tasks]:
        assert late.result(each, 3 * parts.PATIENCE)["status"] == "completed"


def test_by_hand(rig):
    """An operator opens a healthy target, closes a broken one, and gives it back to the rules; `sluice fleet` shows it, and a typo is told."""
    agents = fleet_of(rig, 2)
    assert picture(agents[0], "before") and agents[0].run("flux", {"prompt": "before, too"})["status"] == "completed"
    assert "open" in sluice(agents[0], "breaker", "open", TARGET)
    until("all have heard", lambda: all(breaker_is(agent, 3) for agent in agents))
    task = picture(agents[1], "held by hand")
    until("it says why it waits", lambda: agents[0].call("GET", f"/v1/tasks/{task}")[2].get("stage") == "breaker_open")
    seen = json.loads(sluice(agents[0], "fleet", "--json"))
    assert any(row["target"] == TARGET and row["forced"] == "open" for row in seen["targets"]), seen["targets"]
    assert asked(rig, "held by hand") == 0
    sluice(agents[0], "breaker", "auto", TARGET)
    assert agents[1].result(task, 2 * parts.PATIENCE)["status"] == "completed"
    # Closed by hand nothing opens it.
    sluice(agents[0], "breaker", "close", TARGET, "--for", "10m")
    rig.sim.fault(fault="503", vendor="fal", step="submit", times=1000)
    views = [agents[i % 2].result(t) for i, t in enumerate([picture(agents[i % 2], f"forced {i}") for i in range(8)])]
    assert {view["error"]["code"] for view in views} == {"vendor_unavailable"}
    assert all(asked(rig, f"forced {i}") == 5 for i in range(8))
    assert "has no target" in sluice(agents[0], "breaker", "open", "fal/nonsense")
    assert "say one of" in sluice(agents[0], "breaker", "ajar", TARGET, code=2)


def test_a_sick_agent_does_not_poison_the_fleet(rig):
    """An agent that cannot even connect (its own CA file, its own resolver) tells the others nothing about vendor and key."""
    sick = rig.agent(models={"flux": ("fal", "fal-ai/flux/dev", "fal", "base: 'http://no-such-host.invalid/fal'")}, allow=["no-such-host.invalid"])
    ids = [picture(sick, f"sick {i}", deadline_s=20) for i in range(8)]
    until("it fails here", lambda: len(sick.events("a submission failed")) >= 8)
    well = rig.agent(lanes=["other"], models={"flux": ("fal", "fal-ai/flux/dev", "fal", "lane: other")})
    assert not any(v > 0 for v in gauge(sick, "sluice_breaker_state").values())
    assert well.run("flux", {"prompt": "well"})["status"] == "completed"
    assert ids and not sick.events("a breaker opened") and not sick.events("a key is out of use")


def test_fleet_is_shown(rig):
    """`sluice fleet` names the living agents with their lanes, the lanes with what waits, and the keys; as JSON, too."""
    agents = fleet_of(rig, 2)
    agents[0].run("flux", {"prompt": "seen"})
    picture(agents[0], "limited for the show [sim:429 retry-after=60]")
    until("it is known", lambda: any(v > 5 for v in gauge(agents[1], "sluice_not_before_seconds").values()))
    waiting = [picture(agents[0], f"waits {i}") for i in range(3)]
    until("they wait", lambda: all(rig.client().record("demo", t)["stage"] == "rate_limited" for t in waiting))
    seen = json.loads(sluice(agents[0], "fleet", "--json"))
    assert len(seen["agents"]) == 2 and all(a["app"] == "demo" and a["version"] and a["lanes"] == ["default"] for a in seen["agents"])
    lane = next(row for row in seen["lanes"] if row["lane"] == "default")
    assert lane["depth"] >= 3 and lane["oldest_ms"] >= 0 and lane["served"] is True
    key = next(row for row in seen["keys"] if row["key"] == "fal/main")
    assert key["state"] == "held" and 0 < key["wait_ms"] <= 66000
    text = sluice(agents[0], "fleet")
    assert "default" in text and "fal/main" in text and "held" in text
    assert SECRET not in text + json.dumps(seen)
