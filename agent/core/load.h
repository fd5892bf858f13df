/* load.h - where a reader of an adapter file stands, and whom it tells what is wrong there. */
#ifndef CORE_LOAD_H
#define CORE_LOAD_H

#include <jansson.h>
#include <stddef.h>

#include "core/adapter.h"
#include "core/template.h"
#include "wire/yaml.h"

#define LOAD_POINTER_CHARS 512

/* A file that is read, or one that it extends. */
struct load_text {
    char *file;
    struct yaml_marks *marks;
};

/* The position of an expression in the file, by its number in the mapping. file lives as long as the texts.
 */
struct load_place {
    const char *file;
    int line;
    int column;
    size_t content; /* of rules: equal for equal ones */
};

/* What the expressions that are read now will run on: which members their dot has. */
enum load_roots {
    LOAD_INPUT,        /* .input .model .options: choosing an operation */
    LOAD_REQUEST,      /* .input .vars .model .options .task .kind .idempotency_key .deadline_s */
    LOAD_ANSWER,       /* .status .headers .body .raw .vars .input .model .options */
    LOAD_ITEM,         /* as LOAD_ANSWER, and .item */
    LOAD_UPLOAD,       /* as LOAD_REQUEST, and .medium */
    LOAD_UPLOAD_ANSWER /* as LOAD_ANSWER, and .medium */
};

/* Embedded, zero-initialised; load_done releases it. */
struct load {
    const struct load_text *texts; /* the file itself first, then those that it extends */
    size_t text_count;
    struct mapping *mapping;
    adapter_complain_fn *complain;
    void *arg;
    bool bad; /* something was complained of */
    enum load_roots roots;
    char pointer[LOAD_POINTER_CHARS];
    size_t length;
    struct load_place *places;
    size_t place_count;
    struct load_place *rules; /* of the rules, by number */
    size_t rule_count;
};

void load_done(struct load *l);

/* load_enter - goes into the member called key; load_enter_index into an element. Gives what load_leave wants
 * back. */
size_t load_enter(struct load *l, const char *key);
size_t load_enter_index(struct load *l, size_t index);
void load_leave(struct load *l, size_t before);

/* load_where - the file, line and column of the value at pointer: in the first text that has it. */
void load_where(const struct load *l, const char *pointer, const char **ret_file, int *ret_line,
                int *ret_column);

/* load_rule - numbers the rule here. */
int load_rule(struct load *l, const json_t *value);

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
