/* api_media.c - /v1/media: upload once, refer many times. */
#include <stdio.h>
#include <string.h>

#include "app/api_internal.h"
#include "base/clock.h"

/* A medium that is stored already is renewed only when it is older than half the age at which media are
 * removed: the other half is what can be promised. */
int64_t api_media_keep_s(const struct api *api)
{
    return api->parts->config->media_age_ms / 2000;
}

json_t *api_media_value(const struct api *api, const struct upload *u)
{
    const struct media_info *info = upload_info(u, 0);
    json_t *value = upload_ref(u, 0);

    json_object_set_new(value, "object", json_string("media"));
    json_object_set_new(value, "digest", json_string(info->digest));
    json_object_set_new(value, "bytes", json_integer((json_int_t)info->bytes));
    json_object_set_new(value, "url", json_sprintf("/v1/media/%s", info->digest));
    json_object_set_new(value, "expires_at", json_integer(clock_wall_ms() / 1000 + api_media_keep_s(api)));
    if (!json_object_get(value, "type")) {
        json_object_set_new(value, "type", json_string("application/octet-stream"));
    }
    if (info->width > 0 && info->height > 0) {
        json_object_set_new(value, "width", json_integer(info->width));
        json_object_set_new(value, "height", json_integer(info->height));
    }
    return value;
}

static void on_stored(void *arg, enum fault fault, const struct note *note)
{
    struct api_call *c = api_back(arg);

    if (!c) {
        return;
    }
    if (fault) {
        api_reply_fault(c, fault, note, NULL);
        return;
    }
    json_t *value = api_media_value(c->api, c->storing);
    api_reply_field(c, "Location", json_string_value(json_object_get(value, "url")));
    api_reply(c, 201, value);
}

void api_media_create(struct api_call *c)
{
    c->storing = api_body_take_upload(c->body);
    upload_finish(c->storing, on_stored, api_ask(c));
}

void api_media_get(struct api_call *c)
{
    if (!digest_valid(c->id)) {
        api_reply_bad(c, FAULT_NO_MEDIA, NULL, "media are named by their SHA-256, 64 lower-case hex digits");
        return;
    }
    memcpy(c->digest, c->id, sizeof(c->digest));
    c->lost = FAULT_NO_MEDIA;
    api_serve(c);
}
