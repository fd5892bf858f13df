/* bus_link_io.c - the traffic of one connection: polling, reading, writing once a turn, and the beat. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/bus_link_internal.h"

#define BEAT_MS 10000
/* As many beats without a byte: the library sends a PING every 10 s, so the server is gone. */
#define BEATS_SILENT 2
#define TLS_RETRY_MS 10

static void link_polled(uv_poll_t *poll, int status, int events);

static void link_poll(struct bus_link *link, int events)
{
    if (link->polled != events && !link->lost) {
        link->polled = events;
        uv_poll_start(&link->poll, events, link_polled);
    }
}

void bus_link_io_count(struct bus_link *link)
{
    int n = natsConnection_Buffered(link->nc);

    link->buffered = n > 0 ? n : 0;
}

static void link_empty_grave(struct bus_link *link)
{
    while (link->spent_count) {
        natsMsg_Destroy(link->spent[--link->spent_count]);
    }
    link->spent_bytes = 0;
}

void bus_link_bury(struct bus_link *link, natsMsg *msg)
{
    if (!link || !msg) {
        natsMsg_Destroy(msg);
        return;
    }
    link->spent[link->spent_count++] = msg;
    link->spent_bytes += (size_t)natsMsg_GetDataLength(msg);
    if (link->spent_count == BUS_SPENT || link->spent_bytes > BUS_SPENT_BYTES) {
        link_empty_grave(link);
    }
}

static void link_drain_one(struct bus_link *link, size_t subscription)
{
    natsMsg *msg;
    natsStatus s;

    do {
        s = natsSubscription_NextMsg(&msg, link->subscriptions[subscription], 0);
        if (s == NATS_OK) {
            link->events->message(link->arg, subscription, msg);
            bus_link_bury(link, msg);
        }
    } while (s == NATS_OK ||
             s == NATS_NO_RESPONDERS); /* the latter is one that was thrown away, see bus_refusal.c */
}

static void link_drain(struct bus_link *link)
{
    for (size_t i = 0; i < link->subscription_count; i++) {
        link_drain_one(link, i);
    }
}

static void link_read(struct bus_link *link, bool hung_up)
{
    if (link->info.tls && !hung_up && !bus_tls_readable(&link->tls)) {
        return;
    }
    link->heard = true;
    errno = 0;
    natsConnection_ProcessReadEvent(link->nc);
    if (!link->lost) {
        link_drain(link);
    }
}

static void link_retry_write(struct timer *timer)
{
    (void)timer; /* the loop turns: that is all it takes */
}

/* Wakes the loop for what is left. "Writable" would come before a TLS write fits, hence the timer. */
static void link_write_later(struct bus_link *link, int64_t tls_wait_ms)
{
    bool more = atomic_load(&link->want_write);

    if (more && link->info.tls) {
        timer_start(link->loop, &link->tls_retry, tls_wait_ms, link_retry_write);
        more = false;
    }
    link_poll(link, UV_READABLE | UV_DISCONNECT | (more ? UV_WRITABLE : 0));
}

/* Once a turn, just before the loop sleeps: all that was published in this turn goes out in one write. */
static void link_write(struct bus_link *link)
{
    if (!atomic_load(&link->want_write) || link->lost) {
        return;
    }
    bus_link_io_count(link);
    if (link->info.tls && !bus_tls_writable(&link->tls, link->buffered)) {
        link_write_later(link, TLS_RETRY_MS);
        return;
    }
    natsConnection_ProcessWriteEvent(link->nc);
    if (!link->lost) {
        bus_link_io_count(link);
        link->events->room(link->arg);
        link_write_later(link, 0);
    }
}

static void link_polled(uv_poll_t *poll, int status, int events)
{
    struct bus_link *link = poll->data;

    if (status < 0) {
        link->polled = 0; /* libuv stopped it */
    }
    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT))) {
        link_read(link, status < 0 || (events & UV_DISCONNECT));
    }
    /* Writable: the turn's own write follows. */
    if (status < 0 && !link->lost) {
        bus_link_kill(link, "the socket failed");
    } else {
        bus_link_settle(link);
    }
}

static void link_prepare(uv_prepare_t *prepare)
{
    struct bus_link *link = prepare->data;

    link_write(link);
    bus_link_settle(link);
}

static void link_woken(uv_async_t *wake)
{
    (void)wake; /* the turn's write does the rest */
}

/* ---- the beat: silence, and what the server complained of ---- */

static void link_check_complaint(struct bus_link *link)
{
    const char *text = NULL;

    if (natsConnection_GetLastError(link->nc, &text) != NATS_OK && text &&
        strcmp(text, link->complaint) != 0) {
        snprintf(link->complaint, sizeof(link->complaint), "%s", text);
        link->events->complaint(link->arg, link->complaint);
    }
}

static void link_beat(struct timer *timer)
{
    struct bus_link *link = container_of(timer, struct bus_link, beat);

    link->silent_beats = link->heard ? 0 : link->silent_beats + 1;
    link->heard = false;
    if (link->silent_beats >= BEATS_SILENT) {
        bus_link_kill(link, "the server is silent");
        return;
    }
    link_empty_grave(link);
    link_check_complaint(link);
    timer_start(link->loop, &link->beat, BEAT_MS, link_beat);
}

/* ---- life ---- */

void bus_link_io_init(struct bus_link *link)
{
    atomic_init(&link->want_write, false);
    uv_async_init(loop_uv(link->loop), &link->wake, link_woken);
    link->wake.data = link;
    link->handles = 1;
}

void bus_link_io_wake(struct bus_link *link)
{
    uv_async_send(&link->wake);
}

void bus_link_io_flush(struct bus_link *link)
{
    if (atomic_load(&link->want_write) && (!link->info.tls || bus_tls_writable(&link->tls, link->buffered))) {
        natsConnection_ProcessWriteEvent(link->nc);
    }
}

bool bus_link_io_start(struct bus_link *link)
{
    uv_loop_t *uv = loop_uv(link->loop);

    if (link->info.tls) {
        bus_tls_init(&link->tls, link->fd);
    }
    if (uv_poll_init(uv, &link->poll, link->fd)) {
        return false;
    }
    link->poll.data = link;
    uv_prepare_init(uv, &link->prepare);
    link->prepare.data = link;
    link->handles += 2;
    uv_prepare_start(&link->prepare, link_prepare);
    link_poll(link, UV_READABLE | UV_DISCONNECT);
    timer_start(link->loop, &link->beat, BEAT_MS, link_beat);
    return true;
}

static void link_handle_closed(uv_handle_t *handle)
{
    struct bus_link *link = handle->data;

    if (--link->handles > 0) {
        return;
    }
    if (link->fd >= 0) {
        close(link->fd);
    }
    link_empty_grave(link);
    free(link->subscriptions);
    free(link);
}

void bus_link_io_stop(struct bus_link *link)
{
    bool live = link->handles > 1;

    timer_stop(&link->beat);
    timer_stop(&link->tls_retry);
    if (live) {
        uv_close((uv_handle_t *)&link->poll, link_handle_closed);
        uv_close((uv_handle_t *)&link->prepare, link_handle_closed);
    }
    uv_close((uv_handle_t *)&link->wake, link_handle_closed);
}
