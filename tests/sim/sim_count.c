/* sim_count.c - who asked for what, how often, and how often it was paid. */
#include "sim_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "wire/digest.h"

#define MAX_STATUSES 24
#define MAX_SECRETS  64
#define NAME_CHARS   200 /* longer prompts are known by their beginning and digest */

struct sim_tally {
    int64_t asked;
    int64_t paid;
    int64_t replayed;
    int64_t refused;
    int64_t answered; /* paid, and the answer went out whole */
    int64_t lost;     /* paid, and it did not */
    int64_t first_ms;
    int64_t last_ms;
    uint16_t paid_by[SIM_DIALECTS];
};

struct step_count {
    int64_t requests;
    int64_t faulted;
    int64_t lost;
    struct {
        int status;
        int64_t n;
    } statuses[MAX_STATUSES];
    size_t status_count;
};

struct secret_count {
    char secret[65];
    int64_t requests;
    int64_t paid;
};

struct vendor_count {
    const char *name; /* NULL: never asked */
    struct step_count steps[SIM_STEPS];
    struct secret_count secrets[MAX_SECRETS];
    size_t secret_count;
    int64_t requests;
    int64_t paid;
    int64_t leaked;
    int64_t bytes_out;
    int64_t open;
    int64_t open_max;
    int64_t first_ms;
    int64_t last_ms;
};

struct sim_count {
    struct vendor_count vendors[SIM_DIALECTS];
    struct map *prompts;
    struct map *keys;
    size_t max;
    int64_t overflow; /* submissions that found no room for a tally of their own */
    unsigned round;
};

struct sim_count *sim_count_new(size_t max)
{
    struct sim_count *c = mem_new(sizeof(*c));

    c->max = max;
    c->prompts = map_new(max);
    c->keys = map_new(max);
    return c;
}

static void count_empty(struct map **map)
{
    size_t cursor = 0;
    void *tally;

    while ((tally = map_next(*map, &cursor, NULL))) {
        free(tally);
    }
    map_free(map);
}

void sim_count_free(struct sim_count **c)
{
    if (*c) {
        count_empty(&(*c)->prompts);
        count_empty(&(*c)->keys);
        free(*c);
        *c = NULL;
    }
}

void sim_count_reset(struct sim_count *c)
{
    int64_t open[SIM_DIALECTS];

    for (size_t i = 0; i < SIM_DIALECTS; i++) {
        open[i] = c->vendors[i].open;
    }
    count_empty(&c->prompts);
    count_empty(&c->keys);
    memset(c->vendors, 0, sizeof(c->vendors));
    c->prompts = map_new(c->max);
    c->keys = map_new(c->max);
    c->overflow = 0;
    c->round++;
    for (size_t i = 0; i < SIM_DIALECTS; i++) {
        c->vendors[i].open = open[i];
    }
}

/* The name that a text is counted under. */
static void count_name(const char *text, char out[NAME_CHARS + 1])
{
    size_t n = strlen(text);

    if (n <= NAME_CHARS) {
        memcpy(out, text, n + 1);
        return;
    }
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];
    digest_of((struct slice){text, n}, digest);
    digest_hex(digest, hex);
    size_t keep = NAME_CHARS - 18;
    while (keep && (text[keep] & 0xc0) == 0x80) { /* not inside a UTF-8 char */
        keep--;
    }
    snprintf(out, NAME_CHARS + 1, "%.*s #%.16s", (int)keep, text, hex);
}

static struct sim_tally *count_tally(struct sim_count *c, struct map *map, const struct sim_seen *seen,
                                     const char *text)
{
    char name[NAME_CHARS + 1];

    if (!text || seen->step != SIM_SUBMIT) {
        return NULL;
    }
    count_name(text, name);
    struct sim_tally *t = map_find(map, name);
    if (!t) {
        if (map_count(map) == c->max) {
            c->overflow++;
            return NULL;
        }
        t = mem_new(sizeof(*t));
        t->first_ms = seen->wall_ms;
        map_put(map, name, t);
    }
    t->asked++;
    t->paid += seen->outcome == SIM_PAID;
    t->replayed += seen->outcome == SIM_REPLAYED;
    t->refused += seen->outcome == SIM_REFUSED;
    t->paid_by[seen->dialect->index] =
        (uint16_t)(t->paid_by[seen->dialect->index] + (seen->outcome == SIM_PAID));
    t->last_ms = seen->wall_ms;
    return t;
}

static void count_status(struct step_count *s, int status)
{
    size_t i = 0;

    while (i < s->status_count && s->statuses[i].status != status) {
        i++;
    }
    if (i == s->status_count && i < MAX_STATUSES) {
        s->statuses[s->status_count++].status = status;
    }
    if (i < MAX_STATUSES) {
        s->statuses[i].n++;
    }
}

static void count_secret(struct vendor_count *v, const char *secret, bool paid)
{
    size_t i = 0;

    while (i < v->secret_count && strcmp(v->secrets[i].secret, secret) != 0) {
        i++;
    }
    if (i == MAX_SECRETS) {
        return;
    }
    if (i == v->secret_count) {
        snprintf(v->secrets[v->secret_count++].secret, sizeof(v->secrets[i].secret), "%s", secret);
    }
    v->secrets[i].requests++;
    v->secrets[i].paid += paid;
}

