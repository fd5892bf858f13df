"""Several agents, and what happens to tasks when agents and NATS are killed, paused, drained, misconfigured and come back."""
import hashlib
import http.client
import json
import os
import signal
import subprocess
import threading
import time

import rig as parts
from rig import BUILD, ROOT, in_threads, until

ENDED = ("completed", "failed", "cancelled", "expired")


def ends_once(rig, agent, ids, paid=1):
    """Every task {id: prompt} completes with exactly one result and was paid so often."""
    client = rig.client()
    for task, prompt in ids.items():
        view = agent.result(task, 2 * parts.PATIENCE)
        assert view["status"] == "completed", view
        assert until("the result is published", lambda t=task: client.result("demo", t))["status"] == "completed"
        assert rig.sim.paid(prompt=prompt)["paid"] == paid, prompt
    assert client.messages("SLUICE_RESULTS") >= len(ids)


def queues_empty(client):
    """Nothing is left in the work queues."""
    return client.messages("SLUICE_TASKS") == 0 and client.messages("SLUICE_POLL") == 0


def left_in_queues(client):
    """The tasks that have a message in a work queue."""
    answers = [client.api(f"STREAM.INFO.{stream}", {"subjects_filter": ">"}) for stream in ("SLUICE_TASKS", "SLUICE_POLL")]
    return {subject.split(".")[-1] for answer in answers for subject in answer["state"].get("subjects") or {}}


def test_two_agents_share_the_work(rig):
    """Tasks that one agent accepts are carried out by both, each once; any agent of the app answers for them."""
    first, second = rig.agent(extra="slots: 4\n"), rig.agent(extra="slots: 4\n")
    prompts = [f"shared {i} [sim:latency=150]" for i in range(40)]
    ids = dict(zip(in_threads(40, lambda i: first.submit("gpt-image-2", {"prompt": prompts[i]})["id"]), prompts))
    ends_once(rig, second, ids)
    assert len(first.events("task ended")) + len(second.events("task ended")) == 40
    assert first.events("task ended") and second.events("task ended")
    until("the queues are empty", lambda: queues_empty(rig.client()))


def test_a_worker_has_no_socket(rig):
    """An agent that only executes opens no socket and carries out what another accepts."""
    worker, front = rig.agent(roles="[execute]"), rig.agent(roles="[ingress]")
    view = front.run("gpt-image-2", {"prompt": "from far away"})
    assert view["status"] == "completed"
    assert len(worker.events("task ended")) == 1 and not front.events("task ended")
    assert not os.path.exists(worker.socket)


def test_killed_at_work(rig):
    """An agent is killed with tasks at every stage of a vendor's work; its peer goes on: what renders with the same vendor task, what was on the wire
    again with the same key where the vendor knows keys, and as outcome_unknown where it does not. One result each, nothing is paid twice."""
    first, second = rig.agent(), rig.agent(start=False)
    client = rig.client()
    rendering = {first.submit("flux", {"prompt": p})["id"]: p for p in [f"renders {i} [sim:job-ms=3000]" for i in range(6)]}
    until("the vendor has them", lambda: all(client.record("demo", t)["state"] == "submitted" for t in rendering))
    vendor_ids = {t: client.record("demo", t)["submission"]["vendor_id"] for t in rendering}
    images = {first.submit("gpt-image-2", {"prompt": p})["id"]: p for p in [f"on the wire {i} [sim:latency=8000]" for i in range(3)]}
    videos = {first.submit("avatar", {"script": p, "avatar": "a"})["id"]: p for p in [f"said {i} [sim:latency=8000]" for i in range(3)]}
    until("all are at the vendor", lambda: sum(v["open"] for v in rig.sim.get("/_sim/stats")["vendors"].values()) >= 6)
    first.kill()
    second.start()
    second.ready()
    ends_once(rig, second, rendering)
    assert {t: client.record("demo", t)["submission"]["vendor_id"] for t in rendering} == vendor_ids
    assert rig.sim.steps("fal")["submit"] == len(rendering)
    ends_once(rig, second, videos)
    for task, prompt in images.items():
        view = second.result(task, 3 * parts.PATIENCE)
        assert (view["status"], view["error"]["code"]) == ("failed", "outcome_unknown"), view
        assert rig.sim.paid(prompt=prompt)["asked"] == 1
        assert until("the letter is there", lambda t=task: client.dead("demo", t))["error"]["code"] == "outcome_unknown"
    until("the queues are empty", lambda: queues_empty(client))


