#!/usr/bin/env bash
# Installs the npm clients that flow tests use, when they are not there: test clients only, never the product.
set -euo pipefail
cd "$(dirname "$0")"
done=node_modules/.done
[ "$done" -nt package.json ] && [ "$done" -nt package-lock.json ] && exit 0
command -v npm >/dev/null || bash deps.sh nodejs npm
echo "installing: the npm packages of tests/package.json" >&2
npm ci --no-audit --no-fund --loglevel=error >/dev/null
touch "$done"
