/* media_put.c - writing an object: its chunks in a window, then its metadata, which media_name.c sees to.
 *
 * The order of chunks in the stream is the order of the bytes. Several are under way at once, and after an
 * election or a reconnect one may be stored behind its follower. So each is kept until all before it are
 * stored, and one that came too early is removed and sent again.
 *
 * A small object has one chunk. Its metadata, which need nothing from the chunk's ack, go right behind it:
 * one round trip. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "edge/media_internal.h"
#include "wire/sniff.h"

static void put_pump(struct media_put *p);
static void put_publish(struct media_put *p, struct media_slot *slot);
static void on_feed(struct timer *t);

/* ---- the end ---- */

/* Chunks have been let go: others may send. Not from here, where a put may be about to go. */
static void put_gave_back(struct media *m, unsigned chunks)
{
    m->chunks_out -= chunks;
    if (chunks && !list_empty(&m->hungry)) {
        timer_start(m->loop, &m->feed, 0, on_feed);
    }
}

static void put_free(struct media_put *p)
{
    list_drop(&p->hungry);
    put_gave_back(p->media, p->count);
    timer_stop(&p->wake);
    for (unsigned i = 0; i < LIMIT_MEDIA_WINDOW; i++) {
        bus_ask_stop(p->media->bus, p->slots[i].token);
        free(p->slots[i].bytes);
    }
    media_name_stop(p);
    buf_done(&p->pending);
    digest_free(&p->digest);
    list_drop(&p->link);
    free(p);
}

void media_put_drop(struct media *m)
{
    list_each(link, after, &m->puts)
    {
        put_free(container_of(link, struct media_put, link));
    }
    timer_stop(&m->feed);
}

/* Frees p and leaves nothing of it in the store. */
static void put_undo(struct media_put *p)
{
    struct media *m = p->media;
    char nuid[sizeof(p->meta.nuid)], digest[sizeof(p->meta.info.digest)];
    bool named = p->state != MEDIA_PUT_FILLING;
    bool any = named || p->meta.chunks > 0, unsettled = p->count > 0;

    memcpy(nuid, p->meta.nuid, sizeof(nuid));
    memcpy(digest, p->meta.info.digest, sizeof(digest));
    put_free(p);
    if (any) {
        media_sweep(m, nuid, named ? digest : NULL, unsettled);
    }
}

static void on_failed(struct timer *t)
{
    struct media_put *p = container_of(t, struct media_put, wake);
    media_put_fn *done = p->done;
    enum fault fault = p->fault;
    void *arg = p->arg;

    put_undo(p);
    done(arg, fault, NULL);
}

void media_put_fail(struct media_put *p, enum fault fault)
{
    if (!p->fault) {
        p->fault = fault;
        timer_start(p->media->loop, &p->wake, 0, on_failed); /* not from inside media_put_add */
    }
}

void media_put_finish(struct media_put *p, const struct media_info *info)
{
    media_put_fn *done = p->done;
    struct media_info copy = *info;
    void *arg = p->arg;

    put_free(p);
    done(arg, FAULT_OK, &copy);
}

/* ---- chunks ---- */

/* Bytes that are in no chunk yet. */
static struct slice put_left(const struct media_put *p)
{
    return (struct slice){p->pending.n ? p->pending.p + p->taken : "", p->pending.n - p->taken};
}

/* Moves the rest to the front only when it is the smaller part, so that a long add costs no long moves. */
static void put_take(struct media_put *p, size_t n)
{
    p->taken += n;
    if (p->taken > p->pending.n / 2) {
        buf_cut(&p->pending, p->taken);
        p->taken = 0;
    }
}

void media_put_settle(struct media_put *p)
{
    if (p->fault || !p->ended || put_left(p).n) {
        return;
    }
    if (p->state == MEDIA_PUT_FILLING && (!p->count || p->meta.chunks == 1)) {
        media_name_start(p);
    }
    if (p->count) {
        return;
    }
    if (p->state == MEDIA_PUT_NAMED) {
        media_put_finish(p, &p->meta.info);
    } else if (p->state == MEDIA_PUT_TAKEN) {
        media_name_decide(p);
    }
}

static void on_removed(void *arg, enum fault fault, const json_t *answer)
{
    struct media_slot *slot = arg;
    struct media_put *p = slot->put;

    slot->token = 0;
    if (fault || !json_is_true(json_object_get(answer, "success"))) {
        media_put_fail(p, fault ? fault : FAULT_BUS_TIMEOUT);
        return;
    }
    put_publish(p, slot);
}

/* The chunk is stored in front of one that belongs before it. */
static void put_move(struct media_put *p, struct media_slot *slot)
{
    char subject[MEDIA_SUBJECT_CHARS];
    json_t *request = json_pack("{s:I, s:b}", "seq", (json_int_t)slot->seq, "no_erase", 1);

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.DELETE.%s", p->media->stream);
    slot->seq = 0;
    slot->tries++;
    slot->token = bus_api(p->media->bus, subject, request, LIMIT_ACCEPT_MS, on_removed, slot);
    json_decref(request);
}

/* Lets go of the chunks that are stored in their order. */
static void put_release(struct media_put *p)
{
    while (p->count && p->slots[p->oldest].seq) {
        struct media_slot *slot = &p->slots[p->oldest];
        if (slot->seq < p->last_seq) {
            put_move(p, slot);
            return;
        }
        p->last_seq = slot->seq;
        p->meta.first_seq = p->meta.first_seq ? p->meta.first_seq : slot->seq;
        free(slot->bytes);
        *slot = (struct media_slot){.put = p};
        p->oldest = (p->oldest + 1) % LIMIT_MEDIA_WINDOW;
        p->count--;
        put_gave_back(p->media, 1);
    }
}

