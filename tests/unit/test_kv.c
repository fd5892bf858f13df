/* test_kv.c - key-value buckets on a real server, and the pure parts beside them. */
#include "busrig.h"

#include "edge/kv.h"
#include "edge/kv_history.h"
#include "edge/kv_internal.h"

/* ---- pure ---- */

static void keys_are_checked(void **state)
{
    /* What may be a key, and what may not. */
    const char *const good[] = {"a", "a.b", "A_b=c-9.z", "-", "0"};
    const char *const bad[] = {"", ".", "a.", ".a", "a..b", "a b", "a*", ">", "a/b", "é", "a\n", "$x"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(kv_key_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(kv_key_valid(bad[i]));
    }
}

/* ---- on the server ---- */

struct got {
    struct rig *rig;
    enum fault fault;
    uint64_t revision;
    int64_t time_ms;
    bool deleted;
    char value[64];
};

static void got_entry(void *arg, enum fault fault, const struct kv_entry *entry)
{
    struct got *g = arg;

    g->fault = fault;
    assert_true((fault == FAULT_OK) == (entry != NULL));
    if (entry) {
        g->revision = entry->revision;
        g->time_ms = entry->time_ms;
        g->deleted = entry->deleted;
        assert_int_equal(entry->age_ms, -1);
        snprintf(g->value, sizeof(g->value), "%.*s", (int)entry->value.n,
                 entry->value.p ? entry->value.p : "");
    }
    rig_done(g->rig);
}

static char bucket_name[16]; /* of the test that runs */

static struct got get(struct rig *r, const char *bucket, const char *key, bool leader)
{
    struct got g = {.rig = r};

    kv_get(r->bus, bucket, key, leader, got_entry, &g);
    rig_wait(r, 1);
    return g;
}

static void wrote(void *arg, enum fault fault, uint64_t revision)
{
    struct got *g = arg;

    g->fault = fault;
    g->revision = revision;
    rig_done(g->rig);
}

static struct got put(struct rig *r, const char *key, const char *value, int64_t expect)
{
    struct got g = {.rig = r};

    kv_put(r->bus, bucket_name, key, slice_of(value), expect, 5000, wrote, &g);
    rig_wait(r, 1);
    return g;
}

/* A bucket of its own for each test: a stream that is made again under a name just deleted may get its old
 * messages back from server 2.15.1. */
static void bucket_with(struct rig *r, int history)
{
    static int buckets;
    char name[32], subject[64], subjects[64];

    snprintf(bucket_name, sizeof(bucket_name), "B%d", ++buckets);
    snprintf(name, sizeof(name), "KV_%s", bucket_name);
    snprintf(subject, sizeof(subject), "$JS.API.STREAM.CREATE.%s", name);
    snprintf(subjects, sizeof(subjects), "$KV.%s.>", bucket_name);
    rig_make(r, subject,
             json_pack("{s:s, s:[s], s:i, s:s, s:b, s:b, s:b}", "name", name, "subjects", subjects,
                       "max_msgs_per_subject", history, "discard", "new", "allow_rollup_hdrs", 1,
                       "deny_delete", 1, "allow_direct", 1));
}

static void bucket(struct rig *r)
{
    bucket_with(r, 1);
}

static void entries_are_written_and_read(void **state)
{
    /* A value comes back with its revision and time, from any server and from the leader; what is not there
     * has revision 0. */
    struct rig *r = rig_of(state);

    bucket(r);
    for (int leader = 0; leader < 2; leader++) {
        struct got g = get(r, bucket_name, "no.key", leader);
        assert_int_equal(g.fault, FAULT_OK);
        assert_int_equal(g.revision, 0);
    }
    struct got w = put(r, "a.key", "one", -1);
    assert_int_equal(w.fault, FAULT_OK);
    assert_int_equal(w.revision, 1);
    for (int leader = 0; leader < 2; leader++) {
        struct got g = get(r, bucket_name, "a.key", leader);
        assert_int_equal(g.fault, FAULT_OK);
        assert_int_equal(g.revision, 1);
        assert_string_equal(g.value, "one");
        assert_false(g.deleted);
        assert_true(g.time_ms > 1600000000000 && g.time_ms < 4000000000000);
    }
}

static void writes_compare_the_revision(void **state)
{
    /* 0: only if there is none; n: only after n; each stale write is a CONFLICT and changes nothing. */
    struct rig *r = rig_of(state);

    bucket(r);
    assert_int_equal(put(r, "k", "1", 0).fault, FAULT_OK);
    assert_int_equal(put(r, "k", "x", 0).fault, FAULT_CONFLICT);
    struct got w = put(r, "k", "2", 1);
    assert_int_equal(w.fault, FAULT_OK);
    assert_int_equal(w.revision, 2);
    assert_int_equal(put(r, "k", "x", 1).fault, FAULT_CONFLICT);
    assert_int_equal(put(r, "k", "x", 7).fault, FAULT_CONFLICT);
    assert_string_equal(get(r, bucket_name, "k", true).value, "2");
    assert_int_equal(put(r, "k", "3", -1).fault, FAULT_OK);
    assert_string_equal(get(r, bucket_name, "k", true).value, "3");
}

static void one_of_two_writers_wins(void **state)
{
    /* Two writes after the same revision at the same time: one OK, one CONFLICT, the value is the winner's.
     */
    struct rig *r = rig_of(state);

    bucket(r);
    assert_int_equal(put(r, "k", "0", 0).fault, FAULT_OK);
    uint64_t revision = 1;
    for (int i = 0; i < 50; i++) {
        struct got a = {.rig = r}, b = a;
        kv_put(r->bus, bucket_name, "k", slice_of("a"), (int64_t)revision, 5000, wrote, &a);
        kv_put(r->bus, bucket_name, "k", slice_of("b"), (int64_t)revision, 5000, wrote, &b);
        rig_wait(r, 2);
        assert_true((a.fault == FAULT_OK && b.fault == FAULT_CONFLICT) ||
                    (b.fault == FAULT_OK && a.fault == FAULT_CONFLICT));
        assert_string_equal(get(r, bucket_name, "k", true).value, a.fault == FAULT_OK ? "a" : "b");
        revision = a.fault == FAULT_OK ? a.revision : b.revision;
    }
}

static void delete_leaves_a_marker(void **state)
{
    /* After a delete the entry reads as deleted with the marker's revision, after which it can be written
     * anew. */
    struct rig *r = rig_of(state);
    struct got w = {.rig = r};

    bucket(r);
    put(r, "k", "1", 0);
    kv_delete(r->bus, bucket_name, "k", 5000, wrote, &w);
    rig_wait(r, 1);
    assert_int_equal(w.fault, FAULT_OK);
    for (int leader = 0; leader < 2; leader++) {
        struct got g = get(r, bucket_name, "k", leader);
        assert_int_equal(g.fault, FAULT_OK);
        assert_true(g.deleted);
        assert_int_equal(g.revision, w.revision);
        assert_string_equal(g.value, "");
    }
    assert_int_equal(put(r, "k", "x", 0).fault, FAULT_CONFLICT);
    assert_int_equal(put(r, "k", "2", (int64_t)w.revision).fault, FAULT_OK);
    assert_false(get(r, bucket_name, "k", false).deleted);
}

static void bad_keys_and_buckets_are_faults(void **state)
{
    /* A key that cannot be one is INTERNAL and touches nothing; a bucket that is not there is a fault, never
     * OK. */
    struct rig *r = rig_of(state);

    bucket(r);
    assert_int_equal(put(r, "a..b", "x", -1).fault, FAULT_INTERNAL);
    assert_int_equal(put(r, ">", "x", -1).fault, FAULT_INTERNAL);
    assert_int_equal(get(r, bucket_name, "*", false).fault, FAULT_INTERNAL);
    assert_int_equal(get(r, bucket_name, "*", true).fault, FAULT_INTERNAL);
    assert_int_equal(get(r, "NONE", "k", true).fault, FAULT_INTERNAL);
}

static void never(void *arg, enum fault fault, const struct kv_entry *entry)
{
    (void)arg;
    (void)fault;
    (void)entry;
    fail_msg("a stopped read was answered");
}

static void reads_can_be_stopped(void **state)
{
    /* The token stops either kind of read; its context goes with it. */
    struct rig *r = rig_of(state);

    bucket(r);
    bus_ask_stop(r->bus, kv_get(r->bus, bucket_name, "k", false, never, NULL));
    bus_ask_stop(r->bus, kv_get(r->bus, bucket_name, "k", true, never, NULL));
    rig_sleep(r, 50);
}

/* ---- scans ---- */

struct sweep {
    struct rig *rig;
    int stop_after; /* 0: never */
    int n;
    uint64_t last;
    enum fault fault;
    char keys[256];
};

static bool sweep_each(void *arg, const char *key, const struct kv_entry *entry)
{
    struct sweep *s = arg;

    assert_true(entry->revision > s->last);
    assert_true(entry->time_ms > 0);
    assert_true(slice_is(entry->value, key));
    s->last = entry->revision;
    if (++s->n <= 8) {
        size_t at = strlen(s->keys);
        snprintf(s->keys + at, sizeof(s->keys) - at, "%s ", key);
    }
    return !s->stop_after || s->n < s->stop_after;
}

static void sweep_done(void *arg, enum fault fault)
{
    struct sweep *s = arg;

    s->fault = fault;
    rig_done(s->rig);
}

static struct sweep sweep(struct rig *r, const char *where, const char *filter, int stop_after)
{
    struct sweep s = {.rig = r, .stop_after = stop_after};

    kv_scan(r->bus, where, filter, sweep_each, sweep_done, &s);
    rig_wait(r, 1);
    return s;
}

static void scan_gives_live_entries(void **state)
{
    /* Entries come oldest revision first, once each, without deleted ones; the filter is NATS's; no match is
     * fine. */
    struct rig *r = rig_of(state);
    struct got w = {.rig = r};

    bucket(r);
    assert_int_equal(sweep(r, bucket_name, ">", 0).n, 0);
    put(r, "x.1", "x.1", 0);
    put(r, "y.1", "y.1", 0);
    put(r, "x.2", "x.2", 0);
    put(r, "x.3", "x.3", 0);
    put(r, "x.1", "x.1", -1);
    kv_delete(r->bus, bucket_name, "x.3", 5000, wrote, &w);
    rig_wait(r, 1);
    struct sweep s = sweep(r, bucket_name, "x.*", 0);
    assert_int_equal(s.fault, FAULT_OK);
    assert_string_equal(s.keys, "x.2 x.1 ");
    s = sweep(r, bucket_name, ">", 0);
    assert_string_equal(s.keys, "y.1 x.2 x.1 ");
    s = sweep(r, bucket_name, "z.*", 0);
    assert_int_equal(s.fault, FAULT_OK);
    assert_int_equal(s.n, 0);
    assert_int_equal(sweep(r, "NONE", ">", 0).fault, FAULT_INTERNAL);
}

struct past {
    struct rig *rig;
    enum fault fault;
    int n, stop_after;
    char told[128];
};

static bool past_each(void *arg, const char *key, const struct kv_entry *entry)
{
    struct past *p = arg;
    size_t at = strlen(p->told);

    assert_string_equal(key, "a.b");
    assert_true(entry->revision > 0 && entry->time_ms > 0);
    snprintf(p->told + at, sizeof(p->told) - at, "%.*s%s ", (int)entry->value.n,
             entry->value.n ? entry->value.p : "", entry->deleted ? "-" : "");
    return !p->stop_after || ++p->n < p->stop_after;
}

static void past_done(void *arg, enum fault fault)
{
    struct past *p = arg;

    p->fault = fault;
    rig_done(p->rig);
}

static void history_gives_kept_revisions(void **state)
{
    /* Every kept revision of one key comes, oldest first, deletions too; those of other keys do not. */
    struct rig *r = rig_of(state);
    struct got w = {.rig = r};
    struct past p = {.rig = r}, first = {.rig = r, .stop_after = 1}, none = {.rig = r};

    bucket_with(r, 3);
    put(r, "a.b", "one", 0);
    put(r, "a", "other", 0);
    put(r, "a.b.c", "other", 0);
    put(r, "a.b", "two", -1);
    kv_delete(r->bus, bucket_name, "a.b", 5000, wrote, &w);
    rig_wait(r, 1);
    put(r, "a.b", "three", -1);
    kv_history(r->bus, bucket_name, "a.b", past_each, past_done, &p);
    rig_wait(r, 1);
    assert_int_equal(p.fault, FAULT_OK);
    assert_string_equal(p.told, "two - three ");
    kv_history(r->bus, bucket_name, "a.b", past_each, past_done, &first);
    rig_wait(r, 1);
    assert_int_equal(first.n, 1);
    kv_history(r->bus, bucket_name, "z", past_each, past_done, &none);
    rig_wait(r, 1);
    assert_int_equal(none.fault, FAULT_OK);
    assert_string_equal(none.told, "");
    kv_history(r->bus, "NONE", "z", past_each, past_done, &none);
    rig_wait(r, 1);
    assert_int_equal(none.fault, FAULT_INTERNAL);
}

#define MANY 1000

static void scan_reads_in_pulls(void **state)
{
    /* Many more entries than one pull holds all come; stopping early ends it; no consumer is left behind. */
    struct rig *r = rig_of(state);
    static struct got writes[MANY];

    bucket(r);
    for (int i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k.%d", i);
        writes[i] = (struct got){.rig = r};
        kv_put(r->bus, bucket_name, key, slice_of(key), 0, 5000, wrote, &writes[i]);
    }
    rig_wait(r, MANY);
    struct sweep s = sweep(r, bucket_name, ">", 0);
    assert_int_equal(s.fault, FAULT_OK);
    assert_int_equal(s.n, MANY);
    s = sweep(r, bucket_name, ">", 100);
    assert_int_equal(s.fault, FAULT_OK);
    assert_int_equal(s.n, 100);
    rig_sleep(r, 100);
    char subject[64];
    snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.NAMES.KV_%s", bucket_name);
    json_t *names = rig_api(r, subject, NULL);
    assert_int_equal(json_integer_value(json_object_get(names, "total")), 0);
    json_decref(names);
}

static void free_during_a_scan(void **state)
{
    /* The bus may go in the middle: no callback, no leak. */
    struct rig *r = rig_of(state);
    struct rig *other = rig_new(r->server, NULL);
    struct sweep s = {.rig = other};

    bucket(r);
    put(r, "k", "k", 0);
    rig_wait_for(other, true);
    kv_scan(other->bus, bucket_name, ">", sweep_each, sweep_done, &s);
    rig_free(&other);
    assert_int_equal(s.n, 0);
}

static void scan_without_connection(void **state)
{
    /* Down: BUS_DOWN, told from the loop. */
    struct natsd nobody = {.url = "nats://127.0.0.1:1"};

    (void)rig_of(state);
    struct rig *down = rig_new(&nobody, NULL);
    assert_int_equal(sweep(down, bucket_name, ">", 0).fault, FAULT_BUS_DOWN);
    rig_free(&down);
}

int main(void)
{
#define KV_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_checked),    KV_TEST(entries_are_written_and_read),
        KV_TEST(writes_compare_the_revision),  KV_TEST(one_of_two_writers_wins),
        KV_TEST(delete_leaves_a_marker),       KV_TEST(bad_keys_and_buckets_are_faults),
        KV_TEST(reads_can_be_stopped),         KV_TEST(scan_gives_live_entries),
        KV_TEST(history_gives_kept_revisions), KV_TEST(scan_reads_in_pulls),
        KV_TEST(free_during_a_scan),           KV_TEST(scan_without_connection),
    };

    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
