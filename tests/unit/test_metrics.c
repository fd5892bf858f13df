/* test_metrics.c - what is counted, and the text that Prometheus reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/metrics.h"
#include "base/limits.h"
#include "base/mem.h"

static char *written(const struct metrics *m)
{
    struct buf b;

    buf_init(&b, 8 * MIB);
    metrics_write(m, &b);
    assert_true(buf_ok(&b));
    return buf_take(&b);
}

/* A whole line of the text. */
static bool has_line(const char *text, const char *line)
{
    size_t n = strlen(line);

    for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
        if ((at == text || at[-1] == '\n') && at[n] == '\n') {
            return true;
        }
    }
    return false;
}

#define assert_line(text, line)                                                                              \
    do {                                                                                                     \
        if (!has_line((text), (line))) {                                                                     \
            fail_msg("no line %s in\n%s", (line), (text));                                                   \
        }                                                                                                    \
    } while (0)

static size_t lines_with(const char *text, const char *part)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        n++;
    }
    return n;
}

static void test_empty(void **state)
{
    /* Proves: before anything happens the text has the build, the closed sets at zero, and no series without
     * a label. */
    struct metrics *m = metrics_new();
    char *text = written(m);

    (void)state;
    assert_line(text, "sluice_build_info{version=\"" SLUICE_VERSION "\"} 1");
    assert_line(text, "sluice_accepts_total{code=\"ok\"} 0");
    assert_line(text, "sluice_dead_total 0");
    assert_line(text, "sluice_unknown_outcomes_total 0");
    assert_line(text, "sluice_orphans_total 0");
    assert_line(text, "sluice_bus_up 0");
    assert_line(text, "sluice_media_bytes_total{direction=\"to_vendor\"} 0");
    assert_line(text, "sluice_task_phase_seconds_count{phase=\"total\"} 0");
    assert_null(strstr(text, "\nsluice_tasks_total{"));
    assert_null(strstr(text, "\nsluice_vendor_requests_total{"));
    free(text);
    metrics_free(&m);
    assert_null(m);
    metrics_free(&m);
}

static void test_counts(void **state)
{
    /* Proves: every call is seen in its series and in no other. */
    struct metrics *m = metrics_new();

    (void)state;
    metrics_task(m, "flux", TASK_COMPLETED);
    metrics_task(m, "flux", TASK_COMPLETED);
    metrics_task(m, "kling", TASK_EXPIRED);
    metrics_accept(m, FAULT_OK);
    metrics_accept(m, FAULT_FLEET_FULL);
    metrics_vendor(m, "fal", STEP_SUBMIT, CLASS_RATE_LIMITED, 12);
    metrics_vendor(m, "fal", STEP_POLL, CLASS_COUNT, 10000);
    metrics_unknown_word(m, "fal");
    metrics_unknown(m);
    metrics_dead(m);
    metrics_dead(m);
    metrics_orphan(m);
    metrics_media(m, MEDIA_FROM_VENDOR, 5000000000u);
    metrics_media(m, MEDIA_FROM_VENDOR, 1);
    metrics_lane(m, "default", "high", 7, 1500);
    metrics_lane(m, "default", "high", 3, 250);
    metrics_lane(m, "default", "low", 9, 0);
    metrics_gauge(m, GAUGE_BUS_UP, 1);
    metrics_gauge(m, GAUGE_SPOOL_BYTES, 12345678901);
    char *text = written(m);
    assert_line(text, "sluice_tasks_total{model=\"flux\",status=\"completed\"} 2");
    assert_line(text, "sluice_tasks_total{model=\"flux\",status=\"failed\"} 0");
    assert_line(text, "sluice_tasks_total{model=\"kling\",status=\"expired\"} 1");
    assert_null(strstr(text, "status=\"queued\""));
    assert_line(text, "sluice_accepts_total{code=\"ok\"} 1");
    assert_line(text, "sluice_accepts_total{code=\"fleet_full\"} 1");
    assert_int_equal(lines_with(text, "\nsluice_accepts_total{"), 2);
    assert_line(text,
                "sluice_vendor_requests_total{adapter=\"fal\",step=\"submit\",class=\"rate_limited\"} 1");
    assert_line(text, "sluice_vendor_requests_total{adapter=\"fal\",step=\"poll\",class=\"no_answer\"} 1");
    assert_int_equal(lines_with(text, "\nsluice_vendor_requests_total{"), 2);
    assert_line(text, "sluice_vendor_request_seconds_count{adapter=\"fal\",step=\"submit\"} 1");
    assert_line(text, "sluice_vendor_request_seconds_sum{adapter=\"fal\",step=\"poll\"} 10.000");
    assert_line(text, "sluice_vendor_unknown_states_total{adapter=\"fal\"} 1");
    assert_line(text, "sluice_unknown_outcomes_total 1");
    assert_line(text, "sluice_dead_total 2");
    assert_line(text, "sluice_orphans_total 1");
    assert_line(text, "sluice_media_bytes_total{direction=\"from_vendor\"} 5000000001");
    assert_line(text, "sluice_lane_depth{lane=\"default\",priority=\"high\"} 3");
    assert_line(text, "sluice_lane_oldest_seconds{lane=\"default\",priority=\"high\"} 0.250");
    assert_line(text, "sluice_lane_depth{lane=\"default\",priority=\"low\"} 9");
    assert_line(text, "sluice_bus_up 1");
    assert_line(text, "sluice_spool_bytes 12345678901");
    free(text);
    metrics_free(&m);
}

