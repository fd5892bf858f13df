/* openai.h - OpenAI's requests to tasks, and tasks to OpenAI's answers. Pure.
 *
 * Source: OpenAI's published description of its HTTP API, version 2.3.0. What an endpoint does with a field
 * is a row of the table in openai.c: it becomes a field of the task's input, or it is refused. A field that
 * OpenAI does not have goes into the input as it stands, where the schema of the task's kind knows it or
 * refuses it: that is how `seed`, `avatar` or `vendor` come through. Nothing is ignored. */
#ifndef CORE_OPENAI_H
#define CORE_OPENAI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/fault.h"
#include "core/task.h"

/* A kind of request. POST /v1/videos is two: which one, the model decides. */
enum openai_shape {
    OPENAI_GENERATIONS, /* POST /v1/images/generations */
    OPENAI_EDITS,       /* POST /v1/images/edits */
    OPENAI_VIDEO,       /* POST /v1/videos with a model that makes videos */
    OPENAI_AVATAR,      /* POST /v1/videos with a model that makes avatars speak */
    OPENAI_SPEECH,      /* POST /v1/audio/speech */
    OPENAI_CHAT,        /* POST /v1/chat/completions */
    OPENAI_SHAPE_COUNT
};

/* openai_kind - the kind of task that such a request is. */
enum task_kind openai_kind(enum openai_shape shape);

/* What a request asks for. */
struct openai_request {
    json_t *task; /* as POST /v1/tasks takes it; the caller's */
    json_t *echo; /* of a video: {"seconds"?, "size"?} as asked, which its resource repeats; else NULL; the
                     caller's */
    bool url;     /* of images: URLs instead of the bytes */
};

/* openai_read - body is an object as it came (borrowed); form: it came as a form, so that numbers, switches
 * and objects are texts, and a name that came twice is an array. Media are texts, {"image_url"}, or markers.
 * Faults: BAD_VALUE, UNSUPPORTED; the note names the field. What the task's own schemas say is not checked
 * here. */
enum fault openai_read(enum openai_shape shape, const json_t *body, bool form, struct openai_request *ret,
                       struct note *note) MUSTCHECK;

/* openai_note - a complaint about a field of the task ("input.duration_s") in the words of the request
 * ("seconds"). */
void openai_note(enum openai_shape shape, struct note *note);

/* ---- answers: view is the task as apps see it (schemas/result.json), borrowed; new references ---- */

/* openai_images - {"created", "data": [{"b64_json": {"$blob": i}} or {"url", "expires_at"}], …}: i is the
 * output whose bytes stand there. keep_s: how long media are surely kept from the task's end on. */
json_t *openai_images(const json_t *view, bool url, int64_t keep_s);

/* openai_video - the video resource; echo may be NULL. openai_video_deleted - what DELETE answers. */
json_t *openai_video(const json_t *view, const json_t *echo, int64_t keep_s);
json_t *openai_video_deleted(const char *id);

/* openai_chat - {"id", "object": "chat.completion", "created", "model", "choices", "usage"?}. */
json_t *openai_chat(const json_t *view);

/* openai_speech_type - the media type of a sound whose bytes do not tell it, by the format that was asked for
 * (NULL: none was). Static. */
const char *openai_speech_type(const char *format);

#endif
