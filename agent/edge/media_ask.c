/* media_ask.c - the last message of a subject: from any replica, or from the leader when that has none. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/media_internal.h"
#include "wire/base64.h"
#include "wire/date.h"

struct media_ask {
    struct media *media;
    uint64_t token;
    media_last_fn *fn;
    void *arg;
    char subject[MEDIA_SUBJECT_CHARS];
};

static void on_leader(void *arg, enum fault fault, const json_t *answer);

/* The ask is gone before the callback, which may start others. */
static void ask_tell(struct media_ask *ask, enum fault fault, const struct media_last *last)
{
    media_last_fn *fn = ask->fn;
    void *arg = ask->arg;

    free(ask);
    fn(arg, fault, last);
}

static void ask_leader(struct media_ask *ask)
{
    char subject[MEDIA_SUBJECT_CHARS];
    json_t *request = json_pack("{s:s}", "last_by_subj", ask->subject);

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.GET.%s", ask->media->stream);
    ask->token = bus_api(ask->media->bus, subject, request, LIMIT_ACCEPT_MS, on_leader, ask);
    json_decref(request);
}

/* The data of a message in a JSON answer: base64 text. */
static void ask_tell_json(struct media_ask *ask, const json_t *message)
{
    const json_t *data = json_object_get(message, "data");
    size_t n = json_string_length(data);
    AUTO(auto_free) unsigned char *bytes = mem_new(n / 4 * 3 + 3);
    struct base64 decoder = {0};
    long got = base64_feed(&decoder, n ? json_string_value(data) : "", n, bytes);

    if (got < 0 || !base64_end(&decoder)) {
        ask_tell(ask, FAULT_BAD_DATA, NULL);
        return;
    }
    struct media_last last = {
        .payload = {(const char *)bytes, (size_t)got},
        .seq = (uint64_t)json_integer_value(json_object_get(message, "seq")),
        .time_ms = date_stamp_ms(json_string_value(json_object_get(message, "time"))),
    };
    ask_tell(ask, FAULT_OK, &last);
}

static void on_leader(void *arg, enum fault fault, const json_t *answer)
{
    struct media_ask *ask = arg;
    const json_t *message = json_object_get(answer, "message");
    const json_t *error = json_object_get(answer, "error");

    if (fault) {
        ask_tell(ask, fault, NULL);
    } else if (message) {
        ask_tell_json(ask, message);
    } else {
        /* 404: no such message, or no such stream. Anything else is a server that cannot tell. */
        bool none = json_integer_value(json_object_get(error, "code")) == 404;
        ask_tell(ask, none ? FAULT_NOT_FOUND : FAULT_BUS_TIMEOUT, NULL);
    }
}

static void on_direct(void *arg, enum fault fault, const struct bus_in *in)
{
    struct media_ask *ask = arg;
    const char *seq = in ? bus_header(in, "Nats-Sequence") : NULL;

    if (fault || !seq) {
        ask_leader(ask);
        return;
    }
    struct media_last last = {
        .payload = in->payload,
        .seq = strtoull(seq, NULL, 10),
        .time_ms = date_stamp_ms(bus_header(in, "Nats-Time-Stamp")),
    };
    ask_tell(ask, FAULT_OK, &last);
}

struct media_ask *media_ask_last(struct media *m, const char *subject, bool leader, media_last_fn *fn,
                                 void *arg)
{
    struct media_ask *ask = mem_new(sizeof(*ask));

    ask->media = m;
    ask->fn = fn;
    ask->arg = arg;
    snprintf(ask->subject, sizeof(ask->subject), "%s", subject);
    if (leader) {
        ask_leader(ask);
        return ask;
    }
    AUTO(auto_free) char *direct = mem_printf("$JS.API.DIRECT.GET.%s.%s", m->stream, subject);
    ask->token = bus_ask(m->bus, &(struct bus_out){.subject = direct, .expect_last_seq = -1}, LIMIT_RESEND_MS,
                         on_direct, ask);
    return ask;
}

void media_ask_stop(struct media_ask **pask)
{
    struct media_ask *ask = *pask;

    *pask = NULL;
    if (ask) {
        bus_ask_stop(ask->media->bus, ask->token);
        free(ask);
    }
}
