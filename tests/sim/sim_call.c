/* sim_call.c - the names by which templates see a request. */
#include "sim_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define EXPIRES_MS  (24 * 3600 * 1000ll)
#define QUERY_CHARS 4096

/* ---- the request ---- */

static json_t *json_slice(struct slice s)
{
    return s.p ? json_stringn(s.p, s.n) : NULL;
}

static json_t *call_body(struct sim_call *c, struct slice rest)
{
    struct sim_scope body = {.count = 0};
    AUTO(auto_free) char *path = mem_printf("b%s%.*s", rest.n ? "." : "", (int)rest.n, rest.n ? rest.p : "");
    json_t *frame = json_pack("{s:O?}", "b", c->request->body);

    sim_scope_push(&body, frame);
    json_t *value = sim_scope_find(&body, slice_of(path));
    json_decref(frame);
    return value;
}

static json_t *call_header(struct sim_call *c, struct slice rest)
{
    char name[64];

    snprintf(name, sizeof(name), "%.*s", (int)rest.n, rest.n ? rest.p : "");
    return json_slice(http_find(&c->request->head, name));
}

static json_t *call_query(struct sim_call *c, struct slice rest)
{
    char name[64], value[QUERY_CHARS];

    snprintf(name, sizeof(name), "%.*s", (int)rest.n, rest.n ? rest.p : "");
    return http_query(&c->request->head, name, value, sizeof(value)) ? json_string(value) : NULL;
}

static json_t *call_path(struct sim_call *c, struct slice rest)
{
    for (size_t i = 0; i < c->param_count; i++) {
        if (c->params[i].name.n == rest.n && !memcmp(c->params[i].name.p, rest.p, rest.n)) {
            return json_slice(c->params[i].value);
        }
    }
    return NULL;
}

static json_t *call_form(struct sim_call *c, struct slice rest)
{
    static const char *const forms[] = {"none", "json", "form", "raw", "urlencoded"};

    (void)rest;
    return json_string(forms[c->request->form]);
}

/* The prompt's length in code points, for vendors that charge by it. */
static json_t *call_chars(struct sim_call *c, struct slice rest)
{
    json_t *prompt = sim_scope_find(&c->scope, slice_of("prompt"));
    json_int_t n = 0;

    (void)rest;
    for (const char *p = json_is_string(prompt) ? json_string_value(prompt) : ""; *p; p++) {
        n += (*p & 0xc0) != 0x80;
    }
    json_decref(prompt);
    return json_integer(n);
}

static json_t *call_bytes(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return json_integer((json_int_t)c->request->bytes);
}

static json_t *call_method(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return json_slice(c->request->head.method);
}

/* ---- the job ---- */

static json_t *call_id(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return c->job ? json_string(c->job->id) : NULL;
}

static json_t *call_state(struct sim_call *c, struct slice rest)
{
    double share = 0;
    enum sim_phase phase = c->job ? sim_job_phase(c->job, c->now_ms, &share) : SIM_NONE;

    (void)rest;
    return json_string(sim_dialect_state(c->dialect, phase, share));
}

static json_t *call_phase(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return json_string(sim_phase_name(c->job ? sim_job_phase(c->job, c->now_ms, NULL) : SIM_NONE));
}

static json_t *call_progress(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return json_integer(c->job ? sim_job_progress(c->job, c->now_ms) : 0);
}

/* "position 2" becomes 0 as the wait goes on. */
static json_t *call_position(struct sim_call *c, struct slice rest)
{
    double share = 1;

    (void)rest;
    if (c->job && sim_job_phase(c->job, c->now_ms, &share) != SIM_QUEUED) {
        share = 1;
    }
    return json_integer((json_int_t)(2.99 * (1 - share)));
}

/* The row of the dialect's failures, or one made of the reason's name. */
static json_t *call_failure(struct sim_call *c, struct slice rest)
{
    const char *name = c->job ? c->job->failure : "";
    json_t *row = json_object_get(c->dialect->failures, name);
    struct sim_scope scope = {.count = 0};

    if (!*name) {
        return NULL;
    }
    json_t *frame = row ? json_pack("{s:O}", "f", row)
                        : json_pack("{s:{s:s, s:s, s:s}}", "f", "name", name, "code", name, "message", name);
    AUTO(auto_free) char *path = mem_printf("f%s%.*s", rest.n ? "." : "", (int)rest.n, rest.n ? rest.p : "");
    sim_scope_push(&scope, frame);
    json_t *value = sim_scope_find(&scope, slice_of(path));
    json_decref(frame);
    return value;
}

