/* standing.h - how targets and keys stand, as the whole fleet sees it: which key may be used now, and what
 * the next one must wait for.
 *
 * Kept in the bucket SLUICE_FLEET: per key its not-before time and whether it is out of use, per target and
 * key a breaker, per target what was ordered by hand. Every agent holds all of it and decides alone; what one
 * of them learns is written once, by compare-and-set on top of what others wrote, and heard by all at once.
 * The rules are core/account.h and core/breaker.h. */
#ifndef APP_STANDING_H
#define APP_STANDING_H

#include "app/parts.h"
#include "core/answer.h"
#include "core/breaker.h"
#include "core/task.h"

struct standing *standing_new(struct parts *parts);
void standing_free(struct standing **s);

/* standing_start - reads what the fleet knows; ready comes once, when it is known. Until then nothing may be
 * submitted. */
void standing_start(struct standing *s, void (*ready)(void *arg), void *arg);

/* Whose turn it is. */
struct standing_turn {
    const struct registry_key *key; /* may be used now; NULL: none */
    int64_t wait_ms;                /* without a key: when to look again */
    enum task_stage stage;          /* why it waits */
    enum fault fault; /* VENDOR_AUTH: waiting does not help: the vendor refuses every key; note names them */
    struct note note;
};

/* standing_pick - the key for a new submission: of those that may be used the one that waited longest.
 * standing_look - the same of one key, for a submission that cannot take another: whether it is out of use
 * does not matter then. A half-open breaker lets through who gets the fleet's probe: it is asked for here,
 * and whoever looks next finds it. */
void standing_pick(struct standing *s, const struct registry_target *t, struct standing_turn *ret_turn);
void standing_look(struct standing *s, const struct registry_target *t, const struct registry_key *key,
                   struct standing_turn *ret_turn);

/* A submission under way; all zero: none. */
struct standing_ticket {
    struct standing_entry *account, *breaker; /* live as long as the standing */
    struct breaker_ticket ticket;
    uint64_t task;
    char mark[12];
};

/* standing_begin - counts a submission in, right after standing_pick or standing_look gave its key. */
void standing_begin(struct standing *s, const struct registry_target *t, const struct registry_key *key,
                    const char *task, struct standing_ticket *ret_ticket);

/* What a submission came to, as far as it tells of vendor and key. */
struct standing_said {
    bool nothing; /* it failed here, or never went: a sick agent must not speak for the fleet */
    bool lost;    /* no whole answer came */
    enum answer_class class;
    int64_t later_ms; /* the vendor's wish, -1: none */
};
/* standing_end - counts it out and clears the ticket; harmless for none. */
void standing_end(struct standing *s, struct standing_ticket *ticket, const struct standing_said *said);

/* standing_sample - sets the gauges. */
void standing_sample(struct standing *s);

#endif
