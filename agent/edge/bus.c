/* bus.c - the connection to NATS: its life, its state, plain sends and subscriptions. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "edge/bus_internal.h"

#define RETRY_FIRST_MS  0 /* after a loss: another server of the cluster is there at once */
#define RETRY_MS        250
#define RETRY_JITTER_MS 100
#define RETRY_LOGGED    100 /* every so many attempts, when the reason stays the same */
#define ROUTES_MAX      LIMIT_BUS_PENDING
#define INBOX_BYTES     11 /* of randomness in our inbox */

static void bus_connect(struct bus *bus);

static void bus_retry(struct timer *timer)
{
    bus_connect(container_of(timer, struct bus, retry));
}

static void bus_connect_later(struct bus *bus, int64_t delay_ms)
{
    /* Agents that lost the same server at the same time must not come back in one wave; the clock's last
     * digits differ enough. */
    int64_t jitter_ms = clock_mono_us() % RETRY_JITTER_MS;

    timer_start(bus->loop, &bus->retry, delay_ms + jitter_ms, bus_retry);
}

static void bus_forget_watchers(struct bus *bus, bool all)
{
    list_each(link, after, &bus->watchers)
    {
        struct bus_watcher *w = container_of(link, struct bus_watcher, link);
        if (all || !w->fn) {
            list_drop(link);
            free(w);
        }
    }
}

/* A watcher may take itself and others off the list: those are only marked until the round is over. */
static void bus_tell_watchers(struct bus *bus)
{
    bool up = bus->up;

    bus->telling = true;
    list_each(link, after, &bus->watchers)
    {
        struct bus_watcher *w = container_of(link, struct bus_watcher, link);
        if (w->fn) {
            w->fn(w->arg, up);
        }
    }
    bus->telling = false;
    bus_forget_watchers(bus, false);
}

/* A server that did not show its version this time has most likely the one that it had. */
static void bus_take_info(struct bus *bus)
{
    struct bus_info old = bus->info;

    bus->info = *bus_link_info(bus->link);
    if (!bus->info.version) {
        bus->info.version = old.version;
        memcpy(bus->info.version_text, old.version_text, sizeof(old.version_text));
    }
}

/* ---- what the link tells ---- */

static void bus_opened(void *arg)
{
    struct bus *bus = arg;
    char inbox[sizeof(bus->prefix) + 2];

    snprintf(inbox, sizeof(inbox), "%s*", bus->prefix);
    bool ok = bus_link_subscribe(bus->link, inbox);
    for (size_t i = 0; i < bus->listener_count && ok; i++) {
        ok = bus_link_subscribe(bus->link, bus->listeners[i].subject);
    }
    assert(ok); /* nothing but memory or a bad subject can fail; bus_listen checked that */
    bus_take_info(bus);
    bus->up = true;
    bus->attempts = 0;
    bus->last_failure[0] = '\0';
    log_info(bus->log, "nats connected", LOG_TEXT("server", bus->info.address),
             LOG_TEXT("version", bus->info.version_text),
             LOG_INT("down_ms", loop_now_ms(bus->loop) - bus->down_since_ms));
    bus_publish_pump(bus);
    bus_tell_watchers(bus);
}

static void bus_failed(void *arg, const char *why)
{
    struct bus *bus = arg;

    bus->link = NULL;
    if (strcmp(why, bus->last_failure) != 0 || bus->attempts % RETRY_LOGGED == 0) {
        log_warn(bus->log, "nats cannot be reached", LOG_TEXT("reason", why),
                 LOG_INT("attempts", bus->attempts), LOG_INT("down_ms", bus_down_ms(bus)));
        snprintf(bus->last_failure, sizeof(bus->last_failure), "%s", why);
    }
    bus_connect_later(bus, RETRY_MS);
}

static void bus_lost(void *arg, const char *why)
{
    struct bus *bus = arg;

    bus->link = NULL;
    bus->up = false;
    bus->down_since_ms = loop_now_ms(bus->loop);
    log_warn(bus->log, "nats connection lost", LOG_TEXT("server", bus->info.address),
             LOG_TEXT("reason", why));
    bus_publish_lost(bus);
    bus_connect_later(bus, RETRY_FIRST_MS);
    bus_tell_watchers(bus);
}

static void bus_message(void *arg, size_t subscription, natsMsg *msg)
{
    struct bus *bus = arg;

    if (subscription == 0) {
        bus_inbox_arrived(bus, msg);
        return;
    }
    const struct bus_listener *listener = &bus->listeners[subscription - 1];
    struct bus_in in = bus_msg_in(msg);
    listener->fn(listener->arg, &in);
}

static void bus_room(void *arg)
{
    bus_publish_pump(arg);
}

static void bus_complaint(void *arg, const char *text)
{
    struct bus *bus = arg;

    log_warn(bus->log, "nats refused something", LOG_TEXT("reason", text));
}

static const struct bus_link_events link_events = {
    .opened = bus_opened,
    .failed = bus_failed,
    .lost = bus_lost,
    .message = bus_message,
    .room = bus_room,
    .complaint = bus_complaint,
};

