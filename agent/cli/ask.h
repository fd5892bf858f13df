/* ask.h - exchanges with the agent, and what people are told when one fails. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <jansson.h>

#include "cli/cli.h"

/* All of these give an exit code: CLI_DONE, or what went wrong was told already. */

/* ask - any exchange. *ret_value (may be NULL) is the answer's JSON, or NULL when request->data took the
 * answer or it had none; the caller decrefs it. */
int ask(struct cli *c, const struct client_request *request, json_t **ret_value);

/* ask_get - GET path. ask_post - POST path with body (borrowed; NULL: none) and headers ("Name: value",
 * NULL-ended; or NULL). */
int ask_get(struct cli *c, const char *path, json_t **ret_value);
int ask_post(struct cli *c, const char *path, const json_t *body, const char *const *headers,
             json_t **ret_value);

/* ask_task_path - "/v1/tasks/ID" and then rest; NULL, and told as a usage error, when id is none. The caller
 * frees it. */
char *ask_task_path(struct cli *c, const char *id, const char *rest);

/* ask_fault - tells how an exchange ended that gave no whole answer. */
int ask_fault(struct cli *c, enum fault fault, const struct note *note);
/* ask_refused - tells what an answer with a status from 400 on says. */
int ask_refused(struct cli *c, const struct client_answer *answer);

#endif