/* ---- times and the rest ---- */

/* rest: "", "ms" or "iso". */
static json_t *call_time_as(int64_t wall_ms, struct slice rest)
{
    if (slice_is(rest, "ms")) {
        return json_integer(wall_ms);
    }
    if (!slice_is(rest, "iso")) {
        return json_integer(wall_ms / 1000);
    }
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[48], whole[64];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(whole, sizeof(whole), "%s.%03dZ", text, (int)(wall_ms % 1000));
    return json_string(whole);
}

static json_t *call_now(struct sim_call *c, struct slice rest)
{
    return call_time_as(c->wall_ms, rest);
}

static json_t *call_created(struct sim_call *c, struct slice rest)
{
    return call_time_as(c->job ? c->job->created_wall_ms : c->wall_ms, rest);
}

/* When the job ended: no value before. */
static json_t *call_ended(struct sim_call *c, struct slice rest)
{
    if (!c->job || sim_job_phase(c->job, c->now_ms, NULL) < SIM_DONE) {
        return NULL;
    }
    int64_t spent = c->job->cancelled_ms ? c->job->cancelled_ms - c->job->created_ms : c->job->takes_ms;
    return call_time_as(c->job->created_wall_ms + spent, rest);
}

static json_t *call_expires(struct sim_call *c, struct slice rest)
{
    return call_time_as((c->job ? c->job->created_wall_ms : c->wall_ms) + EXPIRES_MS, rest);
}

static json_t *call_elapsed(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return json_integer(c->job ? c->now_ms - c->job->created_ms : c->faults.latency_ms);
}

static json_t *call_why(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return c->why ? json_string(c->why) : NULL;
}

static json_t *call_account(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return c->secret[0] ? json_string(c->secret) : NULL;
}

static json_t *call_base(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return json_string(c->base);
}

static json_t *call_serial(struct sim_call *c, struct slice rest)
{
    (void)rest;
    return json_integer((json_int_t)c->serial);
}

static json_t *call_hex(struct sim_call *c, struct slice rest)
{
    char text[129], number[8];

    snprintf(number, sizeof(number), "%.*s", (int)rest.n, rest.n ? rest.p : "");
    unsigned long n = strtoul(number, NULL, 10);
    sim_random_hex(c->random, text, n < 1 ? 16 : n > 128 ? 128 : n);
    return json_string(text);
}

static json_t *call_uuid(struct sim_call *c, struct slice rest)
{
    char h[33], text[37];

    (void)rest;
    sim_random_hex(c->random, h, 32);
    snprintf(text, sizeof(text), "%.8s-%.4s-4%.3s-a%.3s-%.12s", h, h + 8, h + 12, h + 15, h + 18);
    return json_string(text);
}

static void call_sides(struct sim_call *c, int *width, int *height)
{
    json_t *size = sim_scope_find(&c->scope, slice_of("size"));

    if (json_is_string(size)) {
        sim_media_sides(json_string_value(size), width, height);
    }
    json_decref(size);
}

static json_t *call_width(struct sim_call *c, struct slice rest)
{
    int width = 1024, height = 1024;

    (void)rest;
    call_sides(c, &width, &height);
    return json_integer(width);
}

static json_t *call_height(struct sim_call *c, struct slice rest)
{
    int width = 1024, height = 1024;

    (void)rest;
    call_sides(c, &width, &height);
    return json_integer(height);
}

static const struct name {
    const char *text;
    json_t *(*get)(struct sim_call *c, struct slice rest);
} names[] = {
    {"body", call_body},         {"id", call_id},           {"now", call_now},
    {"phase", call_phase},       {"base", call_base},       {"hex", call_hex},
    {"created", call_created},   {"state", call_state},     {"path", call_path},
    {"header", call_header},     {"query", call_query},     {"progress", call_progress},
    {"failure", call_failure},   {"ended", call_ended},     {"expires", call_expires},
    {"position", call_position}, {"elapsed", call_elapsed}, {"serial", call_serial},
    {"uuid", call_uuid},         {"width", call_width},     {"height", call_height},
    {"method", call_method},     {"form", call_form},       {"chars", call_chars},
    {"bytes", call_bytes},       {"why", call_why},         {"account", call_account},
};

