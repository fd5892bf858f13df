/* api_videos.c - /v1/videos: OpenAI's asynchronous shape, for every model that makes videos or avatars. */
#include <string.h>

#include "app/api_internal.h"
#include "app/ledger.h"
#include "core/journal.h"

static json_t *video_value(void *arg, const json_t *doc)
{
    json_t *view = journal_view(doc);
    json_t *video = openai_video(view, json_object_get(doc, "echo"), api_media_keep_s(arg));

    json_decref(view);
    return video;
}

/* A task that these endpoints show. A deleted one stays in the journal, where /v1/tasks finds it. */
static bool is_video(const json_t *doc)
{
    int kind = task_kind_find(json_string_value(json_object_get(doc, "kind")));

    return (kind == KIND_VIDEO_GENERATE || kind == KIND_AVATAR_GENERATE) && !json_object_get(doc, "deleted");
}

/* ---- create ---- */

/* What a request is, its model decides; of one that does both, the request's own words. */
static enum fault video_shape(const struct api_call *c, enum openai_shape *ret, struct note *note)
{
    const json_t *body = api_body_value(c->body);
    const char *name = json_string_value(json_object_get(body, "model"));
    const struct registry_model *m = name ? registry_model(c->api->parts->registry, name) : NULL;

    *ret = OPENAI_VIDEO;
    if (!m) {
        return FAULT_OK; /* told by those who read the body and find the model */
    }
    bool video = adapter_serves(m->target.adapter, KIND_VIDEO_GENERATE);
    bool avatar = adapter_serves(m->target.adapter, KIND_AVATAR_GENERATE);
    bool speaks =
        json_object_get(body, "script") || json_object_get(body, "avatar") || json_object_get(body, "voice");
    if (!video && !avatar) {
        note_field(note, "model");
        return note_set(note, FAULT_BAD_VALUE, "model %.64s makes no videos", name);
    }
    *ret = avatar && (!video || speaks) ? OPENAI_AVATAR : OPENAI_VIDEO;
    return FAULT_OK;
}

static void video_accepted(struct api_call *c, const json_t *doc)
{
    api_reply_field(c, "x-request-id", c->task);
    api_reply(c, 200, video_value(c->api, doc));
}

void api_videos_create(struct api_call *c)
{
    enum openai_shape shape;
    struct note note = {0};
    enum fault fault = video_shape(c, &shape, &note);

    if (fault) {
        api_reply_fault(c, fault, &note, NULL);
        return;
    }
    c->accepted = video_accepted;
    api_submit_shape(c, shape, "videos");
}

/* ---- one video ---- */

/* The video named by the call is read, then fn(c, record). */
static void on_record(void *arg, enum fault fault, const json_t *doc, uint64_t revision)
{
    struct api_call *c = api_back(arg);

    (void)revision;
    if (!c) {
        return;
    }
    if (fault || !is_video(doc)) {
        api_reply_fault(c, fault ? fault : FAULT_NO_TASK, NULL, NULL);
    } else {
        c->found(c, doc);
    }
}

static void video_find(struct api_call *c, void (*fn)(struct api_call *c, const json_t *doc))
{
    struct parts *parts = c->api->parts;

    c->found = fn;
    if (id_valid(c->id)) {
        ledger_get(parts->ledger, parts->config->app, c->id, true, on_record, api_ask(c));
    } else {
        api_reply_fault(c, FAULT_NO_TASK, NULL, NULL);
    }
}

static void video_show(struct api_call *c, const json_t *doc)
{
    api_reply(c, 200, video_value(c->api, doc));
}

void api_videos_get(struct api_call *c)
{
    video_find(c, video_show);
}

static void video_content(struct api_call *c, const json_t *doc)
{
    json_t *view = journal_view(doc);

    api_serve_output(c, view, 0);
    json_decref(view);
}

void api_videos_content(struct api_call *c)
{
    char variant[32];

    if (api_query(c, "variant", variant, sizeof(variant)) && strcmp(variant, "video") != 0) {
        api_reply_bad(c, FAULT_UNSUPPORTED, "variant", "only the variant video is served");
        return;
    }
    video_find(c, video_content);
}

/* ---- delete ---- */

static void on_removed(void *arg, enum fault fault, const char *outcome, const json_t *view)
{
    struct api_call *c = api_back(arg);

    (void)outcome;
    if (!c) {
        return;
    }
    if (fault || !view) {
        api_reply_fault(c, fault ? fault : FAULT_NO_TASK, NULL, NULL);
    } else {
        api_reply(c, 200, openai_video_deleted(c->id));
    }
}

static void video_remove(struct api_call *c, const json_t *doc)
{
    (void)doc;
    deliver_remove(c->api->deliver, c->id, on_removed, api_ask(c));
}

void api_videos_delete(struct api_call *c)
{
    video_find(c, video_remove);
}

/* ---- list ---- */

void api_videos_list(struct api_call *c)
{
    char after[ID_CHARS + 2] = "", order[16] = "";
    struct api_tasks_filter in = {.after = after};
    struct deliver_filter filter;
    struct note note = {0};

    (void)api_query(c, "after", after, sizeof(after));
    (void)api_query(c, "order", order, sizeof(order));
    in.limit = api_tasks_limit(c, &in.limit) ? in.limit : -1;
    enum fault fault = api_tasks_filter(&in, &filter, &note);
    if (!fault && *order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0) {
        note_field(&note, "order");
        fault = note_set(&note, FAULT_BAD_VALUE, "order is asc or desc");
    }
    if (fault) {
        api_reply_fault(c, fault, &note, NULL);
        return;
    }
    filter.oldest_first = !strcmp(order, "asc");
    filter.fits = is_video;
    filter.view = video_value;
    filter.arg = c->api;
    deliver_list(c->api->deliver, &filter, api_reply_list, api_ask(c));
}
