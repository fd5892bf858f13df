/* spool.h - files for bytes that are too many to hold, and request bodies made of pieces of memory and files.
 */
#ifndef EDGE_SPOOL_H
#define EDGE_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

/* A spool directory with a bound on all its files together. Files are unlinked at once after they are opened,
 * so that a crash leaves nothing. Writes go to the page cache (a tmpfs or emptyDir) from the loop thread:
 * microseconds, measured. */
struct spool;

/* spool_new - dir is made if it is missing. Faults: IO. */
enum fault spool_new(const char *dir, uint64_t max_bytes, struct spool **ret_spool,
                     struct note *note) MUSTCHECK;
void spool_free(struct spool **s);
uint64_t spool_used(const struct spool *s);

/* One file: written from front to back, then read anywhere. Counted references: spool_file_keep,
 * spool_file_drop. */
struct spool_file;

/* spool_file_new - limit: bytes at most. NULL when no file can be made. */
struct spool_file *spool_file_new(struct spool *s, uint64_t limit);
struct spool_file *spool_file_keep(struct spool_file *f);
void spool_file_drop(struct spool_file **f);
/* Faults: TOO_LARGE (the file's limit), OVERLOADED (the directory's bound), IO. */
enum fault spool_file_add(struct spool_file *f, struct slice bytes) MUSTCHECK;
uint64_t spool_file_bytes(const struct spool_file *f);
/* spool_file_read - up to n bytes from offset; gives how many, 0 at the end, -1 on error. */
long spool_file_read(const struct spool_file *f, uint64_t offset, void *out, size_t n);

/* A body to send: pieces in order, total length known before the first byte is sent, read as often as needed.
 */
struct body;

struct body *body_new(void);
void body_free(struct body **b);
void body_add_text(struct body *b, struct slice bytes);          /* copied */
void body_add_file(struct body *b, struct spool_file *f);        /* keeps a reference */
void body_add_file_base64(struct body *b, struct spool_file *f); /* its bytes as base64 text */
uint64_t body_bytes(const struct body *b);
/* body_read - up to n bytes from offset; gives how many, 0 at the end, -1 on a file error. */
long body_read(const struct body *b, uint64_t offset, void *out, size_t n);

#endif
