/* fuzz_field.c - values of header fields stay within their bounds, and what was quoted is unquoted again. */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/field.h"
#include "wire/target.h"

#define NOW_MS 1760000000000ll
#define DAY_MS (24 * 3600 * 1000)

/* Property: what is given fits, ends in NUL, and reads the same when it is given once more. */
static void check_texts(struct slice value)
{
    char once[32], twice[32];

    if (field_media_type(value, once, sizeof(once))) {
        assert(strlen(once) < sizeof(once) && strchr(once, '/'));
        assert(field_media_type(slice_of(once), twice, sizeof(twice)) && !strcmp(once, twice));
    }
    if (field_param(value, "x", once, sizeof(once))) {
        assert(strlen(once) < sizeof(once));
    }
    if (target_param(value, "x", once, sizeof(once))) {
        assert(strlen(once) < sizeof(once) && !strchr(once, '\r') && !strchr(once, '\n'));
    }
}

/* Property: any text without NUL survives quoting. */
static void check_quoting(struct slice value)
{
    struct buf text, out;

    if (value.n && memchr(value.p, '\0', value.n)) {
        return;
    }
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_text(&text, "y=\"; x=1\"; x=\"");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\') {
            buf_char(&text, '\\');
        }
        buf_char(&text, value.p[i]);
    }
    buf_text(&text, "\"; z");
    buf_add(&out, text.p, text.n);
    assert(buf_ok(&text) && field_param(buf_slice(&text), "X", out.p, out.n));
    assert(slice_is(value, out.p));
    buf_done(&text);
    buf_done(&out);
}

static void check_range(struct slice value, uint64_t size)
{
    uint64_t first = 0, length = 0;

    if (field_range(value, size, &first, &length) == FIELD_RANGE_OK) {
        assert(length && first < size && length <= size - first);
    }
}

/* Property: a path never escapes its root, and decoding in place and elsewhere agree. */
static void check_target(struct slice value)
{
    char here[256], there[256];
    struct slice path, query, path2, query2, part;

    if (value.n > sizeof(here)) {
        return;
    }
    memcpy(here, value.p, value.n);
    const char *wrong = target_split(value, there, &path, &query);
    const char *wrong2 = target_split((struct slice){here, value.n}, here, &path2, &query2);
    assert(wrong == wrong2);
    if (wrong) {
        return;
    }
    assert(path.n == path2.n && !memcmp(path.p, path2.p, path.n) && path.p[0] == '/');
    assert(query.n == query2.n && (!query.n || !memcmp(query.p, query2.p, query.n)));
    while (slice_cut(&path, '/', &part)) {
        assert(!slice_is(part, ".") && !slice_is(part, ".."));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice value = {size ? (const char *)data : "", size};

    check_texts(value);
    check_quoting(value);
    check_target(value);
    check_range(value, 0);
    check_range(value, 1000);
    check_range(value, UINT64_MAX);
    assert(field_accept(value) <= FIELD_NEITHER);
    assert(field_prefer_wait(value) >= -1);
    assert(field_duration_ms(value) >= -1);
    assert(field_bytes(value) >= -1);
    int64_t later = field_later_ms(value, NOW_MS);
    assert(later >= -1 && later <= DAY_MS);
    assert(!field_traceparent(value) || size == 55);
    return 0;
}
