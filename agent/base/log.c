/* log.c - one JSON line per event. */
#include "base/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#define LINE_BYTES 8192

struct log {
    int fd;
    atomic_int level;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log *log_new(int fd, enum log_level level)
{
    struct log *log = mem_new(sizeof(*log));

    log->fd = fd;
    atomic_init(&log->level, (int)level);
    return log;
}

void log_free(struct log **log)
{
    free(*log);
    *log = NULL;
}

void log_set_level(struct log *log, enum log_level level)
{
    atomic_store(&log->level, (int)level);
}

int log_level_find(const char *text)
{
    for (int i = 0; i <= LOG_ERROR; i++) {
        if (!strcmp(text, level_names[i])) {
            return i;
        }
    }
    return -1;
}

/* A JSON string; bytes that are not printable ASCII or UTF-8 starters are escaped, so a line stays a line. */
static void log_quote(struct buf *b, const char *text)
{
    buf_char(b, '"');
    for (; *text && b->n < LINE_BYTES - 64; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            buf_char(b, '\\');
            buf_char(b, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(b, "\\u%04x", c);
        } else {
            buf_char(b, (char)c);
        }
    }
    buf_char(b, '"');
}

static void log_time(struct buf *b)
{
    int64_t now = clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    char text[32];

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(b, "{\"time\":\"%s.%03dZ\"", text, (int)(now % 1000));
}

void log_write(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               size_t n)
{
    struct buf b;

    if (!log || (int)level < atomic_load(&log->level)) {
        return;
    }
    buf_init(&b, LINE_BYTES + 1024);
    log_time(&b);
    buf_printf(&b, ",\"level\":\"%s\",\"event\":", level_names[level]);
    log_quote(&b, event);
    for (size_t i = 0; i < n && b.n < LINE_BYTES - 512; i++) {
        if (!fields[i].is_number && !fields[i].text) {
            continue;
        }
        buf_char(&b, ',');
        log_quote(&b, fields[i].name);
        buf_char(&b, ':');
        if (fields[i].is_number) {
            buf_printf(&b, "%" PRId64, fields[i].number);
        } else {
            log_quote(&b, fields[i].text);
        }
    }
    buf_text(&b, "}\n");
    (void)!write(log->fd, b.p, b.n);
    buf_done(&b);
}
