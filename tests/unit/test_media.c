/* test_media.c - objects written and read against a real server: bytes, ranges, metadata, the same bytes
 * twice, bounded memory. */
#include "media_rig.h"

#include <limits.h>

#include "wire/base64.h"
#include "wire/digest.h"

static void digest_text(unsigned seed, uint64_t bytes, char out[DIGEST_HEX_CHARS + 1])
{
    unsigned char sum[DIGEST_BYTES];
    char *p = mem_new(bytes + 1);

    for (uint64_t i = 0; i < bytes; i++) {
        p[i] = rig_byte(seed, i);
    }
    digest_of((struct slice){p, bytes}, sum);
    digest_hex(sum, out);
    free(p);
}

static void test_sizes(void **state)
{
    /* Objects of all sizes around the chunk come back byte for byte, under their digest, in as many chunks as
     * they need. */
    static const uint64_t sizes[] = {0, 1, 5000, 131071, 131072, 131073, 262144, 262145, 1000000};
    char want[DIGEST_HEX_CHARS + 1];
    size_t chunks = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct media_info info = put_object((unsigned)i, sizes[i]);
        digest_text((unsigned)i, sizes[i], want);
        assert_string_equal(info.digest, want);
        chunks += (sizes[i] + LIMIT_MEDIA_CHUNK_BYTES - 1) / LIMIT_MEDIA_CHUNK_BYTES;
        get_object((unsigned)i, info.digest, 0, 0, sizes[i]);
        rig_expect(chunks, i + 1);
    }
}

static void test_steps(void **state)
{
    /* How the bytes are cut when they are added does not matter. */
    static const size_t steps[] = {1, 1000, 65536};
    char want[DIGEST_HEX_CHARS + 1];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct put p = {.seed = 40 + (unsigned)i, .bytes = i ? 600000 : 140000, .step = steps[i]};
        put_begin(&p, UINT64_MAX, 5000);
        rig_spin();
        assert_int_equal(p.fault, FAULT_OK);
        digest_text(p.seed, p.bytes, want);
        assert_string_equal(p.info.digest, want);
        get_object(p.seed, want, 0, 0, p.bytes);
    }
}

static void test_one_long_add(void **state)
{
    /* One add may be longer than the window; a false from it says to wait, but all of it is taken. */
    struct put p = {.seed = 3, .bytes = 3000000};
    char *bytes = mem_new(p.bytes);

    (void)state;
    for (uint64_t i = 0; i < p.bytes; i++) {
        bytes[i] = rig_byte(p.seed, i);
    }
    p.put = media_put_start(rig.media, NULL, p.bytes, 5000, put_room, put_done, &p);
    p.added = p.bytes;
    assert_false(media_put_add(p.put, (struct slice){bytes, p.bytes}));
    free(bytes);
    media_put_end(p.put);
    rig_spin();
    assert_int_equal(p.fault, FAULT_OK);
    get_object(3, p.info.digest, 0, 0, p.bytes);
}

static void stat_told(void *arg, enum fault fault, const struct media_info *info)
{
    struct put *p = arg;

    put_done(p, fault, info);
}

