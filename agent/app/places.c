/* places.c - where this program's companions are. */
#include "app/places.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"

/* The folder of this program, without a slash at its end. */
static char *own_folder(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0) {
        return mem_text(".");
    }
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    return mem_textn(path, slash && slash > path ? (size_t)(slash - path) : 1);
}

/* folder/name when this process may do mode with it; NULL otherwise. */
static char *there(struct slice folder, const char *name, int mode)
{
    if (!folder.n) {
        return NULL;
    }
    char *path = mem_printf("%.*s/%s", (int)folder.n, folder.p, name);
    if (access(path, mode) == 0) {
        return path;
    }
    free(path);
    return NULL;
}

char *places_program(const char *name)
{
    AUTO(auto_free) char *own = own_folder();
    const char *env = getenv("PATH");
    struct slice list = slice_of(env ? env : ""), folder;
    char *path = there(slice_of(own), name, X_OK);

    while (!path && slice_cut(&list, ':', &folder)) {
        path = there(folder, name, X_OK);
    }
    return path ? path : there(slice_of("/usr/sbin"), name, X_OK);
}

char *places_adapters(void)
{
    static const char *const beside[] = {"adapters", "../share/sluice/adapters", "../../adapters"};
    AUTO(auto_free) char *own = own_folder();
    const char *env = getenv("SLUICE_ADAPTERS");
    char *path = NULL;

    if (env && *env) {
        return mem_textn(env, strcspn(env, ","));
    }
    for (size_t i = 0; !path && i < sizeof(beside) / sizeof(beside[0]); i++) {
        path = there(slice_of(own), beside[i], R_OK | X_OK);
    }
    if (path) {
        char *real = realpath(path, NULL);
        free(path);
        return real;
    }
    return there(slice_of("/usr/share/sluice"), "adapters", R_OK | X_OK);
}

char *places_adapter(const char *word, const char *folder)
{
    if (strchr(word, '/') || access(word, R_OK) == 0) {
        return mem_text(word);
    }
    AUTO(auto_free) char *own = folder ? mem_text(folder) : places_adapters();
    AUTO(auto_free) char *file = mem_printf("%s.yaml", word);
    return own ? there(slice_of(own), file, R_OK) : NULL;
}
