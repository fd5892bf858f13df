/* print.h - how things are shown to people. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"

/* print_text - text from elsewhere, with control characters made harmless: a vendor's words must not move the
 * cursor. Line feeds become spaces. NULL prints nothing. */
void print_text(FILE *out, const char *text);

/* print_complaint - "sluice COMMAND: …" and a line feed, to stderr. */
void print_complaint(const struct cli *c, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* print_json - a value on several lines; print_json_line - on one. To stdout. */
void print_json(const json_t *value);
void print_json_line(const json_t *value);

/* print_task - a task (schemas/result.json) in a few lines, to stdout. */
void print_task(const json_t *task);

/* print_failure - the error of a task (schemas/result.json) on one line, with what to do where that is known;
 * to stderr. */
void print_failure(const struct cli *c, const json_t *error);

/* print_options - a line for each, for the help. */
void print_options(FILE *out, const struct options_row *rows);

/* print_mistake - "file:line:column: text" and a line feed, to stderr; line 0: no place in it. */
void print_mistake(const char *file, int line, int column, const char *text);

/* print_time - "2026-11-22 16:20:00Z" of Unix ms, "-" for 0, into out. */
void print_time(char *out, size_t size, int64_t ms);

/* print_bytes, print_seconds - "4.0 MiB", "2m 05s", into out, for columns and progress. */
void print_bytes(char *out, size_t size, uint64_t bytes);
void print_seconds(char *out, size_t size, int64_t seconds);

#endif
