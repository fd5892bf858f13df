"""An adapter's limits, and an adapter of an operator that extends the shipped one of its own name."""
from rig import MODELS

OWN = """adapter: openai-images
extends: openai-images
options: { tag: { about: a word for the vendor, default: none } }
headers: { X-Tag: "{tag}" }
limits: [{ requests: 4, per: 2s, kinds: [image.generate] }]
"""


def test_a_rate_is_kept(rig):
    """Many tasks at once go no faster than the adapter says the vendor allows one key, and all of them go."""
    folder = rig.folder / "own"
    folder.mkdir()
    (folder / "openai-images.yaml").write_text(OWN)
    agent = rig.agent(adapters=folder, models={"gpt-image-2": (*MODELS["gpt-image-2"], "options: { tag: swift }")})
    prompts = [f"one of many {i}" for i in range(11)]
    tasks = [agent.submit("gpt-image-2", {"prompt": prompt})["id"] for prompt in prompts]
    for task in tasks:
        assert agent.result(task)["status"] == "completed"
    times = sorted(rig.sim.paid(prompt=prompt)["first_ms"] for prompt in prompts)
    gaps = [later - earlier for earlier, later in zip(times, times[4:])]
    assert min(gaps) > 1500, gaps  # how long a request is on its way is nobody's fault
    assert all(rig.sim.paid(prompt=prompt)["asked"] == 1 for prompt in prompts)
