/* rate.c - so many requests within so long a time, in any stretch of that length. */
#include "core/rate.h"

#include <stdlib.h>

#include "base/mem.h"

#define TIMES_MAX 512

struct rate {
    int64_t *times; /* a ring, the oldest at `at` */
    int n, at;
    int64_t per_ms;
};

struct rate *rate_new(int requests, int64_t per_ms)
{
    struct rate *r = mem_new(sizeof(*r));

    r->n = requests < TIMES_MAX ? requests : TIMES_MAX;
    r->per_ms = (per_ms * r->n + requests - 1) / requests;
    r->times = mem_new((size_t)r->n * sizeof(*r->times));
    for (int i = 0; i < r->n; i++) {
        r->times[i] = INT64_MIN / 2; /* long ago */
    }
    return r;
}

void rate_free(struct rate **r)
{
    if (*r) {
        free((*r)->times);
        free(*r);
        *r = NULL;
    }
}

int64_t rate_wait_ms(const struct rate *r, int64_t now_ms)
{
    int64_t free_ms = r->times[r->at] + r->per_ms;

    return free_ms > now_ms ? free_ms - now_ms : 0;
}

void rate_count(struct rate *r, int64_t now_ms)
{
    r->times[r->at] = now_ms;
    r->at = (r->at + 1) % r->n;
}
