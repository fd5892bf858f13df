/* schema.c - JSON Schema draft-07 on values: the face of the engine. */
#include "wire/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "wire/schema_internal.h"

enum fault schema_new(json_t *text, struct schema **ret_schema, struct note *note)
{
    struct schema *s = mem_new(sizeof(*s));

    s->text = json_incref(text);
    s->scratch = schema_pattern_scratch();
    enum fault fault = schema_build_nodes(s, note);
    if (fault) {
        schema_free(&s);
    }
    *ret_schema = s;
    return fault;
}

void schema_free(struct schema **ps)
{
    struct schema *s = *ps;

    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->n_nodes; i++) {
        schema_keyword_free(&s->nodes[i]);
    }
    free(s->nodes);
    schema_pattern_scratch_free(&s->scratch);
    json_decref(s->text);
    free(s);
    *ps = NULL;
}

bool schema_check(struct schema *s, const json_t *value, schema_complain_fn *complain, void *arg)
{
    struct schema_check c = {.scratch = s->scratch,
                             .mode = complain ? SCHEMA_TELL : SCHEMA_VERDICT,
                             .complain = complain,
                             .arg = arg,
                             .steps = LIMIT_SCHEMA_STEPS};
    bool ok = schema_check_node(&c, s->nodes[0], value, NULL);

    if (c.steps) {
        return ok;
    }
    if (complain && c.complaints < LIMIT_SCHEMA_COMPLAINTS) {
        complain(arg, "", "is too large or too complex to check");
    }
    return false;
}

/* ---- notes ---- */

struct first {
    const char *prefix;
    struct note *note;
};

/* The first complaint is the note: note_field and note_set keep what is there. */
static void keep_first(void *arg, const char *pointer, const char *text)
{
    const struct first *first = arg;
    char field[sizeof(first->note->field)];

    schema_dotted(first->prefix, pointer, field, sizeof(field));
    note_field(first->note, field);
    note_set(first->note, FAULT_BAD_VALUE, "%s %s", *field ? field : "the value", text);
}

enum fault schema_check_field(struct schema *s, const json_t *value, const char *prefix, struct note *note)
{
    struct first first = {prefix, note};

    return schema_check(s, value, note ? keep_first : NULL, &first) ? FAULT_OK : FAULT_BAD_VALUE;
}

enum fault schema_check_note(struct schema *s, const json_t *value, struct note *note)
{
    return schema_check_field(s, value, "", note);
}

/* ---- dotted paths ---- */

static bool is_index(const char *token)
{
    return *token && !token[strspn(token, "0123456789")];
}

/* A word needs no quotes between dots. */
static bool is_word(const char *token)
{
    return *token && !token[strcspn(token, ".[]\"' /")];
}

/* A step that does not fit whole is left out, and so is all behind it. */
static bool add_step(char *out, size_t size, const char *token)
{
    size_t n = strlen(out);
    int added;

    if (is_index(token)) {
        added = snprintf(out + n, size - n, "[%s]", token);
    } else if (is_word(token)) {
        added = snprintf(out + n, size - n, "%s%s", n ? "." : "", token);
    } else {
        added = snprintf(out + n, size - n, "[\"%s\"]", token);
    }
    if (added < 0 || (size_t)added >= size - n) {
        out[n] = '\0';
        return false;
    }
    return true;
}

void schema_dotted(const char *prefix, const char *pointer, char *out, size_t size)
{
    struct slice rest = slice_of(*pointer == '/' ? pointer + 1 : NULL);
    bool room = (size_t)snprintf(out, size, "%s", prefix) < size;

    for (char *token = schema_ref_token(&rest); token; token = schema_ref_token(&rest)) {
        room = room && add_step(out, size, token);
        free(token);
    }
}
