#!/usr/bin/env bash
# Every header compiles alone, so that no file depends on the order of its includes.
set -u
cd "$(dirname "$0")/../.." || exit 1
read -ra flags <<<"$1"
bad=0
for h in agent/*/*.h tests/sim/*.h; do
    echo "#include \"${h#agent/}\"" | sed 's,"tests/sim/,",' |
        "${CC:-gcc}" "${flags[@]}" -fsyntax-only -x c - || {
        echo "$h does not compile alone"
        bad=1
    }
done
exit $bad
