/* rule.h - what an answer means: ordered rules from status, headers and body to a class. */
#ifndef CORE_RULE_H
#define CORE_RULE_H

#include "core/answer.h"
#include "core/shape.h"

struct rule_list;

/* rule_load - the rules at the loader's position, NULL for a NULL value. */
struct rule_list *rule_load(struct load *l, const json_t *value);
void rule_free(struct rule_list **r);

/* What a rule looks at. */
struct rule_in {
    enum adapter_step step;
    int status;
    const json_t *headers; /* {lower-case name: text}, or NULL */
    const char *code;      /* the vendor's own word for the error, or NULL */
    const struct shape_in *shapes;
    int64_t wall_ms;
};

/* What a rule says. */
struct rule_out {
    enum answer_class class;
    int accepted;     /* an enum answer_accepted, -1: nothing said */
    int64_t later_ms; /* -1: nothing said */
    bool failed;      /* the answer means that the task failed, whatever its state says */
    bool cancelled;   /* failed, because somebody cancelled it at the vendor */
    const char *text; /* words for people, or NULL; lives as long as the rules */
    int number;       /* of the rule, see adapter_rule_place */
};

/* rule_match - what the first rule that fits says; false: none fits. r may be NULL. */
bool rule_match(const struct rule_list *r, const struct rule_in *in, struct rule_out *ret);

#endif
