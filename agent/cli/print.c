/* print.c - text, JSON and tasks on the terminal. */
#include "cli/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

void print_text(FILE *out, const char *text)
{
    for (const char *at = text ? text : ""; *at; at++) {
        unsigned char c = (unsigned char)*at;
        /* 0x80 to 0x9f as UTF-8 are control characters too, and some terminals obey them. */
        bool control =
            c == 0x7f || (c == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0);
        if (c < ' ') {
            fputc(c == '\n' || c == '\t' ? ' ' : '?', out);
        } else if (control) {
            fputc('?', out);
            at += c == 0xc2;
        } else {
            fputc(c, out);
        }
    }
}

void print_complaint(const struct cli *c, const char *format, va_list ap)
{
    char text[1024];

    vsnprintf(text, sizeof(text), format, ap);
    fprintf(stderr, "sluice %s: ", c->command->name);
    print_text(stderr, text);
    fputc('\n', stderr);
}

/* ---- JSON ---- */

static void dump(const json_t *value, size_t flags)
{
    json_dumpf(value, stdout, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(16)); /* 0.1 stays 0.1 */
    fputc('\n', stdout);
}

void print_json(const json_t *value)
{
    dump(value, JSON_INDENT(2));
}

void print_json_line(const json_t *value)
{
    dump(value, JSON_COMPACT);
    fflush(stdout); /* whoever reads it waits for the next line */
}

/* ---- a task ---- */

static void line(const char *name, const char *text)
{
    if (text && *text) {
        printf("%-9s ", name);
        print_text(stdout, text);
        fputc('\n', stdout);
    }
}

static const char *text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static void print_output(size_t i, const json_t *output)
{
    char size[32];
    int64_t width = json_integer_value(json_object_get(output, "width"));
    const json_t *error = json_object_get(output, "error"), *seconds = json_object_get(output, "duration_s");

    print_bytes(size, sizeof(size), (uint64_t)json_integer_value(json_object_get(output, "bytes")));
    printf("output %-2zu ", i);
    print_text(stdout, text_of(output, "type"));
    if (error) {
        printf(", missing: ");
        print_text(stdout, json_is_string(error) ? json_string_value(error) : text_of(error, "message"));
    } else {
        printf(", %s", size);
    }
    if (width) {
        printf(", %" PRId64 "x%" PRId64, width,
               (int64_t)json_integer_value(json_object_get(output, "height")));
    }
    if (seconds) {
        printf(", %g s", json_number_value(seconds));
    }
    if (text_of(output, "file")) {
        printf(", in ");
        print_text(stdout, text_of(output, "file"));
    }
    fputc('\n', stdout);
}

static void print_vendor(const json_t *vendor)
{
    AUTO(auto_free) char *text = NULL;
    const char *id = text_of(vendor, "id"), *model = text_of(vendor, "model");

    if (text_of(vendor, "adapter")) {
        text = mem_printf("%s%s%s%s%s", text_of(vendor, "adapter"), model ? " " : "", model ? model : "",
                          id ? ", there " : "", id ? id : "");
    }
    line("vendor", text);
}

static void print_error_of(const char *name, const json_t *error)
{
    AUTO(auto_free) char *text = NULL;

    if (json_is_object(error)) {
        const char *code = text_of(error, "code"), *message = text_of(error, "message");
        text = mem_printf("%s: %s", code ? code : "failed", message ? message : "");
    }
    line(name, text);
}

void print_task(const json_t *task)
{
    const json_t *cost = json_object_get(task, "cost"), *progress = json_object_get(task, "progress");
    size_t i;
    json_t *output;

    line("task", text_of(task, "id"));
    line("model", text_of(task, "model"));
    line("kind", text_of(task, "kind"));
    line("status", text_of(task, "status"));
    line("stage", text_of(task, "stage"));
    if (progress) {
        printf("%-9s %.0f %%\n", "progress", json_number_value(progress));
    }
    print_error_of("error", json_object_get(task, "error"));
    print_error_of("last try", json_object_get(task, "last_error"));
    print_vendor(json_object_get(task, "vendor"));
    if (cost) {
        AUTO(auto_free)
        char *text = mem_printf("%.6g %s", json_number_value(json_object_get(cost, "amount")),
                                text_of(cost, "unit") ? text_of(cost, "unit") : "");
        line("cost", text);
    }
    json_array_foreach(json_object_get(task, "outputs"), i, output)
    {
        print_output(i, output);
    }
}

void print_failure(const struct cli *c, const json_t *error)
{
    static const struct {
        const char *code, *next;
    } hints[] = {
        {"model_not_found", "`sluice models` lists those that this agent serves"},
        {"task_not_found", "`sluice list` shows the tasks of this app"},
        {"task_not_completed", "`sluice watch ID` waits for its end"},
        {"bus_unavailable",
         "the agent lives but cannot use NATS now; it goes on by itself as soon as it can"},
        {"fleet_full", "try again later, or let more agents work"},
        {"outcome_unknown", "look at the vendor's account before you submit it again: it may have been paid"},
        {"stream_mismatch", "run `sluice setup` with the agent's configuration"},
        {"vendor_auth", "check the key that the model's `key:` names"},
        {"draining", "the agent is shutting down; try again in a moment"},
    };
    const char *code = text_of(error, "code"), *param = text_of(error, "param");
    const char *message = text_of(error, "message");

    fprintf(stderr, "sluice %s: ", c->command->name);
    print_text(stderr, code ? code : "failed");
    fputs(": ", stderr);
    print_text(stderr, message);
    if (param && !(message && strstr(message, param))) {
        fputs(" (", stderr);
        print_text(stderr, param);
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    if (param && !strcmp(param, "kind")) {
        fprintf(stderr, "name it with -k; `sluice models` shows what there is\n");
    }
    for (size_t i = 0; code && i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (!strcmp(hints[i].code, code)) {
            fprintf(stderr, "%s\n", hints[i].next);
        }
    }
}

/* ---- columns ---- */

void print_options(FILE *out, const struct options_row *rows)
{
    for (; rows->letter; rows++) {
        char left[64];
        bool has_short = rows->letter < 128;
        snprintf(left, sizeof(left), "%c%c%s --%s%s%s", has_short ? '-' : ' ', has_short ? rows->letter : ' ',
                 has_short ? "," : " ", rows->name, rows->value ? " " : "", rows->value ? rows->value : "");
        fprintf(out, "  %-28s %s\n", left, rows->help);
    }
}

void print_bytes(char *out, size_t size, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t i = 0;

    while (value >= 1024 && i + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        i++;
    }
    snprintf(out, size, i ? "%.1f %s" : "%.0f %s", value, units[i]);
}

void print_seconds(char *out, size_t size, int64_t seconds)
{
    if (seconds >= 3600) {
        snprintf(out, size, "%" PRId64 "h %02" PRId64 "m", seconds / 3600, seconds / 60 % 60);
    } else if (seconds >= 60) {
        snprintf(out, size, "%" PRId64 "m %02" PRId64 "s", seconds / 60, seconds % 60);
    } else {
        snprintf(out, size, "%" PRId64 "s", seconds);
    }
}

void print_mistake(const char *file, int line, int column, const char *text)
{
    print_text(stderr, file);
    if (line > 0) {
        fprintf(stderr, ":%d:%d", line, column);
    }
    fputs(": ", stderr);
    print_text(stderr, text);
    fputc('\n', stderr);
}

void print_time(char *out, size_t size, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;

    if (!ms || !gmtime_r(&seconds, &parts) || !strftime(out, size, "%Y-%m-%d %H:%M:%SZ", &parts)) {
        snprintf(out, size, "-");
    }
}
