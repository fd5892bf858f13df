/* template.h - texts with {names} in them: URLs, header values, paths. */
#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

/* "https://api.example.com/v1/{model}/tasks/{id}": {name} stands for a variable, {{ and }} for braces
 * themselves. In a URL a value is percent-encoded (RFC 3986 section 2.3: all but unreserved chars), so that
 * no value can leave its place; {name|path} keeps its slashes, and refuses dot segments. Only a variable that
 * begins the template is put in as it stands: that is how an address that the vendor gave, or {base}, is
 * used. */
struct template;

/* template_parse - Faults: BAD_VALUE (a brace without its fellow, a name that is none, an unknown filter). */
enum fault template_parse(const char *text, struct template **ret_template, struct note *note) MUSTCHECK;
void template_free(struct template **t);

/* template_name - the i-th variable it names, NULL behind the last. */
const char *template_name(const struct template *t, size_t i);
/* template_text - the text that it was parsed from. */
const char *template_text(const struct template *t);

/* Gives a variable's value, NULL: there is none. */
typedef const char *template_find_fn(void *arg, const char *name);

/* template_url - appends the URL. Faults: BAD_VALUE (a variable is not there or empty, a value cannot stand
 * in a URL, the whole is longer than LIMIT_URL_BYTES); the note's field is the variable. */
enum fault template_url(const struct template *t, template_find_fn *find, void *arg, struct buf *out,
                        struct note *note) MUSTCHECK;

/* template_header - appends the value of a header field; values stand as they are. Faults: BAD_VALUE (a
 * variable is not there, or holds a control char). */
enum fault template_header(const struct template *t, template_find_fn *find, void *arg, struct buf *out,
                           struct note *note) MUSTCHECK;

/* template_fill - appends the text; values stand as they are, whatever they hold. Faults: BAD_VALUE (a
 * variable is not there, the text is too long for out). */
enum fault template_fill(const struct template *t, template_find_fn *find, void *arg, struct buf *out,
                         struct note *note) MUSTCHECK;

#endif
