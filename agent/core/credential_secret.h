/* credential_secret.h - the insides of credentials, for credential*.c. */
#ifndef CORE_CREDENTIAL_SECRET_H
#define CORE_CREDENTIAL_SECRET_H

#include "core/credential.h"
#include "core/template.h"

/* credential_secret_part - the part called name, NULL: it is missing, or no such part is known. */
const char *credential_secret_part(const struct credential_secret *s, const char *name);

/* credential_fill - t with its variables in place, NULL: a note is set. credential_fill_url - the same as a
 * URL. The caller wipes and frees them. */
char *credential_fill(const struct credential_in *in, const struct template *t, size_t max,
                      struct note *note);
char *credential_fill_url(const struct credential_in *in, const struct template *t, struct note *note);

/* credential_wipe - overwrites and frees *text, which may be NULL. */
void credential_wipe(char **text);

#endif
