/* cmd_fleet.c - `sluice fleet`: agents, lanes, keys and targets of the whole fleet at a glance. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/direct.h"
#include "cli/print.h"
#include "cli/survey.h"

enum { TIMEOUT = 256 };

#define REDRAW_MS  2000
#define FOREVER_MS (365ll * 24 * 3600 * 1000)

struct viewing {
    struct direct direct;
    bool watch;
    struct survey *survey;
    struct timer redraw;
};

/* ---- printing ---- */

static const char *text(const json_t *row, const char *member)
{
    const char *value = json_string_value(json_object_get(row, member));

    return value ? value : "-";
}

static int64_t number(const json_t *row, const char *member)
{
    return json_integer_value(json_object_get(row, member));
}

/* A column: text from elsewhere, and blanks up to the width; 0: the last one. */
static void column(const char *value, int width)
{
    int n = (int)strlen(value);

    print_text(stdout, value);
    if (width) {
        printf("%*s", n < width ? width - n + 1 : 1, "");
    }
}

static void column_time(int64_t ms, int width)
{
    char out[32] = "-";

    if (ms > 0) {
        print_seconds(out, sizeof(out), (ms + 999) / 1000);
    }
    column(out, width);
}

static void column_list(const json_t *list, int width)
{
    char out[256] = "";
    size_t n = 0, i;
    json_t *item;

    json_array_foreach((json_t *)list, i, item)
    {
        if (n < sizeof(out)) {
            n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", i ? "," : "",
                                  json_string_value(item) ? json_string_value(item) : "");
        }
    }
    column(*out ? out : "-", width);
}

static void print_agents(const json_t *agents)
{
    const json_t *row;
    size_t i;

    printf("%-17s %-16s %-10s %-18s %s\n", "AGENT", "APP", "VERSION", "ROLES", "LANES");
    json_array_foreach((json_t *)agents, i, row)
    {
        column(text(row, "instance"), 17);
        column(text(row, "app"), 16);
        column(text(row, "version"), 10);
        column_list(json_object_get(row, "roles"), 18);
        column_list(json_object_get(row, "lanes"), 0);
        putchar('\n');
    }
}

static void print_lanes(const json_t *lanes)
{
    const json_t *row;
    size_t i;

    printf("\n%-17s %8s %8s %8s %10s\n", "LANE", "QUEUED", "PARKED", "VENDOR", "OLDEST");
    json_array_foreach((json_t *)lanes, i, row)
    {
        char oldest[32] = "-";
        if (number(row, "oldest_ms") > 0) {
            print_seconds(oldest, sizeof(oldest), number(row, "oldest_ms") / 1000);
        }
        column(text(row, "lane"), 17);
        printf("%8lld %8lld %8lld %10s\n", (long long)number(row, "queued"), (long long)number(row, "parked"),
               (long long)number(row, "vendor"), oldest);
    }
}

static void print_keys(const json_t *keys)
{
    const json_t *row;
    size_t i;

    if (json_array_size(keys)) {
        printf("\n%-26s %-10s %-10s %s\n", "KEY", "SECRET", "STATE", "FOR");
    }
    json_array_foreach((json_t *)keys, i, row)
    {
        column(text(row, "key"), 26);
        column(text(row, "fingerprint"), 10);
        column(text(row, "state"), 10);
        column_time(number(row, "wait_ms"), 0);
        putchar('\n');
    }
}

static void print_targets(const json_t *targets)
{
    const json_t *row;
    size_t i;

    if (json_array_size(targets)) {
        printf("\n%-40s %-18s %-10s %-8s %s\n", "TARGET", "KEY", "STATE", "FOR", "BY HAND");
    }
    json_array_foreach((json_t *)targets, i, row)
    {
        column(text(row, "target"), 40);
        column(text(row, "key"), 18);
        column(text(row, "state"), 10);
        column_time(number(row, "wait_ms"), 8);
        column(text(row, "forced"), 6);
        column_time(number(row, "forced_ms"), 0);
        putchar('\n');
    }
}

static void print_seen(const json_t *seen)
{
    const json_t *warning;
    size_t i;

    print_agents(json_object_get(seen, "agents"));
    print_lanes(json_object_get(seen, "lanes"));
    print_keys(json_object_get(seen, "keys"));
    print_targets(json_object_get(seen, "targets"));
    json_array_foreach(json_object_get(seen, "warnings"), i, warning)
    {
        fputs(i ? "" : "\n", stdout);
        fputs("warning: ", stdout);
        print_text(stdout, json_string_value(warning));
        putchar('\n');
    }
}

/* ---- looking ---- */

static void on_seen(void *arg, enum fault fault, const json_t *seen);

static void look(struct viewing *v)
{
    survey_free(&v->survey);
    v->survey = survey_start(v->direct.bus, on_seen, v);
}

static void on_redraw(struct timer *t)
{
    look(container_of(t, struct viewing, redraw));
}

static void on_seen(void *arg, enum fault fault, const json_t *seen)
{
    struct viewing *v = arg;
    const struct cli *c = v->direct.cli;

    if (v->watch && !c->json) {
        fputs("\033[H\033[J", stdout); /* from the top, on a clear screen */
    }
    if (fault) {
        cli_fail(c, "NATS: %s", fault_text(fault));
    } else if (c->json && v->watch) {
        print_json_line(seen);
    } else if (c->json) {
        print_json(seen);
    } else {
        print_seen(seen);
    }
    fflush(stdout);
    if (v->watch) {
        timer_start(v->direct.loop, &v->redraw, REDRAW_MS, on_redraw);
    } else {
        direct_end(&v->direct, fault ? CLI_FAILED : CLI_DONE);
    }
}

static void on_bus(void *arg, bool up)
{
    struct viewing *v = arg;

    if (up && !v->survey) {
        look(v);
    }
}

/* ---- the command ---- */

static int run_fleet(struct cli *c)
{
    struct viewing v = {.direct = {.cli = c, .timeout_ms = 20000}, .watch = options_has(&c->options, 'w')};
    struct note note = {0};

    if (options_ms(&c->options, c->rows, TIMEOUT, &v.direct.timeout_ms, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    if (v.watch) {
        v.direct.timeout_ms = FOREVER_MS;
    }
    if (direct_open(&v.direct, options_text(&c->options, 'c', NULL), "sluice-fleet")) {
        bus_watch(v.direct.bus, on_bus, &v);
        direct_run(&v.direct, NULL, NULL);
    }
    timer_stop(&v.redraw);
    direct_close(&v.direct);
    survey_free(&v.survey);
    return v.direct.code;
}

static const struct options_row rows[] = {
    {'c', "config", "FILE", "the agents' configuration: where NATS is"},
    {'w', "watch", NULL, "draw it anew every two seconds, until Ctrl-C; with --json a line each time"},
    {TIMEOUT, "timeout", "TIME", "how long it may take (20s)"},
    {0, NULL, NULL, NULL},
};

const struct command cmd_fleet = {
    .name = "fleet",
    .words = "",
    .summary = "living agents, what waits in the lanes, how keys and targets stand",
    .more =
        "QUEUED waits for an agent or is being submitted, PARKED waits for its time (a limit, a breaker, the "
        "next try),\n"
        "VENDOR is what vendors work on. KEY is POOL/ID with the beginning of a digest of its secret; TARGET "
        "is\n"
        "ADAPTER/VENDOR-MODEL. Keys and targets that nothing ever happened to are not listed.\n",
    .rows = rows,
    .min = 0,
    .max = 0,
    .without = "s",
    .run = run_fleet,
};
