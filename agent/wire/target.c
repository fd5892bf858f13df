/* target.c - the target of a request line: its path and its query. */
#include "wire/target.h"

#include <assert.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX, and '+' when plus, into out, which may be in's own bytes: what comes out is never longer.
 * False: a bad escape, a control character comes out, or more than size bytes do. */
static bool decode(struct slice in, bool plus, char *out, size_t size, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            int high = in.n - i > 2 ? hex_digit(in.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(in.p[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        if ((unsigned char)c < ' ' || c == 0x7f || n == size) {
            return false;
        }
        out[n++] = c;
    }
    *ret_n = n;
    return true;
}

static bool has_dot_segment(struct slice path)
{
    struct slice part;

    while (slice_cut(&path, '/', &part)) {
        if (slice_is(part, ".") || slice_is(part, "..")) {
            return true;
        }
    }
    return false;
}

/* A byte that may stand in a URI without its fragment; finer distinctions make no difference here. */
static bool is_plain(struct slice target)
{
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= ' ' || c >= 0x7f || c == '#') {
            return false;
        }
    }
    return true;
}

const char *target_split(struct slice target, char *text, struct slice *ret_path, struct slice *ret_query)
{
    struct slice path = target, query = {NULL, 0};

    if (!target.n || target.p[0] != '/') {
        return "the target is not a path";
    }
    if (!is_plain(target)) {
        return "the target holds a byte that must be percent-encoded";
    }
    const char *mark = memchr(target.p, '?', target.n);
    if (mark) {
        path.n = (size_t)(mark - target.p);
        query = (struct slice){mark + 1, target.n - path.n - 1};
    }
    if (!decode(path, false, text, path.n, &path.n)) {
        return "the path holds a bad percent-escape";
    }
    path.p = text;
    /* Every client resolves dot segments before it sends; one that does not is up to something. */
    if (has_dot_segment(path)) {
        return "the path holds a dot segment";
    }
    *ret_path = path;
    *ret_query = query;
    return NULL;
}

bool target_param(struct slice query, const char *name, char *out, size_t size)
{
    struct slice pair, key;

    assert(size);
    while (slice_cut(&query, '&', &pair)) {
        if (!slice_cut(&pair, '=', &key) || !slice_is(key, name)) {
            continue;
        }
        size_t n = 0;
        if (!decode(pair, true, out, size - 1, &n)) {
            return false;
        }
        out[n] = '\0';
        return true;
    }
    return false;
}
