/* field.c - values of HTTP header fields: parameters, types, preferences and ranges. */
#include "wire/field.h"

#include <assert.h>

#include "wire/digits.h"

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool field_token(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char(s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

/* ---- parameters ---- */

/* Takes the part before the first of the separators off *rest, as slice_cut does, but never inside a quoted
 * string. */
static bool cut_unquoted(struct slice *rest, const char *seps, struct slice *ret_part)
{
    bool quoted = false;
    size_t i = 0;

    if (!rest->p) {
        return false;
    }
    for (; i < rest->n; i++) {
        char c = rest->p[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c && strchr(seps, c)) {
            break;
        }
    }
    i = i < rest->n ? i : rest->n;
    *ret_part = (struct slice){rest->p, i};
    *rest = i < rest->n ? (struct slice){rest->p + i + 1, rest->n - i - 1} : (struct slice){NULL, 0};
    return true;
}

/* Takes the quotes off a quoted string, and the backslashes that stand before a quote or a backslash: others
 * are part of names that old programs send ("C:\x.png"). False: too long, or no proper string. */
static bool unquote(struct slice s, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 1; i < s.n && n < size && s.p[i]; i++) {
        if (s.p[i] == '"') {
            out[n] = '\0';
            return i == s.n - 1;
        }
        bool escape = s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\');
        i += escape;
        out[n++] = s.p[i];
    }
    return false;
}

bool field_param(struct slice value, const char *name, char *out, size_t size)
{
    struct slice part, key;

    assert(size);
    while (cut_unquoted(&value, ",;", &part)) {
        if (!slice_cut(&part, '=', &key) || !part.p || !slice_is_nocase(slice_trim(key), name)) {
            continue;
        }
        part = slice_trim(part);
        if (part.n && part.p[0] == '"') {
            return unquote(part, out, size);
        }
        if (part.n >= size || memchr(part.p, '\0', part.n)) {
            return false;
        }
        memcpy(out, part.p, part.n);
        out[part.n] = '\0';
        return true;
    }
    return false;
}

/* ---- types ---- */

bool field_media_type(struct slice value, char *out, size_t size)
{
    struct slice whole, type;

    if (!cut_unquoted(&value, ";", &whole)) {
        return false;
    }
    whole = slice_trim(whole);
    struct slice subtype = whole;
    if (whole.n >= size || !slice_cut(&subtype, '/', &type) || !field_token(type) || !field_token(subtype)) {
        return false;
    }
    for (size_t i = 0; i < whole.n; i++) {
        char c = whole.p[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[whole.n] = '\0';
    return true;
}

/* The weight of a media range in thousandths; one that cannot be read counts as none given. */
static int accept_weight(struct slice range)
{
    char q[16];

    if (!field_param(range, "q", q, sizeof(q)) || (q[0] != '0' && q[0] != '1')) {
        return 1000;
    }
    int weight = (q[0] - '0') * 1000;
    int scale = 100;
    for (const char *p = q[1] == '.' ? q + 2 : ""; *p >= '0' && *p <= '9'; p++, scale /= 10) {
        weight += (*p - '0') * scale;
    }
    return weight < 1000 ? weight : 1000;
}

/* What an Accept value says about one format: the heaviest of the most specific ranges that cover it. */
struct wish {
    int specific; /* 0: not covered, 1: by any type, 2: by any of the type's subtypes, 3: by its name */
    int weight;
    int place;
};

static void wish_add(struct wish *wish, int specific, int weight, int place)
{
    if (specific > wish->specific || (specific == wish->specific && weight > wish->weight)) {
        *wish = (struct wish){specific, weight, place};
    }
}

enum field_accept field_accept(struct slice value)
{
    struct wish json = {0, 0, 0}, msgpack = {0, 0, 0};
    struct slice range;
    char type[64];
    int place = 0;

    if (!slice_trim(value).n) {
        return FIELD_JSON;
    }
    for (; cut_unquoted(&value, ",", &range); place++) {
        if (!field_media_type(range, type, sizeof(type))) {
            continue;
        }
        struct slice name = slice_of(type);
        int weight = accept_weight(range);
        if (slice_is(name, "application/json")) {
            wish_add(&json, 3, weight, place);
        } else if (slice_is(name, "application/msgpack") || slice_is(name, "application/x-msgpack")) {
            wish_add(&msgpack, 3, weight, place);
        } else if (slice_is(name, "application/*")) {
            wish_add(&json, 2, weight, place);
        } else if (slice_is(name, "*/*")) {
            wish_add(&json, 1, weight, place);
        }
    }
    if (!json.weight && !msgpack.weight) {
        return FIELD_NEITHER;
    }
    bool first = msgpack.weight == json.weight && msgpack.place < json.place;
    return msgpack.weight > json.weight || first ? FIELD_MSGPACK : FIELD_JSON;
}

/* ---- ranges and preferences ---- */

/* "first-last", "first-" or "-count"; what is left out is UINT64_MAX, which first itself never is. False:
 * something else. */
static bool parse_range(struct slice s, uint64_t *ret_first, uint64_t *ret_last)
{
    bool from = digits_cut(&s, ret_first);

    if (!s.n || s.p[0] != '-') {
        return false;
    }
    s = (struct slice){s.p + 1, s.n - 1};
    bool to = digits_cut(&s, ret_last);
    if (!from) {
        *ret_first = UINT64_MAX;
    } else if (*ret_first == UINT64_MAX) {
        *ret_first = UINT64_MAX - 1; /* nothing is that large */
    }
    *ret_last = to ? *ret_last : UINT64_MAX;
    return !s.n && (from || to);
}

enum field_range field_range(struct slice value, uint64_t size, uint64_t *ret_first, uint64_t *ret_length)
{
    struct slice rest = value, unit;
    uint64_t first, last;

    if (!slice_cut(&rest, '=', &unit) || !rest.p || !slice_is_nocase(slice_trim(unit), "bytes") ||
        !parse_range(slice_trim(rest), &first, &last)) {
        return FIELD_RANGE_NONE;
    }
    if (first == UINT64_MAX) { /* the last so many bytes */
        first = last < size ? size - last : 0;
        last = UINT64_MAX;
    }
    if (last < first) {
        return FIELD_RANGE_NONE;
    }
    if (first >= size) {
        return FIELD_RANGE_BAD;
    }
    *ret_first = first;
    *ret_length = (last < size ? last + 1 : size) - first;
    return FIELD_RANGE_OK;
}

int64_t field_prefer_wait(struct slice value)
{
    char text[24];
    uint64_t seconds = 0;

    if (!field_param(value, "wait", text, sizeof(text))) {
        return -1;
    }
    struct slice rest = slice_of(text);
    if (!digits_cut(&rest, &seconds) || rest.n) {
        return -1;
    }
    return (int64_t)(seconds < DIGITS_MAX ? seconds : DIGITS_MAX) * 1000;
}

/* n lower-case hex digits; unless may_be_zero, not all of them zero. */
static bool is_hex(const char *p, size_t n, bool may_be_zero)
{
    bool zero = true;

    for (size_t i = 0; i < n; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'))) {
            return false;
        }
        zero = zero && p[i] == '0';
    }
    return may_be_zero || !zero;
}

bool field_traceparent(struct slice value)
{
    const char *p = value.p;

    /* 00-<trace>-<span>-<flags> */
    return value.n == 55 && slice_starts(value, "00-") && is_hex(p + 3, 32, false) && p[35] == '-' &&
           is_hex(p + 36, 16, false) && p[52] == '-' && is_hex(p + 53, 2, true);
}
