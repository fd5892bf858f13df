/* events.c - publishes a task's events. */
#include "app/events.h"

#include <stdio.h>

#include "app/fleet.h"
#include "base/buf.h"
#include "core/journal.h"
#include "wire/envelope.h"

#define STORE_MS 10000

static void events_stored(void *arg, const struct bus_ack *ack)
{
    (void)arg;
    (void)ack; /* a lost event is made good by the journal's snapshot */
}

static void events_send(struct parts *parts, const json_t *doc, uint64_t revision, unsigned n, bool stored)
{
    char subject[2 * LIMIT_NAME_CHARS + 64];
    json_t *event = journal_event(doc, revision, n);
    struct buf b;

    json_object_set_new(event, "at", json_real((double)fleet_now_ms(parts->fleet) / 1000));
    snprintf(subject, sizeof(subject), "sluice.event.%s.%s", json_string_value(json_object_get(doc, "app")),
             json_string_value(json_object_get(doc, "id")));
    buf_init(&b, 16 * KIB);
    envelope_write(&b, "event", event);
    struct bus_out out = {.subject = subject, .payload = buf_slice(&b), .expect_last_seq = -1};
    if (stored) {
        bus_publish(parts->bus, &out, STORE_MS, events_stored, NULL);
    } else {
        (void)!bus_send(parts->bus, &out);
    }
    buf_done(&b);
    json_decref(event);
}

void events_status(struct parts *parts, const json_t *doc, uint64_t revision, unsigned n)
{
    events_send(parts, doc, revision, n, true);
}

void events_progress(struct parts *parts, const json_t *doc, uint64_t revision, unsigned n)
{
    events_send(parts, doc, revision, n, false);
}
