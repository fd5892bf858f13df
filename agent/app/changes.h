/* changes.h - what was changed while running: the entries of the bucket SLUICE_CONFIG.
 *
 * Keys are "models" (a YAML mapping as `models:` of the configuration; null takes a model away) and
 * "adapter.<name>" (an adapter file). A set of changes is a JSON object {key: text}; it goes over what the
 * configuration's files say. */
#ifndef APP_CHANGES_H
#define APP_CHANGES_H

#include <jansson.h>

#include "edge/bus.h"

#define CHANGES_MODELS  "models"
#define CHANGES_ADAPTER "adapter."

/* changes_key_valid - key may stand in the bucket. */
bool changes_key_valid(const char *key);

/* changes_name - what people are told a change's text is called: "SLUICE_CONFIG/adapter.fal". */
void changes_name(const char *key, char *out, size_t size);

/* changes_read - all of them, from the bucket. set is borrowed and NULL after a fault (as kv_get); revision
 * is that of the newest entry that is there. Comes once, never from inside, and not after the bus went: the
 * reading, zero-initialised, belongs to the caller, who releases it by changes_done when the answer has come
 * or the bus is gone. */
typedef void changes_fn(void *arg, enum fault fault, const json_t *set, uint64_t revision);
struct changes_reading {
    json_t *set;
    uint64_t revision;
    changes_fn *fn;
    void *arg;
};
void changes_read(struct changes_reading *r, struct bus *bus, changes_fn *fn, void *arg);
void changes_done(struct changes_reading *r);

#endif
