/* sim_sigv4.c - AWS Signature Version 4 as clients sign it. */
#include "sim_sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/digest.h"

#define SCHEME         "AWS4-HMAC-SHA256"
#define CLOCK_SKEW_S   (15 * 60)
#define CANONICAL_MAX  (64u << 10)
#define MAX_PARAMETERS 32

/* ---- reading ---- */

/* The value behind "name=" among the comma-separated parts of the field. */
static struct slice sigv4_part(struct slice field, const char *name)
{
    struct slice part;
    size_t n = strlen(name);

    while (slice_cut(&field, ',', &part)) {
        part = slice_trim(part);
        if (slice_starts(part, name) && part.n > n && part.p[n] == '=') {
            return (struct slice){part.p + n + 1, part.n - n - 1};
        }
    }
    return (struct slice){NULL, 0};
}

/* "20260901T120000Z" as Unix seconds; -1 when it is not of that form. */
static int64_t sigv4_time(struct slice text)
{
    char copy[17];
    struct tm tm = {0};

    if (text.n != 16) {
        return -1;
    }
    memcpy(copy, text.p, 16);
    copy[16] = '\0';
    const char *end = strptime(copy, "%Y%m%dT%H%M%SZ", &tm);
    return end && !*end ? (int64_t)timegm(&tm) : -1;
}

static bool sigv4_signs(struct slice headers, const char *name)
{
    struct slice one;

    while (slice_cut(&headers, ';', &one)) {
        if (slice_is(one, name)) {
            return true;
        }
    }
    return false;
}

/* "AKID/20260901/us-east-1/service/aws4_request". */
static bool sigv4_scope(struct slice scope, struct sim_sigv4 *ret)
{
    struct slice *const parts[] = {&ret->access, &ret->date, &ret->region, &ret->service};
    struct slice last = scope;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!slice_cut(&last, '/', parts[i]) || !parts[i]->n) {
            return false;
        }
    }
    return last.p && slice_is(last, "aws4_request");
}

/* What is wrong with the time of the signature, or NULL. */
static const char *sigv4_late(const struct sim_sigv4 *s, int64_t now_s)
{
    int64_t at = sigv4_time(s->time);

    if (at < 0 || s->date.n != 8 || memcmp(s->date.p, s->time.p, 8) != 0) {
        return "x-amz-date is missing or is not the day of the Credential";
    }
    return at < now_s - CLOCK_SKEW_S || at > now_s + CLOCK_SKEW_S
               ? "x-amz-date is more than a quarter of an hour off"
               : NULL;
}

const char *sim_sigv4_read(const struct http_head *head, int64_t now_s, struct sim_sigv4 *ret)
{
    struct slice field = http_find(head, "authorization");

    if (!slice_starts(field, SCHEME " ")) {
        return "the Authorization is not of " SCHEME;
    }
    field = slice_trim((struct slice){field.p + strlen(SCHEME), field.n - strlen(SCHEME)});
    *ret = (struct sim_sigv4){.headers = sigv4_part(field, "SignedHeaders"),
                              .signature = sigv4_part(field, "Signature"),
                              .time = http_find(head, "x-amz-date")};
    if (!sigv4_scope(sigv4_part(field, "Credential"), ret) || ret->signature.n != DIGEST_HEX_CHARS) {
        return "the Credential or the Signature is not of the right form";
    }
    const char *late = sigv4_late(ret, now_s);
    if (late) {
        return late;
    }
    return sigv4_signs(ret->headers, "host") && sigv4_signs(ret->headers, "x-amz-date")
               ? NULL
               : "host and x-amz-date must be signed";
}

/* ---- the canonical request ---- */

static bool sigv4_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

/* RFC 3986 with capital digits; chars of keep stay. */
static void sigv4_encode(struct buf *out, struct slice text, const char *keep)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (sigv4_unreserved(c) || (c && strchr(keep, c))) {
            buf_char(out, c);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)c);
        }
    }
}

/* The path as it was on the wire; some clients leave what a path may hold as it is, others encode all. */
static void sigv4_wire_path(struct buf *out, const struct sim_sigv4_request *r, struct slice whole, bool lazy)
{
    const char *kept = lazy ? "!$&'()*+,;=:@" : "", *kept_here = lazy ? "/!$&'()*+,;=:@" : "/";
    struct slice path = r->head->path;

    if (!whole.n) {
        sigv4_encode(out, path, kept_here);
        return;
    }
    size_t before = (size_t)(whole.p - path.p), behind = before + whole.n;
    sigv4_encode(out, (struct slice){path.p, before}, kept_here);
    sigv4_encode(out, whole, kept);
    sigv4_encode(out, (struct slice){path.p + behind, path.n - behind}, kept_here);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Parameters sorted, each as it came: clients encode them as the signature wants them. */
static void sigv4_query(struct buf *out, struct slice query)
{
    char *all[MAX_PARAMETERS] = {NULL};
    struct slice one;
    size_t n = 0;

    while (n < MAX_PARAMETERS && slice_cut(&query, '&', &one)) {
        const char *equals = one.n ? memchr(one.p, '=', one.n) : NULL;
        if (one.n) {
            all[n++] = mem_printf("%.*s%s", (int)one.n, one.p, equals ? "" : "=");
        }
    }
    qsort(all, n, sizeof(all[0]), by_text);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s%s", i ? "&" : "", all[i]);
        free(all[i]);
    }
}

