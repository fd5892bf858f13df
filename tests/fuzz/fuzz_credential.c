/* fuzz_credential.c - secrets, token endpoints' answers and URLs to be signed: what is taken is sound, what
 * is hidden is gone. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter.h"
#include "core/credential.h"
#include "wire/sigv4.h"

static const char file[] =
    "adapter: v\nbase: https://v.example\n"
    "auth: { header: A, value: \"{secret.a} {secret.b} {token}\", parts: [a, b, \"c?\"],\n"
    "  token: { jwt_hs256: { key: \"{secret.b}\", claims: { iss: \"{secret.a}\" } } } }\n"
    "tasks: { image.generate: { submit: { request: { url: \"{base}/x\" }, outputs: { url: .body.u } } } }\n";

/* Property: no text of value has secret in it. */
static void check_hidden(const json_t *value, const char *secret)
{
    const char *name, *text = json_string_value(value);
    json_t *item;
    size_t i;

    assert(!text || !strstr(text, secret));
    json_array_foreach(value, i, item)
    {
        check_hidden(item, secret);
    }
    json_object_foreach((json_t *)value, name, item)
    {
        check_hidden(item, secret);
    }
}

/* Property: what is hidden in the answer is gone, and nothing else breaks. */
static void check_hide(const struct credential_in *in, struct slice answer)
{
    const char *secret = credential_secret_text(in->secret, 0);
    json_t *value = json_loadb(answer.p, answer.n, JSON_DECODE_ANY, NULL);

    credential_hide(value, in);
    if (strlen(secret) >= 8 && !strchr(secret, '*')) {
        check_hidden(value, secret);
    }
    json_decref(value);
}

/* Property: a token is text for a header and has a life; a fault leaves none. */
static void check_token(const struct credential_in *in, struct slice answer)
{
    static const int statuses[] = {200, 401, 503};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct credential_token t;
        struct note note = {0};
        if (credential_token_read(in, statuses[i], answer, &t, &note)) {
            assert(!t.text && note.text[0]);
            continue;
        }
        assert(statuses[i] == 200 && t.lives_ms > 0 && t.lives_ms <= 86400000);
        for (const char *at = t.text; *at; at++) {
            assert(*at > ' ' && *at <= '~');
        }
        credential_token_done(&t);
    }
}

/* Property: a secret that is taken has its parts, and signs. */
static void check_secret(const struct adapter *a, const char *text, struct slice answer)
{
    struct credential_secret *s = NULL;
    struct credential_mint m;
    struct note note = {0};

    if (credential_secret_read(a, text, &s, &note)) {
        assert(!s && note.text[0]);
        return;
    }
    size_t n = 0;
    for (const char *part; (part = credential_secret_text(s, n)); n++) {
        assert(*part);
    }
    assert(n == 3 || n == 4);
    struct credential_in in = {.adapter = a, .secret = s};
    if (credential_mint(&in, 1760000000000, &m, &note) == FAULT_OK) {
        in.token = m.token.text;
        assert(in.token);
    }
    check_token(&in, answer);
    check_hide(&in, answer);
    credential_mint_done(&m);
    credential_secret_free(&s);
}

/* Property: a signature ends in 64 hex digits, and the canonical request is made of lines without gaps. */
static void check_signature(const char *url)
{
    struct sigv4_in in = {.access_key_id = "A",
                          .secret_access_key = "B",
                          .region = "r",
                          .service = "s",
                          .method = "GET",
                          .url = url,
                          .body_digest = "d",
                          .wall_ms = 1760000000000};
    struct sigv4_out out;
    char *text = NULL, *names = NULL;

    if (sigv4_sign(&in, &out, NULL)) {
        assert(!out.authorization);
        return;
    }
    size_t n = strlen(out.authorization);
    assert(n > 64 && strspn(out.authorization + n - 64, "0123456789abcdef") == 64);
    assert(sigv4_canonical(&in, &text, &names, NULL) == FAULT_OK);
    assert(!strncmp(text, "GET\n/", 5) && !strcmp(names, "host;x-amz-date"));
    free(out.authorization);
    free(text);
    free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct adapter *adapter;
    struct slice rest = {(const char *)data, size}, first = {NULL, 0};

    if (!adapter && adapter_read(slice_of(file), "v.yaml", NULL, NULL, &adapter) != FAULT_OK) {
        abort();
    }
    if (!size || !slice_cut(&rest, '\0', &first)) {
        return 0;
    }
    char *text = mem_textn(first.p, first.n);
    check_secret(adapter, text, rest.p ? rest : (struct slice){"", 0});
    check_signature(text);
    free(text);
    return 0;
}
