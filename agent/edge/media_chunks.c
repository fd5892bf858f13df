/* media_chunks.c - the chunks of one object, pulled from an ephemeral consumer as they are granted.
 *
 * Chunks of an object lie in the stream in their order, with those of other objects between them. A consumer
 * starts at a sequence; how many chunks it says are pending tells which chunk that is: the object's count
 * less those. A start some chunks ahead is therefore first-seq plus their number, which is never too far, and
 * the few that come too early are passed over.
 *
 * The consumer is in one server's memory. When it is gone (server, leader or a long pause) another one starts
 * behind the last chunk. */
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/mem.h"
#include "edge/ackreply.h"
#include "edge/media_internal.h"

#define QUIET_MS   3000 /* a granted chunk that takes longer: the consumer is asked for anew */
#define EXPIRE_NS  30000000000ll
#define NAME_BYTES 11

struct media_chunks {
    struct media *media;
    media_chunk_fn *fn;
    void *arg;
    uint64_t total;
    uint64_t from;     /* the first that is wanted */
    uint64_t next;     /* number of the next that comes, */
    bool placed;       /* once a consumer has told it */
    uint64_t next_seq; /* where it can be at the earliest; 0: anywhere */
    uint64_t last_seq; /* consumer sequence of the last that came */
    int granted;       /* wanted and not here */
    int asked;         /* of these asked for */
    bool open;         /* the consumer is there */
    int64_t moved_ms;  /* when something was last granted or came */
    struct timer quiet;
    uint64_t token; /* of the request under way */
    uint64_t inbox;
    char inbox_subject[BUS_INBOX_CHARS + 1];
    char subject[MEDIA_SUBJECT_CHARS];
    char consumer[2 * NAME_BYTES + 1];
};

static void chunks_create(struct media_chunks *c);
static void on_quiet(struct timer *t);

static void chunks_subject(const struct media_chunks *c, const char *verb, char out[MEDIA_SUBJECT_CHARS])
{
    snprintf(out, MEDIA_SUBJECT_CHARS, "$JS.API.CONSUMER.%s.%s.%s", verb, c->media->stream, c->consumer);
}

/* Gives the consumer up; nobody waits for the server's word, which forgets it by itself after a while. */
static void chunks_close(struct media_chunks *c)
{
    char subject[MEDIA_SUBJECT_CHARS];

    bus_ask_stop(c->media->bus, c->token);
    c->token = 0;
    if (c->inbox) {
        bus_inbox_close(c->media->bus, c->inbox);
        c->inbox = 0;
        chunks_subject(c, "DELETE", subject);
        (void)!bus_send(c->media->bus, &(struct bus_out){.subject = subject, .expect_last_seq = -1});
    }
    c->open = false;
    c->asked = 0;
}

void media_chunks_stop(struct media_chunks **chunks)
{
    struct media_chunks *c = *chunks;

    *chunks = NULL;
    if (c) {
        chunks_close(c);
        timer_stop(&c->quiet);
        free(c);
    }
}

static void chunks_fail(struct media_chunks *c, enum fault fault)
{
    chunks_close(c);
    timer_stop(&c->quiet);
    c->fn(c->arg, fault, 0, (struct slice){NULL, 0});
}

/* Asks for what was granted and not asked for yet. A request that is lost is made good by on_quiet. */
static void chunks_ask(struct media_chunks *c)
{
    char subject[MEDIA_SUBJECT_CHARS], request[80];

    if (!c->open || c->asked >= c->granted) {
        return;
    }
    chunks_subject(c, "MSG.NEXT", subject);
    snprintf(request, sizeof(request), "{\"batch\":%d,\"expires\":%lld}", c->granted - c->asked, EXPIRE_NS);
    c->asked = c->granted;
    (void)!bus_send_from(
        c->media->bus,
        &(struct bus_out){.subject = subject, .payload = slice_of(request), .expect_last_seq = -1},
        c->inbox_subject);
}

static void chunks_wait(struct media_chunks *c)
{
    timer_start(c->media->loop, &c->quiet, QUIET_MS, on_quiet);
}

