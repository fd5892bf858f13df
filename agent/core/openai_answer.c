/* openai_answer.c - tasks to OpenAI's answers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/openai.h"

static int64_t seconds_of(const json_t *view, const char *member)
{
    return (int64_t)json_number_value(json_object_get(view, member));
}

static void copy(json_t *to, const json_t *from, const char *member)
{
    json_t *value = json_object_get(from, member);

    if (value && !json_is_null(value)) {
        json_object_set(to, member, value);
    }
}

/* ---- images ---- */

/* What the vendor says of all images, or of each. */
static json_t *revised_prompt(const json_t *view, size_t i)
{
    json_t *told = json_object_get(view, "revised_prompt");
    json_t *one = json_is_array(told) ? json_array_get(told, i) : told;

    return json_is_string(one) ? one : NULL;
}

static json_t *image_item(const json_t *view, const json_t *output, size_t i, bool url, int64_t expires)
{
    json_t *item = json_object(), *prompt = revised_prompt(view, i);

    if (url) {
        json_object_set_new(
            item, "url", json_sprintf("/v1/media/%s", json_string_value(json_object_get(output, "media"))));
        json_object_set_new(item, "expires_at", json_integer(expires));
    } else {
        json_object_set_new(item, "b64_json", json_pack("{s:I}", "$blob", (json_int_t)i));
    }
    if (prompt) {
        json_object_set(item, "revised_prompt", prompt);
    }
    return item;
}

/* "image/png" is png to OpenAI, "image/svg+xml" svg. */
static json_t *output_format(const json_t *output)
{
    const char *type = json_string_value(json_object_get(output, "type"));
    const char *slash = type ? strchr(type, '/') : NULL;

    return slash ? json_stringn(slash + 1, strcspn(slash + 1, "+;")) : NULL;
}

static json_t *size_text(const json_t *output)
{
    int width = (int)json_integer_value(json_object_get(output, "width"));
    int height = (int)json_integer_value(json_object_get(output, "height"));

    return width > 0 && height > 0 ? json_sprintf("%dx%d", width, height) : NULL;
}

json_t *openai_images(const json_t *view, bool url, int64_t keep_s)
{
    json_t *answer = json_object(), *data = json_array(), *output;
    int64_t ended = seconds_of(view, "completed_at");
    const json_t *first = NULL;
    size_t i;

    json_array_foreach(json_object_get(view, "outputs"), i, output)
    {
        if (json_is_string(json_object_get(output, "media"))) {
            first = first ? first : output;
            json_array_append_new(data, image_item(view, output, i, url, ended + keep_s));
        }
    }
    json_object_set_new(answer, "created", json_integer(ended));
    json_object_set_new(answer, "data", data);
    copy(answer, view, "background");
    copy(answer, view, "quality");
    if (first) {
        json_object_set_new(answer, "output_format", output_format(first));
        json_object_set_new(answer, "size", size_text(first));
    }
    copy(answer, view, "usage");
    return answer;
}

/* ---- videos ---- */

/* OpenAI knows four states: what ended without a video has failed. */
static const char *video_status(const json_t *view)
{
    int status = task_status_find(json_string_value(json_object_get(view, "status")));

    if (status < 0 || status == TASK_CANCELLED || status == TASK_EXPIRED) {
        status = TASK_FAILED;
    }
    return task_status_text((enum task_status)status);
}

static json_t *video_error(const json_t *view)
{
    const json_t *error = json_object_get(view, "error");
    json_t *told;

    if (!error) {
        return json_null();
    }
    told = json_object();
    copy(told, error, "code");
    copy(told, error, "message");
    return told;
}

static int video_progress(const json_t *view, bool completed)
{
    return completed ? 100 : (int)lround(json_number_value(json_object_get(view, "progress")));
}

/* What the video is, when it is there; else what was asked for. */
static json_t *video_size(const json_t *output, const json_t *echo)
{
    json_t *size = size_text(output);

    return size ? size : json_incref(json_object_get(echo, "size"));
}

static json_t *video_seconds(const json_t *output, const json_t *echo)
{
    const json_t *asked = json_object_get(echo, "seconds"), *is = json_object_get(output, "duration_s");

    return asked ? json_incref((json_t *)asked) : is ? json_sprintf("%.10g", json_number_value(is)) : NULL;
}

static void set_or_null(json_t *object, const char *member, json_t *value)
{
    json_object_set_new(object, member, value ? value : json_null());
}

json_t *openai_video(const json_t *view, const json_t *echo, int64_t keep_s)
{
    const json_t *output = json_array_get(json_object_get(view, "outputs"), 0);
    json_t *video = json_object();
    const char *status = video_status(view);
    bool completed = !strcmp(status, task_status_text(TASK_COMPLETED));
    int64_t ended = seconds_of(view, "completed_at");

    copy(video, view, "id");
    json_object_set_new(video, "object", json_string("video"));
    copy(video, view, "model");
    json_object_set_new(video, "status", json_string(status));
    json_object_set_new(video, "progress", json_integer(video_progress(view, completed)));
    json_object_set_new(video, "created_at", json_integer(seconds_of(view, "created_at")));
    set_or_null(video, "completed_at", completed ? json_integer(ended) : NULL);
    set_or_null(video, "expires_at", completed ? json_integer(ended + keep_s) : NULL);
    set_or_null(video, "seconds", video_seconds(output, echo));
    set_or_null(video, "size", video_size(output, echo));
    json_object_set_new(video, "remixed_from_video_id", json_null());
    json_object_set_new(video, "error", video_error(view));
    return video;
}

json_t *openai_video_deleted(const char *id)
{
    return json_pack("{s:s,s:s,s:b}", "id", id, "object", "video.deleted", "deleted", 1);
}

/* ---- chat ---- */

/* The vendor's choices, or the texts as choices. */
static json_t *chat_choices(const json_t *view)
{
    json_t *choices = json_object_get(view, "choices"), *output;
    size_t i;

    if (json_is_array(choices)) {
        return json_incref(choices);
    }
    choices = json_array();
    json_array_foreach(json_object_get(view, "outputs"), i, output)
    {
        const char *text = json_string_value(json_object_get(output, "text"));
        if (text) {
            json_array_append_new(choices, json_pack("{s:i,s:{s:s,s:s},s:s}", "index",
                                                     (int)json_array_size(choices), "message", "role",
                                                     "assistant", "content", text, "finish_reason", "stop"));
        }
    }
    return choices;
}

json_t *openai_chat(const json_t *view)
{
    json_t *answer = json_object();

    copy(answer, view, "id");
    json_object_set_new(answer, "object", json_string("chat.completion"));
    json_object_set_new(answer, "created", json_integer(seconds_of(view, "created_at")));
    copy(answer, view, "model");
    json_object_set_new(answer, "choices", chat_choices(view));
    copy(answer, view, "usage");
    return answer;
}

/* ---- speech ---- */

const char *openai_speech_type(const char *format)
{
    static const struct {
        const char *format;
        const char *type;
    } types[] = {
        {"mp3", "audio/mpeg"}, {"opus", "audio/ogg"},    {"ogg", "audio/ogg"},
        {"aac", "audio/aac"},  {"flac", "audio/flac"},   {"wav", "audio/wav"},
        {"pcm", "audio/pcm"},  {"mulaw", "audio/basic"}, {"alaw", "audio/x-alaw-basic"},
    };

    for (size_t i = 0; format && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(types[i].format, format)) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}
