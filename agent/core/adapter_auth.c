/* adapter_auth.c - reads and checks the auth section of an adapter file. */
#include "core/adapter_auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/host.h"

#define JWT_MS        (30 * 60000) /* a token that the agent makes itself */
#define JWT_SKEW_MS   5000
#define JWT_BEARER_MS 3600000 /* what is exchanged for a token: the most that Google takes */

/* ---- loading ---- */

static void template_at(struct load *l, const json_t *value, const char *key, struct template **ret)
{
    const char *text = json_string_value(json_object_get(value, key));

    if (text) {
        size_t before = load_enter(l, key);
        load_template(l, text, ret);
        load_leave(l, before);
    }
}

static int64_t duration_at(struct load *l, const json_t *value, const char *key, int64_t fallback)
{
    size_t before = load_enter(l, key);
    int64_t ms = load_duration(l, json_object_get(value, key), fallback);

    load_leave(l, before);
    return ms;
}

static void load_claims(struct load *l, const json_t *value, const char *key, struct adapter_token *token)
{
    const json_t *claims = json_object_get(value, key);
    const char *name;
    json_t *item;

    size_t before = load_enter(l, key);
    token->claims = mem_new((json_object_size(claims) + 1) * sizeof(*token->claims));
    json_object_foreach((json_t *)claims, name, item)
    {
        struct adapter_claim *claim = &token->claims[token->claim_count++];
        claim->name = mem_text(name);
        if (json_is_string(item)) {
            template_at(l, claims, name, &claim->value);
        } else {
            claim->constant = json_incref(item);
        }
    }
    load_leave(l, before);
}

static void load_token(struct load *l, const json_t *value, struct adapter_token *token)
{
    static const struct {
        const char *key, *claims;
        enum adapter_mint mint;
        int64_t lives_ms;
    } rows[] = {{"jwt_hs256", "claims", MINT_JWT, JWT_MS},
                {"oauth2_jwt_bearer", "claims", MINT_JWT_BEARER, JWT_BEARER_MS},
                {"oauth2_client_credentials", "form", MINT_CLIENT, 0}};

    token->renew_ms = duration_at(l, value, "renew", -1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const json_t *rule = json_object_get(value, rows[i].key);
        if (!rule) {
            continue;
        }
        size_t before = load_enter(l, rows[i].key);
        token->mint = rows[i].mint;
        template_at(l, rule, "url", &token->url);
        template_at(l, rule, "key", &token->key);
        template_at(l, rule, "key_id", &token->key_id);
        load_claims(l, rule, rows[i].claims, token);
        token->lives_ms = duration_at(l, rule, "lives", rows[i].lives_ms);
        token->skew_ms = duration_at(l, rule, "skew", JWT_SKEW_MS);
        load_leave(l, before);
    }
}

static void load_parts(const json_t *value, struct adapter_auth *auth)
{
    json_t *item;
    size_t i;

    auth->parts = mem_new((json_array_size(value) + 1) * sizeof(*auth->parts));
    json_array_foreach(value, i, item)
    {
        const char *name = json_string_value(item);
        size_t n = strcspn(name, "?");
        auth->parts[auth->part_count++] = mem_textn(name, n);
        auth->last_optional = name[n] == '?';
    }
}

static void load_aws(struct load *l, const json_t *value, struct adapter_auth *auth)
{
    json_t *parts = json_pack("[s,s,s]", "access_key_id", "secret_access_key", "session_token?");
    size_t before = load_enter(l, "aws_sigv4");

    auth->kind = AUTH_AWS;
    auth->name = mem_text("Authorization");
    auth->service = mem_text(json_string_value(json_object_get(value, "service")));
    template_at(l, value, "region", &auth->region);
    load_parts(parts, auth);
    load_leave(l, before);
    json_decref(parts);
}

/* The value that carries it; {token} where one is minted, else {secret}, when the file says nothing. */
static void load_value(struct load *l, const json_t *value, const char *key, struct adapter_auth *auth)
{
    template_at(l, value, key, &auth->value);
    if (!json_object_get(value, key)) {
        load_template(l, auth->token.mint ? "{token}" : "{secret}", &auth->value);
    }
}

