/* test_adapters.c - every case in tests/adapters, one test each: what the adapter sends and how it reads the
 * answers. Runs from the root of the repository. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapter_file.h"
#include "base/mem.h"
#include "core/adapter.h"
#include "core/case.h"
#include "wire/yaml.h"

#define CASES_MAX    8192
#define ADAPTERS_MAX 64
#define FILE_BYTES   (1u << 20)

/* An adapter and its cases share one compiled state. */
struct subject {
    char name[128];
    struct adapter *adapter;
    size_t cases;
};

struct golden {
    struct subject *subject;
    char file[512];
    char test[256];
};

static char *read_file(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "r");
    char *text = mem_new(FILE_BYTES + 1);

    if (!f) {
        fail_msg("%s cannot be read", path);
    }
    *ret_n = fread(text, 1, FILE_BYTES, f);
    fclose(f);
    return text;
}

static void on_complaint(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    print_error("%s:%d:%d: %s\n", file, line, column, text);
}

static struct adapter *load_adapter(const char *path)
{
    struct adapter *a = NULL;
    size_t n;
    char *text = read_file(path, &n);

    assert_int_equal(adapter_file_read((struct slice){text, n}, path, on_complaint, NULL, &a), FAULT_OK);
    assert_int_equal(adapter_compile(a, on_complaint, NULL), FAULT_OK);
    free(text);
    return a;
}

static void on_difference(void *arg, const char *pointer, const json_t *want, const json_t *got)
{
    const struct golden *g = arg;
    char *w = want ? json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    char *h = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

    print_error("%s: %s: wanted %s, got %s\n", g->file, pointer, w ? w : "nothing", h ? h : "nothing");
    free(w);
    free(h);
}

/* A case that expects nothing of a step would pass whatever the adapter does. */
static void check_expects(const struct golden *g, const json_t *c)
{
    json_t *step;
    size_t i;

    json_array_foreach(json_object_get(c, "steps"), i, step)
    {
        if (!json_object_get(step, "request") && !json_object_get(step, "refused")) {
            fail_msg("%s: steps[%zu] expects no request and no refusal", g->file, i);
        }
        if (!json_object_get(step, "answer") != !json_object_get(step, "meaning")) {
            fail_msg("%s: steps[%zu] has an answer without a meaning, or the other way round", g->file, i);
        }
    }
}

static void test_case(void **state)
{
    /* The adapter sends exactly the requests of the case, and its answers mean exactly what the case says. */
    const struct golden *g = *state;
    static const struct case_events events = {.differs = on_difference};
    size_t n, differences = 0;
    struct note note = {0};
    json_t *c = NULL;
    char *text = read_file(g->file, &n);

    if (yaml_read((struct slice){text, n}, &c, NULL, &note)) {
        fail_msg("%s: %s", g->file, note.text);
    }
    check_expects(g, c);
    enum fault fault = case_run(g->subject->adapter, c, &events, (void *)g, &differences, &note);
    json_decref(c);
    free(text);
    if (fault) {
        fail_msg("%s: %s", g->file, note.text);
    }
    assert_int_equal(differences, 0);
}

static void test_has_cases(void **state)
{
    /* Every adapter that is shipped has cases, and is named as its file is. */
    const struct subject *s = *state;

    assert_string_equal(adapter_name(s->adapter), s->name);
    assert_true(s->cases > 0);
}

static int has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);

    return n > m && !strcmp(name + n - m, suffix);
}

static int only_yaml(const struct dirent *entry)
{
    return has_suffix(entry->d_name, ".yaml");
}

/* run-unit.sh knows a failed test by a name of letters and underscores. */
static void test_name(struct golden *g, const char *adapter, const char *file)
{
    snprintf(g->test, sizeof(g->test), "%.100s_%.100s", adapter, file);
    g->test[strlen(g->test) - strlen(".yaml")] = '\0';
    for (char *c = g->test; *c; c++) {
        *c = *c == '-' ? '_' : *c;
    }
}

static void find_cases(struct subject *s, struct golden *goldens, size_t *count)
{
    struct dirent **list = NULL;
    char folder[256];

    snprintf(folder, sizeof(folder), "tests/adapters/%.100s", s->name);
    int n = scandir(folder, &list, only_yaml, alphasort);
    for (int i = 0; i < n; i++) {
        struct golden *g = &goldens[(*count)++];
        if (*count > CASES_MAX) { /* a case that is not run would pass */
            print_error("more than %d cases\n", CASES_MAX);
            exit(1);
        }
        g->subject = s;
        snprintf(g->file, sizeof(g->file), "%s/%.200s", folder, list[i]->d_name);
        test_name(g, s->name, list[i]->d_name);
        s->cases++;
        free(list[i]);
    }
    free(list);
}

int main(void)
{
    struct subject *subjects = mem_new(ADAPTERS_MAX * sizeof(*subjects));
    struct golden *goldens = mem_new((CASES_MAX + 1) * sizeof(*goldens));
    struct CMUnitTest *tests = mem_new((CASES_MAX + ADAPTERS_MAX) * sizeof(*tests));
    struct dirent **list = NULL;
    size_t subject_count = 0, golden_count = 0, test_count = 0;

    int n = scandir("adapters", &list, only_yaml, alphasort);
    if (n > ADAPTERS_MAX) {
        print_error("more than %d adapters\n", ADAPTERS_MAX);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        struct subject *s = &subjects[subject_count++];
        char path[300];
        snprintf(s->name, sizeof(s->name), "%.*s", (int)(strlen(list[i]->d_name) - strlen(".yaml")),
                 list[i]->d_name);
        snprintf(path, sizeof(path), "adapters/%.200s", list[i]->d_name);
        s->adapter = load_adapter(path);
        find_cases(s, goldens, &golden_count);
        tests[test_count++] = (struct CMUnitTest){s->name, test_has_cases, NULL, NULL, s};
        free(list[i]);
    }
    free(list);
    for (size_t i = 0; i < golden_count; i++) {
        tests[test_count++] = (struct CMUnitTest){goldens[i].test, test_case, NULL, NULL, &goldens[i]};
    }
    int failed = test_count ? _cmocka_run_group_tests("adapters", tests, test_count, NULL, NULL) : 1;
    for (size_t i = 0; i < subject_count; i++) {
        adapter_drop(&subjects[i].adapter);
    }
    free(tests);
    free(goldens);
    free(subjects);
    return failed;
}
