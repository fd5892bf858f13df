"""The same on a cluster of three NATS servers with three replicas of everything: its servers, the leader among them, die and come back."""
import play
import pytest
import rig as parts
import stage

pytestmark = pytest.mark.skipif(stage.cluster_server() is None,
                                reason="replicas need a newer nats-server, and there is none here: bash tests/newer-server.sh sid build/tools/nats")


@pytest.mark.parametrize("seed", play.seeds(3, 13))
def test_a_cluster_under_blows(tmp_path, monkeypatch, seed):
    """Each accepted task has exactly one result, the same everywhere; each is paid at most once, the completed exactly once; the others ended for a reason."""
    monkeypatch.setattr(parts, "NATS_SERVER", stage.cluster_server())
    assert play.play(tmp_path, 3, seed)["completed"]
