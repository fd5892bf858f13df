/* fault.c - the closed list of failures. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum repeat { NEVER, LATER };

static const struct row {
    const char *code;
    const char *type;
    const char *text;
    int http;
    enum repeat repeat;
} rows[] = {
#define FAULT(name, code, type, http, repeat, text) {code, type, text, http, repeat},
#include "base/fault.def"
#undef FAULT
};

static const struct row *fault_row(enum fault fault)
{
    return &rows[(unsigned)fault < FAULT_COUNT ? fault : FAULT_INTERNAL];
}

const char *fault_code(enum fault fault)
{
    return fault_row(fault)->code;
}

const char *fault_type(enum fault fault)
{
    return fault_row(fault)->type;
}

const char *fault_text(enum fault fault)
{
    return fault_row(fault)->text;
}

int fault_http(enum fault fault)
{
    return fault_row(fault)->http;
}

bool fault_later(enum fault fault)
{
    return fault_row(fault)->repeat == LATER;
}

enum fault fault_find(const char *code)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (!strcmp(rows[i].code, code)) {
            return (enum fault)i;
        }
    }
    return FAULT_INTERNAL;
}

enum fault note_set(struct note *note, enum fault fault, const char *format, ...)
{
    if (note && !note->text[0]) {
        va_list ap;
        va_start(ap, format);
        vsnprintf(note->text, sizeof(note->text), format, ap);
        va_end(ap);
    }
    return fault;
}

void note_field(struct note *note, const char *field)
{
    if (note && field && !note->field[0]) {
        snprintf(note->field, sizeof(note->field), "%s", field);
    }
}

const char *note_text(const struct note *note, enum fault fault)
{
    return note && note->text[0] ? note->text : fault_text(fault);
}
