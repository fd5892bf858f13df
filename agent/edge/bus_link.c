/* bus_link.c - one connection on the loop: the adapter of nats.c's event-loop mode to libuv.
 *
 * Who calls what: the library calls attach from inside natsConnection_Connect, on the pool; read and write
 * with "remove" and detach from inside the Process…Event functions, on the loop, when the connection ends;
 * write with "add" from whoever publishes, on the loop, and from its timer thread, which sends a PING. With
 * its own reconnect and stale check switched off nobody else closes the connection, so that the loop may use
 * it without fear. Polled is a duplicate of the library's descriptor: 3.4.1 closes its own at once, and the
 * number may belong to another handle of this loop before the poll is stopped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "edge/bus_link_internal.h"

#define KILL_READS 4096
/* The library moves its whole buffer after each short write, so it is kept short. With TLS it should fit into
 * the socket. */
#define ROOM_BYTES     ((int64_t)LIMIT_BUS_BUFFERED_BYTES / 16)
#define ROOM_BYTES_TLS ((int64_t)128 * KIB)
#define FULL_BYTES     ((int64_t)LIMIT_BUS_BUFFERED_BYTES)
#define FULL_BYTES_TLS ((int64_t)256 * KIB)

/* ---- the end ---- */

/* The connection is closed already, so that neither of these waits for anything. */
static void link_drop_connection(struct bus_link *link)
{
    for (size_t i = 0; i < link->subscription_count; i++) {
        natsSubscription_Destroy(link->subscriptions[i]);
    }
    link->subscription_count = 0;
    natsConnection_Destroy(link->nc);
    link->nc = NULL;
}

/* The library puts "(file.c:line): " before its texts. */
static void link_explain(struct bus_link *link, natsStatus status, const char *text)
{
    const char *end = text && text[0] == '(' ? strstr(text, "): ") : NULL;

    snprintf(link->why, sizeof(link->why), "%s",
             end             ? end + 3
             : text && *text ? text
                             : natsStatus_GetText(status));
}

static void link_note_error(struct bus_link *link)
{
    const char *text = NULL;

    if (!link->why[0]) {
        natsStatus s = natsConnection_GetLastError(link->nc, &text);
        link_explain(link, s == NATS_OK ? NATS_CONNECTION_CLOSED : s, text);
    }
}

/* After anything that may have closed the connection. */
void bus_link_settle(struct bus_link *link)
{
    const struct bus_link_events *events = link->events;
    char why[sizeof(link->why)];

    if (!link->lost || !link->nc) {
        return;
    }
    link_note_error(link);
    memcpy(why, link->why, sizeof(why));
    link_drop_connection(link);
    bus_link_io_stop(link);
    if (events) {
        events->lost(link->arg, why);
    }
}

/* Ends the connection without natsConnection_Close, which would wait for a PONG that only this thread could
 * read: the library finds the socket at its end and closes by itself. */
void bus_link_kill(struct bus_link *link, const char *why)
{
    snprintf(link->why, sizeof(link->why), "%s", why);
    shutdown(link->fd, SHUT_RDWR);
    for (int i = 0; i < KILL_READS && !link->lost; i++) {
        errno = 0; /* an old EAGAIN would hide the end of a TLS stream */
        natsConnection_ProcessReadEvent(link->nc);
    }
    if (!link->lost) {
        natsConnection_Close(link->nc);
    }
    bus_link_settle(link);
}

/* ---- what the library calls ---- */

static natsStatus link_attach(void **user, void *loop, natsConnection *nc, natsSock fd)
{
    struct bus_link *link = loop;

    (void)nc;
    link->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    link->library_fd = fd;
    *user = link;
    return link->fd >= 0 ? NATS_OK : NATS_SYS_ERROR;
}

static natsStatus link_want_read(void *user, bool add)
{
    struct bus_link *link = user;

    if (!add && !link->lost) {
        link->lost = true;
#if NATS_VERSION_NUMBER >= 0x030A00
        natsConnection_ProcessCloseEvent(&link->library_fd); /* from 3.10 on it leaves the closing to us */
#endif
    }
    return NATS_OK;
}

static natsStatus link_want_write(void *user, bool add)
{
    struct bus_link *link = user;

    atomic_store(&link->want_write, add);
    if (add && !pthread_equal(pthread_self(), link->home)) {
        bus_link_io_wake(link);
    }
    return NATS_OK;
}

