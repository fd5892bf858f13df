/* credential.c - from a key's secret to what stands in a request. */
#include "core/credential.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/credential_secret.h"
#include "core/percent.h"
#include "wire/base64.h"
#include "wire/sigv4.h"

#define HIDE_CHARS      5 /* a shorter secret is a simulator's */
#define HIDE_PART_CHARS 8

/* ---- what the texts of auth see ---- */

static const char *find(void *arg, const char *name)
{
    const struct credential_in *in = arg;

    if (!strncmp(name, "secret.", 7)) {
        return credential_secret_part(in->secret, name + 7);
    }
    if (!strcmp(name, "secret")) {
        return credential_secret_text(in->secret, 0);
    }
    if (!strcmp(name, "token")) {
        return in->token;
    }
    if (!strcmp(name, "base")) {
        return in->base ? in->base : in->adapter->base;
    }
    const char *given = json_string_value(json_object_get(in->options, name));
    const json_t *option = json_object_get(in->adapter->options, name);
    return given ? given : json_string_value(json_object_get(option, "default"));
}

char *credential_fill(const struct credential_in *in, const struct template *t, size_t max, struct note *note)
{
    struct buf out;

    buf_init(&out, max);
    buf_text(&out, "");
    enum fault fault = template_fill(t, find, (void *)in, &out, note);
    char *text = fault ? NULL : buf_take(&out);
    if (out.p) {
        explicit_bzero(out.p, out.n);
    }
    buf_done(&out);
    return text;
}

char *credential_fill_url(const struct credential_in *in, const struct template *t, struct note *note)
{
    struct buf out;

    buf_init(&out, LIMIT_URL_BYTES);
    enum fault fault = template_url(t, find, (void *)in, &out, note);
    char *text = fault ? NULL : buf_take(&out);
    buf_done(&out);
    return text;
}

/* ---- in a request ---- */

void credential_wipe(char **text)
{
    if (*text) {
        explicit_bzero(*text, strlen(*text));
    }
    free(*text);
    *text = NULL;
}

void credential_put_done(struct credential_put *p)
{
    for (size_t i = 0; i < p->field_count; i++) {
        free(p->fields[i].name);
        credential_wipe(&p->fields[i].value);
    }
    credential_wipe(&p->url);
    p->field_count = 0;
}

/* Takes value. */
static void put_field(struct credential_put *p, const char *name, char *value)
{
    p->fields[p->field_count++] = (struct request_field){mem_text(name), value};
}

static enum fault put_header(const struct credential_in *in, const struct request *r,
                             struct credential_put *ret, struct note *note)
{
    struct buf out;

    buf_init(&out, LIMIT_HEADER_BYTES);
    buf_text(&out, "");
    enum fault fault = template_header(in->adapter->auth.value, find, (void *)in, &out, note);
    if (!fault) {
        put_field(ret, r->auth_name, buf_take(&out));
    }
    buf_done(&out);
    return fault;
}

/* RFC 7617. */
static enum fault put_basic(const struct credential_in *in, struct credential_put *ret, struct note *note)
{
    char *text = credential_fill(in, in->adapter->auth.value, LIMIT_HEADER_BYTES / 2, note);

    if (!text) {
        return FAULT_BAD_VALUE;
    }
    char *coded = mem_new(BASE64_CHARS(strlen(text)) + 1);
    base64_write(coded, slice_of(text), false);
    put_field(ret, "Authorization", mem_printf("Basic %s", coded));
    credential_wipe(&text);
    credential_wipe(&coded);
    return FAULT_OK;
}

static enum fault put_query(const struct credential_in *in, const struct request *r,
                            struct credential_put *ret, struct note *note)
{
    char *text = credential_fill(in, in->adapter->auth.value, LIMIT_HEADER_BYTES, note);
    struct buf out;

    if (!text) {
        return FAULT_BAD_VALUE;
    }
    buf_init(&out, LIMIT_URL_BYTES);
    buf_printf(&out, "%s%c%s=", r->url, strchr(r->url, '?') ? '&' : '?', r->auth_name);
    percent_write(&out, text, false);
    credential_wipe(&text);
    ret->url = buf_take(&out);
    buf_done(&out);
    return ret->url ? FAULT_OK
                    : note_set(note, FAULT_BAD_VALUE, "the URL is longer than %u bytes", LIMIT_URL_BYTES);
}

