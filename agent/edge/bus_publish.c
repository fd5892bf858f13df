/* bus_publish.c - publishes and requests that are repeated until they are acknowledged. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "edge/bus_ack.h"
#include "edge/bus_internal.h"

#define OVERHEAD_BYTES 256 /* of a held message, besides its payload */
#define REST_FIRST_MS  50
#define REST_LAST_MS   500

/* A publish is in exactly one state; only here. */
static void publish_enter(struct bus_slot *slot, enum bus_publish_state state)
{
    struct bus *bus = slot->bus;

    list_drop(&slot->publish.link);
    slot->publish.state = state;
    if (state == BUS_WAITING) {
        list_push(&bus->waiting, &slot->publish.link);
    } else if (state == BUS_SENT) {
        list_push(&bus->sent, &slot->publish.link);
    }
}

/* Gives back everything but the callback. */
static void publish_release(struct bus_slot *slot)
{
    list_drop(&slot->publish.link);
    slot->bus->held_bytes -= slot->publish.bytes;
    bus_link_bury(slot->bus->link, slot->publish.msg);
    slot->publish.msg = NULL;
}

void bus_publish_drop(struct bus_slot *slot)
{
    publish_release(slot);
    bus_slot_free(slot);
}

/* The slot is free before the callback, which may publish again. */
static void publish_finish(struct bus_slot *slot, const struct bus_ack *ack)
{
    bus_ack_fn *fn = slot->publish.fn;
    bus_insist_fn *insist_fn = slot->publish.insist_fn;
    void *arg = slot->arg;
    void *owned = slot->owned;

    slot->owned = NULL;
    bus_publish_drop(slot);
    if (fn) {
        fn(arg, ack);
    } else if (insist_fn) {
        insist_fn(arg, ack->fault == FAULT_OK ? FAULT_OK : FAULT_BUS_TIMEOUT);
    }
    free(owned);
}

static void publish_fail(struct bus_slot *slot, enum fault fault)
{
    struct bus_ack ack = {.fault = fault};

    snprintf(ack.text, sizeof(ack.text), "%s", fault_text(fault));
    publish_finish(slot, &ack);
}

static void publish_timer(struct timer *timer);

/* Wakes the slot in delay_ms or at its deadline, whichever comes first. */
static void publish_wake(struct bus_slot *slot, int64_t delay_ms)
{
    int64_t left = slot->publish.deadline_ms - loop_now_ms(slot->bus->loop);
    int64_t wait = delay_ms < left ? delay_ms : left;

    timer_start(slot->bus->loop, &slot->timer, wait > 0 ? wait : 0, publish_timer);
}

static void publish_refuse(struct bus_slot *slot, enum fault verdict)
{
    publish_enter(slot, BUS_REFUSED);
    slot->publish.verdict = verdict;
    timer_start(slot->bus->loop, &slot->timer, 0, publish_timer);
}

static void publish_send(struct bus_slot *slot)
{
    natsStatus status = bus_link_publish(slot->bus->link, slot->publish.msg);

    if (status == NATS_MAX_PAYLOAD) {
        publish_refuse(slot, FAULT_TOO_LARGE);
        return;
    }
    /* Any other failure is a connection that ends: the repeat comes with the next one. */
    slot->publish.sent++;
    slot->publish.position = bus_link_position(slot->bus->link);
    publish_enter(slot, BUS_SENT);
    publish_wake(slot, LIMIT_RESEND_MS);
}

void bus_publish_pump(struct bus *bus)
{
    struct list *first;

    while (bus->up && (first = list_first(&bus->waiting)) && bus_link_room(bus->link)) {
        publish_send(container_of(first, struct bus_slot, publish.link));
    }
}

static void publish_wait(struct bus_slot *slot)
{
    publish_enter(slot, BUS_WAITING);
    bus_publish_pump(slot->bus);
    if (slot->publish.state == BUS_WAITING) {
        publish_wake(slot, INT64_MAX);
    }
}

void bus_publish_lost(struct bus *bus)
{
    struct list later;

    /* What was sent goes first again, in its order, before what was not. */
    list_init(&later);
    while (!list_empty(&bus->waiting)) {
        struct list *link = bus->waiting.next;
        list_drop(link);
        list_push(&later, link);
    }
    while (!list_empty(&bus->sent)) {
        struct bus_slot *slot = container_of(bus->sent.next, struct bus_slot, publish.link);
        publish_enter(slot, slot->publish.once ? BUS_RESTING : BUS_WAITING);
        publish_wake(slot, INT64_MAX);
    }
    while (!list_empty(&later)) {
        struct list *link = later.next;
        list_drop(link);
        list_push(&bus->waiting, link);
    }
}

