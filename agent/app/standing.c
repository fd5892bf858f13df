/* standing.c - which key may be used now, and what is learned from each submission. */
#include "app/standing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fleet.h"
#include "app/metrics.h"
#include "app/standing_internal.h"
#include "base/mem.h"

#define TICK_MS      1000
#define LOOK_MAX_MS  60000  /* between looks at a breaker: an operator may close it */
#define HELD_MAX_MS  300000 /* between looks at a key that is held for long: others may come */
#define WAIT_MIN_MS  20
#define SUBJECT_MOST 400 /* of a key in the bucket */

static int64_t now_of(const struct standing *s)
{
    return fleet_now_ms(s->parts->fleet);
}

/* ---- entries ---- */

static struct standing_entry *account_of(struct standing *s, const struct registry_target *t,
                                         const struct registry_key *key)
{
    char name[SUBJECT_MOST];

    snprintf(name, sizeof(name), "key.%s", key->account);
    struct standing_entry *e = standing_entry(s, name);
    if (e && !e->label) {
        standing_names(e, NULL, t->pool, key->id);
    }
    return e;
}

static bool force_now(const struct standing *s, const char *name, enum breaker_force *ret_force)
{
    const struct standing_entry *e = map_find(s->entries, name);

    if (!e || e->force == FORCE_NONE || (e->force_until_ms && e->force_until_ms <= now_of(s))) {
        return false;
    }
    *ret_force = e->force;
    return true;
}

/* What was ordered for the key counts more than what was ordered for the target. */
static enum breaker_force force_of(const struct standing *s, const struct registry_target *t,
                                   const struct registry_key *key)
{
    enum breaker_force force = FORCE_NONE;
    char name[SUBJECT_MOST];

    snprintf(name, sizeof(name), "force.%s.%s", t->token, key->id);
    if (!force_now(s, name, &force)) {
        snprintf(name, sizeof(name), "force.%s", t->token);
        force_now(s, name, &force);
    }
    return force;
}

static struct standing_entry *breaker_of(struct standing *s, const struct registry_target *t,
                                         const struct registry_key *key)
{
    char name[SUBJECT_MOST];

    snprintf(name, sizeof(name), "breaker.%s.%s", t->token, key->account);
    struct standing_entry *e = standing_entry(s, name);
    if (e && !e->label) {
        standing_names(e, t->name, t->pool, key->id);
    }
    if (e) {
        e->breaker.force = force_of(s, t, key);
    }
    return e;
}

/* ---- whose turn it is ---- */

/* One key as it stands: may be used (wait_ms 0), must wait, or is refused. */
struct look {
    enum account_state account;
    int64_t wait_ms;
    enum task_stage stage;
    uint64_t turn;
};

static int64_t breaker_wait(struct standing_entry *e, int64_t now)
{
    int64_t wait = 0;

    switch (breaker_turn(&e->breaker, now, &wait)) {
    case TURN_GO:
        return 0;
    case TURN_ASK:
        standing_probe_ask(e);
        break;
    case TURN_WAIT:
        break;
    }
    return wait > WAIT_MIN_MS ? wait : WAIT_MIN_MS;
}

static struct look look_at(struct standing *s, const struct registry_target *t,
                           const struct registry_key *key)
{
    struct look l = {.stage = STAGE_RATE_LIMITED};
    int64_t now = now_of(s);
    const struct standing_entry *account = account_of(s, t, key);
    struct standing_entry *breaker = breaker_of(s, t, key);

    if (!account || !breaker) { /* more than can be kept: nothing is known */
        return l;
    }
    l.turn = account->turn;
    l.account = account_state(&account->account, t->mark, now, &l.wait_ms);
    if (breaker->breaker.force == FORCE_CLOSED && l.account != ACCOUNT_HELD) {
        l.account = ACCOUNT_USABLE; /* whoever closed it by hand says that the key is good */
        l.wait_ms = 0;
    }
    if (l.account == ACCOUNT_USABLE) {
        l.wait_ms = breaker_wait(breaker, now);
        l.stage = l.wait_ms ? STAGE_BREAKER_OPEN : l.stage;
    }
    return l;
}

static int64_t wait_most(const struct look *l)
{
    int64_t most = l->stage == STAGE_BREAKER_OPEN ? LOOK_MAX_MS : HELD_MAX_MS;

    return l->wait_ms < most ? l->wait_ms : most;
}

static void turn_wait(struct standing_turn *turn, const struct look *l)
{
    int64_t wait = wait_most(l);

    if (!turn->wait_ms || wait < turn->wait_ms) {
        turn->wait_ms = wait;
        turn->stage = l->stage;
    }
}

