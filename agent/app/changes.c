/* changes.c - what was changed while running: the entries of the bucket SLUICE_CONFIG. */
#include "app/changes.h"

#include <stdio.h>
#include <string.h>

#include "app/setup.h"
#include "base/limits.h"
#include "edge/kv.h"

bool changes_key_valid(const char *key)
{
    size_t n = sizeof(CHANGES_ADAPTER) - 1;

    return !strcmp(key, CHANGES_MODELS) ||
           (!strncmp(key, CHANGES_ADAPTER, n) && key[n] && strlen(key) <= LIMIT_NAME_CHARS &&
            !strchr(key + n, '.') && kv_key_valid(key));
}

void changes_name(const char *key, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", BUCKET_CONFIG, key);
}

/* A text that is no UTF-8 is kept out: nothing that reads it could do more with it than complain. */
static bool on_entry(void *arg, const char *key, const struct kv_entry *entry)
{
    struct changes_reading *r = arg;
    json_t *text = json_stringn(entry->value.n ? entry->value.p : "", entry->value.n);

    if (entry->revision > r->revision) {
        r->revision = entry->revision;
    }
    if (text && changes_key_valid(key)) {
        json_object_set_new(r->set, key, text);
    } else {
        json_decref(text);
    }
    return json_object_size(r->set) <= LIMIT_ADAPTERS;
}

static void on_read(void *arg, enum fault fault)
{
    struct changes_reading *r = arg;

    r->fn(r->arg, fault, fault == FAULT_OK ? r->set : NULL, r->revision);
}

void changes_read(struct changes_reading *r, struct bus *bus, changes_fn *fn, void *arg)
{
    changes_done(r);
    *r = (struct changes_reading){.set = json_object(), .fn = fn, .arg = arg};
    kv_scan(bus, BUCKET_CONFIG, ">", on_entry, on_read, r);
}

void changes_done(struct changes_reading *r)
{
    json_decref(r->set);
    r->set = NULL;
}
