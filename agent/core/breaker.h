/* breaker.h - the rules of a breaker: when a target is left alone, who tries it again, how it comes back.
 *
 *   closed ──failures──► open ──its time is over──► half-open ──the probe went well──► ramp ──► closed
 *                         ▲                            │                                │
 *                         └────── for longer ──────────┴──the probe failed, or failures─┘
 *
 * One per target and key. What the fleet shares are its facts; they only ever go forward, and two versions of
 * them are joined in any order to the same. Everything else is this agent's own view. Counted are submissions
 * by when they began, since a vendor's work takes longer than any window. All times are Unix ms by the
 * fleet's clock; nothing here reads one. */
#ifndef CORE_BREAKER_H
#define CORE_BREAKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define BREAKER_WINDOW   20 /* submissions that are looked at */
#define BREAKER_FAILURES 5  /* so many tasks failed one after the other: open */

struct breaker_policy {
    int least;         /* submissions with a verdict, before their ratio tells anything */
    int64_t window_ms; /* older ones tell nothing */
    int64_t open_ms, open_max_ms;
    int64_t calm_ms;   /* closed for as long, the next opening is a first one */
    int64_t ramp_ms;   /* after the probe one submission an agent, twice as many each second */
    int64_t unused_ms; /* a probe that nobody used is given back */
};
extern const struct breaker_policy breaker_default;

/* What the fleet shares; all zero: it never opened. */
struct breaker_facts {
    int64_t epoch; /* counts the openings */
    bool open;     /* and not yet closed by its probe */
    int level;     /* openings in a row: each is longer */
    int64_t at_ms; /* open: until when; else since when it is closed */
};

/* breaker_join - makes mine what both know. True: mine changed. breaker_same - equal. */
bool breaker_join(struct breaker_facts *mine, const struct breaker_facts *theirs);
bool breaker_same(const struct breaker_facts *a, const struct breaker_facts *b);

/* breaker_pack - appends the facts to a record, their time counted from now_ms; breaker_unpack - reads them
 * from a record of time_ms. False: it is none. */
void breaker_pack(json_t *record, const struct breaker_facts *facts, int64_t now_ms);
bool breaker_unpack(const json_t *record, struct breaker_facts *facts, int64_t time_ms);

enum breaker_state { BREAKER_CLOSED, BREAKER_RAMP, BREAKER_HALF_OPEN, BREAKER_OPEN };
const char *breaker_state_text(enum breaker_state state);

enum breaker_force { FORCE_NONE, FORCE_OPEN, FORCE_CLOSED };
enum breaker_verdict { VERDICT_NONE, VERDICT_PENDING, VERDICT_GOOD, VERDICT_BAD };
enum breaker_probe { PROBE_NONE, PROBE_ASKED, PROBE_OURS, PROBE_OUT, PROBE_OTHERS };

struct breaker {
    struct breaker_facts facts;
    enum breaker_force force; /* by hand; over everything else */
    struct {
        uint64_t number, task;
        int64_t began_ms;
        enum breaker_verdict verdict;
    } window[BREAKER_WINDOW];
    uint64_t begun;                     /* submissions so far */
    uint64_t failing[BREAKER_FAILURES]; /* the tasks that failed since the last success */
    int failing_n;
    int64_t failed_ms;
    int64_t ramp_epoch; /* whose ramp is counted */
    int64_t ramped;
    enum breaker_probe probe; /* of this epoch */
    int64_t probe_ms;         /* OURS: until when it may be used; OTHERS: when to ask again */
};

enum breaker_state breaker_state(const struct breaker *b, int64_t now_ms);

/* Whether a submission may begin now. ASK: it may by whoever gets the fleet's one probe of this epoch. */
enum breaker_turn { TURN_GO, TURN_WAIT, TURN_ASK };
enum breaker_turn breaker_turn(const struct breaker *b, int64_t now_ms, int64_t *ret_wait_ms);

/* A submission under way. All zero: none. */
struct breaker_ticket {
    uint64_t number; /* from 1 */
    int64_t epoch;
    int64_t began_ms;
    bool probe;
};

/* breaker_begin - counts a submission in, after TURN_GO. task: any number that tells tasks apart: one whose
 * every attempt fails does not speak for the others. */
struct breaker_ticket breaker_begin(struct breaker *b, uint64_t task, int64_t now_ms);
/* breaker_end - what became of it; NONE: it says nothing about the vendor. True: the facts changed, and the
 * fleet must be told. A probe that ended in NONE is for somebody else: its lease must be given back. */
bool breaker_end(struct breaker *b, const struct breaker_ticket *t, enum breaker_verdict verdict,
                 int64_t now_ms);

/* breaker_doubt - another agent's verdict on a submission of that epoch: failures of the whole fleet count
 * towards the opening, which is left to whoever sees the last one. */
void breaker_doubt(struct breaker *b, int64_t epoch, uint64_t task, enum breaker_verdict verdict,
                   int64_t now_ms);

/* breaker_asked - the probe of this epoch is being asked for. breaker_answered - it is ours, or another's.
 * breaker_probe_drop - ours is not to be used any more. */
void breaker_asked(struct breaker *b);
void breaker_answered(struct breaker *b, bool ours, int64_t now_ms);
void breaker_probe_drop(struct breaker *b);

/* breaker_hear - what another agent has written. True: the facts changed. */
bool breaker_hear(struct breaker *b, const struct breaker_facts *theirs);

#endif