static json_t *call_builtin(void *arg, struct slice path)
{
    struct slice rest = path, first = {"", 0};

    slice_cut(&rest, '.', &first);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_is(first, names[i].text)) {
            return names[i].get(arg, rest);
        }
    }
    return NULL;
}

/* ---- media ---- */

/* FNV-1a: which job, which item, which kind, so that no two outputs have the same bytes. */
static uint64_t call_seed(const struct sim_call *c, const json_t *spec)
{
    char number[64];
    uint64_t h = 1469598103934665603u;
    const char *kind = json_string_value(json_object_get(spec, "kind"));

    snprintf(number, sizeof(number), "%s %" PRIu64 " %" JSON_INTEGER_FORMAT, kind ? kind : "",
             c->job ? 0 : c->serial, json_integer_value(json_object_get(spec, "index")));
    for (const char *p = number; *p; p++) {
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    }
    for (const char *p = c->job ? c->job->id : ""; *p; p++) {
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    }
    return h >> 1; /* a JSON integer has 63 bits */
}

/* The URL says all about its medium, so that nothing needs to be kept. query: what a presigned URL would
 * carry. */
static json_t *call_url(const struct sim_call *c, const struct sim_media_spec *m, const char *query)
{
    const char *name = sim_media_name(m->kind);
    AUTO(auto_free)
    char *url =
        mem_printf("%s%s/%s/%016" PRIx64 "-%s-%dx%d-%" PRId64 "-%" PRIu64 ".%s%s%s", c->base,
                   c->dialect->files ? c->dialect->files : "", c->plan ? c->plan->key : "0", m->seed, name,
                   m->width, m->height, m->ms, m->bytes, name, query ? "?" : "", query ? query : "");

    return json_string(url);
}

json_t *sim_call_media(struct sim_call *c, const json_t *spec)
{
    json_t *full = json_copy((json_t *)spec);
    const char *as = json_string_value(json_object_get(spec, "as"));
    struct sim_media_spec media;

    if (!json_object_get(full, "seed")) {
        json_object_set_new(full, "seed", json_integer((json_int_t)call_seed(c, spec)));
    }
    json_t *bytes = c->faults.bytes >= 0 ? json_integer(c->faults.bytes)
                                         : sim_scope_find(&c->scope, slice_of("sim_bytes"));
    if (bytes) {
        json_object_set_new(full, "bytes", bytes);
    }
    if (as && !strcmp(as, "url") && sim_body_spec(full, &media)) {
        json_t *url = call_url(c, &media, json_string_value(json_object_get(full, "query")));
        json_decref(full);
        return url;
    }
    return json_pack("{s:o}", "$media", full);
}

static json_t *call_media(void *arg, const json_t *spec)
{
    return sim_call_media(arg, spec);
}

bool sim_call_file(struct slice path, struct sim_media_spec *ret, char ret_plan[SIM_PLAN_KEY_CHARS + 1])
{
    char text[200], kind[8], seed[17], width[6], height[6], ms[11], bytes[16];
    int end = 0;

    if (path.n >= sizeof(text)) {
        return false;
    }
    memcpy(text, path.p, path.n);
    text[path.n] = '\0';
    if (sscanf(text, "/%16[0-9a-f]/%16[0-9a-f]-%7[a-z0-9]-%5[0-9]x%5[0-9]-%10[0-9]-%15[0-9].%n", ret_plan,
               seed, kind, width, height, ms, bytes, &end) != 7 ||
        !end || sim_media_find(kind) < 0 || strcmp(text + end, kind) != 0) {
        return false;
    }
    *ret = (struct sim_media_spec){
        .kind = (enum sim_media_kind)sim_media_find(kind),
        .seed = strtoull(seed, NULL, 16),
        .width = (int)strtol(width, NULL, 10),
        .height = (int)strtol(height, NULL, 10),
        .ms = strtoll(ms, NULL, 10),
        .bytes = strtoull(bytes, NULL, 10),
    };
    return true;
}

void sim_call_scope(struct sim_call *c)
{
    c->scope = (struct sim_scope){.builtin = call_builtin, .media = call_media, .arg = c};
    sim_scope_push(&c->scope, c->dialect->vars);
}
