/* sim_dialects.c - all vendors that are simulated. */
#include "sim_dialects.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "sim_files.h"

static enum fault dialects_add(struct sim_dialects *all, struct slice text, const char *file,
                               struct note *note)
{
    struct sim_dialect *d;

    if (all->count == SIM_DIALECTS) {
        return note_set(note, FAULT_BAD_VALUE, "more than %d dialects", SIM_DIALECTS);
    }
    enum fault fault = sim_dialect_read(text, file, &d, note);
    if (fault) {
        return fault;
    }
    if (sim_dialects_find(all, slice_of(d->name))) {
        fault = note_set(note, FAULT_BAD_VALUE, "%s: there are two dialects for vendor %s", file, d->name);
        sim_dialect_free(&d);
        return fault;
    }
    d->index = all->count;
    all->items[all->count++] = d;
    return FAULT_OK;
}

static enum fault dialects_add_file(struct sim_dialects *all, const char *path, struct note *note)
{
    char piece[8192];
    struct buf text;
    FILE *file = fopen(path, "rb");

    if (!file) {
        return note_set(note, FAULT_IO, "%s cannot be opened: %s", path, strerror(errno));
    }
    buf_init(&text, LIMIT_FILE_BYTES);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;) {
        buf_add(&text, piece, n);
    }
    fclose(file);
    enum fault fault = buf_ok(&text) ? dialects_add(all, buf_slice(&text), path, note)
                                     : note_set(note, FAULT_BAD_VALUE, "%s is larger than 1 MiB", path);
    buf_done(&text);
    return fault;
}

static enum fault dialects_add_directory(struct sim_dialects *all, const char *directory, struct note *note)
{
    AUTO(auto_free) char *pattern = mem_printf("%s/*.yaml", directory);
    enum fault fault = FAULT_OK;
    glob_t found;

    if (glob(pattern, 0, NULL, &found)) {
        return note_set(note, FAULT_IO, "there is no %s", pattern);
    }
    for (size_t i = 0; i < found.gl_pathc && !fault; i++) {
        fault = dialects_add_file(all, found.gl_pathv[i], note);
    }
    globfree(&found);
    return fault;
}

enum fault sim_dialects_load(struct sim_dialects *all, const char *directory, struct note *note)
{
    enum fault fault = directory ? dialects_add_directory(all, directory, note) : FAULT_OK;
    const char *name;

    for (size_t i = 0; !directory && !fault && (name = sim_files_name(i)); i++) {
        AUTO(auto_free) char *file = mem_printf("%s.yaml", name);
        fault = dialects_add(all, slice_of(sim_files_find(name)), file, note);
    }
    if (fault) {
        sim_dialects_done(all);
    }
    return fault;
}

void sim_dialects_done(struct sim_dialects *all)
{
    while (all->count) {
        sim_dialect_free(&all->items[--all->count]);
    }
}

struct sim_dialect *sim_dialects_find(const struct sim_dialects *all, struct slice name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (slice_is(name, all->items[i]->name)) {
            return all->items[i];
        }
    }
    return NULL;
}
