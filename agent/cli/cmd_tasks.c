/* cmd_tasks.c - the commands that show or end tasks, and fetch what they made. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/save.h"
#include "cli/watch.h"
#include "core/task.h"

enum { WAIT = 256, STATUS, MODEL, LIMIT, AFTER };

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "";
}

/* ---- get ---- */

static int get_waiting(struct cli *c, const char *id, int64_t wait_ms, json_t **ret_task)
{
    AUTO(auto_free)
    char *rest = wait_ms > 0 ? mem_printf("?wait=%" PRId64, (wait_ms + 999) / 1000) : mem_text("");
    AUTO(auto_free) char *path = ask_task_path(c, id, rest);
    const struct client_request request = {.method = "GET", .path = path, .timeout_ms = wait_ms + 60000};

    return path ? ask(c, &request, ret_task) : CLI_USAGE;
}

static int run_get(struct cli *c)
{
    int64_t wait_ms = 0;
    struct note note = {0};
    json_t *task = NULL;

    if (options_ms(&c->options, c->rows, WAIT, &wait_ms, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    if (wait_ms > LIMIT_WAIT_MS) {
        return cli_usage(c, "--wait is at most %d s; `sluice watch` waits as long as it takes",
                         LIMIT_WAIT_MS / 1000);
    }
    int code = get_waiting(c, c->options.rest[0], wait_ms, &task);
    if (!code && c->json) {
        print_json(task);
    } else if (!code) {
        print_task(task);
    }
    json_decref(task);
    return code;
}

/* ---- watch ---- */

struct shown {
    struct cli *cli;
    int64_t began_ms;
};

static void show_event(void *arg, const json_t *event)
{
    const struct shown *s = arg;
    const json_t *percent = json_object_get(event, "progress");
    char time[32];

    if (!event) {
        return;
    }
    if (s->cli->json) {
        print_json_line(event);
        return;
    }
    print_seconds(time, sizeof(time), (clock_mono_ms() - s->began_ms) / 1000);
    printf("%8s  ", time);
    print_text(stdout, text_of(event, "status"));
    if (*text_of(event, "stage")) {
        printf("  ");
        print_text(stdout, text_of(event, "stage"));
    }
    if (percent) {
        printf("  %.0f %%", json_number_value(percent));
    }
    if (*text_of(event, "message")) {
        printf("  ");
        print_text(stdout, text_of(event, "message"));
    }
    putchar('\n');
    fflush(stdout);
}

/* Says why a task that did not complete did not. */
static int tell_end(struct cli *c, const char *id)
{
    json_t *task = NULL;
    int code = get_waiting(c, id, 0, &task);

    if (!code && strcmp(text_of(task, "status"), task_status_text(TASK_COMPLETED)) != 0) {
        print_failure(c, json_object_get(task, "error"));
        code = CLI_FAILED;
    }
    json_decref(task);
    return code;
}

static int run_watch(struct cli *c)
{
    struct shown shown = {c, clock_mono_ms()};
    int status = -1;
    int code = watch_task(c, c->options.rest[0], show_event, &shown, &status);

    return code || status == TASK_COMPLETED ? code : tell_end(c, c->options.rest[0]);
}

/* ---- cancel ---- */

static int cancel_one(struct cli *c, const char *id)
{
    AUTO(auto_free) char *path = ask_task_path(c, id, "/cancel");
    json_t *answer = NULL;

    if (!path) {
        return CLI_USAGE;
    }
    int code = ask_post(c, path, NULL, NULL, &answer);
    if (!code) {
        const char *outcome = text_of(answer, "status");
        bool done = !strcmp(outcome, "cancelled") || !strcmp(outcome, "cancellation_requested");
        if (c->json) {
            print_json(answer);
        } else {
            printf("%s ", id);
            print_text(stdout, outcome);
            putchar('\n');
        }
        code = done ? CLI_DONE : CLI_FAILED;
    }
    json_decref(answer);
    return code;
}

static int run_cancel(struct cli *c)
{
    int code = CLI_DONE;

    for (size_t i = 0; i < c->options.rest_count; i++) {
        int one = cancel_one(c, c->options.rest[i]);
        code = code > one ? code : one;
    }
    return code;
}

/* ---- list ---- */

static void add_query(struct buf *path, const char *name, const char *value)
{
    AUTO(auto_free) char *escaped = value ? client_escape(value) : NULL;

    if (escaped) {
        buf_printf(path, "&%s=%s", name, escaped);
    }
}

static void print_row(const json_t *task)
{
    char age[32] = "";
    double created = json_number_value(json_object_get(task, "created_at"));

    if (created > 0) {
        int64_t seconds = clock_wall_ms() / 1000 - (int64_t)created;
        print_seconds(age, sizeof(age), seconds > 0 ? seconds : 0);
    }
    printf("%-36s  %-11s  %-16s  %8s  ", text_of(task, "id"), text_of(task, "status"), text_of(task, "stage"),
           age);
    print_text(stdout, text_of(task, "model"));
    putchar('\n');
}

static void print_list(const json_t *list)
{
    const json_t *data = json_object_get(list, "data");
    size_t i;
    json_t *task;

    if (!json_array_size(data)) {
        fprintf(stderr, "no tasks\n");
        return;
    }
    printf("%-36s  %-11s  %-16s  %8s  %s\n", "TASK", "STATUS", "STAGE", "AGE", "MODEL");
    json_array_foreach(data, i, task)
    {
        print_row(task);
    }
    if (json_is_true(json_object_get(list, "has_more"))) {
        fprintf(stderr, "there are more: --after %s\n",
                text_of(json_array_get(data, json_array_size(data) - 1), "id"));
    }
}

static int run_list(struct cli *c)
{
    const char *status = options_text(&c->options, STATUS, NULL);
    int64_t limit = 20;
    struct note note = {0};
    struct buf path;
    json_t *list = NULL;

    if (status && task_status_find(status) < 0) {
        return cli_usage(
            c, "\"%s\" is no status; there are queued, in_progress, completed, failed, cancelled and expired",
            status);
    }
    if (options_number(&c->options, c->rows, LIMIT, 1, LIMIT_LIST, &limit, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    buf_init(&path, 16 * KIB);
    buf_printf(&path, "/v1/tasks?limit=%" PRId64, limit);
    add_query(&path, "status", status);
    add_query(&path, "model", options_text(&c->options, MODEL, NULL));
    add_query(&path, "after", options_text(&c->options, AFTER, NULL));
    int code = buf_ok(&path) ? ask_get(c, path.p, &list) : cli_usage(c, "that is too long");
    if (!code && c->json) {
        print_json(list);
    } else if (!code) {
        print_list(list);
    }
    buf_done(&path);
    json_decref(list);
    return code;
}

/* ---- output ---- */

/* What is needed to name the output; of a task without a result, why there is none. */
static int find_output(struct cli *c, const json_t *task, struct save_which *which)
{
    const json_t *outputs = json_object_get(task, "outputs"), *output = json_array_get(outputs, which->n);
    int status = task_status_find(text_of(task, "status"));

    which->model = text_of(task, "model");
    if (output) {
        which->type = json_string_value(json_object_get(output, "type"));
        return CLI_DONE;
    }
    if (status < 0 || !task_status_terminal((enum task_status)status)) {
        return cli_fail(c, "the task is %s; `sluice watch %s` waits for its end", text_of(task, "status"),
                        which->id);
    }
    if (status != TASK_COMPLETED) {
        print_failure(c, json_object_get(task, "error"));
        return CLI_FAILED;
    }
    return cli_fail(c, "there is no such output; the task has %zu, counted from 0", json_array_size(outputs));
}

/* The number of an output as a word; false: it is none. */
static bool read_number(const char *word, size_t *ret_n)
{
    char *end = NULL;

    *ret_n = strtoul(word, &end, 10);
    return *word >= '0' && *word <= '9' && !*end && *ret_n < LIMIT_OUTPUTS;
}

static void show_saved(const struct cli *c, const json_t *task, size_t n, const char *file)
{
    json_t *output = json_array_get(json_object_get(task, "outputs"), n);

    if (c->json) {
        json_object_set_new(output, "file", json_string(file));
        print_json(output);
    } else {
        printf("%s\n", file);
    }
}

static int run_output(struct cli *c)
{
    const char *number = c->options.rest_count > 1 ? c->options.rest[1] : "0";
    struct save_which which = {.id = c->options.rest[0], .count = 1};
    AUTO(auto_free) char *file = NULL;
    json_t *task = NULL;

    if (!read_number(number, &which.n)) {
        return cli_usage(c, "\"%s\" is not the number of an output; they are counted from 0", number);
    }
    int code = get_waiting(c, which.id, 0, &task);
    code = code ? code : find_output(c, task, &which);
    code = code ? code : save_output(c, &which, options_text(&c->options, 'o', NULL), &file);
    if (!code && file) {
        show_saved(c, task, which.n, file);
    }
    json_decref(task);
    return code;
}

/* ---- models, health ---- */

static void print_models(const json_t *list)
{
    size_t i, k;
    json_t *model, *kind;

    json_array_foreach(json_object_get(list, "data"), i, model)
    {
        print_text(stdout, text_of(model, "id"));
        json_array_foreach(json_object_get(model, "kinds"), k, kind)
        {
            printf(k ? ", " : "\t");
            print_text(stdout, json_string_value(kind));
        }
        putchar('\n');
    }
}

static int run_models(struct cli *c)
{
    json_t *list = NULL;
    int code = ask_get(c, "/v1/models", &list);

    if (!code && c->json) {
        print_json(list);
    } else if (!code) {
        print_models(list);
    }
    json_decref(list);
    return code;
}

static int run_health(struct cli *c)
{
    int64_t timeout_ms = 2000;
    struct note note = {0};
    struct client_answer answer;

    if (options_ms(&c->options, c->rows, WAIT, &timeout_ms, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    const struct client_request request = {
        .method = "GET", .path = "/v1/models", .timeout_ms = timeout_ms > 0 ? timeout_ms : 1};
    enum fault fault = client_do(c->client, &request, &answer, &note);
    int status = answer.status;
    client_answer_done(&answer);
    if (fault) {
        cli_fail(c, "%s", note_text(&note, fault)); /* no advice: a probe asks again */
        return CLI_AWAY;
    }
    if (c->json) {
        printf("{\"status\":%d}\n", status);
    } else {
        printf("ok\n");
    }
    return CLI_DONE;
}

/* ---- the rows of the table ---- */

static const struct options_row get_rows[] = {
    {WAIT, "wait", "TIME", "wait as long for the end of the task (30s, 5m)"}, {0, NULL, NULL, NULL}};
static const struct options_row output_rows[] = {
    {'o', "output", "FILE", "a file, a folder, - for stdout (default: MODEL-ID.EXT here)"},
    {0, NULL, NULL, NULL}};
static const struct options_row health_rows[] = {{WAIT, "timeout", "TIME", "how long it may take (2s)"},
                                                 {0, NULL, NULL, NULL}};
static const struct options_row list_rows[] = {
    {STATUS, "status", "STATUS", "only tasks with this status"},
    {MODEL, "model", "MODEL", "only tasks for this model"},
    {LIMIT, "limit", "N", "how many (20)"},
    {AFTER, "after", "ID", "those that stand behind this one"},
    {0, NULL, NULL, NULL},
};

const struct command cmd_get = {.name = "get",
                                .words = "ID",
                                .summary = "show how a task is",
                                .rows = get_rows,
                                .min = 1,
                                .max = 1,
                                .run = run_get};
const struct command cmd_watch = {
    .name = "watch",
    .words = "ID",
    .summary = "follow a task to its end",
    .more = "With --json each event is one line. The exit code is 1 when the task did not complete.\n",
    .min = 1,
    .max = 1,
    .run = run_watch};
const struct command cmd_cancel = {.name = "cancel",
                                   .words = "ID…",
                                   .summary = "cancel tasks",
                                   .more = "Prints cancelled, cancellation_requested (it runs; the vendor "
                                           "may still finish it), already_completed or\n"
                                           "not_found.\n",
                                   .min = 1,
                                   .max = 1000,
                                   .run = run_cancel};
const struct command cmd_list = {.name = "list",
                                 .words = "[--status STATUS] [--model MODEL]",
                                 .summary = "list the app's tasks, newest first",
                                 .rows = list_rows,
                                 .run = run_list};
const struct command cmd_output = {.name = "output",
                                   .words = "ID [N] [-o FILE]",
                                   .summary = "save an output of a task (N from 0)",
                                   .rows = output_rows,
                                   .min = 1,
                                   .max = 2,
                                   .run = run_output};
const struct command cmd_models = {
    .name = "models", .words = "", .summary = "list the models that the agent serves", .run = run_models};
const struct command cmd_health = {.name = "health",
                                   .words = "",
                                   .summary = "exit 0 when the agent's socket answers",
                                   .rows = health_rows,
                                   .run = run_health};
