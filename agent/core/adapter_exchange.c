/* adapter_exchange.c - reads one step of an operation from an adapter file. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"

#define MORE_HEADERS "*"

void adapter_exchange_headers_done(struct adapter_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(headers[i].name);
        template_free(&headers[i].value);
    }
    free(headers);
}

void adapter_exchange_done(struct adapter_exchange *e)
{
    free(e->request.method);
    free(e->request.sign_as);
    template_free(&e->request.url);
    shape_free(&e->request.let);
    shape_free(&e->request.query);
    adapter_exchange_headers_done(e->request.headers, e->request.header_count);
    shape_free(&e->request.more_headers);
    shape_free(&e->request.body);
    shape_free(&e->save);
    shape_free(&e->state.from);
    json_decref(e->state.words);
    json_decref(e->state.statuses);
    shape_free(&e->progress);
    shape_free(&e->outputs.stream);
    shape_free(&e->outputs.each);
    shape_free(&e->outputs.members);
    shape_free(&e->usage);
    shape_free(&e->cost);
    free(e->cost_unit);
    shape_free(&e->extra);
    rule_free(&e->rules);
}

/* The shape at the member called key. */
static struct shape *shape_at(struct load *l, const json_t *value, const char *key)
{
    size_t before = load_enter(l, key);
    struct shape *s = shape_load(l, json_object_get(value, key));

    load_leave(l, before);
    return s;
}

struct adapter_header *adapter_exchange_headers(struct load *l, const json_t *value, size_t *ret_count)
{
    const char *name;
    json_t *text;

    *ret_count = 0;
    if (!json_object_size(value)) {
        return NULL;
    }
    struct adapter_header *headers = mem_new(json_object_size(value) * sizeof(*headers));
    json_object_foreach((json_t *)value, name, text)
    {
        size_t before = load_enter(l, name);
        if (!strcmp(name, MORE_HEADERS)) {
            load_leave(l, before);
            continue; /* an expression; see load_request */
        }
        char *written = shape_value_text(text);
        struct adapter_header *header = &headers[(*ret_count)++];
        header->name = mem_text(name);
        load_template(l, written, &header->value);
        free(written);
        load_leave(l, before);
    }
    return headers;
}

static void load_body(struct load *l, const json_t *value, struct adapter_request *r)
{
    static const struct {
        const char *key;
        enum request_body kind;
    } kinds[] = {{"json", BODY_JSON}, {"multipart", BODY_MULTIPART}, {"form", BODY_FORM}, {"raw", BODY_RAW}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!json_object_get(value, kinds[i].key)) {
            continue;
        }
        if (r->body) {
            load_complain_at(l, kinds[i].key, "a request has one body: json, multipart, form or raw");
            continue;
        }
        r->kind = kinds[i].kind;
        r->body = shape_at(l, value, kinds[i].key);
    }
}

static bool flag(const json_t *value, const char *key, bool fallback)
{
    const json_t *is = json_object_get(value, key);

    return is ? json_is_true(is) : fallback;
}

static void load_request(struct load *l, enum adapter_step step, const json_t *value,
                         struct adapter_request *r)
{
    const char *method = json_string_value(json_object_get(value, "method"));
    const char *url = json_string_value(json_object_get(value, "url"));

    load_body(l, value, r);
    bool post = step == STEP_SUBMIT || step == STEP_CANCEL || r->kind != BODY_NONE;
    r->method = mem_text(method ? method : post ? "POST" : "GET");
    size_t before = load_enter(l, "url");
    load_template(l, url ? url : "{url}", &r->url);
    load_leave(l, before);
    r->let = shape_at(l, value, "let");
    r->query = shape_at(l, value, "query");
    before = load_enter(l, "headers");
    r->headers = adapter_exchange_headers(l, json_object_get(value, "headers"), &r->header_count);
    r->more_headers = shape_at(l, json_object_get(value, "headers"), MORE_HEADERS);
    load_leave(l, before);
    r->drop_nulls = flag(value, "drop_nulls", true);
    r->vendor = flag(value, "vendor", step == STEP_SUBMIT);
    r->sign_as = mem_text(json_string_value(json_object_get(value, "sign_as")));
    r->secret = flag(value, "secret", step != STEP_DOWNLOAD);
}