static void sigv4_headers(struct buf *out, const struct sim_sigv4 *s, const struct http_head *head)
{
    struct slice names = s->headers, name;
    char text[128];

    while (slice_cut(&names, ';', &name)) {
        snprintf(text, sizeof(text), "%.*s", (int)name.n, name.p);
        struct slice value = slice_trim(http_find(head, text));
        buf_printf(out, "%s:", text);
        for (size_t i = 0; i < value.n; i++) {
            if (value.p[i] != ' ' || value.p[i - 1] != ' ') { /* trimmed: no blank is the first */
                buf_char(out, value.p[i]);
            }
        }
        buf_char(out, '\n');
    }
}

static void sigv4_canonical(struct buf *out, const struct sim_sigv4 *s, const struct sim_sigv4_request *r,
                            struct slice path)
{
    struct slice body = http_find(r->head, "x-amz-content-sha256");

    buf_printf(out, "%.*s\n", (int)r->head->method.n, r->head->method.p);
    if (slice_is(s->service, "s3")) {
        buf_add(out, path.p, path.n);
    } else { /* all services but S3 encode what is encoded already once more */
        sigv4_encode(out, path, "/");
    }
    buf_char(out, '\n');
    sigv4_query(out, r->head->query);
    buf_char(out, '\n');
    sigv4_headers(out, s, r->head);
    buf_printf(out, "\n%.*s\n%.*s", (int)s->headers.n, s->headers.p,
               body.p ? (int)body.n : SIM_SIGV4_BODY_CHARS, body.p ? body.p : r->body);
}

/* ---- the signature ---- */

static void sigv4_mac(const void *key, size_t n, struct slice text, unsigned char out[DIGEST_BYTES])
{
    unsigned written = 0;

    HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text.p, text.n, out, &written);
}

static bool sigv4_made(const struct sim_sigv4 *s, const struct sim_sigv4_request *r, const char *secret,
                       struct slice path)
{
    AUTO(auto_free) char *first = mem_printf("AWS4%s", secret);
    unsigned char mac[DIGEST_BYTES], digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];
    struct buf text;

    buf_init(&text, CANONICAL_MAX);
    sigv4_canonical(&text, s, r, path);
    digest_of(buf_slice(&text), digest);
    digest_hex(digest, hex);
    buf_reset(&text);
    buf_printf(&text, SCHEME "\n%.*s\n%.*s/%.*s/%.*s/aws4_request\n%s", (int)s->time.n, s->time.p,
               (int)s->date.n, s->date.p, (int)s->region.n, s->region.p, (int)s->service.n, s->service.p,
               hex);
    sigv4_mac(first, strlen(first), s->date, mac);
    sigv4_mac(mac, sizeof(mac), s->region, mac);
    sigv4_mac(mac, sizeof(mac), s->service, mac);
    sigv4_mac(mac, sizeof(mac), slice_of("aws4_request"), mac);
    sigv4_mac(mac, sizeof(mac), buf_slice(&text), mac);
    buf_done(&text);
    digest_hex(mac, hex);
    return !CRYPTO_memcmp(hex, s->signature.p, DIGEST_HEX_CHARS);
}

const char *sim_sigv4_check(const struct sim_sigv4 *s, const struct sim_sigv4_request *r, const char *secret)
{
    struct slice body = http_find(r->head, "x-amz-content-sha256");
    struct slice session = http_find(r->head, "x-amz-security-token");
    bool s3 = slice_is(s->service, "s3");

    if ((s3 && !body.p) ||
        (body.p && !slice_is(body, r->body) && !(s3 && slice_is(body, "UNSIGNED-PAYLOAD")))) {
        return "x-amz-content-sha256 is not that of the body";
    }
    if (!slice_is(session, r->session) || (*r->session && !sigv4_signs(s->headers, "x-amz-security-token"))) {
        return "x-amz-security-token is not the key's, or is not signed";
    }
    for (int way = 0; way < 4; way++) {
        struct buf path;
        buf_init(&path, CANONICAL_MAX);
        sigv4_wire_path(&path, r, way & 1 ? (struct slice){NULL, 0} : r->whole, way & 2);
        bool made = sigv4_made(s, r, secret, buf_slice(&path));
        buf_done(&path);
        if (made) {
            return NULL;
        }
    }
    return "the signature does not match";
}
