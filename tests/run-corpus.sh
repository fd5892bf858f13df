#!/usr/bin/env bash
# Replays each fuzz target's corpus; every input that ever broke something stays there.
set -u
cd "$(dirname "$0")/.." || exit 1
b=$1 passed=0 failed=0
for source in tests/fuzz/fuzz_*.c; do
    bin=$b/${source%.c} name=${source#tests/fuzz/fuzz_}
    name=${name%.c}
    if out=$("$bin" "tests/fuzz/corpus/$name" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "fuzz_$name: $out"
    fi
done
echo "corpus: $passed passed, $failed failed"
[ $failed -eq 0 ]
