/* save.h - outputs of a task as files. */
#ifndef CLI_SAVE_H
#define CLI_SAVE_H

#include <jansson.h>

#include "cli/cli.h"

/* Which output of which task, for its name. */
struct save_which {
    const char *id;
    const char *model;
    size_t n;         /* from 0 */
    size_t count;     /* of all outputs of the task that are saved to this name */
    const char *type; /* media type, or NULL */
};

/* save_name - the file for an output. to NULL: "MODEL-ABCDEF[-N].EXT" here; a folder (ends in "/"): the same
 * in it; else to itself, with
 * "-N" before its extension when there are several. The caller frees it. Pure. */
char *save_name(const struct save_which *which, const char *to);

/* save_output - fetches one output. to as in save_name, and "-" is the standard output, which is refused for
 * a terminal unless the type is text. *ret_file (may be NULL): the name, the caller frees it; NULL for the
 * standard output. Gives an exit code. */
int save_output(struct cli *c, const struct save_which *which, const char *to, char **ret_file);

/* save_all - all outputs of a task that has ended, and the text of a chat; each gets a member "file" in task.
 * Gives an exit code. */
int save_all(struct cli *c, json_t *task, const char *to);

#endif
