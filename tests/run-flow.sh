#!/usr/bin/env bash
# Runs the flow tests, a few files at a time: they wait more than they work. Those that failed are run once more, alone: what passes then is named
# as flaky, aloud, and is to be mended.
set -u
cd "$(dirname "$0")/.."
pytest=(/usr/bin/python3 -m pytest -q -o cache_dir=build/pytest-cache)
log=$(mktemp)
folder=$(mktemp -d /tmp/sluice-flow.XXXXXX) # of this run alone: pytest's own is cleared by other runs; and short, for socket paths
trap 'rm -rf "$log" "$folder"' EXIT
"${pytest[@]}" -n "${SLUICE_JOBS:-3}" --dist loadfile --basetemp="$folder/t" tests/flow 2>&1 | tee "$log"
[ "${PIPESTATUS[0]}" -ne 0 ] || exit 0
first=$(tail -1 "$log")
failed=$(grep -oE '[0-9]+ (failed|error)' <<<"$first" | awk '{ n += $1 } END { print n + 0 }')
passed=$(grep -oE '[0-9]+ passed' <<<"$first" | cut -d' ' -f1)
[ "$failed" -ge 1 ] && [ "$failed" -le 5 ] || exit 1
echo "once more: $(grep -E '^(FAILED|ERROR) ' "$log" | cut -d' ' -f2 | paste -sd' ')"
"${pytest[@]}" --last-failed --last-failed-no-failures none --basetemp="$folder/t" tests/flow || exit 1
echo "FLAKY, to be mended: $(grep -E '^(FAILED|ERROR) ' "$log" | cut -d' ' -f2 | paste -sd' ')"
echo "$((passed + failed)) passed, 0 failed"
