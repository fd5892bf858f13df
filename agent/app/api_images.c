/* api_images.c - /v1/images: OpenAI's image endpoints, answered when the task ends. */
#include "app/api_internal.h"

static void images_finished(struct api_call *c, const json_t *view)
{
    json_t *value = openai_images(view, c->url, api_media_keep_s(c->api));

    if (c->url) {
        api_reply(c, 200, value);
        return;
    }
    bool msgpack = front_req_msgpack(c->req);
    struct api_stream *s = api_stream_new(c);
    c->lost = FAULT_OUTPUT_LOST;
    api_stream_value(s, value, json_object_get(view, "outputs"), msgpack);
    api_stream_start(s, 200, msgpack ? "application/msgpack" : "application/json");
    json_decref(value);
}

static void images_create(struct api_call *c, enum openai_shape shape, const char *endpoint)
{
    c->accepted = api_submit_result;
    c->finished = images_finished;
    api_submit_shape(c, shape, endpoint);
}

void api_images_generate(struct api_call *c)
{
    images_create(c, OPENAI_GENERATIONS, "images.generations");
}

void api_images_edit(struct api_call *c)
{
    images_create(c, OPENAI_EDITS, "images.edits");
}
