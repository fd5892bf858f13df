/* sim_orders.c - the faults that are ordered for coming requests. */
#include "sim_orders.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define MAX_ORDERS 256

struct order {
    struct list link;
    struct sim_fault fault;
    json_t *spec; /* as it was ordered */
    const char *vendor;
    const char *secret;
    double chance;
    int64_t after;
};

struct sim_orders {
    struct list list;
    size_t count;
};

struct sim_orders *sim_orders_new(void)
{
    struct sim_orders *o = mem_new(sizeof(*o));

    list_init(&o->list);
    return o;
}

static void order_drop(struct sim_orders *o, struct order *order)
{
    list_drop(&order->link);
    json_decref(order->spec);
    free(order);
    o->count--;
}

void sim_orders_clear(struct sim_orders *o)
{
    list_each(link, after, &o->list)
    {
        order_drop(o, container_of(link, struct order, link));
    }
}

void sim_orders_free(struct sim_orders **o)
{
    if (*o) {
        sim_orders_clear(*o);
        free(*o);
        *o = NULL;
    }
}

static enum fault order_check(const json_t *spec, struct note *note)
{
    static const char *const known[] = {"fault", "vendor", "step", "secret", "times", "chance", "after"};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)spec, key, value)
    {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], key) != 0) {
            i++;
        }
        bool text = i < 4;
        if (i == sizeof(known) / sizeof(known[0]) ||
            (text ? !json_is_string(value) : !json_is_number(value))) {
            return note_set(note, FAULT_BAD_VALUE, "an order has no key \"%s\" of that type", key);
        }
    }
    return FAULT_OK;
}

static enum fault order_read(struct order *order, const json_t *spec, struct note *note)
{
    const char *words = json_string_value(json_object_get(spec, "fault"));
    const char *step = json_string_value(json_object_get(spec, "step"));
    const json_t *times = json_object_get(spec, "times"), *chance = json_object_get(spec, "chance");
    enum fault fault = order_check(spec, note);

    if (!fault && !words) {
        fault = note_set(note, FAULT_BAD_VALUE,
                         "an order needs \"fault\", for example {\"fault\": \"429\", \"times\": 2}");
    }
    if (!fault) {
        fault = sim_fault_read(slice_of(words), &order->fault, note);
    }
    if (fault) {
        return fault;
    }
    if (step) {
        order->fault.step = !strcmp(step, "any") ? SIM_STEPS : sim_step_find(slice_of(step));
        if (order->fault.step < 0) {
            return note_set(note, FAULT_BAD_VALUE, "there is no step \"%.40s\"", step);
        }
    }
    if (times) {
        order->fault.times = json_integer_value(times);
    }
    order->vendor = json_string_value(json_object_get(spec, "vendor"));
    order->secret = json_string_value(json_object_get(spec, "secret"));
    order->chance = chance ? json_number_value(chance) : 1;
    order->after = json_integer_value(json_object_get(spec, "after"));
    return FAULT_OK;
}

enum fault sim_orders_add(struct sim_orders *o, const json_t *spec, struct note *note)
{
    struct order *order = mem_new(sizeof(*order));
    enum fault fault = order_read(order, spec, note);

    if (!fault && o->count == MAX_ORDERS) {
        fault = note_set(note, FAULT_BAD_VALUE, "there are %d orders already; DELETE /_sim/faults drops them",
                         MAX_ORDERS);
    }
    if (fault) {
        free(order);
        return fault;
    }
    order->spec = json_deep_copy(spec);
    order->vendor = json_string_value(json_object_get(order->spec, "vendor"));
    order->secret = json_string_value(json_object_get(order->spec, "secret"));
    list_push(&o->list, &order->link);
    o->count++;
    return FAULT_OK;
}

json_t *sim_orders_list(const struct sim_orders *o)
{
    json_t *list = json_array();

    for (const struct list *link = o->list.next; link != &o->list; link = link->next) {
        const struct order *order = container_of(link, struct order, link);
        json_t *one = json_copy(order->spec);
        if (order->fault.times != INT64_MAX) {
            json_object_set_new(one, "left", json_integer(order->fault.times));
        }
        json_array_append_new(list, one);
    }
    return list;
}

static bool order_fits(const struct order *order, const char *vendor, enum sim_step step, const char *secret)
{
    int wanted = order->fault.step;

    return (!order->vendor || !strcmp(order->vendor, vendor)) &&
           (!order->secret || !strcmp(order->secret, secret)) &&
           (wanted < 0 || wanted == SIM_STEPS || wanted == (int)step);
}

void sim_orders_take(struct sim_orders *o, struct sim_faults *f, const char *vendor, enum sim_step step,
                     const char *secret, struct sim_random *random)
{
    list_each(link, after, &o->list)
    {
        struct order *order = container_of(link, struct order, link);
        if (!order_fits(order, vendor, step, secret) || !sim_random_chance(random, order->chance)) {
            continue;
        }
        if (order->after > 0) {
            order->after--;
            continue;
        }
        sim_faults_take(f, &order->fault, step, -1);
        if (order->fault.times <= 0) {
            order_drop(o, order);
        }
    }
}
