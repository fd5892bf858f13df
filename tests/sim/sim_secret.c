/* sim_secret.c - who asks: the secret that came with a request, in whatever way the vendor takes it.
 *
 * A good key of the simulator is a text; "access:secret" or "access:secret:session" is one for those who
 * sign; a JSON object with client_email and private_key is a service account. */
#include "sim_secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim_jwt.h"
#include "sim_sigv4.h"
#include "wire/base64.h"

#define VALUE_BYTES 8192

/* A secret being looked at: what came, and which keys are good. */
struct look {
    struct sim_engine *engine;
    struct sim_call *call;
    char text[VALUE_BYTES]; /* what stands in the hole of the way's value */
};

/* A good key's text; "" for what a configuration has that is none. */
static const char *look_text(const json_t *key)
{
    return json_is_string(key) ? json_string_value(key) : "";
}

static bool look_any(const struct look *l)
{
    return !json_array_size(l->engine->keys);
}

static enum sim_secret_state look_wrong(struct look *l, const char *why)
{
    l->call->why = why;
    return SIM_SECRET_WRONG;
}

static enum sim_secret_state look_good(struct look *l, struct slice account)
{
    snprintf(l->call->secret, sizeof(l->call->secret), "%.*s", (int)account.n, account.p);
    return SIM_SECRET_GOOD;
}

/* ---- plain keys ---- */

static enum sim_secret_state look_key(struct look *l)
{
    size_t i;
    json_t *key;

    look_good(l, slice_of(l->text));
    if (look_any(l)) {
        return SIM_SECRET_GOOD;
    }
    json_array_foreach(l->engine->keys, i, key)
    {
        if (!strcmp(look_text(key), l->text)) {
            return SIM_SECRET_GOOD;
        }
    }
    return look_wrong(l, "there is no such key");
}

static enum sim_secret_state look_is_any(struct look *l)
{
    return look_good(l, slice_of(l->text));
}

/* "user:password" in base64; a key alone may be the user of an empty password. */
static enum sim_secret_state look_basic(struct look *l)
{
    unsigned char text[VALUE_BYTES];
    struct base64 decoder = {0};
    long n = strlen(l->text) < VALUE_BYTES - 4 ? base64_feed(&decoder, l->text, strlen(l->text), text) : -1;

    if (n <= 0 || !base64_end(&decoder)) {
        return look_wrong(l, "what stands behind Basic is no base64");
    }
    memcpy(l->text, text, (size_t)n);
    l->text[n] = '\0';
    enum sim_secret_state whole = look_key(l);
    if (whole != SIM_SECRET_GOOD && l->text[n - 1] == ':') {
        l->text[n - 1] = '\0';
        whole = look_key(l);
    }
    return whole;
}

/* ---- signed ones ---- */

/* The parts of the good key "access:secret:session" of that access; false: there is none. */
static bool look_parts(const struct look *l, struct slice access, char secret[256], char session[1024])
{
    size_t i;
    json_t *key;

    json_array_foreach(l->engine->keys, i, key)
    {
        struct slice rest = slice_of(look_text(key)), first, second, third = {"", 0};
        if (slice_cut(&rest, ':', &first) && slice_cut(&rest, ':', &second) && first.n == access.n &&
            !memcmp(first.p, access.p, first.n)) {
            slice_cut(&rest, ':', &third);
            snprintf(secret, 256, "%.*s", (int)second.n, second.p);
            snprintf(session, 1024, "%.*s", (int)third.n, third.p);
            return true;
        }
    }
    return false;
}

static enum sim_secret_state look_jwt_hs256(struct look *l)
{
    char secret[256], session[1024];
    struct sim_jwt token;

    if (!sim_jwt_read(l->text, &token)) {
        return look_wrong(l, "it is no JSON web token");
    }
    const char *issuer = sim_jwt_claim(&token, "iss"), *late = sim_jwt_late(&token, l->call->wall_ms / 1000);
    enum sim_secret_state state = SIM_SECRET_WRONG;
    if (late) {
        look_wrong(l, late);
    } else if (look_any(l) ||
               (look_parts(l, slice_of(issuer), secret, session) && sim_jwt_hs256(&token, secret))) {
        state = look_good(l, slice_of(issuer));
    } else {
        look_wrong(l, "iss is no access key, or the token is not signed with its secret");
    }
    sim_jwt_done(&token);
    return state;
}

/* True when the token is signed by the service account of that key. */
static bool look_account(const struct sim_jwt *token, const json_t *key)
{
    json_t *account = json_loads(json_string_value(key), 0, NULL);
    const char *mail = json_string_value(json_object_get(account, "client_email"));
    const char *pem = json_string_value(json_object_get(account, "private_key"));
    bool good = mail && pem && !strcmp(mail, sim_jwt_claim(token, "iss")) && sim_jwt_rs256(token, pem);

    json_decref(account);
    return good;
}

static enum sim_secret_state look_jwt_rs256(struct look *l)
{
    struct sim_jwt token;
    size_t i;
    json_t *key;

