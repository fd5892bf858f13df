/* credential.h - from a key's secret to what stands in a request: headers, parameters, tokens, signatures.
 *
 * Pure: it reads no clock, sends nothing and keeps nothing. What it gives holds secrets: every x_done wipes
 * it. No note of its functions holds a secret, so they may be logged. */
#ifndef CORE_CREDENTIAL_H
#define CORE_CREDENTIAL_H

#include "core/render.h"
#include "wire/digest.h"

/* A key's secret, taken apart as its adapter says. */
struct credential_secret;

/* credential_secret_read - text is copied. Faults: CONFIG (it has not the parts that the adapter names). */
enum fault credential_secret_read(const struct adapter *a, const char *text,
                                  struct credential_secret **ret_secret, struct note *note) MUSTCHECK;
void credential_secret_free(struct credential_secret **s);

/* credential_secret_text - the i-th text that no one may read: the secret, then its parts; NULL behind the
 * last. */
const char *credential_secret_text(const struct credential_secret *s, size_t i);

/* What credentials are made of. All borrowed. */
struct credential_in {
    const struct adapter *adapter;
    const struct credential_secret *secret;
    const char *base;      /* {base}, NULL: the adapter's */
    const json_t *options; /* {name: text}, NULL: none */
    const char *token;     /* the minted one, NULL: none */
};

/* ---- in a request ---- */

#define CREDENTIAL_FIELDS 4

/* What a request gets on top: header fields, or another URL. */
struct credential_put {
    struct request_field fields[CREDENTIAL_FIELDS];
    size_t field_count;
    char *url; /* NULL: the request's own */
};

/* credential_put - the credentials that r wants (r->auth); none: nothing. digest: SHA-256 of the body in hex,
 * looked at by AUTH_AWS only; wall_ms: the time of its signature. Faults: BAD_VALUE (the secret holds what a
 * header cannot, the URL grows too long, an option is missing). */
enum fault credential_put(const struct credential_in *in, const struct request *r,
                          const char digest[DIGEST_HEX_CHARS + 1], int64_t wall_ms,
                          struct credential_put *ret, struct note *note) MUSTCHECK;
void credential_put_done(struct credential_put *p);

/* ---- tokens ---- */

/* credential_has_token - requests want a {token}, which must be minted first. */
bool credential_has_token(const struct adapter *a);

/* credential_token_id - tells tokens apart: by adapter, its version, its target's settings, key and secret;
 * 64 hex digits that tell nothing of any of them. */
void credential_token_id(const struct credential_in *in, const char *key_id, char out[DIGEST_HEX_CHARS + 1]);

/* A token. */
struct credential_token {
    char *text;
    int64_t lives_ms; /* from when it was asked for */
};
void credential_token_done(struct credential_token *t);

/* Where a token comes from: it is there already, or a form has to be sent to url with POST. */
struct credential_mint {
    struct credential_token token; /* token.text NULL: send */
    char *url;
    char *form;
};

/* credential_mint - Faults: BAD_VALUE (no key to sign with, an option is missing, the URL is none or leads to
 * a host that may not see the secret). */
enum fault credential_mint(const struct credential_in *in, int64_t wall_ms, struct credential_mint *ret,
                           struct note *note) MUSTCHECK;
void credential_mint_done(struct credential_mint *m);

/* credential_token_read - the token endpoint's answer (RFC 6749 section 5). Faults: VENDOR_AUTH (it refuses
 * the key; the note has its words, without the secret), RATE_LIMITED (429), VENDOR_UNAVAILABLE (it fails),
 * VENDOR_ANSWER (a good answer without a token in it). */
enum fault credential_token_read(const struct credential_in *in, int status, struct slice body,
                                 struct credential_token *ret, struct note *note) MUSTCHECK;

/* credential_renew_ms - so long after a token was asked for, a new one is: before its end by what the adapter
 * says, or by a tenth of its life, by 30 s at least and half its life at most. */
int64_t credential_renew_ms(const struct adapter *a, int64_t lives_ms);

/* ---- what people may read ---- */

/* credential_hide - puts **** in place of the secret, its parts and the token in every text of value, at any
 * depth. A secret of less than five chars and a part of less than eight stay: they stand in many words. */
void credential_hide(json_t *value, const struct credential_in *in);

#endif
