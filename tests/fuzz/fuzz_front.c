/* fuzz_front.c - the front between clients that do anything and a handler that does anything: whatever
 * happens, each request that is told is taken back exactly once, and nothing is left when the clients are
 * gone.
 *
 * The input is a script: what clients send and when they leave, and what the handler decides. */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "edge/front.h"

#define CLIENTS 3
#define HELD    64

struct call {
    uint64_t peer;
    uint32_t msgid;
};

struct fuzz {
    const uint8_t *p, *end; /* what is left of the script */
    struct loop *loop;
    struct front *front;
    char path[64];
    int clients[CLIENTS];
    uint64_t held[HELD]; /* ids of HTTP requests; some are gone */
    size_t held_count;
    struct call calls[HELD]; /* RPC requests; the peers of some are gone */
    size_t call_count;
    long heads, gones, peers, peers_gone;
};

static unsigned next(struct fuzz *z)
{
    return z->p < z->end ? *z->p++ : 0;
}

/* ---- the handler ---- */

static void on_room(void *arg)
{
    (void)arg;
}

/* Does something to a request that is not answered yet. */
static void req_act(struct front_req *req, unsigned how)
{
    static const char zeros[100000];
    struct note note = {0};
    int *state = front_req_get(req); /* 1: an answer was begun */

    if (*state) {
        if (how % 4 == 0) {
            front_end(req);
        } else if (how % 4 == 1) {
            front_abort(req);
        } else {
            front_add(req, (struct slice){zeros, how % 8 < 6 ? how : sizeof(zeros)});
        }
        return;
    }
    switch (how % 8) {
    case 0:
        front_reply(req, 200, NULL, 0, (struct slice){zeros, how % 16 < 8 ? 5 : sizeof(zeros)});
        break;
    case 1:
        front_reply_fault(req, FAULT_BAD_VALUE, &note, NULL);
        break;
    case 2:
        *state = 1;
        front_begin(req, how % 16 < 8 ? 200 : 304, NULL, 0, -1, on_room, NULL);
        break;
    case 3:
        *state = 1;
        front_begin(req, 200, NULL, 0, how, on_room, NULL);
        break;
    case 4:
        front_req_pause(req);
        break;
    case 5:
        front_req_resume(req);
        break;
    case 6:
        front_abort(req);
        break;
    default:
        break;
    }
}

static enum fault on_head(void *arg, struct front_req *req, const struct http_head *head, struct note *note)
{
    struct fuzz *z = arg;
    unsigned how = next(z);

    (void)head;
    (void)note;
    z->heads++;
    front_req_set(req, mem_new(sizeof(int)));
    z->held[z->held_count++ % HELD] = front_req_id(req);
    if (how % 4 == 1) {
        req_act(req, next(z));
    }
    return how % 16 == 2 ? FAULT_NO_ROUTE : FAULT_OK;
}

static enum fault on_body(void *arg, struct front_req *req, struct slice bytes, struct note *note)
{
    struct fuzz *z = arg;
    unsigned how = next(z);

    (void)bytes;
    (void)note;
    if (how % 4 == 1) {
        req_act(req, next(z));
    }
    return how % 16 == 2 ? FAULT_BAD_TYPE : FAULT_OK;
}

static enum fault on_end(void *arg, struct front_req *req, struct note *note)
{
    return on_body(arg, req, (struct slice){"", 0}, note);
}

static void on_gone(void *arg, struct front_req *req)
{
    struct fuzz *z = arg;

    z->gones++;
    assert(front_req_get(req));
    free(front_req_get(req));
    front_req_set(req, NULL);
}

static void on_call(void *arg, struct front_peer *peer, const struct mprpc *m)
{
    struct fuzz *z = arg;
    unsigned how = next(z);

    if (!front_peer_get(peer)) {
        front_peer_set(peer, z);
        z->peers++;
    }
    if (m->type != MPRPC_REQUEST) {
        return;
    }
    if (how % 2 || z->call_count == HELD) {
        front_peer_result(peer, m->msgid, m->params, &m->bins);
    } else {
        z->calls[z->call_count++] = (struct call){front_peer_id(peer), m->msgid};
    }
}

static void on_peer_gone(void *arg, struct front_peer *peer)
{
    struct fuzz *z = arg;

    assert(front_peer_get(peer) == z);
    z->peers_gone++;
}

/* ---- the clients ---- */

