/* deliver_ask.c - cancelling a task, and listing an app's tasks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/deliver_internal.h"
#include "app/events.h"
#include "app/fleet.h"
#include "app/ledger.h"
#include "app/metrics.h"
#include "app/settle.h"
#include "app/setup.h"
#include "base/mem.h"
#include "edge/kv.h"
#include "wire/envelope.h"

/* ---- cancel ---- */

struct cancel {
    struct parts *parts;
    enum journal_cancelled outcome;
    bool remove;
    int64_t now_ms;
    deliver_cancel_fn *fn;
    void *arg;
};

static enum fault change_cancel(json_t *doc, void *arg)
{
    struct cancel *c = arg;
    const struct journal_outcome outcome = {
        .status = TASK_CANCELLED, .fault = FAULT_CANCELLED, .at_ms = c->now_ms};

    c->outcome = journal_cancel(doc);
    if (c->remove) {
        json_object_set_new(doc, "deleted", json_true());
    }
    if (c->outcome == CANCEL_TOO_LATE && c->remove) {
        return FAULT_OK;
    }
    if (c->outcome == CANCEL_TOO_LATE) {
        return FAULT_CONFLICT;
    }
    if (c->outcome == CANCEL_REQUESTED) {
        return FAULT_OK;
    }
    json_t *result = journal_result_new(doc, &outcome);
    enum fault fault = journal_end(doc, NULL, TASK_CANCELLED, result, c->now_ms);
    json_decref(result);
    return fault;
}

static void on_settled(void *arg)
{
    (void)arg; /* its message is acked by whoever gets it next */
}

static void cancel_done(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct cancel c = *(struct cancel *)arg;
    json_t *view = doc ? journal_view(doc) : NULL;

    free(arg);
    if (fault == FAULT_OK && c.outcome == CANCEL_NOW) {
        metrics_task(c.parts->metrics, json_string_value(json_object_get(doc, "model")), TASK_CANCELLED);
        settle_publish(c.parts, doc, NULL, on_settled, NULL);
        c.fn(c.arg, FAULT_OK, "cancelled", view);
    } else if (fault == FAULT_OK && c.outcome == CANCEL_TOO_LATE) {
        c.fn(c.arg, FAULT_OK, "already_completed", view);
    } else if (fault == FAULT_OK) {
        events_status(c.parts, doc, revision, 0);
        c.fn(c.arg, FAULT_OK, "cancellation_requested", view);
    } else if (fault == FAULT_CONFLICT && doc) {
        c.fn(c.arg, FAULT_OK, journal_status(doc) == TASK_CANCELLED ? "cancelled" : "already_completed",
             view);
    } else if (fault == FAULT_NO_TASK) {
        c.fn(c.arg, FAULT_OK, "not_found", NULL);
    } else {
        c.fn(c.arg, fault, NULL, NULL);
    }
    json_decref(view);
}

static void cancel_start(struct deliver *d, const char *id, bool remove, deliver_cancel_fn *fn, void *arg)
{
    struct parts *parts = deliver_parts(d);
    struct cancel *c = mem_new(sizeof(*c));
    const struct ledger_update update = {.app = parts->config->app,
                                         .id = id,
                                         .change = change_cancel,
                                         .change_arg = c,
                                         .limit_ms = LIMIT_ACCEPT_MS};

    *c = (struct cancel){
        .parts = parts, .remove = remove, .now_ms = fleet_now_ms(parts->fleet), .fn = fn, .arg = arg};
    ledger_update(parts->ledger, &update, cancel_done, c);
}

void deliver_cancel(struct deliver *d, const char *id, deliver_cancel_fn *fn, void *arg)
{
    cancel_start(d, id, false, fn, arg);
}

void deliver_remove(struct deliver *d, const char *id, deliver_cancel_fn *fn, void *arg)
{
    cancel_start(d, id, true, fn, arg);
}

/* ---- list ---- */

/* The first `limit` + 1 of those that fit, kept in order while the journal is scanned: one more tells that
 * there are more. */
struct listing {
    struct parts *parts;
    struct deliver_filter filter;
    char *model;
    json_t *after; /* the record behind which the page begins, or NULL */
    json_t *docs;
    deliver_fn *fn;
    void *arg;
};

