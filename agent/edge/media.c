/* media.c - the object store as one thing: its life, and asking what an object is. */
#include "edge/media.h"

#include <stdlib.h>

#include "base/mem.h"
#include "edge/media_internal.h"

/* A media_stat under way. */
struct media_stat {
    struct list link;
    struct media *media;
    struct media_ask *ask;
    uint64_t token;
    void (*fn)(void *arg, enum fault fault, const struct media_info *info);
    void *arg;
    char digest[DIGEST_HEX_CHARS + 1];
};

struct media *media_new(struct bus *bus, struct loop *loop, const char *bucket)
{
    struct media *m = mem_new(sizeof(*m));

    m->bus = bus;
    m->loop = loop;
    m->bucket = mem_text(bucket);
    m->stream = mem_printf("OBJ_%s", bucket);
    list_init(&m->puts);
    list_init(&m->hungry);
    list_init(&m->gets);
    list_init(&m->stats);
    list_init(&m->sweeps);
    return m;
}

static void stat_free(struct media_stat *s)
{
    media_ask_stop(&s->ask);
    list_drop(&s->link);
    free(s);
}

void media_free(struct media **media)
{
    struct media *m = *media;

    *media = NULL;
    if (!m) {
        return;
    }
    media_put_drop(m);
    media_get_drop(m);
    media_sweep_drop(m);
    list_each(link, after, &m->stats)
    {
        stat_free(container_of(link, struct media_stat, link));
    }
    free(m->bucket);
    free(m->stream);
    free(m);
}

static void on_stat(void *arg, enum fault fault, const struct media_last *last)
{
    struct media_stat s = *(struct media_stat *)arg;
    struct media_meta meta;

    ((struct media_stat *)arg)->ask = NULL;
    stat_free(arg);
    fault = media_meta_last(fault, last, s.digest, &meta);
    s.fn(s.arg, fault, fault ? NULL : &meta.info);
}

uint64_t media_stat(struct media *m, const char *digest,
                    void (*fn)(void *arg, enum fault fault, const struct media_info *info), void *arg)
{
    struct media_stat *s = mem_new(sizeof(*s));
    char subject[MEDIA_SUBJECT_CHARS];

    s->media = m;
    s->token = ++m->last_token;
    s->fn = fn;
    s->arg = arg;
    snprintf(s->digest, sizeof(s->digest), "%s", digest);
    list_init(&s->link);
    list_push(&m->stats, &s->link);
    media_meta_subject(m, s->digest, subject);
    s->ask = media_ask_last(m, subject, false, on_stat, s);
    return s->token;
}

void media_stat_stop(struct media *m, uint64_t token)
{
    list_each(link, after, &m->stats)
    {
        struct media_stat *s = container_of(link, struct media_stat, link);
        if (s->token == token) {
            stat_free(s);
            return;
        }
    }
}
