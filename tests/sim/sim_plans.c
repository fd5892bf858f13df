/* sim_plans.c - what prompts order for themselves. */
#include "sim_plans.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/digest.h"

#define MARK "[sim:"

struct entry {
    struct list link;
    struct sim_plan plan;
};

struct sim_plans {
    struct list list; /* the oldest first */
    struct map *keys;
    size_t max;
};

struct sim_plans *sim_plans_new(size_t max)
{
    struct sim_plans *p = mem_new(sizeof(*p));

    list_init(&p->list);
    p->max = max;
    p->keys = map_new(max);
    return p;
}

static void plans_drop(struct sim_plans *p, struct entry *e)
{
    map_drop(p->keys, e->plan.key);
    list_drop(&e->link);
    free(e);
}

void sim_plans_clear(struct sim_plans *p)
{
    list_each(link, after, &p->list)
    {
        plans_drop(p, container_of(link, struct entry, link));
    }
}

void sim_plans_free(struct sim_plans **p)
{
    if (*p) {
        sim_plans_clear(*p);
        map_free(&(*p)->keys);
        free(*p);
        *p = NULL;
    }
}

static enum fault plan_read(struct sim_plan *plan, const char *prompt, struct note *note)
{
    for (const char *at = strstr(prompt, MARK); at; at = strstr(at, MARK)) {
        at += strlen(MARK);
        const char *end = strchr(at, ']');
        if (!end) {
            return note_set(note, FAULT_BAD_VALUE, "a \"%s\" in the prompt has no \"]\"", MARK);
        }
        if (plan->count == SIM_PLAN_ORDERS) {
            return note_set(note, FAULT_BAD_VALUE, "more than %d \"%s\" in one prompt", SIM_PLAN_ORDERS,
                            MARK);
        }
        enum fault fault =
            sim_fault_read((struct slice){at, (size_t)(end - at)}, &plan->orders[plan->count++], note);
        if (fault) {
            return fault;
        }
    }
    return FAULT_OK;
}

enum fault sim_plans_of(struct sim_plans *p, const char *prompt, struct sim_plan **ret, struct note *note)
{
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];

    *ret = NULL;
    if (!strstr(prompt, MARK)) {
        return FAULT_OK;
    }
    digest_of(slice_of(prompt), digest);
    digest_hex(digest, hex);
    hex[SIM_PLAN_KEY_CHARS] = '\0';
    *ret = sim_plans_find(p, hex);
    if (*ret) {
        return FAULT_OK;
    }
    struct entry *e = mem_new(sizeof(*e));
    memcpy(e->plan.key, hex, sizeof(e->plan.key));
    enum fault fault = plan_read(&e->plan, prompt, note);
    if (fault) {
        free(e);
        return fault;
    }
    if (map_count(p->keys) == p->max) {
        plans_drop(p, container_of(list_first(&p->list), struct entry, link));
    }
    list_push(&p->list, &e->link);
    map_put(p->keys, e->plan.key, &e->plan);
    *ret = &e->plan;
    return FAULT_OK;
}

struct sim_plan *sim_plans_find(const struct sim_plans *p, const char *key)
{
    return map_find(p->keys, key);
}

void sim_plan_take(struct sim_plan *plan, struct sim_faults *f, enum sim_step step)
{
    for (size_t i = 0; i < plan->count; i++) {
        sim_faults_take(f, &plan->orders[i], step, SIM_SUBMIT);
    }
}
