#!/usr/bin/env bash
# Runs each unit test binary named on the command line and ends with one count of all tests.
set -u
pass=0 fail=0 skip=0 bad=()
for bin in "$@"; do
    out=$("$bin" 2>&1); rc=$?
    # cmocka names what failed or was skipped twice: where it happens and at the end.
    ok=$(grep -c '^\[       OK \]' <<<"$out")
    ko=$(grep -E '^\[  FAILED  \] [a-zA-Z0-9_]+$' <<<"$out" | sort -u | wc -l)
    sk=$(grep -E '^\[  SKIPPED \] [a-zA-Z0-9_]+$' <<<"$out" | sort -u | wc -l)
    pass=$((pass + ok)) skip=$((skip + sk))
    if [ $rc -ne 0 ]; then
        [ "$ko" -gt 0 ] || ko=1
        fail=$((fail + ko)) bad+=("$bin"); echo "$out"
    else
        grep '^SKIPPED' <<<"$out" || true
    fi
done
for b in "${bad[@]:-}"; do [ -z "$b" ] || echo "FAILED: $b"; done
echo "unit: $pass passed, $fail failed, $skip skipped"
[ $fail -eq 0 ]
