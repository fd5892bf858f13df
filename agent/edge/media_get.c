/* media_get.c - reading an object: its metadata, then its chunks, at most a window of them ahead of the
 * reader. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/media_internal.h"

/* A chunk that came while the reader paused. */
struct held {
    char *bytes;
    size_t n;
};

struct media_get {
    struct list link;
    struct media *media;
    struct media_get_events events;
    void *arg;
    uint64_t first, end; /* the bytes that are wanted; end: length until the head is known */
    uint64_t place;      /* of the next byte that comes */
    struct media_meta meta;
    struct media_ask *ask;
    struct media_chunks *chunks;
    struct digest *sum; /* NULL: only a part is read */
    struct held held[LIMIT_MEDIA_WINDOW];
    unsigned held_first, held_count;
    struct timer wake;
    enum fault fault; /* what the end will say */
    bool paused;
    bool over; /* no more chunks come */
    int busy;  /* the reader's callback is on the stack */
    bool stopped;
};

static void get_free(struct media_get *g)
{
    timer_stop(&g->wake);
    media_ask_stop(&g->ask);
    media_chunks_stop(&g->chunks);
    for (unsigned i = 0; i < LIMIT_MEDIA_WINDOW; i++) {
        free(g->held[i].bytes);
    }
    digest_free(&g->sum);
    g->media->get_count--;
    list_drop(&g->link);
    free(g);
}

void media_get_drop(struct media *m)
{
    list_each(link, after, &m->gets)
    {
        get_free(container_of(link, struct media_get, link));
    }
}

/* The callback came back: false when it stopped the get, which is gone now. */
static bool get_left(struct media_get *g)
{
    if (--g->busy == 0 && g->stopped) {
        get_free(g);
        return false;
    }
    return true;
}

static bool get_digest_right(struct media_get *g)
{
    unsigned char bytes[DIGEST_BYTES];
    char text[DIGEST_HEX_CHARS + 1];

    if (!g->sum) {
        return true;
    }
    digest_end(g->sum, bytes);
    digest_hex(bytes, text);
    return strcmp(text, g->meta.info.digest) == 0;
}

static void get_end(struct media_get *g)
{
    void (*fn)(void *, enum fault) = g->events.end;
    enum fault fault = g->fault;
    void *arg = g->arg;

    if (fault == FAULT_OK && !get_digest_right(g)) {
        fault = FAULT_BAD_DATA;
    }
    get_free(g);
    fn(arg, fault);
}

/* Gives the wanted part of a chunk to the reader. False: the get is gone. */
static bool get_give(struct media_get *g, struct slice bytes)
{
    uint64_t start = g->place;

    g->place += bytes.n;
    if (g->sum) {
        digest_add(g->sum, bytes.p, bytes.n);
    }
    size_t skip = start < g->first ? (size_t)(g->first - start < bytes.n ? g->first - start : bytes.n) : 0;
    size_t cut = g->place > g->end ? (size_t)(g->place - g->end) : 0;
    if (skip + cut >= bytes.n) {
        return true;
    }
    g->busy++;
    bool more = g->events.data(g->arg, (struct slice){bytes.p + skip, bytes.n - skip - cut});
    if (!get_left(g)) {
        return false;
    }
    g->paused = !more;
    return true;
}

/* All that was wanted has been given, or no more will come. False: the get is gone. */
static bool get_check(struct media_get *g)
{
    if (g->paused || g->held_count) {
        return true;
    }
    if (g->fault || g->place >= g->end) {
        get_end(g);
        return false;
    }
    return true;
}

/* A chunk has been given: another may come, unless those under way suffice. */
static void get_grant(struct media_get *g)
{
    if (g->chunks && g->place < g->end && !g->over) {
        media_chunks_grant(g->chunks, 1);
    }
}

static void on_wake(struct timer *t)
{
    struct media_get *g = container_of(t, struct media_get, wake);

    while (!g->paused && g->held_count) {
        struct held held = g->held[g->held_first];
        g->held[g->held_first].bytes = NULL;
        g->held_first = (g->held_first + 1) % LIMIT_MEDIA_WINDOW;
        g->held_count--;
        bool here = get_give(g, (struct slice){held.bytes, held.n});
        free(held.bytes);
        if (!here) {
            return;
        }
        get_grant(g);
    }
    (void)get_check(g);
}

static void get_hold(struct media_get *g, struct slice bytes)
{
    unsigned at = (g->held_first + g->held_count) % LIMIT_MEDIA_WINDOW;

    g->held[at] = (struct held){mem_textn(bytes.p, bytes.n), bytes.n};
    g->held_count++;
}

