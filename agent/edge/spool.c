/* spool.c - unlinked files with one common bound, for bytes that are too many to hold. */
#include "edge/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"

/* Files count themselves as owners: the account must outlive the last of them. */
struct spool {
    char *dir;
    uint64_t max_bytes;
    uint64_t used;
    uint64_t held; /* of used: bytes in memory */
    unsigned owners;
};

/* Most media of a synchronous answer are small, and making a file costs more than storing them: the first
 * bytes stay in memory while there is room for such, and go into a file with the first byte beyond. */
struct spool_file {
    struct spool *spool;
    uint64_t limit;
    uint64_t bytes;
    int fd;      /* -1: all bytes are in small */
    char *small; /* LIMIT_SPOOL_SMALL_BYTES of room, or NULL */
    unsigned owners;
};

/* Makes dir and what is missing above it; false with errno set. */
static bool spool_make_dir(const char *dir)
{
    AUTO(auto_free) char *path = mem_text(dir);

    for (char *at = path + 1; *at; at++) {
        if (*at != '/') {
            continue;
        }
        *at = '\0';
        if (mkdir(path, 0755) == -1 && errno != EEXIST) {
            return false;
        }
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* A file without a name. O_TMPFILE is not known to every file system; there the name lives for two system
 * calls. */
static int spool_open(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return fd;
    }
    AUTO(auto_free) char *path = mem_printf("%s/.spool-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        (void)unlink(path);
    }
    return fd;
}

static void spool_drop(struct spool *s)
{
    if (--s->owners == 0) {
        free(s->dir);
        free(s);
    }
}

enum fault spool_new(const char *dir, uint64_t max_bytes, struct spool **ret_spool, struct note *note)
{
    if (!*dir || !spool_make_dir(dir)) {
        return note_set(note, FAULT_IO, "the spool directory %s cannot be made: %s", dir,
                        *dir ? strerror(errno) : "it has no name");
    }
    /* A directory that cannot be written to is told now, and not when the first medium comes. */
    int fd = spool_open(dir);
    if (fd < 0) {
        return note_set(note, FAULT_IO, "no file can be made in the spool directory %s: %s", dir,
                        strerror(errno));
    }
    close(fd);
    struct spool *s = mem_new(sizeof(*s));
    s->dir = mem_text(dir);
    s->max_bytes = max_bytes;
    s->owners = 1;
    *ret_spool = s;
    return FAULT_OK;
}

void spool_free(struct spool **s)
{
    if (*s) {
        spool_drop(*s);
    }
    *s = NULL;
}

uint64_t spool_used(const struct spool *s)
{
    return s->used;
}

struct spool_file *spool_file_new(struct spool *s, uint64_t limit)
{
    struct spool_file *f = mem_new(sizeof(*f));

    f->spool = s;
    f->limit = limit;
    f->fd = -1;
    f->owners = 1;
    s->owners++;
    return f;
}

static void spool_forget_small(struct spool_file *f)
{
    if (f->small) {
        f->spool->held -= LIMIT_SPOOL_SMALL_BYTES;
        free(f->small);
        f->small = NULL;
    }
}

struct spool_file *spool_file_keep(struct spool_file *f)
{
    f->owners++;
    return f;
}

void spool_file_drop(struct spool_file **file)
{
    struct spool_file *f = *file;

    *file = NULL;
    if (!f || --f->owners) {
        return;
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
    assert(f->spool->used >= f->bytes);
    f->spool->used -= f->bytes;
    spool_forget_small(f);
    spool_drop(f->spool);
    free(f);
}

/* Writes all or gives the errno; the file's length counts only what was added whole. */
static int spool_write(int fd, uint64_t offset, struct slice bytes)
{
    while (bytes.n) {
        ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        bytes.p += n;
        bytes.n -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* Room in memory for n more bytes of a file that has none on disk. */
static bool spool_small_room(struct spool_file *f, size_t n)
{
    struct spool *s = f->spool;

    if (f->fd >= 0 || f->bytes + n > LIMIT_SPOOL_SMALL_BYTES) {
        return false;
    }
    if (!f->small && s->held + LIMIT_SPOOL_SMALL_BYTES <= LIMIT_SPOOL_HELD_BYTES) {
        f->small =
            mem_grow(NULL, LIMIT_SPOOL_SMALL_BYTES); /* not zeroed: no byte is read before it is written */
        s->held += LIMIT_SPOOL_SMALL_BYTES;
    }
    return f->small != NULL;
}

/* Makes the file, and moves what was in memory into it. Gives the errno. */
static int spool_to_disk(struct spool_file *f)
{
    if (f->fd >= 0) {
        return 0;
    }
    f->fd = spool_open(f->spool->dir);
    if (f->fd < 0) {
        return errno;
    }
    int error = f->small ? spool_write(f->fd, 0, (struct slice){f->small, (size_t)f->bytes}) : 0;
    if (error) {
        close(f->fd);
        f->fd = -1;
        return error;
    }
    spool_forget_small(f);
    return 0;
}

static int spool_put(struct spool_file *f, struct slice bytes)
{
    if (spool_small_room(f, bytes.n)) {
        memcpy(f->small + f->bytes, bytes.p, bytes.n);
        return 0;
    }
    int error = spool_to_disk(f);
    return error ? error : spool_write(f->fd, f->bytes, bytes);
}

enum fault spool_file_add(struct spool_file *f, struct slice bytes)
{
    struct spool *s = f->spool;

    if (bytes.n > f->limit - f->bytes) {
        return FAULT_TOO_LARGE;
    }
    if (s->used > s->max_bytes || bytes.n > s->max_bytes - s->used) {
        return FAULT_OVERLOADED;
    }
    if (!bytes.n) {
        return FAULT_OK;
    }
    int error = spool_put(f, bytes);
    if (error) {
        return error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE ? FAULT_OVERLOADED
                                                                                        : FAULT_IO;
    }
    f->bytes += bytes.n;
    s->used += bytes.n;
    return FAULT_OK;
}

uint64_t spool_file_bytes(const struct spool_file *f)
{
    return f->bytes;
}

long spool_file_read(const struct spool_file *f, uint64_t offset, void *out, size_t n)
{
    size_t got = 0;

    /* What a failed add left behind the end is not part of the file. */
    if (offset >= f->bytes) {
        return 0;
    }
    if (n > f->bytes - offset) {
        n = (size_t)(f->bytes - offset);
    }
    if (f->small) {
        memcpy(out, f->small + offset, n);
        return (long)n;
    }
    while (got < n) {
        ssize_t k = pread(f->fd, (char *)out + got, n - got, (off_t)(offset + got));
        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            return -1; /* an error, or a file that is shorter than what was written to it */
        }
        got += (size_t)k;
    }
    return (long)got;
}
