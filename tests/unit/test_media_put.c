/* test_media_put.c - the order of events in a put, against a bus that answers as it is told: windows, chunks
 * out of order, lost acks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "edge/media.h"
#include "wire/base64.h"

/* ---- a bus that keeps what it is given until the test answers ---- */

#define SENT_MAX 1024

struct sent {
    bool open; /* not answered, not stopped */
    bool api;
    char subject[512]; /* of a publish; or the API's */
    char id[160];
    int64_t expect;
    bool rollup;
    char *payload;
    size_t n;
    bus_ack_fn *ack;
    bus_json_fn *json;
    void *arg;
};

static struct sent sent[SENT_MAX];
static size_t sent_count;

static struct sent *sent_add(const char *subject, struct slice payload, void *arg)
{
    assert_true(sent_count < SENT_MAX);
    struct sent *s = &sent[sent_count++];
    snprintf(s->subject, sizeof(s->subject), "%s", subject);
    s->payload = mem_textn(payload.p, payload.n);
    s->n = payload.n;
    s->arg = arg;
    s->open = true;
    return s;
}

uint64_t bus_publish(struct bus *bus, const struct bus_out *out, int64_t limit_ms, bus_ack_fn *fn, void *arg)
{
    struct sent *s = sent_add(out->subject, out->payload, arg);

    (void)bus;
    assert_int_equal(limit_ms, 5000);
    snprintf(s->id, sizeof(s->id), "%s", out->msg_id);
    s->expect = out->expect_last_seq;
    s->rollup = out->rollup != NULL;
    s->ack = fn;
    return sent_count;
}

uint64_t bus_api(struct bus *bus, const char *subject, const json_t *request, int64_t timeout_ms,
                 bus_json_fn *fn, void *arg)
{
    AUTO(auto_free) char *text = json_dumps(request, JSON_COMPACT);
    struct sent *s = sent_add(subject, slice_of(text), arg);

    (void)bus, (void)timeout_ms;
    s->api = true;
    s->json = fn;
    return sent_count;
}

void bus_ask_stop(struct bus *bus, uint64_t token)
{
    (void)bus;
    if (token) {
        sent[token - 1].open = false;
    }
}

uint64_t bus_ask(struct bus *bus, const struct bus_out *out, int64_t timeout_ms, bus_answer_fn *fn, void *arg)
{
    (void)bus, (void)out, (void)timeout_ms, (void)fn, (void)arg;
    fail_msg("%s", "a put reads from the leader only");
    return 0;
}

const char *bus_header(const struct bus_in *in, const char *name)
{
    (void)in, (void)name;
    return NULL;
}

uint64_t bus_inbox_open(struct bus *bus, bus_in_fn *fn, void *arg, char *ret_subject, size_t size)
{
    (void)bus, (void)fn, (void)arg, (void)ret_subject, (void)size;
    return 0;
}

void bus_inbox_close(struct bus *bus, uint64_t token)
{
    (void)bus, (void)token;
}

enum fault bus_send(struct bus *bus, const struct bus_out *out)
{
    (void)bus, (void)out;
    return FAULT_OK;
}

enum fault bus_send_from(struct bus *bus, const struct bus_out *out, const char *reply)
{
    (void)bus, (void)out, (void)reply;
    return FAULT_OK;
}

/* ---- answers ---- */

static void answer(size_t i, enum fault fault, uint64_t seq)
{
    assert_true(i < sent_count && sent[i].open && !sent[i].api);
    sent[i].open = false;
    sent[i].ack(sent[i].arg, &(struct bus_ack){.fault = fault, .seq = seq});
}

/* Takes json. */
static void answer_json(size_t i, json_t *json)
{
    assert_true(i < sent_count && sent[i].open && sent[i].api);
    sent[i].open = false;
    sent[i].json(sent[i].arg, json ? FAULT_OK : FAULT_BUS_TIMEOUT, json);
    json_decref(json);
}

/* A stored message as STREAM.MSG.GET tells it. */
static json_t *message(uint64_t seq, const char *text, const char *time)
{
    AUTO(auto_free) char *chars = mem_new(BASE64_CHARS(strlen(text)) + 1);

    base64_write(chars, slice_of(text), false);
    return json_pack("{s:{s:I, s:s, s:s}}", "message", "seq", (json_int_t)seq, "data", chars, "time", time);
}

static json_t *nothing(void)
{
    return json_pack("{s:{s:i, s:i}}", "error", "code", 404, "err_code", 10037);
}

