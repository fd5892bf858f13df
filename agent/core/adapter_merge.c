/* adapter_merge.c - reads an adapter file, and lays it over those that it extends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/adapter_parts.h"
#include "wire/digest.h"

static void complain_at(const struct adapter_source *s, const char *file, int line, int column,
                        const char *text)
{
    if (s->complain) {
        s->complain(s->arg, file, line, column, text);
    }
}

/* Tells what the YAML reader said; its note's field is "line:column". */
static void complain_yaml(const struct adapter_source *s, const char *file, const struct note *note)
{
    char *end;
    long line = strtol(note->field, &end, 10);
    const char *text = line ? strstr(note->text, ": ") : NULL;
    long column = *end == ':' ? strtol(end + 1, NULL, 10) : 0;

    complain_at(s, file, (int)line, (int)column,
                text ? text + 2 : note->text); /* which begins with the place in words */
}

/* Tells a mistake at the member called key of the text that was read last. */
static enum fault complain_member(const struct adapter_source *s, const struct adapter_merged *m,
                                  const char *key, const char *what)
{
    const struct load_text *last = &m->texts[m->text_count - 1];
    int line, column;
    AUTO(auto_free) char *pointer = mem_printf("/%s", key);
    AUTO(auto_free) char *text = mem_printf("%s: %s", key, what);

    yaml_mark(last->marks, pointer, &line, &column);
    complain_at(s, last->file, line, column, text);
    return FAULT_CONFIG;
}

/* top over *base, which is consumed: objects member by member in depth, all else replaced; null removes. */
static json_t *lay_over(json_t *base, json_t *top)
{
    const char *key;
    json_t *value;

    if (!json_is_object(base) || !json_is_object(top)) {
        json_decref(base);
        return json_incref(top);
    }
    json_object_foreach(top, key, value)
    {
        json_t *below = json_object_get(base, key);
        if (json_is_null(value)) {
            json_object_del(base, key);
        } else {
            json_object_set_new_nocheck(base, key,
                                        below ? lay_over(json_incref(below), value) : json_incref(value));
        }
    }
    return base;
}

/* Reads one text; file is taken. */
static enum fault read_text(const struct adapter_source *s, struct slice text, char *file,
                            struct adapter_merged *m, json_t **ret_root)
{
    struct load_text *place = &m->texts[m->text_count++];
    struct note note = {0};

    place->file = file;
    if (yaml_read(text, ret_root, &place->marks, &note)) {
        complain_yaml(s, file, &note);
        return FAULT_CONFIG;
    }
    return FAULT_OK;
}

/* As the schema has it, which has not seen the file yet: nothing that leads out of a folder. */
static bool name_valid(const char *name)
{
    static const char chars[] = "-0123456789abcdefghijklmnopqrstuvwxyz";

    return name && *name >= 'a' && *name <= 'z' && !name[strspn(name, chars)] &&
           strlen(name) <= LIMIT_NAME_CHARS;
}

/* The name in `extends` of the text that was read last; NULL: it extends none. */
static enum fault find_next(const struct adapter_source *s, const struct adapter_merged *m,
                            const json_t *root, const char **ret_name)
{
    const json_t *extends = json_object_get(root, "extends");

    *ret_name = json_string_value(extends);
    if (extends && !name_valid(*ret_name)) {
        return complain_member(s, m, "extends", "must be the name of an adapter, such as openai-images");
    }
    if (*ret_name && !json_object_get(root, "adapter")) {
        return complain_member(s, m, "extends", "needs an adapter: NAME of its own beside it");
    }
    if (*ret_name && !s->find) {
        return complain_member(s, m, "extends", "there are no other files here");
    }
    if (*ret_name && m->text_count == ADAPTER_DEPTH_MAX) {
        return complain_member(s, m, "extends", "too many files extend each other; 4 is the most");
    }
    return FAULT_OK;
}

static bool seen(const struct adapter_merged *m, const char *file)
{
    for (size_t i = 0; i < m->text_count; i++) {
        if (!strcmp(m->texts[i].file, file)) {
            return true;
        }
    }
    return false;
}

/* What root, the text that was read last, lies upon: *root becomes the whole. */
static enum fault extend(const struct adapter_source *s, struct adapter_merged *m, struct digest *digest,
                         json_t **root)
{
    const char *name, *from = m->texts[m->text_count - 1].file;
    json_t *below = NULL;
    char *file = NULL;

    if (find_next(s, m, *root, &name)) {
        return FAULT_CONFIG;
    }
    if (!name) {
        return FAULT_OK;
    }
    AUTO(auto_free) char *text = s->find(s->find_arg, from, name, &file);
    if (!text || seen(m, file)) {
        enum fault fault = complain_member(s, m, "extends",
                                           text ? "goes round in a circle"
                                                : "no other adapter file in these folders has that name");
        free(file);
        return fault;
    }
    digest_add(digest, text, strlen(text));
    enum fault fault = read_text(s, slice_of(text), file, m, &below);
    fault = fault ? fault : extend(s, m, digest, &below);
    if (!fault) {
        json_t *whole = lay_over(json_deep_copy(below), *root);
        json_decref(*root);
        *root = whole;
    }
    json_decref(below);
    return fault;
}

enum fault adapter_merge(const struct adapter_source *source, struct adapter_merged *ret)
{
    struct digest *digest = digest_new();
    unsigned char bytes[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];

    digest_add(digest, source->text.p, source->text.n);
    enum fault fault = read_text(source, source->text, mem_text(source->file), ret, &ret->root);
    fault = fault ? fault : extend(source, ret, digest, &ret->root);
    digest_end(digest, bytes);
    digest_free(&digest);
    digest_hex(bytes, hex);
    memcpy(ret->digest, hex, sizeof(ret->digest) - 1);
    return fault;
}

void adapter_merge_done(struct adapter_merged *m)
{
    for (size_t i = 0; i < m->text_count; i++) {
        free(m->texts[i].file);
        yaml_marks_free(&m->texts[i].marks);
    }
    m->text_count = 0;
    json_decref(m->root);
    m->root = NULL;
}
