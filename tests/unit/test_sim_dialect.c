/* test_sim_dialect.c - vendors as data: the built-in files are whole, mistakes are told with their place,
 * routes match. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sim_check.h"
#include "sim_dialects.h"

#define ERRORS                                                                                               \
    "errors:\n  shape: {e: '{message}'}\n  auth: {status: 401}\n  invalid: {status: 400}\n"                  \
    "  not_found: {status: 404}\n  rate: {status: 429}\n  quota: {status: 402}\n  policy: {status: 403}\n"   \
    "  internal: {status: 500}\n  unavailable: {status: 503}\n  conflict: {status: 409}\n"
#define STATES "states: {queued: [a, b], running: r}\n"

static enum fault read_text(const char *head, const char *routes, struct sim_dialect **d, struct note *note)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    buf_printf(&text, "%s\n" ERRORS STATES "routes:\n%s", head, routes);
    enum fault fault = sim_dialect_read(buf_slice(&text), "x.yaml", d, note);
    buf_done(&text);
    return fault;
}

static void built_in(void **state)
{
    /* All built-in dialects load and are found by vendor. */
    (void)state;
    static const char *const vendors[] = {"openai", "fal", "elevenlabs", "heygen"};
    struct sim_dialects all = {.count = 0};
    struct note note = {0};
    enum fault fault = sim_dialects_load(&all, NULL, &note);
    if (fault) {
        print_error("%s\n", note.text);
    }
    assert_int_equal(fault, FAULT_OK);
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        assert_non_null(sim_dialects_find(&all, slice_of(vendors[i])));
    }
    assert_null(sim_dialects_find(&all, slice_of("nobody")));
    sim_dialects_done(&all);
    assert_int_equal(sim_dialects_load(&all, "/nowhere", &note), FAULT_IO);
}

