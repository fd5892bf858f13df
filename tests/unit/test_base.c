/* test_base.c - buffers, maps, slices, ids, faults and log lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/slice.h"

static void test_buffer_keeps_its_maximum(void **state)
{
    /* Up to max bytes go in; the first append beyond is refused as a whole and the error stays. */
    (void)state;
    struct buf b;

    buf_init(&b, 10);
    buf_text(&b, "12345");
    buf_printf(&b, "%d", 67890);
    assert_true(buf_ok(&b));
    assert_string_equal(b.p, "1234567890");
    buf_char(&b, 'x');
    assert_false(buf_ok(&b));
    assert_int_equal(b.n, 10);
    assert_null(buf_take(&b));
    buf_reset(&b);
    buf_text(&b, "again");
    char *text = buf_take(&b);
    assert_string_equal(text, "again");
    free(text);
    buf_done(&b);
}

static void test_buffer_cut_drops_the_front(void **state)
{
    /* What was consumed goes, the rest stays NUL-ended. */
    (void)state;
    struct buf b;

    buf_init(&b, 100);
    buf_text(&b, "abcdef");
    buf_cut(&b, 4);
    assert_string_equal(b.p, "ef");
    buf_cut(&b, 2);
    assert_int_equal(buf_slice(&b).n, 0);
    buf_done(&b);
}

static void test_map_holds_its_maximum(void **state)
{
    /* Thousands of entries come and go; every one that is in is found, none that is out; the bound holds. */
    (void)state;
    struct map *m = map_new(5000);
    char key[32];
    static int values[5001];

    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        assert_true(map_put(m, key, &values[i]));
    }
    assert_false(map_put(m, "one more", &values[5000]));
    assert_true(map_put(m, "key-7", &values[7]));
    for (int i = 0; i < 5000; i += 2) {
        snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_drop(m, key), &values[i]);
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_find(m, key), i % 2 ? &values[i] : NULL);
    }
    assert_int_equal(map_count(m), 2500);
    map_free(&m);
    assert_null(m);
}

static void test_map_survives_churn(void **state)
{
    /* A million puts and drops of a few keys at a time neither fill it with graves nor lose an entry. */
    (void)state;
    struct map *m = map_new(16);
    char key[32];
    static int value;

    for (int i = 0; i < 1000000; i++) {
        snprintf(key, sizeof(key), "%d", i);
        assert_true(map_put(m, key, &value));
        if (i >= 8) {
            snprintf(key, sizeof(key), "%d", i - 8);
            assert_ptr_equal(map_drop(m, key), &value);
        }
    }
    assert_int_equal(map_count(m), 8);
    map_free(&m);
}

static void test_map_walk_may_drop(void **state)
{
    /* Each entry is given once although the walk drops it. */
    (void)state;
    struct map *m = map_new(100);
    char key[32];
    const char *name;
    static int value;
    size_t cursor = 0;
    int seen = 0;

    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "%d", i);
        map_put(m, key, &value);
    }
    while (map_next(m, &cursor, &name)) {
        snprintf(key, sizeof(key), "%s", name);
        assert_non_null(map_drop(m, key));
        seen++;
    }
    assert_int_equal(seen, 100);
    assert_int_equal(map_count(m), 0);
    map_free(&m);
}

static void test_slices_are_cut_at_separators(void **state)
{
    /* Parts come in order, empty ones too, and a slice without a separator once. */
    (void)state;
    struct slice rest = slice_of("a,,b"), part;

    assert_true(slice_cut(&rest, ',', &part) && slice_is(part, "a"));
    assert_true(slice_cut(&rest, ',', &part) && slice_is(part, ""));
    assert_true(slice_cut(&rest, ',', &part) && slice_is(part, "b"));
    assert_false(slice_cut(&rest, ',', &part));
    assert_true(slice_is(slice_trim(slice_of(" \tx y ")), "x y"));
    assert_true(slice_is_nocase(slice_of("Content-TYPE"), "content-type"));
}

static void test_ids_sort_by_time_and_do_not_repeat(void **state)
{
    /* UUIDv7: a later one sorts behind; 10,000 of one moment differ. */
    (void)state;
    struct map *m = map_new(10000);
    static int value;

    assert_true(strcmp(id_new(1000).text, id_new(2000).text) < 0);
    for (int i = 0; i < 10000; i++) {
        struct id id = id_new(1700000000000);
        assert_true(id_valid(id.text));
        assert_int_equal(id.text[14], '7');
        assert_null(map_find(m, id.text));
        map_put(m, id.text, &value);
    }
    map_free(&m);
    assert_false(id_valid("01973f5e-7c1a-7b8e-9d3a-2f6c1e0a4b5"));
    assert_false(id_valid("01973f5e-7c1a-7b8e-9d3a-2f6c1e0a4b5D"));
    assert_false(id_valid("01973f5e_7c1a-7b8e-9d3a-2f6c1e0a4b5d"));
}

