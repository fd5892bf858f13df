/* bus_slot.c - what waits for an answer, found by its token. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/bus_internal.h"

#define TOKEN_DIGITS 16

static struct bus_slot *slot_at(const struct bus_slots *slots, uint32_t index)
{
    return &slots->chunks[index / BUS_SLOTS_PER_CHUNK][index % BUS_SLOTS_PER_CHUNK];
}

/* Slots are never moved: their timers and list links are pointed at. */
static void slots_grow(struct bus *bus)
{
    struct bus_slots *slots = &bus->slots;
    uint32_t chunk = slots->count / BUS_SLOTS_PER_CHUNK;

    slots->chunks = mem_grow(slots->chunks, (chunk + 1) * sizeof(struct bus_slot *));
    slots->chunks[chunk] = mem_new(BUS_SLOTS_PER_CHUNK * sizeof(struct bus_slot));
    for (uint32_t i = BUS_SLOTS_PER_CHUNK; i > 0; i--) {
        struct bus_slot *slot = &slots->chunks[chunk][i - 1];
        slot->bus = bus;
        slot->index = slots->count + i - 1;
        slot->next_free = slots->free_one;
        slots->free_one = slot->index + 1;
    }
    slots->count += BUS_SLOTS_PER_CHUNK;
}

struct bus_slot *bus_slot_new(struct bus *bus, enum bus_slot_kind kind, void *arg)
{
    struct bus_slots *slots = &bus->slots;

    if (!slots->free_one) {
        slots_grow(bus);
    }
    struct bus_slot *slot = slot_at(slots, slots->free_one - 1);
    slots->free_one = slot->next_free;
    slots->live++;
    slot->generation++;
    slot->kind = kind;
    slot->arg = arg;
    return slot;
}

uint64_t bus_slot_token(const struct bus_slot *slot)
{
    return (uint64_t)slot->generation << 32 | (slot->index + 1);
}

struct bus_slot *bus_slot_find(struct bus *bus, uint64_t token)
{
    uint32_t place = (uint32_t)token; /* index + 1 */

    if (!place || place > bus->slots.count) {
        return NULL;
    }
    struct bus_slot *slot = slot_at(&bus->slots, place - 1);
    return slot->kind != BUS_FREE && slot->generation == (uint32_t)(token >> 32) ? slot : NULL;
}

void bus_slot_free(struct bus_slot *slot)
{
    struct bus_slots *slots = &slot->bus->slots;

    assert(slot->kind != BUS_FREE);
    timer_stop(&slot->timer);
    free(slot->owned);
    slot->owned = NULL;
    slot->kind = BUS_FREE;
    slot->next_free = slots->free_one;
    slots->free_one = slot->index + 1;
    slots->live--;
}

void bus_slot_subject(const struct bus_slot *slot, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t token = bus_slot_token(slot);

    memcpy(out, slot->bus->prefix, slot->bus->prefix_n);
    out += slot->bus->prefix_n;
    for (int i = TOKEN_DIGITS - 1; i >= 0; i--) {
        out[i] = digits[token & 15];
        token >>= 4;
    }
    out[TOKEN_DIGITS] = '\0';
}

static void slot_drop(struct bus_slot *slot)
{
    switch (slot->kind) {
    case BUS_FREE:
        break;
    case BUS_ASK:
        bus_ask_drop(slot);
        break;
    case BUS_PUBLISH:
        bus_publish_drop(slot);
        break;
    case BUS_INBOX:
    case BUS_RETURNING:
        bus_inbox_drop(slot);
        break;
    }
}

void bus_slots_free(struct bus *bus)
{
    for (uint32_t i = 0; i < bus->slots.count; i++) {
        slot_drop(slot_at(&bus->slots, i));
    }
    for (uint32_t i = 0; i < bus->slots.count / BUS_SLOTS_PER_CHUNK; i++) {
        free(bus->slots.chunks[i]);
    }
    free(bus->slots.chunks);
}

void bus_ask_stop(struct bus *bus, uint64_t token)
{
    struct bus_slot *slot = bus_slot_find(bus, token);

    if (slot && (slot->kind == BUS_ASK || slot->kind == BUS_PUBLISH)) {
        slot_drop(slot);
    }
}

void bus_ask_own(struct bus *bus, uint64_t token, void *memory)
{
    struct bus_slot *slot = bus_slot_find(bus, token);

    assert(slot && !slot->owned);
    slot->owned = memory;
}
