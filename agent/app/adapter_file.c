/* adapter_file.c - adapter files on disk, with those that they extend. */
#include "app/adapter_file.h"

#include <stdlib.h>
#include <string.h>

#include "app/changes.h"
#include "app/places.h"
#include "base/mem.h"

/* The file called name in a folder of n chars, unless it is from itself. */
static char *find_in(const char *dir, size_t n, const char *from, const char *name, char **ret_file)
{
    char *path = mem_printf("%.*s/%s.yaml", (int)n, dir, name);
    char *text = strcmp(path, from) ? config_read_text(path, false) : NULL;

    if (!text) {
        free(path);
        return NULL;
    }
    *ret_file = path;
    return text;
}

static char *find_change(const json_t *changes, const char *from, const char *name, char **ret_file)
{
    char path[160];
    AUTO(auto_free) char *key = mem_printf("%s%s", CHANGES_ADAPTER, name);
    const char *text = json_string_value(json_object_get(changes, key));

    changes_name(key, path, sizeof(path));
    if (!text || !strcmp(path, from)) {
        return NULL;
    }
    *ret_file = mem_text(path);
    return mem_text(text);
}

/* Beside from; a file without a folder in its name is in the present one. */
static char *find_beside(const char *from, const char *name, char **ret_file)
{
    const char *slash = strrchr(from, '/');

    return slash ? find_in(from, (size_t)(slash - from), from, name, ret_file)
                 : find_in(".", 1, from, name, ret_file);
}

char *adapter_file_find(void *arg, const char *from, const char *name, char **ret_file)
{
    const struct adapter_file_places *places = arg;
    char *text = places ? find_change(places->changes, from, name, ret_file) : NULL;

    text = text ? text : find_beside(from, name, ret_file);
    for (size_t i = 0; !text && places && places->dirs && i < places->dirs->n; i++) {
        const char *dir = places->dirs->items[i];
        text = find_in(dir, strlen(dir), from, name, ret_file);
    }
    if (!text) {
        AUTO(auto_free) char *own = places_adapters();
        text = own ? find_in(own, strlen(own), from, name, ret_file) : NULL;
    }
    return text;
}

enum fault adapter_file_read(struct slice text, const char *path, adapter_complain_fn *complain, void *arg,
                             struct adapter **ret_adapter)
{
    const struct adapter_source source = {
        .text = text, .file = path, .find = adapter_file_find, .complain = complain, .arg = arg};

    return adapter_read_source(&source, ret_adapter);
}
