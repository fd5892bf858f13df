/* sim_files.h - the files of tests/adapters/dialects/, embedded at build time. */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include <stddef.h>

/* sim_files_find - the text of dialects/<name>.yaml, or NULL. Lives as long as the process. */
const char *sim_files_find(const char *name);

/* sim_files_name - the i-th name, NULL behind the last. */
const char *sim_files_name(size_t i);

#endif
