/* vendor_url.c - what a URL says, read by the library that will fetch it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/vendor_internal.h"

static void curlu_free(CURLU **u)
{
    curl_url_cleanup(*u);
}

static void curl_text_free(char **text)
{
    curl_free(*text);
}

/* Host chars that cannot mean anything to a resolver list or a log line; names in other alphabets come as
 * "xn--…". */
static bool url_plain_host(const char *host, size_t n)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    return n && strspn(host, allowed) == n;
}

/* Fills host, named and numeric from libcurl's spelling of the host. */
static bool url_host(struct vendor_place *place, const char *host)
{
    size_t n = strlen(host);
    struct in6_addr six;
    struct in_addr four;

    if (n >= sizeof(place->host)) {
        return false;
    }
    if (host[0] == '[') {
        snprintf(place->host, sizeof(place->host), "%.*s", (int)(n - 2), host + 1);
        snprintf(place->named, sizeof(place->named), "[%s]", place->host);
        place->numeric = true;
        return inet_pton(AF_INET6, place->host, &six) == 1;
    }
    snprintf(place->host, sizeof(place->host), "%s", host);
    snprintf(place->named, sizeof(place->named), "%s", place->host);
    place->numeric = inet_pton(AF_INET, place->host, &four) == 1;
    return url_plain_host(place->host, n);
}

/* "example.com." is "example.com": one spelling, so that what is pinned, allowed and verified is what is
 * connected to. */
static bool url_drop_root(CURLU *u)
{
    AUTO(curl_text_free) char *host = NULL;

    if (curl_url_get(u, CURLUPART_HOST, &host, 0)) {
        return false;
    }
    size_t n = strlen(host);
    if (n < 2 || host[n - 1] != '.') {
        return true;
    }
    host[n - 1] = '\0';
    return curl_url_set(u, CURLUPART_HOST, host, 0) == CURLUE_OK;
}

static bool url_read(CURLU *u, struct vendor_place *place)
{
    AUTO(curl_text_free) char *scheme = NULL;
    AUTO(curl_text_free) char *host = NULL;
    AUTO(curl_text_free) char *port = NULL;
    AUTO(curl_text_free) char *url = NULL;

    if (!url_drop_root(u) || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
        curl_url_get(u, CURLUPART_URL, &url, 0)) {
        return false;
    }
    place->https = strcmp(scheme, "https") == 0;
    if ((!place->https && strcmp(scheme, "http") != 0) || !url_host(place, host)) {
        return false;
    }
    for (char *at = host; *at; at++) {
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
    }
    place->port = (int)strtol(port, NULL, 10);
    bool usual = place->port == (place->https ? 443 : 80);
    snprintf(place->origin, sizeof(place->origin), "%s://%s%s%s", scheme, host, usual ? "" : ":",
             usual ? "" : port);
    place->url = mem_text(url);
    return true;
}

bool vendor_url_place(const char *url, struct vendor_place *ret_place)
{
    AUTO(curlu_free) CURLU *u = curl_url();
    struct vendor_place place = {0};

    if (!u || strlen(url) > LIMIT_URL_BYTES || curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) ||
        !url_read(u, &place)) {
        return false;
    }
    *ret_place = place;
    return true;
}

void vendor_url_done(struct vendor_place *place)
{
    free(place->url);
    *place = (struct vendor_place){0};
}

char *vendor_url_join(const char *base, const char *location)
{
    AUTO(curlu_free) CURLU *u = curl_url();
    AUTO(curl_text_free) char *url = NULL;

    if (!u || strlen(location) > LIMIT_URL_BYTES || curl_url_set(u, CURLUPART_URL, base, 0) ||
        curl_url_set(u, CURLUPART_URL, location, CURLU_URLENCODE) ||
        curl_url_get(u, CURLUPART_URL, &url, 0)) {
        return NULL;
    }
    return mem_text(url);
}

bool vendor_url_origin(const char *url, char *out, size_t size)
{
    struct vendor_place place;

    if (!vendor_url_place(url, &place)) {
        return false;
    }
    bool fits = strlen(place.origin) < size;
    if (fits) {
        snprintf(out, size, "%s", place.origin);
    }
    vendor_url_done(&place);
    return fits;
}

char *vendor_url_encode(const char *text, bool keep_slash)
{
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    char *out = mem_new(strlen(text) * 3 + 1), *at = out;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr(unreserved, c) || (c == '/' && keep_slash)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    return out;
}
