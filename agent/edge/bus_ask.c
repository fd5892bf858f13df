/* bus_ask.c - requests with one answer. */
#include <assert.h>
#include <stdlib.h>

#include "edge/bus_internal.h"

void bus_ask_drop(struct bus_slot *slot)
{
    bus_slot_free(slot);
}

static void ask_tell_json(bus_json_fn *fn, void *arg, enum fault fault, const struct bus_in *in)
{
    json_t *answer = NULL;

    assert(fault || in);
    if (fault == FAULT_OK) {
        answer = json_loadb(in->payload.p ? in->payload.p : "", in->payload.n, JSON_REJECT_DUPLICATES, NULL);
        fault = json_is_object(answer) ? FAULT_OK : FAULT_INTERNAL;
    }
    fn(arg, fault, fault == FAULT_OK ? answer : NULL);
    json_decref(answer);
}

/* The slot is free before the callback, which may ask again. */
static void ask_finish(struct bus_slot *slot, enum fault fault, const struct bus_in *in)
{
    struct bus_asking ask = slot->ask;
    void *arg = slot->arg;
    void *owned = slot->owned;

    slot->owned = NULL;
    bus_slot_free(slot);
    if (ask.json_fn) {
        ask_tell_json(ask.json_fn, arg, fault, in);
    } else {
        ask.fn(arg, fault, in);
    }
    free(owned);
}

static void ask_timer(struct timer *timer)
{
    struct bus_slot *slot = container_of(timer, struct bus_slot, timer);

    ask_finish(slot, slot->ask.verdict, NULL);
}

void bus_ask_answered(struct bus_slot *slot, natsMsg *msg)
{
    struct bus_in in = bus_msg_in(msg);

    if (slot->ask.verdict != FAULT_BUS_TIMEOUT) {
        return; /* never sent: somebody guessed a subject */
    }
    if (bus_refusal_is(&in)) {
        ask_finish(slot, FAULT_BUS_DOWN, NULL);
    } else {
        ask_finish(slot, FAULT_OK, &in);
    }
}

/* Faults as bus_answer_fn; OK: it is on its way. */
static enum fault ask_send(struct bus_slot *slot, const struct bus_out *out)
{
    struct bus *bus = slot->bus;
    char reply[BUS_INBOX_CHARS + 1];
    natsMsg *msg;

    if (!bus->up || bus->slots.live > LIMIT_BUS_PENDING || bus_link_full(bus->link)) {
        return FAULT_BUS_DOWN;
    }
    bus_slot_subject(slot, reply);
    enum fault fault = bus_msg_make(out, reply, false, &msg);
    if (fault != FAULT_OK) {
        return fault;
    }
    natsStatus status = bus_link_publish(bus->link, msg);
    bus_link_bury(bus->link, msg);
    return status == NATS_OK ? FAULT_OK : status == NATS_MAX_PAYLOAD ? FAULT_TOO_LARGE : FAULT_BUS_DOWN;
}

static uint64_t ask_start(struct bus *bus, const struct bus_out *out, int64_t timeout_ms,
                          struct bus_asking ask, void *arg)
{
    struct bus_slot *slot = bus_slot_new(bus, BUS_ASK, arg);

    slot->ask = ask;
    enum fault fault = ask_send(slot, out);
    slot->ask.verdict = fault == FAULT_OK ? FAULT_BUS_TIMEOUT : fault;
    timer_start(bus->loop, &slot->timer, fault == FAULT_OK ? timeout_ms : 0, ask_timer);
    return bus_slot_token(slot);
}

uint64_t bus_ask(struct bus *bus, const struct bus_out *out, int64_t timeout_ms, bus_answer_fn *fn, void *arg)
{
    assert(fn);
    return ask_start(bus, out, timeout_ms, (struct bus_asking){.fn = fn}, arg);
}

uint64_t bus_api(struct bus *bus, const char *subject, const json_t *request, int64_t timeout_ms,
                 bus_json_fn *fn, void *arg)
{
    AUTO(auto_free) char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    struct bus_out out = {.subject = subject, .payload = slice_of(text)};

    assert(fn && (text || !request));
    return ask_start(bus, &out, timeout_ms, (struct bus_asking){.json_fn = fn}, arg);
}
