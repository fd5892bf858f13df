/* breaker.c - the rules of a breaker. */
#include "core/breaker.h"

#include <string.h>

#define STEP_MS  1000 /* of the ramp */
#define LOOK_MS  1000 /* between looks at what somebody else's probe came to */
#define ASKED_MS 100
#define AGAIN_MS 5000 /* whoever has the probe may have died */
#define FOREVER  (INT64_MAX / 4)

const struct breaker_policy breaker_default = {.least = 10,
                                               .window_ms = 300000,
                                               .open_ms = 15000,
                                               .open_max_ms = 300000,
                                               .calm_ms = 120000,
                                               .ramp_ms = 10000,
                                               .unused_ms = 5000};

/* ---- facts ---- */

bool breaker_same(const struct breaker_facts *a, const struct breaker_facts *b)
{
    return a->epoch == b->epoch && a->open == b->open && a->level == b->level && a->at_ms == b->at_ms;
}

/* Of one epoch: it was closed by its probe, and what is open is open for the longest that anybody said. */
static bool join_epoch(struct breaker_facts *mine, const struct breaker_facts *theirs)
{
    struct breaker_facts before = *mine;

    if (mine->open != theirs->open) {
        *mine = mine->open ? *theirs : *mine;
    } else {
        mine->at_ms = theirs->at_ms > mine->at_ms ? theirs->at_ms : mine->at_ms;
        mine->level = theirs->level > mine->level ? theirs->level : mine->level;
    }
    return !breaker_same(mine, &before);
}

bool breaker_join(struct breaker_facts *mine, const struct breaker_facts *theirs)
{
    if (theirs->epoch == mine->epoch) {
        return join_epoch(mine, theirs);
    }
    /* Whoever opened it unheard did so for a reason: its time counts, too. */
    struct breaker_facts before = *mine;
    const struct breaker_facts *newer = theirs->epoch > mine->epoch ? theirs : &before;
    int64_t older_ms = newer == theirs ? (before.open ? before.at_ms : 0) : theirs->open ? theirs->at_ms : 0;

    *mine = *newer;
    if (mine->open && older_ms > mine->at_ms) {
        mine->at_ms = older_ms;
    }
    return !breaker_same(mine, &before);
}

void breaker_pack(json_t *record, const struct breaker_facts *f, int64_t now_ms)
{
    json_object_set_new(record, "epoch", json_integer(f->epoch));
    json_object_set_new(record, "open", json_boolean(f->open));
    json_object_set_new(record, "level", json_integer(f->level));
    json_object_set_new(record, "in_ms", json_integer(f->epoch ? f->at_ms - now_ms : 0));
}

bool breaker_unpack(const json_t *record, struct breaker_facts *f, int64_t time_ms)
{
    const json_t *epoch = json_object_get(record, "epoch"), *in = json_object_get(record, "in_ms"),
                 *level = json_object_get(record, "level");

    if (!json_is_integer(epoch) || json_integer_value(epoch) < 0 || !json_is_integer(in) ||
        json_integer_value(in) > FOREVER || json_integer_value(in) < -FOREVER) {
        return false;
    }
    int64_t l = json_integer_value(level);
    *f = (struct breaker_facts){.epoch = json_integer_value(epoch),
                                .open = json_is_true(json_object_get(record, "open")),
                                .level = l > 0 && l < 32 ? (int)l : 0};
    f->at_ms = f->epoch ? time_ms + json_integer_value(in) : 0;
    return true;
}

/* ---- states ---- */

const char *breaker_state_text(enum breaker_state state)
{
    static const char *const texts[] = {"closed", "ramp", "half_open", "open"};

    return texts[state];
}

enum breaker_state breaker_state(const struct breaker *b, int64_t now_ms)
{
    const struct breaker_facts *f = &b->facts;

    if (b->force != FORCE_NONE) {
        return b->force == FORCE_OPEN ? BREAKER_OPEN : BREAKER_CLOSED;
    }
    if (f->open) {
        return now_ms < f->at_ms ? BREAKER_OPEN : BREAKER_HALF_OPEN;
    }
    return f->epoch && now_ms - f->at_ms < breaker_default.ramp_ms ? BREAKER_RAMP : BREAKER_CLOSED;
}

