/* sim_dialect.c - what one vendor's wire looks like, read from a YAML file. */
#include "sim_dialect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim_check.h"
#include "sim_secret.h"
#include "wire/yaml.h"

static const char *const phases[SIM_PHASES] = {"none", "queued", "running", "done", "failed", "cancelled"};

const char *sim_phase_name(enum sim_phase phase)
{
    return phases[phase];
}

/* Keys of one object of the file, with the JSON type each must have; ANY takes all. */
enum { ANY = -1 };
struct key {
    const char *name;
    int type;
};

static const struct key root_keys[] = {{"vendor", JSON_STRING},
                                       {"about", JSON_STRING},
                                       {"secrets", JSON_ARRAY},
                                       {"headers", JSON_OBJECT},
                                       {"vars", JSON_OBJECT},
                                       {"errors", JSON_OBJECT},
                                       {"failures", JSON_OBJECT},
                                       {"states", JSON_OBJECT},
                                       {"files", JSON_OBJECT},
                                       {"routes", JSON_ARRAY},
                                       {NULL, ANY}};

static const struct key route_keys[] = {{"route", JSON_STRING},
                                        {"step", JSON_STRING},
                                        {"secret", JSON_STRING},
                                        {"secrets", JSON_ARRAY},
                                        {"reads", JSON_ARRAY},
                                        {"when", JSON_OBJECT},
                                        {"fields", JSON_OBJECT},
                                        {"others", JSON_STRING},
                                        {"let", JSON_OBJECT},
                                        {"job", JSON_STRING},
                                        {"id", JSON_STRING},
                                        {"alias", JSON_STRING},
                                        {"waits", ANY},
                                        {"mints", JSON_OBJECT},
                                        {"answers", JSON_ARRAY},
                                        {"idempotency", JSON_STRING},
                                        {NULL, ANY}};

static const struct key answer_keys[] = {
    {"when", JSON_OBJECT},  {"status", ANY},       {"headers", JSON_OBJECT}, {"json", ANY},
    {"media", JSON_OBJECT}, {"text", JSON_STRING}, {"effect", JSON_STRING},  {NULL, ANY}};

static const struct key error_keys[] = {
    {"status", JSON_INTEGER}, {"headers", JSON_OBJECT}, {"json", ANY}, {"text", JSON_STRING}, {NULL, ANY}};

/* What is being read, for messages. */
struct reader {
    struct sim_dialect *d;
    const char *file;
    struct note *note;
};

static enum fault __attribute__((format(printf, 2, 3)))
dialect_bad(const struct reader *r, const char *format, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return note_set(r->note, FAULT_BAD_VALUE, "%s: %s", r->file, text);
}

/* open: other keys are free (they become variables). */
static enum fault dialect_keys(const struct reader *r, const char *where, const json_t *object,
                               const struct key *keys, bool open)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object)) {
        return dialect_bad(r, "%s is not a map", where);
    }
    json_object_foreach((json_t *)object, name, value)
    {
        const struct key *k = keys;
        while (k->name && strcmp(k->name, name) != 0) {
            k++;
        }
        if (!k->name && !open) {
            return dialect_bad(r, "%s has no key \"%s\"", where, name);
        }
        if (k->type != ANY && (int)json_typeof(value) != k->type) {
            return dialect_bad(r, "%s: \"%s\" has the wrong type", where, name);
        }
    }
    return FAULT_OK;
}

/* The place of object's text `key` among words, the first word when there is none, -1 when it is another. */
static int dialect_word(const json_t *object, const char *key, const char *const *words)
{
    const char *text = json_string_value(json_object_get(object, key));

    for (int i = 0; words[i]; i++) {
        if (!text || !strcmp(words[i], text)) {
            return i;
        }
    }
    return -1;
}

static const char *const secret_words[] = {"need", "ignore", "refuse", NULL};
static const char *const job_words[] = {"none", "make", "find", NULL};
static const char *const effect_words[] = {"none", "cancel", "delete", NULL};

static enum fault route_words(const struct reader *r, struct sim_route *route, const json_t *spec)
{
    const char *head = json_string_value(json_object_get(spec, "route"));
    const char *blank = head ? strchr(head, ' ') : NULL;
    const char *step = json_string_value(json_object_get(spec, "step"));
    const char *others = json_string_value(json_object_get(spec, "others"));
    int secret = dialect_word(spec, "secret", secret_words);
    int job = dialect_word(spec, "job", job_words);
    int at = step ? sim_step_find(slice_of(step)) : SIM_OTHER;

    if (!blank || blank[1] != '/') {
        return dialect_bad(r, "\"route\" must be like \"POST /v1/things\", not \"%s\"", head ? head : "");
    }
    if (secret < 0 || job < 0 || at < 0 || (others && strcmp(others, "refuse") != 0)) {
        return dialect_bad(r, "%s: a value of secret, job, step or others is not one of the known words",
                           head);
    }
    if ((job != SIM_JOB_NONE) != (json_object_get(spec, "id") != NULL)) {
        return dialect_bad(r, "%s: \"job\" and \"id\" go together", head);
    }
    route->method = (struct slice){head, (size_t)(blank - head)};
    route->path = slice_of(blank + 1);
    route->secret = (enum sim_secret)secret;
    route->job = (enum sim_job_use)job;
    route->step = (enum sim_step)at;
    route->others_refused = others != NULL;
    return FAULT_OK;
}

