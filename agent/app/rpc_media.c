/* rpc_media.c - media.put: a medium in one call, or in pieces. */
#include <stdlib.h>
#include <string.h>

#include "app/rpc_internal.h"
#include "base/id.h"
#include "base/mem.h"

#define TOKEN_BYTES 16

/* A medium that is not whole yet. The next piece is welcome when the one before was answered: that is how a
 * client feels how fast the store is. */
struct rpc_upload {
    struct list link;
    struct rpc_peer *peer;
    char token[2 * TOKEN_BYTES + 1];
    struct upload *upload;
    struct rpc_call *call; /* whose answer waits for room, or for the end */
    uint64_t bytes;
    bool full, ended;
};

static void upload_drop(struct rpc_upload *u)
{
    upload_free(&u->upload);
    list_drop(&u->link);
    u->peer->upload_count--;
    free(u);
}

void rpc_media_free(struct rpc_peer *p)
{
    list_each(link, after, &p->uploads)
    {
        upload_drop(container_of(link, struct rpc_upload, link));
    }
}

static void put_answer(struct rpc_upload *u)
{
    struct rpc_call *c = u->call;

    u->call = NULL;
    rpc_result(c, json_pack("{s:s,s:I}", "upload", u->token, "bytes", (json_int_t)u->bytes), NULL);
}

static void on_room(void *arg)
{
    struct rpc_upload *u = arg;

    u->full = false;
    if (u->call && !u->ended) {
        put_answer(u);
    }
}

static void on_stored(void *arg, enum fault fault, const struct note *note)
{
    struct rpc_upload *u = arg;
    struct rpc_call *c = u->call;
    json_t *value = fault ? NULL : api_media_value(c->rpc->api, u->upload);

    u->call = NULL;
    upload_drop(u);
    if (fault) {
        rpc_fault(c, fault, note, NULL);
    } else {
        rpc_result(c, value, NULL);
    }
}

static struct rpc_upload *put_find(struct rpc_peer *p, const char *token)
{
    list_each(link, after, &p->uploads)
    {
        struct rpc_upload *u = container_of(link, struct rpc_upload, link);
        if (!strcmp(u->token, token)) {
            return u;
        }
    }
    return NULL;
}

static struct rpc_upload *put_begin(struct rpc_call *c, struct slice first)
{
    struct rpc_peer *p = c->peer;
    struct rpc_upload *u = mem_new(sizeof(*u));

    u->peer = p;
    id_random(u->token, TOKEN_BYTES);
    list_init(&u->link);
    list_push(&p->uploads, &u->link);
    p->upload_count++;
    u->upload = upload_new(p->rpc->api->parts, on_room, u);
    if (upload_begin(u->upload, api_body_type(rpc_text(c, "type"), first), rpc_text(c, "name"))) {
        upload_drop(u);
        return NULL;
    }
    return u;
}

/* The upload that a call goes on with, or a new one; NULL: refused, and that was answered. */
static struct rpc_upload *put_open(struct rpc_call *c, struct slice data)
{
    const char *token = rpc_text(c, "upload");
    struct rpc_upload *u = token ? put_find(c->peer, token) : NULL;

    if (token && !u) {
        rpc_bad(c, FAULT_BAD_VALUE, "upload", "this connection has no such upload");
    } else if (u && u->call) {
        rpc_bad(c, FAULT_BAD_VALUE, "upload", "send a piece when the one before was answered");
        u = NULL;
    } else if (!u && !data.n) {
        rpc_bad(c, FAULT_BAD_VALUE, "data", "data must be bytes (bin), and some");
    } else if (!u && c->peer->upload_count >= RPC_UPLOADS) {
        rpc_bad(c, FAULT_OVERLOADED, NULL, "a connection uploads at most %d media at once", RPC_UPLOADS);
    } else if (!u) {
        u = put_begin(c, data);
        if (!u) {
            rpc_fault(c, FAULT_INTERNAL, NULL, NULL);
        }
    }
    return u;
}

void rpc_media_put(struct rpc_call *c)
{
    struct slice data = rpc_bytes(c, "data");
    const json_t *last = json_object_get(c->args, "last");
    struct rpc_upload *u;

    if (!bus_up(c->rpc->api->parts->bus)) {
        rpc_bad(c, FAULT_BUS_DOWN, NULL, "the connection to NATS is down; nothing was stored");
        return;
    }
    if (!rpc_hold(c, data.n) || !(u = put_open(c, data))) {
        return;
    }
    u->call = c;
    u->bytes += data.n;
    if (data.n) {
        (void)!upload_data(u->upload, data, &u->full);
    }
    if (!json_is_false(last)) {
        u->ended = true;
        upload_end(u->upload);
        upload_finish(u->upload, on_stored, u);
    } else if (!u->full) {
        put_answer(u);
    }
}
