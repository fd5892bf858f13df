/* sigv4.c - AWS Signature Version 4 in the Authorization header. */
#include "wire/sigv4.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define CANONICAL_BYTES                                                                                      \
    (8 * LIMIT_URL_BYTES + 4 * LIMIT_HEADER_BYTES) /* encoded twice, a char becomes five */

/* A URL, cut up. */
struct parts {
    struct slice host;
    struct slice path;
    struct slice query;
};

/* A header to be signed, or a query parameter in its encoded form. */
struct pair {
    char *name;
    char *value;
};

struct pairs {
    struct pair items[SIGV4_QUERY_MAX];
    size_t n;
    size_t max;
    bool full;
};

static void pairs_done(struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->items[i].name);
        free(p->items[i].value);
    }
}

static int pair_order(const void *a, const void *b)
{
    const struct pair *one = a, *two = b;
    int names = strcmp(one->name, two->name);

    return names ? names : strcmp(one->value, two->value);
}

/* ---- the URL ---- */

static bool cut_url(const char *url, struct parts *ret)
{
    bool secure = !strncasecmp(url, "https://", 8);
    const char *port = secure ? ":443" : ":80";

    if (!secure && strncasecmp(url, "http://", 7) != 0) {
        return false;
    }
    url += secure ? 8 : 7;
    ret->host = (struct slice){url, strcspn(url, "/?#")};
    url += ret->host.n;
    ret->path = (struct slice){url, strcspn(url, "?#")};
    url += ret->path.n;
    ret->query = *url == '?' ? (struct slice){url + 1, strcspn(url + 1, "#")} : (struct slice){"", 0};
    size_t n = strlen(port);
    if (ret->host.n > n && !memcmp(ret->host.p + ret->host.n - n, port, n)) {
        ret->host.n -= n; /* the usual port is not in the Host header */
    }
    return ret->host.n > 0;
}

