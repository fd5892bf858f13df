/* schemas.h - the files of schemas/, embedded at build time. */
#ifndef WIRE_SCHEMAS_H
#define WIRE_SCHEMAS_H

#include <stddef.h>

/* schemas_find - the text of schemas/<name>.json, or NULL. Lives as long as the process. */
const char *schemas_find(const char *name);

/* schemas_name - the i-th name, NULL behind the last. */
const char *schemas_name(size_t i);

#endif
