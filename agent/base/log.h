/* log.h - one JSON line per event. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

/* {"time":"…Z","level":"info","event":"task done","task":"…","ms":12}
 *
 * base, wire and core never log; edge logs what happens to its connection; app logs each failure once,
 * where it is settled. error: somebody must act; warn: handled but odd; info: life cycle; debug: steps.
 * A log is made in main and handed down. No secret is ever given to it. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log;

/* One named value of a line: text (NULL is left out) or a number. */
struct log_field {
    const char *name;
    const char *text;
    int64_t number;
    int is_number;
};

/* log_new - lines of at least level go to file descriptor fd, which stays the caller's. */
struct log *log_new(int fd, enum log_level level);
void log_free(struct log **log);

/* log_set_level - changes what is written from now on. */
void log_set_level(struct log *log, enum log_level level);

/* log_level_find - the level named text, or -1. */
int log_level_find(const char *text);

/* log_write - one line, one write(2); longer than 8 KiB is cut. Any thread. log may be NULL: nothing. */
void log_write(struct log *log, enum log_level level, const char *event, const struct log_field *fields,
               size_t n);

#define LOG_TEXT(name, value) ((struct log_field){(name), (value), 0, 0})
#define LOG_INT(name, value)  ((struct log_field){(name), NULL, (int64_t)(value), 1})

#define log_at(log, level, event, ...)                                                                       \
    log_write((log), (level), (event), (const struct log_field[]){{0}, ##__VA_ARGS__} + 1,                   \
              sizeof((const struct log_field[]){{0}, ##__VA_ARGS__}) / sizeof(struct log_field) - 1)
#define log_debug(log, event, ...) log_at(log, LOG_DEBUG, event, ##__VA_ARGS__)
#define log_info(log, event, ...)  log_at(log, LOG_INFO, event, ##__VA_ARGS__)
#define log_warn(log, event, ...)  log_at(log, LOG_WARN, event, ##__VA_ARGS__)
#define log_error(log, event, ...) log_at(log, LOG_ERROR, event, ##__VA_ARGS__)

#endif
