/* bus_link_internal.h - what the two files of a connection share: its life (bus_link.c) and its traffic
 * (bus_link_io.c). */
#ifndef EDGE_BUS_LINK_INTERNAL_H
#define EDGE_BUS_LINK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "edge/bus_internal.h"

/* Messages that are done with, until they are many, large, or a beat old: the library hands each freed
 * message to a thread of its own, wakes it and then fights with it for a lock, so that is done for many at
 * once. */
#define BUS_SPENT       512
#define BUS_SPENT_BYTES (128 * KIB)

struct bus_link {
    natsMsg *spent[BUS_SPENT];
    size_t spent_count;
    size_t spent_bytes; /* of their payloads */
    struct loop *loop;
    pthread_t home;
    struct bus_conf *conf;                /* while connecting */
    const struct bus_link_events *events; /* NULL: nobody listens any more */
    void *arg;

    natsConnection *nc;
    natsSock library_fd;
    int fd; /* a duplicate of it; -1: none */
    struct bus_info info;
    char why[256]; /* it failed, or was ended by us */
    bool lost;     /* the library closed it */

    uv_async_t wake;
    uv_poll_t poll;
    uv_prepare_t prepare;
    int handles; /* open */
    int polled;  /* events */
    struct bus_tls tls;
    atomic_bool want_write;
    struct timer tls_retry;
    bool heard; /* since the last beat */
    int silent_beats;
    struct timer beat;
    char complaint[256];

    natsSubscription **subscriptions;
    size_t subscription_count;
    int64_t buffered; /* in the library */
    int64_t position; /* bytes given to it so far */
};

/* bus_link_kill - ends the connection; why is told. bus_link_settle - after anything that may have closed it:
 * if so, gives back what it had and tells; the memory goes with the handles' close callbacks. */
void bus_link_kill(struct bus_link *link, const char *why);
void bus_link_settle(struct bus_link *link);

/* bus_link_io_init - what is needed before connecting begins. bus_link_io_start - the connection is there:
 * traffic may flow; false: its descriptor cannot be polled. bus_link_io_stop - closes the handles and with
 * the last of them frees link. */
void bus_link_io_init(struct bus_link *link);
bool bus_link_io_start(struct bus_link *link);
void bus_link_io_stop(struct bus_link *link);
/* bus_link_io_wake - from any thread: there is something to write. */
void bus_link_io_wake(struct bus_link *link);
/* bus_link_io_flush - a last write, as far as the socket takes it. */
void bus_link_io_flush(struct bus_link *link);
/* bus_link_io_count - looks how much waits in the library. */
void bus_link_io_count(struct bus_link *link);

#endif
