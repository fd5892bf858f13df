/* fetch.c - one medium into a spool file. */
#include "app/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/retry.h"
#include "wire/field.h"
#include "wire/jsonscan.h"
#include "wire/sniff.h"

#define TRIES       5     /* of a URL */
#define WAIT_MAX_MS 60000 /* that a host may ask for between them */

struct fetch {
    struct parts *parts;
    struct media_get *get;
    struct vendor_call *call;
    char *url;
    int tries;
    int status;
    int64_t later_ms; /* the host's wish, -1: none */
    struct spool_file *file;
    char type[64];
    enum fault fault;
    struct note note;
    struct timer timer;
    fetch_fn *fn;
    void *arg;
};

static void fetch_end(struct timer *t)
{
    struct fetch *f = container_of(t, struct fetch, timer);
    fetch_fn *fn = f->fn;
    void *arg = f->arg;
    enum fault fault = f->fault;
    struct note note = f->note;
    struct spool_file *file = NULL;
    char type[64];

    memcpy(type, f->type, sizeof(type));
    if (fault == FAULT_OK) {
        file = f->file;
        f->file = NULL;
    }
    fetch_stop(&f);
    fn(arg, fault, &note, file, type);
}

static void fetch_finish(struct fetch *f, enum fault fault)
{
    char head[SNIFF_BYTES];

    f->fault = fault;
    if (fault == FAULT_OK && !f->type[0]) {
        long n = spool_file_read(f->file, 0, head, sizeof(head));
        struct sniff s = sniff_media((struct slice){head, n > 0 ? (size_t)n : 0});
        snprintf(f->type, sizeof(f->type), "%s", s.type ? s.type : "");
    }
    timer_start(f->parts->loop, &f->timer, 0, fetch_end);
}

static struct fetch *fetch_new(struct parts *parts, fetch_fn *fn, void *arg)
{
    struct fetch *f = mem_new(sizeof(*f));

    *f = (struct fetch){.parts = parts, .fn = fn, .arg = arg};
    f->file = spool_file_new(parts->spool, (uint64_t)parts->config->max_media_bytes);
    if (!f->file) {
        fetch_finish(f, note_set(&f->note, FAULT_OVERLOADED, "the spool directory takes no more files"));
    }
    return f;
}

/* ---- from the store ---- */

static void media_head(void *arg, enum fault fault, const struct media_info *info)
{
    struct fetch *f = arg;

    if (fault != FAULT_OK) {
        f->get = NULL;
        fetch_finish(f, fault == FAULT_NO_MEDIA ? note_set(&f->note, FAULT_INPUT_UNAVAILABLE,
                                                           "an input medium is not in the store any more")
                                                : fault);
        return;
    }
    snprintf(f->type, sizeof(f->type), "%s", info->type);
}

static bool media_data(void *arg, struct slice bytes)
{
    struct fetch *f = arg;

    if (f->fault == FAULT_OK) {
        f->fault = spool_file_add(f->file, bytes);
    }
    return true;
}

static void media_end(void *arg, enum fault fault)
{
    struct fetch *f = arg;

    f->get = NULL;
    fetch_finish(f, f->fault != FAULT_OK      ? f->fault
                    : fault == FAULT_BAD_DATA ? FAULT_INPUT_UNAVAILABLE
                                              : fault);
}

struct fetch *fetch_media(struct parts *parts, const char *digest, fetch_fn *fn, void *arg)
{
    static const struct media_get_events events = {media_head, media_data, media_end};
    struct fetch *f = fetch_new(parts, fn, arg);

    if (f->file) {
        f->get = media_get_start(parts->media, digest, 0, 0, &events, f);
    }
    return f;
}

/* ---- from a URL ---- */

static void url_ask(struct fetch *f);

static enum fault url_head(void *arg, int status, const struct vendor_field *fields, size_t n)
{
    struct fetch *f = arg;

    f->status = status;
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(fields[i].name, "retry-after")) {
            f->later_ms = field_later_ms(slice_of(fields[i].value), clock_wall_ms());
        }
    }
    if (status < 200 || status > 299) {
        return note_set(&f->note, FAULT_INPUT_UNAVAILABLE, "fetching the URL was answered with status %d",
                        status);
    }
    return FAULT_OK;
}