static void pump(struct fuzz *z)
{
    uv_run(loop_uv(z->loop), UV_RUN_NOWAIT);
}

static void client_open(struct fuzz *z, int i)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", z->path);
    z->clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(z->clients[i], (struct sockaddr *)&address, sizeof(address)) != 0) {
        abort();
    }
}

static void client_send(struct fuzz *z, int i, const void *p, size_t n)
{
    (void)!send(z->clients[i], p, n, MSG_NOSIGNAL);
}

static void client_say(struct fuzz *z, int i)
{
    static const char *const texts[] = {
        "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\n",
        "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "hello",
        "\x94\x01\x01\xa1x\x90",
    };
    static const char request[] = "\x94\x00\x07\xa4"
                                  "echo\x91\xc4\x02hi";
    static const char zeros[100000];
    unsigned what = next(z) % 13;

    if (what < sizeof(texts) / sizeof(texts[0])) {
        client_send(z, i, texts[what], strlen(texts[what]));
    } else if (what == 12) {
        client_send(z, i, zeros, sizeof(zeros));
    } else {
        client_send(z, i, request, sizeof(request) - 1);
    }
}

static void client_send_script(struct fuzz *z, int i)
{
    size_t n = next(z), left = (size_t)(z->end - z->p);

    n = n < left ? n : left;
    client_send(z, i, z->p, n);
    z->p += n;
}

static void client_read(struct fuzz *z, int i)
{
    static char bytes[65536];

    (void)!recv(z->clients[i], bytes, sizeof(bytes), 0);
}

/* ---- the script ---- */

static void answer_call(struct fuzz *z, unsigned how)
{
    if (!z->call_count) {
        return;
    }
    struct call call = z->calls[--z->call_count];
    struct front_peer *peer = front_peer_find(z->front, call.peer);
    json_t *value = json_pack("[s]", "event");
    if (peer && how % 3 == 0) {
        front_peer_result(peer, call.msgid, value, NULL);
    } else if (peer && how % 3 == 1) {
        front_peer_fault(peer, call.msgid, FAULT_BAD_VALUE, NULL, NULL);
    } else if (peer) {
        front_peer_notify(peer, "task.event", value);
        z->call_count++;
    }
    json_decref(value);
}

static void step(struct fuzz *z)
{
    unsigned op = next(z);
    int i = (int)(op >> 4) % CLIENTS;
    struct front_req *req = front_req_find(z->front, z->held[next(z) % HELD]);

    switch (op % 8) {
    case 0:
        client_send_script(z, i);
        break;
    case 1:
    case 2:
        client_say(z, i);
        break;
    case 3:
        shutdown(z->clients[i], SHUT_WR);
        break;
    case 4:
        close(z->clients[i]);
        client_open(z, i);
        break;
    case 5:
        if (req) {
            req_act(req, next(z));
        }
        break;
    case 6:
        answer_call(z, next(z));
        break;
    default:
        client_read(z, i);
        break;
    }
    if (!(op & 8)) {
        pump(z);
    }
}

static struct fuzz *fuzz_new(void)
{
    static const struct front_handler handler = {on_head, on_body, on_end, on_gone, on_call, on_peer_gone};
    struct front_limits limits = front_default;
    struct fuzz *z = mem_new(sizeof(*z));

    signal(SIGPIPE, SIG_IGN);
    limits.connections = 2; /* so that some are refused */
    snprintf(z->path, sizeof(z->path), "/tmp/fuzz_front.%d", (int)getpid());
    z->loop = loop_new();
    if (front_open_unix(z->loop, NULL, z->path, 0600, &limits, &handler, z, &z->front, NULL)) {
        abort();
    }
    return z;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The front goes with each input: what one run leaves behind must not hide in the next. */
    struct fuzz *z = fuzz_new();

    z->p = data;
    z->end = data + size;
    for (int i = 0; i < CLIENTS; i++) {
        client_open(z, i);
    }
    bool clients_first = next(z) % 2;
    while (z->p < z->end) {
        step(z);
    }
    for (int i = 0; i < CLIENTS; i++) {
        close(z->clients[i]);
    }
    for (int i = 0; clients_first && i < 4; i++) {
        pump(z);
    }
    front_close(&z->front);
    assert(z->heads == z->gones);
    assert(z->peers == z->peers_gone);
    loop_free(&z->loop);
    assert(access(z->path, F_OK) != 0);
    free(z);
    return 0;
}