/* How it ends when the time is over: surely not stored if every send was answered "no responders". */
static enum fault publish_verdict(const struct bus_publishing *p)
{
    return p->sent > p->refused ? FAULT_BUS_TIMEOUT : FAULT_BUS_DOWN;
}

static void publish_timer(struct timer *timer)
{
    struct bus_slot *slot = container_of(timer, struct bus_slot, timer);
    struct bus_publishing *p = &slot->publish;

    if (p->state == BUS_REFUSED) {
        publish_fail(slot, p->verdict);
    } else if (loop_now_ms(slot->bus->loop) >= p->deadline_ms) {
        publish_fail(slot, publish_verdict(p));
    } else if (p->state == BUS_SENT && !bus_link_flushed(slot->bus->link, p->position)) {
        publish_wake(slot, LIMIT_RESEND_MS); /* the socket is stuck and has the last copy still before it */
    } else {
        publish_wait(slot);
    }
}

/* Not now: again after a pause that grows, so that an election is not met with a storm. */
static void publish_rest(struct bus_slot *slot)
{
    unsigned doublings = slot->publish.refused < 5 ? slot->publish.refused : 5;
    int64_t pause = (int64_t)REST_FIRST_MS << doublings;

    if (slot->publish.once) {
        publish_fail(slot, publish_verdict(&slot->publish));
        return;
    }
    publish_enter(slot, BUS_RESTING);
    publish_wake(slot, pause < REST_LAST_MS ? pause : REST_LAST_MS);
}

void bus_publish_answered(struct bus_slot *slot, natsMsg *msg)
{
    struct bus_in in = bus_msg_in(msg);
    struct bus_ack ack = {.fault = FAULT_OK};

    if (!slot->publish.sent) {
        return; /* somebody guessed a subject */
    }
    if (bus_refusal_is(&in)) {
        slot->publish.refused++;
        publish_rest(slot);
        return;
    }
    if (!slot->publish.insist_fn) {
        bus_ack_read(in.payload, &ack);
    }
    if (bus_ack_passing(&ack)) {
        slot->publish.refused++;
        publish_rest(slot);
    } else {
        publish_finish(slot, &ack);
    }
}

/* Faults as struct bus_ack; OK: it will be sent. */
static enum fault publish_keep(struct bus_slot *slot, const struct bus_out *out, bool expect)
{
    struct bus *bus = slot->bus;
    char reply[BUS_INBOX_CHARS + 1];

    if (bus->slots.live > LIMIT_BUS_PENDING || bus->held_bytes + out->payload.n > LIMIT_BUS_HELD_BYTES) {
        return FAULT_BUS_DOWN;
    }
    bus_slot_subject(slot, reply);
    enum fault fault = bus_msg_make(out, reply, expect, &slot->publish.msg);
    if (fault == FAULT_OK) {
        slot->publish.bytes = out->payload.n + OVERHEAD_BYTES;
        bus->held_bytes += slot->publish.bytes;
    }
    return fault;
}

static struct bus_slot *publish_start(struct bus *bus, const struct bus_out *out, int64_t limit_ms,
                                      bool expect, void *arg)
{
    struct bus_slot *slot = bus_slot_new(bus, BUS_PUBLISH, arg);

    slot->publish = (struct bus_publishing){.once = limit_ms <= 0};
    slot->publish.deadline_ms = loop_now_ms(bus->loop) + (limit_ms > 0 ? limit_ms : LIMIT_RESEND_MS);
    list_init(&slot->publish.link);
    enum fault fault = publish_keep(slot, out, expect);
    if (fault != FAULT_OK) {
        publish_refuse(slot, fault);
    } else {
        publish_wait(slot);
    }
    return slot;
}

uint64_t bus_publish(struct bus *bus, const struct bus_out *out, int64_t limit_ms, bus_ack_fn *fn, void *arg)
{
    assert(fn);
    struct bus_slot *slot = publish_start(bus, out, limit_ms, true, arg);

    slot->publish.fn = fn;
    return bus_slot_token(slot);
}

static void insist_nobody(void *arg, enum fault fault)
{
    (void)arg;
    (void)fault;
}

uint64_t bus_insist(struct bus *bus, const struct bus_out *out, int64_t limit_ms, bus_insist_fn *fn,
                    void *arg)
{
    struct bus_slot *slot = publish_start(bus, out, limit_ms, false, arg);

    slot->publish.insist_fn = fn ? fn : insist_nobody;
    return bus_slot_token(slot);
}
