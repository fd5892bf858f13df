/* config.h - the settings of an agent: a YAML file, defaults, the environment. */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "base/slice.h"

struct config_list {
    char **items; /* NULL-ended */
    size_t n;
};

/* What each TYPE of config.def is in C. */
#define CONFIG_TEXT  char *
#define CONFIG_INT   int64_t
#define CONFIG_BYTES int64_t
#define CONFIG_MS    int64_t
#define CONFIG_BOOL  bool
#define CONFIG_LIST  struct config_list

struct config {
#define SETTING(field, path, type, def, min, max, text) CONFIG_##type field;
#include "app/config.def"
#undef SETTING
    json_t *models;           /* {name: {adapter, model?, base?, key?, lane?, deadline?}}, checked */
    json_t *keys;             /* {pool: [{id, env | file}]}, checked; secrets are not in it */
    char *file;               /* where it came from */
    struct yaml_marks *marks; /* positions in the file, for later complaints */
    json_t *changed;          /* {name: true}: models that were changed while running; NULL: none were */
    char *changed_name;       /* what the text of that change is called */
    struct yaml_marks *changed_marks;
};

/* A complaint: file, line and column from 1 (0: not known), what is wrong and what to do. */
typedef void config_complain_fn(void *arg, const char *file, int line, int column, const char *text);

/* config_read - file NULL: defaults and environment only. Every mistake is told to complain (may be NULL).
 * Faults: CONFIG. */
enum fault config_read(const char *file, config_complain_fn *complain, void *arg,
                       struct config **ret_config) MUSTCHECK;
/* config_change_models - models that were changed while running, over those of the file: text is a YAML
 * mapping from a model's name to the model, null takes one away; name is what complaints call it. Once for a
 * configuration. Faults: CONFIG (c is as before). */
enum fault config_change_models(struct config *c, const char *name, struct slice text,
                                config_complain_fn *complain, void *arg) MUSTCHECK;
void config_free(struct config **c);

bool config_list_has(const struct config_list *list, const char *item);

/* config_read_text - a whole small file (LIMIT_FILE_BYTES at most) as text, trailing newlines cut when trim.
 * Caller frees; NULL: cannot be read (errno says why) or too large. */
char *config_read_text(const char *path, bool trim);

/* config_rows - the settings as a JSON array of {path, type, default, text, env}, for documentation and
 * --help. New reference. */
json_t *config_rows(void);

#endif
