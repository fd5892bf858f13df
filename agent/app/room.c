/* room.c - watches how full the streams are. */
#include "app/room.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/setup.h"
#include "base/mem.h"

#define LOOK_MS  2000
#define ASK_MS   2000
#define PER_CENT 80

static const char *const streams[] = {STREAM_TASKS, STREAM_POLL,          STREAM_RESULTS,
                                      STREAM_DEAD,  "KV_" BUCKET_JOURNAL, "OBJ_" BUCKET_MEDIA};
#define STREAMS (sizeof(streams) / sizeof(streams[0]))

struct room {
    struct parts *parts;
    struct timer timer;
    size_t at;
    bool full[STREAMS];
};

static void room_look(struct timer *t);

static void room_on_info(void *arg, enum fault fault, const json_t *answer)
{
    struct room *r = arg;
    json_int_t max = json_integer_value(json_object_get(json_object_get(answer, "config"), "max_bytes"));
    json_int_t bytes = json_integer_value(json_object_get(json_object_get(answer, "state"), "bytes"));

    if (fault == FAULT_OK) {
        r->full[r->at] = max > 0 && bytes / PER_CENT >= max / 100;
    }
    r->at = (r->at + 1) % STREAMS;
    timer_start(r->parts->loop, &r->timer, r->at ? 0 : LOOK_MS, room_look);
}

static void room_look(struct timer *t)
{
    struct room *r = container_of(t, struct room, timer);
    char subject[64];

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", streams[r->at]);
    bus_api(r->parts->bus, subject, NULL, ASK_MS, room_on_info, r);
}

struct room *room_new(struct parts *parts)
{
    struct room *r = mem_new(sizeof(*r));

    r->parts = parts;
    timer_start(parts->loop, &r->timer, 0, room_look);
    return r;
}

void room_free(struct room **pr)
{
    if (*pr) {
        timer_stop(&(*pr)->timer);
        free(*pr);
        *pr = NULL;
    }
}

enum fault room_check(const struct room *r, struct note *note)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (r->full[i]) {
            return note_set(note, FAULT_FLEET_FULL, "stream %s is over %d %% of its room; try again later",
                            streams[i], PER_CENT);
        }
    }
    return FAULT_OK;
}