static json_t *stream_info(const char *subject, int chunks, const char *now)
{
    return json_pack("{s:{s:I}, s:{s:s, s:{s:i}}}", "config", "max_age", (json_int_t)3600 * 1000000000,
                     "state", "last_ts", now, "subjects", subject, chunks);
}

static bool is(size_t i, const char *part)
{
    return i < sent_count && strstr(sent[i].subject, part);
}

static bool has(size_t i, const char *part)
{
    return i < sent_count && strstr(sent[i].payload, part);
}

/* ---- a put ---- */

struct rig {
    struct loop *loop;
    struct media *media;
    struct media_put *put;
    int rooms, dones;
    enum fault fault;
    struct media_info info;
};

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig = (struct rig){.loop = loop_new()};
    rig.media = media_new(NULL, rig.loop, "b");
    sent_count = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    media_free(&rig.media);
    loop_free(&rig.loop);
    for (size_t i = 0; i < sent_count; i++) {
        free(sent[i].payload);
    }
    memset(sent, 0, sizeof(sent));
    return 0;
}

static void over(struct timer *t)
{
    (void)t;
    loop_stop(rig.loop);
}

static void run_for(int64_t ms)
{
    struct timer t = {0};

    timer_start(rig.loop, &t, ms, over);
    loop_run(rig.loop);
    timer_stop(&t);
}

static void on_room(void *arg)
{
    (void)arg;
    rig.rooms++;
}

static void on_done(void *arg, enum fault fault, const struct media_info *info)
{
    (void)arg;
    rig.dones++;
    rig.fault = fault;
    rig.put = NULL;
    if (info) {
        rig.info = *info;
    }
}

static bool add(size_t n, char c)
{
    char *bytes = mem_new(n);

    memset(bytes, c, n);
    bool more = media_put_add(rig.put, (struct slice){bytes, n});
    free(bytes);
    return more;
}

static void begin(void)
{
    rig.put = media_put_start(rig.media, NULL, UINT64_MAX, 5000, on_room, on_done, NULL);
}

/* ---- tests ---- */

static void test_small_in_one_round_trip(void **state)
{
    /* Chunk and metadata of a small object are both out before either is acknowledged, the metadata
     * create-only. */
    (void)state;
    begin();
    assert_true(add(LIMIT_MEDIA_CHUNK_BYTES, 'x'));
    assert_int_equal(sent_count, 0);
    media_put_end(rig.put);
    assert_int_equal(sent_count, 2);
    assert_true(is(0, "$O.b.C.") && is(1, "$O.b.M."));
    assert_int_equal(sent[0].expect, -1);
    assert_int_equal(sent[1].expect, 0);
    assert_false(sent[1].rollup);
    answer(1, FAULT_OK, 2);
    assert_int_equal(rig.dones, 0);
    answer(0, FAULT_OK, 1);
    assert_int_equal(rig.dones, 1);
    assert_int_equal(rig.fault, FAULT_OK);
    assert_int_equal(sent_count, 2);
}

static void test_window(void **state)
{
    /* No more than the window is under way; room is called when one comes back, and not before. */
    (void)state;
    begin();
    for (int i = 0; i < LIMIT_MEDIA_WINDOW; i++) {
        assert_true(add(LIMIT_MEDIA_CHUNK_BYTES, 'x'));
    }
    assert_int_equal(sent_count, LIMIT_MEDIA_WINDOW - 1); /* the last may be the end */
    assert_true(add(LIMIT_MEDIA_CHUNK_BYTES, 'y'));
    assert_int_equal(sent_count, LIMIT_MEDIA_WINDOW);
    assert_false(add(1, 'z'));
    assert_false(add(1, 'z')); /* one more is taken */
    answer(1, FAULT_OK, 12);   /* not the oldest: it is kept still */
    assert_int_equal(sent_count, LIMIT_MEDIA_WINDOW);
    assert_int_equal(rig.rooms, 0);
    answer(0, FAULT_OK, 11);
    assert_int_equal(sent_count, LIMIT_MEDIA_WINDOW + 1);
    assert_int_equal(rig.rooms, 1);
    media_put_end(rig.put);
    assert_int_equal(sent_count, LIMIT_MEDIA_WINDOW + 2);
    for (size_t i = 2; i < LIMIT_MEDIA_WINDOW + 2; i++) {
        answer(i, FAULT_OK, 11 + i);
    }
    assert_true(is(sent_count - 1, "$O.b.M."));
    answer(sent_count - 1, FAULT_OK, 50);
    assert_int_equal(rig.fault, FAULT_OK);
    assert_int_equal(rig.info.bytes, 5 * LIMIT_MEDIA_CHUNK_BYTES + 2);
    assert_int_equal(rig.rooms, 1);
}

