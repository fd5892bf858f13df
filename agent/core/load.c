/* load.c - where a reader of an adapter file stands, and whom it tells what is wrong there. */
#include "core/load.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/field.h"
#include "wire/schema.h"

void load_done(struct load *l)
{
    free(l->places);
    l->places = NULL;
    l->place_count = 0;
    free(l->rules);
    l->rules = NULL;
    l->rule_count = 0;
}

static void put(struct load *l, char c)
{
    if (l->length + 1 < sizeof(l->pointer)) {
        l->pointer[l->length++] = c;
        l->pointer[l->length] = '\0';
    }
}

size_t load_enter(struct load *l, const char *key)
{
    size_t before = l->length;

    /* RFC 6901 section 4: ~ and / have escapes of their own. */
    put(l, '/');
    for (; *key; key++) {
        if (*key == '~' || *key == '/') {
            put(l, '~');
            put(l, *key == '~' ? '0' : '1');
        } else {
            put(l, *key);
        }
    }
    return before;
}

size_t load_enter_index(struct load *l, size_t index)
{
    char text[24];

    snprintf(text, sizeof(text), "%zu", index);
    return load_enter(l, text);
}

void load_leave(struct load *l, size_t before)
{
    l->length = before;
    l->pointer[before] = '\0';
}

/* FNV-1a. */
static size_t hash_of(const json_t *value)
{
    AUTO(auto_free) char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    size_t hash = 0xcbf29ce484222325u;

    for (const char *at = text; at && *at; at++) {
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    }
    return hash;
}

int load_rule(struct load *l, const json_t *value)
{
    l->rules = mem_grow(l->rules, (l->rule_count + 1) * sizeof(*l->rules));
    struct load_place *place = &l->rules[l->rule_count];
    load_where(l, l->pointer, &place->file, &place->line, &place->column);
    place->content = hash_of(value);
    return (int)l->rule_count++;
}

static void tell(struct load *l, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));

void load_where(const struct load *l, const char *pointer, const char **ret_file, int *ret_line,
                int *ret_column)
{
    for (size_t i = 0; i < l->text_count; i++) {
        *ret_file = l->texts[i].file;
        if (yaml_mark(l->texts[i].marks, pointer, ret_line, ret_column)) {
            return;
        }
    }
    /* It is nowhere: it is missing, and so in the file itself. */
    *ret_file = l->text_count ? l->texts[0].file : "";
    *ret_line = *ret_column = 0;
    if (l->text_count) {
        yaml_mark(l->texts[0].marks, pointer, ret_line, ret_column);
    }
}

static void tell(struct load *l, const char *format, va_list ap)
{
    const char *file;
    char text[1024];
    int line, column;

    l->bad = true;
    if (!l->complain) {
        return;
    }
    schema_dotted("", l->pointer, text, sizeof(text) / 2);
    size_t n = strlen(text);
    if (n) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, ": ");
    }
    vsnprintf(text + n, sizeof(text) - n, format, ap);
    load_where(l, l->pointer, &file, &line, &column);
    l->complain(l->arg, file, line, column, text);
}

void load_complain(struct load *l, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    tell(l, format, ap);
    va_end(ap);
}

void load_complain_at(struct load *l, const char *key, const char *format, ...)
{
    va_list ap;
    size_t before = load_enter(l, key);

    va_start(ap, format);
    tell(l, format, ap);
    va_end(ap);
    load_leave(l, before);
}

#define ROOTS_MAX 11
#define REQUEST_ROOTS                                                                                        \
    "input", "model", "options", "vars", "task", "kind", "idempotency_key", "idempotency_uuid", "deadline_s"
#define ANSWER_ROOTS "status", "headers", "body", "raw", "vars", "input", "model", "options"

static const char *const roots[][ROOTS_MAX] = {
    [LOAD_INPUT] = {"input", "model", "options"},
    [LOAD_REQUEST] = {REQUEST_ROOTS},
    [LOAD_ANSWER] = {ANSWER_ROOTS},
    [LOAD_ITEM] = {ANSWER_ROOTS, "item"},
    [LOAD_UPLOAD] = {REQUEST_ROOTS, "medium"},
    [LOAD_UPLOAD_ANSWER] = {ANSWER_ROOTS, "medium"},
};

/* The dot that an expression begins with is always the whole context, so its first name can be checked. */
static void check_root(struct load *l, const char *text)
{
    char known[128] = "";
    size_t n = 0;

    text += strspn(text, " \t\r\n");
    if (text[0] != '.' || (text[1] != '_' && !isalpha((unsigned char)text[1]))) {
        return;
    }
    text++;
    while (text[n] == '_' || isalnum((unsigned char)text[n])) {
        n++;
    }
    for (size_t i = 0; i < ROOTS_MAX && roots[l->roots][i]; i++) {
        const char *root = roots[l->roots][i];
        if (strlen(root) == n && !memcmp(root, text, n)) {
            return;
        }
        size_t at = strlen(known);
        snprintf(known + at, sizeof(known) - at, "%s.%s", at ? " " : "", root);
    }
    load_complain(l, "there is no .%.*s here: an expression in this place begins with one of %s", (int)n,
                  text, known);
}

/* Names of headers come in lower case, whatever the vendor writes. */
static void check_header(struct load *l, const char *text)
{
    const char *at = strstr(text, ".headers[\"");

    for (at = at ? at + 10 : ""; *at && *at != '"'; at++) {
        if (isupper((unsigned char)*at)) {
            load_complain(l, "names in .headers are all lower case: write .headers[\"x-request-id\"]");
            return;
        }
    }
}

int load_expression(struct load *l, const char *text)
{
    struct note note = {0};
    int number = -1;

    check_root(l, text);
    check_header(l, text);

    if (mapping_add(l->mapping, text, &number, &note)) {
        load_complain(l, "%s", note.text);
        return -1;
    }
    /* Equal texts share a number: the first place stands for all. */
    if ((size_t)number == l->place_count) {
        l->places = mem_grow(l->places, (l->place_count + 1) * sizeof(*l->places));
        struct load_place *place = &l->places[l->place_count++];
        load_where(l, l->pointer, &place->file, &place->line, &place->column);
    }
    return number;
}

void load_template(struct load *l, const char *text, struct template **ret_template)
{
    struct note note = {0};

    if (template_parse(text, ret_template, &note)) {
        load_complain(l, "%s", note.text);
    }
}

int64_t load_duration(struct load *l, const json_t *value, int64_t fallback)
{
    char text[32];
    int64_t ms = -1;

    if (!value) {
        return fallback;
    }
    if (json_is_string(value)) {
        ms = field_duration_ms(slice_of(json_string_value(value)));
    } else if (json_is_number(value)) {
        snprintf(text, sizeof(text), "%.3f", json_number_value(value));
        ms = field_duration_ms(slice_of(text));
    }
    if (ms < 0) {
        load_complain(l, "is no duration: write 500ms, 10s, 2m, 1h, or a number of seconds");
        return fallback;
    }
    return ms;
}