/* All keys are refused: the ids tell the operator which secrets to look at. */
static void turn_refused(struct standing_turn *turn, const struct registry_target *t)
{
    char ids[256] = "";
    size_t n = 0;

    for (size_t i = 0; i < t->key_count && n < sizeof(ids); i++) {
        n += (size_t)snprintf(ids + n, sizeof(ids) - n, "%s%s/%s", i ? ", " : "", t->pool, t->keys[i].id);
    }
    turn->fault = FAULT_VENDOR_AUTH;
    note_set(&turn->note, FAULT_VENDOR_AUTH, "the vendor refuses every key of target %.80s: %s", t->name,
             ids);
}

void standing_pick(struct standing *s, const struct registry_target *t, struct standing_turn *turn)
{
    uint64_t first = UINT64_MAX;

    *turn = (struct standing_turn){.stage = STAGE_RATE_LIMITED};
    for (size_t i = 0; i < t->key_count; i++) {
        struct look l = look_at(s, t, &t->keys[i]);
        if (l.account == ACCOUNT_REFUSED) {
            continue;
        }
        if (l.wait_ms) {
            turn_wait(turn, &l);
        } else if (l.turn < first) {
            turn->key = &t->keys[i];
            first = l.turn;
        }
    }
    if (first != UINT64_MAX) {
        turn->wait_ms = 0;
    } else if (!turn->wait_ms) {
        turn_refused(turn, t);
    }
}

void standing_look(struct standing *s, const struct registry_target *t, const struct registry_key *key,
                   struct standing_turn *turn)
{
    struct look l = look_at(s, t, key);

    *turn = (struct standing_turn){.stage = l.stage};
    if (l.wait_ms && l.account != ACCOUNT_SPENT) {
        turn_wait(turn, &l);
    } else {
        turn->key = key;
    }
}

/* ---- submissions ---- */

/* FNV-1a: tells tasks apart. */
static uint64_t task_number(const char *task)
{
    uint64_t h = 14695981039346656037u;

    for (; *task; task++) {
        h = (h ^ (unsigned char)*task) * 1099511628211u;
    }
    return h >> 2; /* fits into an integer of a message */
}

void standing_begin(struct standing *s, const struct registry_target *t, const struct registry_key *key,
                    const char *task, struct standing_ticket *ticket)
{
    *ticket = (struct standing_ticket){.account = account_of(s, t, key), .breaker = breaker_of(s, t, key)};
    snprintf(ticket->mark, sizeof(ticket->mark), "%s", t->mark);
    if (ticket->account) {
        ticket->account->turn = ++s->turns;
    }
    if (ticket->breaker) {
        ticket->task = task_number(task);
        ticket->ticket = breaker_begin(&ticket->breaker->breaker, ticket->task, now_of(s));
    }
}

static enum breaker_verdict verdict_of(const struct standing_said *said)
{
    if (said->nothing) {
        return VERDICT_NONE;
    }
    if (said->lost) {
        return VERDICT_BAD;
    }
    switch (said->class) {
    case CLASS_RETRY:
    case CLASS_VENDOR_INTERNAL:
    case CLASS_UNKNOWN:
        return VERDICT_BAD;
    case CLASS_AUTH:
    case CLASS_REAUTH_ONCE:
    case CLASS_QUOTA_EXHAUSTED:
        return VERDICT_NONE; /* the key's trouble */
    default:
        return VERDICT_GOOD; /* a vendor that refuses a request, or limits, works */
    }
}

static void tell_breaker(const struct standing_entry *e)
{
    const struct breaker_facts *f = &e->breaker.facts;
    struct log *log = e->standing->parts->log;

    if (f->open) {
        log_warn(log, "a breaker opened", LOG_TEXT("target", e->target), LOG_TEXT("key", e->label),
                 LOG_INT("open_ms", f->at_ms - now_of(e->standing)), LOG_INT("epoch", f->epoch));
    } else {
        log_info(log, "a breaker closed", LOG_TEXT("target", e->target), LOG_TEXT("key", e->label),
                 LOG_INT("epoch", f->epoch));
    }
}

static void end_breaker(struct standing_ticket *ticket, const struct standing_said *said)
{
    struct standing_entry *e = ticket->breaker;
    enum breaker_verdict verdict = verdict_of(said);
    bool ours = ticket->ticket.probe && e->breaker.probe == PROBE_OUT &&
                ticket->ticket.epoch == e->breaker.facts.epoch;

    if (breaker_end(&e->breaker, &ticket->ticket, verdict, now_of(e->standing))) {
        tell_breaker(e);
        standing_tell(e);
    } else if (ours && verdict == VERDICT_NONE) {
        standing_probe_back(e);
    } else if (!ticket->ticket.probe) {
        standing_doubt(e, &ticket->ticket, ticket->task, verdict);
    }
}

