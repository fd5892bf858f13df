/* test_target.c - paths and query parameters of request targets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/target.h"

static void test_split(void **state)
{
    /* Proves: a target is split at its first question mark, in its own memory or into another. */
    struct slice path = {NULL, 0}, query = {NULL, 0};
    char text[] = "/a%20b?c?d", other[sizeof(text)];

    (void)state;
    assert_null(target_split(slice_of(text), other, &path, &query));
    assert_true(slice_is(path, "/a b") && path.p == other);
    assert_true(slice_is(query, "c?d"));
    assert_null(target_split(slice_of(text), text, &path, &query));
    assert_true(slice_is(path, "/a b") && path.p == text);
    assert_true(slice_is(query, "c?d"));
    assert_null(target_split(slice_of("/a?"), other, &path, &query));
    assert_true(query.p && !query.n);
    assert_null(target_split(slice_of("/a"), other, &path, &query));
    assert_null(query.p);
}

static void test_split_refuses(void **state)
{
    /* Proves: a refused target says why and sets nothing. */
    struct slice path = {"x", 1}, query = {"y", 1};
    char other[16];

    (void)state;
    assert_non_null(target_split((struct slice){NULL, 0}, other, &path, &query));
    assert_non_null(target_split(slice_of("a"), other, &path, &query));
    assert_non_null(target_split(slice_of("/%2"), other, &path, &query));
    assert_non_null(target_split(slice_of("/a/.."), other, &path, &query));
    assert_non_null(target_split(slice_of("/a b"), other, &path, &query));
    assert_non_null(target_split(slice_of("/a?\x7f"), other, &path, &query));
    assert_true(slice_is(path, "x") && slice_is(query, "y"));
}

static void test_param(void **state)
{
    /* Proves: query parameters are found whole, decoded once, and refused when they do not fit or make no
     * sense. */
    static const struct {
        const char *query;
        const char *value; /* NULL: none */
    } rows[] = {
        {"wait=5", "5"},
        {"a=1&wait=5", "5"},
        {"wait=5&wait=6", "5"},
        {"wait=a%20b+c", "a b c"},
        {"wait=%2541", "%41"},
        {"wait=%39%4a%4A", "9JJ"},
        {"wait=a=b", "a=b"},
        {"wait=", ""},
        {"wait=1234567", "1234567"},
        {"wait=%31234567", "1234567"},
        {"wait=12345678", NULL},
        {"", NULL},
        {"wait", ""},
        {"await=5", NULL},
        {"waits=5", NULL},
        {"Wait=5", NULL},
        {"wait=%0", NULL},
        {"wait=%00", NULL},
        {"wait=%zz", NULL},
        {"&&wait=5", "5"},
        {"=5", NULL},
        {"wait&a", ""},
        {"wait%3d=5", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[8] = "?";
        bool found = target_param(slice_of(rows[i].query), "wait", out, sizeof(out));
        if (found != (rows[i].value != NULL) || (found && strcmp(out, rows[i].value) != 0)) {
            fail_msg("%s: %d %s", rows[i].query, found, out);
        }
    }
    char out[8];
    assert_false(target_param((struct slice){NULL, 0}, "wait", out, sizeof(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_refuses),
        cmocka_unit_test(test_param),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
