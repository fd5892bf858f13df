/* openai.c - OpenAI's requests to tasks. */
#include "core/openai.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/jsonscan.h"

#define GEN    (1u << OPENAI_GENERATIONS)
#define EDIT   (1u << OPENAI_EDITS)
#define IMAGE  (GEN | EDIT)
#define VIDEO  (1u << OPENAI_VIDEO)
#define AVATAR (1u << OPENAI_AVATAR)
#define MOVING (VIDEO | AVATAR)
#define SPEECH (1u << OPENAI_SPEECH)
#define CHAT   (1u << OPENAI_CHAT)
#define ALL    (IMAGE | MOVING | SPEECH | CHAT)

/* How a field is read. */
enum how {
    AS_IS,
    PARSED,  /* a number, a switch or an object: in a form it is its JSON text */
    SECONDS, /* OpenAI sends this number as a text */
    MEDIUM,
    MEDIA, /* one medium, or a list of them */
    VOICE, /* a name, or {"id"} */
    WORDS, /* of an answer: url or b64_json */
    OFF    /* served only when it is off: null, false, 0, or the one word in `to` */
};

/* Where it goes. */
enum where { INPUT, VENDOR, TASK, NOWHERE };

static const struct row {
    unsigned shapes;
    const char *name;
    enum how how;
    enum where where;
    const char *to;
} rows[] = {
    {ALL, "model", AS_IS, TASK, "model"},
    {ALL, "priority", AS_IS, TASK, "priority"},
    {ALL, "deadline_s", PARSED, TASK, "deadline_s"},
    {ALL, "metadata", PARSED, TASK, "metadata"},
    {ALL, "vendor", PARSED, INPUT, "vendor"},
    {ALL, "user", AS_IS, INPUT, "user"},

    {IMAGE | MOVING, "prompt", AS_IS, INPUT, "prompt"},
    {IMAGE | MOVING, "size", AS_IS, INPUT, "size"},
    {IMAGE, "quality", AS_IS, INPUT, "quality"},
    {IMAGE, "background", AS_IS, INPUT, "background"},
    {IMAGE, "output_format", AS_IS, INPUT, "format"},
    {IMAGE, "output_compression", PARSED, INPUT, "compression"},
    {IMAGE, "moderation", AS_IS, INPUT, "moderation"},
    {IMAGE, "style", AS_IS, INPUT, "style"},
    {IMAGE, "input_fidelity", AS_IS, VENDOR, "input_fidelity"},
    {IMAGE, "images", MEDIA, INPUT, "images"},
    {IMAGE, "image", MEDIA, INPUT, "images"},
    {IMAGE, "mask", MEDIUM, INPUT, "mask"},
    {IMAGE, "response_format", WORDS, NOWHERE, NULL},
    {IMAGE, "partial_images", OFF, NOWHERE, NULL},

    {MOVING, "seconds", SECONDS, INPUT, "duration_s"},
    {MOVING, "input_reference", MEDIUM, INPUT, "image"},

    {SPEECH, "input", AS_IS, INPUT, "text"},
    {SPEECH, "voice", VOICE, INPUT, "voice"},
    {SPEECH, "instructions", AS_IS, INPUT, "style"},
    {SPEECH, "response_format", AS_IS, INPUT, "format"},
    {SPEECH, "stream_format", OFF, NOWHERE, "audio"},

    {CHAT, "max_completion_tokens", PARSED, INPUT, "max_tokens"},
    {CHAT, "safety_identifier", AS_IS, VENDOR, "safety_identifier"},
    {CHAT, "prompt_cache_key", AS_IS, VENDOR, "prompt_cache_key"},
    {CHAT, "service_tier", AS_IS, VENDOR, "service_tier"},
    {CHAT, "stream_options", OFF, NOWHERE, NULL},
    {CHAT, "store", OFF, NOWHERE, NULL},
    {CHAT, "modalities", OFF, NOWHERE, "text"},
    {CHAT, "audio", OFF, NOWHERE, NULL},
    {CHAT, "prediction", OFF, NOWHERE, NULL},
    {CHAT, "web_search_options", OFF, NOWHERE, NULL},
    {CHAT, "functions", OFF, NOWHERE, NULL},
    {CHAT, "function_call", OFF, NOWHERE, NULL},
    {ALL, "stream", OFF, NOWHERE, NULL},

    /* Not OpenAI's: fields of the inputs that are no texts, so that a form can give them, too. */
    {ALL, "n", PARSED, INPUT, "n"},
    {ALL, "seed", PARSED, INPUT, "seed"},
    {ALL, "speed", PARSED, INPUT, "speed"},
    {IMAGE | MOVING, "guidance", PARSED, INPUT, "guidance"},
    {IMAGE | MOVING, "steps", PARSED, INPUT, "steps"},
    {IMAGE | MOVING, "watermark", PARSED, INPUT, "watermark"},
    {IMAGE | MOVING, "enhance_prompt", PARSED, INPUT, "enhance_prompt"},
    {IMAGE, "strength", PARSED, INPUT, "strength"},
    {MOVING, "duration_s", PARSED, INPUT, "duration_s"},
    {MOVING, "fps", PARSED, INPUT, "fps"},
    {MOVING, "sound", PARSED, INPUT, "sound"},
    {MOVING, "captions", PARSED, INPUT, "captions"},
    {MOVING, "image", MEDIUM, INPUT, "image"},
    {MOVING, "last_image", MEDIUM, INPUT, "last_image"},
    {MOVING, "images", MEDIA, INPUT, "images"},
    {MOVING, "video", MEDIUM, INPUT, "video"},
    {MOVING | SPEECH, "audio", MEDIUM, INPUT, "audio"},
    {SPEECH, "sample_rate", PARSED, INPUT, "sample_rate"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* One request being read. */
struct reading {
    enum openai_shape shape;
    bool form;
    struct openai_request *request;
    json_t *input;
    struct note *note;
};

enum task_kind openai_kind(enum openai_shape shape)
{
    static const enum task_kind kinds[OPENAI_SHAPE_COUNT] = {
        [OPENAI_GENERATIONS] = KIND_IMAGE_GENERATE, [OPENAI_EDITS] = KIND_IMAGE_EDIT,
        [OPENAI_VIDEO] = KIND_VIDEO_GENERATE,       [OPENAI_AVATAR] = KIND_AVATAR_GENERATE,
        [OPENAI_SPEECH] = KIND_AUDIO_SPEECH,        [OPENAI_CHAT] = KIND_TEXT_CHAT,
    };

    return kinds[shape];
}

static const struct row *row_of(enum openai_shape shape, const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].shapes & (1u << shape)) && !strcmp(rows[i].name, name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static enum fault bad(struct reading *r, const char *name, enum fault fault, const char *what)
{
    note_field(r->note, name);
    return note_set(r->note, fault, "%.100s: %s", name, what);
}

/* ---- how fields are read: each gives a new reference in *ret, NULL for one that says nothing ---- */

static json_t *read_parsed(const struct reading *r, const json_t *value)
{
    json_t *parsed = NULL;

    /* Not jansson itself: nobody may forge a marker. A text that is no JSON stays one, and the schema says
     * so. */
    if (!r->form || !json_is_string(value) ||
        jsonscan_read(slice_of(json_string_value(value)), &parsed, NULL) != FAULT_OK) {
        return json_incref((json_t *)value);
    }
    return parsed;
}

static enum fault read_seconds(struct reading *r, const char *name, const json_t *value, json_t **ret)
{
    json_t *number = NULL;

    if (!json_is_string(value)) {
        number = json_incref((json_t *)value);
    } else if (jsonscan_read(slice_of(json_string_value(value)), &number, NULL) != FAULT_OK) {
        number = NULL;
    }
    if (!json_is_number(number)) {
        json_decref(number);
        return bad(r, name, FAULT_BAD_VALUE, "this must be a number of seconds, such as \"8\"");
    }
    *ret = number;
    return FAULT_OK;
}

/* A medium: a text (URL, data URI, base64), {"image_url"}, or what the task's input itself takes. */
static enum fault read_medium(struct reading *r, const char *name, const json_t *value, json_t **ret)
{
    const json_t *url = json_object_get(value, "image_url");

    if (json_object_get(value, "file_id")) {
        return bad(r, name, FAULT_UNSUPPORTED,
                   "file_id is not served: POST the bytes to /v1/media and give {\"media\": digest}");
    }
    if (url && json_object_size(value) != 1) {
        return bad(r, name, FAULT_BAD_VALUE, "beside image_url there may be nothing");
    }
    *ret = json_incref((json_t *)(url ? url : value));
    return FAULT_OK;
}

static enum fault read_media(struct reading *r, const char *name, const json_t *value, json_t **ret)
{
    json_t *list = json_array();
    size_t n = json_is_array(value) ? json_array_size(value) : 1;

    for (size_t i = 0; i < n; i++) {
        char at[96];
        json_t *medium = NULL;
        snprintf(at, sizeof(at), "%.60s[%zu]", name, i);
        enum fault fault =
            read_medium(r, at, json_is_array(value) ? json_array_get(value, i) : value, &medium);
        if (fault) {
            json_decref(list);
            return fault;
        }
        json_array_append_new(list, medium);
    }
    *ret = list;
    return FAULT_OK;
}

static bool is_off(const struct row *row, const json_t *value)
{
    const json_t *only = json_array_size(value) == 1 ? json_array_get(value, 0) : value;
    const char *text = json_string_value(only);

    if (text) {
        return !*text || !strcmp(text, "false") || !strcmp(text, "0") || (row->to && !strcmp(text, row->to));
    }
    return json_is_false(value) || (json_is_number(value) && json_number_value(value) == 0);
}

static enum fault read_words(struct reading *r, const char *name, const json_t *value)
{
    const char *text = json_string_value(value);

    if (!text || (strcmp(text, "url") != 0 && strcmp(text, "b64_json") != 0)) {
        return bad(r, name, FAULT_BAD_VALUE, "this must be url or b64_json");
    }
    r->request->url = !strcmp(text, "url");
    return FAULT_OK;
}

static enum fault read_value(struct reading *r, const struct row *row, const json_t *value, json_t **ret)
{
    switch (row->how) {
    case PARSED:
        *ret = read_parsed(r, value);
        return FAULT_OK;
    case SECONDS:
        return read_seconds(r, row->name, value, ret);
    case MEDIUM:
        return read_medium(r, row->name, value, ret);
    case MEDIA:
        return read_media(r, row->name, value, ret);
    case WORDS:
        return read_words(r, row->name, value);
    case OFF:
        return is_off(row, value)
                   ? FAULT_OK
                   : bad(r, row->name, FAULT_UNSUPPORTED, "this option is not served yet; leave it out");
    case VOICE:
        value = json_object_size(value) == 1 && json_object_get(value, "id") ? json_object_get(value, "id")
                                                                             : value;
        break;
    case AS_IS:
        break;
    }
    *ret = json_incref((json_t *)value);
    return FAULT_OK;
}

/* ---- where they go ---- */

static json_t *place_of(struct reading *r, enum where where)
{
    json_t *vendor = json_object_get(r->input, "vendor");

    if (where == TASK) {
        return r->request->task;
    }
    if (where == INPUT) {
        return r->input;
    }
    if (!vendor) {
        vendor = json_object();
        json_object_set_new(r->input, "vendor", vendor);
    }
    return vendor;
}

static enum fault put(struct reading *r, const char *name, enum where where, const char *to, json_t *value)
{
    json_t *place = place_of(r, where);

    if (where == INPUT && !strcmp(to, "vendor") && json_is_object(json_object_get(place, to)) &&
        json_is_object(value)) {
        json_object_update_missing(json_object_get(place, to), value);
        json_decref(value);
        return FAULT_OK;
    }
    if (json_object_get(place, to)) {
        json_decref(value);
        return bad(r, name, FAULT_BAD_VALUE, "another field of the request says the same");
    }
    json_object_set_new(place, to, value);
    return FAULT_OK;
}

static enum fault read_field(struct reading *r, const char *name, const json_t *value)
{
    const struct row *row = row_of(r->shape, name);
    json_t *read = NULL;

    if (json_is_null(value)) {
        return FAULT_OK; /* OpenAI's optional fields may be null */
    }
    if (!row) {
        return put(r, name, INPUT, name, json_incref((json_t *)value));
    }
    enum fault fault = read_value(r, row, value, &read);
    return fault || !read ? fault : put(r, name, row->where, row->to, read);
}

/* Of an avatar, OpenAI's one text is what it says, unless the request says that in another way. */
static void settle_script(json_t *input)
{
    json_t *prompt = json_object_get(input, "prompt");

    if (prompt && !json_object_get(input, "script") && !json_object_get(input, "audio") &&
        !json_object_get(input, "video")) {
        json_object_set(input, "script", prompt);
        json_object_del(input, "prompt");
    }
}

/* What the video's resource repeats. seconds is a text there. */
static json_t *echo_of(const json_t *input)
{
    const json_t *size = json_object_get(input, "size"), *seconds = json_object_get(input, "duration_s");
    json_t *echo = json_object();
    char text[40];

    if (json_is_string(size)) {
        json_object_set(echo, "size", (json_t *)size);
    }
    if (json_is_number(seconds)) {
        snprintf(text, sizeof(text), "%.10g", json_number_value(seconds));
        json_object_set_new(echo, "seconds", json_string(text));
    }
    return echo;
}

enum fault openai_read(enum openai_shape shape, const json_t *body, bool form, struct openai_request *ret,
                       struct note *note)
{
    struct reading r = {shape, form, ret, json_object(), note};
    enum fault fault = FAULT_OK;
    const char *name;
    json_t *value;

    *ret = (struct openai_request){.task = json_object()};
    json_object_set_new(ret->task, "kind", json_string(task_kind_text(openai_kind(shape))));
    json_object_set_new(ret->task, "input", r.input);
    json_object_foreach((json_t *)body, name, value)
    {
        fault = read_field(&r, name, value);
        if (fault) {
            break;
        }
    }
    if (!fault && !json_is_string(json_object_get(ret->task, "model"))) {
        fault = bad(&r, "model", FAULT_BAD_VALUE, "the name of a model is needed; GET /v1/models lists them");
    }
    if (fault) {
        json_decref(ret->task);
        ret->task = NULL;
        return fault;
    }
    if (shape == OPENAI_AVATAR) {
        settle_script(r.input);
    }
    if (shape == OPENAI_VIDEO || shape == OPENAI_AVATAR) {
        ret->echo = echo_of(r.input);
    }
    return FAULT_OK;
}

/* ---- complaints ---- */

/* The request's name for a field of the input: the first of several. */
static const char *name_of(enum openai_shape shape, const char *to, size_t n)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].shapes & (1u << shape)) && rows[i].where == INPUT && strlen(rows[i].to) == n &&
            !strncmp(rows[i].to, to, n)) {
            return rows[i].name;
        }
    }
    return NULL;
}

/* "input.n: n must be …" and "input.n must be …" are both about n. */
static void rename_text(struct note *note, const struct note *was)
{
    size_t n = strlen(was->field);
    const char *rest = was->text + n, *behind = rest + (*rest == ':');

    behind += strspn(behind, " ");
    if (*rest == ':' && !strncmp(behind, note->field, strlen(note->field))) {
        snprintf(note->text, sizeof(note->text), "%.250s", behind);
    } else {
        snprintf(note->text, sizeof(note->text), "%s%.250s", note->field, rest);
    }
}

void openai_note(enum openai_shape shape, struct note *note)
{
    struct note was = *note;

    if (!strcmp(was.field, "kind")) {
        snprintf(note->field, sizeof(note->field), "model");
        return;
    }
    if (strncmp(was.field, "input.", 6) != 0) {
        return;
    }
    size_t word = strcspn(was.field + 6, ".[");
    const char *name = name_of(shape, was.field + 6, word);
    if (name) {
        snprintf(note->field, sizeof(note->field), "%s%s", name, was.field + 6 + word);
    } else {
        snprintf(note->field, sizeof(note->field), "%s", was.field + 6);
    }
    if (!strncmp(was.text, was.field, strlen(was.field))) {
        rename_text(note, &was);
    }
}
