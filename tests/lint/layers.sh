#!/usr/bin/env bash
# Includes point down only, core and edge never meet, and each outside library has its rooms. Names the file and line.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
# room: what it may include
allowed() {
    case $1 in
    base) echo "base" ;;
    wire) echo "base wire" ;;
    core) echo "base wire core" ;;
    edge) echo "base wire edge" ;;
    app) echo "base wire core edge app" ;;
    cli) echo "base wire core edge app cli" ;;
    esac
}
for room in base wire core edge app cli; do
    ok=$(allowed $room)
    while IFS=: read -r file line text; do
        target=$(sed -E 's/.*"([a-z]+)\/.*/\1/' <<<"$text")
        [[ " $ok " == *" $target "* ]] || {
            echo "$file:$line: $room may not include $target"
            bad=1
        }
    done < <(grep -nE '^#include "[a-z]+/' agent/$room/*.[ch])
done
# library header: the files that may include it
only() {
    while IFS=: read -r file line _; do
        [[ $file =~ $2 ]] || {
            echo "$file:$line: <$1> belongs in $2 only"
            bad=1
        }
    done < <(grep -nE "^#include <$1" agent/*/*.[ch] agent/*.c)
}
only 'nats' '^agent/edge/bus'
only 'curl/' '^agent/edge/(vendor|client)'
only 'uv.h' '^agent/edge/'
only 'llhttp' '^agent/wire/http'
only 'msgpack' '^agent/wire/pack'
only 'yaml.h' '^agent/wire/yaml'
only 'pcre2' '^agent/wire/schema'
only 'jq.h' '^agent/core/mapping'
only 'jv.h' '^agent/core/mapping'
only 'openssl' '^agent/(wire/(digest|base64|jwt|sigv4)|edge/(bus|nkey|vendor))'
# banned words
grep -nE '\b(strcpy|strcat|sprintf|strtok|strncpy|atoi|gmtime|localtime|alloca|system|popen|gets)\(' agent/*/*.[ch] agent/*.c && bad=1
# no tabs, no trailing space, a first line that tells the duty
for f in agent/*/*.[ch] agent/*.c; do
    name=$(basename "$f")
    head -1 "$f" | grep -qF "/* $name - " || {
        echo "$f:1: the first line must be '/* $name - its one duty. */'"
        bad=1
    }
    [ "$(wc -l <"$f")" -le 500 ] || {
        echo "$f: more than 500 lines: split it by duty"
        bad=1
    }
done
exit $bad