static void test_stat(void **state)
{
    /* A stat tells size, type, picture size and when it was stored, or that there is no such object. */
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0,
                                        13,   'I', 'H', 'D', 'R',  0,    0,    2,    0, 0, 0,
                                        1,    0,   8,   2,   0,    0,    0,    0,    0, 0};
    struct put p = {.added = sizeof(png), .bytes = sizeof(png)}, s = {0};

    (void)state;
    p.put = media_put_start(rig.media, "", UINT64_MAX, 5000, put_room, put_done, &p);
    assert_true(media_put_add(p.put, (struct slice){(const char *)png, sizeof(png)}));
    media_put_end(p.put);
    rig_spin();
    assert_int_equal(p.fault, FAULT_OK);
    assert_string_equal(p.info.type, "image/png");
    assert_int_equal(p.info.width, 512);
    assert_int_equal(p.info.height, 256);
    media_stat(rig.media, p.info.digest, stat_told, &s);
    rig_spin();
    assert_int_equal(s.fault, FAULT_OK);
    assert_string_equal(s.info.type, "image/png");
    assert_string_equal(s.info.digest, p.info.digest);
    assert_int_equal(s.info.bytes, sizeof(png));
    assert_int_equal(s.info.width, 512);
    assert_int_equal(s.info.height, 256);
    assert_true(s.info.stored_ms > 1500000000000);

    static const char *const none[] = {"0000000000000000000000000000000000000000000000000000000000000000", "",
                                       "x", "$O.>*"};
    for (size_t i = 0; i < 4; i++) {
        s = (struct put){0};
        media_stat(rig.media, none[i], stat_told, &s);
        rig_spin();
        assert_int_equal(s.fault, FAULT_NO_MEDIA);
        struct get g = {0};
        get_begin(&g, none[i], 0, 0);
        get_finish(&g);
        assert_int_equal(g.head_fault, FAULT_NO_MEDIA);
        assert_int_equal(g.ends, 0);
    }
    s = (struct put){0};
    uint64_t token = media_stat(rig.media, p.info.digest, stat_told, &s);
    media_stat_stop(rig.media, token);
    media_stat_stop(rig.media, token);
    rig_wait(200);
    assert_int_equal(s.dones, 0);
}

static void test_type_given(void **state)
{
    /* A type that the caller knows is kept; one that is too long is sniffed for instead. */
    char long_type[100];

    (void)state;
    memset(long_type, 'a', sizeof(long_type) - 1);
    long_type[sizeof(long_type) - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        struct put p = {.seed = 9 + (unsigned)i, .bytes = 100};
        p.put = media_put_start(rig.media, i ? long_type : "audio/x-strange", UINT64_MAX, 5000, put_room,
                                put_done, &p);
        put_feed(&p);
        rig_spin();
        assert_int_equal(p.fault, FAULT_OK);
        assert_string_equal(p.info.type, i ? "" : "audio/x-strange");
    }
}

static void test_metadata(void **state)
{
    /* What is stored is an object as ADR-20 describes it, so that any NATS client can read it. */
    struct media_info info = put_object(1, 300000);
    char name[BASE64_CHARS(DIGEST_HEX_CHARS) + 1];

    (void)state;
    base64_write(name, slice_of(info.digest), true);
    AUTO(auto_free) char *subject = mem_printf("$O.test.M.%s", name);
    json_t *answer = rig_api("STREAM.MSG.GET.OBJ_test", json_pack("{s:s}", "last_by_subj", subject));
    const char *data = json_string_value(json_object_get(json_object_get(answer, "message"), "data"));
    assert_non_null(data);
    struct base64 decoder = {0};
    AUTO(auto_free) unsigned char *text = mem_new(strlen(data) + 3);
    long n = base64_feed(&decoder, data, strlen(data), text);
    json_t *meta = json_loadb((char *)text, (size_t)n, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(meta, "name")), info.digest);
    assert_string_equal(json_string_value(json_object_get(meta, "description")), "");
    assert_string_equal(json_string_value(json_object_get(meta, "bucket")), "test");
    assert_string_equal(json_string_value(json_object_get(meta, "mtime")), "0001-01-01T00:00:00Z");
    assert_int_equal(json_integer_value(json_object_get(meta, "size")), 300000);
    assert_int_equal(json_integer_value(json_object_get(meta, "chunks")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(meta, "options"), "max_chunk_size")),
                     131072);
    assert_int_equal(strlen(json_string_value(json_object_get(meta, "nuid"))), 22);
    assert_string_equal(json_string_value(json_object_get(json_object_get(meta, "metadata"), "first-seq")),
                        "1");
    const char *digest = json_string_value(json_object_get(meta, "digest"));
    unsigned char sum[DIGEST_BYTES + 3];
    char hex[DIGEST_HEX_CHARS + 1];
    assert_int_equal(strncmp(digest, "SHA-256=", 8), 0);
    decoder = (struct base64){0};
    assert_int_equal(base64_feed(&decoder, digest + 8, strlen(digest + 8), sum), DIGEST_BYTES);
    digest_hex(sum, hex);
    assert_string_equal(hex, info.digest);
    assert_int_equal(strcspn(digest + 8, "+/"), strlen(digest + 8));
    assert_int_equal(digest[strlen(digest) - 1], '=');
    AUTO(auto_free)
    char *chunks = mem_printf("$O.test.C.%s", json_string_value(json_object_get(meta, "nuid")));
    assert_int_equal(rig_count(chunks), 3);
    json_decref(meta);
    json_decref(answer);
}