static enum fault url_data(void *arg, struct slice bytes, bool *pause)
{
    struct fetch *f = arg;

    (void)pause;
    return spool_file_add(f->file, bytes);
}

/* Whether another try may bring it: the host was not reached, or is in trouble, or busy. */
static bool url_passing(const struct fetch *f, const struct vendor_end *end)
{
    if (end->fault == FAULT_INPUT_UNAVAILABLE) {
        return f->status >= 500 || f->status == 429 || f->status == 408;
    }
    return end->fault == FAULT_VENDOR_UNAVAILABLE;
}

static void url_again(struct timer *t)
{
    url_ask(container_of(t, struct fetch, timer));
}

static void url_wait(struct fetch *f)
{
    int64_t ms = retry_backoff_ms(&retry_default, f->tries - 1, (double)(clock_mono_us() % 4093) / 4093);
    int64_t wish = f->later_ms < WAIT_MAX_MS ? f->later_ms : WAIT_MAX_MS;

    timer_start(f->parts->loop, &f->timer, wish > ms ? wish : ms, url_again);
}

static void url_end(void *arg, const struct vendor_end *end)
{
    struct fetch *f = arg;

    f->call = NULL;
    if (url_passing(f, end) && f->tries < TRIES) {
        log_debug(f->parts->log, "fetching an input failed", LOG_TEXT("why", end->text),
                  LOG_INT("status", f->status), LOG_INT("tries", f->tries));
        url_wait(f);
    } else if (end->fault == FAULT_OK || end->fault == FAULT_OVERLOADED ||
               end->fault == FAULT_INPUT_UNAVAILABLE) {
        fetch_finish(f, end->fault);
    } else if (end->fault == FAULT_HOST_REFUSED || end->fault == FAULT_TOO_LARGE) {
        fetch_finish(f, note_set(&f->note, end->fault, "%s", end->text));
    } else {
        fetch_finish(f,
                     note_set(&f->note, FAULT_INPUT_UNAVAILABLE, "fetching the URL failed: %s", end->text));
    }
}

/* Into a file of its own each time: what an earlier try has left is no beginning. */
static void url_ask(struct fetch *f)
{
    static const struct vendor_events events = {url_head, url_data, url_end};
    const uint64_t limit = (uint64_t)f->parts->config->max_media_bytes;
    struct vendor_request request = {.method = "GET",
                                     .url = f->url,
                                     .max_bytes = limit,
                                     .media = true,
                                     .guarded = true,
                                     .insecure_ok = true};

    if (f->tries++) {
        spool_file_drop(&f->file);
        f->file = spool_file_new(f->parts->spool, limit);
    }
    f->status = 0;
    f->later_ms = -1;
    f->note = (struct note){0};
    f->call = vendor_call_start(f->parts->vendor, &request, &events, NULL, f);
}

struct fetch *fetch_url(struct parts *parts, const char *url, fetch_fn *fn, void *arg)
{
    struct fetch *f = fetch_new(parts, fn, arg);

    if (f->file) {
        f->url = mem_text(url);
        url_ask(f);
    }
    return f;
}

void fetch_stop(struct fetch **pf)
{
    struct fetch *f = *pf;

    if (!f) {
        return;
    }
    media_get_stop(&f->get);
    vendor_call_stop(&f->call);
    timer_stop(&f->timer);
    spool_file_drop(&f->file);
    free(f->url);
    free(f);
    *pf = NULL;
}

enum fault fetch_json(const struct spool_file *file, json_t **ret_value, struct note *note)
{
    struct buf text;
    char piece[16384];
    long n = 0;

    buf_init(&text, LIMIT_TEXT_BYTES + LIMIT_STRING_BYTES);
    for (uint64_t at = 0; buf_ok(&text) && (n = spool_file_read(file, at, piece, sizeof(piece))) > 0;
         at += (uint64_t)n) {
        buf_add(&text, piece, (size_t)n);
    }
    enum fault fault = !buf_ok(&text) ? FAULT_TOO_LARGE
                       : n < 0        ? FAULT_IO
                                      : jsonscan_read(buf_slice(&text), ret_value, note);
    buf_done(&text);
    return fault;
}
