/* watch.c - follows a task's events. */
#include "cli/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/interrupt.h"
#include "core/task.h"
#include "wire/sse.h"

#define EVENT_BYTES (8u << 20) /* the last one holds the result */
#define AGAIN_MS    500
#define GIVE_UP_MS  60000

struct watch {
    struct cli *cli;
    struct sse *sse;
    watch_fn *fn;
    void *arg;
    int status;       /* terminal, or -1 */
    int64_t heard_ms; /* monotonic, when the agent last said anything */
};

static bool on_event(void *arg, const struct sse_event *event)
{
    struct watch *w = arg;
    json_t *value = json_loadb(event->data.p, event->data.n, 0, NULL);
    const char *status = json_string_value(json_object_get(value, "status"));
    int known = status ? task_status_find(status) : -1;

    if (known >= 0) {
        w->fn(w->arg, value);
        w->status = task_status_terminal((enum task_status)known) ? known : -1;
    }
    json_decref(value);
    return w->status < 0;
}

static bool on_data(void *arg, struct slice bytes)
{
    struct watch *w = arg;

    w->heard_ms = clock_mono_ms();
    return sse_feed(w->sse, bytes, on_event, w) == FAULT_OK && !interrupt_seen();
}

static bool on_tick(void *arg)
{
    struct watch *w = arg;

    w->fn(w->arg, NULL);
    return !interrupt_seen();
}

/* One connection. *ret_again: it broke off, and another may do better. */
static int watch_once(struct watch *w, const char *path, bool *ret_again)
{
    AUTO(auto_free) char *last = mem_printf("Last-Event-ID: %s", sse_last_id(w->sse));
    const char *const headers[] = {"Accept: text/event-stream", *sse_last_id(w->sse) ? last : NULL, NULL};
    const struct client_request request = {
        .method = "GET", .path = path, .headers = headers, .data = on_data, .tick = on_tick, .arg = w};
    struct client_answer answer;
    struct note note = {0};
    enum fault fault = client_do(w->cli->client, &request, &answer, &note);
    int code = CLI_DONE;

    if (!fault && answer.status == 200) {
        w->heard_ms = clock_mono_ms(); /* it was there until now, however quiet */
    }
    *ret_again = false;
    if (w->status >= 0 || interrupt_seen()) {
        code = CLI_DONE;
    } else if (fault == FAULT_CANCELLED) {
        code = cli_fail(w->cli, "the agent's event stream makes no sense");
    } else if (!fault && answer.status >= 400 && answer.status != 503) {
        code = ask_refused(w->cli, &answer);
    } else if (clock_mono_ms() - w->heard_ms > GIVE_UP_MS) {
        code = fault ? ask_fault(w->cli, fault, &note) : ask_refused(w->cli, &answer);
    } else {
        *ret_again = true;
    }
    client_answer_done(&answer);
    return code;
}

static void wait_a_little(const struct watch *w)
{
    int64_t ms = sse_retry_ms(w->sse) >= 0 && sse_retry_ms(w->sse) < 10000 ? sse_retry_ms(w->sse) : AGAIN_MS;
    struct timespec pause = {ms / 1000, (ms % 1000 + 1) * 1000000};

    nanosleep(&pause, NULL); /* a signal ends it, which is what a signal wants */
}

/* The agent must be there at the beginning: only what was seen alive is waited for. */
static int watch_loop(struct watch *w, const char *path)
{
    bool again = true;
    int code = CLI_DONE;

    w->heard_ms = clock_mono_ms() - GIVE_UP_MS - 1;
    while (again && w->status < 0 && !interrupt_seen()) {
        code = watch_once(w, path, &again);
        if (again) {
            wait_a_little(w);
            sse_restart(w->sse);
        }
    }
    return code;
}

int watch_task(struct cli *c, const char *id, watch_fn *fn, void *arg, int *ret_status)
{
    struct watch w = {.cli = c, .sse = sse_new(EVENT_BYTES), .fn = fn, .arg = arg, .status = -1};
    AUTO(auto_free) char *path = ask_task_path(c, id, "/events");

    if (!path) {
        sse_free(&w.sse);
        return CLI_USAGE;
    }
    interrupt_catch();
    int code = watch_loop(&w, path);
    sse_free(&w.sse);
    if (interrupt_seen() && w.status < 0) {
        fprintf(stderr, "\nthe task goes on: `sluice watch %s` follows it, `sluice cancel %s` ends it\n", id,
                id);
        return CLI_FAILED;
    }
    if (ret_status) {
        *ret_status = w.status;
    }
    return code;
}
