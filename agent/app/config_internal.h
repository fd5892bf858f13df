/* config_internal.h - shared by the files that read settings. */
#ifndef APP_CONFIG_INTERNAL_H
#define APP_CONFIG_INTERNAL_H

#include "app/config.h"
#include "wire/yaml.h"

struct config_reader {
    struct config *config;
    config_complain_fn *complain;
    void *arg;
    bool bad;
};

/* config_complain - tells one mistake at the value with this JSON pointer (NULL: no position) and marks the
 * reading as failed. */
void config_complain(struct config_reader *r, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* config_complain_yaml - tells why a text is no YAML: the note's field is "line:column", and its text begins
 * with the same in words. */
void config_complain_yaml(struct config_reader *r, const struct note *note);

/* config_read_models, config_read_keys - check those parts of the document (borrowed; NULL: absent) and keep
 * them in the configuration. */
void config_read_models(struct config_reader *r, json_t *models);
void config_read_keys(struct config_reader *r, json_t *keys);

/* config_check - what stands in no row: values out of closed lists, names that go into subjects. After all
 * was read. */
void config_check(struct config_reader *r);

#endif
