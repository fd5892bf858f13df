/* cmd_run.c - `sluice run` and `sluice submit`: from words to a task. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/attach.h"
#include "cli/fields.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/save.h"
#include "cli/watch.h"
#include "core/task.h"

enum { DEADLINE = 256, METADATA };

#define TASK_ROWS                                                                                            \
    {'f', "field", "KEY=VALUE", "a field of the input; may be repeated (key=value, key:=json, key=@file)"},  \
        {'i', "input", "[FIELD=]FILE",                                                                       \
         "a picture, sound or video for the task; may be repeated; - is stdin"},                             \
        {'k', "kind", "KIND", "what the task is, where the model serves several kinds (image.generate, …)"}, \
        {'p', "priority", "PRIORITY", "high, normal or low"},                                                \
        {DEADLINE, "deadline", "TIME", "the task expires when it has no result in this time (10m, 1h)"},     \
        {'m', "metadata", "KEY=VALUE", "a text of your own that comes back with the task; may be repeated"}, \
    {                                                                                                        \
        'K', "idempotency-key", "KEY", "the same key and task again give the same task"                      \
    }

#define FIELD_HELP                                                                                           \
    "  -f prompt='a fox'        text             -f n=2                    a number\n"                       \
    "  -f vendor.cfg_scale=7    a member         -f messages:='[…]'        JSON as it stands\n"            \
    "  -f text=@speech.txt      text of a file   -i photo.png              a picture, sent along\n"

/* ---- the task ---- */

/* The kind when there is only one that it can be: as told, or the model's only one. NULL: the agent finds
 * out. */
static char *guess_kind(struct cli *c, const char *model)
{
    const char *told = options_text(&c->options, 'k', NULL);
    json_t *list = NULL, *item;
    char *kind = NULL;
    size_t i;

    if (told || !options_has(&c->options, 'i')) {
        return mem_text(told);
    }
    if (ask_get(c, "/v1/models", &list)) {
        return NULL; /* the submission will tell better what is wrong */
    }
    json_array_foreach(json_object_get(list, "data"), i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        const json_t *kinds = json_object_get(item, "kinds");
        if (id && !strcmp(id, model) && json_array_size(kinds) == 1) {
            free(kind);
            kind = mem_text(json_string_value(json_array_get(kinds, 0)));
        }
    }
    json_decref(list);
    return kind;
}

/* For people: a chat may be asked with -f prompt=… */
static void prompt_to_messages(json_t *input, const char *kind)
{
    json_t *prompt = json_object_get(input, "prompt");

    if (prompt && kind && !strcmp(kind, task_kind_text(KIND_TEXT_CHAT)) &&
        !json_object_get(input, "messages")) {
        json_object_set_new(input, "messages", json_pack("[{s:s,s:O}]", "role", "user", "content", prompt));
        json_object_del(input, "prompt");
    }
}

static int read_words(struct cli *c, json_t *input, json_t *metadata)
{
    struct note note = {0};
    enum fault fault = FAULT_OK;
    const char *word;

    for (size_t i = 0; !fault && (word = options_nth(&c->options, 'f', i)) != NULL; i++) {
        fault = fields_add(input, word, &note);
    }
    for (size_t i = 0; !fault && (word = options_nth(&c->options, 'm', i)) != NULL; i++) {
        fault = fields_add_text(metadata, word, &note);
    }
    return fault == FAULT_OK   ? CLI_DONE
           : fault == FAULT_IO ? cli_fail(c, "%s", note.text)
                               : cli_usage(c, "%s", note.text);
}

