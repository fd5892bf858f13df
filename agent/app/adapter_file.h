/* adapter_file.h - adapter files on disk, with those that they extend. */
#ifndef APP_ADAPTER_FILE_H
#define APP_ADAPTER_FILE_H

#include "app/config.h"
#include "core/adapter.h"

/* Where the files are that an adapter file may extend: beside it, and in these folders. Borrowed. */
struct adapter_file_places {
    const struct config_list *dirs; /* or NULL */
    const json_t *changes;          /* {"adapter.<name>": text}: over those of the folders; or NULL */
};

/* adapter_file_find - an adapter_find_fn; arg is struct adapter_file_places, or NULL: only beside it. Never
 * the file itself: one in a folder of the operator's may so extend the shipped one of its own name. */
char *adapter_file_find(void *arg, const char *from, const char *name, char **ret_file);

/* adapter_file_read - a file whose text has been read. Faults: CONFIG, told. */
enum fault adapter_file_read(struct slice text, const char *path, adapter_complain_fn *complain, void *arg,
                             struct adapter **ret_adapter) MUSTCHECK;

#endif
