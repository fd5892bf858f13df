/* stream.c - messages of a stream by their sequence. */
#include "edge/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "wire/base64.h"
#include "wire/date.h"

#define ASK_MS           5000
#define API_CHARS        192
#define NO_MESSAGE_FOUND 10037
#define NOT_DELETED      10057 /* "message delete failed": somebody else was faster */

/* ---- what the API tells ---- */

/* Bytes of a base64 text at out, with a NUL behind them; gives the byte behind that. NULL: not base64. */
static char *decode(const char *text, char *out, size_t *ret_n)
{
    struct base64 decoder = {0};
    long got = text ? base64_feed(&decoder, text, strlen(text), (unsigned char *)out) : 0;

    if (got < 0 || !base64_end(&decoder)) {
        return NULL;
    }
    out[got] = '\0';
    *ret_n = (size_t)got;
    return out + got + 1;
}

static size_t decoded_bytes(const char *text)
{
    return (text ? strlen(text) : 0) / 4 * 3 + 4;
}

enum fault stream_parse(const json_t *value, struct stream_msg *msg, char **ret_memory)
{
    const char *subject = json_string_value(json_object_get(value, "subject"));
    const char *headers = json_string_value(json_object_get(value, "hdrs"));
    const char *data = json_string_value(json_object_get(value, "data"));
    size_t bytes = decoded_bytes(headers) + decoded_bytes(data), n = 0;

    *ret_memory = NULL;
    if (!subject || bytes > 8 * LIMIT_MESSAGE_BYTES) {
        return FAULT_INTERNAL;
    }
    *ret_memory = mem_new(bytes);
    char *payload = decode(headers, *ret_memory, &n);
    if (!payload || !decode(data, payload, &n)) {
        return FAULT_INTERNAL;
    }
    *msg = (struct stream_msg){.subject = subject,
                               .payload = {payload, n},
                               .headers = *ret_memory,
                               .seq = (uint64_t)json_integer_value(json_object_get(value, "seq")),
                               .time_ms = date_stamp_ms(json_string_value(json_object_get(value, "time")))};
    return FAULT_OK;
}

static int64_t error_code(const json_t *error)
{
    return json_integer_value(json_object_get(error, "err_code"));
}

bool stream_none(const json_t *error)
{
    return error_code(error) == NO_MESSAGE_FOUND;
}

/* ---- asking ---- */

/* Owned by the token of the request. */
struct asking {
    stream_fn *fn;
    stream_gone_fn *gone;
    void *arg;
};

static void on_next(void *arg, enum fault fault, const json_t *answer)
{
    const struct asking *a = arg;
    const json_t *error = json_object_get(answer, "error");
    AUTO(auto_free) char *memory = NULL;
    struct stream_msg msg;

    if (fault != FAULT_OK || error) {
        a->fn(a->arg, fault != FAULT_OK || stream_none(error) ? fault : FAULT_INTERNAL, NULL);
        return;
    }
    fault = stream_parse(json_object_get(answer, "message"), &msg, &memory);
    a->fn(a->arg, fault, fault == FAULT_OK ? &msg : NULL);
}

static uint64_t ask(struct bus *bus, const char *what, const char *stream, json_t *request, bus_json_fn *fn,
                    const struct asking *asking)
{
    struct asking *own = mem_new(sizeof(*own));
    char api[API_CHARS];
    int n = snprintf(api, sizeof(api), "$JS.API.STREAM.MSG.%s.%s", what, stream);

    *own = *asking;
    uint64_t token = bus_api(bus, n < (int)sizeof(api) ? api : "", request, ASK_MS, fn, own);
    bus_ask_own(bus, token, own);
    json_decref(request);
    return token;
}

uint64_t stream_next(struct bus *bus, const char *stream, const char *filter, uint64_t from, stream_fn *fn,
                     void *arg)
{
    return ask(bus, "GET", stream, json_pack("{s:I,s:s}", "seq", (json_int_t)from, "next_by_subj", filter),
               on_next, &(struct asking){.fn = fn, .arg = arg});
}

static void on_deleted(void *arg, enum fault fault, const json_t *answer)
{
    const struct asking *a = arg;
    const json_t *error = json_object_get(answer, "error");
    bool gone = !error || stream_none(error) || error_code(error) == NOT_DELETED;

    a->gone(a->arg, fault != FAULT_OK || gone ? fault : FAULT_INTERNAL);
}

uint64_t stream_delete(struct bus *bus, const char *stream, uint64_t seq, stream_gone_fn *fn, void *arg)
{
    return ask(bus, "DELETE", stream, json_pack("{s:I}", "seq", (json_int_t)seq), on_deleted,
               &(struct asking){.gone = fn, .arg = arg});
}
