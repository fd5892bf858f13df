/* schema_hint.c - which known word somebody meant. */
#include "wire/schema_internal.h"

#include <string.h>

/* Longer names get no hint. */
#define NAME_CHARS 48

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c == '-' ? '_' : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters were left out, put in, changed or swapped with their neighbour (optimal string alignment).
 * Case and the choice between - and _ do not count. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][NAME_CHARS + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= nb; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t change = plain(a[i - 1]) != plain(b[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + change);
            bool swapped =
                i > 1 && j > 1 && plain(a[i - 1]) == plain(b[j - 2]) && plain(a[i - 2]) == plain(b[j - 1]);
            if (swapped) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[nb];
}

void schema_hint_try(struct schema_hint *h, const char *candidate)
{
    size_t na = strlen(h->name), nb = strlen(candidate);

    if (!na || !nb || na > NAME_CHARS || nb > NAME_CHARS) {
        return;
    }
    /* A third of the letters may be wrong: more is another word. */
    size_t allowed = (na > nb ? na : nb) / 3;
    size_t d = distance(h->name, na, candidate, nb);
    if (d <= (allowed ? allowed : 1) && d < nb && (!h->best || d < h->distance)) {
        h->best = candidate;
        h->distance = d;
    }
}
