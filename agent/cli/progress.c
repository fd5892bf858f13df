/* progress.c - one line on a terminal. */
#include "cli/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/print.h"

#define BAR_MAX 40
#define LINE    200

struct progress {
    FILE *out;
    int64_t began_ms;
    char word[32];
    double percent;
};

void progress_line(const struct progress_view *view, char *out, size_t size)
{
    char time[32], bar[BAR_MAX + 1] = "";
    double percent = view->percent > 100 ? 100 : view->percent;
    int width = view->columns - 40;

    print_seconds(time, sizeof(time), view->seconds);
    width = width > BAR_MAX ? BAR_MAX : width;
    if (percent >= 0 && width >= 10) {
        int full = (int)(percent * width / 100);
        memset(bar, '#', (size_t)full);
        memset(bar + full, '-', (size_t)(width - full));
        bar[width] = '\0';
        snprintf(out, size, "[%s] %3.0f %%  %.20s  %s", bar, percent, view->word, time);
    } else if (percent >= 0) {
        snprintf(out, size, "%3.0f %%  %.20s  %s", percent, view->word, time);
    } else {
        snprintf(out, size, "%.20s  %s", view->word, time);
    }
    if (view->columns > 0 && strlen(out) > (size_t)view->columns) {
        out[view->columns] = '\0';
    }
}

static void draw(const struct progress *p)
{
    char line[LINE];
    struct winsize window = {0};
    struct progress_view view = {.word = p->word, .percent = p->percent};

    view.seconds = (clock_mono_ms() - p->began_ms) / 1000;
    view.columns = ioctl(fileno(p->out), TIOCGWINSZ, &window) || !window.ws_col ? 80 : window.ws_col - 1;
    progress_line(&view, line, sizeof(line));
    fprintf(p->out, "\r%s\033[K", line);
    fflush(p->out);
}

struct progress *progress_new(FILE *out)
{
    const char *term = getenv("TERM");

    if (!isatty(fileno(out)) || (term && !strcmp(term, "dumb"))) {
        return NULL;
    }
    struct progress *p = mem_new(sizeof(*p));
    *p = (struct progress){.out = out, .began_ms = clock_mono_ms(), .percent = -1};
    return p;
}

void progress_free(struct progress **pp)
{
    struct progress *p = *pp;

    if (p) {
        fputs("\r\033[K", p->out);
        fflush(p->out);
        free(p);
        *pp = NULL;
    }
}

void progress_set(struct progress *p, const char *status, const char *stage, double percent)
{
    const char *word = stage ? stage : status ? status : "";

    if (!p) {
        return;
    }
    /* Words of the protocol are plain; whatever else comes is not let through to the terminal. */
    size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz_");
    snprintf(p->word, sizeof(p->word), "%.*s", n < sizeof(p->word) ? (int)n : (int)sizeof(p->word) - 1, word);
    p->percent = percent;
    draw(p);
}

void progress_tick(struct progress *p)
{
    if (p) {
        draw(p);
    }
}
