/* adapter_option.c - the options of a target, and what is made of them: its base and its hosts. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/host.h"

#define OPTION_BYTES 256

const char *adapter_option_about(const struct adapter *a, const char *name)
{
    return json_string_value(json_object_get(json_object_get(a->options, name), "about"));
}

static bool fit(const char *value)
{
    const char *at = value;

    for (; *at; at++) {
        if ((unsigned char)*at <= 0x20 || *at == 0x7f) {
            return false;
        }
    }
    return at > value && at - value <= OPTION_BYTES;
}

enum fault adapter_options(const struct adapter *a, const json_t *given, json_t **ret_options,
                           struct note *note)
{
    json_t *out = json_object(), *value;
    enum fault fault = FAULT_OK;
    const char *name;

    json_object_foreach((json_t *)given, name, value)
    {
        const char *text = json_string_value(value);
        if (!fault && (!json_object_get(a->options, name) || !text || !fit(text))) {
            note_field(note, name);
            fault = note_set(note, FAULT_CONFIG,
                             json_object_get(a->options, name)
                                 ? "option %s of adapter %s must be a text of 1 to 256 chars without spaces"
                                 : "option %s: adapter %s has no such option",
                             name, a->name);
        }
        json_object_set(out, name, value);
    }
    json_object_foreach(a->options, name, value)
    {
        json_t *usual = json_object_get(value, "default");
        if (usual && !json_object_get(out, name)) {
            json_object_set(out, name, usual);
        } else if (!fault && !json_object_get(out, name)) {
            note_field(note, name);
            fault = note_set(note, FAULT_CONFIG, "adapter %s needs the option %s: %s", a->name, name,
                             adapter_option_about(a, name));
        }
    }
    if (fault) {
        json_decref(out);
        out = NULL;
    }
    *ret_options = out;
    return fault;
}

char *adapter_fill(const char *text, const json_t *options)
{
    struct buf out;

    buf_init(&out, LIMIT_URL_BYTES + LIMIT_HEADER_BYTES);
    while (*text) {
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        char *name = end ? mem_textn(text + 1, (size_t)(end - text) - 1) : NULL;
        const char *value = name ? json_string_value(json_object_get(options, name)) : NULL;
        if (value) {
            buf_text(&out, value);
            text = end + 1;
        } else {
            buf_char(&out, *text++);
        }
        free(name);
    }
    char *filled = buf_take(&out);
    buf_done(&out);
    return filled ? filled : mem_text("");
}

enum fault adapter_target_base(const struct adapter *a, const char *base, const json_t *options,
                               char **ret_base, struct note *note)
{
    char *filled = adapter_fill(base ? base : a->base, options);
    struct host host;

    if (strpbrk(filled, "{}") || !host_of(slice_of(filled), &host)) {
        note_field(note, "base");
        enum fault fault = note_set(note, FAULT_CONFIG, "base: %.200s is no URL", filled);
        free(filled);
        *ret_base = NULL;
        return fault;
    }
    *ret_base = filled;
    return FAULT_OK;
}

bool adapter_host_allowed_for(const struct adapter *a, const char *base, const json_t *options,
                              const char *host)
{
    char *filled = adapter_fill(base ? base : a->base, options);
    struct host own;
    bool allowed = host_of(slice_of(filled), &own) && host_fits(own.name, host);

    free(filled);
    for (size_t i = 0; !allowed && i < a->host_count; i++) {
        char *pattern = adapter_fill(a->hosts[i], options);
        allowed = host_pattern(pattern) && host_fits(pattern, host);
        free(pattern);
    }
    return allowed;
}

bool adapter_host_allowed(const struct adapter *a, const char *base, const char *host)
{
    return adapter_host_allowed_for(a, base, NULL, host);
}
