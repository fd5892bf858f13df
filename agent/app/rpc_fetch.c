/* rpc_fetch.c - bytes of outputs in answers: a range of one, or whole small ones inside a task's view. */
#include <stdlib.h>
#include <string.h>

#include "app/metrics.h"
#include "app/rpc_internal.h"
#include "base/mem.h"

/* A part of a medium that goes into the answer. */
struct item {
    const char *digest; /* of the view */
    uint64_t first, bytes;
    json_t *target; /* the object that gets it as `data`; of the value */
};

struct rpc_fetch {
    struct rpc_call *call;
    json_t *value; /* the answer */
    struct item items[LIMIT_OUTPUTS];
    size_t count, at;
    size_t ends[LIMIT_OUTPUTS]; /* in bytes */
    struct buf bytes;
    struct media_get *get;
};

void rpc_fetch_free(struct rpc_fetch **pf)
{
    struct rpc_fetch *f = *pf;

    if (!f) {
        return;
    }
    media_get_stop(&f->get);
    buf_done(&f->bytes);
    json_decref(f->value);
    free(f);
    *pf = NULL;
}

static struct rpc_fetch *fetch_new(struct rpc_call *c, json_t *value)
{
    struct rpc_fetch *f = mem_new(sizeof(*f));

    f->call = c;
    f->value = value;
    buf_init(&f->bytes, LIMIT_INLINE_BYTES);
    c->fetch = f;
    return f;
}

/* ---- reading one after the other ---- */

static void fetch_next(struct rpc_fetch *f);

static void on_head(void *arg, enum fault fault, const struct media_info *info)
{
    struct rpc_fetch *f = arg;

    (void)info;
    if (fault) {
        f->get = NULL;
        rpc_fault(f->call, fault, NULL, NULL);
    }
}

static bool on_data(void *arg, struct slice bytes)
{
    struct rpc_fetch *f = arg;

    buf_add(&f->bytes, bytes.p, bytes.n);
    return true;
}

static void on_end(void *arg, enum fault fault)
{
    struct rpc_fetch *f = arg;

    f->get = NULL;
    if (fault) {
        rpc_fault(f->call, fault, NULL, NULL);
        return;
    }
    f->ends[f->at++] = f->bytes.n;
    fetch_next(f);
}

static const struct media_get_events events = {on_head, on_data, on_end};

static void fetch_answer(struct rpc_fetch *f)
{
    struct rpc_call *c = f->call;
    struct pack_bins bins = {.n = f->count};
    json_t *value = f->value;

    if (!buf_ok(&f->bytes)) { /* the store gave more than the task's result says */
        rpc_fault(c, FAULT_BAD_DATA, NULL, NULL);
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        size_t from = i ? f->ends[i - 1] : 0;
        bins.items[i] = (struct slice){f->bytes.n ? f->bytes.p + from : "", f->ends[i] - from};
        json_object_set_new(f->items[i].target, "data", json_pack("{s:I}", "$bin", (json_int_t)i));
    }
    metrics_media(c->rpc->api->parts->metrics, MEDIA_TO_APP, f->bytes.n);
    f->value = NULL;
    rpc_result(c, value, &bins);
}

static void fetch_next(struct rpc_fetch *f)
{
    const struct item *item = &f->items[f->at];

    if (f->at == f->count) {
        fetch_answer(f);
    } else if (!item->bytes) {
        f->ends[f->at++] = f->bytes.n; /* a length of 0 would mean all */
        fetch_next(f);
    } else {
        f->get = media_get_start(f->call->rpc->api->parts->media, item->digest, item->first, item->bytes,
                                 &events, f);
    }
}

/* ---- a task's view ---- */

static const char *media_of(const json_t *output)
{
    return json_string_value(json_object_get(output, "media"));
}

static uint64_t bytes_of(const json_t *output)
{
    return (uint64_t)json_integer_value(json_object_get(output, "bytes"));
}

/* Outputs in their order, as long as they fit; the others stay references. */
static uint64_t view_choose(struct rpc_fetch *f)
{
    json_t *output;
    uint64_t total = 0;
    size_t i;

    json_array_foreach(json_object_get(f->value, "outputs"), i, output)
    {
        if (media_of(output) && f->count < LIMIT_OUTPUTS && bytes_of(output) <= LIMIT_INLINE_BYTES - total) {
            total += bytes_of(output);
            f->items[f->count++] = (struct item){media_of(output), 0, bytes_of(output), output};
        }
    }
    return total;
}