static const struct key way_keys[] = {
    {"header", JSON_STRING}, {"query", JSON_STRING}, {"from", ANY}, {"value", JSON_STRING}, {NULL, ANY}};

static enum fault dialect_ways(const struct reader *r, const char *where, const json_t *ways)
{
    enum fault fault = FAULT_OK;
    size_t i;
    json_t *way;

    json_array_foreach((json_t *)ways, i, way)
    {
        fault = fault ? fault : dialect_keys(r, where, way, way_keys, false);
        const char *value = json_string_value(json_object_get(way, "value"));
        if (!fault && (!value || !sim_secret_known(value))) {
            fault = dialect_bad(r, "%s: the value of a secret must have a hole like {key}", where);
        }
    }
    return fault;
}

static enum fault dialect_rules(const struct reader *r, const char *where, const json_t *rules)
{
    const char *name, *key;
    json_t *rule;

    json_object_foreach((json_t *)rules, name, rule)
    {
        if (!sim_check_rule(rule, &key)) {
            return dialect_bad(r, "%s: field \"%s\" has a wrong \"%s\"", where, name, key);
        }
    }
    return FAULT_OK;
}

static enum fault dialect_route(const struct reader *r, const json_t *spec)
{
    struct sim_route *route = &r->d->routes[r->d->route_count++];
    char where[32];
    size_t i;
    json_t *answer;

    snprintf(where, sizeof(where), "routes[%zu]", r->d->route_count - 1);
    enum fault fault = dialect_keys(r, where, spec, route_keys, false);
    if (!fault) {
        fault = route_words(r, route, spec);
    }
    route->reads = json_object_get(spec, "reads");
    route->when = json_object_get(spec, "when");
    route->fields = json_object_get(spec, "fields");
    route->let = json_object_get(spec, "let");
    route->id = json_object_get(spec, "id");
    route->alias = json_object_get(spec, "alias");
    route->idempotency = json_object_get(spec, "idempotency");
    route->secrets = json_object_get(spec, "secrets");
    route->mints = json_object_get(spec, "mints");
    route->waits = json_object_get(spec, "waits");
    route->answers = json_object_get(spec, "answers");
    fault = fault ? fault : dialect_ways(r, where, route->secrets);
    fault = fault ? fault : dialect_rules(r, where, route->fields);
    if (!fault && !json_array_size(route->answers)) {
        fault = dialect_bad(r, "%s has no answers", where);
    }
    json_array_foreach((json_t *)route->answers, i, answer)
    {
        fault = fault ? fault : dialect_keys(r, where, answer, answer_keys, false);
        if (!fault && dialect_word(answer, "effect", effect_words) < 0) {
            fault = dialect_bad(r, "%s: an effect is cancel or delete", where);
        }
    }
    return fault;
}

static enum fault dialect_errors(const struct reader *r)
{
    static const char *const needed[] = {"auth",   "invalid",  "not_found",   "rate",     "quota",
                                         "policy", "internal", "unavailable", "conflict", NULL};
    const char *name;
    json_t *row;

    for (const char *const *n = needed; *n; n++) {
        if (!json_integer_value(json_object_get(json_object_get(r->d->errors, *n), "status"))) {
            return dialect_bad(r, "errors.%s with a status is missing", *n);
        }
    }
    json_object_foreach((json_t *)r->d->errors, name, row)
    {
        enum fault fault = strcmp(name, "shape") ? dialect_keys(r, name, row, error_keys, true) : FAULT_OK;
        if (fault) {
            return fault;
        }
    }
    return json_object_get(r->d->errors, "shape") ? FAULT_OK : dialect_bad(r, "errors.shape is missing");
}

static enum fault dialect_fill(const struct reader *r)
{
    struct sim_dialect *d = r->d;
    const json_t *root = d->root, *files = json_object_get(root, "files"),
                 *routes = json_object_get(root, "routes");
    enum fault fault = dialect_keys(r, "the file", root, root_keys, false);
    size_t i;
    json_t *spec;

