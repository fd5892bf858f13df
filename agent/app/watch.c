/* watch.c - tells when files of the configuration have changed on disk. */
#include "app/watch.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/places.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define SEEN_BYTES (4 * MIB) /* of what one look writes down */

/* What one look saw, as text: a line for each file. Equal texts, nothing has changed. */
struct look {
    struct watch *watch; /* NULL: it is gone */
    char **files, **folders;
    size_t file_count, folder_count;
    struct buf seen;
};

struct watch {
    struct loop *loop;
    int64_t every_ms;
    char **files, **folders; /* what is looked at */
    size_t file_count, folder_count;
    struct timer timer;
    struct look *look; /* under way */
    char *known;       /* what was told last */
    char *before;      /* what the last look saw */
    watch_fn *fn;
    void *arg;
};

/* ---- looking (on the pool) ---- */

static void see_file(struct buf *seen, const char *path)
{
    struct stat st;

    if (stat(path, &st)) {
        buf_printf(seen, "%s none\n", path);
        return;
    }
    buf_printf(seen, "%s %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 ".%09ld\n", path, (uint64_t)st.st_dev,
               (uint64_t)st.st_ino, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void see_folder(struct buf *seen, const char *path)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            AUTO(auto_free) char *file = mem_printf("%s/%s", path, entries[i]->d_name);
            see_file(seen, file);
        }
        free(entries[i]);
    }
    free(entries);
}

static void look_work(void *arg)
{
    struct look *k = arg;

    for (size_t i = 0; i < k->file_count; i++) {
        see_file(&k->seen, k->files[i]);
    }
    for (size_t i = 0; i < k->folder_count; i++) {
        see_folder(&k->seen, k->folders[i]);
    }
}

/* ---- judging ---- */

static void texts_free(char ***texts, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        free((*texts)[i]);
    }
    free(*texts);
    *texts = NULL;
    *n = 0;
}

static void texts_add(char ***texts, size_t *n, const char *text)
{
    *texts = mem_grow(*texts, (*n + 1) * sizeof(**texts));
    (*texts)[(*n)++] = mem_text(text);
}

static char **texts_copy(char *const *texts, size_t n)
{
    char **copy = mem_new((n + 1) * sizeof(*copy));

    for (size_t i = 0; i < n; i++) {
        copy[i] = mem_text(texts[i]);
    }
    return copy;
}

static void look_free(struct look *k)
{
    texts_free(&k->files, &k->file_count);
    texts_free(&k->folders, &k->folder_count);
    buf_done(&k->seen);
    free(k);
}

static bool same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

/* The first look is what the agent started with. A change is told when the look after it sees the same. */
static void watch_judge(struct watch *w, char *seen)
{
    bool still = same(seen, w->before), changed = w->known && !same(seen, w->known);

    if (!w->known) {
        w->known = mem_text(seen);
    }
    free(w->before);
    w->before = seen;
    if (changed && still) {
        free(w->known);
        w->known = mem_text(seen);
        w->fn(w->arg);
    }
}

static void watch_look(struct timer *t);

static void look_done(void *arg)
{
    struct look *k = arg;
    struct watch *w = k->watch;
    char *seen = w ? buf_take(&k->seen) : NULL;

    look_free(k);
    if (!w) {
        free(seen);
        return;
    }
    w->look = NULL;
    timer_start(w->loop, &w->timer, w->every_ms, watch_look);
    if (seen) {
        watch_judge(w, seen); /* may free w */
    }
}

static void watch_look(struct timer *t)
{
    struct watch *w = container_of(t, struct watch, timer);
    struct look *k = mem_new(sizeof(*k));

    *k = (struct look){.watch = w,
                       .files = texts_copy(w->files, w->file_count),
                       .file_count = w->file_count,
                       .folders = texts_copy(w->folders, w->folder_count),
                       .folder_count = w->folder_count};
    buf_init(&k->seen, SEEN_BYTES);
    w->look = k;
    loop_work(w->loop, look_work, look_done, k);
}

/* ---- what to look at ---- */

static void add_key_files(struct watch *w, const struct config *config)
{
    const char *pool;
    json_t *list, *key;
    size_t i;

    json_object_foreach(config->keys, pool, list)
    {
        json_array_foreach(list, i, key)
        {
            const char *file = json_string_value(json_object_get(key, "file"));
            if (file) {
                texts_add(&w->files, &w->file_count, file);
            }
        }
    }
}

static void add_folders(struct watch *w, const struct config *config)
{
    for (size_t i = 0; i < config->adapters.n; i++) {
        texts_add(&w->folders, &w->folder_count, config->adapters.items[i]);
    }
    if (!config->adapters.n) {
        AUTO(auto_free) char *own = places_adapters();
        if (own) {
            texts_add(&w->folders, &w->folder_count, own);
        }
    }
}

void watch_set(struct watch *w, const struct config *config)
{
    texts_free(&w->files, &w->file_count);
    texts_free(&w->folders, &w->folder_count);
    if (config->file) {
        texts_add(&w->files, &w->file_count, config->file);
    }
    add_key_files(w, config);
    add_folders(w, config); /* what was not looked at before counts as changed: once too often, not missed */
}

struct watch *watch_new(struct loop *loop, const struct config *config, watch_fn *fn, void *arg)
{
    struct watch *w = mem_new(sizeof(*w));

    w->loop = loop;
    w->every_ms = config->watch_ms;
    w->fn = fn;
    w->arg = arg;
    watch_set(w, config);
    if (w->every_ms) {
        timer_start(loop, &w->timer, 0, watch_look);
    }
    return w;
}

void watch_free(struct watch **pw)
{
    struct watch *w = *pw;

    *pw = NULL;
    if (!w) {
        return;
    }
    timer_stop(&w->timer);
    if (w->look) {
        w->look->watch = NULL;
    }
    texts_free(&w->files, &w->file_count);
    texts_free(&w->folders, &w->folder_count);
    free(w->known);
    free(w->before);
    free(w);
}
