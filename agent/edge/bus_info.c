/* bus_info.c - the server's INFO line, of which the library shows too little. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "edge/bus_internal.h"

#define PATIENCE_MS    500 /* to connect, and then for the line */
#define LINE_MAX_BYTES (64 * KIB)

/* "2.9.10" and "2.11.0-preview.1" to 2009010 and 2011000; 0 when it is no version. */
static int version_number(const char *text)
{
    int part[3] = {0};

    for (int i = 0; i < 3; i++) {
        char *end;
        long value = strtol(text, &end, 10);
        if (end == text || value < 0 || value > 999) {
            return 0;
        }
        part[i] = (int)value;
        if (i < 2 && *end != '.') {
            return 0;
        }
        text = end + 1;
    }
    return part[0] * 1000000 + part[1] * 1000 + part[2];
}

void bus_info_parse(const char *json, size_t n, struct bus_info *info)
{
    json_t *root = json_loadb(json, n, 0, NULL);
    const char *version = json_string_value(json_object_get(root, "version"));

    if (version) {
        snprintf(info->version_text, sizeof(info->version_text), "%s", version);
        info->version = version_number(version);
    }
    if (json_is_true(json_object_get(root, "tls_required"))) {
        info->tls = true;
    }
    json_decref(root);
}

static void info_read_line(int fd, struct bus_info *info)
{
    char part[4096];
    struct buf line;
    const char *end = NULL;
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

    buf_init(&line, LINE_MAX_BYTES);
    while (!end && buf_ok(&line) && clock_mono_ms() < deadline_ms) {
        ssize_t got = recv(fd, part, sizeof(part), 0);
        if (got <= 0) {
            break;
        }
        buf_add(&line, part, (size_t)got);
        end = line.n ? memchr(line.p, '\n', line.n) : NULL;
    }
    if (end && slice_starts(buf_slice(&line), "INFO ")) {
        bus_info_parse(line.p + 5, (size_t)(end - line.p) - 5, info);
    }
    buf_done(&line);
}

static void info_address(const struct sockaddr_storage *peer, struct bus_info *info)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
        snprintf(info->address, sizeof(info->address), "[%s]:%d", host, ntohs(six->sin6_port));
    } else if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)peer;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
        snprintf(info->address, sizeof(info->address), "%s:%d", host, ntohs(four->sin_port));
    }
}

void bus_info_read(int fd, struct bus_info *info)
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    const struct timeval patience = {.tv_usec = PATIENCE_MS * 1000};

    if (getpeername(fd, (struct sockaddr *)&peer, &size)) {
        return;
    }
    info_address(&peer, info);
    int probe = socket(peer.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) {
        return;
    }
    setsockopt(probe, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* also bounds connect */
    setsockopt(probe, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (!connect(probe, (struct sockaddr *)&peer, size)) {
        info_read_line(probe, info);
    }
    close(probe);
}