/* Two objects whose chunks lie between each other's in the stream. */
static void put_two(struct media_info ret_infos[2], uint64_t bytes)
{
    struct put p[2] = {{.seed = 1, .bytes = bytes, .keep_running = true},
                       {.seed = 2, .bytes = bytes, .keep_running = true}};

    put_begin(&p[0], UINT64_MAX, 5000);
    put_begin(&p[1], UINT64_MAX, 5000);
    while (!p[0].dones || !p[1].dones) {
        rig_wait(5);
    }
    ret_infos[0] = p[0].info;
    ret_infos[1] = p[1].info;
}

static void test_ranges(void **state)
{
    /* Any part is read exactly, also from an object whose chunks are spread over the stream. */
    static const uint64_t bytes = 1500000,
                          firsts[] = {0, 1, 131071, 131072, 131073, 700000, 1441791, 1441792, 1499999};
    static const uint64_t lengths[] = {1, 2, 131072, 131073, 400000, 1500000, UINT64_MAX};
    struct media_info infos[2];

    (void)state;
    put_two(infos, bytes);
    for (unsigned o = 0; o < 2; o++) {
        for (size_t f = 0; f < sizeof(firsts) / sizeof(*firsts); f++) {
            for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++) {
                uint64_t left = bytes - firsts[f];
                get_object(o + 1, infos[o].digest, firsts[f], lengths[l],
                           lengths[l] < left ? lengths[l] : left);
            }
            get_object(o + 1, infos[o].digest, firsts[f], 0, bytes - firsts[f]);
        }
        get_object(o + 1, infos[o].digest, bytes, 0, 0);
        get_object(o + 1, infos[o].digest, bytes + 1, 5, 0);
        get_object(o + 1, infos[o].digest, UINT64_MAX, UINT64_MAX, 0);
    }
    struct media_info small = put_object(5, 1000);
    get_object(5, small.digest, 10, 20, 20);
    get_object(5, small.digest, 990, 0, 10);
    get_object(5, small.digest, 1000, 0, 0);
}

static void test_pauses(void **state)
{
    /* A reader that pauses after each chunk loses nothing, and no more than the window waits for it. */
    struct media_info info = put_object(7, 2000000);
    struct get g = {.seed = 7, .pause_every = 1}, h = {.seed = 7, .hold = true};

    (void)state;
    get_begin(&g, info.digest, 0, 0);
    get_finish(&g);
    assert_int_equal(g.fault, FAULT_OK);
    assert_int_equal(g.bytes, 2000000);

    get_begin(&h, info.digest, 0, 0);
    rig_spin();
    assert_int_equal(h.datas, 1);
    rig_wait(300);
    assert_int_equal(h.datas, 1);
    json_t *names = rig_api("CONSUMER.LIST.OBJ_test", NULL);
    json_t *consumer = json_array_get(json_object_get(names, "consumers"), 0);
    json_int_t delivered =
        json_integer_value(json_object_get(json_object_get(consumer, "delivered"), "consumer_seq"));
    assert_true(delivered <= 1 + LIMIT_MEDIA_WINDOW);
    json_decref(names);
    h.hold = false;
    media_get_resume(h.get);
    assert_int_equal(h.datas, 1); /* not from inside */
    get_finish(&h);
    assert_int_equal(h.fault, FAULT_OK);
    assert_int_equal(h.bytes, 2000000);
    rig_expect_no_consumer();
}