static void test_histogram(void **state)
{
    /* Proves: a value is in the bucket of its edge and in all above, on the edge itself too, and beyond the
     * last only in +Inf. */
    struct metrics *m = metrics_new();

    (void)state;
    metrics_phase(m, PHASE_RUNNING, -5);
    metrics_phase(m, PHASE_RUNNING, 5);
    metrics_phase(m, PHASE_RUNNING, 6);
    metrics_phase(m, PHASE_RUNNING, 600000);
    metrics_phase(m, PHASE_RUNNING, 600001);
    metrics_phase(m, PHASE_RUNNING, 3600001);
    char *text = written(m);
    assert_line(text, "sluice_task_phase_seconds_bucket{phase=\"running\",le=\"0.005\"} 2");
    assert_line(text, "sluice_task_phase_seconds_bucket{phase=\"running\",le=\"0.01\"} 3");
    assert_line(text, "sluice_task_phase_seconds_bucket{phase=\"running\",le=\"300\"} 3");
    assert_line(text, "sluice_task_phase_seconds_bucket{phase=\"running\",le=\"600\"} 4");
    assert_line(text, "sluice_task_phase_seconds_bucket{phase=\"running\",le=\"1800\"} 5");
    assert_line(text, "sluice_task_phase_seconds_bucket{phase=\"running\",le=\"3600\"} 5");
    assert_line(text, "sluice_task_phase_seconds_bucket{phase=\"running\",le=\"+Inf\"} 6");
    assert_line(text, "sluice_task_phase_seconds_sum{phase=\"running\"} 4800.013");
    assert_line(text, "sluice_task_phase_seconds_count{phase=\"running\"} 6");
    assert_line(text, "sluice_task_phase_seconds_count{phase=\"queued\"} 0");
    free(text);
    metrics_free(&m);
}

static void test_standing(void **state)
{
    /* Proves: breakers and keys are gauges by target and key, the last value counts, seconds have
     * thousandths. */
    (void)state;
    struct metrics *m = metrics_new();

    metrics_breaker(m, "fal/flux", "fal/main", 3);
    metrics_breaker(m, "fal/flux", "fal/spare", 0);
    metrics_breaker(m, "fal/flux", "fal/main", 2);
    metrics_not_before(m, "fal/main", 1500);
    char *text = written(m);
    assert_line(text, "sluice_breaker_state{target=\"fal/flux\",key=\"fal/main\"} 2");
    assert_line(text, "sluice_breaker_state{target=\"fal/flux\",key=\"fal/spare\"} 0");
    assert_line(text, "sluice_not_before_seconds{key=\"fal/main\"} 1.500");
    free(text);
    metrics_free(&m);
}

static void test_cost(void **state)
{
    /* Proves: costs add up per model and unit, and no vendor's nonsense makes the counter fall or stop being
     * a number. */
    struct metrics *m = metrics_new();

    (void)state;
    metrics_cost(m, "flux", "USD", 0.1);
    metrics_cost(m, "flux", "USD", 0.2);
    metrics_cost(m, "flux", "credits", 3);
    metrics_cost(m, "flux", "USD", -5);
    metrics_cost(m, "flux", "USD", (double)NAN);
    metrics_cost(m, "flux", "USD", (double)INFINITY);
    metrics_cost(m, "flux", NULL, 1);
    metrics_cost(m, "fl", "uxUSD", 7);
    char *text = written(m);
    assert_line(text, "sluice_cost_total{model=\"flux\",unit=\"USD\"} 0.3");
    assert_line(text, "sluice_cost_total{model=\"flux\",unit=\"credits\"} 3");
    assert_line(text, "sluice_cost_total{model=\"flux\",unit=\"\"} 1");
    assert_line(text, "sluice_cost_total{model=\"fl\",unit=\"uxUSD\"} 7");
    free(text);
    metrics_free(&m);
}

