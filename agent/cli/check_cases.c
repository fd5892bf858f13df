/* check_cases.c - the cases of an adapter, and what they leave out. */
#include "cli/check_cases.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "base/mem.h"
#include "core/coverage.h"
#include "wire/yaml.h"

static void check_case(struct coverage *c, const char *path, adapter_complain_fn *complain, void *arg)
{
    AUTO(auto_free) char *text = config_read_text(path, false);
    struct note note = {0};
    json_t *one = NULL;
    size_t differences = 0;

    if (!text || yaml_read(slice_of(text), &one, NULL, &note) != FAULT_OK ||
        coverage_case(c, one, &differences, &note) != FAULT_OK) {
        complain(arg, path, 0, 0, text ? note.text : "cannot be read");
    } else if (differences) {
        AUTO(auto_free)
        char *told = mem_printf("differs in %zu place%s; `sluice try` shows them", differences,
                                differences == 1 ? "" : "s");
        complain(arg, path, 0, 0, told);
    }
    json_decref(one);
}

static int is_case(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return e->d_name[0] != '.' && n > 5 && !strcmp(e->d_name + n - 5, ".yaml");
}

/* Gives how many there are. */
static int run_cases(struct coverage *c, const char *folder, adapter_complain_fn *complain, void *arg)
{
    struct dirent **list = NULL;
    int n = scandir(folder, &list, is_case, alphasort);

    for (int i = 0; i < n; i++) {
        AUTO(auto_free) char *path = mem_printf("%s/%s", folder, list[i]->d_name);
        check_case(c, path, complain, arg);
        free(list[i]);
    }
    free(list);
    return n;
}

void check_cases(const struct adapter *a, struct slice text, const char *dir, adapter_complain_fn *complain,
                 void *arg)
{
    AUTO(auto_free) char *folder = mem_printf("%s/%s", dir, adapter_name(a));
    struct coverage *c = coverage_new(a);
    struct yaml_marks *marks = NULL;
    json_t *root = NULL;

    if (run_cases(c, folder, complain, arg) <= 0) {
        complain(arg, folder, 0, 0, "has no cases");
    } else if (yaml_read(text, &root, &marks, NULL) == FAULT_OK) {
        coverage_tell(c, root, marks, complain, arg);
    }
    json_decref(root);
    yaml_marks_free(&marks);
    coverage_free(&c);
}