/* Members that belong to another way than the one that is taken would have no effect. */
static void check_members(struct load *l, const json_t *value, const char *way, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        if (json_object_get(value, names[i])) {
            load_complain_at(l, names[i], "does not go with %s", way);
        }
    }
}

void adapter_auth_load(struct load *l, const json_t *value, struct adapter_auth *auth)
{
    const char *header = json_string_value(json_object_get(value, "header"));
    const char *query = json_string_value(json_object_get(value, "query"));
    const json_t *aws = json_object_get(value, "aws_sigv4");

    if (!value) {
        return;
    }
    if (aws) {
        check_members(l, value, "aws_sigv4", (const char *const[]){"value", "parts", "token", NULL});
        load_aws(l, aws, auth);
        return;
    }
    size_t before = load_enter(l, "token");
    load_token(l, json_object_get(value, "token"), &auth->token);
    load_leave(l, before);
    load_parts(json_object_get(value, "parts"), auth);
    if (!header && !query) {
        check_members(l, value, "basic", (const char *const[]){"value", "token", NULL});
    }
    auth->kind = header ? AUTH_HEADER : query ? AUTH_QUERY : AUTH_BASIC;
    auth->name = mem_text(header ? header : query ? query : "Authorization");
    load_value(l, value, auth->kind == AUTH_BASIC ? "basic" : "value", auth);
}

void adapter_auth_done(struct adapter_auth *auth)
{
    for (size_t i = 0; i < auth->token.claim_count; i++) {
        free(auth->token.claims[i].name);
        template_free(&auth->token.claims[i].value);
        json_decref(auth->token.claims[i].constant);
    }
    for (size_t i = 0; i < auth->part_count; i++) {
        free(auth->parts[i]);
    }
    free(auth->token.claims);
    template_free(&auth->token.url);
    template_free(&auth->token.key);
    template_free(&auth->token.key_id);
    free(auth->parts);
    free(auth->name);
    template_free(&auth->value);
    free(auth->service);
    template_free(&auth->region);
}

/* ---- checking ---- */

/* What a text of the section may name. */
struct naming {
    const struct adapter *a;
    const json_t *options;
    bool token; /* {token} */
};

static bool part_known(const struct adapter_auth *auth, const char *name)
{
    for (size_t i = 0; i < auth->part_count; i++) {
        if (!strcmp(auth->parts[i], name)) {
            return true;
        }
    }
    return false;
}

static void check_name(struct load *l, const struct naming *n, const char *name)
{
    const struct adapter_auth *auth = &n->a->auth;

    if (!strncmp(name, "secret.", 7)) {
        if (!part_known(auth, name + 7)) {
            load_complain(l, "the secret has no part %s: name it under parts", name + 7);
        }
    } else if (!strcmp(name, "secret")) {
        if (auth->part_count) {
            load_complain(l, "the secret has parts: write {secret.%s}", auth->parts[0]);
        }
    } else if (!strcmp(name, "token")) {
        if (!n->token || !auth->token.mint) {
            load_complain(l, n->token ? "nothing makes {token}: say how, under token"
                                      : "{token} is what is made here: it stands in value");
        }
    } else if (strcmp(name, "base") != 0 && !json_object_get(n->options, name)) {
        load_complain(l, "nothing sets {%s}: known are %s, {token}, {base} and the options", name,
                      auth->part_count ? "{secret.NAME}" : "{secret}");
    }
}

/* Gives whether t names the secret, a part of it, or the token. */
static bool check_text(struct load *l, const struct naming *n, const char *key, const struct template *t)
{
    const char *name;
    bool secret = false;

    size_t before = load_enter(l, key);
    for (size_t i = 0; t && (name = template_name(t, i)); i++) {
        check_name(l, n, name);
        secret = secret || !strncmp(name, "secret", 6) || !strcmp(name, "token");
    }
    load_leave(l, before);
    return secret;
}

