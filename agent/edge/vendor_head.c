/* vendor_head.c - the head of a vendor's answer, collected line by line. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/vendor_internal.h"

void vendor_head_init(struct vendor_head *h)
{
    *h = (struct vendor_head){0};
    buf_init(&h->text, LIMIT_ANSWER_HEADER_BYTES + 1);
}

void vendor_head_done(struct vendor_head *h)
{
    buf_done(&h->text);
}

/* "HTTP/1.1 200 OK": another head begins. The bytes of those before it count on: a vendor may not send
 * interim answers for ever. */
static enum vendor_head_step head_begin(struct vendor_head *h, struct slice line)
{
    struct slice version;

    buf_reset(&h->text);
    h->count = 0;
    h->status = 0;
    (void)slice_cut(&line, ' ', &version);
    for (size_t i = 0; i < line.n && line.p[i] >= '0' && line.p[i] <= '9' && h->status < 100; i++) {
        h->status = h->status * 10 + (line.p[i] - '0');
    }
    return h->status >= 100 ? VENDOR_HEAD_MORE : VENDOR_HEAD_BAD;
}

/* Adds "name: value"; a line without a name (also a folded one, which no vendor should send) is left out. */
static void head_add(struct vendor_head *h, struct slice line)
{
    struct slice name, value = line;

    if (line.p[0] == ' ' || line.p[0] == '\t' || !memchr(line.p, ':', line.n) ||
        !slice_cut(&value, ':', &name)) {
        return;
    }
    name = slice_trim(name);
    value = slice_trim(value);
    if (!name.n || memchr(line.p, '\0', line.n)) {
        return;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        buf_char(&h->text, (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
    }
    buf_char(&h->text, '\0');
    buf_add(&h->text, value.p, value.n);
    buf_char(&h->text, '\0');
    h->count++;
}

enum vendor_head_step vendor_head_line(struct vendor_head *h, struct slice line)
{
    if (h->whole) {
        return VENDOR_HEAD_MORE; /* a trailer */
    }
    h->bytes += line.n;
    if (h->bytes > LIMIT_ANSWER_HEADER_BYTES) {
        return VENDOR_HEAD_BAD;
    }
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
        line.n--;
    }
    if (slice_starts(line, "HTTP/")) {
        return head_begin(h, line);
    }
    if (line.n) {
        head_add(h, line);
        return VENDOR_HEAD_MORE;
    }
    h->whole = h->status >= 200;
    return h->whole ? VENDOR_HEAD_WHOLE : VENDOR_HEAD_MORE;
}

struct vendor_field *vendor_head_fields(const struct vendor_head *h)
{
    struct vendor_field *fields = mem_new((h->count + 1) * sizeof(*fields));
    const char *at = h->text.p;

    for (size_t i = 0; i < h->count; i++) {
        fields[i].name = at;
        at += strlen(at) + 1;
        fields[i].value = at;
        at += strlen(at) + 1;
    }
    return fields;
}

const char *vendor_head_find(const struct vendor_head *h, const char *name)
{
    const char *at = h->text.p;

    for (size_t i = 0; i < h->count; i++) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0) {
            return value;
        }
        at = value + strlen(value) + 1;
    }
    return NULL;
}