/* There may be room in the window, or all may be done. p may be gone after it. */
static void put_go_on(struct media_put *p)
{
    if (p->fault) {
        return;
    }
    put_pump(p);
    if (p->full && !p->ended && put_left(p).n <= LIMIT_MEDIA_CHUNK_BYTES) {
        p->full = false;
        p->room(p->arg); /* may stop the put */
    } else {
        media_put_settle(p);
    }
}

static void on_feed(struct timer *t)
{
    struct media *m = container_of(t, struct media, feed);

    while (m->chunks_out < LIMIT_MEDIA_CHUNKS_OUT && !list_empty(&m->hungry)) {
        struct media_put *p = container_of(list_first(&m->hungry), struct media_put, hungry);
        list_drop(&p->hungry);
        put_go_on(p);
    }
}

static void on_stored(void *arg, const struct bus_ack *ack)
{
    struct media_slot *slot = arg;
    struct media_put *p = slot->put;

    slot->token = 0;
    if (ack->fault || !ack->seq) {
        media_put_fail(p, ack->fault ? ack->fault : FAULT_INTERNAL);
        return;
    }
    slot->seq = ack->seq;
    put_release(p);
    put_go_on(p);
}

static void put_publish(struct media_put *p, struct media_slot *slot)
{
    char subject[MEDIA_SUBJECT_CHARS], id[MEDIA_NUID_CHARS + 48];

    media_chunk_subject(p->media, p->meta.nuid, subject);
    snprintf(id, sizeof(id), "%s.%" PRIu64 ".%u", p->meta.nuid, slot->number, slot->tries);
    struct bus_out out = {
        .subject = subject, .payload = {slot->bytes, slot->n}, .msg_id = id, .expect_last_seq = -1};
    slot->token = bus_publish(p->media->bus, &out, p->limit_ms, on_stored, slot);
}

static void put_sniff(struct media_put *p)
{
    struct sniff sniff = sniff_media(put_left(p));

    if (!*p->meta.info.type && sniff.type) {
        snprintf(p->meta.info.type, sizeof(p->meta.info.type), "%s", sniff.type);
    }
    p->meta.info.width = sniff.width;
    p->meta.info.height = sniff.height;
}

static void put_chunk(struct media_put *p)
{
    struct media_slot *slot = &p->slots[(p->oldest + p->count) % LIMIT_MEDIA_WINDOW];
    struct slice left = put_left(p);
    size_t n = left.n < LIMIT_MEDIA_CHUNK_BYTES ? left.n : LIMIT_MEDIA_CHUNK_BYTES;

    if (!p->meta.chunks) {
        put_sniff(p);
    }
    digest_add(p->digest, left.p, n);
    *slot = (struct media_slot){.put = p, .bytes = mem_textn(left.p, n), .n = n, .number = p->meta.chunks++};
    p->meta.info.bytes += n;
    p->count++;
    p->media->chunks_out++;
    put_take(p, n);
    put_publish(p, slot);
}

/* A chunk goes out when more bytes than it holds are there: the last one is known as such. */
static void put_pump(struct media_put *p)
{
    size_t more = p->ended ? 0 : LIMIT_MEDIA_CHUNK_BYTES;
    struct media *m = p->media;

    while (p->count < LIMIT_MEDIA_WINDOW && put_left(p).n > more) {
        if (m->chunks_out >= LIMIT_MEDIA_CHUNKS_OUT) {
            list_drop(&p->hungry);
            list_push(&m->hungry, &p->hungry);
            return;
        }
        put_chunk(p);
    }
}

/* ---- calls ---- */

struct media_put *media_put_start(struct media *m, const char *type, uint64_t limit, int64_t limit_ms,
                                  media_room_fn *room, media_put_fn *done, void *arg)
{
    struct media_put *p = mem_new(sizeof(*p));

    p->media = m;
    p->room = room;
    p->done = done;
    p->arg = arg;
    p->limit = limit;
    p->limit_ms = limit_ms;
    p->digest = digest_new();
    p->meta.chunk_bytes = LIMIT_MEDIA_CHUNK_BYTES;
    id_random(p->meta.nuid, MEDIA_NUID_BYTES);
    snprintf(p->meta.info.type, sizeof(p->meta.info.type), "%s",
             type && strlen(type) < sizeof(p->meta.info.type) ? type : "");
    buf_init(&p->pending, SIZE_MAX / 2); /* what is added was in memory already, and limit bounds it all */
    list_init(&p->hungry);
    list_init(&p->link);
    list_push(&m->puts, &p->link);
    return p;
}

bool media_put_add(struct media_put *p, struct slice bytes)
{
    if (p->fault) {
        return false;
    }
    if (bytes.n > p->limit - p->meta.info.bytes - put_left(p).n) {
        media_put_fail(p, FAULT_TOO_LARGE);
        return false;
    }
    buf_add(&p->pending, bytes.p, bytes.n);
    if (!buf_ok(&p->pending)) {
        media_put_fail(p, FAULT_OVERLOADED);
        return false;
    }
    put_pump(p);
    p->full = put_left(p).n > LIMIT_MEDIA_CHUNK_BYTES;
    return !p->full;
}

void media_put_end(struct media_put *p)
{
    if (!p->fault) {
        p->ended = true;
        put_pump(p);
        media_put_settle(p);
    }
}

void media_put_stop(struct media_put **put)
{
    struct media_put *p = *put;

    *put = NULL;
    if (p) {
        put_undo(p);
    }
}
