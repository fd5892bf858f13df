/* save.c - outputs of a task as files. */
#include "cli/save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/ask.h"
#include "cli/interrupt.h"
#include "wire/sniff.h"

/* ---- names ---- */

/* What may stand in a file's name anywhere. */
static void make_plain(char *name)
{
    for (; *name; name++) {
        if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
              (*name >= '0' && *name <= '9') || strchr("._-", *name))) {
            *name = '-';
        }
    }
}

static char *own_name(const struct save_which *w, const char *folder)
{
    size_t n = strlen(w->id);
    const char *tail =
        n > 6 ? w->id + n - 6 : w->id; /* its head is the time, alike for tasks of one minute */
    AUTO(auto_free) char *model = mem_text(w->model && *w->model && *w->model != '.' ? w->model : "output");

    make_plain(model);
    if (w->count > 1) {
        return mem_printf("%s%s-%s-%zu.%s", folder, model, tail, w->n, sniff_ext(w->type));
    }
    return mem_printf("%s%s-%s.%s", folder, model, tail, sniff_ext(w->type));
}

char *save_name(const struct save_which *which, const char *to)
{
    size_t n = to ? strlen(to) : 0;

    if (!n || to[n - 1] == '/') {
        return own_name(which, to ? to : "");
    }
    if (which->count <= 1) {
        return mem_text(to);
    }
    const char *slash = strrchr(to, '/'), *dot = strrchr(to, '.');
    size_t stem = dot && dot > (slash ? slash + 1 : to) ? (size_t)(dot - to) : n;
    return mem_printf("%.*s-%zu%s", (int)stem, to, which->n, to + stem);
}

/* ---- bytes ---- */

struct sink {
    FILE *file;
    int error; /* errno, 0: none */
};

static bool sink_data(void *arg, struct slice bytes)
{
    struct sink *s = arg;

    if (fwrite(bytes.p, 1, bytes.n, s->file) != bytes.n) {
        s->error = errno ? errno : EIO;
    }
    return !s->error;
}

static bool sink_tick(void *arg)
{
    (void)arg;
    return !interrupt_seen();
}

static int fetch(struct cli *c, const struct save_which *which, struct sink *sink, const char *name)
{
    AUTO(auto_free) char *rest = mem_printf("/outputs/%zu", which->n);
    AUTO(auto_free) char *path = ask_task_path(c, which->id, rest);
    const struct client_request request = {
        .method = "GET", .path = path, .data = sink_data, .tick = sink_tick, .arg = sink};
    struct client_answer answer;
    struct note note = {0};
    int code = CLI_DONE;

    if (!path) {
        return CLI_USAGE;
    }
    enum fault fault = client_do(c->client, &request, &answer, &note);
    if (sink->error) {
        code = cli_fail(c, "%s cannot be written: %s", name, strerror(sink->error));
    } else if (fault) {
        code = ask_fault(c, fault, &note);
    } else if (answer.status >= 300) {
        code = ask_refused(c, &answer);
    }
    client_answer_done(&answer);
    return code;
}

static int to_stdout(struct cli *c, const struct save_which *which)
{
    struct sink sink = {.file = stdout};
    bool text = which->type && !strncmp(which->type, "text/", 5);

    if (isatty(STDOUT_FILENO) && !text) {
        return cli_usage(
            c, "the output is %s, which a terminal cannot show; save it with -o FILE, or pipe it on",
            which->type ? which->type : "binary");
    }
    return fetch(c, which, &sink, "the standard output");
}

/* Under another name first: a file with the name that was asked for is whole. */
static int to_file(struct cli *c, const struct save_which *which, const char *name)
{
    AUTO(auto_free) char *part = mem_printf("%s.part", name);
    struct sink sink = {.file = fopen(part, "wbe")};

    if (!sink.file) {
        return cli_fail(c, "%s cannot be written: %s", part, strerror(errno));
    }
    int code = fetch(c, which, &sink, part);
    if (fclose(sink.file) && !code) {
        code = cli_fail(c, "%s cannot be written: %s", part, strerror(errno));
    }
    if (!code && rename(part, name)) {
        code = cli_fail(c, "%s cannot be written: %s", name, strerror(errno));
    }
    if (code) {
        unlink(part);
    }
    return code;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return path && !stat(path, &st) && S_ISDIR(st.st_mode);
}

int save_output(struct cli *c, const struct save_which *which, const char *to, char **ret_file)
{
    if (ret_file) {
        *ret_file = NULL;
    }
    if (to && !strcmp(to, "-")) {
        return to_stdout(c, which);
    }
    AUTO(auto_free) char *folder = is_folder(to) ? mem_printf("%s/", to) : NULL;
    char *name = save_name(which, folder ? folder : to);
    int code = to_file(c, which, name);
    if (!code && ret_file) {
        *ret_file = name;
        return code;
    }
    free(name);
    return code;
}

/* ---- all of a task ---- */

/* The text of a chat: to the standard output unless a file is named. */
static int save_choices(struct cli *c, const json_t *choices, const char *to)
{
    FILE *out = to && strcmp(to, "-") != 0 ? fopen(to, "we") : stdout;
    size_t i;
    json_t *choice;

    if (!out) {
        return cli_fail(c, "%s cannot be written: %s", to, strerror(errno));
    }
    json_array_foreach((json_t *)choices, i, choice)
    {
        const char *text = json_string_value(json_object_get(json_object_get(choice, "message"), "content"));
        if (text && !(c->json && out == stdout)) {
            fprintf(out, "%s\n", text);
        }
    }
    if (out != stdout && fclose(out)) {
        return cli_fail(c, "%s cannot be written: %s", to, strerror(errno));
    }
    return CLI_DONE;
}

static int save_one(struct cli *c, const struct save_which *which, const char *to, json_t *output)
{
    char *file = NULL;

    if (json_object_get(output, "error")) {
        return cli_fail(c, "output %zu is missing; `sluice get %s` says why", which->n, which->id);
    }
    int code = save_output(c, which, to, &file);
    if (file) {
        json_object_set_new(output, "file", json_string(file));
    }
    free(file);
    return code;
}

int save_all(struct cli *c, json_t *task, const char *to)
{
    json_t *outputs = json_object_get(task, "outputs"), *output;
    const json_t *choices = json_object_get(task, "choices");
    struct save_which which = {.id = json_string_value(json_object_get(task, "id")),
                               .model = json_string_value(json_object_get(task, "model")),
                               .count = json_array_size(outputs)};
    int code = choices ? save_choices(c, choices, to) : CLI_DONE;

    if (to && !strcmp(to, "-") && which.count > 1) {
        return cli_fail(c, "the task has %zu outputs; `sluice output %s N -o -` gives one of them",
                        which.count, which.id);
    }
    json_array_foreach(outputs, which.n, output)
    {
        which.type = json_string_value(json_object_get(output, "type"));
        int one = save_one(c, &which, to, output);
        code = code ? code : one;
    }
    return code;
}
