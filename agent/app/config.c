/* config.c - settings from a table: defaults, then the file, then the environment; each checked, each mistake
 * told. */
#include "app/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config_internal.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "wire/field.h"

enum type { TEXT, INT, BYTES, MS, BOOL, LIST };
static const char *const type_names[] = {"text", "number", "bytes", "duration", "boolean", "list"};

static const struct row {
    const char *path;
    enum type type;
    const char *def;
    int64_t min, max;
    const char *text;
    size_t offset;
} rows[] = {
#define SETTING(field, path, type, def, min, max, text)                                                      \
    {path, type, def, min, max, text, offsetof(struct config, field)},
#include "app/config.def"
#undef SETTING
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The pointer leads into a model that was changed while running. */
static bool is_changed(const struct config *c, const char *pointer)
{
    static const char models[] = "/models/";
    size_t skip = sizeof(models) - 1;

    if (!c->changed || !pointer || strncmp(pointer, models, skip) != 0) {
        return false;
    }
    AUTO(auto_free) char *name = mem_textn(pointer + skip, strcspn(pointer + skip, "/"));
    return json_object_get(c->changed, name) != NULL;
}

void config_complain(struct config_reader *r, const char *pointer, const char *format, ...)
{
    const struct config *c = r->config;
    char text[512];
    int line = 0, column = 0;
    va_list ap;

    r->bad = true;
    if (!r->complain) {
        return;
    }
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    bool changed = is_changed(c, pointer);
    const struct yaml_marks *marks = changed ? c->changed_marks : c->marks;
    const char *file = changed ? c->changed_name : c->file;
    if (pointer && marks) {
        yaml_mark(marks, pointer + (changed ? strlen("/models") : 0), &line, &column);
    }
    r->complain(r->arg, file ? file : "(defaults)", line, column, text);
}

bool config_list_has(const struct config_list *list, const char *item)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!strcmp(list->items[i], item)) {
            return true;
        }
    }
    return false;
}

char *config_read_text(const char *path, bool trim)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buf b;
    char piece[8192];
    ssize_t n = -1;

    if (fd == -1) {
        return NULL;
    }
    buf_init(&b, LIMIT_FILE_BYTES);
    while (buf_ok(&b) && (n = read(fd, piece, sizeof(piece))) > 0) {
        buf_add(&b, piece, (size_t)n);
    }
    int error = n < 0 ? errno : EFBIG;
    close(fd);
    while (trim && b.n && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r')) {
        b.p[--b.n] = '\0';
    }
    char *text = n == 0 ? buf_take(&b) : NULL;
    buf_done(&b);
    errno = text ? 0 : error;
    return text;
}

/* ---- one setting ---- */

static void *row_field(struct config *c, const struct row *row)
{
    return (char *)c + row->offset;
}

static void list_clear(struct config_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct config_list){NULL, 0};
}

static void list_add(struct config_list *list, const char *p, size_t n)
{
    list->items = mem_grow(list->items, (list->n + 2) * sizeof(*list->items));
    list->items[list->n++] = mem_textn(p, n);
    list->items[list->n] = NULL;
}

/* A number in the row's unit, or false. */
static bool row_number(const struct row *row, const char *text, int64_t *ret)
{
    char *end = NULL;

    switch (row->type) {
    case BYTES:
        *ret = field_bytes(slice_of(text));
        return *ret >= 0;
    case MS:
        *ret = field_duration_ms(slice_of(text));
        return *ret >= 0;
    case INT:
        errno = 0;
        *ret = strtoll(text, &end, 10);
        return end != text && !*end && !errno;
    case TEXT:
    case BOOL:
    case LIST:
        break;
    }
    return false;
}