static void test_a_pool_gives_no_bytes_twice(void **state)
{
    /* Names of both kinds drawn in turn, over many fillings of the pool, all differ and are well formed. */
    (void)state;
    struct map *m = map_new(20000);
    struct id_pool pool = {0};
    static int value;

    for (int i = 0; i < 5000; i++) {
        struct id id = id_pool_new(&pool, 1700000000000);
        char nonce[17];
        assert_true(id_valid(id.text) && id.text[14] == '7');
        id_pool_random(&pool, nonce, 8);
        assert_int_equal(strspn(nonce, "0123456789abcdef"), 16);
        assert_null(map_find(m, id.text + 15)); /* the random part */
        assert_null(map_find(m, nonce));
        map_put(m, id.text + 15, &value);
        map_put(m, nonce, &value);
    }
    map_free(&m);
}

static void test_buffer_keeps_its_bytes_as_it_grows(void **state)
{
    /* One byte at a time from nothing over the border between small and large blocks: each one stays. */
    (void)state;
    struct buf b;

    buf_init(&b, 5000);
    for (int i = 0; i < 5000; i++) {
        buf_char(&b, (char)('a' + i % 26));
    }
    assert_true(buf_ok(&b) && b.n == 5000 && b.p[5000] == '\0');
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(b.p[i], 'a' + i % 26);
    }
    buf_char(&b, 'x');
    assert_false(buf_ok(&b));
    buf_done(&b);
}

static void test_every_fault_has_its_row(void **state)
{
    /* Codes are unique (but not_found, which is the same idea twice), statuses plausible, texts there. */
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++) {
        enum fault f = (enum fault)i;
        assert_true(fault_http(f) >= 200 && fault_http(f) < 600);
        assert_true(*fault_code(f) && *fault_type(f) && *fault_text(f));
        assert_string_equal(fault_code(fault_find(fault_code(f))), fault_code(f));
    }
    assert_int_equal(fault_find("no such code"), FAULT_INTERNAL);
}

static void test_first_note_wins(void **state)
{
    /* The innermost sentence is kept; without one the fault's own text serves. */
    (void)state;
    struct note note = {0};

    assert_string_equal(note_text(&note, FAULT_TOO_LARGE), fault_text(FAULT_TOO_LARGE));
    assert_int_equal(note_set(&note, FAULT_TOO_LARGE, "first %d", 1), FAULT_TOO_LARGE);
    note_set(&note, FAULT_TOO_LARGE, "second");
    assert_string_equal(note_text(&note, FAULT_TOO_LARGE), "first 1");
    assert_int_equal(note_set(NULL, FAULT_IO, "nobody listens"), FAULT_IO);
}

static void test_log_lines_are_json(void **state)
{
    /* Whatever is in a value, a line is one JSON object on one line. */
    (void)state;
    int ends[2];
    char line[8192];

    assert_int_equal(pipe(ends), 0);
    struct log *log = log_new(ends[1], LOG_INFO);
    log_debug(log, "not written");
    log_warn(log, "odd \"event\"", LOG_TEXT("text", "a\nb\x01\\"), LOG_INT("n", -5), LOG_TEXT("none", NULL));
    log_info(log, "bare");
    ssize_t n = read(ends[0], line, sizeof(line) - 1);
    assert_true(n > 0);
    line[n] = '\0';
    char *second = strchr(line, '\n');
    assert_non_null(second);
    *second = '\0';
    json_t *value = json_loads(line, 0, NULL);
    assert_non_null(value);
    assert_string_equal(json_string_value(json_object_get(value, "text")), "a\nb\x01\\");
    assert_int_equal(json_integer_value(json_object_get(value, "n")), -5);
    assert_string_equal(json_string_value(json_object_get(value, "level")), "warn");
    assert_null(json_object_get(value, "none"));
    json_decref(value);
    log_free(&log);
    close(ends[0]);
    close(ends[1]);
}

struct item {
    struct list link;
    int n;
};

static void test_list_walk_may_drop(void **state)
{
    /* Order is kept, dropping the present element is allowed, an element in no list drops harmlessly. */
    (void)state;
    struct list head;
    struct item items[3];
    int sum = 0;

    list_init(&head);
    for (int i = 0; i < 3; i++) {
        items[i].n = i + 1;
        list_init(&items[i].link);
        list_push(&head, &items[i].link);
    }
    list_each(link, after, &head)
    {
        struct item *item = (struct item *)(void *)link;
        sum = sum * 10 + item->n;
        list_drop(link);
    }
    assert_int_equal(sum, 123);
    assert_true(list_empty(&head));
    list_drop(&items[0].link);
    assert_null(list_first(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_keeps_its_maximum),
        cmocka_unit_test(test_buffer_cut_drops_the_front),
        cmocka_unit_test(test_map_holds_its_maximum),
        cmocka_unit_test(test_map_survives_churn),
        cmocka_unit_test(test_map_walk_may_drop),
        cmocka_unit_test(test_slices_are_cut_at_separators),
        cmocka_unit_test(test_ids_sort_by_time_and_do_not_repeat),
        cmocka_unit_test(test_a_pool_gives_no_bytes_twice),
        cmocka_unit_test(test_buffer_keeps_its_bytes_as_it_grows),
        cmocka_unit_test(test_every_fault_has_its_row),
        cmocka_unit_test(test_first_note_wins),
        cmocka_unit_test(test_log_lines_are_json),
        cmocka_unit_test(test_list_walk_may_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
