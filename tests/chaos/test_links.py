"""What links make possible, and random blows found: an agent that cannot be heard, while another does its work."""
import rig as parts
from stage import Stage


def test_what_another_accepted_is_not_taken_back(tmp_path):
    """An agent that is not heard says that it does not know, and will take the task back; another accepts it for the same key: it is not taken back."""
    stage = Stage(tmp_path, 1, agents=2, roles="[ingress]")
    try:
        first, second = stage.agents
        stage.links[first.name].set("mute")
        ask = ("POST", "/v1/tasks", {"model": "gpt-image-2", "input": {"prompt": "p"}}, {"Idempotency-Key": "one"})
        status, _, body = first.call(*ask)
        assert (status, body["error"]["code"]) == (503, "accept_unknown"), body
        status, _, body = second.call(*ask)
        assert status in (200, 202), body
        stage.links[first.name].set("pass")
        parts.until("the first is heard again", lambda: first.call("POST", "/v1/tasks", {"model": "gpt-image-2", "input": {"prompt": "q"}})[0] == 202)
        assert second.call("GET", f"/v1/tasks/{body['id']}")[2]["status"] == "queued"
    finally:
        stage.close()
