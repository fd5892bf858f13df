/* progress.h - one line on a terminal that says how far a task is. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

#include "base/auto.h"

struct progress;

/* progress_new - draws on out; NULL when out is no terminal, which every other function takes as: quiet. */
struct progress *progress_new(FILE *out);
/* progress_free - clears the line. */
void progress_free(struct progress **p);

/* progress_set - what is known now; status and stage may be NULL, percent negative: not known. */
void progress_set(struct progress *p, const char *status, const char *stage, double percent);
/* progress_tick - draws again, since time goes on. */
void progress_tick(struct progress *p);

/* progress_line - the line itself, at most columns wide, into out. Pure. */
struct progress_view {
    const char *word; /* stage or status */
    double percent;
    int64_t seconds;
    int columns;
};
void progress_line(const struct progress_view *view, char *out, size_t size);

#endif