static int read_bounds(struct cli *c, json_t *body)
{
    const char *kind = options_text(&c->options, 'k', NULL), *priority = options_text(&c->options, 'p', NULL);
    int64_t deadline_ms = -1;
    struct note note = {0};

    if (kind && task_kind_find(kind) < 0) {
        return cli_usage(c,
                         "\"%s\" is no kind of task; there are image.generate, image.edit, image.upscale, "
                         "video.generate, avatar.generate, audio.speech and text.chat",
                         kind);
    }
    if (priority && task_priority_find(priority) < 0) {
        return cli_usage(c, "--priority must be high, normal or low (got %s)", priority);
    }
    if (options_ms(&c->options, c->rows, DEADLINE, &deadline_ms, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    if (deadline_ms >= 0) {
        if (deadline_ms < 1000 || deadline_ms > LIMIT_DEADLINE_MS) {
            return cli_usage(c, "--deadline must be 1s to 7d");
        }
        json_object_set_new(body, "deadline_s", json_integer(deadline_ms / 1000));
    }
    if (priority) {
        json_object_set_new(body, "priority", json_string(priority));
    }
    return CLI_DONE;
}

/* The body of POST /v1/tasks, media uploaded. */
static int make_body(struct cli *c, json_t *body)
{
    const char *model = c->options.rest[0];
    json_t *input = json_object(), *metadata = json_object(), *name = json_string(model);
    AUTO(auto_free) char *kind = NULL;
    int code = name ? read_words(c, input, metadata) : cli_usage(c, "the model's name is not UTF-8");

    code = code ? code : read_bounds(c, body);
    if (!code) {
        kind = guess_kind(c, model);
        prompt_to_messages(input, kind);
        code = attach_all(c, 'i', kind, input);
    }
    json_object_set_new(body, "model", name);
    json_object_set_new(body, "input", input);
    if (kind) {
        json_object_set_new(body, "kind", json_string(kind));
    }
    if (json_object_size(metadata)) {
        json_object_set(body, "metadata", metadata);
    }
    json_decref(metadata);
    return code;
}

/* Submits what the command line says. *ret_task is the agent's answer. */
static int submit(struct cli *c, json_t **ret_task)
{
    json_t *body = json_object();
    const char *key = options_text(&c->options, 'K', NULL);
    AUTO(auto_free) char *header = key ? mem_printf("Idempotency-Key: %s", key) : NULL;
    const char *const headers[] = {header, NULL};
    int code = make_body(c, body);

    *ret_task = NULL;
    code = code ? code : ask_post(c, "/v1/tasks", body, headers, ret_task);
    if (!code && !json_is_string(json_object_get(*ret_task, "id"))) {
        code = cli_fail(c, "the agent's answer has no id");
    }
    json_decref(body);
    return code;
}

static int run_submit(struct cli *c)
{
    json_t *task = NULL;
    int code = submit(c, &task);

    if (!code && c->json) {
        print_json(task);
    } else if (!code) {
        printf("%s\n", json_string_value(json_object_get(task, "id")));
    }
    json_decref(task);
    return code;
}

/* ---- run: to the end ---- */

static void on_event(void *arg, const json_t *event)
{
    struct progress *p = arg;
    const json_t *percent = json_object_get(event, "progress");

    if (!event) {
        progress_tick(p);
        return;
    }
    progress_set(p, json_string_value(json_object_get(event, "status")),
                 json_string_value(json_object_get(event, "stage")),
                 percent ? json_number_value(percent) : -1);
}

/* Shows how the task ended, to people. Files' names go to the standard output, so that a script can take
 * them. */
static void show_end(const json_t *task)
{
    size_t i;
    json_t *output;

    json_array_foreach(json_object_get(task, "outputs"), i, output)
    {
        const char *file = json_string_value(json_object_get(output, "file"));
        if (file) {
            printf("%s\n", file);
        }
    }
}

static int finish(struct cli *c, const char *id, const char *to)
{
    AUTO(auto_free) char *path = ask_task_path(c, id, "");
    json_t *task = NULL;
    int code = path ? ask_get(c, path, &task) : CLI_FAILED;
    const char *status = json_string_value(json_object_get(task, "status"));

    if (!code && status && !strcmp(status, task_status_text(TASK_COMPLETED))) {
        code = save_all(c, task, to);
    } else if (!code) {
        print_failure(c, json_object_get(task, "error"));
        code = CLI_FAILED;
    }
    if (c->json && task) {
        print_json(task);
    } else {
        show_end(task);
    }
    json_decref(task);
    return code;
}

static int run_run(struct cli *c)
{
    const char *to = options_text(&c->options, 'o', NULL);
    json_t *task = NULL;

    if (c->json && to && !strcmp(to, "-")) {
        return cli_usage(c, "--json and -o - both want the standard output");
    }
    int code = submit(c, &task);
    const char *id = json_string_value(json_object_get(task, "id"));
    if (!code) {
        struct progress *progress = progress_new(stderr);
        progress_set(progress, "queued", NULL, -1);
        code = watch_task(c, id, on_event, progress, NULL);
        progress_free(&progress);
    }
    if (!code) {
        code = finish(c, id, to);
    }
    json_decref(task);
    return code;
}

static const struct options_row submit_rows[] = {TASK_ROWS, {0, NULL, NULL, NULL}};

const struct command cmd_submit = {
    .name = "submit",
    .words = "MODEL [-f key=value…] [-i FILE…]",
    .summary = "submit a task and print its id",
    .more = FIELD_HELP,
    .rows = submit_rows,
    .min = 1,
    .max = 1,
    .run = run_submit,
};

static const struct options_row run_rows[] = {
    TASK_ROWS,
    {'o', "output", "FILE",
     "where the outputs go: a file, a folder, - for stdout (default: MODEL-ID.EXT here)"},
    {0, NULL, NULL, NULL}};

const struct command cmd_run = {
    .name = "run",
    .words = "MODEL [-f key=value…] [-i FILE…] [-o FILE]",
    .summary = "submit a task, show its progress, save its outputs",
    .more = FIELD_HELP "\nCtrl-C stops the watching, not the task.\n",
    .rows = run_rows,
    .min = 1,
    .max = 1,
    .run = run_run,
};
