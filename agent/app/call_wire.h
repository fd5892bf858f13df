/* call_wire.h - a rendered request on its way to the vendor: its credentials are got, the body is hashed
 * where it must be signed, then it is sent. */
#ifndef APP_CALL_WIRE_H
#define APP_CALL_WIRE_H

#include "app/parts.h"
#include "core/credential.h"
#include "core/render.h"

struct call_wire_in {
    const struct registry_target *target; /* this and key are borrowed until the end */
    const struct registry_key *key;       /* NULL: without credentials */
    struct request *request;              /* taken */
    struct body *body;                    /* taken; NULL: none */
    int64_t timeout_ms;                   /* of the exchange with the vendor, as in struct vendor_request */
    uint64_t max_bytes;
    bool media;
    const struct vendor_events *events;
    bool (*before_send)(void *arg); /* or NULL */
    void *arg;
};

struct call_wire;

/* call_wire_start - as vendor_call_start, and its events are the same. A URL whose host may not see the
 * secret is the vendor's word: it goes without and through the address guard. Faults of the end that are not
 * the vendor edge's, all with NOT_SENT: VENDOR_AUTH (the secret is unusable, or the token endpoint refuses
 * it), VENDOR_UNAVAILABLE with local (no token could be had now). */
struct call_wire *call_wire_start(struct parts *parts, const struct call_wire_in *in);
void call_wire_resume(struct call_wire *w);
/* call_wire_stop - ends it at once without a callback; gives how far it came. */
enum vendor_progress call_wire_stop(struct call_wire **w);

/* call_wire_hide - what a vendor says ends in records, results and logs, and some repeat the key in it
 * ("Incorrect API key provided: …"): puts **** in its place. Until the end event returns. */
void call_wire_hide(const struct call_wire *w, json_t *value);

/* call_wire_refused - the vendor does not take the token that the request went with. False: it went with
 * none, so that a new one would change nothing. Until the end event returns. */
bool call_wire_refused(struct call_wire *w);

#endif
