/* config_check.c - what the settings' table cannot say: values out of a closed list, names that go into
 * subjects. */
#include <string.h>

#include "app/config_internal.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/task.h"

static void check_roles(struct config_reader *r)
{
    const struct config_list *roles = &r->config->roles;

    for (size_t i = 0; i < roles->n; i++) {
        if (strcmp(roles->items[i], "ingress") != 0 && strcmp(roles->items[i], "execute") != 0) {
            config_complain(r, "/roles", "there is no role %.80s; there are ingress and execute",
                            roles->items[i]);
        }
    }
}

static void check_names(struct config_reader *r)
{
    const struct config *c = r->config;

    if (*c->app && !task_name_valid(c->app)) {
        config_complain(r, "/app", "app must be 1 to %d of letters, digits, _ and - (got %.80s)",
                        LIMIT_NAME_CHARS, c->app);
    }
    for (size_t i = 0; i < c->lanes.n; i++) {
        if (!task_name_valid(c->lanes.items[i])) {
            config_complain(r, "/lanes", "a lane must be 1 to %d of letters, digits, _ and - (got %.80s)",
                            LIMIT_NAME_CHARS, c->lanes.items[i]);
        }
    }
}

void config_check(struct config_reader *r)
{
    const struct config *c = r->config;

    check_roles(r);
    check_names(r);
    if (log_level_find(c->log_level) < 0) {
        config_complain(r, "/log_level", "log_level must be debug, info, warn or error (got %.80s)",
                        c->log_level);
    }
    if (c->socket_mode[strspn(c->socket_mode, "01234567")]) {
        config_complain(r, "/socket_mode", "socket_mode must be octal digits such as 0660 (got %.80s)",
                        c->socket_mode);
    }
}
