/* load.h - where a reader of an adapter file stands, and whom it tells what is wrong there. */
#ifndef CORE_LOAD_H
#define CORE_LOAD_H

#include <jansson.h>
#include <stddef.h>

#include "core/adapter.h"
#include "core/template.h"
#include "wire/yaml.h"

#define LOAD_POINTER_CHARS 512

/* The position of an expression in the file, by its number in the mapping. */
struct load_place {
    int line;
    int column;
};

/* What the expressions that are read now will run on: which members their dot has. */
enum load_roots {
    LOAD_INPUT,   /* .input: choosing an operation */
    LOAD_REQUEST, /* .input .vars .model .task .kind .idempotency_key */
    LOAD_ANSWER,  /* .status .headers .body .raw .vars .input */
    LOAD_ITEM     /* as LOAD_ANSWER, and .item */
};

/* Embedded, zero-initialised; load_done releases it. */
struct load {
    const char *file;
    const struct yaml_marks *marks;
    struct mapping *mapping;
    adapter_complain_fn *complain;
    void *arg;
    bool bad; /* something was complained of */
    enum load_roots roots;
    char pointer[LOAD_POINTER_CHARS];
    size_t length;
    struct load_place *places;
    size_t place_count;
};

void load_done(struct load *l);

/* load_enter - goes into the member called key; load_enter_index into an element. Gives what load_leave wants
 * back. */
size_t load_enter(struct load *l, const char *key);
size_t load_enter_index(struct load *l, size_t index);
void load_leave(struct load *l, size_t before);

/* load_complain - tells what is wrong here, at the file's line and column. */
void load_complain(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* load_complain_at - the same for a member of here. */
void load_complain_at(struct load *l, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* load_expression - the number of the expression here, -1 when it was complained of. */
int load_expression(struct load *l, const char *text);

/* load_template - the template here, NULL when it was complained of. */
void load_template(struct load *l, const char *text, struct template **ret_template);

/* load_duration - value in ms, or fallback when it is NULL; complains of what is none. */
int64_t load_duration(struct load *l, const json_t *value, int64_t fallback);

#endif