static natsStatus link_detach(void *user)
{
    (void)user; /* reading was removed before */
    return NATS_OK;
}

/* ---- connecting ---- */

/* On the pool: names are looked up, servers tried, TLS and login done. */
static void link_connect(void *arg)
{
    struct bus_link *link = arg;
    natsOptions *options;
    natsStatus s = bus_conf_options(link->conf, &options, link->why, sizeof(link->why));

    if (s != NATS_OK) {
        return;
    }
    s = natsOptions_SetEventLoop(options, link, link_attach, link_want_read, link_want_write, link_detach);
    if (s == NATS_OK) {
        s = natsConnection_Connect(&link->nc, options);
    }
    if (s == NATS_OK) {
        link->info.max_payload = natsConnection_GetMaxPayload(link->nc);
        bus_info_read(link->fd, &link->info);
    } else {
        link->nc = NULL;
        link_explain(link, s, nats_GetLastError(NULL));
    }
    natsOptions_Destroy(options);
    nats_ReleaseThreadMemory();
}

static void link_failed(struct bus_link *link)
{
    const struct bus_link_events *events = link->events;
    char why[sizeof(link->why)];

    memcpy(why, link->why, sizeof(why));
    bus_link_io_stop(link);
    if (events) {
        events->failed(link->arg, why);
    }
}

static void link_connected(void *arg)
{
    struct bus_link *link = arg;

    if (link->nc && link->events && bus_link_io_start(link)) {
        bus_conf_learn(link->conf, link->nc);
        bus_conf_release(&link->conf);
        link->events->opened(link->arg);
        return;
    }
    bus_conf_release(&link->conf);
    if (link->nc) { /* connected, but nobody wants it any more or it cannot be polled */
        const struct bus_link_events *events = link->events;
        link->events = NULL;
        bus_link_kill(link, "not wanted");
        if (events) {
            events->failed(link->arg, "the socket cannot be polled");
        }
        return;
    }
    link_failed(link);
}

struct bus_link *bus_link_open(struct loop *loop, struct bus_conf *conf, const struct bus_link_events *events,
                               void *arg)
{
    struct bus_link *link = mem_new(sizeof(*link));

    link->loop = loop;
    link->home = pthread_self();
    link->conf = bus_conf_hold(conf);
    link->info = (struct bus_info){.tls = bus_conf_tls(conf)};
    link->events = events;
    link->arg = arg;
    link->fd = -1;
    bus_link_io_init(link);
    loop_work(loop, link_connect, link_connected, link);
    return link;
}

void bus_link_close(struct bus_link **plink)
{
    struct bus_link *link = *plink;

    *plink = NULL;
    if (!link) {
        return;
    }
    if (link->conf) { /* still connecting: link_connected sees that nobody listens */
        link->events = NULL;
        return;
    }
    bus_link_io_flush(link);
    link->events = NULL;
    bus_link_kill(link, "closed");
}

/* ---- use ---- */

const struct bus_info *bus_link_info(const struct bus_link *link)
{
    return &link->info;
}

bool bus_link_subscribe(struct bus_link *link, const char *subject)
{
    natsSubscription *subscription = NULL;

    if (natsConnection_SubscribeSync(&subscription, link->nc, subject) != NATS_OK) {
        return false;
    }
    natsSubscription_SetPendingLimits(subscription, -1, -1); /* it is drained after each read */
    link->subscriptions =
        mem_grow(link->subscriptions, (link->subscription_count + 1) * sizeof(natsSubscription *));
    link->subscriptions[link->subscription_count++] = subscription;
    return true;
}

natsStatus bus_link_publish(struct bus_link *link, natsMsg *msg)
{
    int64_t before = link->buffered;
    natsStatus s = natsConnection_PublishMsg(link->nc, msg);

    bus_link_io_count(link);
    link->position += link->buffered > before ? link->buffered - before : 0;
    return s;
}

int64_t bus_link_buffered(const struct bus_link *link)
{
    return link->buffered;
}

int64_t bus_link_position(const struct bus_link *link)
{
    return link->position;
}

bool bus_link_flushed(const struct bus_link *link, int64_t position)
{
    return link->position - link->buffered >= position;
}

bool bus_link_room(const struct bus_link *link)
{
    return link->buffered < (link->info.tls ? ROOM_BYTES_TLS : ROOM_BYTES);
}

bool bus_link_full(const struct bus_link *link)
{
    return link->buffered > (link->info.tls ? FULL_BYTES_TLS : FULL_BYTES);
}
