/* sse.h - reads an event stream (text/event-stream) as it arrives. */
#ifndef WIRE_SSE_H
#define WIRE_SSE_H

#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

struct sse;

/* One event; the texts live until the callback returns. */
struct sse_event {
    const char *name; /* its type: "message" when it names none */
    const char
        *id; /* of the last event that had one, this included: what Last-Event-ID takes; "" before any */
    struct slice data; /* its lines, joined by line feeds */
};

/* Gives false to end the reading: what follows is not looked at. */
typedef bool sse_fn(void *arg, const struct sse_event *event);

/* sse_new - an event of more than max bytes is refused. */
struct sse *sse_new(size_t max);
void sse_free(struct sse **s);

/* sse_feed - the next bytes, cut anywhere. Calls fn for each event that they complete; one without data is
 * none, as the specification has it. Faults: TOO_LARGE (the stream cannot be read on); CANCELLED (fn gave
 * false, now or before). Source: WHATWG HTML section 9.2.6. */
enum fault sse_feed(struct sse *s, struct slice bytes, sse_fn *fn, void *arg) MUSTCHECK;

/* sse_restart - the connection is a new one: half an event is forgotten, the last id and the wait stay. */
void sse_restart(struct sse *s);

/* sse_last_id - as in struct sse_event; lives until the next feed. */
const char *sse_last_id(const struct sse *s);

/* sse_retry_ms - how long the sender wants us to wait before we connect again; -1: it does not say. */
int64_t sse_retry_ms(const struct sse *s);

#endif
