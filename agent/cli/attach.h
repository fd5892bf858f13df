/* attach.h - files of the command line as media of a task: uploaded first, then named in its input. */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include <jansson.h>

#include "cli/cli.h"

/* attach_field - the field of a kind's input (NULL: the kind is not known) for a medium of this media type,
 * when there are count of its sort. NULL: the kind takes none. Static. */
const char *attach_field(const char *kind, const char *type, size_t count);

/* attach_cut - word is FILE or FIELD=FILE where FIELD is one that takes media: gives the file's name and, or
 * NULL, the field (static). */
const char *attach_cut(const char *word, const char **ret_field);

/* attach_all - uploads each -i (letter) of the command line and puts its reference into input. kind may be
 * NULL. Gives an exit code; what went wrong was told. */
int attach_all(struct cli *c, int letter, const char *kind, json_t *input);

#endif