def test_nats_is_killed_under_load(rig):
    """NATS is killed twice while tasks come in and are carried out: every accepted task ends, none is paid twice."""
    agents = [rig.agent(), rig.agent()]
    accepted, refused, stop = {}, [], threading.Event()
    lock = threading.Lock()

    def app(n):
        for i in range(1000):
            if stop.is_set():
                return
            model, prompt = ("flux", "gpt-image-2")[i % 2], f"load {n} {i} [sim:latency=30]"
            status, headers, body = agents[n % 2].call("POST", "/v1/tasks", {"model": model, "kind": "image.generate", "input": {"prompt": prompt}})
            with lock:
                if status == 202:
                    accepted[body["id"]] = prompt
                else:
                    assert status == 503 and body["error"]["code"] in ("bus_unavailable", "accept_unknown"), body
                    assert int(headers["Retry-After"]) >= 1
                    refused.append((prompt, body["error"]["code"]))
            time.sleep(0.05)

    threads = [threading.Thread(target=app, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for _ in range(2):
        seen = len(accepted)
        until("some more tasks are accepted", lambda s=seen: len(accepted) >= s + 40)
        rig.nats.kill()
        until("a task is refused", lambda s=len(refused): len(refused) > s)
        rig.nats.restart()
    seen = len(accepted)
    until("tasks are accepted again", lambda: len(accepted) >= seen + 20)
    stop.set()
    for t in threads:
        t.join()
    ends_once(rig, agents[0], accepted)
    for prompt, code in refused:
        assert rig.sim.paid(prompt=prompt)["paid"] <= (0 if code == "bus_unavailable" else 1), (prompt, code)
    # A killed server may forget that it removed an acked message. Nobody gets such a message again, and its task has ended.
    client = rig.client()
    assert {client.record("demo", task)["state"] for task in left_in_queues(client)} <= {"ended"}


def test_nats_away_while_a_vendor_answers(rig):
    """The answer comes while NATS is away: it is kept, written down afterwards, and nothing is sent again."""
    agent = rig.agent()
    prompts = [f"answered in the dark {i} [sim:latency=1500] [sim:bytes=3000000]" for i in range(3)]
    ids = {agent.submit("gpt-image-2", {"prompt": p})["id"]: p for p in prompts}
    ids[agent.submit("sora-2", {"prompt": "video in the dark [sim:latency=1500]"})["id"]] = "video in the dark [sim:latency=1500]"
    until("all are at the vendor", lambda: rig.sim.get("/_sim/stats")["vendors"]["openai"]["open"] == 4)
    rig.nats.kill()
    until("the vendor has answered all", lambda: rig.sim.get("/_sim/stats")["vendors"]["openai"]["open"] == 0)
    time.sleep(1)
    rig.nats.restart()
    ends_once(rig, agent, ids)


def test_nats_is_killed_while_media_are_stored(rig):
    """NATS is killed in the middle of a large output and of an upload: the output is stored anew and whole, the upload is refused."""
    agent = rig.agent()
    prompt = "large [sim:bytes=20000000] [sim:slow=10 step=download]"
    task = agent.submit("kling-video", {"prompt": prompt, "duration_s": 4})["id"]
    until("it is on its way into the store", lambda: rig.client().api("STREAM.INFO.OBJ_SLUICE_MEDIA")["state"]["bytes"] > 1_000_000)
    uploads = []
    upload = threading.Thread(target=lambda: uploads.append(agent.call("POST", "/v1/media", os.urandom(1 << 20) * 200)))
    upload.start()
    rig.nats.kill()
    upload.join()
    assert uploads[0][0] == 503 and uploads[0][2]["error"]["code"] in ("bus_unavailable", "bus_timeout"), uploads[0]
    rig.nats.restart()
    view = agent.result(task, 2 * parts.PATIENCE)
    assert view["status"] == "completed" and view["outputs"][0]["bytes"] == 20000000, view
    data = agent.call("GET", f"/v1/tasks/{task}/outputs/0")[2]
    assert hashlib.sha256(data).hexdigest() == view["outputs"][0]["digest"]
    assert rig.sim.paid(prompt=prompt)["paid"] == 1


def test_a_full_fleet(rig):
    """When nobody carries tasks out, intake ends before the streams are full, says so, and goes on by itself when there is room."""
    front = rig.agent(roles="[ingress]", streams="streams: { media_bytes: 1GiB, tasks_bytes: 1MiB, results_bytes: 64MiB }")
    ids, text = {}, "w" * 30000
    for i in range(100):
        status, headers, body = front.call("POST", "/v1/tasks", {"model": "gpt-image-2", "input": {"prompt": f"{i} {text}"}})
        if status == 503:
            break
        ids[body["id"]] = i
    assert status == 503 and body["error"]["code"] == "fleet_full" and int(headers["Retry-After"]) >= 1, body
    client = rig.client()
    assert 10 < len(ids) < 40 and client.messages("SLUICE_TASKS") == len(ids)
    assert client.api("STREAM.INFO.SLUICE_TASKS")["state"]["bytes"] < 1 << 20
    rig.agent(roles="[execute]", streams="streams: { media_bytes: 1GiB, tasks_bytes: 1MiB, results_bytes: 64MiB }")
    assert {front.result(task)["status"] for task in ids} == {"completed"}
    until("there is room again", lambda: front.call("POST", "/v1/tasks", {"model": "gpt-image-2", "input": {"prompt": "at last"}})[0] == 202)


def test_a_paused_agent_wakes_up_too_late(rig):
    """An agent is stopped with requests on the wire until its peer has taken over; awake again, it neither sends nor ends anything a second time."""
    first, second = rig.agent(extra="slots: 4\n"), rig.agent(extra="slots: 4\n", start=False)
    prompts = [f"paused {i} [sim:latency=1500]" for i in range(12)]
    ids = {first.submit("gpt-image-2", {"prompt": p})["id"]: p for p in prompts}
    until("four are on the wire", lambda: rig.sim.get("/_sim/stats")["vendors"]["openai"]["open"] == 4)
    first.signal(signal.SIGSTOP)
    second.start()
    second.ready()
    views = {task: second.result(task, 3 * parts.PATIENCE) for task in ids}
    unknown = {task for task, view in views.items() if view["status"] == "failed"}
    assert {views[task]["error"]["code"] for task in unknown} == {"outcome_unknown"} and len(unknown) == 4
    first.signal(signal.SIGCONT)
    client = rig.client()
    until("the late verdicts are in the records", lambda: all(client.record("demo", task).get("late") for task in unknown))
    assert {client.record("demo", task)["late"][0]["outcome"] for task in unknown} == {"completed"}
    assert not first.events("task ended")
    for task, prompt in ids.items():
        assert second.call("GET", f"/v1/tasks/{task}")[2] == views[task] == client.result("demo", task)
        assert (rig.sim.paid(prompt=prompt)["asked"], rig.sim.paid(prompt=prompt)["paid"]) == (1, 1), prompt


def test_a_model_that_one_agent_has(rig):
    """On a lane whose agents have different models, as while a configuration spreads, each task finds the agent that can do it."""
    rig.agent()
    second = rig.agent(models={**parts.MODELS, "newer": ("openai-images", "gpt-image-1", "openai")})
    ids = {second.submit("newer", {"prompt": f"newer {i}"})["id"]: f"newer {i}" for i in range(10)}
    ends_once(rig, second, ids)


def ready_page(agent):
    return agent.admin("/readyz")


def test_start_without_nats(rig):
    """Without NATS an agent starts, says so, refuses with 503, is live but not ready, and recovers by itself."""
    rig.nats.kill()
    agent = rig.agent(setup=False, wait=False)
    until("the socket is there", lambda: os.path.exists(agent.socket) and agent.events("admin port"))
    status, headers, body = agent.call("POST", "/v1/tasks", {"model": "flux", "input": {"prompt": "p"}})
    assert (status, body["error"]["code"]) == (503, "bus_unavailable") and int(headers["Retry-After"]) >= 1
    status, _, body = agent.call("GET", "/v1/tasks/01973f5e-7c1a-7b8e-9d3a-2f6c1e0a4b5d")
    assert status == 503, body
    assert agent.call("GET", "/v1/models")[0] == 200
    assert agent.admin("/livez")[0] == 200
    status, text = ready_page(agent)
    assert status == 503 and "NATS" in text
    rig.nats.restart()
    until("the agent misses its streams", lambda: agent.events("the streams cannot be used"))
    assert "sluice setup" in agent.events("the streams cannot be used")[0]["why"]
    agent.setup()
    agent.ready()
    assert ready_page(agent)[0] == 200
    assert agent.run("gpt-image-2", {"prompt": "p"})["status"] == "completed"


def test_a_stream_that_differs(rig):
    """A stream that is not as configured is refused by name and member; nothing is altered; once mended the agent goes on by itself."""
    client = rig.client()
    rig.agent("maker").stop()
    config = client.api("STREAM.INFO.SLUICE_TASKS")["config"]
    assert "error" not in client.api("STREAM.UPDATE.SLUICE_TASKS", {**config, "max_bytes": 12345678})
    agent = rig.agent(setup=False, wait=False)
    until("the agent says what is wrong", lambda: agent.events("the streams cannot be used"))
    why = agent.events("the streams cannot be used")[0]["why"]
    assert "SLUICE_TASKS" in why and "max_bytes" in why and "12345678" in why
    status, _, body = agent.call("POST", "/v1/tasks", {"model": "flux", "input": {"prompt": "p"}})
    assert status == 503 and "max_bytes" in body["error"]["message"], body
    assert ready_page(agent)[0] == 503 and "max_bytes" in ready_page(agent)[1]
    assert client.api("STREAM.INFO.SLUICE_TASKS")["config"]["max_bytes"] == 12345678
    client.api("STREAM.UPDATE.SLUICE_TASKS", config)
    client.api("CONSUMER.DELETE.SLUICE_TASKS.default_low")
    until("now a consumer is missing", lambda: any("default_low" in e["why"] for e in agent.events("the streams cannot be used")))
    assert "sluice setup" in agent.events("the streams cannot be used")[-1]["why"]
    agent.setup()
    agent.ready()
    assert agent.run("gpt-image-2", {"prompt": "p"})["status"] == "completed"


def test_drain_hands_over(rig):
    """SIGTERM: what is on the wire is finished, what waits goes to a peer, nothing new is taken, the agent exits with 0."""
    first = rig.agent()
    on_wire = {first.submit("gpt-image-2", {"prompt": p})["id"]: p for p in [f"on the wire {i} [sim:latency=2000]" for i in range(3)]}
    waiting = {first.submit("gpt-image-2", {"prompt": p})["id"]: p for p in [f"waits {i} [sim:429 retry-after=4]" for i in range(3)]}
    rendering = {first.submit("flux", {"prompt": p})["id"]: p for p in [f"renders {i} [sim:job-ms=4000]" for i in range(3)]}
    until("everything is under way", lambda: all(rig.sim.paid(prompt=p)["asked"] for p in (*on_wire.values(), *rendering.values())))
    client = rig.client()
    until("one is refused, and what waits behind it says so", lambda: all(client.record("demo", t)["stage"] == "rate_limited" for t in waiting))
    first.signal(signal.SIGTERM)
    until("it drains", lambda: first.events("draining"))
    try:
        status, _, body = first.call("POST", "/v1/tasks", {"model": "flux", "input": {"prompt": "too late"}})
        assert status == 503 and body["error"]["code"] == "draining", body
    except OSError:
        pass  # the socket is gone already
    second = rig.agent()
    assert first.ended() == 0, first.output()[-2000:]
    assert first.events("drained") and not os.path.exists(first.socket)
    ends_once(rig, second, {**on_wire, **waiting, **rendering})
    until("the queues are empty", lambda: queues_empty(client))


def test_drain_answers_who_waits(rig):
    """An app that waits for a task when its agent drains is told where the task is, and fetches the result from the next one."""
    first = rig.agent()
    task = first.submit("flux", {"prompt": "long [sim:job-ms=3000]"})["id"]
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(first.call("GET", f"/v1/tasks/{task}?wait=30")))
    stream = parts.EventStream(first, task)
    waiter.start()
    until("the vendor has it", lambda: rig.client().record("demo", task)["state"] == "submitted")
    first.signal(signal.SIGTERM)
    waiter.join()
    assert answers[0][0] in (200, 503), answers
    told = list(stream)  # ends by itself
    assert told and told[-1][2]["status"] not in ENDED
    assert first.ended() == 0
    ends_once(rig, rig.agent(), {task: "long [sim:job-ms=3000]"})


def test_reload(rig):
    """SIGHUP: a good configuration is in force for the next task; a bad one changes nothing and says file and line."""
    agent = rig.agent(adapters=str(parts.quick_adapters(rig.folder)))
    task = agent.submit("flux", {"prompt": "across the reload [sim:job-ms=1500]"})["id"]
    models = {**parts.MODELS, "another": ("openai-images", "gpt-image-1", "openai")}
    assert agent.call("POST", "/v1/tasks", {"model": "another", "input": {"prompt": "p"}})[0] == 404
    agent.configure(models=models)
    agent.signal(signal.SIGHUP)
    until("it is reloaded", lambda: agent.events("reloaded"))
    assert "another" in [m["id"] for m in agent.call("GET", "/v1/models")[2]["data"]]
    assert agent.run("another", {"prompt": "a new model"})["status"] == "completed"

    broken = rig.folder / "adapters" / "fal.yaml"
    good = broken.read_text()
    broken.write_text(good.replace("submit:", "sumbit:", 1))
    agent.configure(models={name: parts.MODELS[name] for name in ("gpt-image-2", "flux")})
    agent.signal(signal.SIGHUP)
    until("it is refused", lambda: agent.events("not reloaded"))
    mistakes = agent.events("the configuration has a mistake")
    assert any(m["file"].endswith("fal.yaml") and m["line"] > 0 and "sumbit" in m["why"] for m in mistakes), mistakes
    assert {m["id"] for m in agent.call("GET", "/v1/models")[2]["data"]} == set(models)
    assert agent.run("flux", {"prompt": "as before"})["status"] == "completed"

    broken.write_text(good)
    agent.config.write_text("app: demo\nmodls: {}\n")
    agent.signal(signal.SIGHUP)
    until("it is refused again", lambda: len(agent.events("not reloaded")) == 2)
    assert any("modls" in m["why"] and m["line"] == 2 for m in agent.events("the configuration has a mistake"))
    assert agent.run("another", {"prompt": "still there"})["status"] == "completed"
    assert agent.result(task)["status"] == "completed"


def test_bad_configuration_does_not_start(rig):
    """A configuration with mistakes is refused at the start with file, line and what is wrong: all of them at once."""
    file = rig.folder / "bad.yaml"
    file.write_text(f"app: 'no good'\nslots: none\nadapters: [{ROOT / 'adapters'}]\nkeys: {{ openai: [{{ id: a, env: NOT_SET_ANYWHERE }}] }}\n"
                    "models:\n  m: { adapter: nobody }\n  n: { adapter: fal, key: nowhere }\n")
    done = subprocess.run([BUILD / "sluice", "agent", "-c", file], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and f"{file}:2:" in done.stderr and "slots" in done.stderr, done.stderr


def test_two_apps_share_a_fleet(rig):
    """Two apps' agents carry out each other's tasks; neither sees the other's."""
    one, two = rig.agent(app="one"), rig.agent(app="two")
    ids = [one.submit("gpt-image-2", {"prompt": f"of one {i} [sim:latency=100]"})["id"] for i in range(6)]
    for task in ids:
        assert one.result(task)["status"] == "completed"
        assert two.call("GET", f"/v1/tasks/{task}")[0] == 404
        assert parts.cancelled(two.call("POST", f"/v1/tasks/{task}/cancel")[2]) == "not_found"
    assert two.call("GET", "/v1/tasks")[2]["data"] == []
    assert {t["id"] for t in one.call("GET", "/v1/tasks")[2]["data"]} == set(ids)


def test_a_used_socket_is_not_taken(rig):
    """A second agent on the same socket path ends with a clear text; a socket file that nobody serves is replaced."""
    first = rig.agent()
    done = subprocess.run([BUILD / "sluice", "agent", "-c", first.config], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, SIM_KEY=parts.SECRET))
    assert done.returncode != 0 and first.socket in done.stderr, done.stderr
    first.kill()
    assert os.path.exists(first.socket)
    first.restart()
    assert first.run("gpt-image-2", {"prompt": "again"})["status"] == "completed"


def test_result_outlives_everything(rig):
    """After a restart of agent and NATS a result and its bytes are still there, under the same address."""
    agent = rig.agent()
    view = agent.run("gpt-image-2", {"prompt": "kept"})
    before = agent.call("GET", f"/v1/tasks/{view['id']}/outputs/0")[2]
    agent.stop()
    rig.nats.stop()
    rig.nats.restart()
    agent.restart()
    assert agent.call("GET", f"/v1/tasks/{view['id']}")[2] == view
    assert agent.call("GET", f"/v1/tasks/{view['id']}/outputs/0")[2] == before


def test_metrics(rig):
    """The admin port tells what happened in Prometheus' words."""
    agent = rig.agent()
    agent.run("gpt-image-2", {"prompt": "counted"})
    agent.run("gpt-image-2", {"prompt": "counted too [sim:policy]"})
    text = agent.metrics()
    assert 'sluice_tasks_total{model="gpt-image-2",status="completed"} 1' in text
    assert 'sluice_tasks_total{model="gpt-image-2",status="failed"} 1' in text
    assert 'sluice_vendor_requests_total{adapter="openai-images",step="submit",class="content_policy"} 1' in text
    for name in ("sluice_task_phase_seconds", "sluice_media_bytes_total", "sluice_build_info", "sluice_lane_depth"):
        assert name in text, text
    c = http.client.HTTPConnection("127.0.0.1", agent.events("admin port")[-1]["port"], timeout=10)
    c.request("POST", "/metrics")
    assert c.getresponse().status == 405
    assert json.loads(agent.output().splitlines()[0])  # logs are JSON from the first line on
