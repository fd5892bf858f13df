/* standing_doubt.c - what agents tell each other of a vendor that begins to fail, before a breaker opens:
 * each of many agents sees too little of it alone. Nothing of it is stored. */
#include <string.h>

#include "app/fleet.h"
#include "app/standing_internal.h"
#include "wire/envelope.h"

#define SUBJECT   "sluice.live.doubt"
#define DOUBT_MS  60000 /* after a failure successes are told, too */
#define ASSURE_MS 200   /* but not each of many */

void standing_doubt(struct standing_entry *e, const struct breaker_ticket *t, uint64_t task,
                    enum breaker_verdict verdict)
{
    const struct parts *parts = e->standing->parts;
    int64_t now = loop_now_ms(parts->loop);
    bool good = verdict == VERDICT_GOOD;
    struct bus_out out = {.subject = SUBJECT};
    struct buf b;

    if (verdict == VERDICT_NONE ||
        (good && (!e->doubted_ms || now - e->doubted_ms > DOUBT_MS || now - e->assured_ms < ASSURE_MS))) {
        return;
    }
    e->doubted_ms = good ? e->doubted_ms : now;
    e->assured_ms = good ? now : e->assured_ms;
    json_t *body = json_pack("{s:s,s:s,s:I,s:I,s:b}", "from", fleet_instance(parts->fleet), "breaker", e->key,
                             "epoch", (json_int_t)t->epoch, "task", (json_int_t)task, "good", good);
    buf_init(&b, 64 * KIB);
    envelope_write(&b, "doubt", body);
    out.payload = buf_slice(&b);
    if (bus_send(parts->bus, &out) != FAULT_OK) {
        e->assured_ms = 0; /* the next one tells it */
    }
    buf_done(&b);
    json_decref(body);
}

static void on_doubt(void *arg, const struct bus_in *in)
{
    struct standing *s = arg;
    json_t *body = NULL;

    if (envelope_read(in->payload, "doubt", &body, NULL) == FAULT_OK) {
        const char *from = json_string_value(json_object_get(body, "from"));
        const char *key = json_string_value(json_object_get(body, "breaker"));
        bool ours = !from || !strcmp(from, fleet_instance(s->parts->fleet));
        struct standing_entry *e = ours || !key ? NULL : standing_entry(s, key);
        bool good = json_is_true(json_object_get(body, "good"));
        if (e && e->kind == ENTRY_BREAKER) {
            e->doubted_ms = good ? e->doubted_ms : loop_now_ms(s->parts->loop);
            breaker_doubt(&e->breaker, json_integer_value(json_object_get(body, "epoch")),
                          (uint64_t)json_integer_value(json_object_get(body, "task")),
                          good ? VERDICT_GOOD : VERDICT_BAD, fleet_now_ms(s->parts->fleet));
        }
    }
    json_decref(body);
}

enum fault standing_doubt_open(struct standing *s)
{
    return bus_listen(s->parts->bus, SUBJECT, on_doubt, s);
}