static int state_find(const char *text)
{
    static const char *const names[] = {
        [STATE_QUEUED] = "queued", [STATE_IN_PROGRESS] = "in_progress", [STATE_COMPLETED] = "completed",
        [STATE_FAILED] = "failed", [STATE_CANCELLED] = "cancelled",     [STATE_EXPIRED] = "expired"};

    for (int i = STATE_QUEUED; i <= STATE_EXPIRED; i++) {
        if (!strcmp(names[i], text)) {
            return i;
        }
    }
    return STATE_NONE;
}

/* {word: "queued"} as {word: number}; the schema has checked the values. */
static json_t *load_words(const json_t *value)
{
    const char *word;
    json_t *state;
    json_t *out = value ? json_object() : NULL;

    json_object_foreach((json_t *)value, word, state)
    {
        json_object_set_new(out, word, json_integer(state_find(json_string_value(state))));
    }
    return out;
}

static void load_state(struct load *l, const json_t *value, struct adapter_state *state)
{
    if (!value) {
        return;
    }
    size_t before = load_enter(l, "state");
    state->from = shape_at(l, value, "from");
    state->words = load_words(json_object_get(value, "map"));
    state->statuses = load_words(json_object_get(value, "status"));
    load_leave(l, before);
}

static void load_outputs(struct load *l, const json_t *value, struct adapter_outputs *outputs)
{
    if (!json_is_object(value)) {
        outputs->stream = shape_load(l, value);
        return;
    }
    /* `each` says over what the members run; it is not one of them. */
    json_t *members = json_copy((json_t *)value);
    json_object_del(members, "each");
    outputs->each = shape_at(l, value, "each");
    l->roots = LOAD_ITEM;
    outputs->members = shape_load(l, members);
    l->roots = LOAD_ANSWER;
    json_decref(members);
}

static void load_progress(struct load *l, const json_t *value, struct adapter_exchange *e)
{
    const json_t *of = json_object_get(value, "of");

    e->progress_of = of ? json_number_value(of) : 100;
    e->progress = json_is_object(value) ? shape_at(l, value, "from") : shape_load(l, value);
}

static void load_results(struct load *l, const json_t *value, struct adapter_exchange *e)
{
    const json_t *cost = json_object_get(value, "cost");

    size_t before = load_enter(l, "outputs");
    load_outputs(l, json_object_get(value, "outputs"), &e->outputs);
    load_leave(l, before);
    before = load_enter(l, "cost");
    e->cost = shape_at(l, cost, "amount");
    e->cost_unit = mem_text(json_string_value(json_object_get(cost, "unit")));
    load_leave(l, before);
    e->usage = shape_at(l, value, "usage");
    e->extra = shape_at(l, value, "extra");
}

void adapter_exchange_load(struct load *l, enum adapter_step step, const json_t *value,
                           struct adapter_exchange *e)
{
    enum load_roots answers = step == STEP_UPLOAD ? LOAD_UPLOAD_ANSWER : LOAD_ANSWER;

    e->there = true;
    l->roots = step == STEP_UPLOAD ? LOAD_UPLOAD : LOAD_REQUEST;
    size_t before = load_enter(l, "request");
    load_request(l, step, json_object_get(value, "request"), &e->request);
    load_leave(l, before);
    l->roots = answers;
    before = load_enter(l, "timeout");
    e->timeout_ms = load_duration(l, json_object_get(value, "timeout"), -1);
    load_leave(l, before);
    e->save = shape_at(l, value, "save");
    load_state(l, json_object_get(value, "state"), &e->state);
    before = load_enter(l, "progress");
    load_progress(l, json_object_get(value, "progress"), e);
    load_leave(l, before);
    load_results(l, value, e);
    before = load_enter(l, "errors");
    e->rules = rule_load(l, json_object_get(value, "errors"));
    load_leave(l, before);
}
