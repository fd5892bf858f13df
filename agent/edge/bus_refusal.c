/* bus_refusal.c - hands "no responders" messages out like any other.
 *
 * The server answers a request that nobody listens to with an empty message of status 503 on the request's
 * own reply subject. natsSubscription_NextMsg throws such a message away and only returns NATS_NO_RESPONDERS,
 * so that with one subscription for all requests nobody can know which of them it was: a publish that was
 * surely not stored would look like one that may be. It decides by calling natsMsg_IsNoResponders, which an
 * executable may define in the library's place (ELF looks there first; 3.4.1 and 3.10 both call it through
 * their procedure linkage table). Weak, so that a static link takes the library's: requests to nobody then
 * end in BUS_TIMEOUT, which is never wrong, only late. Nothing else that we call of the library asks this
 * function. */
#include <string.h>

#include "edge/bus_internal.h"

__attribute__((weak)) bool natsMsg_IsNoResponders(natsMsg *msg)
{
    (void)msg;
    return false;
}

bool bus_refusal_is(const struct bus_in *in)
{
    const char *status = in->payload.n ? NULL : bus_header(in, "Status");

    return status && !strcmp(status, "503");
}