/* An object has no more bytes than its metadata say; a chunk that would bring more is not its own. */
static bool get_fits(const struct media_get *g, size_t n)
{
    uint64_t coming = n;

    for (unsigned i = 0; i < g->held_count; i++) {
        coming += g->held[(g->held_first + i) % LIMIT_MEDIA_WINDOW].n;
    }
    return n > 0 && coming <= g->meta.info.bytes - g->place;
}

static void get_chunk(struct media_get *g, struct slice bytes)
{
    if (!get_fits(g, bytes.n) || g->held_count == LIMIT_MEDIA_WINDOW) {
        g->fault = FAULT_BAD_DATA;
        g->over = true;
        media_chunks_stop(&g->chunks);
        (void)get_check(g);
    } else if (g->paused || g->held_count) {
        get_hold(g, bytes);
    } else if (get_give(g, bytes)) {
        get_grant(g);
        (void)get_check(g);
    }
}

static void on_chunk(void *arg, enum fault fault, uint64_t number, struct slice bytes)
{
    struct media_get *g = arg;

    if (fault) {
        g->fault = fault;
        g->over = true;
        (void)get_check(g);
        return;
    }
    if (g->meta.chunk_bytes && !g->held_count && !g->place) {
        g->place = number * g->meta.chunk_bytes; /* the first that comes */
    }
    get_chunk(g, bytes);
}

/* The only chunk of a small object: no consumer is made for it. */
static void on_only_chunk(void *arg, enum fault fault, const struct media_last *last)
{
    struct media_get *g = arg;

    g->ask = NULL;
    if (fault) {
        g->fault = fault == FAULT_BUS_DOWN    ? FAULT_BUS_TIMEOUT
                   : fault == FAULT_NOT_FOUND ? FAULT_BAD_DATA
                                              : fault;
        (void)get_check(g);
        return;
    }
    if (last->payload.n != g->meta.info.bytes) {
        g->fault = FAULT_BAD_DATA;
    } else if (!get_give(g, last->payload)) {
        return;
    }
    (void)get_check(g);
}

static void get_read(struct media_get *g)
{
    char subject[MEDIA_SUBJECT_CHARS];
    uint64_t bytes = g->meta.info.bytes;
    uint64_t length = g->end;

    g->first = g->first < bytes ? g->first : bytes;
    g->end = length && length < bytes - g->first ? g->first + length : bytes;
    if (g->first == 0 && g->end == bytes) {
        g->sum = digest_new();
    }
    if (g->first == g->end) {
        g->place = g->end;
        get_end(g);
    } else if (g->meta.chunks == 1) {
        media_chunk_subject(g->media, g->meta.nuid, subject);
        g->ask = media_ask_last(g->media, subject, false, on_only_chunk, g);
    } else {
        uint64_t from = g->meta.chunk_bytes ? g->first / g->meta.chunk_bytes : 0;
        g->chunks = media_chunks_start(g->media, &g->meta, from, on_chunk, g);
        /* What waits for readers that pause is held in memory, for each of them. */
        media_chunks_grant(g->chunks, g->media->get_count > LIMIT_MEDIA_WIDE_GETS ? 1 : LIMIT_MEDIA_WINDOW);
    }
}

static void on_meta(void *arg, enum fault fault, const struct media_last *last)
{
    struct media_get *g = arg;
    char digest[DIGEST_HEX_CHARS + 1];

    g->ask = NULL;
    memcpy(digest, g->meta.info.digest, sizeof(digest));
    fault = media_meta_last(fault, last, digest, &g->meta);
    if (fault) {
        struct media_get_events tell = g->events;
        arg = g->arg;
        get_free(g);
        tell.head(arg, fault, NULL);
        return;
    }
    g->busy++;
    g->events.head(g->arg, FAULT_OK, &g->meta.info);
    if (get_left(g)) {
        get_read(g);
    }
}

struct media_get *media_get_start(struct media *m, const char *digest, uint64_t first, uint64_t length,
                                  const struct media_get_events *events, void *arg)
{
    struct media_get *g = mem_new(sizeof(*g));
    char subject[MEDIA_SUBJECT_CHARS];

    g->media = m;
    g->events = *events;
    g->arg = arg;
    g->first = first;
    g->end = length;
    snprintf(g->meta.info.digest, sizeof(g->meta.info.digest), "%s", digest);
    list_init(&g->link);
    list_push(&m->gets, &g->link);
    m->get_count++;
    media_meta_subject(m, g->meta.info.digest, subject);
    g->ask = media_ask_last(m, subject, false, on_meta, g);
    return g;
}

void media_get_resume(struct media_get *g)
{
    if (g->paused) {
        g->paused = false;
        timer_start(g->media->loop, &g->wake, 0, on_wake);
    }
}

void media_get_stop(struct media_get **get)
{
    struct media_get *g = *get;

    *get = NULL;
    if (!g) {
        return;
    }
    if (g->busy) {
        g->stopped = true; /* freed when the reader's callback is back */
    } else {
        get_free(g);
    }
}
