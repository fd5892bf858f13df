/* api_speech.c - /v1/audio/speech: OpenAI's speech endpoint, answered with the sound when the task ends. */
#include <stdio.h>
#include <string.h>

#include "app/api_internal.h"

static void speech_finished(struct api_call *c, const json_t *view)
{
    const json_t *output = json_array_get(json_object_get(view, "outputs"), 0);
    const char *media = json_string_value(json_object_get(output, "media"));
    const char *type = json_string_value(json_object_get(output, "type"));

    if (!media) {
        api_reply_bad(c, FAULT_OUTPUT_LOST, NULL, "the task ended without a sound");
        return;
    }
    if (!type || !strcmp(type, "application/octet-stream")) {
        type = openai_speech_type(c->format);
    }
    struct api_stream *s = api_stream_new(c);
    c->lost = FAULT_OUTPUT_LOST;
    api_stream_medium(s, media, 0, (uint64_t)json_integer_value(json_object_get(output, "bytes")), false);
    api_stream_start(s, 200, type);
}

void api_speech_create(struct api_call *c)
{
    const char *format = json_string_value(json_object_get(api_body_value(c->body), "response_format"));

    snprintf(c->format, sizeof(c->format), "%s", format ? format : "");
    c->accepted = api_submit_result;
    c->finished = speech_finished;
    api_submit_shape(c, OPENAI_SPEECH, "audio.speech");
}