static void test_same_bytes(void **state)
{
    /* The same bytes are stored once, whether one after the other or at the same time. */
    static const uint64_t sizes[] = {0, 5000, 500000};
    size_t chunks = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        chunks += (sizes[i] + LIMIT_MEDIA_CHUNK_BYTES - 1) / LIMIT_MEDIA_CHUNK_BYTES;
        struct media_info first = put_object(20 + i, sizes[i]);
        struct media_info again = put_object(20 + i, sizes[i]);
        assert_string_equal(first.digest, again.digest);
        assert_true(again.stored_ms > 0); /* the first one's */
        rig_expect(chunks, 2 * i + 1);

        struct put p[2] = {{.seed = 30 + i, .bytes = sizes[i] + 1, .keep_running = true},
                           {.seed = 30 + i, .bytes = sizes[i] + 1, .keep_running = true}};
        put_begin(&p[0], UINT64_MAX, 5000);
        put_begin(&p[1], UINT64_MAX, 5000);
        while (!p[0].dones || !p[1].dones) {
            rig_wait(5);
        }
        assert_int_equal(p[0].fault, FAULT_OK);
        assert_int_equal(p[1].fault, FAULT_OK);
        chunks += (sizes[i] + LIMIT_MEDIA_CHUNK_BYTES) / LIMIT_MEDIA_CHUNK_BYTES;
        rig_expect(chunks, 2 * i + 2);
        get_object(20 + i, first.digest, 0, 0, sizes[i]);
        get_object(30 + i, p[0].info.digest, 0, 0, sizes[i] + 1);
    }
}

static void test_renewed(void **state)
{
    /* An object older than half the bucket's age is written again, so that it lives on; its old chunks go. */
    (void)state;
    rig_start(-1, 4000);
    struct media_info a = put_object(1, 300000), b = put_object(2, 3000);
    rig_expect(4, 2);
    rig_wait(2200);
    assert_int_equal(put_object(1, 300000).stored_ms, 0);
    assert_int_equal(put_object(2, 3000).stored_ms, 0);
    rig_expect(4, 2);
    rig_wait(2200); /* the first ones would be gone now */
    get_object(1, a.digest, 0, 0, 300000);
    get_object(2, b.digest, 0, 0, 3000);
}

static void purge(const char *filter)
{
    json_t *answer = rig_api("STREAM.PURGE.OBJ_test", json_pack("{s:s}", "filter", filter));

    assert_true(json_is_true(json_object_get(answer, "success")));
    json_decref(answer);
}

static void test_broken_is_replaced(void **state)
{
    /* An object that lost its chunks, or was deleted by another client, is stored anew by the next put. */
    static const uint64_t sizes[] = {5000, 500000};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct media_info info = put_object(i, sizes[i]);
        purge("$O.test.C.>");
        struct get g = {.seed = i};
        get_begin(&g, info.digest, 0, 0);
        get_finish(&g);
        assert_int_equal(g.fault, FAULT_BAD_DATA);
        put_object(i, sizes[i]);
        get_object(i, info.digest, 0, 0, sizes[i]);

        char name[BASE64_CHARS(DIGEST_HEX_CHARS) + 1];
        base64_write(name, slice_of(info.digest), true);
        AUTO(auto_free) char *subject = mem_printf("$O.test.M.%s", name);
        rig_publish(subject,
                    slice_of(i ? "not JSON" : "{\"deleted\":true,\"nuid\":\">\",\"size\":0,\"chunks\":0}"));
        struct get h = {0};
        get_begin(&h, info.digest, 0, 0);
        get_finish(&h);
        assert_int_equal(h.head_fault, FAULT_NO_MEDIA);
        put_object(i, sizes[i]);
        get_object(i, info.digest, 0, 0, sizes[i]);
    }
}

/* Stores the object of a seed as another client might: chunks of step bytes, no metadata of ours, under name.
 */
static void put_foreign(unsigned seed, size_t bytes, size_t step, const char *digest, const char *options)
{
    char name[BASE64_CHARS(DIGEST_HEX_CHARS) + 1];
    char *p = mem_new(bytes);
    size_t chunks = 0;

    for (size_t i = 0; i < bytes; i++) {
        p[i] = rig_byte(seed, i);
    }
    AUTO(auto_free) char *chunk = mem_printf("$O.test.C.foreign%u", seed);
    for (size_t at = 0; at < bytes; at += step, chunks++) {
        rig_publish(chunk, (struct slice){p + at, bytes - at < step ? bytes - at : step});
        rig_publish("$O.test.C.between", slice_of("x"));
    }
    base64_write(name, slice_of(digest), true);
    AUTO(auto_free) char *subject = mem_printf("$O.test.M.%s", name);
    AUTO(auto_free)
    char *meta = mem_printf(
        "{\"name\":\"%s\",%s\"bucket\":\"test\",\"nuid\":\"foreign%u\",\"size\":%zu,\"chunks\":%zu}", digest,
        options, seed, bytes, chunks);
    rig_publish(subject, slice_of(meta));
    free(p);
}

