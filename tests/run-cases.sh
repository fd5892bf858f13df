#!/usr/bin/env bash
# Checks each adapter with its cases: no operation, rule, state, step or upload that no case has. The first word is the build's folder.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
for adapter in adapters/*.yaml; do
    if out=$("$1/sluice" check --cases tests/adapters "$adapter" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$out"
    fi
done
echo "cases: $passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