static void test_escaping(void **state)
{
    /* Proves: a name can neither end its quotes nor its line. */
    struct metrics *m = metrics_new();

    (void)state;
    metrics_task(m, "a\"} 9\nb\\c", TASK_FAILED);
    char *text = written(m);
    assert_line(text, "sluice_tasks_total{model=\"a\\\"} 9\\nb\\\\c\",status=\"failed\"} 1");
    free(text);
    metrics_free(&m);
}

static void test_bounded(void **state)
{
    /* Proves: names from outside are kept up to 512, longer or later ones are counted as "other", and nothing
     * is lost. */
    struct metrics *m = metrics_new();
    char name[300];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "model-%d", i);
        metrics_task(m, name, TASK_COMPLETED);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    metrics_task(m, name, TASK_COMPLETED);
    metrics_task(m, NULL, TASK_COMPLETED);
    metrics_task(m, "model-3", TASK_COMPLETED);
    metrics_unknown_word(m, "too-late");
    char *text = written(m);
    assert_int_equal(lines_with(text, "status=\"completed\""), 513);
    assert_line(text, "sluice_tasks_total{model=\"other\",status=\"completed\"} 4490");
    assert_line(text, "sluice_tasks_total{model=\"model-3\",status=\"completed\"} 2");
    assert_line(text, "sluice_vendor_unknown_states_total{adapter=\"other\"} 1");
    free(text);
    metrics_free(&m);
}

static void test_bounded_pairs(void **state)
{
    /* Proves: pairs of kept names are bounded too, and what does not fit is summed under "other". */
    struct metrics *m = metrics_new();
    char model[16], unit[16];
    double sum = 0;

    (void)state;
    for (int i = 0; i < 100 * 100; i++) {
        snprintf(model, sizeof(model), "m%d", i / 100);
        snprintf(unit, sizeof(unit), "u%d", i % 100);
        metrics_cost(m, model, unit, 1);
    }
    char *text = written(m);
    assert_int_equal(lines_with(text, "\nsluice_cost_total{"), 2049);
    for (const char *at = text; (at = strstr(at, "\nsluice_cost_total{")) != NULL; at++) {
        sum += strtod(strchr(at, '}') + 1, NULL);
    }
    assert_true(sum == 10000.0);
    assert_line(text, "sluice_cost_total{model=\"other\",unit=\"other\"} 7952");
    free(text);
    metrics_free(&m);
}

/* The name of the sample's family: up to the brace or space, without a histogram's endings. */
static char *family_of(const char *line)
{
    static const char *const ends[] = {"_bucket", "_sum", "_count"};
    size_t n = strcspn(line, "{ ");

    for (size_t i = 0; i < 3 && strstr(line, "_seconds_"); i++) {
        size_t m = strlen(ends[i]);
        if (n > m && !strncmp(line + n - m, ends[i], m)) {
            n -= m;
        }
    }
    return mem_textn(line, n);
}

static void test_shape(void **state)
{
    /* Proves: each family has its HELP and TYPE once, right before all of its samples, and the text ends in a
     * line feed. */
    struct metrics *m = metrics_new();
    char *present = NULL, *seen = mem_text(" ");

    (void)state;
    metrics_task(m, "flux", TASK_COMPLETED);
    metrics_task(m, "kling", TASK_COMPLETED);
    metrics_vendor(m, "fal", STEP_SUBMIT, CLASS_OK, 1);
    metrics_vendor(m, "openai", STEP_SUBMIT, CLASS_OK, 1);
    metrics_lane(m, "a", "high", 1, 1);
    metrics_lane(m, "b", "high", 1, 1);
    char *text = written(m);
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!strncmp(line, "# HELP ", 7)) {
            free(present);
            present = mem_textn(line + 7, strcspn(line + 7, " "));
            char *mark = mem_printf(" %s ", present);
            assert_null(strstr(seen, mark));
            free(mark);
            char *more = mem_printf("%s%s ", seen, present);
            free(seen);
            seen = more;
        } else if (!strncmp(line, "# TYPE ", 7)) {
            assert_non_null(present);
            assert_int_equal(strncmp(line + 7, present, strlen(present)), 0);
        } else {
            char *family = family_of(line);
            assert_non_null(present);
            assert_string_equal(family, present);
            free(family);
        }
    }
    free(present);
    free(seen);
    free(text);
    metrics_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_counts),
        cmocka_unit_test(test_histogram), cmocka_unit_test(test_cost),
        cmocka_unit_test(test_standing),  cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_bounded),   cmocka_unit_test(test_bounded_pairs),
        cmocka_unit_test(test_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