static void test_foreign_objects(void **state)
{
    /* Objects of other writers are read whole and in part, whatever their chunk size. */
    char digest[DIGEST_HEX_CHARS + 1];

    (void)state;
    digest_text(1, 100000, digest);
    put_foreign(1, 100000, 777, digest, "\"options\":{\"max_chunk_size\":777},");
    get_object(1, digest, 0, 0, 100000);
    get_object(1, digest, 50000, 1000, 1000);
    digest_text(2, 2000000, digest);
    put_foreign(2, 2000000, 1000000, digest,
                "\"options\":{\"max_chunk_size\":131072},"); /* which is not so */
    get_object(2, digest, 0, 0, 2000000);
    get_object(2, digest, 1999000, 0, 1000);
    digest_text(3, 999, digest);
    put_foreign(3, 999, 5000, digest, "");
    get_object(3, digest, 0, 0, 999);
    get_object(3, digest, 998, 0, 1);
}

static void test_wrong_bytes(void **state)
{
    /* Bytes that are not those of the name end in BAD_DATA, as do chunks that are missing, too many or too
     * long. */
    static const char other[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    static const size_t steps[] = {5000, 700};
    char digest[DIGEST_HEX_CHARS + 1];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct get g = {.seed = i};
        put_foreign(i, 5000, steps[i], other, "");
        get_begin(&g, other, 0, 0);
        get_finish(&g);
        assert_int_equal(g.fault, FAULT_BAD_DATA);
        assert_int_equal(g.bytes, 5000);
    }
    digest_text(3, 5000, digest);
    put_foreign(3, 5000, 700, digest, "");
    AUTO(auto_free) char *chunk = mem_printf("$O.test.C.foreign%u", 3);
    rig_publish(chunk, slice_of("one too many"));
    struct get g = {.seed = 3};
    get_begin(&g, digest, 0, 0);
    get_finish(&g);
    assert_int_equal(g.fault, FAULT_BAD_DATA);
    purge(chunk);
    rig_publish(chunk, slice_of("too few"));
    g = (struct get){.seed = 3};
    get_begin(&g, digest, 0, 0);
    get_finish(&g);
    assert_int_equal(g.fault, FAULT_BAD_DATA);
    put_foreign(4, 20, 10, digest, "");
    purge("$O.test.C.foreign4");
    rig_publish("$O.test.C.foreign4", slice_of("0123456789012345678901234567890123456789"));
    rig_publish("$O.test.C.foreign4", slice_of(""));
    g = (struct get){.seed = 4};
    get_begin(&g, digest, 0, 0);
    get_finish(&g);
    assert_int_equal(g.fault, FAULT_BAD_DATA);
    assert_int_equal(g.bytes, 0);
}

/* A sanitizer keeps freed memory, or a shadow of all of it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static void test_memory(void **state)
{
    /* A large object goes through in both directions with bounded memory. */
#ifdef SANITIZED
    uint64_t bytes = 32 * MIB;
    long bound_kib = LONG_MAX;
#else
    uint64_t bytes = 256 * MIB;
    long bound_kib = 8 * 1024;
#endif

    (void)state;
    struct media_info info = put_object(1, 4 * MIB);
    get_object(1, info.digest, 0, 0, 4 * MIB);
    long before = rig_resident_kib();
    info = put_object(2, bytes);
    long put = rig_resident_kib();
    get_object(2, info.digest, 0, 0, bytes);
    long get = rig_resident_kib();
    assert_true(put - before <= bound_kib);
    assert_true(get - before <= bound_kib);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sizes),
        TEST(test_steps),
        TEST(test_one_long_add),
        TEST(test_stat),
        TEST(test_type_given),
        TEST(test_metadata),
        TEST(test_ranges),
        TEST(test_pauses),
        TEST(test_same_bytes),
        cmocka_unit_test_teardown(test_renewed, rig_teardown),
        TEST(test_broken_is_replaced),
        TEST(test_foreign_objects),
        TEST(test_wrong_bytes),
        TEST(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
