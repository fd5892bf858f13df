/* bench_adapters.c - what adapters cost: reading and compiling each, the memory that it keeps, and rendering
 * and reading the steps of its success case; prints what it measured as JSON.
 *
 * bench_adapters MS ADAPTER.yaml CASE.yaml [ADAPTER.yaml CASE.yaml]…: each case is run for about MS
 * milliseconds. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapter_file.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/case.h"
#include "wire/yaml.h"

/* A file whole; ends the program when it cannot be read. */
static char *bench_file(const char *path)
{
    struct buf text;
    char piece[8192];
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        exit(1);
    }
    buf_init(&text, LIMIT_FILE_BYTES);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;) {
        buf_add(&text, piece, n);
    }
    fclose(file);
    return buf_take(&text);
}

static size_t bench_memory(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

static void bench_complain(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s:%d:%d: %s\n", file, line, column, text);
}

static struct adapter *bench_load(const char *path)
{
    AUTO(auto_free) char *text = bench_file(path);
    struct adapter *a = NULL;

    if (adapter_file_read(slice_of(text), path, bench_complain, NULL, &a) ||
        adapter_compile(a, bench_complain, NULL)) {
        exit(1);
    }
    return a;
}

/* The case without what its steps are compared with: only rendering and reading is left. */
static json_t *bench_case(const char *path)
{
    AUTO(auto_free) char *text = bench_file(path);
    json_t *c = NULL, *step;
    struct note note = {0};
    size_t i;

    if (yaml_read(slice_of(text), &c, NULL, &note)) {
        fprintf(stderr, "%s: %s\n", path, note.text);
        exit(1);
    }
    json_array_foreach(json_object_get(c, "steps"), i, step)
    {
        json_object_del(step, "request");
        json_object_del(step, "meaning");
    }
    return c;
}

static void bench_run(const struct adapter *a, const json_t *c, const char *path)
{
    struct case_events none = {.op = NULL};
    struct note note = {0};
    size_t differences;

    if (case_run(a, c, &none, NULL, &differences, &note)) {
        fprintf(stderr, "%s: %s\n", path, note.text);
        exit(1);
    }
}

/* Microseconds of one run, the best of three stretches. */
static double bench_cost(const struct adapter *a, const json_t *c, const char *path, int64_t ms)
{
    double best = 0;

    bench_run(a, c, path);
    for (int i = 0; i < 3; i++) {
        int64_t began = clock_mono_us(), spent = 0;
        long n = 0;
        while (spent < ms * 1000 / 3) {
            bench_run(a, c, path);
            n++;
            spent = clock_mono_us() - began;
        }
        double cost = (double)spent / (double)n;
        best = !i || cost < best ? cost : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    json_t *all = json_array();
    int64_t ms = argc > 1 ? strtoll(argv[1], NULL, 10) : 0;

    if (argc < 4 || argc % 2 || ms <= 0) {
        fputs("usage: bench_adapters MS ADAPTER.yaml CASE.yaml [ADAPTER.yaml CASE.yaml]...\n", stderr);
        return 2;
    }
    unsetenv("HOME"); /* libjq would look for a library of its own there */
    for (int i = 2; i < argc; i += 2) {
        struct adapter *first = bench_load(argv[i]); /* what is made once for all is not counted */
        adapter_drop(&first);
        size_t before = bench_memory();
        int64_t began = clock_mono_us();
        struct adapter *a = bench_load(argv[i]);
        int64_t loaded = clock_mono_us() - began;
        size_t kept = bench_memory() - before;
        json_t *c = bench_case(argv[i + 1]);
        double cost = bench_cost(a, c, argv[i + 1], ms);
        json_array_append_new(all, json_pack("{s:s, s:i, s:I, s:I, s:f}", "adapter", adapter_name(a), "steps",
                                             (int)json_array_size(json_object_get(c, "steps")), "load_us",
                                             (json_int_t)loaded, "bytes", (json_int_t)kept, "task_us", cost));
        json_decref(c);
        adapter_drop(&a);
    }
    json_dumpf(all, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(all);
    return 0;
}
