/* credential_token.c - what mints a token, and what a token endpoint answers. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/credential_secret.h"
#include "core/host.h"
#include "core/percent.h"
#include "wire/jwt.h"

#define KEY_BYTES      (64u * KIB)
#define LIFE_MS        300000   /* of a token whose endpoint does not say */
#define LIFE_MAX_MS    86400000 /* a longer life is not believed */
#define RENEW_LEAST_MS 30000
#define DIGITS         16

#define GRANT_BEARER "urn:ietf:params:oauth:grant-type:jwt-bearer" /* RFC 7523 section 2.1 */

bool credential_has_token(const struct adapter *a)
{
    return a->auth.token.mint != MINT_NONE;
}

void credential_token_done(struct credential_token *t)
{
    credential_wipe(&t->text);
}

void credential_mint_done(struct credential_mint *m)
{
    credential_token_done(&m->token);
    credential_wipe(&m->form);
    free(m->url);
    m->url = NULL;
}

static void add_id(struct digest *d, const char *text)
{
    digest_add(d, text ? text : "", text ? strlen(text) + 1 : 1);
}

void credential_token_id(const struct credential_in *in, const char *key_id, char out[DIGEST_HEX_CHARS + 1])
{
    unsigned char bytes[DIGEST_BYTES];
    struct digest *d = digest_new();
    AUTO(auto_free)
    char *options = in->options ? json_dumps(in->options, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    add_id(d, in->adapter->name);
    add_id(d, in->adapter->digest);
    add_id(d, in->base);
    add_id(d, options);
    add_id(d, key_id);
    add_id(d, credential_secret_text(in->secret, 0));
    digest_end(d, bytes);
    digest_free(&d);
    digest_hex(bytes, out);
}

/* ---- making ---- */

static enum fault add_claim(const struct credential_in *in, const struct adapter_claim *claim, json_t *out,
                            struct note *note)
{
    if (!claim->value) {
        json_object_set(out, claim->name, claim->constant);
        return FAULT_OK;
    }
    char *text = credential_fill(in, claim->value, LIMIT_HEADER_BYTES, note);
    json_t *value = text ? json_string(text) : NULL;
    credential_wipe(&text);
    if (!value) {
        return note_set(note, FAULT_BAD_VALUE, "the token's %.64s is no text", claim->name);
    }
    json_object_set_new(out, claim->name, value);
    return FAULT_OK;
}

static enum fault make_claims(const struct credential_in *in, const json_t *own, json_t **ret_claims,
                              struct note *note)
{
    const struct adapter_token *token = &in->adapter->auth.token;
    enum fault fault = FAULT_OK;

    *ret_claims = json_object();
    for (size_t i = 0; i < token->claim_count && !fault; i++) {
        fault = add_claim(in, &token->claims[i], *ret_claims, note);
    }
    json_object_update_missing(*ret_claims, (json_t *)own);
    return fault;
}

/* own: the claims that the agent sets itself. */
static enum fault sign(const struct credential_in *in, enum jwt_alg alg, json_t *own, char **ret_text,
                       struct note *note)
{
    const struct adapter_token *token = &in->adapter->auth.token;
    json_t *claims = NULL;
    char *key_id = NULL;
    char *key = credential_fill(in, token->key, KEY_BYTES, note);
    enum fault fault = key ? make_claims(in, own, &claims, note) : FAULT_BAD_VALUE;

    if (!fault && token->key_id) {
        key_id = credential_fill(in, token->key_id, LIMIT_HEADER_BYTES, note);
        fault = key_id ? FAULT_OK : FAULT_BAD_VALUE;
    }
    if (!fault) {
        const struct jwt_in jwt = {alg, slice_of(key), key_id, claims};
        fault = jwt_sign(&jwt, ret_text, note);
    }
    credential_wipe(&key);
    credential_wipe(&key_id);
    json_decref(claims);
    return fault;
}

static enum fault mint_jwt(const struct credential_in *in, int64_t wall_ms, struct credential_mint *ret,
                           struct note *note)
{
    const struct adapter_token *token = &in->adapter->auth.token;
    json_t *own = json_pack("{s:I,s:I}", "exp", (json_int_t)((wall_ms + token->lives_ms) / 1000), "nbf",
                            (json_int_t)((wall_ms - token->skew_ms) / 1000));
    enum fault fault = sign(in, JWT_HS256, own, &ret->token.text, note);

    ret->token.lives_ms = token->lives_ms;
    json_decref(own);
    return fault;
}

static void add_form(struct buf *out, const char *name, const char *value)
{
    if (out->n) {
        buf_char(out, '&');
    }
    percent_write(out, name, false);
    buf_char(out, '=');
    percent_write(out, value, false);
}

static enum fault form_done(struct buf *out, struct credential_mint *ret, struct note *note)
{
    ret->form = buf_take(out);
    buf_done(out);
    return ret->form ? FAULT_OK : note_set(note, FAULT_BAD_VALUE, "the token request is too long");
}

static enum fault mint_bearer(const struct credential_in *in, int64_t wall_ms, struct credential_mint *ret,
                              struct note *note)
{
    const struct adapter_token *token = &in->adapter->auth.token;
    json_t *own = json_pack("{s:s,s:I,s:I}", "aud", ret->url, "iat", (json_int_t)(wall_ms / 1000), "exp",
                            (json_int_t)((wall_ms + token->lives_ms) / 1000));
    char *assertion = NULL;
    enum fault fault = sign(in, JWT_RS256, own, &assertion, note);
    struct buf form;

    json_decref(own);
    if (fault) {
        return fault;
    }
    buf_init(&form, KEY_BYTES);
    add_form(&form, "grant_type", GRANT_BEARER);
    add_form(&form, "assertion", assertion);
    credential_wipe(&assertion);
    return form_done(&form, ret, note);
}

static enum fault mint_client(const struct credential_in *in, struct credential_mint *ret, struct note *note)
{
    json_t *fields = NULL, *value;
    const char *name;
    struct buf form;
    enum fault fault = make_claims(in, NULL, &fields, note);

    buf_init(&form, KEY_BYTES);
    if (!json_object_get(fields, "grant_type")) {
        add_form(&form, "grant_type", "client_credentials");
    }
    json_object_foreach(fields, name, value)
    {
        char *text = shape_value_text(value);
        add_form(&form, name, text ? text : "");
        credential_wipe(&text);
    }
    json_decref(fields);
    if (fault) {
        buf_done(&form);
        return fault;
    }
    return form_done(&form, ret, note);
}

/* The endpoint sees the secret: a host that may, over TLS, or wherever the operator has put the base. */
static enum fault make_url(const struct credential_in *in, struct credential_mint *ret, struct note *note)
{
    const char *base = in->base ? in->base : in->adapter->base;
    struct host to, own;

    ret->url = credential_fill_url(in, in->adapter->auth.token.url, note);
    if (!ret->url) {
        return FAULT_BAD_VALUE;
    }
    if (!host_of(slice_of(ret->url), &to)) {
        return note_set(note, FAULT_BAD_VALUE, "the token endpoint's URL is none");
    }
    bool at_base = host_of(slice_of(base), &own) && own.secure == to.secure && !strcmp(own.name, to.name);
    bool safe = to.secure || host_local(to.name);
    if (!at_base && !(safe && adapter_host_allowed_for(in->adapter, base, in->options, to.name))) {
        return note_set(note, FAULT_BAD_VALUE, "the token endpoint's host %.100s may not see the secret",
                        to.name);
    }
    return FAULT_OK;
}

enum fault credential_mint(const struct credential_in *in, int64_t wall_ms, struct credential_mint *ret,
                           struct note *note)
{
    *ret = (struct credential_mint){.url = NULL};
    enum fault fault = in->adapter->auth.token.url ? make_url(in, ret, note) : FAULT_OK;

    if (fault) {
        return fault;
    }
    switch (in->adapter->auth.token.mint) {
    case MINT_JWT:
        return mint_jwt(in, wall_ms, ret, note);
    case MINT_JWT_BEARER:
        return mint_bearer(in, wall_ms, ret, note);
    default:
        return mint_client(in, ret, note);
    }
}

/* ---- the endpoint's answer ---- */

/* b64token of RFC 6750 section 2.1, and whatever else a header can carry without quotes. */
static bool token_valid(const char *text)
{
    size_t n = text ? strlen(text) : 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return n > 0 && n < LIMIT_HEADER_BYTES / 2;
}

/* Seconds as a number, or as a text as some write it; a life that makes no sense is taken as one not told. */
static int64_t life_ms(const json_t *value)
{
    const char *text = json_string_value(value);
    double seconds = json_number_value(value);

    if (text && strlen(text) < DIGITS) {
        char *end;
        seconds = strtod(text, &end);
        seconds = *end ? 0 : seconds;
    }
    if (!(seconds > 0)) {
        return LIFE_MS;
    }
    return seconds * 1000 < LIFE_MAX_MS ? (int64_t)(seconds * 1000) : LIFE_MAX_MS;
}

static enum fault refusal(int status)
{
    if (status == 429) {
        return FAULT_RATE_LIMITED;
    }
    if (status == 408 || status >= 500) {
        return FAULT_VENDOR_UNAVAILABLE;
    }
    return status >= 400 ? FAULT_VENDOR_AUTH : FAULT_VENDOR_ANSWER;
}

/* Its words, in which some repeat what they were sent. */
static enum fault refuse(const struct credential_in *in, int status, json_t *answer, struct note *note)
{
    credential_hide(answer, in);
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *words = json_string_value(json_object_get(answer, "error_description"));
    return note_set(note, refusal(status), "the token endpoint answers with status %d%s%.80s%s%.160s", status,
                    error ? ": " : "", error ? error : "", words ? ": " : "", words ? words : "");
}

enum fault credential_token_read(const struct credential_in *in, int status, struct slice body,
                                 struct credential_token *ret, struct note *note)
{
    json_t *answer = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
    const char *token = json_string_value(json_object_get(answer, "access_token"));
    enum fault fault = FAULT_OK;

    *ret = (struct credential_token){.text = NULL};
    if (status < 200 || status > 299) {
        fault = refuse(in, status, answer, note);
    } else if (!token_valid(token)) {
        fault = note_set(note, FAULT_VENDOR_ANSWER, "the token endpoint's answer has no access_token");
    } else {
        ret->text = mem_text(token);
        ret->lives_ms = life_ms(json_object_get(answer, "expires_in"));
        explicit_bzero((char *)token, strlen(token));
    }
    json_decref(answer);
    return fault;
}

int64_t credential_renew_ms(const struct adapter *a, int64_t lives_ms)
{
    int64_t before = a->auth.token.renew_ms;

    if (before < 0) {
        before = lives_ms / 10 > RENEW_LEAST_MS ? lives_ms / 10 : RENEW_LEAST_MS;
    }
    return lives_ms - (before < lives_ms / 2 ? before : lives_ms / 2);
}
