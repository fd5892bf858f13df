/* sim_secret.c - who asks: the secret that came with a request. */
#include "sim_secret.h"

#include <stdio.h>
#include <string.h>

/* The text that stands for {key} or {any} in pattern, into out. */
static enum sim_secret_state secret_match(const json_t *keys, const char *pattern, const char *value,
                                          char out[65])
{
    const char *hole = strchr(pattern, '{'), *close = hole ? strchr(hole, '}') : NULL;
    size_t before = hole ? (size_t)(hole - pattern) : 0, n = strlen(value);
    size_t behind = close ? strlen(close + 1) : 0;
    size_t i;
    json_t *key;

    if (!close || n <= before + behind || strncmp(pattern, value, before) != 0 ||
        strcmp(close + 1, value + n - behind) != 0) {
        return SIM_SECRET_WRONG;
    }
    snprintf(out, 65, "%.*s", (int)(n - before - behind), value + before);
    if (!json_array_size(keys) || !strncmp(hole, "{any}", 5)) {
        return SIM_SECRET_GOOD;
    }
    json_array_foreach((json_t *)keys, i, key)
    {
        if (n - before - behind < 65 && json_is_string(key) && !strcmp(json_string_value(key), out)) {
            return SIM_SECRET_GOOD;
        }
    }
    return SIM_SECRET_WRONG;
}

enum sim_secret_state sim_secret_find(const json_t *keys, struct sim_call *c)
{
    enum sim_secret_state best = SIM_SECRET_ABSENT;
    size_t i;
    json_t *way;

    json_array_foreach((json_t *)c->dialect->secrets, i, way)
    {
        const char *header = json_string_value(json_object_get(way, "header"));
        const char *query = json_string_value(json_object_get(way, "query"));
        const char *pattern = json_string_value(json_object_get(way, "value"));
        char value[2048] = "";
        if (header) {
            struct slice found = http_find(&c->request->head, header);
            snprintf(value, sizeof(value), "%.*s", (int)found.n, found.p ? found.p : "");
        } else if (query) {
            http_query(&c->request->head, query, value, sizeof(value));
        }
        enum sim_secret_state one =
            *value && pattern ? secret_match(keys, pattern, value, c->secret) : SIM_SECRET_ABSENT;
        if (one == SIM_SECRET_GOOD) {
            return SIM_SECRET_GOOD;
        }
        best = one > best ? one : best;
    }
    return best;
}
