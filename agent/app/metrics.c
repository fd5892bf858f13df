/* metrics.c - what is counted. */
#include "app/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/metrics_internal.h"
#include "base/mem.h"

#define NAMES     512  /* label values from outside, all families together */
#define ROWS      2048 /* of one table: pairs of such values */
#define KEY_CHARS (2 * METRICS_NAME_CHARS + 24)
#define OTHER     "other"

/* ---- histograms ---- */

const struct metrics_edge metrics_edges[METRICS_EDGES] = {
    {5, "0.005"},  {10, "0.01"},    {25, "0.025"},   {50, "0.05"},    {100, "0.1"},      {250, "0.25"},
    {500, "0.5"},  {1000, "1"},     {2500, "2.5"},   {5000, "5"},     {10000, "10"},     {30000, "30"},
    {60000, "60"}, {120000, "120"}, {300000, "300"}, {600000, "600"}, {1800000, "1800"}, {3600000, "3600"},
};

static void histogram_add(struct histogram *h, int64_t ms)
{
    size_t i = 0;

    ms = ms > 0 ? ms : 0;
    while (i < METRICS_EDGES && ms > metrics_edges[i].ms) {
        i++;
    }
    h->counts[i]++;
    h->count++;
    h->sum_ms += (uint64_t)ms;
}

/* ---- the tables ---- */

static void table_init(struct table *t, size_t size)
{
    list_init(&t->rows);
    t->index = map_new(ROWS + 1); /* one more for OTHER */
    t->size = size;
}

static void table_done(struct table *t)
{
    list_each(link, after, &t->rows)
    {
        struct row *r = container_of(link, struct row, link);
        list_drop(link);
        free(r->name);
        free(r->second);
        free(r);
    }
    map_free(&t->index);
}

struct metrics *metrics_new(void)
{
    struct metrics *m = mem_new(sizeof(*m));

    m->names = map_new(NAMES);
    table_init(&m->models, sizeof(struct model_row));
    table_init(&m->adapters, sizeof(struct adapter_row));
    table_init(&m->costs, sizeof(struct cost_row));
    table_init(&m->lanes, sizeof(struct lane_row));
    table_init(&m->breakers, sizeof(struct breaker_row));
    table_init(&m->holds, sizeof(struct hold_row));
    return m;
}

void metrics_free(struct metrics **pm)
{
    struct metrics *m = *pm;

    if (!m) {
        return;
    }
    table_done(&m->models);
    table_done(&m->adapters);
    table_done(&m->costs);
    table_done(&m->lanes);
    table_done(&m->breakers);
    table_done(&m->holds);
    map_free(&m->names);
    free(m);
    *pm = NULL;
}

/* The name itself while there is room for it, else OTHER: whoever can choose names must not be able to grow
 * the text for ever. */
static const char *metrics_name(struct metrics *m, const char *name)
{
    if (!name || strlen(name) > METRICS_NAME_CHARS) {
        return OTHER;
    }
    return map_find(m->names, name) || map_put(m->names, name, m) ? name : OTHER;
}

/* The exposition format escapes three characters in a label's value. */
static char *escape(const char *text)
{
    char *out = mem_new(2 * strlen(text) + 1);
    char *at = out;

    for (; *text; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n') {
            *at++ = '\\';
        }
        *at++ = *text == '\n' ? 'n' : *text;
    }
    return out;
}

/* The row of these label values, or NULL. The length in the key keeps "a" + "bc" apart from "ab" + "c". */
static struct row *table_find(const struct table *t, const char *name, const char *second,
                              char key[KEY_CHARS])
{
    snprintf(key, KEY_CHARS, "%zu %s%s", strlen(name), name, second ? second : "");
    return map_find(t->index, key);
}

/* The row of these label values, made when it is new; the row of OTHER when the table is full. second is NULL
 * in tables of one label. */
static struct row *table_row(struct metrics *m, struct table *t, const char *name, const char *second)
{
    char key[KEY_CHARS];

    name = metrics_name(m, name);
    second = second ? metrics_name(m, second) : NULL;
    struct row *r = table_find(t, name, second, key);
    if (!r && map_count(t->index) >= ROWS) {
        name = OTHER;
        second = second ? OTHER : NULL;
        r = table_find(t, name, second, key);
    }
    if (!r) {
        r = mem_new(t->size);
        r->name = escape(name);
        r->second = second ? escape(second) : NULL;
        list_push(&t->rows, &r->link);
        map_put(t->index, key, r);
    }
    return r;
}

/* ---- what happens ---- */

void metrics_task(struct metrics *m, const char *model, enum task_status status)
{
    struct model_row *r = (struct model_row *)table_row(m, &m->models, model, NULL);

    r->tasks[status]++;
}

void metrics_phase(struct metrics *m, enum metrics_phase phase, int64_t ms)
{
    histogram_add(&m->phases[phase], ms);
}

static struct adapter_row *metrics_adapter(struct metrics *m, const char *adapter)
{
    return (struct adapter_row *)table_row(m, &m->adapters, adapter, NULL);
}

void metrics_vendor(struct metrics *m, const char *adapter, enum adapter_step step, enum answer_class class,
                    int64_t ms)
{
    struct adapter_row *r = metrics_adapter(m, adapter);

    r->classes[step][class]++;
    histogram_add(&r->seconds[step], ms);
}

void metrics_unknown(struct metrics *m)
{
    m->unknown++;
}

void metrics_unknown_word(struct metrics *m, const char *adapter)
{
    metrics_adapter(m, adapter)->unknown_words++;
}

void metrics_dead(struct metrics *m)
{
    m->dead++;
}

void metrics_cost(struct metrics *m, const char *model, const char *unit, double amount)
{
    /* A vendor's number: a counter takes no nonsense and never falls. */
    if (!isfinite(amount) || amount < 0) {
        return;
    }
    struct cost_row *r = (struct cost_row *)table_row(m, &m->costs, model, unit ? unit : "");
    r->amount += amount;
}

void metrics_media(struct metrics *m, enum metrics_direction direction, uint64_t bytes)
{
    m->media[direction] += bytes;
}

void metrics_accept(struct metrics *m, enum fault fault)
{
    m->accepts[fault]++;
}

void metrics_other_version(struct metrics *m, const char *adapter)
{
    metrics_adapter(m, adapter)->other_versions++;
}

void metrics_swept(struct metrics *m, enum metrics_swept what)
{
    m->swept[what]++;
}

void metrics_reload(struct metrics *m, bool good)
{
    m->reloads[good]++;
}

void metrics_orphan(struct metrics *m)
{
    m->orphans++;
}

void metrics_lane(struct metrics *m, const char *lane, const char *priority, uint64_t depth,
                  int64_t oldest_ms)
{
    struct lane_row *r = (struct lane_row *)table_row(m, &m->lanes, lane, priority);

    r->depth = depth;
    r->oldest_ms = oldest_ms;
}

void metrics_breaker(struct metrics *m, const char *target, const char *key, int state)
{
    struct breaker_row *r = (struct breaker_row *)table_row(m, &m->breakers, target, key);

    r->state = state;
}

void metrics_not_before(struct metrics *m, const char *key, int64_t ms)
{
    struct hold_row *r = (struct hold_row *)table_row(m, &m->holds, key, NULL);

    r->ms = ms;
}

void metrics_gauge(struct metrics *m, enum metrics_gauge gauge, int64_t value)
{
    m->gauges[gauge] = value;
}
