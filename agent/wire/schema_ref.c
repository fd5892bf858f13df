/* schema_ref.c - URIs and JSON pointers inside schemas. */
#include "wire/schema_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* "http:", "urn:" …: reference stands for itself. */
static bool has_scheme(const char *reference)
{
    size_t n = strcspn(reference, ":/?#");

    return n > 0 && reference[n] == ':';
}

/* Where the path of uri begins: behind "scheme://host", or behind "scheme:". */
static size_t path_at(const char *uri)
{
    const char *host = strstr(uri, "://");

    if (host) {
        host += 3;
        return (size_t)(host - uri) + strcspn(host, "/?#");
    }
    return has_scheme(uri) ? strcspn(uri, ":") + 1 : 0;
}

char *schema_ref_join(const char *base, const char *reference)
{
    size_t plain = strcspn(base, "#");

    if (!*base || has_scheme(reference)) {
        return mem_text(reference);
    }
    if (*reference == '#' || !*reference) {
        return mem_printf("%.*s%s", (int)plain, base, reference);
    }
    size_t keep = path_at(base);
    if (*reference != '/') {
        for (size_t i = keep; i < plain && base[i] != '?'; i++) {
            keep = base[i] == '/' ? i + 1 : keep;
        }
    }
    return mem_printf("%.*s%s", (int)keep, base, reference);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode_percent(char *text)
{
    char *out = text;

    for (const char *p = text; *p; p++) {
        int high = *p == '%' ? hex_digit(p[1]) : -1;
        int low = high >= 0 ? hex_digit(p[2]) : -1;
        if (low >= 0 && (high || low)) {
            *out++ = (char)(high << 4 | low);
            p += 2;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
}

char *schema_ref_fragment(char *uri)
{
    char *hash = strchr(uri, '#');
    char *fragment = mem_text(hash ? hash + 1 : "");

    if (hash) {
        *hash = '\0';
    }
    decode_percent(fragment);
    return fragment;
}

char *schema_ref_push(const char *pointer, const char *key)
{
    size_t n = strlen(pointer);
    char *out = mem_new(n + 2 * strlen(key) + 2);
    char *to = out + n;

    memcpy(out, pointer, n + 1);
    *to++ = '/';
    for (; *key; key++) {
        if (*key == '~' || *key == '/') {
            *to++ = '~';
            *to++ = *key == '~' ? '0' : '1';
        } else {
            *to++ = *key;
        }
    }
    return out;
}

char *schema_ref_token(struct slice *rest)
{
    struct slice part;

    if (!slice_cut(rest, '/', &part)) {
        return NULL;
    }
    char *token = mem_textn(part.p, part.n);
    char *out = token;
    for (const char *p = token; *p; p++) {
        if (*p == '~' && (p[1] == '0' || p[1] == '1')) {
            *out++ = *++p == '0' ? '~' : '/';
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
    return token;
}

/* token as an index of a list, or SIZE_MAX, which no list has. */
static size_t index_of(const char *token)
{
    size_t n = strspn(token, "0123456789");

    if (!n || token[n] || n > 9 || (token[0] == '0' && n > 1)) {
        return SIZE_MAX;
    }
    return (size_t)strtoul(token, NULL, 10);
}

json_t *schema_ref_walk(json_t *value, const char *pointer)
{
    struct slice rest = slice_of(*pointer == '/' ? pointer + 1 : NULL);

    for (char *token = schema_ref_token(&rest); token; token = value ? schema_ref_token(&rest) : NULL) {
        value = json_is_array(value) ? json_array_get(value, index_of(token)) : json_object_get(value, token);
        free(token);
    }
    return value;
}
