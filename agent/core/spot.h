/* spot.h - where media may stand in a task's input. */
#ifndef CORE_SPOT_H
#define CORE_SPOT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/auto.h"
#include "base/fault.h"

/* One place. Borrowed from the input. */
struct spot {
    json_t *parent;    /* an object or an array */
    const char *key;   /* the member of an object, NULL in an array */
    size_t index;      /* the element of an array */
    json_t *value;     /* what stands there now */
    const char *field; /* the member of the input that it is in, as adapters name it: "images", "messages" */
    const char *path;  /* the place, for people: "images[1]", "messages[0].content[2].image_url.url" */
    bool bytes;        /* a URL has no meaning there: the sounds and documents of messages */
};

/* May put another value there with spot_set. */
typedef enum fault spot_fn(void *arg, const struct spot *spot);

/* spot_field - a member of an input with this name holds media (schemas/input.*.json). */
bool spot_field(const char *name);

/* spot_each - every place of input where a medium may stand, whatever stands there now, in the order of the
 * input: media fields, the elements of lists there, and the parts of messages. Ends with the first fault of
 * fn and gives it. */
enum fault spot_each(json_t *input, spot_fn *fn, void *arg) MUSTCHECK;

/* spot_set - puts value (taken) there. */
void spot_set(const struct spot *spot, json_t *value);

/* spot_is_medium - value is a medium as canon_input leaves it: {"media": …} or {"url": …}. */
bool spot_is_medium(const json_t *value);

#endif