static void test_chunks_out_of_order(void **state)
{
    /* Chunks that were stored before one that belongs before them are removed and stored again, with their
     * own bytes. */
    char id[160];

    (void)state;
    begin();
    add(LIMIT_MEDIA_CHUNK_BYTES, 'a');
    add(LIMIT_MEDIA_CHUNK_BYTES, 'b');
    add(LIMIT_MEDIA_CHUNK_BYTES, 'c');
    add(10, 'd');
    media_put_end(rig.put);
    assert_int_equal(sent_count, 4);
    answer(1, FAULT_OK, 5); /* b */
    answer(2, FAULT_OK, 6); /* c */
    answer(3, FAULT_OK, 9); /* d */
    assert_int_equal(sent_count, 4);
    answer(0, FAULT_OK, 8); /* a, at last */
    assert_int_equal(sent_count, 5);
    assert_true(is(4, "STREAM.MSG.DELETE.OBJ_b") && has(4, "\"seq\":5"));
    answer_json(4, json_pack("{s:b}", "success", 1));
    assert_int_equal(sent_count, 6);
    assert_string_equal(sent[5].subject, sent[1].subject);
    assert_int_equal(sent[5].n, LIMIT_MEDIA_CHUNK_BYTES);
    assert_int_equal(sent[5].payload[0], 'b');
    snprintf(id, sizeof(id), "%s", sent[1].id);
    assert_string_not_equal(sent[5].id, id); /* or the server would take it for the old one */
    answer(5, FAULT_OK, 10);
    assert_true(is(6, "STREAM.MSG.DELETE.OBJ_b") && has(6, "\"seq\":6"));
    answer_json(6, json_pack("{s:b}", "success", 1));
    assert_int_equal(sent[7].payload[0], 'c');
    answer(7, FAULT_OK, 11);
    assert_true(is(8, "STREAM.MSG.DELETE.OBJ_b") && has(8, "\"seq\":9"));
    answer_json(8, json_pack("{s:b}", "success", 1));
    assert_int_equal(sent[9].payload[0], 'd');
    assert_int_equal(sent[9].n, 10);
    answer(9, FAULT_OK, 12);
    assert_true(is(10, "$O.b.M.") && has(10, "\"first-seq\":\"8\"") && has(10, "\"chunks\":4"));
    answer(10, FAULT_OK, 13);
    assert_int_equal(rig.fault, FAULT_OK);
}

static void test_removal_fails(void **state)
{
    /* A misplaced chunk that cannot be removed fails the put, and its chunks are swept. */
    (void)state;
    begin();
    add(LIMIT_MEDIA_CHUNK_BYTES, 'a');
    add(10, 'b');
    media_put_end(rig.put);
    answer(1, FAULT_OK, 5);
    answer(0, FAULT_OK, 6);
    answer_json(2, NULL);
    assert_int_equal(rig.dones, 0);
    run_for(20);
    assert_int_equal(rig.fault, FAULT_BUS_TIMEOUT);
    assert_true(is(3, "STREAM.PURGE.OBJ_b") && has(3, sent[0].subject));
}

static void test_chunk_fails_behind_metadata(void **state)
{
    /* When the chunk of a small object is refused and its metadata may be stored, these are removed if they
     * are its own. */
    (void)state;
    begin();
    add(10, 'a');
    media_put_end(rig.put);
    answer(0, FAULT_FLEET_FULL, 0);
    assert_int_equal(rig.dones, 0);
    AUTO(auto_free) char *meta = mem_text(sent[1].payload);
    run_for(20);
    assert_int_equal(rig.fault, FAULT_FLEET_FULL);
    assert_false(sent[1].open);
    run_for(LIMIT_RESEND_MS + 100);
    assert_true(is(2, "STREAM.MSG.GET.OBJ_b") && has(2, sent[1].subject));
    answer_json(2, message(77, meta, "2026-01-01T00:00:00Z"));
    assert_true(is(3, "STREAM.MSG.DELETE.OBJ_b") && has(3, "\"seq\":77"));
    answer_json(3, json_pack("{s:b}", "success", 1));
    assert_true(is(4, "STREAM.PURGE.OBJ_b") && has(4, sent[0].subject));
    answer_json(4, json_pack("{s:b}", "success", 1));
    assert_int_equal(sent_count, 5);
}

