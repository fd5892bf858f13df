/* inputs_body.c - a rendered request and the task's media -> the body to send. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/inputs.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "core/render.h"
#include "wire/multipart.h"

/* The first token of any medium in text, and which; NULL when there is none. */
static const char *next_token(const struct inputs *in, const char *text, size_t *ret_index)
{
    const char *first = NULL;

    for (size_t i = 0; i < in->n; i++) {
        const char *at = strstr(text, in->items[i].token);
        if (at && (!first || at < first)) {
            first = at;
            *ret_index = i;
        }
    }
    return first;
}

/* Text with the base64 of media in place of their tokens. */
static void add_text(struct body *b, const struct inputs *in, const char *text)
{
    size_t index = 0;
    const char *at;

    while ((at = next_token(in, text, &index)) != NULL) {
        body_add_text(b, (struct slice){text, (size_t)(at - text)});
        body_add_file_base64(b, in->items[index].file);
        text = at + strlen(in->items[index].token);
    }
    body_add_text(b, slice_of(text));
}

static void add_part(struct body *b, const struct inputs *in, const char *boundary,
                     const struct request_part *part, bool first)
{
    struct buf head;
    bool medium = part->medium >= 0 && (size_t)part->medium < in->n;
    const struct inputs_medium *m = medium ? &in->items[part->medium] : NULL;

    buf_init(&head, LIMIT_PART_HEADER_BYTES * 2);
    multipart_write_head(&head, boundary, first, part->name, part->filename,
                         part->type ? part->type
                         : m        ? m->type
                                    : NULL);
    body_add_text(b, buf_slice(&head));
    buf_done(&head);
    if (m) {
        body_add_file(b, m->file);
    } else {
        add_text(b, in, part->text ? part->text : "");
    }
}

static void add_multipart(struct body *b, const struct inputs *in, const struct request *r)
{
    struct buf close;

    for (size_t i = 0; i < r->part_count; i++) {
        add_part(b, in, r->boundary, &r->parts[i], i == 0);
    }
    buf_init(&close, KIB);
    multipart_write_close(&close, r->boundary);
    body_add_text(b, buf_slice(&close));
    buf_done(&close);
}

struct body *inputs_body(const struct inputs *in, const struct request *r)
{
    struct body *b;

    if (r->body == BODY_NONE) {
        return NULL;
    }
    b = body_new();
    if (r->body == BODY_MULTIPART) {
        add_multipart(b, in, r);
    } else if (r->body == BODY_RAW) {
        if (r->medium >= 0 && (size_t)r->medium < in->n) {
            body_add_file(b, in->items[r->medium].file);
        }
    } else {
        add_text(b, in, r->text ? r->text : "");
    }
    return b;
}