static void bus_connect(struct bus *bus)
{
    bus->attempts++;
    bus->link = bus_link_open(bus->loop, bus->conf, &link_events, bus);
}

/* ---- life ---- */

enum fault bus_new(struct loop *loop, struct log *log, const struct bus_options *options,
                   struct bus **ret_bus, struct note *note)
{
    char random[2 * INBOX_BYTES + 1];
    struct bus_conf *conf;

    if (nats_Open(-1) != NATS_OK) {
        return note_set(note, FAULT_CONFIG, "the NATS library cannot be started: %s",
                        nats_GetLastError(NULL));
    }
    enum fault fault = bus_conf_new(options, &conf, note);
    if (fault != FAULT_OK) {
        return fault;
    }
    struct bus *bus = mem_new(sizeof(*bus));
    bus->loop = loop;
    bus->log = log;
    bus->conf = conf;
    bus->down_since_ms = loop_now_ms(loop);
    bus->info.max_payload = LIMIT_MESSAGE_BYTES;
    list_init(&bus->watchers);
    list_init(&bus->waiting);
    list_init(&bus->sent);
    bus->routes = map_new(ROUTES_MAX);
    id_random(random, INBOX_BYTES);
    bus->prefix_n = (size_t)snprintf(bus->prefix, sizeof(bus->prefix), "_INBOX.%s.", random);
    bus_connect(bus);
    *ret_bus = bus;
    return FAULT_OK;
}

void bus_free(struct bus **pbus)
{
    struct bus *bus = *pbus;

    *pbus = NULL;
    if (!bus) {
        return;
    }
    timer_stop(&bus->retry);
    bus_link_close(&bus->link);
    bus->up = false;
    bus_slots_free(bus);
    map_free(&bus->routes);
    bus_forget_watchers(bus, true);
    for (size_t i = 0; i < bus->listener_count; i++) {
        free(bus->listeners[i].subject);
    }
    free(bus->listeners);
    bus_conf_release(&bus->conf);
    free(bus);
}

/* ---- state ---- */

void bus_watch(struct bus *bus, bus_state_fn *fn, void *arg)
{
    struct bus_watcher *w = mem_new(sizeof(*w));

    *w = (struct bus_watcher){.fn = fn, .arg = arg};
    list_init(&w->link);
    list_push(&bus->watchers, &w->link);
}

void bus_unwatch(struct bus *bus, bus_state_fn *fn, void *arg)
{
    list_each(link, after, &bus->watchers)
    {
        struct bus_watcher *w = container_of(link, struct bus_watcher, link);
        if (w->fn == fn && w->arg == arg) {
            w->fn = NULL;
            break;
        }
    }
    if (!bus->telling) {
        bus_forget_watchers(bus, false);
    }
}

struct loop *bus_loop(const struct bus *bus)
{
    return bus->loop;
}

bool bus_up(const struct bus *bus)
{
    return bus->up;
}

int64_t bus_down_ms(const struct bus *bus)
{
    return bus->up ? 0 : loop_now_ms(bus->loop) - bus->down_since_ms;
}

int bus_server_version(const struct bus *bus)
{
    return bus->info.version;
}

const char *bus_server_text(const struct bus *bus)
{
    return bus->info.version_text;
}

int64_t bus_max_payload(const struct bus *bus)
{
    return bus->info.max_payload;
}

int64_t bus_buffered(const struct bus *bus)
{
    return bus->up ? bus_link_buffered(bus->link) : 0;
}

/* ---- sends and subscriptions ---- */

enum fault bus_send_msg(struct bus *bus, const struct bus_out *out, const char *reply)
{
    natsMsg *msg;

    if (!bus->up) {
        return FAULT_BUS_DOWN;
    }
    if (bus_link_full(bus->link)) {
        return FAULT_OVERLOADED;
    }
    enum fault fault = bus_msg_make(out, reply, false, &msg);
    if (fault != FAULT_OK) {
        return fault;
    }
    natsStatus status = bus_link_publish(bus->link, msg);
    bus_link_bury(bus->link, msg);
    return status == NATS_OK ? FAULT_OK : status == NATS_MAX_PAYLOAD ? FAULT_TOO_LARGE : FAULT_BUS_DOWN;
}

enum fault bus_send(struct bus *bus, const struct bus_out *out)
{
    return bus_send_msg(bus, out, NULL);
}

enum fault bus_listen(struct bus *bus, const char *subject, bus_in_fn *fn, void *arg)
{
    if (!bus_msg_subject_valid(subject)) {
        return FAULT_INTERNAL;
    }
    bus->listeners = mem_grow(bus->listeners, (bus->listener_count + 1) * sizeof(*bus->listeners));
    bus->listeners[bus->listener_count++] = (struct bus_listener){mem_text(subject), fn, arg};
    if (bus->up && !bus_link_subscribe(bus->link, subject)) {
        free(bus->listeners[--bus->listener_count].subject);
        return FAULT_INTERNAL;
    }
    return FAULT_OK;
}
