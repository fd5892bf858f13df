/* place.c - one message per placement, whatever became of the messages before it. */
#include "app/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/setup.h"
#include "base/buf.h"
#include "base/mem.h"
#include "wire/base64.h"
#include "wire/envelope.h"

#define AGAIN_MS 500
#define TRY_MS   10000
#define ASK_MS   5000

struct put {
    struct parts *parts;
    char subject[4 * LIMIT_NAME_CHARS + 64];
    const char *stream;
    char msg_id[ID_CHARS + 24];
    int64_t placement;
    char *id, *model, *traceparent;
    struct buf payload;
    int64_t until_ms; /* -1: for ever */
    uint64_t old_seq;
    struct timer timer;
    place_fn *fn;
    void *arg;
};

enum fault place_read(struct slice payload, struct place_task *ret, struct note *note)
{
    json_t *body = NULL;
    enum fault fault = envelope_read(payload, "task", &body, note);

    if (fault == FAULT_OK) {
        ret->placement = json_integer_value(json_object_get(body, "placement"));
        fault = task_from_json(json_object_get(body, "task"), &ret->task, note);
    }
    json_decref(body);
    return fault;
}

static void put_done(struct put *p, enum fault fault)
{
    place_fn *fn = p->fn;
    void *arg = p->arg;

    timer_stop(&p->timer);
    buf_done(&p->payload);
    free(p->id);
    free(p->model);
    free(p->traceparent);
    free(p);
    fn(arg, fault);
}

static void put_send(struct put *p);

static void put_on_timer(struct timer *t)
{
    put_send(container_of(t, struct put, timer));
}

static void put_again(struct put *p, enum fault fault)
{
    if (p->until_ms >= 0 && loop_now_ms(p->parts->loop) >= p->until_ms) {
        put_done(p, fault);
    } else {
        timer_start(p->parts->loop, &p->timer, AGAIN_MS, put_on_timer);
    }
}

static void put_on_deleted(void *arg, enum fault fault, const json_t *answer)
{
    (void)answer; /* deleted by us, or by somebody else, or not there any more: publishing tells */
    put_again(arg, fault == FAULT_OK ? FAULT_BUS_TIMEOUT : fault);
}

/* The placement in a stored message's headers, which STREAM.MSG.GET gives as base64; 0: none of this task. */
static int64_t put_stored(const struct put *p, const char *headers64)
{
    size_t n = headers64 ? strlen(headers64) : 0;
    AUTO(auto_free) char *headers = mem_new(n + 4);
    struct base64 d = {0};
    long got = n ? base64_feed(&d, headers64, n, (unsigned char *)headers) : 0;
    char begin[ID_CHARS + 24];

    snprintf(begin, sizeof(begin), "\r\nNats-Msg-Id: %s:", p->id);
    const char *at = got > 0 ? strstr(headers, begin) : NULL;
    return at ? strtoll(at + strlen(begin), NULL, 10) : 0;
}

static void put_on_found(void *arg, enum fault fault, const json_t *answer)
{
    struct put *p = arg;
    const json_t *message = json_object_get(answer, "message");
    char subject[64];

    if (fault != FAULT_OK || !message) {
        put_again(p, fault == FAULT_OK ? FAULT_BUS_TIMEOUT : fault); /* gone in the meantime */
        return;
    }
    /* A newer one is there when somebody was faster: to remove it would leave the task without any, since the
     * stream remembers its id. */
    if (put_stored(p, json_string_value(json_object_get(message, "hdrs"))) >= p->placement) {
        put_done(p, FAULT_OK);
        return;
    }
    json_t *request = json_pack("{s:O,s:b}", "seq", json_object_get(message, "seq"), "no_erase", 1);
    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.DELETE.%s", p->stream);
    bus_api(p->parts->bus, subject, request, ASK_MS, put_on_deleted, p);
    json_decref(request);
}

static void put_find(struct put *p)
{
    char subject[64];
    json_t *request = json_pack("{s:s}", "last_by_subj", p->subject);

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.GET.%s", p->stream);
    bus_api(p->parts->bus, subject, request, ASK_MS, put_on_found, p);
    json_decref(request);
}

static void put_on_ack(void *arg, const struct bus_ack *ack)
{
    struct put *p = arg;

    if (ack->fault == FAULT_OK) {
        put_done(p, FAULT_OK); /* a duplicate too: the id names this placement */
    } else if (ack->subject_full) {
        put_find(p);
    } else if (p->until_ms < 0) {
        put_again(p, ack->fault);
    } else {
        put_done(p, ack->fault);
    }
}

static void put_send(struct put *p)
{
    const char *headers[] = {
        "Sluice-Task",  p->id, "Sluice-Model", p->model, p->traceparent ? "traceparent" : NULL,
        p->traceparent, NULL};
    struct bus_out out = {.subject = p->subject,
                          .payload = buf_slice(&p->payload),
                          .msg_id = p->msg_id,
                          .expect_last_seq = -1,
                          .headers = headers};
    int64_t left = p->until_ms < 0 ? TRY_MS : p->until_ms - loop_now_ms(p->parts->loop);

    bus_publish(p->parts->bus, &out, left > 0 ? left : 1, put_on_ack, p);
}

void place_put(struct parts *parts, const struct task *task, enum task_place where, int64_t placement,
               int64_t limit_ms, place_fn *fn, void *arg)
{
    struct put *p = mem_new(sizeof(*p));
    json_t *value = task_to_json(task);
    json_t *body = json_pack("{s:o,s:I}", "task", value, "placement", (json_int_t)placement);

    *p = (struct put){.parts = parts,
                      .placement = placement,
                      .fn = fn,
                      .arg = arg,
                      .stream = where == PLACE_TASKS ? STREAM_TASKS : STREAM_POLL};
    p->until_ms = limit_ms < 0 ? -1 : loop_now_ms(parts->loop) + limit_ms;
    task_subject(task, where, p->subject, sizeof(p->subject));
    snprintf(p->msg_id, sizeof(p->msg_id), "%s:%" PRId64, task->id, placement);
    p->id = mem_text(task->id);
    p->model = mem_text(task->model);
    p->traceparent = mem_text(task->traceparent);
    buf_init(&p->payload, LIMIT_MESSAGE_BYTES);
    envelope_write(&p->payload, "task", body);
    json_decref(body);
    put_send(p);
}
