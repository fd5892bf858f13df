/* adapter_auth.h - how a vendor wants to know whom it serves, as its adapter says it: the auth section.
 *
 * Only what the file says is here. credential.h makes of it and of a key's secret what stands in a request.
 */
#ifndef CORE_ADAPTER_AUTH_H
#define CORE_ADAPTER_AUTH_H

#include "core/load.h"
#include "core/render.h"

/* How {token} is made. */
enum adapter_mint { MINT_NONE, MINT_JWT, MINT_JWT_BEARER, MINT_CLIENT };

/* A claim of a JWT or a field of a token request: a template, or a number or boolean as it is. */
struct adapter_claim {
    char *name;
    struct template *value; /* NULL: constant is it */
    json_t *constant;
};

struct adapter_token {
    enum adapter_mint mint;
    struct template *url; /* NULL: the token is made here */
    struct template *key;
    struct template *key_id; /* or NULL */
    struct adapter_claim *claims;
    size_t claim_count;
    int64_t lives_ms; /* of what is signed here */
    int64_t skew_ms;
    int64_t renew_ms; /* before its end; -1: not said */
};

struct adapter_auth {
    enum request_auth kind;
    char *name;             /* the header or parameter */
    struct template *value; /* header, query and basic */
    char **parts;           /* names of the secret's parts, in order */
    size_t part_count;      /* 0: it is one text */
    bool last_optional;
    struct adapter_token token;
    char *service; /* aws_sigv4 */
    struct template *region;
};

/* adapter_auth_load - the section at the loader's position; value NULL: the vendor wants no secret. */
void adapter_auth_load(struct load *l, const json_t *value, struct adapter_auth *auth);
void adapter_auth_done(struct adapter_auth *auth);

/* adapter_auth_check - what a schema cannot say of it: parts that nothing names, tokens that go nowhere,
 * token endpoints that may not see the secret. options: those that a target might have, {name: text}. The
 * loader stands at the file's root. */
void adapter_auth_check(struct load *l, const struct adapter *a, const json_t *options);

#endif
