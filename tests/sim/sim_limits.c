/* sim_limits.c - rate limits of an account: a bucket of tokens each. */
#include "sim_limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#define MAX_VENDORS  64
#define MAX_ACCOUNTS 1024

struct bucket {
    double tokens;
    int64_t at_ms;
};

struct limit {
    double per_second;
    double burst;
    bool tells;
    struct map *accounts;
};

struct sim_limits {
    struct map *vendors;
};

struct sim_limits *sim_limits_new(void)
{
    struct sim_limits *l = mem_new(sizeof(*l));

    l->vendors = map_new(MAX_VENDORS);
    return l;
}

static void limit_free(struct limit *limit)
{
    size_t cursor = 0;
    void *bucket;

    if (limit) {
        while ((bucket = map_next(limit->accounts, &cursor, NULL))) {
            free(bucket);
        }
        map_free(&limit->accounts);
        free(limit);
    }
}

void sim_limits_clear(struct sim_limits *l)
{
    size_t cursor = 0;
    struct limit *limit;

    while ((limit = map_next(l->vendors, &cursor, NULL))) {
        limit_free(limit);
    }
    map_free(&l->vendors);
    l->vendors = map_new(MAX_VENDORS);
}

void sim_limits_free(struct sim_limits **l)
{
    if (*l) {
        sim_limits_clear(*l);
        map_free(&(*l)->vendors);
        free(*l);
        *l = NULL;
    }
}

enum fault sim_limits_set(struct sim_limits *l, const json_t *spec, struct note *note)
{
    const char *vendor = json_string_value(json_object_get(spec, "vendor"));
    double rate = json_number_value(json_object_get(spec, "per_second"));
    const json_t *burst = json_object_get(spec, "burst"), *tells = json_object_get(spec, "retry_after");

    if (!vendor || rate < 0 || rate > 1e6 || (burst && json_number_value(burst) < 1)) {
        return note_set(note, FAULT_BAD_VALUE,
                        "a limit needs \"vendor\", \"per_second\" >= 0 and a \"burst\" >= 1");
    }
    limit_free(map_drop(l->vendors, vendor));
    if (rate <= 0) {
        return FAULT_OK;
    }
    struct limit *limit = mem_new(sizeof(*limit));
    limit->per_second = rate;
    limit->burst = burst ? json_number_value(burst) : rate < 1 ? 1 : rate;
    limit->tells = !tells || json_is_true(tells);
    limit->accounts = map_new(MAX_ACCOUNTS);
    if (!map_put(l->vendors, vendor, limit)) {
        limit_free(limit);
        return note_set(note, FAULT_BAD_VALUE, "limits for more than %d vendors", MAX_VENDORS);
    }
    return FAULT_OK;
}

bool sim_limits_take(struct sim_limits *l, const char *vendor, const char *secret, int64_t now_ms,
                     int64_t *ret_wait_s)
{
    struct limit *limit = map_find(l->vendors, vendor);
    struct bucket *b = limit ? map_find(limit->accounts, secret) : NULL;

    if (!limit) {
        return true;
    }
    if (!b) {
        b = mem_new(sizeof(*b));
        *b = (struct bucket){limit->burst, now_ms};
        if (!map_put(limit->accounts, secret, b)) {
            free(b);
            return true;
        }
    }
    double tokens = b->tokens + (double)(now_ms - b->at_ms) / 1000 * limit->per_second;
    b->tokens = tokens > limit->burst ? limit->burst : tokens;
    b->at_ms = now_ms;
    if (b->tokens >= 1) {
        b->tokens -= 1;
        return true;
    }
    *ret_wait_s = limit->tells ? (int64_t)ceil((1 - b->tokens) / limit->per_second) : -1;
    return false;
}