    if (fault) {
        return fault;
    }
    const char *name = json_string_value(json_object_get(root, "vendor"));
    if (!name || !*name || strlen(name) >= sizeof(d->name) || strchr(name, '/') || name[0] == '_') {
        return dialect_bad(r, "\"vendor\" must be a name that can stand in a path");
    }
    snprintf(d->name, sizeof(d->name), "%s", name);
    d->secrets = json_object_get(root, "secrets");
    d->headers = json_object_get(root, "headers");
    d->vars = json_object_get(root, "vars");
    d->errors = json_object_get(root, "errors");
    d->failures = json_object_get(root, "failures");
    d->states = json_object_get(root, "states");
    d->files = json_string_value(json_object_get(files, "path"));
    d->files_secret = (enum sim_secret)dialect_word(files, "secret", secret_words);
    if (!json_array_size(routes) || json_array_size(routes) > SIM_ROUTES || (int)d->files_secret < 0) {
        return dialect_bad(r, "between 1 and %d routes, and files.secret need, ignore or refuse", SIM_ROUTES);
    }
    json_array_foreach((json_t *)routes, i, spec)
    {
        fault = fault ? fault : dialect_route(r, spec);
    }
    fault = fault ? fault : dialect_ways(r, "secrets", d->secrets);
    return fault ? fault : dialect_errors(r);
}

enum fault sim_dialect_read(struct slice text, const char *file, struct sim_dialect **ret, struct note *note)
{
    struct note inner = {0};
    AUTO(sim_dialect_free) struct sim_dialect *d = mem_new(sizeof(*d));
    struct reader r = {d, file, note};

    if (yaml_read(text, &d->root, NULL, &inner)) {
        return dialect_bad(&r, "%s", inner.text);
    }
    enum fault fault = dialect_fill(&r);
    if (!fault) {
        *ret = d;
        d = NULL;
    }
    return fault;
}

void sim_dialect_free(struct sim_dialect **d)
{
    if (*d) {
        json_decref((*d)->root);
        free(*d);
        *d = NULL;
    }
}

/* One segment of a pattern, like "videos", "{id}" or "{model}:predict", against one of a path. */
static bool segment_match(struct slice pattern, struct slice part, struct sim_param *params, size_t *count)
{
    const char *open = pattern.n ? memchr(pattern.p, '{', pattern.n) : NULL;
    const char *close = open ? memchr(open, '}', pattern.n - (size_t)(open - pattern.p)) : NULL;

    if (!close) {
        return pattern.n == part.n && !memcmp(pattern.p, part.p, part.n);
    }
    size_t before = (size_t)(open - pattern.p);
    size_t behind = pattern.n - (size_t)(close - pattern.p) - 1;
    if (part.n <= before + behind || memcmp(pattern.p, part.p, before) != 0 ||
        memcmp(close + 1, part.p + part.n - behind, behind) != 0) {
        return false;
    }
    if (*count < SIM_PARAMS) {
        params[(*count)++] = (struct sim_param){{open + 1, (size_t)(close - open - 1)},
                                                {part.p + before, part.n - before - behind}};
    }
    return true;
}

/* The rest of a pattern, from the segment that has "{name...}" on, against the rest of a path: text, hole,
 * text. */
static bool rest_match(struct slice pattern, struct slice path, struct sim_param *params, size_t *count)
{
    const char *open = memchr(pattern.p, '{', pattern.n), *dots = memmem(pattern.p, pattern.n, "...}", 4);
    size_t before = (size_t)(open - pattern.p), behind = pattern.n - (size_t)(dots - pattern.p) - 4;

    if (path.n <= before + behind || memcmp(pattern.p, path.p, before) != 0 ||
        memcmp(dots + 4, path.p + path.n - behind, behind) != 0) {
        return false;
    }
    if (*count < SIM_PARAMS) {
        params[(*count)++] = (struct sim_param){{open + 1, (size_t)(dots - open - 1)},
                                                {path.p + before, path.n - before - behind}};
    }
    return true;
}

static bool path_match(struct slice pattern, struct slice path, struct sim_param *params, size_t *count)
{
    const char *end = pattern.p + pattern.n;
    struct slice segment, part;

    *count = 0;
    while (slice_cut(&pattern, '/', &segment)) {
        struct slice all = path;
        if (!slice_cut(&path, '/', &part)) {
            return false;
        }
        if (memmem(segment.p, segment.n, "...}", 4)) {
            return rest_match((struct slice){segment.p, (size_t)(end - segment.p)}, all, params, count);
        }
        if (!segment_match(segment, part, params, count)) {
            return false;
        }
    }
    return !path.p;
}

const struct sim_route *sim_dialect_match(const struct sim_dialect *d, size_t from,
                                          const struct slice *method, struct slice path,
                                          struct sim_param *params, size_t *ret_count)
{
    for (size_t i = from; i < d->route_count; i++) {
        const struct sim_route *route = &d->routes[i];
        bool fits =
            !method || (route->method.n == method->n && !memcmp(route->method.p, method->p, method->n));
        if (fits && path_match(route->path, path, params, ret_count)) {
            return route;
        }
    }
    return NULL;
}

const char *sim_dialect_state(const struct sim_dialect *d, enum sim_phase phase, double share)
{
    const json_t *name = json_object_get(d->states, phases[phase]);
    size_t n = json_array_size(name);

    if (n) {
        size_t i = share <= 0 ? 0 : (size_t)(share * (double)n);
        name = json_array_get(name, i < n ? i : n - 1);
    }
    const char *text = json_string_value(name);
    return text ? text : phases[phase];
}