static enum breaker_turn half_open_turn(const struct breaker *b, int64_t now_ms, int64_t *ret_wait_ms)
{
    switch (b->probe) {
    case PROBE_NONE:
        *ret_wait_ms = ASKED_MS;
        return TURN_ASK;
    case PROBE_ASKED:
        *ret_wait_ms = ASKED_MS;
        return TURN_WAIT;
    case PROBE_OURS: /* an agent that slept may have lost it */
        *ret_wait_ms = ASKED_MS;
        return now_ms < b->probe_ms ? TURN_GO : TURN_WAIT;
    case PROBE_OUT:
        break;
    case PROBE_OTHERS:
        *ret_wait_ms = LOOK_MS;
        return now_ms < b->probe_ms ? TURN_WAIT : TURN_ASK;
    }
    *ret_wait_ms = LOOK_MS;
    return TURN_WAIT;
}

/* An agent may have begun one submission when the ramp begins, two a second later, then four, … */
static enum breaker_turn ramp_turn(const struct breaker *b, int64_t now_ms, int64_t *ret_wait_ms)
{
    int64_t steps = now_ms > b->facts.at_ms ? (now_ms - b->facts.at_ms) / STEP_MS : 0;
    int64_t used = b->ramp_epoch == b->facts.epoch ? b->ramped : 0;

    if (used < (int64_t)1 << steps) {
        return TURN_GO;
    }
    *ret_wait_ms = b->facts.at_ms + (steps + 1) * STEP_MS - now_ms;
    return TURN_WAIT;
}

enum breaker_turn breaker_turn(const struct breaker *b, int64_t now_ms, int64_t *ret_wait_ms)
{
    *ret_wait_ms = 0;
    switch (breaker_state(b, now_ms)) {
    case BREAKER_CLOSED:
        break;
    case BREAKER_RAMP:
        return ramp_turn(b, now_ms, ret_wait_ms);
    case BREAKER_HALF_OPEN:
        return half_open_turn(b, now_ms, ret_wait_ms);
    case BREAKER_OPEN:
        *ret_wait_ms = b->force == FORCE_OPEN ? FOREVER : b->facts.at_ms - now_ms;
        return TURN_WAIT;
    }
    return TURN_GO;
}

/* ---- submissions ---- */

struct breaker_ticket breaker_begin(struct breaker *b, uint64_t task, int64_t now_ms)
{
    size_t i = (size_t)(b->begun % BREAKER_WINDOW);
    struct breaker_ticket t = {.number = ++b->begun, .epoch = b->facts.epoch, .began_ms = now_ms};
    enum breaker_state state = breaker_state(b, now_ms);

    b->window[i].number = t.number;
    b->window[i].task = task;
    b->window[i].began_ms = now_ms;
    b->window[i].verdict = VERDICT_PENDING;
    if (state == BREAKER_HALF_OPEN && b->probe == PROBE_OURS) {
        t.probe = true;
        b->probe = PROBE_OUT;
    } else if (state == BREAKER_RAMP) {
        b->ramped = b->ramp_epoch == b->facts.epoch ? b->ramped + 1 : 1;
        b->ramp_epoch = b->facts.epoch;
    }
    return t;
}

/* Closed and open begin with nothing in mind. */
static void breaker_fresh(struct breaker *b)
{
    memset(b->window, 0, sizeof(b->window));
    b->failing_n = 0;
    b->probe = PROBE_NONE;
}

static int64_t open_for_ms(int level)
{
    int64_t ms = breaker_default.open_ms;

    while (level-- > 0 && ms < breaker_default.open_max_ms) {
        ms *= 2;
    }
    return ms < breaker_default.open_max_ms ? ms : breaker_default.open_max_ms;
}

static void breaker_open(struct breaker *b, int64_t now_ms)
{
    struct breaker_facts *f = &b->facts;
    bool again = f->epoch && (f->open || now_ms - f->at_ms < breaker_default.calm_ms);
    int level = !again ? 0 : f->level < 31 ? f->level + 1 : f->level;

    *f = (struct breaker_facts){
        .epoch = f->epoch + 1, .open = true, .level = level, .at_ms = now_ms + open_for_ms(level)};
    breaker_fresh(b);
}

