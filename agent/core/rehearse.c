/* rehearse.c - an adapter run through sample tasks and sample answers. */
#include "core/rehearse.h"

#include <string.h>

#include "core/adapter_parts.h"
#include "core/answer.h"
#include "core/render.h"

#define SAMPLE_TEXT "a red fox in the snow"
#define SAMPLE_URL  "https://media.example.com/fox.png"
#define SAMPLE_DATA "data:image/png;base64,iVBORw0KGgo="

/* The answers of all vendors in one: whatever an expression looks for, something of the kind is there. */
static const char *const answers[] = {
    "{}",
    "[]",
    "null",
    "{\"id\":\"v1\",\"status\":\"queued\",\"code\":0,\"data\":{\"task_id\":\"v1\",\"task_status\":"
    "\"submitted\"}}",
    "{\"error\":{\"code\":\"x\",\"message\":\"no\"},\"detail\":[{\"msg\":\"no\",\"type\":\"x\"}],\"message\":"
    "7}",
    "{\"images\":[{\"url\":\"https://media.example.com/"
    "1.png\"}],\"data\":[{\"b64_json\":\"aGk=\"}],\"output\":[1]}",
};
static const int statuses[] = {200, 202, 400, 429, 500};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static json_t *sample_medium(enum adapter_form form)
{
    switch (form) {
    case FORM_PART:
        return json_pack("{s:i}", "$part", 0);
    case FORM_BASE64:
        return json_string("iVBORw0KGgo=");
    case FORM_DATA_URI:
        return json_string(SAMPLE_DATA);
    default:
        return json_string(SAMPLE_URL);
    }
}

/* What the fields that hold texts and numbers look like; the rest of the canonical input is optional. */
static json_t *sample_fields(enum task_kind kind)
{
    switch (kind) {
    case KIND_AUDIO_SPEECH:
        return json_pack("{s:s,s:s,s:s}", "text", SAMPLE_TEXT, "voice", "sample", "format", "mp3");
    case KIND_TEXT_CHAT:
        return json_pack("{s:[{s:s,s:s}]}", "messages", "role", "user", "content", SAMPLE_TEXT);
    case KIND_AVATAR_GENERATE:
        return json_pack("{s:s,s:s,s:s,s:s}", "prompt", SAMPLE_TEXT, "script", SAMPLE_TEXT, "voice", "sample",
                         "avatar", "sample");
    default:
        return json_pack("{s:s,s:s,s:i,s:i}", "prompt", SAMPLE_TEXT, "size", "1024x1024", "n", 1, "seed", 7);
    }
}

/* A task that op takes; with media, every field that may hold one does. */
static json_t *sample_input(const struct adapter_op *op, bool media)
{
    json_t *input = sample_fields(op->kind);

    for (size_t i = 0; i < op->need_count; i++) {
        if (!json_object_get(input, op->needs[i])) {
            json_object_set_new(input, op->needs[i], json_string("sample"));
        }
    }
    for (size_t i = 0; media && i < op->media_count; i++) {
        const struct adapter_medium *m = &op->media[i];
        size_t n = strlen(m->field);
        json_t *value = sample_medium(m->forms[0]);
        if (n && m->field[n - 1] == 's') { /* images, and all others that are lists */
            value = json_pack("[o]", value);
        }
        if (m->form_count && strcmp(m->field, "messages") != 0) {
            json_object_set_new(input, m->field, value);
        } else {
            json_decref(value);
        }
    }
    return input;
}

static size_t rehearse_answers(const struct adapter *a, const struct adapter_op *op, enum adapter_step step,
                               const json_t *vars, const json_t *input)
{
    json_t *headers = json_pack("{s:s,s:s}", "content-type", "application/json", "retry-after", "2");
    size_t n = 0;

    for (size_t i = 0; i < COUNT(answers) * COUNT(statuses); i++) {
        json_t *body = json_loads(answers[i % COUNT(answers)], JSON_DECODE_ANY, NULL);
        const struct answer_in in = {.status = statuses[i / COUNT(answers)],
                                     .headers = headers,
                                     .body = body,
                                     .raw_blob = -1,
                                     .vars = vars,
                                     .input = input};
        struct answer *answer = NULL;
        n += answer_read(a, op, step, &in, &answer, NULL) == FAULT_OK;
        answer_free(&answer);
        json_decref(body);
    }
    json_decref(headers);
    return n;
}

static size_t rehearse_step(const struct adapter *a, const struct adapter_op *op, enum adapter_step step,
                            const struct render_in *in)
{
    struct request *request = NULL;
    struct note note = {0};
    size_t n = 0;

    if (!op->steps[step].there) {
        return 0;
    }
    n += render_request(a, op, step, in, &request, &note) == FAULT_OK;
    request_free(&request);
    return n + rehearse_answers(a, op, step, in->vars, in->input);
}

static size_t rehearse_op(const struct adapter *a, const struct adapter_op *op, const json_t *options,
                          bool media)
{
    json_t *input = sample_input(op, media);
    json_t *about = json_pack("[{s:s,s:i,s:s}]", "type", "image/png", "bytes", 8, "name", "fox.png");
    json_t *vars = json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", "v1", "poll", SAMPLE_URL, "fetch", SAMPLE_URL,
                             "cancel", SAMPLE_URL, "url", SAMPLE_URL);
    const struct render_in in = {.input = input,
                                 .vars = vars,
                                 .options = options,
                                 .model = "sample",
                                 .task = "t_sample",
                                 .idem = "sample",
                                 .media = about};
    size_t n = 0;

    for (int step = 0; step < STEP_COUNT; step++) {
        n += rehearse_step(a, op, step, &in);
    }
    json_decref(vars);
    json_decref(about);
    json_decref(input);
    return n;
}

size_t rehearse_adapter(const struct adapter *a, const json_t *options)
{
    size_t n = 0;

    for (size_t i = 0; i < a->op_count; i++) {
        n += rehearse_op(a, &a->ops[i], options, false);
        n += rehearse_op(a, &a->ops[i], options, true);
    }
    return n;
}
