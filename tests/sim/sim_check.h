/* sim_check.h - is a request's body what the vendor takes? */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <jansson.h>
#include <stdbool.h>

/* What is wrong: for the vendor's error shape. */
struct sim_complaint {
    const char *reason; /* "missing", "type", "range", "choice", "unknown" */
    char param[64];
    char message[256];
};

/* sim_check_fields - fields: name -> {is, need, least, most, one_of, message}. is: text, integer, number,
 * boolean, list, map, file, or a list of those. least and most bound a number, the chars of a text, the items
 * of a list. form: values are texts that may spell numbers. others_refused: a name that is not in fields is
 * wrong. True when all is well. */
bool sim_check_fields(const json_t *fields, const json_t *body, bool form, bool others_refused,
                      struct sim_complaint *ret);

#endif
