"""Dead letters: what was given up can be looked at, sent again once, and dropped."""
import json
import os
import subprocess

from rig import BUILD, SECRET, until


def dead(agent, *words, code=0):
    """`sluice dead` as an operator runs it."""
    done = subprocess.run([BUILD / "sluice", "dead", *words, "-c", agent.config], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "SIM_KEY": SECRET})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def letters(agent, *words):
    return json.loads(dead(agent, "list", "--json", *words))


def give_up(rig, agent, model, prompt):
    """A task that fails for the vendor's reasons: it becomes a dead letter."""
    task = agent.submit(model, {"prompt": prompt})["id"]
    view = agent.result(task)
    assert view["status"] == "failed", view
    until("it is a dead letter", lambda: any(letter["id"] == task for letter in letters(agent)))
    return task


def test_dead_letters_are_listed_shown_and_dropped(rig):
    """list tells what and why, by app, model and code; show has the whole request; drop takes one away and no other."""
    agent = rig.agent()
    assert "no dead letters" in dead(agent, "list")
    one = give_up(rig, agent, "flux", "first [sim:jobfail]")
    two = give_up(rig, agent, "flux", "second [sim:jobfail]")
    both = letters(agent)
    assert [(letter["id"], letter["app"], letter["model"]) for letter in both] == [(one, "demo", "flux"), (two, "demo", "flux")]
    assert all(letter["code"] and letter["message"] and letter["time_ms"] > 0 for letter in both)
    assert letters(agent, "--model", "other") == [] and letters(agent, "--app", "other") == [] and letters(agent, "--code", "none") == []
    assert len(letters(agent, "--limit", "1")) == 1
    shown = json.loads(dead(agent, "show", two))
    assert shown["task"]["input"]["prompt"] == "second [sim:jobfail]" and shown["record"]["id"] == two
    dead(agent, "drop", one)
    assert [letter["id"] for letter in letters(agent)] == [two]
    assert "not among" in dead(agent, "drop", one, code=1)
    assert "say which" in dead(agent, "drop", code=2)
    assert "no id" in dead(agent, "show", "nonsense", code=2)


def test_a_dead_letter_is_sent_again_once(rig):
    """replay makes a new task that names the old one and is carried out; the letter goes; the old task keeps its result; nothing happens twice."""
    agent = rig.agent()
    old = give_up(rig, agent, "flux", "again [sim:jobfail]")
    said = json.loads(dead(agent, "replay", old, "--json"))
    new = said[0]["task"]
    assert new != old and letters(agent) == []
    view = agent.result(new)
    assert view["status"] == "completed" and view["replay_of"] == old, view
    assert agent.call("GET", f"/v1/tasks/{old}")[2]["status"] == "failed"
    assert "not among" in dead(agent, "replay", old, code=1)
    assert rig.sim.paid(prompt="again [sim:jobfail]")["paid"] == 2


def test_all_of_a_model_are_sent_again(rig):
    """replay --model sends what fits and leaves the rest; a replay that fails again is a letter of its own."""
    agent = rig.agent()
    first = give_up(rig, agent, "flux", "one [sim:jobfail;times=2]")
    give_up(rig, agent, "sora-2", "a video [sim:jobfail]")
    said = json.loads(dead(agent, "replay", "--model", "flux", "--json"))
    assert [row["id"] for row in said] == [first]
    new = said[0]["task"]
    assert agent.result(new)["status"] == "failed"
    until("it is a letter again", lambda: {letter["id"] for letter in letters(agent, "--model", "flux")} == {new})
    assert json.loads(dead(agent, "show", new))["record"]["replay_of"] == first
    assert len(letters(agent, "--model", "sora-2")) == 1
    said = json.loads(dead(agent, "replay", "--all", "--json"))
    assert len(said) == 2
    assert all(agent.result(row["task"])["status"] == "completed" for row in said)
