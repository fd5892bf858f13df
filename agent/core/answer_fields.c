/* answer_fields.c - the plain fields of an answer: what is saved, how far it is, what it cost. */
#include "core/answer_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/request_body.h"

#define VAR_BYTES 4096

char *answer_fields_bounded(char *text, size_t max)
{
    size_t n = text ? strlen(text) : 0;

    if (n > max) {
        while (max && ((unsigned char)text[max] & 0xc0) == 0x80) {
            max--;
        }
        text[max] = '\0';
    }
    if (!n) {
        free(text);
        return NULL;
    }
    return text;
}

double answer_fields_progress(const struct adapter_exchange *e, const struct shape_in *shapes)
{
    char *text = shape_text(e->progress, shapes);
    char *end = NULL;
    double number = text ? strtod(text, &end) : -1;

    bool good = text && end != text && (!*end || !strcmp(end, "%")) && number >= 0;
    free(text);
    if (!good) {
        return -1;
    }
    number = number * 100 / e->progress_of;
    return number > 100 ? 100 : number;
}

json_t *answer_fields_save(const struct adapter_exchange *e, const struct shape_in *shapes)
{
    json_t *save = NULL;
    const char *name;

    for (size_t i = 0; (name = shape_name(e->save, i)); i++) {
        char *text = shape_text(shape_member(e->save, name), shapes);
        if (text && *text && strlen(text) <= VAR_BYTES) {
            save = save ? save : json_object();
            json_object_set_new(save, name, json_string(text));
        }
        free(text);
    }
    return save;
}

static bool names_variable(const struct template *t, const char *name)
{
    const char *used;

    for (size_t i = 0; t && (used = template_name(t, i)); i++) {
        if (!strcmp(used, name)) {
            return true;
        }
    }
    return false;
}

const char *answer_fields_missing(const struct adapter_op *op, const struct adapter_exchange *e,
                                  const json_t *save)
{
    const char *name;

    for (size_t i = 0; (name = shape_name(e->save, i)); i++) {
        bool needed = !strcmp(name, "id") || names_variable(op->steps[STEP_POLL].request.url, name) ||
                      names_variable(op->steps[STEP_FETCH].request.url, name);
        if (needed && !json_object_get(save, name)) {
            return name;
        }
    }
    return NULL;
}

json_t *answer_fields_value(const struct shape *s, const struct shape_in *shapes)
{
    json_t *made = shape_try(s, shapes);

    if (!made) {
        return NULL;
    }
    json_t *value = request_body_tidy(made, true);
    json_decref(made);
    if (!json_object_size(value) && !json_array_size(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

json_t *answer_fields_cost(const struct adapter_exchange *e, const struct shape_in *shapes)
{
    char *text = shape_text(e->cost, shapes), *end;
    double amount = text ? strtod(text, &end) : 0;
    bool good = text && end != text && !*end && amount >= 0 && amount < 1e15;

    free(text);
    if (!good) {
        return NULL;
    }
    json_t *number =
        amount == (double)(json_int_t)amount ? json_integer((json_int_t)amount) : json_real(amount);
    return json_pack("{s:o, s:s}", "amount", number, "unit", e->cost_unit);
}