static void encode(struct buf *out, unsigned char c, bool keep_slash)
{
    if ((c < 0x80 && isalnum(c)) || (c && strchr("-._~", c)) || (keep_slash && c == '/')) {
        buf_char(out, (char)c);
    } else {
        buf_printf(out, "%%%02X", c);
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* However a parameter was written, it is encoded in one way when it is signed. */
static char *encode_again(struct slice text)
{
    struct buf out;

    buf_init(&out, LIMIT_URL_BYTES * 3);
    buf_text(&out, "");
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool escape =
            c == '%' && i + 2 < text.n && hex_digit(text.p[i + 1]) >= 0 && hex_digit(text.p[i + 2]) >= 0;
        if (escape) {
            c = (unsigned char)(hex_digit(text.p[i + 1]) * 16 + hex_digit(text.p[i + 2]));
            i += 2;
        }
        encode(&out, c, false);
    }
    char *text_out = buf_take(&out);
    buf_done(&out);
    return text_out ? text_out : mem_text("");
}

static void pairs_add(struct pairs *p, char *name, char *value)
{
    if (p->n == p->max) {
        p->full = true;
        free(name);
        free(value);
        return;
    }
    p->items[p->n++] = (struct pair){name, value};
}

static void add_query(struct buf *out, struct slice query, bool *full)
{
    struct pairs p = {.max = SIGV4_QUERY_MAX};
    struct slice one, name;

    while (query.n && slice_cut(&query, '&', &one)) {
        if (one.n) {
            slice_cut(&one, '=', &name);
            pairs_add(&p, encode_again(name), encode_again(one));
        }
    }
    qsort(p.items, p.n, sizeof(p.items[0]), pair_order);
    for (size_t i = 0; i < p.n; i++) {
        buf_printf(out, "%s%s=%s", i ? "&" : "", p.items[i].name, p.items[i].value);
    }
    *full = p.full;
    pairs_done(&p);
}

static void add_path(struct buf *out, const struct sigv4_in *in, struct slice path)
{
    bool as_it_is = !strcmp(in->service, "s3");

    for (size_t i = 0; i < path.n; i++) {
        if (as_it_is) {
            buf_char(out, path.p[i]);
        } else {
            encode(out, (unsigned char)path.p[i], true);
        }
    }
    if (!path.n) {
        buf_char(out, '/');
    }
}

/* ---- headers ---- */

/* Without white space at its ends, and with one space for each run inside. */
static char *tidy(const char *value)
{
    char *out = mem_new(strlen(value) + 1), *at = out;
    bool space = false;

    for (; *value; value++) {
        bool white = *value == ' ' || *value == '\t';
        if (space && !white && at > out) {
            *at++ = ' ';
        }
        if (!white) {
            *at++ = *value;
        }
        space = white;
    }
    return out;
}

static void headers_add(struct pairs *p, const char *name, const char *value)
{
    char *lower = mem_text(name);

    for (char *at = lower; *at; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    pairs_add(p, lower, tidy(value));
}

static void collect_headers(const struct sigv4_in *in, const char *date, struct slice host, struct pairs *p)
{
    AUTO(auto_free) char *name = mem_textn(host.p, host.n);

    headers_add(p, "host", name);
    headers_add(p, "x-amz-date", date);
    if (in->digest_header) {
        headers_add(p, "x-amz-content-sha256", in->body_digest);
    }
    if (in->session_token) {
        headers_add(p, "x-amz-security-token", in->session_token);
    }
    for (size_t i = 0; i < in->header_count; i++) {
        headers_add(p, in->headers[i].name, in->headers[i].value);
    }
    qsort(p->items, p->n, sizeof(p->items[0]), pair_order);
}

/* ---- the canonical request ---- */

static bool write_date(int64_t wall_ms, char out[SIGV4_DATE_CHARS + 1])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    return wall_ms >= 0 && gmtime_r(&seconds, &tm) &&
           strftime(out, SIGV4_DATE_CHARS + 1, "%Y%m%dT%H%M%SZ", &tm) == SIGV4_DATE_CHARS;
}

static void add_headers(struct buf *out, struct buf *names, const struct pairs *headers)
{
    for (size_t i = 0; i < headers->n; i++) {
        buf_printf(out, "%s:%s\n", headers->items[i].name, headers->items[i].value);
        buf_printf(names, "%s%s", i ? ";" : "", headers->items[i].name);
    }
}

static enum fault write_canonical(const struct sigv4_in *in, const char *date, struct buf *out,
                                  struct buf *names, struct note *note)
{
    struct pairs headers = {.max = SIGV4_HEADERS_MAX};
    struct parts url;
    bool full = false;

    if (!cut_url(in->url, &url)) {
        return note_set(note, FAULT_BAD_VALUE, "what is to be signed is no http or https URL");
    }
    buf_printf(out, "%s\n", in->method);
    add_path(out, in, url.path);
    buf_char(out, '\n');
    add_query(out, url.query, &full);
    buf_char(out, '\n');
    collect_headers(in, date, url.host, &headers);
    add_headers(out, names, &headers);
    full = full || headers.full;
    pairs_done(&headers);
    buf_printf(out, "\n%s\n%s", names->p, in->body_digest);
    if (full || !buf_ok(out) || !buf_ok(names)) {
        return note_set(note, FAULT_BAD_VALUE, "the request has too many parameters or headers to be signed");
    }
    return FAULT_OK;
}

enum fault sigv4_canonical(const struct sigv4_in *in, char **ret_text, char **ret_signed, struct note *note)
{
    char date[SIGV4_DATE_CHARS + 1];
    struct buf out, names;

    *ret_text = *ret_signed = NULL;
    if (!write_date(in->wall_ms, date)) {
        return note_set(note, FAULT_BAD_VALUE, "the time cannot be written into a signature");
    }
    buf_init(&out, CANONICAL_BYTES);
    buf_init(&names, LIMIT_HEADER_BYTES);
    enum fault fault = write_canonical(in, date, &out, &names, note);
    if (!fault) {
        *ret_text = buf_take(&out);
        *ret_signed = buf_take(&names);
    }
    buf_done(&out);
    buf_done(&names);
    return fault;
}

/* ---- the signature ---- */

/* OpenSSL fails here only without SHA-256, and then nothing of this program works. */
static void hmac(const unsigned char *key, size_t key_bytes, const char *text,
                 unsigned char out[DIGEST_BYTES])
{
    unsigned n = 0;

    if (!HMAC(EVP_sha256(), key, (int)key_bytes, (const unsigned char *)text, strlen(text), out, &n)) {
        abort();
    }
}

/* The key of a day, a region and a service. */
static void derive_key(const struct sigv4_in *in, const char *day, unsigned char key[DIGEST_BYTES])
{
    char *first = mem_printf("AWS4%s", in->secret_access_key);

    hmac((const unsigned char *)first, strlen(first), day, key);
    hmac(key, DIGEST_BYTES, in->region, key);
    hmac(key, DIGEST_BYTES, in->service, key);
    hmac(key, DIGEST_BYTES, "aws4_request", key);
    explicit_bzero(first, strlen(first));
    free(first);
}

enum fault sigv4_sign(const struct sigv4_in *in, struct sigv4_out *ret, struct note *note)
{
    AUTO(auto_free) char *canonical = NULL;
    AUTO(auto_free) char *names = NULL;
    unsigned char key[DIGEST_BYTES], digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1], day[9];

    *ret = (struct sigv4_out){.authorization = NULL};
    enum fault fault = sigv4_canonical(in, &canonical, &names, note);
    if (fault || !write_date(in->wall_ms, ret->date)) {
        return fault;
    }
    snprintf(day, sizeof(day), "%.8s", ret->date);
    digest_of(slice_of(canonical), digest);
    digest_hex(digest, hex);
    AUTO(auto_free) char *scope = mem_printf("%s/%s/%s/aws4_request", day, in->region, in->service);
    AUTO(auto_free) char *text = mem_printf(ALGORITHM "\n%s\n%s\n%s", ret->date, scope, hex);
    derive_key(in, day, key);
    hmac(key, sizeof(key), text, digest);
    digest_hex(digest, hex);
    ret->authorization = mem_printf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                                    in->access_key_id, scope, names, hex);
    explicit_bzero(key, sizeof(key));
    return FAULT_OK;
}
