/* dead.h - the dead letters: tasks that were given up, with the whole request, to be read, sent again or
 * dropped. */
#ifndef APP_DEAD_H
#define APP_DEAD_H

#include "app/parts.h"
#include "core/task.h"

/* A letter. Everything is borrowed until the callback returns. */
struct dead_letter {
    char app[LIMIT_NAME_CHARS + 1];
    char id[ID_CHARS + 1];
    uint64_t seq;
    int64_t time_ms;      /* when it was given up, Unix ms by the server */
    const json_t *letter; /* {task?, record?, error}; NULL: it cannot be read */
};

/* dead_next - the first letter with a sequence of at least from, of app and id (NULL: any). letter is NULL
 * when there is none, or after a fault (as stream_next). Never from inside. */
typedef void dead_fn(void *arg, enum fault fault, const struct dead_letter *letter);
struct dead_reading {
    dead_fn *fn;
    void *arg;
};
void dead_next(struct dead_reading *r, struct bus *bus, const char *app, const char *id, uint64_t from,
               dead_fn *fn, void *arg);

/* How a letter is sent again. */
struct dead_again {
    const struct dead_letter *letter; /* copied */
    const char *lane;                 /* the lane it shall take; NULL: that of before */
    int number;                       /* 1: the first time; a letter sent again with the same number makes the
                                         same task, so nothing happens twice by accident */
};

/* fault: OK: the task of that id is durable and the letter is gone. CONFLICT: this number made a task before,
 * which has ended: id is that one's, and nothing was done. BAD_DATA: the letter does not hold the request.
 * Others as ledger_create and place_put: nothing is lost, and doing it again goes on where this ended. */
typedef void dead_again_fn(void *arg, enum fault fault, const char *id);

/* dead_replay - makes a new task of a letter: with an id of its own, made of the old one's and the number,
 * and with replay_of in its record; then takes the letter away. parts needs bus, loop and ledger. Never from
 * inside. */
void dead_replay(struct parts *parts, const struct dead_again *again, dead_again_fn *fn, void *arg);

#endif