static void breaker_close(struct breaker *b, int64_t now_ms)
{
    b->facts.open = false;
    b->facts.at_ms = now_ms;
    breaker_fresh(b);
}

/* Failures of that many tasks, and no success in between. */
static bool failed_in_a_row(struct breaker *b, uint64_t task, int64_t now_ms)
{
    if (now_ms - b->failed_ms > breaker_default.window_ms) {
        b->failing_n = 0;
    }
    b->failed_ms = now_ms;
    for (int i = 0; i < b->failing_n; i++) {
        if (b->failing[i] == task) {
            return false;
        }
    }
    b->failing[b->failing_n++] = task;
    return b->failing_n == BREAKER_FAILURES;
}

void breaker_doubt(struct breaker *b, int64_t epoch, uint64_t task, enum breaker_verdict verdict,
                   int64_t now_ms)
{
    if (epoch != b->facts.epoch || b->facts.open) {
        return;
    }
    if (verdict == VERDICT_GOOD) {
        b->failing_n = 0;
    } else if (failed_in_a_row(b, task, now_ms)) {
        b->failing_n--; /* the last one is its own agent's to tell */
    }
}

/* Half of the window failed; each task has one voice. */
static bool failed_too_often(struct breaker *b, size_t newest, int64_t now_ms)
{
    int good = 0, bad = 0;

    for (size_t i = 0; i < BREAKER_WINDOW; i++) {
        if (i != newest && b->window[i].task == b->window[newest].task &&
            b->window[i].verdict == VERDICT_BAD) {
            b->window[i].verdict = VERDICT_NONE;
        }
        if (now_ms - b->window[i].began_ms <= breaker_default.window_ms) {
            good += b->window[i].verdict == VERDICT_GOOD;
            bad += b->window[i].verdict == VERDICT_BAD;
        }
    }
    return good + bad >= breaker_default.least && bad >= good;
}

static bool breaker_failed(struct breaker *b, size_t i, int64_t now_ms)
{
    bool row = failed_in_a_row(b, b->window[i].task, now_ms);

    if (!failed_too_often(b, i, now_ms) && !row) {
        return false;
    }
    breaker_open(b, now_ms);
    return true;
}

static bool probe_end(struct breaker *b, enum breaker_verdict verdict, int64_t now_ms)
{
    if (verdict == VERDICT_NONE) {
        b->probe = PROBE_NONE;
        return false;
    }
    if (verdict == VERDICT_GOOD) {
        breaker_close(b, now_ms);
    } else {
        breaker_open(b, now_ms);
    }
    return true;
}

bool breaker_end(struct breaker *b, const struct breaker_ticket *t, enum breaker_verdict verdict,
                 int64_t now_ms)
{
    size_t i = (size_t)((t->number - 1) % BREAKER_WINDOW);

    if (t->epoch != b->facts.epoch || b->facts.open != t->probe) {
        return false; /* of an earlier time: what it says has been overtaken */
    }
    if (t->probe) {
        return probe_end(b, verdict, now_ms);
    }
    if (b->window[i].number != t->number) {
        return false; /* so slow that the window went on */
    }
    b->window[i].verdict = verdict;
    if (verdict == VERDICT_GOOD) {
        b->failing_n = 0;
    }
    return verdict == VERDICT_BAD && breaker_failed(b, i, now_ms);
}

/* ---- the probe, and the others ---- */

void breaker_asked(struct breaker *b)
{
    b->probe = PROBE_ASKED;
}

void breaker_answered(struct breaker *b, bool ours, int64_t now_ms)
{
    b->probe = ours ? PROBE_OURS : PROBE_OTHERS;
    b->probe_ms = now_ms + (ours ? breaker_default.unused_ms : AGAIN_MS);
}

void breaker_probe_drop(struct breaker *b)
{
    b->probe = PROBE_NONE;
}

bool breaker_hear(struct breaker *b, const struct breaker_facts *theirs)
{
    struct breaker_facts before = b->facts;

    if (!breaker_join(&b->facts, theirs)) {
        return false;
    }
    if (before.epoch != b->facts.epoch || before.open != b->facts.open) {
        breaker_fresh(b);
    }
    return true;
}
