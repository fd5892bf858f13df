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

    assert(!strcmp(file, "fuzz.yaml") && line >= 0 && column >= 0 && text[0]);
    ++*n;
}

/* Renders every step of an operation; without compiling, only plain expressions work, the rest is a fault. */
static void render_all(const struct adapter *a, const struct adapter_op *op)
{
    json_t *input = json_pack("{s:s, s:{s:i}}", "prompt", "a b", "vendor", "x", 1),
           *vars = json_pack("{s:s, s:s}", "id", "1", "url", "https://x/");
    struct render_in in = {.input = input, .vars = vars, .model = "m/1", .task = "t", .idem = "i"};

    for (int step = 0; step < STEP_COUNT; step++) {
        struct request *r = NULL;
        if (render_request(a, op, step, &in, &r, NULL) == FAULT_OK) {
            json_t *shown = request_to_json(r);
            assert(r->url && r->method && (!r->secret_name || r->secret_allowed));
            json_decref(shown);
            request_free(&r);
        }
        assert(!r);
    }
    json_decref(input);
    json_decref(vars);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct adapter *a = NULL;
    size_t complaints = 0;
    enum fault fault =
        adapter_read((struct slice){(const char *)data, size}, "fuzz.yaml", on_complaint, &complaints, &a);

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
