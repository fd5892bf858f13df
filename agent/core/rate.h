/* rate.h - so many requests within so long a time, in any stretch of that length. */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include <stdint.h>

#include "base/auto.h"

/* The times of the last requests. Of one thread. */
struct rate;

/* rate_new - requests within per_ms, both at least 1. Many are kept in proportion: 6000 within 60 s as 512
 * within 5.12 s. */
struct rate *rate_new(int requests, int64_t per_ms);
void rate_free(struct rate **r);

/* rate_wait_ms - how long until one more may go, by a clock that never goes back; 0: now. rate_count - one
 * goes now. */
int64_t rate_wait_ms(const struct rate *r, int64_t now_ms);
void rate_count(struct rate *r, int64_t now_ms);

#endif