static void test_others_metadata_stay(void **state)
{
    /* The same, but somebody else has the name: only the chunks go. */
    (void)state;
    begin();
    add(10, 'a');
    media_put_end(rig.put);
    answer(0, FAULT_BUS_TIMEOUT, 0);
    run_for(LIMIT_RESEND_MS + 100);
    assert_true(is(2, "STREAM.MSG.GET.OBJ_b"));
    answer_json(2, message(77, "{\"nuid\":\"somebody\",\"size\":10,\"chunks\":1}", "2026-01-01T00:00:00Z"));
    assert_true(is(3, "STREAM.PURGE.OBJ_b") && has(3, sent[0].subject));
}

static void test_ack_of_metadata_lost(void **state)
{
    /* A conflict with our own metadata means that they are stored. */
    (void)state;
    begin();
    add(10, 'a');
    media_put_end(rig.put);
    AUTO(auto_free) char *meta = mem_text(sent[1].payload);
    answer(1, FAULT_CONFLICT, 0);
    assert_int_equal(sent_count, 2); /* the chunk first */
    answer(0, FAULT_OK, 4);
    assert_true(is(2, "STREAM.MSG.GET.OBJ_b") && has(2, "last_by_subj"));
    answer_json(2, message(5, meta, "2026-01-01T00:00:00Z"));
    assert_int_equal(rig.fault, FAULT_OK);
    assert_int_equal(sent_count, 3);
}

static const char *const theirs =
    "{\"nuid\":\"theirs\",\"size\":10,\"chunks\":1,\"metadata\":{\"type\":\"image/webp\"}}";

static void test_other_is_kept(void **state)
{
    /* A whole and young object of the same bytes is kept: the put tells of it, and its own chunk goes. */
    (void)state;
    begin();
    add(10, 'a');
    media_put_end(rig.put);
    answer(0, FAULT_OK, 4);
    answer(1, FAULT_CONFLICT, 0);
    answer_json(2, message(3, theirs, "2026-01-01T00:00:00.5Z"));
    assert_true(is(3, "STREAM.INFO.OBJ_b") && has(3, "$O.b.C.theirs"));
    answer_json(3, stream_info("$O.b.C.theirs", 1, "2026-01-01T00:29:59Z"));
    assert_int_equal(rig.fault, FAULT_OK);
    assert_string_equal(rig.info.type, "image/webp");
    assert_int_equal(rig.info.stored_ms, 1767225600500);
    assert_true(is(4, "STREAM.PURGE.OBJ_b") && has(4, sent[0].subject));
}

static void test_other_is_replaced(void **state)
{
    /* One that is old, or has lost its chunks, or other bytes, is replaced by sequence, and its chunks go
     * then. */
    (void)state;
    for (int i = 0; i < 3; i++) {
        size_t from = sent_count;
        begin();
        add(10, (char)('a' + i));
        media_put_end(rig.put);
        answer(from, FAULT_OK, 4);
        answer(from + 1, FAULT_CONFLICT, 0);
        if (i == 2) {
            answer_json(from + 2,
                        message(3, "{\"nuid\":\"theirs\",\"size\":11,\"chunks\":1}", "2026-01-01T00:00:00Z"));
            sent_add("unused", (struct slice){NULL, 0}, NULL);
            from -= 1;
        } else {
            answer_json(from + 2, message(3, theirs, "2026-01-01T00:00:00Z"));
            answer_json(from + 3, stream_info("$O.b.C.theirs", i ? 0 : 1,
                                              i ? "2026-01-01T00:00:01Z" : "2026-01-01T00:30:01Z"));
        }
        assert_true(is(from + 4, "$O.b.M."));
        assert_int_equal(sent[from + 4].expect, 3);
        assert_true(sent[from + 4].rollup);
        rig.dones = 0;
        answer(from + 4, FAULT_OK, 9);
        assert_int_equal(rig.dones, 1);
        assert_int_equal(rig.fault, FAULT_OK);
        size_t last = sent_count - 1;
        assert_true(is(last, "STREAM.PURGE.OBJ_b") && has(last, "$O.b.C.theirs"));
    }
}

static void test_name_race(void **state)
{
    /* Conflicts that never end fail the put in time; metadata that vanish in between are written anew. */
    (void)state;
    begin();
    add(10, 'a');
    media_put_end(rig.put);
    answer(0, FAULT_OK, 4);
    for (int i = 0; i < 100 && !rig.dones; i++) {
        answer(sent_count - 1, FAULT_CONFLICT, 0);
        assert_true(is(sent_count - 1, "STREAM.MSG.GET"));
        answer_json(sent_count - 1, nothing());
        run_for(5);
    }
    assert_int_equal(rig.fault, FAULT_BUS_TIMEOUT);
    assert_int_equal(rig.dones, 1);
}