void sim_count_answer(struct sim_count *c, const struct sim_seen *seen, struct sim_ticket *ret)
{
    struct vendor_count *v = &c->vendors[seen->dialect->index];
    struct step_count *s = &v->steps[seen->step];
    bool paid = seen->step == SIM_SUBMIT && seen->outcome == SIM_PAID;

    v->name = seen->dialect->name;
    v->first_ms = v->first_ms ? v->first_ms : seen->wall_ms;
    v->last_ms = seen->wall_ms;
    v->requests++;
    v->paid += paid;
    v->leaked += seen->leaked;
    v->open++;
    v->open_max = v->open > v->open_max ? v->open : v->open_max;
    s->requests++;
    s->faulted += seen->faulted;
    count_status(s, seen->status);
    if (seen->secret) {
        count_secret(v, seen->secret, paid);
    }
    *ret = (struct sim_ticket){
        .round = c->round, .vendor = seen->dialect->index, .step = seen->step, .paid = paid};
    ret->prompt = count_tally(c, c->prompts, seen, seen->prompt);
    ret->key = count_tally(c, c->keys, seen, seen->key);
}

static void count_settle(struct sim_tally *t, bool delivered)
{
    if (t) {
        t->answered += delivered;
        t->lost += !delivered;
    }
}

void sim_count_end(struct sim_count *c, const struct sim_ticket *ticket, bool delivered, uint64_t bytes)
{
    struct vendor_count *v = &c->vendors[ticket->vendor];

    v->open--;
    if (ticket->round != c->round) {
        return; /* the tallies are gone */
    }
    v->bytes_out += (int64_t)bytes;
    v->steps[ticket->step].lost += !delivered;
    if (ticket->paid) {
        count_settle(ticket->prompt, delivered);
        count_settle(ticket->key, delivered);
    }
}

/* ---- as JSON ---- */

static json_t *count_tally_json(const struct sim_count *c, const struct sim_tally *t)
{
    json_t *vendors = json_object();

    for (size_t i = 0; i < SIM_DIALECTS; i++) {
        if (t->paid_by[i]) {
            json_object_set_new(vendors, c->vendors[i].name, json_integer(t->paid_by[i]));
        }
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "asked", t->asked, "paid", t->paid,
                     "replayed", t->replayed, "refused", t->refused, "answered", t->answered, "lost", t->lost,
                     "first_ms", t->first_ms, "last_ms", t->last_ms, "vendors", vendors);
}

json_t *sim_count_paid(const struct sim_count *c, const char *text, bool by_key)
{
    static const struct sim_tally nothing;
    char name[NAME_CHARS + 1];

    count_name(text, name);
    const struct sim_tally *t = map_find(by_key ? c->keys : c->prompts, name);
    json_t *json = count_tally_json(c, t ? t : &nothing);
    json_object_set_new(json, "complete", json_boolean(!c->overflow));
    return json;
}

static json_t *count_step_json(const struct step_count *s)
{
    json_t *statuses = json_object();

    for (size_t i = 0; i < s->status_count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", s->statuses[i].status);
        json_object_set_new(statuses, name, json_integer(s->statuses[i].n));
    }
    return json_pack("{s:I, s:I, s:I, s:o}", "requests", s->requests, "faulted", s->faulted, "lost", s->lost,
                     "statuses", statuses);
}

static json_t *count_vendor_json(const struct vendor_count *v)
{
    json_t *steps = json_object(), *secrets = json_object();

    for (int i = 0; i < SIM_STEPS; i++) {
        if (v->steps[i].requests) {
            json_object_set_new(steps, sim_step_name((enum sim_step)i), count_step_json(&v->steps[i]));
        }
    }
    for (size_t i = 0; i < v->secret_count; i++) {
        json_object_set_new(
            secrets, v->secrets[i].secret,
            json_pack("{s:I, s:I}", "requests", v->secrets[i].requests, "paid", v->secrets[i].paid));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "requests", v->requests, "paid",
                     v->paid, "leaked", v->leaked, "open", v->open, "open_max", v->open_max, "bytes_out",
                     v->bytes_out, "first_ms", v->first_ms, "last_ms", v->last_ms, "steps", steps, "secrets",
                     secrets);
}

static json_t *count_map_json(const struct sim_count *c, const struct map *map, size_t most)
{
    json_t *json = json_object();
    size_t cursor = 0;
    const char *name;
    const struct sim_tally *t;

    while (json_object_size(json) < most && (t = map_next(map, &cursor, &name))) {
        json_object_set_new(json, name, count_tally_json(c, t));
    }
    return json;
}

json_t *sim_count_stats(const struct sim_count *c, size_t most)
{
    json_t *vendors = json_object();

    for (size_t i = 0; i < SIM_DIALECTS; i++) {
        if (c->vendors[i].name) {
            json_object_set_new(vendors, c->vendors[i].name, count_vendor_json(&c->vendors[i]));
        }
    }
    return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o}", "vendors", vendors, "prompt_count",
                     (json_int_t)map_count(c->prompts), "key_count", (json_int_t)map_count(c->keys),
                     "overflow", c->overflow, "prompts", count_map_json(c, c->prompts, most), "keys",
                     count_map_json(c, c->keys, most));
}
