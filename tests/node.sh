#!/usr/bin/env bash
# Installs the npm clients that tests use, when they are not there: test clients only, never the product.
# With no word those of the flow tests; with "vendors" the vendors' SDKs.
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
cd "$tests/${1:-}"
done=node_modules/.done
[ "$done" -nt package.json ] && [ "$done" -nt package-lock.json ] && exit 0
command -v npm >/dev/null || bash "$tests/deps.sh" nodejs npm
echo "installing: the npm packages of tests/${1:+$1/}package.json" >&2
npm ci --no-audit --no-fund --loglevel=error >/dev/null
touch "$done"
