/* child.h - other programs that run as long as this one. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Zero-initialised: none. */
struct child {
    const char *name; /* for people; borrowed */
    pid_t pid;        /* 0: none, or it has ended */
    int status;       /* when it has ended: its exit code, or 128 and the signal */
};

/* child_start - runs argv (NULL-ended; argv[0] is the file) with its output in log (begun anew; the one
 * before is kept as log.old). It gets SIGTERM when this process ends in whatever way, and is not reached by
 * Ctrl-C on the terminal. False: cannot be started; errno says why. */
bool child_start(struct child *child, const char *name, const char *const *argv, const char *log);

/* child_alive - looks whether it has ended. */
bool child_alive(struct child *child);

/* child_stop - SIGTERM, after grace_ms SIGKILL; waits for the end. Harmless for one that has ended. */
void child_stop(struct child *child, int64_t grace_ms);

#endif
