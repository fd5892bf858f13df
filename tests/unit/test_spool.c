/* test_spool.c - spool files and request bodies: bounds, counting, reading anywhere, nothing left behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/limits.h"
#include "edge/spool.h"
#include "wire/base64.h"

struct place {
    char root[64];
    char dir[96];
    struct spool *spool;
};

static int setup(void **state)
{
    struct place *p = mem_new(sizeof(*p));
    struct note note = {0};

    snprintf(p->root, sizeof(p->root), "/tmp/test-spool-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    snprintf(p->dir, sizeof(p->dir), "%s/a/b", p->root);
    assert_int_equal(spool_new(p->dir, 1000000, &p->spool, &note), FAULT_OK);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    char path[128];

    spool_free(&p->spool);
    snprintf(path, sizeof(path), "%s/a/b", p->root);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/a", p->root);
    rmdir(path);
    rmdir(p->root);
    free(p);
    return 0;
}

static size_t count_files(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

/* n bytes that differ from place to place. */
static char *pattern(size_t n)
{
    char *p = mem_new(n + 1);

    for (size_t i = 0; i < n; i++) {
        p[i] = (char)(i * 7 + (i >> 8) * 13 + (i >> 16));
    }
    return p;
}

static struct spool_file *file_with(struct spool *s, const char *bytes, size_t n)
{
    struct spool_file *f = spool_file_new(s, 1000000);

    assert_non_null(f);
    assert_int_equal(spool_file_add(f, (struct slice){bytes, n}), FAULT_OK);
    return f;
}

static void test_file_reads_back(void **state)
{
    /* What is added in pieces is read at any place, and nothing beyond the end. */
    struct place *p = *state;
    AUTO(auto_free) char *want = pattern(100000);
    AUTO(auto_free) char *got = mem_new(100001);
    struct spool_file *f = spool_file_new(p->spool, 100000);

    for (size_t at = 0; at < 100000; at += 333) {
        size_t n = 100000 - at < 333 ? 100000 - at : 333;
        assert_int_equal(spool_file_add(f, (struct slice){want + at, n}), FAULT_OK);
    }
    assert_int_equal(spool_file_bytes(f), 100000);
    assert_int_equal(spool_file_read(f, 0, got, 100001), 100000);
    assert_memory_equal(got, want, 100000);
    assert_int_equal(spool_file_read(f, 99990, got, 100), 10);
    assert_memory_equal(got, want + 99990, 10);
    assert_int_equal(spool_file_read(f, 12345, got, 7), 7);
    assert_memory_equal(got, want + 12345, 7);
    assert_int_equal(spool_file_read(f, 100000, got, 1), 0);
    assert_int_equal(spool_file_read(f, UINT64_MAX, got, 1), 0);
    spool_file_drop(&f);
    assert_null(f);
}

static void test_file_has_no_name(void **state)
{
    /* A crash leaves nothing: the directory is empty while a file is in use. */
    struct place *p = *state;
    struct spool_file *f = file_with(p->spool, "hello", 5);

    assert_int_equal(count_files(p->dir), 0);
    spool_file_drop(&f);
}

static void test_file_limit(void **state)
{
    /* A file takes exactly its limit; a refused add changes nothing. */
    struct place *p = *state;
    struct spool_file *f = spool_file_new(p->spool, 10);
    char got[16];

    assert_int_equal(spool_file_add(f, slice_of("01234567")), FAULT_OK);
    assert_int_equal(spool_file_add(f, slice_of("xyz")), FAULT_TOO_LARGE);
    assert_int_equal(spool_file_bytes(f), 8);
    assert_int_equal(spool_file_add(f, slice_of("89")), FAULT_OK);
    assert_int_equal(spool_file_add(f, slice_of("!")), FAULT_TOO_LARGE);
    assert_int_equal(spool_file_add(f, (struct slice){NULL, 0}), FAULT_OK);
    assert_int_equal(spool_file_read(f, 0, got, sizeof(got)), 10);
    assert_memory_equal(got, "0123456789", 10);
    spool_file_drop(&f);
}