static void row_complain_range(struct config_reader *r, const struct row *row, const char *pointer,
                               const char *got)
{
    const char *unit = row->type == TEXT    ? " chars"
                       : row->type == LIST  ? " items"
                       : row->type == MS    ? " ms"
                       : row->type == BYTES ? " bytes"
                                            : "";

    config_complain(r, pointer, "%s must be %" PRId64 " to %" PRId64 "%s (got %.80s)", row->path, row->min,
                    row->max, unit, got);
}

static void row_set_list(struct config_reader *r, const struct row *row, const char *pointer,
                         const char *text)
{
    struct config_list *list = row_field(r->config, row);
    struct slice rest = slice_of(text), item;

    list_clear(list);
    while (*text && slice_cut(&rest, ',', &item)) {
        item = slice_trim(item);
        list_add(list, item.p, item.n);
    }
    if ((int64_t)list->n < row->min || (int64_t)list->n > row->max) {
        row_complain_range(r, row, pointer, text);
    }
}

/* Sets a row from its text form: defaults and the environment; scalars of the file too. */
static void row_set(struct config_reader *r, const struct row *row, const char *pointer, const char *text)
{
    void *field = row_field(r->config, row);
    int64_t number;

    if (row->type == LIST) {
        row_set_list(r, row, pointer, text);
    } else if (row->type == TEXT) {
        char **own = field;
        int64_t n = (int64_t)strlen(text);
        free(*own);
        *own = mem_text(text);
        if (n < row->min || n > row->max) {
            row_complain_range(r, row, pointer, text);
        }
    } else if (row->type == BOOL) {
        *(bool *)field = !strcmp(text, "true");
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
            config_complain(r, pointer, "%s must be true or false (got %.80s)", row->path, text);
        }
    } else if (!row_number(row, text, &number)) {
        config_complain(r, pointer, "%s must be a %s such as %s (got %.80s)", row->path,
                        type_names[row->type], row->def, text);
    } else if (number < row->min || number > row->max) {
        row_complain_range(r, row, pointer, text);
    } else {
        *(int64_t *)field = number;
    }
}

static void row_set_items(struct config_reader *r, const struct row *row, const char *pointer,
                          const json_t *items)
{
    struct config_list *list = row_field(r->config, row);
    size_t i;
    json_t *item;

    list_clear(list);
    json_array_foreach((json_t *)items, i, item)
    {
        const char *text = json_string_value(item);
        if (!text) {
            config_complain(r, pointer, "%s must be a list of texts", row->path);
            return;
        }
        list_add(list, text, strlen(text));
    }
    if ((int64_t)list->n < row->min || (int64_t)list->n > row->max) {
        row_complain_range(r, row, pointer, "a list of another length");
    }
}

static void row_read(struct config_reader *r, const struct row *row, const char *pointer, const json_t *value)
{
    char number[32];

    if (row->type == LIST && json_is_array(value)) {
        row_set_items(r, row, pointer, value);
    } else if (json_is_string(value)) {
        row_set(r, row, pointer, json_string_value(value));
    } else if (json_is_boolean(value)) {
        row_set(r, row, pointer, json_is_true(value) ? "true" : "false");
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        row_set(r, row, pointer, number);
    } else {
        config_complain(r, pointer, "%s must be a %s", row->path, type_names[row->type]);
    }
}

/* ---- the document ---- */

static const struct row *row_find(const char *path)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (!strcmp(rows[i].path, path)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Some setting begins with "<path>.". */
static bool row_is_group(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < ROWS; i++) {
        if (!strncmp(rows[i].path, path, n) && rows[i].path[n] == '.') {
            return true;
        }
    }
    return false;
}

