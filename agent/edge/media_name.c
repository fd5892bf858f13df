/* media_name.c - gives an object its name, the digest of its bytes, when another may have it already.
 *
 * Metadata are published create-only. When the server refuses, the leader is asked whose they are: our own
 * (an ack was lost), those of a whole and young object with the same bytes (it is kept, and our chunks go),
 * or of one that is old, deleted or broken (ours replace them, and its chunks go). How old it is says the
 * stream itself: the last message in it, which our own chunks made young. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "edge/media_internal.h"
#include "wire/date.h"

#define NAME_TRIES 8

static void name_publish(struct media_put *p, uint64_t expect);

static void name_again(struct media_put *p, uint64_t expect)
{
    if (++p->name_tries >= NAME_TRIES) {
        media_put_fail(p, FAULT_BUS_TIMEOUT);
    } else {
        name_publish(p, expect);
    }
}

static void on_named(void *arg, const struct bus_ack *ack)
{
    struct media_put *p = arg;

    p->name_token = 0;
    if (ack->fault && ack->fault != FAULT_CONFLICT) {
        media_put_fail(p, ack->fault);
        return;
    }
    p->state = ack->fault ? MEDIA_PUT_TAKEN : MEDIA_PUT_NAMED;
    if (p->state == MEDIA_PUT_NAMED && *p->other.nuid) {
        media_sweep(p->media, p->other.nuid, NULL, false);
    }
    media_put_settle(p);
}

/* expect: the sequence of the metadata that are replaced, 0: there are none. */
static void name_publish(struct media_put *p, uint64_t expect)
{
    char subject[MEDIA_SUBJECT_CHARS], id[MEDIA_NUID_CHARS + 48];
    AUTO(auto_free) char *text = media_meta_write(p->media, &p->meta);

    media_meta_subject(p->media, p->meta.info.digest, subject);
    snprintf(id, sizeof(id), "%s.meta.%" PRIu64, p->meta.nuid, expect);
    struct bus_out out = {
        .subject = subject,
        .payload = slice_of(text),
        .msg_id = id,
        .expect_last_seq = (int64_t)expect,
        .rollup = expect ? "sub" : NULL,
    };
    p->state = MEDIA_PUT_NAMING;
    p->name_token = bus_publish(p->media->bus, &out, p->limit_ms, on_named, p);
}

void media_name_start(struct media_put *p)
{
    unsigned char bytes[DIGEST_BYTES];

    digest_end(p->digest, bytes);
    digest_hex(bytes, p->meta.info.digest);
    name_publish(p, 0);
}

/* ---- somebody has the name ---- */

static void name_keep(struct media_put *p)
{
    struct media_info info = p->other.info;

    if (p->meta.chunks) {
        media_sweep(p->media, p->meta.nuid, NULL, false);
    }
    media_put_finish(p, &info);
}

/* Whether the other object has all its chunks and at least half of its life before it. */
static bool name_worth(const struct media_put *p, const json_t *answer)
{
    char subject[MEDIA_SUBJECT_CHARS];
    const json_t *state = json_object_get(answer, "state");
    int64_t max_age_ms =
        json_integer_value(json_object_get(json_object_get(answer, "config"), "max_age")) / 1000000;
    int64_t now_ms = date_stamp_ms(json_string_value(json_object_get(state, "last_ts")));

    media_chunk_subject(p->media, p->other.nuid, subject);
    uint64_t chunks =
        (uint64_t)json_integer_value(json_object_get(json_object_get(state, "subjects"), subject));
    return chunks == p->other.chunks &&
           (max_age_ms <= 0 || now_ms - p->other.info.stored_ms < max_age_ms / 2);
}

static void on_info(void *arg, enum fault fault, const json_t *answer)
{
    struct media_put *p = arg;

    p->name_token = 0;
    if (fault || !json_object_get(answer, "state")) {
        media_put_fail(p, fault ? fault : FAULT_BUS_TIMEOUT);
    } else if (name_worth(p, answer)) {
        name_keep(p);
    } else {
        name_again(p, p->other.seq);
    }
}

static void on_other(void *arg, enum fault fault, const struct media_last *last)
{
    struct media_put *p = arg;
    char subject[MEDIA_SUBJECT_CHARS], filter[MEDIA_SUBJECT_CHARS];

    p->name_ask = NULL;
    p->other = (struct media_meta){0};
    if (fault == FAULT_NOT_FOUND) {
        name_again(p, 0); /* gone meanwhile */
        return;
    }
    if (fault) {
        media_put_fail(p, fault == FAULT_BAD_DATA ? FAULT_INTERNAL : fault);
        return;
    }
    fault = media_meta_read(last->payload, p->meta.info.digest, &p->other);
    p->other.seq = last->seq;
    p->other.info.stored_ms = last->time_ms;
    if (fault == FAULT_OK && strcmp(p->other.nuid, p->meta.nuid) == 0) {
        media_put_finish(p, &p->other.info);
    } else if (fault || p->other.deleted || p->other.info.bytes != p->meta.info.bytes) {
        name_again(p, last->seq);
    } else {
        media_chunk_subject(p->media, p->other.nuid, filter);
        snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", p->media->stream);
        json_t *request = json_pack("{s:s}", "subjects_filter", filter);
        p->name_token = bus_api(p->media->bus, subject, request, LIMIT_ACCEPT_MS, on_info, p);
        json_decref(request);
    }
}

void media_name_decide(struct media_put *p)
{
    char subject[MEDIA_SUBJECT_CHARS];

    media_meta_subject(p->media, p->meta.info.digest, subject);
    p->name_ask = media_ask_last(p->media, subject, true, on_other, p);
}

void media_name_stop(struct media_put *p)
{
    bus_ask_stop(p->media->bus, p->name_token);
    media_ask_stop(&p->name_ask);
}
