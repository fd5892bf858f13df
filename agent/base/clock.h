/* clock.h - the three clocks, each with its own name so that none is taken for another. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* clock_mono_ms - for intervals and timers; stands still while the machine sleeps. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* clock_boot_ms - as mono, but counts suspended time: for send_by, which a sleeping agent must miss. */
int64_t clock_boot_ms(void);

/* clock_wall_ms - Unix time, for people and for vendors' dates only; no decision rests on it. */
int64_t clock_wall_ms(void);

#endif
