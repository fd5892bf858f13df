/* share.c - free slots by weight and in turn (stride scheduling). */
#include "core/share.h"

/* The active one whose turn is next, counting what it was just given. */
static struct share *share_next(struct share *const *list, size_t n)
{
    struct share *best = NULL;
    double least = 0;

    for (size_t i = 0; i < n; i++) {
        double turn = list[i]->turn + (double)list[i]->credit / list[i]->weight;
        if (list[i]->active && (!best || turn < least)) {
            best = list[i];
            least = turn;
        }
    }
    return best;
}

static int share_weights(struct share *const *list, size_t n)
{
    int sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += list[i]->active ? list[i]->weight : 0;
    }
    return sum;
}

void share_slots(struct share *const *list, size_t n, int slots)
{
    int weights = share_weights(list, n);
    int rounds = slots > 0 && weights ? slots / weights : 0; /* whole rounds need no turns */
    struct share *next;

    for (size_t i = 0; i < n; i++) {
        list[i]->credit = slots <= 0 ? 0 : list[i]->active ? rounds * list[i]->weight : 1;
    }
    for (int left = slots - rounds * weights; left > 0 && (next = share_next(list, n)) != NULL; left--) {
        next->credit++;
    }
}

void share_taken(struct share *s)
{
    s->turn += 1.0 / s->weight;
}

void share_wake(struct share *const *list, size_t n, struct share *s)
{
    double least = s->turn;
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        if (list[i] != s && list[i]->active && (!any || list[i]->turn < least)) {
            least = list[i]->turn;
            any = true;
        }
    }
    s->turn = any && least > s->turn ? least : s->turn;
    s->active = true;
}
