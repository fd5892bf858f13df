/* bus_inbox.c - what arrives in the inbox: answers by their token, deliveries by their consumer. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/ackreply.h"
#include "edge/bus_internal.h"

#define TOKEN_DIGITS   16
#define CONSUMER_CHARS 512 /* "<stream>.<consumer>", each up to 255 */
#define NEXT           ".API.CONSUMER.MSG.NEXT."

/* The inbox to which a consumer's deliveries belong: the one that last asked it. */
struct bus_route {
    struct list link; /* in the inbox's routes */
    struct bus_slot *slot;
    char consumer[];
};

/* ---- inboxes ---- */

uint64_t bus_inbox_open(struct bus *bus, bus_in_fn *fn, void *arg, char *ret_subject, size_t size)
{
    assert(fn && size > BUS_INBOX_CHARS);
    (void)size;
    struct bus_slot *slot = bus_slot_new(bus, BUS_INBOX, arg);

    slot->inbox = (struct bus_receiving){.fn = fn};
    list_init(&slot->inbox.routes);
    bus_slot_subject(slot, ret_subject);
    return bus_slot_token(slot);
}

void bus_inbox_drop(struct bus_slot *slot)
{
    struct list *link;

    while ((link = list_take(&slot->inbox.routes))) {
        struct bus_route *route = container_of(link, struct bus_route, link);
        map_drop(slot->bus->routes, route->consumer);
        free(route);
    }
    bus_slot_free(slot);
}

static struct bus_slot *inbox_find(struct bus *bus, uint64_t token)
{
    struct bus_slot *slot = bus_slot_find(bus, token);

    return slot && slot->kind == BUS_INBOX ? slot : NULL;
}

void bus_inbox_close(struct bus *bus, uint64_t token)
{
    struct bus_slot *slot = inbox_find(bus, token);

    if (slot) {
        bus_inbox_drop(slot);
    }
}

static void inbox_silent(struct timer *timer)
{
    struct bus_slot *slot = container_of(timer, struct bus_slot, timer);

    slot->inbox.fn(slot->arg, NULL);
}

void bus_inbox_silence(struct bus *bus, uint64_t token, int64_t ms)
{
    struct bus_slot *slot = inbox_find(bus, token);

    if (slot) {
        slot->inbox.silence_ms = ms;
        timer_stop(&slot->timer);
        if (ms) {
            timer_start(bus->loop, &slot->timer, ms, inbox_silent);
        }
    }
}

static void inbox_linger_over(struct timer *timer)
{
    bus_inbox_drop(container_of(timer, struct bus_slot, timer));
}

/* A delivery that nobody waits for any more goes back at once, not after the consumer's ack time-out. */
static void inbox_give_back(void *arg, const struct bus_in *in)
{
    struct bus *bus = arg;

    if (ackreply_is(in->reply)) {
        struct bus_out nak = {.subject = in->reply, .payload = slice_of("-NAK")};
        (void)!bus_send(bus, &nak); /* when it is lost, the time-out does the same later */
    }
}

void bus_inbox_return(struct bus *bus, uint64_t token, int64_t linger_ms)
{
    struct bus_slot *slot = inbox_find(bus, token);

    if (slot) {
        slot->kind = BUS_RETURNING;
        slot->inbox.fn = inbox_give_back;
        slot->inbox.silence_ms = 0;
        slot->arg = bus;
        timer_start(bus->loop, &slot->timer, linger_ms, inbox_linger_over);
    }
}

/* ---- routes ---- */

/* The token in a subject of ours; 0: none. */
static uint64_t inbox_token(const struct bus *bus, const char *subject)
{
    uint64_t token = 0;

    if (strncmp(subject, bus->prefix, bus->prefix_n) != 0) {
        return 0;
    }
    for (const char *c = subject + bus->prefix_n; *c; c++) {
        unsigned digit = *c >= '0' && *c <= '9'   ? (unsigned)(*c - '0')
                         : *c >= 'a' && *c <= 'f' ? (unsigned)(*c - 'a') + 10
                                                  : 16;
        if (digit == 16 || c - subject >= (ptrdiff_t)(bus->prefix_n + TOKEN_DIGITS)) {
            return 0;
        }
        token = token << 4 | digit;
    }
    return token;
}

static void route_set(struct bus *bus, const char *consumer, struct bus_slot *slot)
{
    struct bus_route *route = map_find(bus->routes, consumer);
    size_t n = strlen(consumer) + 1;

    if (!route) {
        route = mem_new(sizeof(*route) + n);
        memcpy(route->consumer, consumer, n);
        list_init(&route->link);
        if (!map_put(bus->routes, consumer, route)) {
            free(route); /* cannot be: there are no more inboxes than slots */
            return;
        }
    }
    if (route->slot != slot) {
        list_drop(&route->link);
        list_push(&slot->inbox.routes, &route->link);
        route->slot = slot;
    }
}

enum fault bus_send_from(struct bus *bus, const struct bus_out *out, const char *reply)
{
    struct bus_slot *slot = inbox_find(bus, inbox_token(bus, reply));
    const char *next = strstr(out->subject, NEXT);

    assert(slot);
    if (next) {
        route_set(bus, next + sizeof(NEXT) - 1, slot);
    }
    return bus_send_msg(bus, out, reply);
}

/* Whose delivery it is, or NULL. */
static struct bus_slot *route_find(const struct bus *bus, const char *reply)
{
    char consumer[CONSUMER_CHARS];
    struct ackreply numbers;

    if (!reply || !ackreply_parse(reply, &numbers) || numbers.consumer.n >= sizeof(consumer)) {
        return NULL;
    }
    memcpy(consumer, numbers.consumer.p, numbers.consumer.n);
    consumer[numbers.consumer.n] = '\0';
    const struct bus_route *route = map_find(bus->routes, consumer);
    return route ? route->slot : NULL;
}

/* ---- arrivals ---- */

static void slot_arrived(struct bus_slot *slot, natsMsg *msg)
{
    struct bus_in in;

    switch (slot->kind) {
    case BUS_FREE:
        break;
    case BUS_ASK:
        bus_ask_answered(slot, msg);
        break;
    case BUS_PUBLISH:
        bus_publish_answered(slot, msg);
        break;
    case BUS_INBOX:
    case BUS_RETURNING:
        in = bus_msg_in(msg);
        if (slot->inbox.silence_ms) {
            timer_start(slot->bus->loop, &slot->timer, slot->inbox.silence_ms, inbox_silent);
        }
        slot->inbox.fn(slot->arg, &in);
        break;
    }
}

void bus_inbox_arrived(struct bus *bus, natsMsg *msg)
{
    struct bus_slot *slot = bus_slot_find(bus, inbox_token(bus, natsMsg_GetSubject(msg)));

    if (!slot) {
        slot = route_find(bus, natsMsg_GetReply(msg));
    }
    if (slot) {
        slot_arrived(slot, msg);
    }
}
