/* media_sweep.c - removes what a put left behind, in the background.
 *
 * A put that fails or is stopped must leave nothing, and a new version makes the old one's chunks useless.
 * The bus may be away just then, so each removal is repeated for a while; what is missed then goes with the
 * bucket's age. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/media_internal.h"

#define SWEEPS_MAX     1024
#define SWEEP_TRIES    60
#define SWEEP_AGAIN_MS 5000

struct media_sweep {
    struct list link;
    struct media *media;
    struct timer timer;
    struct media_ask *ask;
    uint64_t token;
    int tries;
    bool twice; /* the server may store a message after it has answered a later request */
    char nuid[MEDIA_NUID_CHARS + 1];
    char digest[DIGEST_HEX_CHARS + 1]; /* "": the metadata are not ours to remove */
};

static void sweep_free(struct media_sweep *s)
{
    s->media->sweep_count--;
    timer_stop(&s->timer);
    media_ask_stop(&s->ask);
    bus_ask_stop(s->media->bus, s->token);
    list_drop(&s->link);
    free(s);
}

static void on_turn(struct timer *t);

static void sweep_again(struct media_sweep *s)
{
    if (++s->tries >= SWEEP_TRIES) {
        sweep_free(s);
    } else {
        timer_start(s->media->loop, &s->timer, SWEEP_AGAIN_MS, on_turn);
    }
}

static void sweep_request(struct media_sweep *s, const char *verb, json_t *request, bus_json_fn *fn)
{
    char subject[MEDIA_SUBJECT_CHARS];

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.%s.%s", verb, s->media->stream);
    s->token = bus_api(s->media->bus, subject, request, LIMIT_ACCEPT_MS, fn, s);
    json_decref(request);
}

static void on_purged(void *arg, enum fault fault, const json_t *answer)
{
    struct media_sweep *s = arg;

    s->token = 0;
    if (fault || !json_is_true(json_object_get(answer, "success"))) {
        sweep_again(s);
    } else if (s->twice) {
        s->twice = false;
        timer_start(s->media->loop, &s->timer, LIMIT_RESEND_MS, on_turn);
    } else {
        sweep_free(s);
    }
}

static void sweep_chunks(struct media_sweep *s)
{
    char subject[MEDIA_SUBJECT_CHARS];

    media_chunk_subject(s->media, s->nuid, subject);
    sweep_request(s, "PURGE", json_pack("{s:s}", "filter", subject), on_purged);
}

static void on_deleted(void *arg, enum fault fault, const json_t *answer)
{
    struct media_sweep *s = arg;

    (void)answer; /* an error means that it is gone already */
    s->token = 0;
    if (fault) {
        sweep_again(s);
    } else {
        sweep_chunks(s);
    }
}

/* Deletes by sequence: another writer's metadata of the same object, which may come at any time, are not
 * touched. */
static void on_meta(void *arg, enum fault fault, const struct media_last *last)
{
    struct media_sweep *s = arg;
    struct media_meta meta;

    s->ask = NULL;
    if (fault && fault != FAULT_NOT_FOUND) {
        sweep_again(s);
    } else if (fault || media_meta_read(last->payload, s->digest, &meta) != FAULT_OK ||
               strcmp(meta.nuid, s->nuid) != 0) {
        sweep_chunks(s);
    } else {
        sweep_request(s, "MSG.DELETE", json_pack("{s:I, s:b}", "seq", (json_int_t)last->seq, "no_erase", 1),
                      on_deleted);
    }
}

static void on_turn(struct timer *t)
{
    struct media_sweep *s = container_of(t, struct media_sweep, timer);
    char subject[MEDIA_SUBJECT_CHARS];

    if (*s->digest) {
        media_meta_subject(s->media, s->digest, subject);
        s->ask = media_ask_last(s->media, subject, true, on_meta, s);
    } else {
        sweep_chunks(s);
    }
}

void media_sweep(struct media *m, const char *nuid, const char *digest, bool unsettled)
{
    if (m->sweep_count >= SWEEPS_MAX) {
        sweep_free(container_of(list_first(&m->sweeps), struct media_sweep, link));
    }
    struct media_sweep *s = mem_new(sizeof(*s));
    s->media = m;
    snprintf(s->nuid, sizeof(s->nuid), "%s", nuid);
    snprintf(s->digest, sizeof(s->digest), "%s", digest ? digest : "");
    m->sweep_count++;
    list_init(&s->link);
    list_push(&m->sweeps, &s->link);
    s->twice = unsettled && !digest;
    if (digest) {
        timer_start(m->loop, &s->timer, LIMIT_RESEND_MS,
                    on_turn); /* metadata that are found too early are not found */
    } else {
        on_turn(&s->timer);
    }
}

void media_sweep_drop(struct media *m)
{
    list_each(link, after, &m->sweeps)
    {
        sweep_free(container_of(link, struct media_sweep, link));
    }
}
