#!/usr/bin/env bash
# No function over 60 lines or complexity 15. There is no list of exceptions.
set -u
cd "$(dirname "$0")/../.." || exit 1
pmccabe agent/*/*.c agent/*.c tests/sim/*.c | awk -F'\t' '
    { if ($1 > 15 || $5 > 60) { printf "%s: %s: complexity %d, %d lines\n", $6, $7, $1, $5; bad = 1 } n++ }
    END { printf "%d functions looked at\n", n; exit bad }'
