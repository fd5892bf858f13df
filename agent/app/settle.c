/* settle.c - dead letter, then result; what the journal says is made true on the streams. */
#include "app/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/metrics.h"
#include "app/setup.h"
#include "base/buf.h"
#include "base/mem.h"
#include "core/journal.h"
#include "wire/envelope.h"

#define AGAIN_MS 1000
#define TRY_MS   30000
#define ASK_MS   5000

struct settle {
    struct parts *parts;
    json_t *doc;
    json_t *task; /* or NULL */
    bool dead_done;
    bool small; /* a dead letter with the whole record does not fit into a message */
    bool over;  /* nor does the result */
    struct timer timer;
    settle_fn *done;
    void *arg;
};

static void settle_next(struct settle *s);

static void settle_end(struct settle *s)
{
    settle_fn *done = s->done;
    void *arg = s->arg;

    timer_stop(&s->timer);
    json_decref(s->doc);
    json_decref(s->task);
    free(s);
    done(arg);
}

static void settle_on_over(struct timer *t)
{
    settle_end(container_of(t, struct settle, timer));
}

static void settle_on_timer(struct timer *t)
{
    settle_next(container_of(t, struct settle, timer));
}

/* Waiting does not make it fit: first the letter goes without the record, then there is none. The result
 * stays in the journal, which is asked for it. */
static void settle_shrink(struct settle *s)
{
    const char *next = s->dead_done ? "the result stays in the journal"
                       : s->small   ? "no dead letter is kept"
                                    : "it is kept without its record";

    log_error(s->parts->log, "what a task came to is too large for a message",
              LOG_TEXT("task", json_string_value(json_object_get(s->doc, "id"))), LOG_TEXT("next", next));
    s->over = s->dead_done;
    s->dead_done = s->small;
    s->small = true;
}

static void settle_on_ack(void *arg, const struct bus_ack *ack)
{
    struct settle *s = arg;

    if (ack->fault == FAULT_TOO_LARGE) {
        settle_shrink(s);
        settle_next(s);
        return;
    }
    if (ack->fault != FAULT_OK && ack->fault != FAULT_CONFLICT) {
        timer_start(s->parts->loop, &s->timer, AGAIN_MS,
                    settle_on_timer); /* away, or full: the message stays ours until this stands */
        return;
    }
    if (s->dead_done) {
        settle_end(s);
        return;
    }
    s->dead_done = true;
    if (ack->fault == FAULT_OK && !ack->duplicate) {
        metrics_dead(s->parts->metrics);
    }
    settle_next(s);
}

static void settle_subject(const struct settle *s, const char *what, char *out, size_t size)
{
    snprintf(out, size, "sluice.%s.%s.%s", what, json_string_value(json_object_get(s->doc, "app")),
             json_string_value(json_object_get(s->doc, "id")));
}

/* Publishes body on sluice.<what>.<app>.<id>, unless something is there. False: it does not fit into a
 * message. */
static bool settle_send(struct settle *s, const char *what, const json_t *body)
{
    const char *id = json_string_value(json_object_get(s->doc, "id")),
               *model = json_string_value(json_object_get(s->doc, "model"));
    const char *trace = json_string_value(json_object_get(s->doc, "traceparent"));
    const char *headers[] = {"Sluice-Task", id,  "Sluice-Model", model, trace ? "traceparent" : NULL,
                             trace,         NULL};
    char subject[2 * LIMIT_NAME_CHARS + 64], msg_id[ID_CHARS + 16];
    struct buf b;

    settle_subject(s, what, subject, sizeof(subject));
    snprintf(msg_id, sizeof(msg_id), "%s:%s", id, what);
    buf_init(&b, LIMIT_MESSAGE_BYTES);
    envelope_write(&b, what, body);
    bool fits = buf_ok(&b);
    if (fits) {
        struct bus_out out = {.subject = subject,
                              .payload = buf_slice(&b),
                              .msg_id = msg_id,
                              .expect_last_seq = 0,
                              .headers = headers};
        bus_publish(s->parts->bus, &out, TRY_MS, settle_on_ack, s);
    }
    buf_done(&b);
    return fits;
}

/* The whole request, why it was given up, and what was tried. */
static json_t *settle_dead_letter(const struct settle *s)
{
    json_t *letter = json_object();

    if (s->task) {
        json_object_set(letter, "task", s->task);
    }
    if (!s->small) {
        json_object_set(letter, "record", s->doc);
    }
    json_object_set(letter, "error", json_object_get(journal_result(s->doc), "error"));
    return letter;
}

static bool settle_send_dead(struct settle *s)
{
    json_t *letter = settle_dead_letter(s);
    bool sent = settle_send(s, "dead", letter);

    json_decref(letter);
    return sent;
}

static void settle_next(struct settle *s)
{
    while (!s->over) {
        bool sent = s->dead_done ? settle_send(s, "result", journal_result(s->doc)) : settle_send_dead(s);
        if (sent) {
            return;
        }
        settle_shrink(s);
    }
    timer_start(s->parts->loop, &s->timer, 0, settle_on_over);
}

static struct settle *settle_new(struct parts *parts, const json_t *doc, const struct task *task,
                                 settle_fn *done, void *arg)
{
    struct settle *s = mem_new(sizeof(*s));

    *s = (struct settle){.parts = parts, .doc = json_incref((json_t *)doc), .done = done, .arg = arg};
    s->task = task ? task_to_json(task) : NULL;
    s->dead_done = !journal_given_up(doc);
    return s;
}

void settle_publish(struct parts *parts, const json_t *doc, const struct task *task, settle_fn *done,
                    void *arg)
{
    settle_next(settle_new(parts, doc, task, done, arg));
}

/* ---- some time later ---- */

static void settle_look(struct settle *s);

static void settle_on_look_timer(struct timer *t)
{
    settle_look(container_of(t, struct settle, timer));
}

static void settle_on_found(void *arg, enum fault fault, const json_t *answer)
{
    struct settle *s = arg;
    json_int_t code = json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));

    if (fault == FAULT_OK && json_object_get(answer, "message")) {
        settle_end(s);
    } else if (fault == FAULT_OK && code == 404) {
        log_warn(s->parts->log, "a task had ended without its result",
                 LOG_TEXT("task", json_string_value(json_object_get(s->doc, "id"))),
                 LOG_TEXT("next", "it is published now"));
        settle_next(s);
    } else {
        timer_start(s->parts->loop, &s->timer, AGAIN_MS, settle_on_look_timer);
    }
}

static void settle_look(struct settle *s)
{
    char subject[2 * LIMIT_NAME_CHARS + 64];

    settle_subject(s, "result", subject, sizeof(subject));
    json_t *request = json_pack("{s:s}", "last_by_subj", subject);
    bus_api(s->parts->bus, "$JS.API.STREAM.MSG.GET." STREAM_RESULTS, request, ASK_MS, settle_on_found, s);
    json_decref(request);
}

void settle_repeat(struct parts *parts, const json_t *doc, const struct task *task, settle_fn *done,
                   void *arg)
{
    settle_look(settle_new(parts, doc, task, done, arg));
}
