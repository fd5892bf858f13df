/* fuzz_adapter.c - any text as an adapter file: taken whole, or refused with a complaint that says where. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/adapter.h"
#include "core/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_complaint(void *arg, const char *file, int line, int column, const char *text)
{
    size_t *n = arg;

    assert((!strcmp(file, "fuzz.yaml") || !strcmp(file, "father")) && line >= 0 && column >= 0 && text[0]);
    ++*n;
}

/* What a file may extend. */
static char *find(void *arg, const char *from, const char *name, char **ret_file)
{
    static const char father[] =
        "adapter: father\nbase: https://api.father.com\nheaders: { X-One: a }\n"
        "tasks:\n  image.generate:\n    submit: { request: { url: \"{base}/x\" }, outputs: "
        "{ raw: true } }\n";

    (void)arg;
    (void)from;
    if (strcmp(name, "father") != 0) {
        return NULL;
    }
    *ret_file = strdup("father");
    return strdup(father);
}

/* Makes all steps of the uploads of an operation, as far as they can be made without saved values. */
static void upload_all(const struct adapter_op *op, const struct render_in *in)
{
    static const char *const fields[] = {"image", "images", "video", "audio", "messages"};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct adapter_medium *m = adapter_medium(op, fields[i]);
        const struct adapter_given given = {true, true, 1000, "image/png", fields[i]};
        enum adapter_form form;
        struct note note = {0};
        if (m && adapter_medium_form(m, &given, &form, &note) == FAULT_OK) {
            assert(form < FORM_COUNT);
        }
        for (int step = 0; m && m->upload && step < adapter_upload_steps(m->upload); step++) {
            struct request *r = NULL;
            assert(render_upload(op, m->upload, step, in, &r, NULL) == FAULT_OK || !r);
            request_free(&r);
        }
    }
}

/* Renders every step of an operation; without compiling, only plain expressions work, the rest is a fault. */
static void render_all(const struct adapter *a, const struct adapter_op *op)
{
    json_t *input = json_pack("{s:s, s:{s:i}}", "prompt", "a b", "vendor", "x", 1),
           *vars = json_pack("{s:s, s:s}", "id", "1", "url", "https://x/");
    json_t *medium = json_pack("{s:{s:i}, s:s}", "part", "$part", 0, "type", "image/png"), *options = NULL;
    enum fault fault = adapter_options(a, NULL, &options, NULL);
    struct render_in in = {.input = input,
                           .vars = vars,
                           .model = "m/1",
                           .task = "t",
                           .idem = "i",
                           .options = options,
                           .medium = medium,
                           .deadline_s = 60};

    for (int step = 0; step < STEP_COUNT; step++) {
        struct request *r = NULL;
        if (render_request(a, op, step, &in, &r, NULL) == FAULT_OK) {
            json_t *shown = request_to_json(r);
            assert(r->url && r->method && (r->auth == AUTH_NONE || r->secret_allowed));
            json_decref(shown);
            request_free(&r);
        }
        assert(!r);
    }
    assert(fault == FAULT_OK || !options);
    upload_all(op, &in);
    json_decref(input);
    json_decref(vars);
    json_decref(medium);
    json_decref(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct adapter *a = NULL;
    size_t complaints = 0;
    const struct adapter_source source = {
        {(const char *)data, size}, "fuzz.yaml", find, NULL, on_complaint, &complaints};
    enum fault fault = adapter_read_source(&source, &a);

    if (fault) {
        assert(fault == FAULT_CONFIG && !a && complaints > 0);
        return 0;
    }
    assert(complaints == 0 && adapter_name(a)[0] && strlen(adapter_digest(a)) == 16);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        json_t *input = json_object();
        const struct adapter_op *op = adapter_op_find(a, kind, input, NULL);
        if (op) {
            assert(adapter_op_named(a, adapter_op_name(op)) == op);
            render_all(a, op);
        }
        json_decref(input);
    }
    adapter_drop(&a);
    return 0;
}
