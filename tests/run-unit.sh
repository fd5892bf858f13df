#!/usr/bin/env bash
# Runs each unit test binary named on the command line, two at a time, and ends with one count of all tests.
set -u
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
# shellcheck disable=SC2016 # expanded by the inner shell
printf '%s\n' "$@" | xargs -P 2 -I {} bash -c '"$1" >"$2/$(basename "$1")" 2>&1; echo $? >"$2/$(basename "$1").rc"' _ {} "$logs"
pass=0 fail=0 skip=0 bad=()
for bin in "$@"; do
    log=$logs/$(basename "$bin") rc=$(cat "$logs/$(basename "$bin").rc" 2>/dev/null || echo 1)
    # cmocka names what failed or was skipped twice: where it happens and at the end.
    ok=$(grep -ac '^\[       OK \]' "$log")
    ko=$(grep -aE '^\[  FAILED  \] [a-zA-Z0-9_]+$' "$log" | sort -u | wc -l)
    sk=$(grep -aE '^\[  SKIPPED \] [a-zA-Z0-9_]+$' "$log" | sort -u | wc -l)
    pass=$((pass + ok)) skip=$((skip + sk))
    if [ "$rc" -ne 0 ]; then
        [ "$ko" -gt 0 ] || ko=1
        fail=$((fail + ko)) bad+=("$bin")
        cat "$log"
    else
        grep -a '^SKIPPED' "$log" || true
    fi
done
for b in "${bad[@]:-}"; do [ -z "$b" ] || echo "FAILED: $b"; done
echo "unit: $pass passed, $fail failed, $skip skipped"
[ $fail -eq 0 ]