void rpc_fetch_view(struct rpc_call *c, const json_t *view)
{
    json_t *value = c->with_outputs ? json_deep_copy(view) : json_copy((json_t *)view);

    if (c->replayed) {
        json_object_set_new(value, "replayed", json_true());
    }
    if (!c->with_outputs) {
        rpc_result(c, value, NULL);
        return;
    }
    struct rpc_fetch *f = fetch_new(c, value);
    if (rpc_hold(c, view_choose(f))) {
        fetch_next(f);
    }
}

/* ---- task.output ---- */

/* The range that is asked for, within what there is. False: it is none, and that was answered. */
static bool output_range(struct rpc_call *c, uint64_t total, uint64_t *ret_first, uint64_t *ret_bytes)
{
    double offset = rpc_number(c, "offset", 0), length = rpc_number(c, "length", LIMIT_INLINE_BYTES);

    if (offset < 0 || offset > (double)total) {
        rpc_bad(c, FAULT_BAD_RANGE, "offset", "offset must be within the %llu bytes of the output",
                (unsigned long long)total);
        return false;
    }
    if (length < 0) {
        rpc_bad(c, FAULT_BAD_VALUE, "length", "length is a number of bytes");
        return false;
    }
    *ret_first = (uint64_t)offset;
    *ret_bytes = length < LIMIT_INLINE_BYTES ? (uint64_t)length : LIMIT_INLINE_BYTES;
    *ret_bytes = *ret_bytes < total - *ret_first ? *ret_bytes : total - *ret_first;
    return true;
}

static json_t *output_value(const json_t *output, uint64_t first, uint64_t bytes, uint64_t total)
{
    static const char *const members[] = {"type", "digest", "media"};
    json_t *value = json_pack("{s:I,s:I,s:b}", "offset", (json_int_t)first, "total", (json_int_t)total,
                              "last", first + bytes == total);

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *member = json_object_get(output, members[i]);
        if (member) {
            json_object_set(value, members[i], member);
        }
    }
    return value;
}

static void output_answer(struct rpc_call *c, const json_t *output)
{
    const char *text = json_string_value(json_object_get(output, "text"));
    uint64_t total = text ? strlen(text) : bytes_of(output), first, bytes;

    if (!output_range(c, total, &first, &bytes)) {
        return;
    }
    json_t *value = output_value(output, first, bytes, total);
    if (text) {
        struct pack_bins bins = {.n = 1, .items = {{text + first, (size_t)bytes}}};
        json_object_set_new(value, "data", json_pack("{s:i}", "$bin", 0));
        rpc_result(c, value, &bins);
        return;
    }
    struct rpc_fetch *f = fetch_new(c, value);
    /* The digest lives in the value, too. */
    f->items[f->count++] = (struct item){media_of(value), first, bytes, value};
    if (rpc_hold(c, bytes)) {
        fetch_next(f);
    }
}

static void on_task(void *arg, enum fault fault, const json_t *view)
{
    struct rpc_call *c = rpc_back(arg);

    if (!c) {
        return;
    }
    double n = rpc_number(c, "n", 0);
    const json_t *output =
        n >= 0 && n < LIMIT_OUTPUTS ? json_array_get(json_object_get(view, "outputs"), (size_t)n) : NULL;
    if (fault) {
        rpc_fault(c, fault, NULL, NULL);
    } else if (!api_submit_ended(view)) {
        rpc_fault(c, FAULT_NOT_DONE, NULL, NULL);
    } else if (!output) {
        rpc_bad(c, FAULT_NO_OUTPUT, "n", "the task has %zu outputs, counted from 0",
                json_array_size(json_object_get(view, "outputs")));
    } else if (!media_of(output) && !json_object_get(output, "text")) {
        rpc_fault(c, FAULT_OUTPUT_LOST, NULL, NULL);
    } else {
        output_answer(c, output);
    }
}

void rpc_fetch_output(struct rpc_call *c)
{
    if (rpc_named(c)) {
        deliver_get(c->rpc->api->deliver, c->id, on_task, rpc_ask(c));
    }
}
