/* credential_secret.c - a key's secret and its parts. */
#include "core/credential_secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"

struct part {
    char *name;
    char *text;
};

struct credential_secret {
    char *whole;
    struct part *parts; /* those that are there */
    size_t count;
};

void credential_secret_free(struct credential_secret **s)
{
    if (!*s) {
        return;
    }
    for (size_t i = 0; i < (*s)->count; i++) {
        free((*s)->parts[i].name);
        credential_wipe(&(*s)->parts[i].text);
    }
    credential_wipe(&(*s)->whole);
    free((*s)->parts);
    free(*s);
    *s = NULL;
}

const char *credential_secret_text(const struct credential_secret *s, size_t i)
{
    if (i == 0) {
        return s->whole;
    }
    return i <= s->count ? s->parts[i - 1].text : NULL;
}

const char *credential_secret_part(const struct credential_secret *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!strcmp(s->parts[i].name, name)) {
            return s->parts[i].text;
        }
    }
    return NULL;
}

/* Takes text. */
static void add_part(struct credential_secret *s, const char *name, char *text)
{
    s->parts[s->count++] = (struct part){mem_text(name), text};
}

static bool optional(const struct adapter_auth *auth, size_t i)
{
    return auth->last_optional && i + 1 == auth->part_count;
}

/* Overwrites every text of a value that is about to be dropped. */
static void wipe_texts(json_t *value)
{
    const char *name;
    json_t *item;

    json_object_foreach(value, name, item)
    {
        if (json_is_string(item)) {
            explicit_bzero((char *)json_string_value(item), json_string_length(item));
        }
    }
}

static enum fault take_members(const struct adapter_auth *auth, const json_t *object,
                               struct credential_secret *s, struct note *note)
{
    for (size_t i = 0; i < auth->part_count; i++) {
        const json_t *item = json_object_get(object, auth->parts[i]);
        char *text = json_is_string(item) || json_is_number(item) ? shape_value_text(item) : NULL;
        if (text && *text) {
            add_part(s, auth->parts[i], text);
            continue;
        }
        free(text);
        if (!optional(auth, i)) {
            return note_set(note, FAULT_CONFIG, "the secret is a JSON object without a text %s",
                            auth->parts[i]);
        }
    }
    return FAULT_OK;
}

static enum fault read_json(const struct adapter_auth *auth, struct credential_secret *s, struct note *note)
{
    json_error_t error;
    json_t *object = json_loads(s->whole, JSON_REJECT_DUPLICATES, &error);

    if (!json_is_object(object)) { /* the parser's own words would quote the secret */
        json_decref(object);
        return note_set(note, FAULT_CONFIG,
                        "the secret begins as a JSON object and is none: line %d, column %d", error.line,
                        error.column);
    }
    enum fault fault = take_members(auth, object, s, note);
    wipe_texts(object);
    json_decref(object);
    return fault;
}

/* The colons that separate parts are the first ones: the last part may hold more. */
static enum fault read_joined(const struct adapter_auth *auth, struct credential_secret *s, struct note *note)
{
    struct slice rest = slice_of(s->whole), part = {NULL, 0};

    for (size_t i = 0; i < auth->part_count; i++) {
        bool last = i + 1 == auth->part_count;
        if (last) {
            part = rest;
        } else if (!slice_cut(&rest, ':', &part)) {
            part = (struct slice){NULL, 0};
        }
        if (part.n) {
            add_part(s, auth->parts[i], mem_textn(part.p, part.n));
        } else if (!optional(auth, i)) {
            return note_set(note, FAULT_CONFIG,
                            "the secret has no part %s: it is a JSON object, or %zu texts joined by colons",
                            auth->parts[i], auth->part_count);
        }
    }
    return FAULT_OK;
}

enum fault credential_secret_read(const struct adapter *a, const char *text,
                                  struct credential_secret **ret_secret, struct note *note)
{
    const struct adapter_auth *auth = &a->auth;
    struct credential_secret *s = mem_new(sizeof(*s));
    enum fault fault = FAULT_OK;

    s->whole = mem_text(text);
    s->parts = mem_new((auth->part_count + 1) * sizeof(*s->parts));
    while (isspace((unsigned char)*text)) {
        text++;
    }
    if (auth->part_count) {
        fault = *text == '{' ? read_json(auth, s, note) : read_joined(auth, s, note);
    }
    if (fault) {
        credential_secret_free(&s);
    }
    *ret_secret = s;
    return fault;
}