/* Of the request's own headers those are signed that decide what is done: what a proxy may change is not. */
static size_t signed_headers(const struct request *r, struct sigv4_header *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < r->field_count && n < max; i++) {
        const char *name = r->fields[i].name;
        if (!strcasecmp(name, "Content-Type") || !strncasecmp(name, "x-amz-", 6)) {
            out[n++] = (struct sigv4_header){name, r->fields[i].value};
        }
    }
    return n;
}

static enum fault put_signature(const struct credential_in *in, const struct request *r, const char *digest,
                                int64_t wall_ms, struct credential_put *ret, struct note *note)
{
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    char *region = credential_fill(in, in->adapter->auth.region, LIMIT_NAME_CHARS * 4, note);
    const char *session = credential_secret_part(in->secret, "session_token");
    struct sigv4_out out;

    if (!region) {
        return FAULT_BAD_VALUE;
    }
    const struct sigv4_in sign = {.access_key_id = credential_secret_part(in->secret, "access_key_id"),
                                  .secret_access_key =
                                      credential_secret_part(in->secret, "secret_access_key"),
                                  .session_token = session,
                                  .region = region,
                                  .service = r->sign_as,
                                  .method = r->method,
                                  .url = r->url,
                                  .headers = headers,
                                  .header_count = signed_headers(r, headers, SIGV4_HEADERS_MAX),
                                  .body_digest = digest,
                                  .digest_header = true,
                                  .wall_ms = wall_ms};
    enum fault fault = sigv4_sign(&sign, &out, note);
    if (!fault) {
        put_field(ret, "Authorization", out.authorization);
        put_field(ret, "x-amz-date", mem_text(out.date));
        put_field(ret, "x-amz-content-sha256", mem_text(digest));
        if (session) {
            put_field(ret, "x-amz-security-token", mem_text(session));
        }
    }
    free(region);
    return fault;
}

enum fault credential_put(const struct credential_in *in, const struct request *r,
                          const char digest[DIGEST_HEX_CHARS + 1], int64_t wall_ms,
                          struct credential_put *ret, struct note *note)
{
    *ret = (struct credential_put){.url = NULL};
    switch (r->auth) {
    case AUTH_HEADER:
        return put_header(in, r, ret, note);
    case AUTH_QUERY:
        return put_query(in, r, ret, note);
    case AUTH_BASIC:
        return put_basic(in, ret, note);
    case AUTH_AWS:
        return put_signature(in, r, digest, wall_ms, ret, note);
    default:
        return FAULT_OK;
    }
}

/* ---- what people may read ---- */

static void hide_in_text(json_t *text, const char *secret)
{
    size_t n = strlen(secret);
    const char *from = json_string_value(text), *at;
    struct buf out;

    if (!from || !strstr(from, secret)) {
        return;
    }
    buf_init(&out, json_string_length(text));
    for (; (at = strstr(from, secret)) != NULL; from = at + n) {
        buf_add(&out, from, (size_t)(at - from));
        buf_text(&out, "****");
    }
    buf_text(&out, from);
    json_string_setn(text, out.p, out.n);
    buf_done(&out);
}

static void hide_one(json_t *value, const char *secret)
{
    const char *name;
    json_t *item;
    size_t i;

    hide_in_text(value, secret);
    json_array_foreach(value, i, item)
    {
        hide_one(item, secret);
    }
    json_object_foreach(value, name, item)
    {
        hide_one(item, secret);
    }
}

/* What goes out as Basic hides the secret from nobody. */
static void hide_basic(json_t *value, const struct credential_in *in)
{
    struct credential_put put = {.url = NULL};

    if (in->adapter->auth.kind == AUTH_BASIC && !put_basic(in, &put, NULL)) {
        const char *coded = put.fields[0].value + strlen("Basic ");
        if (strlen(coded) >= HIDE_PART_CHARS) {
            hide_one(value, coded);
        }
    }
    credential_put_done(&put);
}

void credential_hide(json_t *value, const struct credential_in *in)
{
    const char *text;

    for (size_t i = 0; (text = credential_secret_text(in->secret, i)); i++) {
        if (strlen(text) >= (i ? HIDE_PART_CHARS : HIDE_CHARS)) {
            hide_one(value, text);
        }
    }
    if (in->token && strlen(in->token) >= HIDE_CHARS) {
        hide_one(value, in->token);
    }
    hide_basic(value, in);
}
