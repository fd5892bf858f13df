#!/usr/bin/env bash
# Runs each fuzz target for some seconds on a copy of its corpus; a crash is kept in build/fuzz-crashes and fails the run.
set -u
cd "$(dirname "$0")/.." || exit 1
b=$1 seconds=$2 failed=0
mkdir -p build/fuzz-crashes
for source in tests/fuzz/fuzz_*.c; do
    bin=$b/${source%.c} name=${source#tests/fuzz/fuzz_}
    name=${name%.c}
    work=$(mktemp -d)
    if "$bin" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz-crashes/$name-" "$work" "tests/fuzz/corpus/$name" >"$work.log" 2>&1; then
        echo "fuzz_$name: $(grep -oE 'Done [0-9]+ runs' "$work.log")"
    else
        echo "fuzz_$name FAILED"
        tail -30 "$work.log"
        failed=1
    fi
    rm -rf "$work" "$work.log"
done
exit $failed
