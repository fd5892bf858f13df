/* sim_random.h - numbers that look random and can be had again: splitmix64. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded; state is the seed. */
struct sim_random {
    uint64_t state;
};

uint64_t sim_random_next(struct sim_random *r);

/* sim_random_hex - n hex digits and a NUL into out[n + 1]. */
void sim_random_hex(struct sim_random *r, char *out, size_t n);

/* sim_random_chance - true with that probability; never at 0, always at 1. */
bool sim_random_chance(struct sim_random *r, double probability);

#endif
