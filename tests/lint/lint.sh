#!/usr/bin/env bash
# All steps of `make lint`, with what each took: lint.sh FLAGS FILE… has clang-tidy look at the files, which compile with FLAGS.
set -u
cd "$(dirname "$0")/../.." || exit 1
read -ra flags <<<"$1"
shift
bad=()
step() {
    local name=$1 from=$SECONDS
    shift
    "$@" || bad+=("$name")
    printf 'lint: %-8s %3d s\n' "$name" $((SECONDS - from))
}
tidy() {
    # One file a process: clang-tidy 14 takes every va_list for uninitialized from its second file on.
    printf '%s\0' "$@" | xargs -0 -P2 -I{} clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null
}
step format clang-format --dry-run -Werror agent/*.c agent/*/*.[ch] tests/sim/*.[ch] tests/unit/*.[ch] tests/fuzz/*.c tests/bench/*.[ch]
step layers bash tests/lint/layers.sh
step sizes bash tests/lint/sizes.sh
step headers bash tests/lint/headers.sh "${flags[*]}"
step docs bash tests/lint/docs.sh
step cppcheck cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr -j2 \
    --suppressions-list=tests/lint/cppcheck.txt -Iagent -Itests/sim -D_GNU_SOURCE agent tests/sim
step tidy tidy "$@"
[ ${#bad[@]} -eq 0 ] || {
    echo "lint: failed: ${bad[*]}"
    exit 1
}
echo "lint: ok"
