/* vendor_multi.c - libcurl's multi handle driven by the loop: its sockets, its one timer, its messages.
 *
 * libcurl says which sockets to watch and when to be called; we call curl_multi_socket_action when one of
 * them is ready or the time is up. While it is on the stack no handle may be added or removed
 * (CURLM_RECURSIVE_API_CALL): who wants to waits for `left`. */
#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "base/auto.h"
#include "base/mem.h"
#include "edge/vendor_internal.h"

/* Connections of so many busy hosts are kept. */
#define KEPT_HOSTS 4

struct vendor_multi {
    struct loop *loop;
    CURLM *curl;
    struct timer due;
    struct list sockets;
    struct vendor_multi_events events;
    int inside;
};

/* A socket that libcurl wants to be watched. It lives until uv has closed it, which may be after the multi's
 * end. */
struct watched {
    uv_poll_t poll;
    struct list link;
    struct vendor_multi *multi;
    curl_socket_t fd;
    int events; /* as libcurl asked */
};

/* Tells who is done. Callbacks may add, remove and stop other transfers. */
static void multi_settle(struct vendor_multi *m)
{
    CURLMsg *message;
    int more;

    if (m->inside) {
        return;
    }
    m->events.left(m->events.arg);
    while ((message = curl_multi_info_read(m->curl, &more))) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* message is gone with the handle */
        void *call = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
        curl_multi_remove_handle(m->curl, easy);
        m->events.done(call, result);
    }
}

static void multi_act(struct vendor_multi *m, curl_socket_t fd, int ready)
{
    int running;

    m->inside++;
    curl_multi_socket_action(m->curl, fd, ready, &running);
    m->inside--;
    multi_settle(m);
}

static void on_due(struct timer *t)
{
    multi_act(container_of(t, struct vendor_multi, due), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *curl, long delay_ms, void *arg)
{
    struct vendor_multi *m = arg;

    (void)curl;
    if (delay_ms < 0) {
        timer_stop(&m->due);
    } else {
        timer_start(m->loop, &m->due, delay_ms, on_due);
    }
    return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watched *w = poll->data;
    int ready = 0;

    if (status < 0) {
        /* uv has stopped to watch a socket that is in error. libcurl finds out which when it reads, and
         * before that what may have come ahead of a reset; of CURL_CSELECT_ERR it would make a failed send.
         */
        events = UV_READABLE | UV_WRITABLE;
        uv_poll_start(&w->poll, w->events, on_ready);
    }
    ready |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    ready |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    multi_act(w->multi, w->fd, ready);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void watched_drop(struct watched *w)
{
    list_drop(&w->link);
    uv_poll_stop(&w->poll); /* now: libcurl closes the file after this, and its number may be used again
                               before uv has closed w */
    uv_close((uv_handle_t *)&w->poll, on_closed);
}

static struct watched *watched_new(struct vendor_multi *m, curl_socket_t fd)
{
    struct watched *w = mem_new(sizeof(*w));

    w->multi = m;
    w->fd = fd;
    w->poll.data = w;
    if (uv_poll_init_socket(loop_uv(m->loop), &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    list_push(&m->sockets, &w->link);
    curl_multi_assign(m->curl, fd, w);
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
    struct vendor_multi *m = arg;
    struct watched *w = mine;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            watched_drop(w);
            curl_multi_assign(m->curl, fd, NULL);
        }
        return 0;
    }
    w = w ? w : watched_new(m, fd);
    if (!w) {
        return -1;
    }
    w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&w->poll, w->events, on_ready);
}

struct vendor_multi *vendor_multi_new(struct loop *loop, int max_connections,
                                      const struct vendor_multi_events *events)
{
    struct vendor_multi *m = mem_new(sizeof(*m));

    m->loop = loop;
    m->events = *events;
    list_init(&m->sockets);
    m->curl = curl_multi_init();
    assert(m->curl);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_MAX_HOST_CONNECTIONS, (long)max_connections);
    /* By itself libcurl keeps four times as many as transfers run, so that it closes the connections of a
     * burst as the burst ends. */
    curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, KEPT_HOSTS * (long)max_connections);
    return m;
}

void vendor_multi_free(struct vendor_multi **multi)
{
    struct vendor_multi *m = *multi;

    *multi = NULL;
    if (!m) {
        return;
    }
    assert(!m->inside);
    curl_multi_cleanup(m->curl);
    timer_stop(&m->due);
    list_each(link, after, &m->sockets)
    {
        watched_drop(container_of(link, struct watched, link));
    }
    free(m);
}

bool vendor_multi_inside(const struct vendor_multi *m)
{
    return m->inside > 0;
}

void vendor_multi_add(struct vendor_multi *m, CURL *easy)
{
    assert(!m->inside);
    CURLMcode code = curl_multi_add_handle(m->curl, easy);
    assert(code == CURLM_OK);
    (void)code;
}

void vendor_multi_remove(struct vendor_multi *m, CURL *easy)
{
    assert(!m->inside);
    curl_multi_remove_handle(m->curl, easy);
}

void vendor_multi_unpause(struct vendor_multi *m, CURL *easy)
{
    void *call = NULL;

    m->inside++;
    CURLcode result = curl_easy_pause(easy, CURLPAUSE_CONT);
    m->inside--;
    if (result != CURLE_OK) {
        /* Held bytes were delivered from inside curl_easy_pause and refused: the multi does not learn of
         * that. */
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
        curl_multi_remove_handle(m->curl, easy);
        m->events.done(call, result);
    }
    multi_settle(m);
}
