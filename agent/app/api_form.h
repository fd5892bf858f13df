/* api_form.h - a multipart form as one value: texts by name, and files that go elsewhere while they come. */
#ifndef APP_API_FORM_H
#define APP_API_FORM_H

#include <jansson.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

struct api_form;

/* What a file part says of itself; "" what it does not. */
struct api_form_file {
    char type[64];
    char name[256];
};

/* Where files go: data at least once, then end, which gives the index of what the marker {"$blob": index}
 * stands for. Faults end the form. */
struct api_form_files {
    enum fault (*data)(void *arg, const struct api_form_file *file, struct slice bytes);
    enum fault (*end)(void *arg, size_t *ret_index);
};

/* api_form_new - NULL when the boundary is none. files is borrowed. */
struct api_form *api_form_new(const char *boundary, const struct api_form_files *files, void *arg);
void api_form_free(struct api_form **f);

/* api_form_feed - the next bytes. A part with a filename is a file, but for one of type application/json; the
 * others are texts, together at most LIMIT_TEXT_BYTES. Faults: BAD_REQUEST, BAD_VALUE (an empty file, a name
 * that contradicts an earlier one), TOO_LARGE, those of wire/multipart.h and of files. */
enum fault api_form_feed(struct api_form *f, struct slice bytes, struct note *note) MUSTCHECK;

/* api_form_end - gives {name: text or marker}: a name that comes twice or ends in "[]" is an array, "a[b]" is
 * member b of object a. Caller decrefs. */
enum fault api_form_end(struct api_form *f, json_t **ret_value, struct note *note) MUSTCHECK;

#endif
