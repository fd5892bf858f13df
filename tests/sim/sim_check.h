/* sim_check.h - is a request's body what the vendor takes? */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <jansson.h>
#include <stdbool.h>

/* What is wrong: for the vendor's error shape. */
struct sim_complaint {
    const char *reason; /* "missing", "type", "range", "choice", "unknown" */
    char param[96];     /* "input.images[0].url" */
    char message[256];
};

/* sim_check_fields - fields: name -> rule. A rule:
 *   is            text, integer, number, boolean, list, map, file, or a list of those
 *   need          it must be there
 *   least, most   bounds of a number, of the chars of a text, of the items of a list
 *   one_of        the values that it may have
 *   like          a glob for a text, or a list of them
 *   fields, others   rules of a map's members; others: refuse
 *   items         the rule of each item of a list
 *   last          of a form: nothing comes behind it
 * form: values are texts that may spell numbers. others_refused: a name that is not in fields is wrong. True
 * when all is well. */
bool sim_check_fields(const json_t *fields, const json_t *body, bool form, bool others_refused,
                      struct sim_complaint *ret);

/* sim_check_rule - a rule is written well; else *ret_key is the word that is wrong. */
bool sim_check_rule(const json_t *rule, const char **ret_key);

#endif