static void chunks_reopen(struct media_chunks *c)
{
    if (loop_now_ms(c->media->loop) - c->moved_ms >= LIMIT_BODY_IDLE_MS) {
        chunks_fail(c, FAULT_BUS_TIMEOUT);
        return;
    }
    chunks_close(c);
    chunks_create(c);
}

static void on_quiet(struct timer *t)
{
    struct media_chunks *c = container_of(t, struct media_chunks, quiet);

    if (c->granted) {
        chunks_reopen(c);
    }
}

static void on_message(void *arg, const struct bus_in *in)
{
    struct media_chunks *c = arg;
    struct ackreply reply;

    if (!ackreply_parse(in->reply, &reply)) {
        return; /* a status: the request ran out, or the consumer is gone. on_quiet looks after both */
    }
    if (reply.consumer_seq != c->last_seq + 1) {
        chunks_reopen(c); /* one was lost on the way */
        return;
    }
    c->last_seq = reply.consumer_seq;
    c->next_seq = reply.stream_seq + 1;
    uint64_t number = c->next++;
    c->asked--;
    c->moved_ms = loop_now_ms(c->media->loop);
    if (number < c->from) {
        chunks_ask(c);
        return;
    }
    c->granted--;
    if (c->granted) {
        chunks_wait(c);
    } else {
        timer_stop(&c->quiet);
    }
    c->fn(c->arg, FAULT_OK, number, in->payload);
}

static void on_created(void *arg, enum fault fault, const json_t *answer)
{
    struct media_chunks *c = arg;
    const json_t *pending = json_object_get(answer, "num_pending");

    c->token = 0;
    if (fault || !json_is_integer(pending)) {
        return; /* away or electing: on_quiet tries again */
    }
    uint64_t left = (uint64_t)json_integer_value(pending);
    uint64_t next = c->total - left;
    if (left > c->total || (c->placed ? next != c->next : next > c->from)) {
        chunks_fail(c, FAULT_BAD_DATA); /* the object has not all of its chunks any more */
        return;
    }
    c->next = next;
    c->placed = true;
    c->last_seq = 0;
    c->open = true;
    chunks_ask(c);
}

static void chunks_create(struct media_chunks *c)
{
    char subject[MEDIA_SUBJECT_CHARS];

    id_random(c->consumer, NAME_BYTES);
    c->inbox = bus_inbox_open(c->media->bus, on_message, c, c->inbox_subject, sizeof(c->inbox_subject));
    json_t *config = json_pack("{s:s, s:s, s:s, s:b, s:i, s:I}", "name", c->consumer, "ack_policy", "none",
                               "filter_subject", c->subject, "mem_storage", 1, "num_replicas", 1,
                               "inactive_threshold", (json_int_t)EXPIRE_NS);
    json_object_set_new(config, "deliver_policy", json_string(c->next_seq ? "by_start_sequence" : "all"));
    if (c->next_seq) {
        json_object_set_new(config, "opt_start_seq", json_integer((json_int_t)c->next_seq));
    }
    json_t *request = json_pack("{s:s, s:o}", "stream_name", c->media->stream, "config", config);
    chunks_subject(c, "CREATE", subject);
    c->token = bus_api(c->media->bus, subject, request, LIMIT_ACCEPT_MS, on_created, c);
    json_decref(request);
    chunks_wait(c);
}

struct media_chunks *media_chunks_start(struct media *m, const struct media_meta *meta, uint64_t from,
                                        media_chunk_fn *fn, void *arg)
{
    struct media_chunks *c = mem_new(sizeof(*c));

    c->media = m;
    c->fn = fn;
    c->arg = arg;
    c->total = meta->chunks;
    c->from = from;
    c->next_seq = meta->first_seq ? meta->first_seq + from : 0;
    c->moved_ms = loop_now_ms(m->loop);
    media_chunk_subject(m, meta->nuid, c->subject);
    chunks_create(c);
    return c;
}

void media_chunks_grant(struct media_chunks *c, int count)
{
    if (!c->granted) {
        c->moved_ms = loop_now_ms(c->media->loop);
        chunks_wait(c);
    }
    c->granted += count;
    chunks_ask(c);
}