static void test_stop_drops_all(void **state)
{
    /* A stopped put has nothing under way any more but the removal of its chunks. */
    (void)state;
    begin();
    add(5 * LIMIT_MEDIA_CHUNK_BYTES, 'a');
    assert_int_equal(sent_count, 4);
    media_put_stop(&rig.put);
    for (size_t i = 0; i < 4; i++) {
        assert_false(sent[i].open);
    }
    assert_int_equal(sent_count, 5);
    assert_true(is(4, "STREAM.PURGE.OBJ_b"));
    answer_json(4, NULL);
    assert_int_equal(sent_count, 5); /* again later */
    run_for(20);
    assert_int_equal(rig.dones, 0);

    begin();
    media_put_stop(&rig.put);
    assert_int_equal(sent_count, 5); /* nothing was sent: nothing to remove */
}

static void on_many_done(void *arg, enum fault fault, const struct media_info *info)
{
    (void)info;
    assert_int_equal(fault, FAULT_OK);
    *(struct media_put **)arg = NULL;
    rig.dones++;
}

static void test_many_puts(void **state)
{
    /* All puts together have no more chunks on their way than a bound; who has to wait goes on when others
     * are done or stopped. */
    enum { PUTS = 100, WIDE = LIMIT_MEDIA_CHUNKS_OUT / LIMIT_MEDIA_WINDOW };
    static struct media_put *puts[PUTS];
    char *bytes = mem_new(6 * LIMIT_MEDIA_CHUNK_BYTES);
    size_t answered = 0;

    (void)state;
    for (int i = 0; i < PUTS; i++) {
        puts[i] = media_put_start(rig.media, NULL, UINT64_MAX, 5000, on_room, on_many_done, &puts[i]);
        bytes[0] = (char)i;
        assert_false(media_put_add(puts[i], (struct slice){bytes, 6 * LIMIT_MEDIA_CHUNK_BYTES}));
        media_put_end(puts[i]);
    }
    free(bytes);
    assert_int_equal(sent_count, LIMIT_MEDIA_CHUNKS_OUT);
    run_for(5);
    assert_int_equal(sent_count, LIMIT_MEDIA_CHUNKS_OUT);
    media_put_stop(&puts[0]);
    assert_true(is(sent_count - 1, "STREAM.PURGE"));
    run_for(5);
    assert_int_equal(sent_count, LIMIT_MEDIA_CHUNKS_OUT + 1 + LIMIT_MEDIA_WINDOW);
    assert_int_equal(sent[sent_count - 1].payload[0], 0); /* of the first put that had none on its way */
    assert_int_equal(sent[sent_count - LIMIT_MEDIA_WINDOW].payload[0], WIDE);
    for (uint64_t seq = 1; rig.dones < PUTS - 1; answered++) {
        if (answered == sent_count) {
            run_for(1);
        }
        assert_true(answered < sent_count);
        size_t open = 0;
        for (size_t i = answered; i < sent_count; i++) {
            open += sent[i].open && !sent[i].api && strstr(sent[i].subject, ".C.");
        }
        assert_true(open <= LIMIT_MEDIA_CHUNKS_OUT);
        if (sent[answered].open && !sent[answered].api) {
            answer(answered, FAULT_OK, seq++);
        }
    }
}

static void test_swept_twice(void **state)
{
    /* A server may store what was under way after it has purged: the chunks are removed once more a little
     * later. */
    (void)state;
    begin();
    add(2 * LIMIT_MEDIA_CHUNK_BYTES + 1, 'a');
    assert_int_equal(sent_count, 2);
    answer(0, FAULT_OK, 1);
    media_put_stop(&rig.put);
    assert_true(is(2, "STREAM.PURGE.OBJ_b"));
    answer_json(2, json_pack("{s:b}", "success", 1));
    run_for(LIMIT_RESEND_MS + 100);
    assert_int_equal(sent_count, 4);
    assert_true(is(3, "STREAM.PURGE.OBJ_b") && has(3, sent[0].subject));
    answer_json(3, json_pack("{s:b}", "success", 1));
    run_for(LIMIT_RESEND_MS + 100);
    assert_int_equal(sent_count, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small_in_one_round_trip),
        TEST(test_window),
        TEST(test_chunks_out_of_order),
        TEST(test_removal_fails),
        TEST(test_chunk_fails_behind_metadata),
        TEST(test_others_metadata_stay),
        TEST(test_ack_of_metadata_lost),
        TEST(test_other_is_kept),
        TEST(test_other_is_replaced),
        TEST(test_name_race),
        TEST(test_stop_drops_all),
        TEST(test_many_puts),
        TEST(test_swept_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