static void test_directory_bound(void **state)
{
    /* All files together stay below the directory's bound; dropping one makes room. */
    struct place *p = *state;
    AUTO(auto_free) char *bytes = pattern(600000);
    struct spool_file *a = file_with(p->spool, bytes, 600000);
    struct spool_file *b = spool_file_new(p->spool, 1000000);

    assert_int_equal(spool_file_add(b, (struct slice){bytes, 400001}), FAULT_OVERLOADED);
    assert_int_equal(spool_file_bytes(b), 0);
    assert_int_equal(spool_file_add(b, (struct slice){bytes, 400000}), FAULT_OK);
    assert_int_equal(spool_used(p->spool), 1000000);
    spool_file_drop(&a);
    assert_int_equal(spool_used(p->spool), 400000);
    assert_int_equal(spool_file_add(b, (struct slice){bytes, 600000}), FAULT_OK);
    spool_file_drop(&b);
    assert_int_equal(spool_used(p->spool), 0);
}

static void test_references(void **state)
{
    /* A kept file survives a drop, and files survive their spool. */
    struct place *p = *state;
    struct spool_file *f = file_with(p->spool, "abc", 3);
    struct spool_file *g = spool_file_keep(f);
    char got[4] = "";

    spool_file_drop(&f);
    assert_int_equal(spool_used(p->spool), 3);
    spool_free(&p->spool);
    assert_null(p->spool);
    assert_int_equal(spool_file_read(g, 0, got, 3), 3);
    assert_string_equal(got, "abc");
    spool_file_drop(&g);
    spool_file_drop(&g); /* harmless */
    spool_free(&p->spool);
}

static void test_bad_directories(void **state)
{
    /* A directory that cannot be made or written to is refused at start, with its name. */
    struct place *p = *state;
    struct spool *s = NULL;
    struct note note = {0};
    char path[160];

    snprintf(path, sizeof(path), "%s/plain", p->root);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(spool_new(path, 1, &s, &note), FAULT_IO);
    assert_non_null(strstr(note.text, path));
    snprintf(path, sizeof(path), "%s/plain/sub", p->root);
    note = (struct note){0};
    assert_int_equal(spool_new(path, 1, &s, &note), FAULT_IO);
    assert_non_null(strstr(note.text, "plain/sub"));
    assert_int_equal(spool_new("", 1, &s, NULL), FAULT_IO);
    assert_int_equal(spool_new("/proc/self/nothing", 1, &s, NULL), FAULT_IO);
    assert_null(s);
    snprintf(path, sizeof(path), "%s/plain", p->root);
    unlink(path);
}

