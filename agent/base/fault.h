/* fault.h - the closed list of failures, and the detail that goes with one. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

/* What can fail returns enum fault; FAULT_OK is 0. Rows stand in fault.def. */
enum fault {
#define FAULT(name, code, type, http, repeat, text) FAULT_##name,
#include "base/fault.def"
#undef FAULT
    FAULT_COUNT
};

/* The row of fault; never NULL. */
const char *fault_code(enum fault fault);
const char *fault_type(enum fault fault);
const char *fault_text(enum fault fault);
int fault_http(enum fault fault);
/* A client may send the same request again later. */
bool fault_later(enum fault fault);

/* fault_find - the fault with this code, or FAULT_INTERNAL. */
enum fault fault_find(const char *code);

/* The sentence for people that goes with a fault: first writer wins. field names the culprit: a JSON
 * pointer, a parameter, a file position. Embedded, zero-initialised, no ownership. */
struct note {
    char text[384];
    char field[128];
};

/* note_set - writes the sentence unless one is there. note may be NULL. Gives fault back, so that
 * `return note_set(note, FAULT_BAD_VALUE, "…")` reads well. */
enum fault note_set(struct note *note, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* note_field - names the culprit unless one is named. Both may be NULL. */
void note_field(struct note *note, const char *field);

/* The sentence, or the fault's own text when there is none. */
const char *note_text(const struct note *note, enum fault fault);

#endif
