/* fuzz_answer.c - any answer to any step of the shipped adapters: read within bounds, and never taken for
 * more than it says. Runs from the root of the repository. The first bytes choose adapter, operation, step,
 * status and headers; the rest is the body. */
#include <assert.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/adapter_file.h"
#include "base/limits.h"
#include "core/answer.h"
#include "wire/jsonscan.h"

#define ADAPTERS_MAX 32
#define DAY_MS       (24ll * 3600 * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The adapters, compiled once: the fuzzer calls one function for ever. */
static struct adapter *adapters[ADAPTERS_MAX];
static size_t adapter_count;

static void load(const char *name)
{
    char path[300], *text = malloc(LIMIT_FILE_BYTES);

    snprintf(path, sizeof(path), "adapters/%.200s", name);
    FILE *f = fopen(path, "r");
    assert(f && text);
    size_t n = fread(text, 1, LIMIT_FILE_BYTES, f);
    fclose(f);
    enum fault fault = adapter_file_read((struct slice){text, n}, path, NULL, NULL, &adapters[adapter_count]);
    assert(fault == FAULT_OK);
    fault = adapter_compile(adapters[adapter_count++], NULL, NULL);
    assert(fault == FAULT_OK);
    free(text);
}

/* libjq keeps its stacks by a pointer behind their end, which a leak checker takes for none: they must go
 * before it looks. */
static void drop_all(void)
{
    while (adapter_count) {
        adapter_drop(&adapters[--adapter_count]);
    }
}

static void load_all(void)
{
    struct dirent **list = NULL;
    int n = scandir("adapters", &list, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        if (strstr(list[i]->d_name, ".yaml") && adapter_count < ADAPTERS_MAX) {
            load(list[i]->d_name);
        }
        free(list[i]);
    }
    free(list);
    assert(adapter_count > 0);
    atexit(drop_all);
}

static void check_output(const struct answer_output *o)
{
    int sources =
        (o->blob >= 0) + (o->text64 != NULL) + (o->text_hex != NULL) + (o->url != NULL) + (o->text != NULL);

    assert(o->error || sources == 1);
    assert(o->blob < (int)LIMIT_BLOBS);
    assert(!o->url || strlen(o->url) <= LIMIT_URL_BYTES);
    assert(o->width >= 0 && o->height >= 0 && o->duration_s >= 0);
    assert(!o->secret || o->url);
}

static void check_answer(const struct answer *a, const struct adapter_op *op, enum adapter_step step,
                         int status)
{
    bool good = status >= 200 && status < 300;

    assert((unsigned)a->class < CLASS_COUNT && (unsigned)a->state <= STATE_EXPIRED &&
           (unsigned)a->accepted <= ACCEPTED_UNKNOWN);
    assert(a->progress <= 100 && a->later_ms >= -1 && a->later_ms <= DAY_MS && a->poll_ms >= -1 &&
           a->poll_ms <= DAY_MS);
    assert(a->output_count <= LIMIT_OUTPUTS);
    assert(!a->code || strlen(a->code) <= 100);
    assert(!a->text || strlen(a->text) <= 500);
    assert(a->class == CLASS_OK || a->text);
    assert(!a->fetch || a->state == STATE_COMPLETED);
    /* Nobody else's word makes a task done, and nothing goes on without the vendor's id. */
    assert(a->class != CLASS_OK || a->state != STATE_COMPLETED || a->fetch || a->output_count ||
           step == STEP_CANCEL || step == STEP_LOOKUP);
    assert(step != STEP_LOOKUP || a->found == (a->class == CLASS_OK));
    assert(step != STEP_SUBMIT || a->class != CLASS_OK || adapter_synchronous(op) || a->output_count ||
           a->vendor_id);
    assert(step != STEP_SUBMIT || a->class != CLASS_OK || a->accepted == ACCEPTED_YES);
    /* A failed HTTP exchange is never a good answer, but where a rule says so for cancel. */
    assert(good || a->class != CLASS_OK || step == STEP_CANCEL);
    for (size_t i = 0; i < a->output_count; i++) {
        check_output(&a->outputs[i]);
    }
}

static json_t *make_headers(unsigned bits)
{
    static const char *const fields[][2] = {{"retry-after", "3"},
                                            {"retry-after-ms", "1e9"},
                                            {"x-should-retry", "false"},
                                            {"x-fal-retryable", "true"},
                                            {"x-fal-error-type", "runner_error"},
                                            {"content-type", "audio/mpeg; a=b"},
                                            {"openai-poll-after-ms", "250"},
                                            {"character-cost", "12"}};
    json_t *headers = json_object();

    for (unsigned i = 0; i < 8; i++) {
        if (bits & 1u << i) {
            json_object_set_new(headers, fields[i][0], json_string(fields[i][1]));
        }
    }
    return headers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 200, 201, 202, 204, 301, 400, 401, 403, 404,
                                   409, 422, 429, 451, 499, 500, 502, 503, 504, 529, 599};

    if (!adapter_count) {
        load_all();
    }
    if (size < 5) {
        return 0;
    }
    const struct adapter *a = adapters[data[0] % adapter_count];
    enum task_kind kind = data[1] % KIND_COUNT;
    enum adapter_step step = data[2] % STEP_COUNT;
    int status = statuses[data[3] % (sizeof(statuses) / sizeof(statuses[0]))];
    json_t *input = json_pack("{s:s, s:s, s:s, s:[s], s:s}", "prompt", "x", "avatar", "y", "format", "mp4",
                              "images", "z", "audio", "w");
    const struct adapter_op *op = adapter_op_find(a, kind, input, NULL);
    json_t *body = NULL, *headers = make_headers(data[4]), *vars = json_pack("{s:s}", "id", "1");
    struct answer *answer = NULL;

    enum fault bad = jsonscan_read((struct slice){(const char *)data + 5, size - 5}, &body, NULL);
    struct answer_in in = {.status = status,
                           .headers = headers,
                           .body = body,
                           .raw_blob = bad ? 0 : -1,
                           .raw_bytes = size - 5,
                           .vars = vars,
                           .input = input,
                           .wall_ms = 1760000000000};
    if (op && answer_read(a, op, step, &in, &answer, NULL) == FAULT_OK) {
        check_answer(answer, op, step, status);
        json_t *shown = answer_to_json(answer);
        assert(shown);
        json_decref(shown);
    }
    answer_free(&answer);
    json_decref(body);
    json_decref(headers);
    json_decref(vars);
    json_decref(input);
    return 0;
}
