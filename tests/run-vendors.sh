#!/usr/bin/env bash
# Runs the vendors' own SDKs against the simulator; words name scripts of tests/vendors, none means all.
set -euo pipefail
cd "$(dirname "$0")/vendors"
node=$(printf '%s\n' ../node_modules/node-linux-*/bin/node | head -1)
[ -x "$node" ] || node=node
exec "$node" --no-warnings run.mjs "$@"
