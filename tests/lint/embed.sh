#!/usr/bin/env bash
# Writes C source that holds files: embed.sh PREFIX HEADER FILE… makes PREFIX_find(name) and PREFIX_name(i), which
# HEADER declares. A file's name goes without folder and extension.
set -euo pipefail
prefix=$1 header=$2
shift 2
echo "#include \"$header\""
echo '#include <string.h>'
echo 'static const char *const texts[] = {'
for f in "$@"; do
    sed 's/\\/\\\\/g; s/"/\\"/g; s/?/\\?/g; s/^/"/; s/$/\\n"/' "$f"
    echo ','
done
echo '};'
echo 'static const char *const names[] = {'
for f in "$@"; do
    name=$(basename "$f")
    echo "\"${name%.*}\","
done
echo '};'
cat <<C
#define COUNT (sizeof(names) / sizeof(names[0]))
const char *${prefix}_find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (!strcmp(names[i], name)) {
            return texts[i];
        }
    }
    return NULL;
}
const char *${prefix}_name(size_t i)
{
    return i < COUNT ? names[i] : NULL;
}
C