static bool names_token(const struct template *t)
{
    const char *name;

    for (size_t i = 0; t && (name = template_name(t, i)); i++) {
        if (!strcmp(name, "token")) {
            return true;
        }
    }
    return false;
}

/* The endpoint sees the secret, so its host must be one that may. */
static void check_endpoint(struct load *l, const struct adapter *a, const json_t *options)
{
    AUTO(auto_free) char *text = adapter_fill(template_text(a->auth.token.url), options);
    size_t n = strcspn(text, "/");
    struct host host;

    if (!strncmp(text, "{base}", 6) || !strncmp(text, "{secret.", 8)) {
        return; /* which host that is, is looked at when it is known */
    }
    n = strncmp(text + n, "//", 2) ? 0 : n + 2 + strcspn(text + n + 2, "/?#");
    if (memchr(text, '{', n)) {
        load_complain(l, "a host made from a variable could be anybody's: write the host out, or put it into "
                         "base");
    } else if (!host_of((struct slice){text, n}, &host) || (!host.secure && !host_local(host.name))) {
        load_complain(l, "begins with {base} or with https:// and a host: the secret goes there");
    } else if (!adapter_host_allowed_for(a, NULL, options, host.name)) {
        load_complain(l, "%s would see the secret: add it to hosts", host.name);
    }
}

/* exp and the like say how long the token lives: the agent must know. */
static void check_claims(struct load *l, const struct naming *n, const struct adapter_token *token)
{
    bool client = token->mint == MINT_CLIENT;
    size_t before = load_enter(l, client ? "form" : "claims");

    for (size_t i = 0; i < token->claim_count; i++) {
        const char *name = token->claims[i].name;
        bool own = !strcmp(name, "exp") || !strcmp(name, "nbf") || !strcmp(name, "iat");
        check_text(l, n, name, token->claims[i].value);
        if (own && !client) {
            load_complain_at(l, name, "the agent sets it, by lives and skew");
        }
    }
    load_leave(l, before);
}

static void check_token(struct load *l, const struct adapter *a, const json_t *options)
{
    static const char *const names[] = {[MINT_NONE] = "",
                                        [MINT_JWT] = "jwt_hs256",
                                        [MINT_JWT_BEARER] = "oauth2_jwt_bearer",
                                        [MINT_CLIENT] = "oauth2_client_credentials"};
    const struct adapter_token *token = &a->auth.token;
    const struct naming n = {a, options, false};

    size_t before = load_enter(l, "token"), inner = load_enter(l, names[token->mint]);
    if (token->url) {
        check_text(l, &n, "url", token->url);
        size_t url = load_enter(l, "url");
        check_endpoint(l, a, options);
        load_leave(l, url);
    }
    if (token->key && !check_text(l, &n, "key", token->key)) {
        load_complain_at(l, "key", "is known to all who read this file: write {secret} or a part of it");
    }
    check_text(l, &n, "key_id", token->key_id);
    check_claims(l, &n, token);
    if (token->mint != MINT_CLIENT && token->lives_ms < 1000) {
        load_complain_at(l, "lives", "is too short: a second at least");
    }
    load_leave(l, inner);
    load_leave(l, before);
}

void adapter_auth_check(struct load *l, const struct adapter *a, const json_t *options)
{
    const struct adapter_auth *auth = &a->auth;
    const struct naming all = {a, options, true};
    const char *key = auth->kind == AUTH_BASIC ? "basic" : "value";

    if (auth->kind == AUTH_NONE) {
        return;
    }
    size_t before = load_enter(l, "auth");
    if (auth->kind == AUTH_AWS) {
        size_t inner = load_enter(l, "aws_sigv4");
        check_text(l, &all, "region", auth->region);
        load_leave(l, inner);
    } else if (!check_text(l, &all, key, auth->value)) {
        load_complain(l, "the secret is nowhere in it: write {secret} where it goes");
    } else if (auth->token.mint && !names_token(auth->value)) {
        load_complain(l, "the token is nowhere in it: write {token} in value");
    }
    if (auth->token.mint) {
        check_token(l, a, options);
    }
    load_leave(l, before);
}