static void config_read_group(struct config_reader *r, const char *group, json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char path[192], pointer[192];
        snprintf(path, sizeof(path), "%s%s%.80s", group, *group ? "." : "", key);
        snprintf(pointer, sizeof(pointer), "%s%s/%.80s", *group ? "/" : "", group, key);
        const struct row *row = row_find(path);
        if (row) {
            row_read(r, row, pointer, value);
        } else if (!*group && !strcmp(key, "models")) {
            config_read_models(r, value);
        } else if (!*group && !strcmp(key, "keys")) {
            config_read_keys(r, value);
        } else if (!*group && row_is_group(path) && json_is_object(value)) {
            config_read_group(r, path, value);
        } else if (!*group && row_is_group(path)) {
            config_complain(r, pointer, "%s must be a mapping of its settings, such as %s: { … }", path,
                            path);
        } else {
            config_complain(r, pointer, "there is no setting %s; docs/configuration.md lists them all", path);
        }
    }
}

static void config_env_name(const char *path, char *out, size_t size)
{
    snprintf(out, size, "SLUICE_%s", path);
    for (char *c = out; *c; c++) {
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
}

static void config_read_env(struct config_reader *r)
{
    char name[128];

    for (size_t i = 0; i < ROWS; i++) {
        config_env_name(rows[i].path, name, sizeof(name));
        const char *text = getenv(name);
        if (text) {
            row_set(r, &rows[i], NULL, text);
        }
    }
}

void config_complain_yaml(struct config_reader *r, const struct note *note)
{
    char *end = NULL;
    int line = (int)strtol(note->field, &end, 10);
    int column = *end == ':' ? (int)strtol(end + 1, NULL, 10) : 0;
    const char *text = line ? strstr(note->text, ": ") : NULL;

    r->bad = true;
    if (r->complain) {
        r->complain(r->arg, r->config->file, line, column, text ? text + 2 : note->text);
    }
}

static void config_read_file(struct config_reader *r)
{
    AUTO(auto_free) char *text = config_read_text(r->config->file, false);
    json_t *document = NULL;
    struct note note = {0};

    if (!text) {
        config_complain(r, NULL, "cannot be read: %s", strerror(errno));
        return;
    }
    if (yaml_read(slice_of(text), &document, &r->config->marks, &note) != FAULT_OK) {
        config_complain_yaml(r, &note);
        return;
    }
    if (json_is_object(document)) {
        config_read_group(r, "", document);
    } else if (!json_is_null(document)) {
        config_complain(r, "", "a configuration is a mapping of settings");
    }
    json_decref(document);
}

enum fault config_read(const char *file, config_complain_fn *complain, void *arg, struct config **ret_config)
{
    struct config_reader r = {.config = mem_new(sizeof(struct config)), .complain = complain, .arg = arg};

    r.config->file = mem_text(file);
    r.config->models = json_object();
    r.config->keys = json_object();
    for (size_t i = 0; i < ROWS; i++) {
        row_set(&r, &rows[i], NULL, rows[i].def);
    }
    if (file) {
        config_read_file(&r);
    }
    config_read_env(&r);
    if (!r.bad) {
        config_check(&r); /* of values that are not there yet more could be said than is true */
    }
    if (r.bad) {
        config_free(&r.config);
        return FAULT_CONFIG;
    }
    *ret_config = r.config;
    return FAULT_OK;
}

void config_free(struct config **pc)
{
    struct config *c = *pc;

    if (!c) {
        return;
    }
    for (size_t i = 0; i < ROWS; i++) {
        void *field = row_field(c, &rows[i]);
        if (rows[i].type == TEXT) {
            free(*(char **)field);
        } else if (rows[i].type == LIST) {
            list_clear(field);
        }
    }
    json_decref(c->models);
    json_decref(c->keys);
    json_decref(c->changed);
    yaml_marks_free(&c->changed_marks);
    free(c->changed_name);
    yaml_marks_free(&c->marks);
    free(c->file);
    free(c);
    *pc = NULL;
}

json_t *config_rows(void)
{
    json_t *list = json_array();
    char env[128];

    for (size_t i = 0; i < ROWS; i++) {
        config_env_name(rows[i].path, env, sizeof(env));
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s}", "path", rows[i].path, "type",
                                              type_names[rows[i].type], "default", rows[i].def, "text",
                                              rows[i].text, "env", env));
    }
    return list;
}
