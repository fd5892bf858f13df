/* share.h - who gets the free slots: by weight among those that have messages waiting, in turn when there are
 * few. */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/* One that asks for slots. */
struct share {
    int weight;  /* at least 1 */
    bool active; /* it has had messages lately and more are waiting */
    double turn; /* what it was given so far, in units of its weight: the least is next */
    int credit;  /* set by share_slots */
};

/* share_slots - sets each credit: an idle one may have 1, so that it is heard at once when it gets something;
 * the active ones divide slots by weight, and when there are fewer slots than that gives each one, those
 * whose turn it is get them. All 0 when slots is 0 or less. */
void share_slots(struct share *const *list, size_t n, int slots);

/* share_taken - one of its credits was used. share_wake - it becomes active: it begins where the others are,
 * not with what it did not use while it was idle. */
void share_taken(struct share *s);
void share_wake(struct share *const *list, size_t n, struct share *s);

#endif
