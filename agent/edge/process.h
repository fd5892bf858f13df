/* process.h - another program, run to its end: what it reads, what it says, bounded in time and bytes. */
#ifndef EDGE_PROCESS_H
#define EDGE_PROCESS_H

#include "base/slice.h"
#include "edge/loop.h"

/* Everything is copied. The program has this one's environment, and its standard error. */
struct process_in {
    const char *const *argv; /* NULL-ended; argv[0] is the file */
    struct slice input;      /* its standard input */
    size_t max_bytes;        /* of its standard output; a program that says more is killed */
    int64_t limit_ms;        /* one that takes longer is killed */
};

/* How it ended. output lives until the callback returns. */
struct process_end {
    int code; /* its exit code, 128 and the signal that ended it, or -1: it could not be started */
    bool late;
    bool chatty; /* it said more than max_bytes */
    struct slice output;
    char text[160]; /* why it could not be started, or how it ended; empty for exit code 0 */
};
typedef void process_fn(void *arg, const struct process_end *end);

struct process;

/* process_start - the callback comes once, on the loop thread, never from inside. Facts: libuv's uv_spawn. */
struct process *process_start(struct loop *loop, const struct process_in *in, process_fn *fn, void *arg);
/* process_stop - kills it; no callback will come. */
void process_stop(struct process **p);

#endif
