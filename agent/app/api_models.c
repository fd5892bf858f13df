/* api_models.c - /v1/models: what this agent can serve. */
#include <string.h>

#include "app/api_internal.h"

static json_t *model_value(const struct api *api, const struct registry_model *m)
{
    const struct adapter *a = m->target.adapter;
    json_t *kinds = json_array();

    for (int k = 0; k < KIND_COUNT; k++) {
        if (adapter_serves(a, (enum task_kind)k)) {
            json_array_append_new(kinds, json_string(task_kind_text((enum task_kind)k)));
        }
    }
    /* OpenAI's `created` must be there; nobody knows it, so it is the agent's start. */
    return json_pack("{s:s,s:s,s:I,s:s,s:o}", "id", m->name, "object", "model", "created",
                     (json_int_t)(api->started_ms / 1000), "owned_by", adapter_name(a), "kinds", kinds);
}

json_t *api_models_value(const struct api *api)
{
    const struct registry *r = api->parts->registry;
    json_t *data = json_array();

    for (size_t i = 0; i < registry_count(r); i++) {
        json_array_append_new(data, model_value(api, registry_at(r, i)));
    }
    return json_pack("{s:s,s:o}", "object", "list", "data", data);
}

void api_models_list(struct api_call *c)
{
    api_reply(c, 200, api_models_value(c->api));
}

void api_models_get(struct api_call *c)
{
    const struct registry_model *m = registry_model(c->api->parts->registry, c->id);

    if (m) {
        api_reply(c, 200, model_value(c->api, m));
    } else {
        api_reply_bad(c, FAULT_NO_MODEL, "model",
                      "no model %.64s is configured; GET /v1/models lists those that are", c->id);
    }
}
