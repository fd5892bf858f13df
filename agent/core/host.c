/* host.c - whom a URL would reach, and whether that is one of those named. */
#include "core/host.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The part between "://" and the path. */
static struct slice authority(struct slice rest)
{
    for (size_t i = 0; i < rest.n; i++) {
        if (strchr("/?#", rest.p[i])) {
            rest.n = i;
        }
    }
    return rest;
}

static bool port_valid(struct slice port)
{
    unsigned value = 0;

    for (size_t i = 0; i < port.n; i++) {
        if (!isdigit((unsigned char)port.p[i])) {
            return false;
        }
        value = value * 10 + (unsigned)(port.p[i] - '0');
    }
    return port.n && port.n <= 5 && value >= 1 && value <= 65535;
}

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static bool name_valid(struct slice name)
{
    bool v6 = name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool edge = v6 && (i == 0 || i + 1 == name.n);
        if (!edge && !isalnum((unsigned char)c) && !strchr(v6 ? ":." : "-._", c)) {
            return false;
        }
    }
    return name.n && name.p[0] != '.' && name.p[0] != '-';
}

/* Cuts ":port" off; false when what follows the colon is no port. */
static bool cut_port(struct slice *name, struct slice *ret_port)
{
    size_t i = name->n;

    *ret_port = (struct slice){NULL, 0};
    while (i > 0 && isdigit((unsigned char)name->p[i - 1])) {
        i--;
    }
    if (i == 0 || name->p[i - 1] != ':') {
        return true;
    }
    *ret_port = (struct slice){name->p + i, name->n - i};
    name->n = i - 1;
    return port_valid(*ret_port);
}

bool host_of(struct slice url, struct host *ret)
{
    bool secure = url.n > 8 && !strncasecmp(url.p, "https://", 8);
    size_t skip = secure ? 8 : 7;
    struct slice port;

    if (!secure && !(url.n > 7 && !strncasecmp(url.p, "http://", 7))) {
        return false;
    }
    struct slice name = authority((struct slice){url.p + skip, url.n - skip});
    if (!cut_port(&name, &port) || !name_valid(name) || name.n + port.n + 2 > HOST_CHARS) {
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    ret->secure = secure;
    for (size_t i = 0; i < name.n; i++) {
        ret->name[i] = (char)tolower((unsigned char)name.p[i]);
    }
    if (port.n && !slice_is(port, secure ? "443" : "80")) {
        ret->name[name.n] = ':';
        memcpy(ret->name + name.n + 1, port.p, port.n);
    }
    return true;
}

bool host_fits(const char *pattern, const char *name)
{
    if (strncmp(pattern, "*.", 2) != 0) {
        return !strcasecmp(pattern, name);
    }
    size_t rest = strlen(pattern + 1), n = strlen(name);

    return n > rest && name[0] != '.' && !strcasecmp(name + n - rest, pattern + 1);
}

bool host_pattern(const char *text)
{
    struct slice name = slice_of(!strncmp(text, "*.", 2) ? text + 2 : text), port;

    return cut_port(&name, &port) && name_valid(name) && name.n < HOST_CHARS - 8;
}

bool host_local(const char *name)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t n = strlen(names[i]);
        if (!strncmp(name, names[i], n) && (!name[n] || name[n] == ':')) {
            return true;
        }
    }
    return false;
}
