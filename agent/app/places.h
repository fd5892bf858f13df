/* places.h - where this program's companions are: other programs, adapter files. */
#ifndef APP_PLACES_H
#define APP_PLACES_H

#include "base/auto.h"

/* places_program - the program of that name beside this one, else on the PATH, else where Debian puts
 * servers; NULL: nowhere. The caller frees it. */
char *places_program(const char *name);

/* places_adapters - the folder with adapter files: SLUICE_ADAPTERS, beside this program, in its share folder,
 * where the package puts them; NULL: none has any. The caller frees it. */
char *places_adapters(void);

/* places_adapter - the file of an adapter named by itself ("fal") or by its file; folder may be NULL. NULL:
 * there is none. The caller frees it. */
char *places_adapter(const char *word, const char *folder);

#endif
