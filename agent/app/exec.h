/* exec.h - the executor: pulls as many messages as it has free slots, and gives each to a run or a poll. */
#ifndef APP_EXEC_H
#define APP_EXEC_H

#include "app/parts.h"

struct exec;

/* exec_new - pulls the lanes whose models this agent holds; nothing before exec_start. */
struct exec *exec_new(struct parts *parts);
void exec_free(struct exec **e);
void exec_start(struct exec *e);
/* exec_reload - the registry was swapped: pulls lanes that are new, leaves those that are gone. */
void exec_reload(struct exec *e);

/* exec_drain - pulls nothing more, gives back what has not been submitted, finishes the rest; done comes when
 * nothing is held. */
void exec_drain(struct exec *e, void (*done)(void *arg), void *arg);

/* What is under way. */
size_t exec_running(const struct exec *e);
size_t exec_polling(const struct exec *e);

#endif