static void test_no_more_descriptors(void **state)
{
    /* Without a free file descriptor what fits into memory is kept, more is refused, and it goes on later. */
    struct place *p = *state;
    struct rlimit old, low;
    AUTO(auto_free) char *bytes = pattern(LIMIT_SPOOL_SMALL_BYTES + 10);
    struct spool_file *f = spool_file_new(p->spool, MIB);

    assert_int_equal(spool_file_add(f, (struct slice){bytes, 10}), FAULT_OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = (struct rlimit){3, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    enum fault fault = spool_file_add(f, (struct slice){bytes + 10, LIMIT_SPOOL_SMALL_BYTES});
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(fault, FAULT_OVERLOADED);
    assert_int_equal(spool_file_bytes(f), 10);
    assert_int_equal(spool_file_add(f, (struct slice){bytes + 10, LIMIT_SPOOL_SMALL_BYTES}), FAULT_OK);
    AUTO(auto_free) char *got = mem_new(LIMIT_SPOOL_SMALL_BYTES + 10);
    assert_int_equal(spool_file_read(f, 0, got, LIMIT_SPOOL_SMALL_BYTES + 10), LIMIT_SPOOL_SMALL_BYTES + 10);
    assert_memory_equal(got, bytes, LIMIT_SPOOL_SMALL_BYTES + 10);
    spool_file_drop(&f);
}

static void test_failed_write(void **state)
{
    /* What a write that failed half-way left behind is not part of the file, and the file goes on. */
    struct place *p = *state;
    struct rlimit old, low;
    AUTO(auto_free) char *bytes = pattern(50000);
    struct spool_file *f = file_with(p->spool, bytes, 40000);
    char got[41500];

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = (struct rlimit){41000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    enum fault fault = spool_file_add(f, (struct slice){bytes, 5000});
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(fault, FAULT_IO);
    assert_int_equal(spool_file_bytes(f), 40000);
    assert_int_equal(spool_used(p->spool), 40000);
    assert_int_equal(spool_file_read(f, 0, got, sizeof(got)), 40000);
    assert_int_equal(spool_file_add(f, (struct slice){bytes + 40000, 500}), FAULT_OK);
    assert_int_equal(spool_file_read(f, 0, got, sizeof(got)), 40500);
    assert_memory_equal(got, bytes, 40500);
    spool_file_drop(&f);
}

/* ---- bodies ---- */

/* Reads the body from every place in steps and compares with want. */
static void check_body(const struct body *b, const char *want, size_t n, size_t step)
{
    AUTO(auto_free) char *got = mem_new(step + 1);

    assert_int_equal(body_bytes(b), n);
    for (size_t at = 0; at < n; at += step) {
        size_t expect = n - at < step ? n - at : step;
        size_t have = 0;
        while (have < expect) {
            long k = body_read(b, at + have, got + have, expect - have);
            assert_true(k > 0 && (size_t)k <= expect - have);
            have += (size_t)k;
        }
        assert_memory_equal(got, want + at, expect);
    }
    assert_int_equal(body_read(b, n, got, 1), 0);
    assert_int_equal(body_read(b, UINT64_MAX, got, 1), 0);
}

static void test_body_empty(void **state)
{
    /* A body without bytes is one that ends at once, whatever empty pieces it has. */
    struct place *p = *state;
    struct spool_file *f = spool_file_new(p->spool, 10);
    struct body *b = body_new();
    char c;

    assert_int_equal(body_bytes(b), 0);
    body_add_text(b, (struct slice){NULL, 0});
    body_add_file(b, f);
    body_add_file_base64(b, f);
    assert_int_equal(body_bytes(b), 0);
    assert_int_equal(body_read(b, 0, &c, 1), 0);
    body_add_text(b, slice_of("x"));
    assert_int_equal(body_read(b, 0, &c, 1), 1);
    assert_int_equal(c, 'x');
    spool_file_drop(&f);
    body_free(&b);
    assert_null(b);
    body_free(&b);
}

static void test_body_pieces(void **state)
{
    /* Text, file and base64 pieces read as one, from any place, in any step, again and again. */
    static const size_t steps[] = {1, 2, 3, 5, 7, 64, 3071, 4096, 4097, 50000};
    struct place *p = *state;
    AUTO(auto_free) char *bytes = pattern(10001);
    AUTO(auto_free) char *chars = mem_new(BASE64_CHARS(10001) + 1);
    size_t char_count = base64_write(chars, (struct slice){bytes, 10001}, false);
    struct spool_file *f = file_with(p->spool, bytes, 10001);
    struct body *b = body_new();

    body_add_text(b, slice_of("{\"image\":\""));
    body_add_file_base64(b, f);
    body_add_text(b, slice_of("\",\"raw\":"));
    body_add_file(b, f);
    body_add_text(b, slice_of("}"));
    spool_file_drop(&f);
    AUTO(auto_free) char *want = mem_printf("{\"image\":\"%s\",\"raw\":", chars);
    size_t n = strlen(want);
    assert_int_equal(n, 10 + char_count + 8);
    want = mem_grow(want, n + 10002);
    memcpy(want + n, bytes, 10001);
    want[n + 10001] = '}';
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        check_body(b, want, n + 10002, steps[i]);
    }
    body_free(&b);
    assert_int_equal(spool_used(p->spool), 0);
}

static void test_body_base64_lengths(void **state)
{
    /* Padding is right for every length around the group and the read size. */
    static const size_t lengths[] = {1, 2, 3, 4, 5, 3071, 3072, 3073, 3074, 6143, 6144, 6145, 9217};
    struct place *p = *state;
    AUTO(auto_free) char *bytes = pattern(10000);
    AUTO(auto_free) char *want = mem_new(BASE64_CHARS(10000) + 1);

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        struct spool_file *f = file_with(p->spool, bytes, lengths[i]);
        struct body *b = body_new();
        body_add_file_base64(b, f);
        spool_file_drop(&f);
        size_t n = base64_write(want, (struct slice){bytes, lengths[i]}, false);
        check_body(b, want, n, 1000);
        check_body(b, want, n, 1);
        body_free(&b);
    }
}

static void test_body_length_is_fixed(void **state)
{
    /* A file that grows after it was added does not change the length that was announced. */
    struct place *p = *state;
    struct spool_file *f = file_with(p->spool, "abcd", 4);
    struct body *b = body_new();

    body_add_file(b, f);
    body_add_text(b, slice_of("!"));
    body_add_file_base64(b, f);
    assert_int_equal(spool_file_add(f, slice_of("efgh")), FAULT_OK);
    check_body(b, "abcd!YWJjZA==", 13, 3);
    check_body(b, "abcd!YWJjZA==", 13, 100);
    spool_file_drop(&f);
    body_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_reads_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_has_no_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_references, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_more_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_base64_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_length_is_fixed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
