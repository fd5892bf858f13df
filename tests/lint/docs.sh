#!/usr/bin/env bash
# Documentation that is made from code and schemas is in step with them.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
for gen in tests/lint/gen-*.py; do
    /usr/bin/python3 "$gen" --check || bad=1
done
exit $bad