static bool account_end(struct standing_entry *e, const struct standing_ticket *ticket,
                        const struct standing_said *said)
{
    struct log *log = e->standing->parts->log;
    int64_t now = now_of(e->standing);

    switch (said->class) {
    case CLASS_RATE_LIMITED:
    case CLASS_CONCURRENCY_LIMITED:
        return account_limited(&e->account, said->later_ms, now);
    case CLASS_AUTH:
    case CLASS_REAUTH_ONCE:
        if (!account_refused(&e->account, ticket->mark, now)) {
            return false;
        }
        log_error(log, "a key is out of use", LOG_TEXT("key", e->label),
                  LOG_TEXT("why", "the vendor refuses it"),
                  LOG_TEXT("next", "used again with another secret, adapter or base"));
        return true;
    case CLASS_QUOTA_EXHAUSTED:
        if (!account_spent(&e->account, now)) {
            return false;
        }
        log_warn(log, "a key is out of use", LOG_TEXT("key", e->label),
                 LOG_TEXT("why", "its quota is used up"), LOG_INT("again_ms", e->account.spent_ms - now));
        return true;
    case CLASS_OK:
        return account_good(&e->account, ticket->mark, ticket->ticket.began_ms);
    default: /* a vendor that is in trouble may name a time, too */
        return said->later_ms > 0 && verdict_of(said) == VERDICT_BAD &&
               account_limited(&e->account, said->later_ms, now);
    }
}

void standing_end(struct standing *s, struct standing_ticket *ticket, const struct standing_said *said)
{
    (void)s;
    if (ticket->account && !said->nothing && !said->lost && account_end(ticket->account, ticket, said)) {
        standing_tell(ticket->account);
    }
    if (ticket->breaker) {
        end_breaker(ticket, said);
    }
    *ticket = (struct standing_ticket){0};
}

/* ---- life ---- */

/* Nothing is made for what nothing ever happened to. */
static void sample_key(const struct standing *s, const struct registry_target *t,
                       const struct registry_key *key)
{
    static const struct standing_entry fresh;
    char name[SUBJECT_MOST], label[2 * LIMIT_NAME_CHARS];
    int64_t now = now_of(s);

    snprintf(label, sizeof(label), "%s/%s", t->pool, key->id);
    snprintf(name, sizeof(name), "key.%s", key->account);
    const struct standing_entry *account = map_find(s->entries, name);
    int64_t hold = account ? account->account.not_before_ms - now : 0;
    metrics_not_before(s->parts->metrics, label, hold > 0 ? hold : 0);
    snprintf(name, sizeof(name), "breaker.%s.%s", t->token, key->account);
    const struct standing_entry *known = map_find(s->entries, name);
    struct breaker b = known ? known->breaker : fresh.breaker;
    b.force = force_of(s, t, key);
    metrics_breaker(s->parts->metrics, t->name, label, (int)breaker_state(&b, now));
}

void standing_sample(struct standing *s)
{
    const struct registry *r = s->parts->registry;

    for (size_t i = 0; i < registry_count(r); i++) {
        const struct registry_target *t = &registry_at(r, i)->target;
        for (size_t k = 0; k < t->key_count; k++) {
            sample_key(s, t, &t->keys[k]);
        }
    }
}

static void standing_tick(struct timer *t)
{
    struct standing *s = container_of(t, struct standing, tick);

    standing_store_tick(s);
    list_each(link, after, &s->list)
    {
        standing_probe_tick(container_of(link, struct standing_entry, link));
    }
    timer_start(s->parts->loop, &s->tick, TICK_MS, standing_tick);
}

struct standing *standing_new(struct parts *parts)
{
    struct standing *s = mem_new(sizeof(*s));

    s->parts = parts;
    s->entries = map_new(STANDING_ENTRIES);
    list_init(&s->list);
    if (standing_store_open(s) != FAULT_OK || standing_doubt_open(s) != FAULT_OK) {
        log_error(parts->log, "what the fleet says of targets and keys cannot be heard",
                  LOG_TEXT("next", "it is read every minute"));
    }
    timer_start(parts->loop, &s->tick, TICK_MS, standing_tick);
    return s;
}

void standing_free(struct standing **ps)
{
    struct standing *s = *ps;

    if (!s) {
        return;
    }
    timer_stop(&s->tick);
    timer_stop(&s->known);
    standing_store_close(s);
    for (struct list *link; (link = list_take(&s->list)) != NULL;) {
        struct standing_entry *e = container_of(link, struct standing_entry, link);
        free(e->key);
        free(e->target);
        free(e->label);
        free(e->probe_key);
        free(e);
    }
    map_free(&s->entries);
    free(s);
    *ps = NULL;
}
