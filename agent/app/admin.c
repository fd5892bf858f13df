/* admin.c - /livez, /readyz and /metrics. */
#include "app/admin.h"

#include <stdlib.h>

#include "app/metrics.h"
#include "app/standing.h"
#include "base/mem.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define TEXT_TYPE    "text/plain; charset=utf-8"
#define BODY_BYTES   (64 * KIB) /* nobody sends one; a small one is read and dropped */
#define PAGE_BYTES   (8 * MIB)

struct admin {
    struct admin_options options;
};

static void admin_page(struct front_req *req, int status, const char *type, struct slice text)
{
    const struct http_field fields[] = {{slice_of("Content-Type"), slice_of(type)},
                                        {slice_of("Cache-Control"), slice_of("no-store")}};

    front_reply(req, status, fields, 2, text);
}

static void admin_live(struct admin *a, struct front_req *req)
{
    (void)a;
    admin_page(req, 200, TEXT_TYPE, slice_of("ok\n"));
}

static void admin_ready(struct admin *a, struct front_req *req)
{
    struct buf why;

    buf_init(&why, BODY_BYTES);
    bool ready = a->options.ready(a->options.arg, &why);
    admin_page(req, ready ? 200 : 503, TEXT_TYPE, ready ? slice_of("ok\n") : buf_slice(&why));
    buf_done(&why);
}

static void admin_metrics(struct admin *a, struct front_req *req)
{
    struct buf text;

    buf_init(&text, PAGE_BYTES);
    standing_sample(a->options.parts->standing);
    metrics_write(a->options.parts->metrics, &text);
    if (buf_ok(&text)) {
        admin_page(req, 200, METRICS_TYPE, buf_slice(&text));
    } else {
        front_reply_fault(req, FAULT_INTERNAL, NULL, NULL);
    }
    buf_done(&text);
}

static const struct page {
    const char *path;
    void (*show)(struct admin *a, struct front_req *req);
} pages[] = {
    {"/livez", admin_live},
    {"/readyz", admin_ready},
    {"/metrics", admin_metrics},
};

/* ---- from the front ---- */

static enum fault on_head(void *arg, struct front_req *req, const struct http_head *head, struct note *note)
{
    bool reads = slice_is(head->method, "GET") || slice_is(head->method, "HEAD");
    static const struct http_field allow = {{"Allow", 5}, {"GET", 3}};

    front_req_body_limit(req, BODY_BYTES);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (!slice_is(head->path, pages[i].path)) {
            continue;
        }
        if (reads) {
            pages[i].show(arg, req);
        } else {
            front_reply(req, 405, &allow, 1, slice_of("this page takes GET\n"));
        }
        return FAULT_OK;
    }
    return note_set(note, FAULT_NO_ROUTE, "the admin port has /livez, /readyz and /metrics");
}

static enum fault on_body(void *arg, struct front_req *req, struct slice bytes, struct note *note)
{
    (void)arg;
    (void)req;
    (void)bytes;
    (void)note;
    return FAULT_OK;
}

static enum fault on_end(void *arg, struct front_req *req, struct note *note)
{
    (void)arg;
    (void)req;
    (void)note;
    return FAULT_OK;
}

static void on_gone(void *arg, struct front_req *req)
{
    (void)arg;
    (void)req;
}

const struct front_handler *admin_handler(void)
{
    static const struct front_handler handler = {on_head, on_body, on_end, on_gone, NULL, NULL};

    return &handler;
}

struct admin *admin_new(const struct admin_options *options)
{
    struct admin *a = mem_new(sizeof(*a));

    a->options = *options;
    return a;
}

void admin_free(struct admin **a)
{
    free(*a);
    *a = NULL;
}
