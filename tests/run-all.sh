#!/usr/bin/env bash
# Runs all tests of a build (its folder is the first word) and ends with one count.
set -u
cd "$(dirname "$0")/.." || exit 1
b=$1
passed=0 failed=0 skipped=0 groups=()
count() { # group, its closing line "N passed, N failed, N skipped"
    local p f s
    p=$(grep -oE '[0-9]+ passed' <<<"$2" | tail -1 | cut -d' ' -f1)
    f=$(grep -oE '[0-9]+ (failed|error)' <<<"$2" | awk '{ n += $1 } END { print n + 0 }')
    s=$(grep -oE '[0-9]+ skipped' <<<"$2" | tail -1 | cut -d' ' -f1)
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
    groups+=("$(printf '%-10s %5d passed %5d failed %5d skipped' "$1" "${p:-0}" "${f:-0}" "${s:-0}")")
}
run() { # group, command…; what it says stays in the build's folder
    local group=$1 log=$b/test-$1.log last rc
    shift
    echo "== $group"
    "$@" 2>&1 | tee "$log"
    rc=${PIPESTATUS[0]}
    last=$(tail -3 "$log")
    count "$group" "$last"
    if [ "$rc" -ne 0 ] && ! grep -qE '[1-9][0-9]* (failed|error)' <<<"$last"; then
        failed=$((failed + 1))
        groups+=("$group ended with status $rc")
    fi
}
units=()
for source in tests/unit/test_*.c; do units+=("$b/${source%.c}"); done
run unit bash tests/run-unit.sh "${units[@]}"
run cases bash tests/run-cases.sh "$b"
run specs /usr/bin/python3 tests/adapters/check_specs.py
run corpus bash tests/run-corpus.sh "$b"
run vendors bash tests/run-vendors.sh
run flow bash tests/run-flow.sh
echo
printf '%s\n' "${groups[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
