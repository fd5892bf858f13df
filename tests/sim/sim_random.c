/* sim_random.c - numbers that look random and can be had again. */
#include "sim_random.h"

uint64_t sim_random_next(struct sim_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void sim_random_hex(struct sim_random *r, char *out, size_t n)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < n; i++, bits >>= 4) {
        if (i % 16 == 0) {
            bits = sim_random_next(r);
        }
        out[i] = "0123456789abcdef"[bits & 15];
    }
    out[n] = '\0';
}

bool sim_random_chance(struct sim_random *r, double probability)
{
    return (double)(sim_random_next(r) >> 11) / 9007199254740992.0 < probability;
}