    if (!sim_jwt_read(l->text, &token)) {
        return look_wrong(l, "it is no JSON web token");
    }
    const char *late = sim_jwt_late(&token, l->call->wall_ms / 1000);
    bool good = look_any(l);
    json_array_foreach(l->engine->keys, i, key)
    {
        good = good || (look_text(key)[0] == '{' && look_account(&token, key));
    }
    enum sim_secret_state state = SIM_SECRET_WRONG;
    if (late || !good) {
        look_wrong(l, late ? late : "iss is no service account, or the token is not signed with its key");
    } else {
        state = look_good(l, slice_of(sim_jwt_claim(&token, "iss")));
    }
    sim_jwt_done(&token);
    return state;
}

/* The value of a hole that takes the rest of the path: its slashes may be %2F on the wire. */
static struct slice look_rest(const struct sim_call *c)
{
    for (size_t i = 0; i < c->param_count; i++) {
        if (memchr(c->params[i].value.p, '/', c->params[i].value.n)) {
            return c->params[i].value;
        }
    }
    return (struct slice){NULL, 0};
}

static enum sim_secret_state look_sigv4(struct look *l)
{
    char secret[256], session[1024];
    struct sim_call *c = l->call;
    struct sim_sigv4 s;
    const char *wrong = sim_sigv4_read(&c->request->head, c->wall_ms / 1000, &s);

    if (!wrong && !look_any(l)) {
        struct sim_sigv4_request r = {&c->request->head, look_rest(c), c->request->digest, session};
        wrong = look_parts(l, s.access, secret, session) ? sim_sigv4_check(&s, &r, secret)
                                                         : "there is no such access key";
    }
    return wrong ? look_wrong(l, wrong) : look_good(l, s.access);
}

static enum sim_secret_state look_token(struct look *l)
{
    const char *account =
        sim_tokens_find(l->engine->tokens, l->call->dialect->name, l->text, l->call->now_ms);

    return account ? look_good(l, slice_of(account)) : look_wrong(l, "there is no such token, or it is over");
}

/* ---- the ways of a dialect ---- */

static const struct hole {
    const char *name;
    enum sim_secret_state (*look)(struct look *l);
} holes[] = {
    {"{key}", look_key},         {"{any}", look_is_any},          {"{basic}", look_basic},
    {"{token}", look_token},     {"{jwt_hs256}", look_jwt_hs256}, {"{jwt_rs256}", look_jwt_rs256},
    {"{aws_sigv4}", look_sigv4},
};

bool sim_secret_known(const char *pattern)
{
    for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
        if (strstr(pattern, holes[i].name)) {
            return true;
        }
    }
    return false;
}

/* The text that stands for the hole of pattern, and what is to be thought of it. */
static enum sim_secret_state look_match(struct look *l, const char *pattern, const char *value)
{
    for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
        const char *hole = strstr(pattern, holes[i].name);
        if (!hole) {
            continue;
        }
        size_t before = (size_t)(hole - pattern), n = strlen(value);
        const char *close = hole + strlen(holes[i].name);
        size_t behind = strlen(close);
        if (n <= before + behind || strncmp(pattern, value, before) != 0 ||
            strcmp(close, value + n - behind) != 0) {
            return look_wrong(l, "it does not look as it must");
        }
        snprintf(l->text, sizeof(l->text), "%.*s", (int)(n - before - behind), value + before);
        return holes[i].look(l);
    }
    return look_wrong(l, "the dialect has no such way");
}

/* What the request brings in that way; "" when it brings nothing. */
static char *look_value(struct look *l, const json_t *way)
{
    const char *header = json_string_value(json_object_get(way, "header"));
    const char *query = json_string_value(json_object_get(way, "query"));
    const json_t *from = json_object_get(way, "from");
    char value[VALUE_BYTES] = "";

    if (header) {
        struct slice found = http_find(&l->call->request->head, header);
        return mem_printf("%.*s", (int)found.n, found.p ? found.p : "");
    }
    if (query) {
        http_query(&l->call->request->head, query, value, sizeof(value));
        return mem_text(value);
    }
    json_t *filled = from ? sim_template_value(from, &l->call->scope) : NULL;
    char *text = mem_text(json_is_string(filled) ? json_string_value(filled) : "");
    json_decref(filled);
    return text;
}

enum sim_secret_state sim_secret_find(struct sim_engine *e, struct sim_call *c)
{
    const json_t *ways = c->route && c->route->secrets ? c->route->secrets : c->dialect->secrets;
    enum sim_secret_state best = SIM_SECRET_ABSENT;
    struct look l = {.engine = e, .call = c};
    size_t i;
    json_t *way;

    json_array_foreach((json_t *)ways, i, way)
    {
        AUTO(auto_free) char *value = look_value(&l, way);
        const char *pattern = json_string_value(json_object_get(way, "value"));
        enum sim_secret_state one = *value && pattern ? look_match(&l, pattern, value) : SIM_SECRET_ABSENT;
        if (one == SIM_SECRET_GOOD) {
            return one;
        }
        best = one > best ? one : best;
    }
    return best;
}
