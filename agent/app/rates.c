/* rates.c - the rates that adapters know of, kept by this agent for each key. */
#include "app/rates.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "core/rate.h"

#define RATES_MAX                                                                                            \
    4096 /* beyond them a key's submissions go as they come, and the vendor says when to wait                \
          */

struct rates {
    struct loop *loop;
    struct map *map; /* adapter's version, base, key and limit -> struct rate */
};

struct rates *rates_new(struct loop *loop)
{
    struct rates *r = mem_new(sizeof(*r));

    *r = (struct rates){loop, map_new(RATES_MAX)};
    return r;
}

void rates_free(struct rates **pr)
{
    struct rates *r = *pr;
    size_t cursor = 0;
    struct rate *rate;

    *pr = NULL;
    if (!r) {
        return;
    }
    while ((rate = map_next(r->map, &cursor, NULL)) != NULL) {
        rate_free(&rate);
    }
    map_free(&r->map);
    free(r);
}

/* The times of target's i-th limit with key; NULL: there are too many. */
static struct rate *rates_find(struct rates *r, const struct registry_target *target,
                               const struct registry_key *key, size_t i)
{
    const struct adapter_limit *limit = adapter_limit(target->adapter, i);
    AUTO(auto_free)
    char *name = mem_printf("%s %s %s %zu", adapter_digest(target->adapter), target->base, key->id, i);
    struct rate *rate = map_find(r->map, name);

    if (!rate) {
        rate = rate_new(limit->requests, limit->per_ms);
        if (!map_put(r->map, name, rate)) {
            rate_free(&rate);
        }
    }
    return rate;
}

int64_t rates_take(struct rates *r, const struct registry_target *target, const struct registry_key *key,
                   enum task_kind kind)
{
    const struct adapter_limit *limit;
    int64_t now = loop_now_ms(r->loop), wait = 0;

    for (int round = 0; round < 2 && !wait; round++) {
        for (size_t i = 0; (limit = adapter_limit(target->adapter, i)); i++) {
            bool fits = limit->requests && adapter_limit_fits(limit, kind, target->vendor_model);
            struct rate *rate = fits ? rates_find(r, target, key, i) : NULL;
            int64_t ms = rate && round == 0 ? rate_wait_ms(rate, now) : 0;
            wait = ms > wait ? ms : wait;
            if (rate && round == 1) {
                rate_count(rate, now);
            }
        }
    }
    return wait;
}
