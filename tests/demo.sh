#!/usr/bin/env bash
# The main job in one minute: two agents, one queue, a picture and a video. Everything runs on loopback and is stopped at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${SLUICE_BUILD:-build/release}
dir=build/demo
rm -rf "$dir"
mkdir -p "$dir/log"
pids=()

bold='' plain=''
[ ! -t 1 ] || bold=$'\e[1m' plain=$'\e[0m'
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
}
trap stop EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { # what, command…
    local what=$1
    shift
    for _ in $(seq 300); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    echo "waited too long for $what; logs are in $dir/log" >&2
    tail -n 5 "$dir"/log/*.log >&2
    exit 1
}

nats_port=$(free_port) sim_port=$(free_port)
nats_server=$(command -v nats-server || echo /usr/sbin/nats-server)

say "1. A NATS server with JetStream, and a simulator that speaks the vendors' APIs"
"$nats_server" -a 127.0.0.1 -p "$nats_port" -js -sd "$dir/nats" >"$dir/log/nats.log" 2>&1 &
pids+=($!)
"$bin/sluice-sim" --listen "127.0.0.1:$sim_port" --key demo-key --job-ms 7000 >"$dir/log/sim.log" 2>&1 &
pids+=($!)
echo "   nats-server on 127.0.0.1:$nats_port, sluice-sim on 127.0.0.1:$sim_port (no key, no money, real files)"

config() { # name, roles
    cat >"$dir/$1.yaml" <<YAML
app: demo
roles: [$2]
socket: $PWD/$dir/$1.sock
admin: ""
nats: { url: "nats://127.0.0.1:$nats_port" }
streams: { media_bytes: 1GiB, tasks_bytes: 64MiB, results_bytes: 64MiB }
spool: { dir: $PWD/$dir/spool-$1 }
adapters: [$PWD/adapters]
allow_http: true
allow_hosts: ["127.0.0.1:$sim_port"]
keys:
  demo: [{ id: main, env: DEMO_KEY }]
models:
  gpt-image-2: { adapter: openai-images, key: demo, base: "http://127.0.0.1:$sim_port/openai/v1" }
  sora-2: { adapter: openai-videos, key: demo, base: "http://127.0.0.1:$sim_port/openai/v1" }
YAML
}
export DEMO_KEY=demo-key
config app "ingress, execute"
config worker "execute"

say "2. Streams, consumers and buckets: made once by 'sluice setup'"
"$bin/sluice" setup -c "$dir/app.yaml" | sed 's/^/   /'

say "3. Two agents: one beside the app takes the requests, either may carry them out"
for name in app worker; do
    "$bin/sluice" agent -c "$dir/$name.yaml" 2>"$dir/log/$name.log" &
    pids+=($!)
    wait_for "agent $name" grep -q '"event":"ready"' "$dir/log/$name.log"
    echo "   agent '$name' is ready ($dir/log/$name.log)"
done
export SLUICE_SOCKET=$PWD/$dir/app.sock

say "4. A picture: the app asks for a model by name and gets a file"
echo "   \$ sluice run gpt-image-2 -f prompt='a lock on a canal at dawn' -f size=1024x1024 -o $dir/canal.png"
"$bin/sluice" run gpt-image-2 -f prompt='a lock on a canal at dawn' -f size=1024x1024 -o "$dir/canal.png" | sed 's/^/   /'

say "5. The same with curl, as the OpenAI SDKs do it"
echo "   \$ curl --unix-socket $dir/app.sock http://sluice/v1/images/generations -H 'Content-Type: application/json' -d '{\"model\":\"gpt-image-2\",…}'"
curl -sS --unix-socket "$dir/app.sock" http://sluice/v1/images/generations -H 'Content-Type: application/json' \
    -d '{"model":"gpt-image-2","prompt":"a heron","response_format":"url"}' | sed 's/^/   /'
echo

say "6. A video: submitted, watched while the vendor renders, fetched"
task=$("$bin/sluice" submit sora-2 -f prompt='water runs out of the lock' -f duration_s=4 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
echo "   task $task"
"$bin/sluice" watch "$task" | sed 's/^/   /'
"$bin/sluice" output "$task" -o "$dir/lock.mp4"

say "7. What came back"
ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 "$dir/canal.png" | sed "s,^,   $dir/canal.png: ,"
ffprobe -v error -show_entries stream=codec_name,width,height:format=duration -of csv=p=0 "$dir/lock.mp4" | paste -sd ' ' | sed "s,^,   $dir/lock.mp4: ,"
ffmpeg -v error -i "$dir/lock.mp4" -f null - && echo "   the video plays from beginning to end"
for name in app worker; do
    echo "   agent '$name' carried out $(grep -c '"event":"task ended"' "$dir/log/$name.log" || true) task(s)"
done

say "8. Where any other service reads the result: JetStream"
/usr/bin/python3 tests/peek.py "$nats_port" SLUICE_RESULTS "sluice.result.demo.$task" | sed 's/^/   /'
echo "   The media are ordinary objects of the bucket SLUICE_MEDIA, named by their SHA-256; with the nats command line:"
echo "   \$ nats stream get SLUICE_RESULTS --last-for sluice.result.demo.$task"
echo "   \$ nats object get SLUICE_MEDIA $(sha256sum "$dir/lock.mp4" | cut -d' ' -f1)"

say "9. Everything stops; whatever was accepted is on disk in NATS"
stop
pids=()
echo "   done: $dir/canal.png and $dir/lock.mp4"