static int64_t doc_time(const json_t *doc)
{
    return json_integer_value(json_object_get(doc, "accepted_ms"));
}

static const char *doc_text(const json_t *doc, const char *member)
{
    const char *text = json_string_value(json_object_get(doc, member));

    return text ? text : "";
}

/* a stands before b: newer, or of one moment and with the greater id; turned round on request. */
static bool doc_before(const struct listing *l, const json_t *a, const json_t *b)
{
    int64_t newer = doc_time(a) - doc_time(b);

    if (!newer) {
        newer = strcmp(doc_text(a, "id"), doc_text(b, "id"));
    }
    return l->filter.oldest_first ? newer < 0 : newer > 0;
}

static bool listing_fits(const struct listing *l, const json_t *doc)
{
    const struct deliver_filter *f = &l->filter;

    return (f->status == TASK_STATUS_COUNT || journal_status(doc) == f->status) &&
           (!l->model || !strcmp(l->model, doc_text(doc, "model"))) &&
           (f->kind == KIND_COUNT || task_kind_find(doc_text(doc, "kind")) == (int)f->kind) &&
           (!f->fits || f->fits(doc)) && (!l->after || doc_before(l, l->after, doc));
}

static void listing_add(struct listing *l, json_t *doc)
{
    size_t i, n = json_array_size(l->docs), keep = l->filter.limit + 1;

    for (i = n; i > 0 && doc_before(l, doc, json_array_get(l->docs, i - 1)); i--) {
    }
    if (i < keep) {
        json_array_insert(l->docs, i, doc);
    }
    if (json_array_size(l->docs) > keep) {
        json_array_remove(l->docs, keep);
    }
}

static bool listing_each(void *arg, const char *key, const struct kv_entry *entry)
{
    struct listing *l = arg;
    json_t *doc = NULL;

    (void)key;
    if (envelope_read(entry->value, "record", &doc, NULL) == FAULT_OK &&
        journal_check(doc, NULL) == FAULT_OK && listing_fits(l, doc)) {
        listing_add(l, doc);
    }
    json_decref(doc);
    return true;
}

static json_t *listing_value(const struct listing *l)
{
    const struct deliver_filter *f = &l->filter;
    json_t *data = json_array(), *doc;
    size_t i;

    json_array_foreach(l->docs, i, doc)
    {
        if (i < f->limit) {
            json_array_append_new(data, f->view ? f->view(f->arg, doc) : journal_view(doc));
        }
    }
    json_t *list = json_pack("{s:s,s:o,s:b}", "object", "list", "data", data, "has_more",
                             json_array_size(l->docs) > f->limit);
    if (json_array_size(data)) {
        json_object_set(list, "first_id", json_object_get(json_array_get(data, 0), "id"));
        json_object_set(list, "last_id",
                        json_object_get(json_array_get(data, json_array_size(data) - 1), "id"));
    }
    return list;
}

static void listing_done(void *arg, enum fault fault)
{
    struct listing *l = arg;
    json_t *list = fault == FAULT_OK ? listing_value(l) : NULL;

    l->fn(l->arg, fault, list);
    json_decref(list);
    json_decref(l->docs);
    json_decref(l->after);
    free(l->model);
    free(l);
}

static void listing_scan(struct listing *l)
{
    char keys[LIMIT_NAME_CHARS + 8];

    snprintf(keys, sizeof(keys), "%s.*", l->parts->config->app);
    kv_scan(l->parts->bus, BUCKET_JOURNAL, keys, listing_each, listing_done, l);
}

static void listing_on_after(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct listing *l = arg;

    (void)revision;
    if (fault != FAULT_OK) {
        listing_done(l, fault);
        return;
    }
    l->after = json_incref((json_t *)doc);
    listing_scan(l);
}

void deliver_list(struct deliver *d, const struct deliver_filter *filter, deliver_fn *fn, void *arg)
{
    struct parts *parts = deliver_parts(d);
    struct listing *l = mem_new(sizeof(*l));

    *l = (struct listing){.parts = parts,
                          .filter = *filter,
                          .docs = json_array(),
                          .model = mem_text(filter->model),
                          .fn = fn,
                          .arg = arg};
    if (filter->after) {
        ledger_get(parts->ledger, parts->config->app, filter->after, false, listing_on_after, l);
    } else {
        listing_scan(l);
    }
}
