/* tokens.h - access tokens that keys' secrets are exchanged for: minted once for all who want them, kept as
 * long as they live, renewed before they end. */
#ifndef APP_TOKENS_H
#define APP_TOKENS_H

#include "base/log.h"
#include "core/credential.h"
#include "edge/loop.h"
#include "edge/vendor.h"

/* One per agent; of the loop thread. Tokens are in memory only, and are wiped. */
struct tokens;

struct tokens *tokens_new(struct loop *loop, struct log *log, struct vendor *vendor);
/* tokens_free - all who wait must have been stopped. */
void tokens_free(struct tokens **t);

/* fault: OK with the token, which is borrowed until the callback returns. VENDOR_AUTH: the key is refused, or
 * nothing can be signed with it; VENDOR_UNAVAILABLE, VENDOR_ANSWER, RATE_LIMITED, HOST_REFUSED, …: it could
 * not be had now. The note may be shown to people. */
typedef void tokens_fn(void *arg, enum fault fault, const struct note *note, const char *token);

/* Which token. All borrowed until tokens_get returns. */
struct tokens_for {
    struct credential_in in; /* its token is not looked at */
    const char *key;         /* the key's id */
    bool insecure_ok;        /* plain http to the token endpoint */
};

struct tokens_wait;

/* tokens_get - calls back once, never from inside. A token that nears its end is still given while a new one
 * is being made, and until its end when none can be made. */
struct tokens_wait *tokens_get(struct tokens *t, const struct tokens_for *what, tokens_fn *fn, void *arg);
/* tokens_stop - no callback will come. */
void tokens_stop(struct tokens_wait **w);

/* tokens_refused - the vendor does not take token: the next who asks gets a new one. Nothing happens when
 * there is a newer one already. */
void tokens_refused(struct tokens *t, const struct tokens_for *what, const char *token);

#endif
