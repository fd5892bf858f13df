"""One seeded run: load, blows, healing, and the accounts."""
import os
import random
import time

from blows import AgentHand, FleetHand, heal
from checker import Checker
from load import ASYNC, KEYED, SYNC, Load, Task
from stage import Stage

SECONDS = float(os.environ.get("SLUICE_CHAOS_SECONDS", "20"))
SEED = os.environ.get("SLUICE_CHAOS_SEED", "")


def seeds(*fixed):
    """The seeds to play: those, the one of SLUICE_CHAOS_SEED, or with 0 a new one."""
    if not SEED:
        return list(fixed)
    return [int(SEED) or random.SystemRandom().randrange(1, 1 << 30)]


def calm(stage, load):
    """After all blows the fleet works as before: each model completes on each agent."""
    for n, agent in enumerate(stage.agents):
        for model in SYNC + ASYNC + KEYED:
            task = Task(f"s{load.seed} calm {n} {model}", random.Random(0))
            task.model, task.fault, task.prompt, task.once = model, "", f"{task.name} ", False
            load.tasks[task.name] = task
            load.ask(task, random.Random(n), "GET", "/v1/models")
            load.submit(task, random.Random(n))


def play(folder, servers, seed):
    """servers: of NATS. Gives how many tasks ended how."""
    print(f"SLUICE_CHAOS_SEED={seed} SLUICE_CHAOS_SECONDS={SECONDS:g}")
    began = time.monotonic()
    stage = Stage(folder, servers, agents=3)
    try:
        load = Load(stage, seed)
        load.start()
        end = time.monotonic() + SECONDS
        hands = [AgentHand(stage, seed, end), FleetHand(stage, seed, end)]
        try:
            for hand in hands:
                hand.join()
        finally:
            load.over.set()
        heal(stage)
        load.stop()
        healed = time.monotonic()
        calm(stage, load)
        blows = [blow for hand in hands for blow in hand.done]
        ends = Checker(stage, load, blows).check()
        lost, again = sum(text.startswith("lose sluice") for _, _, text in blows), stage.count("a task whose message was lost was placed again")
        print(f"{servers} servers, seed {seed}: {len(blows)} blows, {lost} messages lost and {again} placed again; {len(load.tasks)} tasks: {ends}; "
              f"memory {max(stage.memory.most.values(), default=0) >> 20} MiB; {healed - began:.0f} s, accounts {time.monotonic() - healed:.0f} s")
        return ends
    finally:
        stage.close()
