"""Agents and NATS, one server, are hurt at random under load; then every task that was accepted is accounted for."""
import play
import pytest


@pytest.mark.parametrize("seed", play.seeds(1))
def test_random_blows(tmp_path, seed):
    """Each accepted task has exactly one result, the same everywhere; each is paid at most once, the completed exactly once; the others ended for a reason."""
    assert play.play(tmp_path, 1, seed)["completed"]