static void mistakes(void **state)
{
    /* What does not fit the format is refused with the file and the place in the note. */
    (void)state;
    static const struct {
        const char *head;
        const char *routes;
        const char *says;
    } bad[] = {
        {"vendor: x", "  - {route: GET /a, answers: [{jsn: 1}]}", "routes[0] has no key \"jsn\""},
        {"vendor: x", "  - {route: GET /a, answers: [{json: 1}]}\n  - {rute: GET /a}",
         "routes[1] has no key \"rute\""},
        {"vendor: x", "  - {route: GET, answers: [{json: 1}]}", "\"route\" must be like"},
        {"vendor: x", "  - {route: GET /a, step: think, answers: [{json: 1}]}", "known words"},
        {"vendor: x", "  - {route: GET /a, secret: maybe, answers: [{json: 1}]}", "known words"},
        {"vendor: x", "  - {route: GET /a, job: make, answers: [{json: 1}]}", "go together"},
        {"vendor: x", "  - {route: GET /a}", "has no answers"},
        {"vendor: x", "  - {route: GET /a, answers: [{json: 1, effect: explode}]}", "an effect is"},
        {"vendor: x", "  - {route: GET /a, answers: 7}", "\"answers\" has the wrong type"},
        {"vendor: x", "  - {route: GET /a, fields: {f: {is: bool}}, answers: [{json: 1}]}",
         "field \"f\" has a wrong \"is\""},
        {"vendor: x",
         "  - {route: GET /a, fields: {f: {items: {fields: {g: {leest: 1}}}}}, answers: [{json: 1}]}",
         "field \"f\""},
        {"vendor: x", "  - {route: GET /a, secrets: [{header: h, value: '{ky}'}], answers: [{json: 1}]}",
         "a hole like {key}"},
        {"vendor: x", "  []", "between 1 and"},
        {"vendor: a/b", "  - {route: GET /a, answers: [{json: 1}]}", "can stand in a path"},
        {"vendor: _x", "  - {route: GET /a, answers: [{json: 1}]}", "can stand in a path"},
        {"about: x", "  - {route: GET /a, answers: [{json: 1}]}", "can stand in a path"},
        {"vendor: x\nvendr: y", "  - {route: GET /a, answers: [{json: 1}]}", "has no key \"vendr\""},
        {"vendor: x\nvendor: y", "  - {route: GET /a, answers: [{json: 1}]}", "line 2"},
        {"vendor: [", "", "line"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sim_dialect *d = NULL;
        struct note note = {0};
        assert_int_equal(read_text(bad[i].head, bad[i].routes, &d, &note), FAULT_BAD_VALUE);
        assert_null(d);
        if (!strstr(note.text, bad[i].says) || strncmp(note.text, "x.yaml: ", 8) != 0) {
            print_error("%s\n", note.text);
        }
        assert_non_null(strstr(note.text, bad[i].says));
        assert_memory_equal(note.text, "x.yaml: ", 8);
    }
    struct sim_dialect *d = NULL;
    struct note note = {0};
    struct slice text = slice_of(
        "vendor: x\nerrors: {shape: 1, auth: {status: 401}}\nroutes: [{route: GET /a, answers: [{}]}]");
    assert_int_equal(sim_dialect_read(text, "x.yaml", &d, &note), FAULT_BAD_VALUE);
    assert_non_null(strstr(note.text, "errors.invalid"));
}

static void routes_match(void **state)
{
    /* Literals, holes with text around them, the rest of a path; the first in the file wins, later ones can
     * be asked. */
    (void)state;
    static const struct {
        const char *method, *path;
        long route;
        const char *name, *value;
    } cases[] = {
        {"GET", "/v1/things", 0, NULL, NULL},
        {"GET", "/v1/things/", -1, NULL, NULL},
        {"GET", "/v1/things/x y", 1, "id", "x y"},
        {"POST", "/v1/m-1:run", 2, "model", "m-1"},
        {"POST", "/v1/:run", 4, "rest", ":run"},
        {"GET", "/o/m/r/7", 3, "id", "7"},
        {"GET", "/o/m/r/", -1, NULL, NULL},
        {"POST", "/o/m/x/y", 4, "rest", "m/x/y"},
        {"POST", "/o/", -1, NULL, NULL},
        {"POST", "/o", -1, NULL, NULL},
        {"PUT", "/s3/b/a/b/output.mp4", 6, "key", "a/b"},
        {"PUT", "/s3/b/output.mp4", -1, NULL, NULL},
        {"PUT", "/v1/ops/a/b:fetch", 7, "name", "ops/a/b"},
        {"PUT", "/v1/:fetch", -1, NULL, NULL},
        {"PUT", "/v1/things", -1, NULL, NULL},
        {"GET", "/", -1, NULL, NULL},
        {"GET", "", -1, NULL, NULL},
    };
    struct sim_dialect *d = NULL;
    struct note note = {0};
    assert_int_equal(read_text("vendor: x",
                               "  - {route: 'GET /v1/things', answers: [{json: 0}]}\n"
                               "  - {route: 'GET /v1/things/{id}', answers: [{json: 1}]}\n"
                               "  - {route: 'POST /v1/{model}:run', answers: [{json: 2}]}\n"
                               "  - {route: 'GET /{a}/{b}/r/{id}', answers: [{json: 3}]}\n"
                               "  - {route: 'POST /{a}/{rest...}', answers: [{json: 4}]}\n"
                               "  - {route: 'GET /v1/things/{id}', answers: [{json: 5}]}\n"
                               "  - {route: 'PUT /s3/{bucket}/{key...}/output.mp4', answers: [{json: 6}]}\n"
                               "  - {route: 'PUT /v1/{name...}:fetch', answers: [{json: 7}]}\n",
                               &d, &note),
                     FAULT_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_param params[SIM_PARAMS];
        size_t n = 0;
        struct slice method = slice_of(cases[i].method);
        const struct sim_route *route = sim_dialect_match(d, 0, &method, slice_of(cases[i].path), params, &n);
        long at = route ? (long)(route - d->routes) : -1;
        if (at != cases[i].route) {
            print_error("%s %s\n", cases[i].method, cases[i].path);
        }
        assert_int_equal(at, cases[i].route);
        if (cases[i].name) {
            assert_true(n > 0 && slice_is(params[n - 1].name, cases[i].name) &&
                        slice_is(params[n - 1].value, cases[i].value));
        }
    }
    struct sim_param params[SIM_PARAMS];
    size_t n;
    struct slice get = slice_of("GET");
    assert_ptr_equal(sim_dialect_match(d, 2, &get, slice_of("/v1/things/x"), params, &n), &d->routes[5]);
    assert_ptr_equal(sim_dialect_match(d, 0, NULL, slice_of("/v1/things/x"), params, &n), &d->routes[1]);
    assert_string_equal(sim_dialect_state(d, SIM_QUEUED, 0.1), "a");
    assert_string_equal(sim_dialect_state(d, SIM_QUEUED, 0.9), "b");
    assert_string_equal(sim_dialect_state(d, SIM_QUEUED, 1), "b");
    assert_string_equal(sim_dialect_state(d, SIM_RUNNING, 0.5), "r");
    assert_string_equal(sim_dialect_state(d, SIM_DONE, 0), "done");
    sim_dialect_free(&d);
    assert_null(d);
}

static void nested_names(void **state)
{
    /* What is wrong deep inside is told with the whole way to it. */
    (void)state;
    json_t *rule = json_loads("{\"a\": {\"items\": {\"fields\": {\"b\": {\"is\": \"text\"}}}}}", 0, NULL);
    json_t *body = json_loads("{\"a\": [{\"b\": \"x\"}, {\"b\": 7}]}", 0, NULL);
    struct sim_complaint why;

    assert_false(sim_check_fields(rule, body, false, true, &why));
    assert_string_equal(why.param, "a[1].b");
    json_decref(rule);
    json_decref(body);
}

static void fields_are_checked(void **state)
{
    /* Kinds, bounds, choices, what is missing and what is unknown; a form spells its numbers. */
    (void)state;
    static const struct {
        const char *rule, *body;
        int form;
        const char *reason;
    } cases[] = {
        {"{\"a\": {\"need\": true}}", "{}", 0, "missing"},
        {"{\"a\": {\"need\": true}}", "{\"a\": null}", 0, "missing"},
        {"{\"a\": {\"is\": \"text\"}}", "{}", 0, NULL},
        {"{\"a\": {\"is\": \"text\"}}", "{\"a\": 1}", 0, "type"},
        {"{\"a\": {\"is\": \"integer\"}}", "{\"a\": \"1\"}", 0, "type"},
        {"{\"a\": {\"is\": \"integer\"}}", "{\"a\": \"1\"}", 1, NULL},
        {"{\"a\": {\"is\": \"integer\"}}", "{\"a\": \"1.5\"}", 1, "type"},
        {"{\"a\": {\"is\": \"number\"}}", "{\"a\": \"1.5\"}", 1, NULL},
        {"{\"a\": {\"is\": \"number\"}}", "{\"a\": \"\"}", 1, "type"},
        {"{\"a\": {\"is\": \"boolean\"}}", "{\"a\": \"true\"}", 1, NULL},
        {"{\"a\": {\"is\": \"boolean\"}}", "{\"a\": \"yes\"}", 1, "type"},
        {"{\"a\": {\"is\": [\"file\", \"list\"]}}", "{\"a\": {\"file\": \"x\"}}", 1, NULL},
        {"{\"a\": {\"is\": [\"file\", \"list\"]}}", "{\"a\": {\"fil\": \"x\"}}", 1, "type"},
        {"{\"a\": {\"is\": \"map\"}}", "{\"a\": {}}", 0, NULL},
        {"{\"a\": {\"is\": \"integer\", \"least\": 1, \"most\": 3}}", "{\"a\": 4}", 0, "range"},
        {"{\"a\": {\"is\": \"integer\", \"least\": 1, \"most\": 3}}", "{\"a\": \"0\"}", 1, "range"},
        {"{\"a\": {\"is\": \"text\", \"most\": 2}}", "{\"a\": \"\\u00fc\\u00fc\"}", 0, NULL},
        {"{\"a\": {\"is\": \"text\", \"least\": 1}}", "{\"a\": \"\"}", 0, "range"},
        {"{\"a\": {\"is\": \"list\", \"most\": 1}}", "{\"a\": [1, 2]}", 0, "range"},
        {"{\"a\": {\"one_of\": [1, \"x\"]}}", "{\"a\": \"x\"}", 0, NULL},
        {"{\"a\": {\"one_of\": [1, \"x\"]}}", "{\"a\": \"y\"}", 0, "choice"},
        {"{\"a\": {}}", "{\"b\": 1}", 0, "unknown"},
        {"{\"a\": {\"like\": \"http*\"}}", "{\"a\": \"https://x\"}", 0, NULL},
        {"{\"a\": {\"like\": [\"http*\", \"data:*\"]}}", "{\"a\": \"ftp://x\"}", 0, "choice"},
        {"{\"a\": {\"items\": {\"is\": \"text\"}}}", "{\"a\": [\"x\", 1]}", 0, "type"},
        {"{\"a\": {\"fields\": {\"b\": {\"need\": true}}}}", "{\"a\": {}}", 0, "missing"},
        {"{\"a\": {\"fields\": {\"b\": {\"need\": true}}}}", "{\"a\": {\"b\": 1, \"c\": 1}}", 0, NULL},
        {"{\"a\": {\"fields\": {}, \"others\": \"refuse\"}}", "{\"a\": {\"c\": 1}}", 0, "unknown"},
        {"{\"a\": {\"last\": true}, \"b\": {}}", "{\"b\": \"1\", \"a\": \"2\"}", 1, NULL},
        {"{\"a\": {\"last\": true}, \"b\": {}}", "{\"a\": \"2\", \"b\": \"1\"}", 1, "range"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *rule = json_loads(cases[i].rule, 0, NULL), *body = json_loads(cases[i].body, 0, NULL);
        struct sim_complaint why = {.reason = NULL};
        assert_non_null(rule);
        assert_non_null(body);
        bool good = sim_check_fields(rule, body, cases[i].form, true, &why);
        if (good != !cases[i].reason) {
            print_error("%s with %s\n", cases[i].rule, cases[i].body);
        }
        assert_int_equal(good, !cases[i].reason);
        if (cases[i].reason) {
            assert_string_equal(why.reason, cases[i].reason);
            assert_true(why.param[0] && why.message[0]);
        }
        json_decref(rule);
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in),           cmocka_unit_test(mistakes),     cmocka_unit_test(routes_match),
        cmocka_unit_test(fields_are_checked), cmocka_unit_test(nested_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
