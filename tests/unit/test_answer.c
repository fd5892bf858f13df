/* test_answer.c - readings that the shipped adapters' cases do not show: states, refusals, outputs of every
 * kind, nonsense. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/answer.h"

#define HEAD "adapter: vendor\nbase: https://api.vendor.com\n"
#define REQ  "request: { url: \"{base}/x\" }"

static void hear(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    print_error("%s:%d:%d: %s\n", file, line, column, text);
}

/* An answer in the hand. raw: a body that is not JSON. */
struct given {
    enum adapter_step step;
    int status;
    const char *body;
    const char *headers;
    const char *vars;
    bool raw;
};

static struct answer *read_with(const char *adapter, const struct given *g)
{
    struct adapter *a = NULL;
    struct answer *out = NULL;
    int kind = 0;
    json_t *body = g->body ? json_loads(g->body, JSON_DECODE_ANY, NULL) : NULL,
           *headers = g->headers ? json_loads(g->headers, 0, NULL) : NULL;
    json_t *vars = g->vars ? json_loads(g->vars, 0, NULL) : NULL;

    assert_int_equal(adapter_read(slice_of(adapter), "vendor.yaml", hear, NULL, &a), FAULT_OK);
    assert_int_equal(adapter_compile(a, hear, NULL), FAULT_OK);
    while (!adapter_serves(a, kind)) {
        kind++;
    }
    struct answer_in in = {.status = g->status,
                           .headers = headers,
                           .body = body,
                           .raw_blob = g->raw ? 0 : -1,
                           .raw_bytes = 10,
                           .vars = vars,
                           .wall_ms = 1760000000000};
    assert_int_equal(answer_read(a, adapter_op_find(a, kind, NULL, NULL), g->step, &in, &out, NULL),
                     FAULT_OK);
    json_decref(body);
    json_decref(headers);
    json_decref(vars);
    adapter_drop(&a);
    return out;
}

/* What an answer means, as JSON text with sorted keys. */
static void expect(const char *adapter, struct given g, const char *want)
{
    struct answer *a = read_with(adapter, &g);
    json_t *value = answer_to_json(a);
    char *got = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));

    assert_string_equal(got, want);
    free(got);
    json_decref(value);
    answer_free(&a);
    answer_free(&a);
}

#define SYNC(outputs)                                                                                        \
    HEAD "tasks:\n  image.generate:\n    submit:\n      " REQ "\n      outputs: " outputs "\n"
#define POLL(state, rest)                                                                                    \
    HEAD "tasks:\n  video.generate:\n    submit: { " REQ ", save: { id: .body.id } }\n    poll:\n      " REQ \
         "\n      state: " state "\n      outputs: { url: .body.url }\n" rest

static void test_classes(void **state)
{
    /* The class table is whole: every word is found again, and its action and fault are what the file says.
     */
    (void)state;
    for (int c = 0; c < CLASS_COUNT; c++) {
        assert_int_equal(answer_class_find(answer_class_text(c)), c);
    }
    assert_int_equal(answer_class_find("nonsense"), -1);
    assert_int_equal(answer_class_find(NULL), -1);
    assert_int_equal(answer_class_action(CLASS_RATE_LIMITED), ACTION_WAIT);
    assert_int_equal(answer_class_fault(CLASS_CONTENT_POLICY), FAULT_CONTENT_POLICY);
    assert_int_equal(answer_lost(true), ACCEPTED_UNKNOWN);
    assert_int_equal(answer_lost(false), ACCEPTED_NO);
}

static void test_by_status(void **state)
{
    /* Without rules the HTTP status decides; a refusal is one by DESIGN 7, which differs between the two
     * kinds of vendor. */
    static const struct {
        int status;
        enum answer_class class;
        enum answer_accepted sync, async;
    } rows[] = {{301, CLASS_RETRY, ACCEPTED_UNKNOWN, ACCEPTED_UNKNOWN},
                {400, CLASS_INVALID_REQUEST, ACCEPTED_NO, ACCEPTED_NO},
                {401, CLASS_AUTH, ACCEPTED_NO, ACCEPTED_NO},
                {402, CLASS_QUOTA_EXHAUSTED, ACCEPTED_NO, ACCEPTED_NO},
                {403, CLASS_AUTH, ACCEPTED_NO, ACCEPTED_NO},
                {404, CLASS_NOT_FOUND, ACCEPTED_NO, ACCEPTED_NO},
                {408, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_NO},
                {409, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_NO},
                {413, CLASS_INVALID_REQUEST, ACCEPTED_NO, ACCEPTED_NO},
                {422, CLASS_INVALID_REQUEST, ACCEPTED_NO, ACCEPTED_NO},
                {429, CLASS_RATE_LIMITED, ACCEPTED_NO, ACCEPTED_NO},
                {451, CLASS_CONTENT_POLICY, ACCEPTED_NO, ACCEPTED_NO},
                {500, CLASS_VENDOR_INTERNAL, ACCEPTED_NO, ACCEPTED_UNKNOWN},
                {501, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_UNKNOWN},
                {502, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_UNKNOWN},
                {503, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_NO},
                {504, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_UNKNOWN},
                {529, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_NO},
                {599, CLASS_RETRY, ACCEPTED_NO, ACCEPTED_UNKNOWN}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct given g = {.step = STEP_SUBMIT, .status = rows[i].status};
        struct answer *sync = read_with(SYNC("{ url: .body.url }"), &g),
                      *async = read_with(POLL("{ from: .body.s, map: { d: completed } }", ""), &g);
        if (sync->class != rows[i].class || async->class != rows[i].class || sync->accepted != rows[i].sync ||
            async->accepted != rows[i].async) {
            fail_msg("HTTP %d", rows[i].status);
        }
        assert_int_equal(sync->state, STATE_NONE);
        answer_free(&sync);
        answer_free(&async);
    }
}

static void test_accepted_by_rule(void **state)
{
    /* A rule says otherwise; a rule on 200 is a refusal; an unknown class or a conflict is never taken for
     * one. */
#define RULE(rule) POLL("{ from: .body.s, map: { d: completed } }", "errors: [" rule "]\n")

    (void)state;
    expect(RULE("{ status: 500, class: retry, accepted: \"no\" }"), (struct given){.status = 500},
           "{\"accepted\":\"no\",\"class\":\"retry\",\"text\":\"the vendor answered with HTTP status 500\"}");
    expect(RULE("{ status: 503, class: retry, accepted: unknown }"), (struct given){.status = 503},
           "{\"accepted\":\"unknown\",\"class\":\"retry\",\"text\":\"the vendor answered with HTTP status "
           "503\"}");
    expect(RULE("{ when: '.body.code == 1301', class: content_policy, text: refused }"),
           (struct given){.status = 200, .body = "{\"code\":1301}"},
           "{\"accepted\":\"no\",\"class\":\"content_policy\",\"text\":\"refused\"}");
    expect(RULE("{ status: 409, class: conflict_poll_existing }"), (struct given){.status = 409},
           "{\"accepted\":\"unknown\",\"class\":\"conflict_poll_existing\",\"text\":\"the vendor answered "
           "with HTTP status 409\"}");
    expect(RULE("{ status: 400, class: unknown }"), (struct given){.status = 400},
           "{\"accepted\":\"unknown\",\"class\":\"unknown\",\"text\":\"the vendor answered with HTTP status "
           "400\"}");
}

static void test_rules(void **state)
{
    /* The first rule that fits counts: the step's before the operation's before the adapter's; all its
     * conditions must fit. */
#define RULES                                                                                                \
    HEAD "error: { code: [.body.code, .body.type], text: .body.msg }\ntasks:\n  image.generate:\n    "       \
         "submit:\n      " REQ "\n      outputs: { url: .body.url }\n      errors: [{ code: a, class: "      \
         "retry }]\n    errors: [{ code: [a, b], class: auth }]\n"                                           \
         "errors:\n  - { code: [a, b, 3], class: quota_exhausted, later: 1m }\n  - { status: [400, 5xx], "   \
         "header: { X-Why: [limit, load] }, "                                                                \
         "class: rate_limited, later: 5s }\n  - { header: { x-stop: true }, class: invalid_request }\n  - "  \
         "{ steps: [poll], status: 418, "                                                                    \
         "class: auth }\n"

    (void)state;
    expect(RULES, (struct given){.status = 400, .body = "{\"code\":\"a\",\"msg\":\"m\"}"},
           "{\"accepted\":\"no\",\"class\":\"retry\",\"code\":\"a\",\"text\":\"m\"}");
    expect(RULES, (struct given){.status = 400, .body = "{\"type\":\"b\"}"},
           "{\"accepted\":\"no\",\"class\":\"auth\",\"code\":\"b\",\"text\":\"the vendor answered with HTTP "
           "status 400\"}");
    expect(RULES, (struct given){.status = 400, .body = "{\"code\":3}"},
           "{\"accepted\":\"no\",\"class\":\"quota_exhausted\",\"code\":\"3\",\"text\":\"the vendor answered "
           "with HTTP status 400\"}");
    expect(RULES, (struct given){.status = 502, .headers = "{\"x-why\":\"LOAD\"}"},
           "{\"accepted\":\"no\",\"class\":\"rate_limited\",\"later_ms\":5000,\"text\":\"the vendor answered "
           "with HTTP status 502\"}");
    expect(RULES, (struct given){.status = 502, .headers = "{\"x-why\":\"LOAD\",\"retry-after\":\"9\"}"},
           "{\"accepted\":\"no\",\"class\":\"rate_limited\",\"later_ms\":9000,\"text\":\"the vendor answered "
           "with HTTP status 502\"}");
    expect(RULES, (struct given){.status = 401, .headers = "{\"x-why\":\"load\",\"x-stop\":\"\"}"},
           "{\"accepted\":\"no\",\"class\":\"invalid_request\",\"text\":\"the vendor answered with HTTP "
           "status 401\"}");
    expect(RULES, (struct given){.status = 418},
           "{\"accepted\":\"no\",\"class\":\"invalid_request\",\"text\":\"the vendor answered with HTTP "
           "status 418\"}");
}

static void test_later(void **state)
{
    /* Every way to say when: milliseconds, seconds, durations, dates, Unix times, fields of the body; nothing
     * that is past or odd. */
#define LATER                                                                                                \
    HEAD "later: [{ header: x-ms, unit: ms }, x-reset, { from: '.body.details[]? | .retryDelay? // empty' "  \
         "}]\n"                                                                                              \
         "tasks:\n  image.generate:\n    submit:\n      " REQ "\n      outputs: { url: .body.url }\n"
    static const struct {
        const char *headers, *body;
        int64_t ms;
    } rows[] = {{"{\"x-ms\":\"1500.7\"}", NULL, 1500},
                {"{\"x-ms\":\"soon\",\"x-reset\":\"2\"}", NULL, 2000},
                {"{\"x-reset\":\"6m0s\"}", NULL, 360000},
                {"{\"x-reset\":\"1760000030\"}", NULL, 30000},
                {"{\"x-reset\":\"Thu, 09 Oct 2025 08:53:30 GMT\"}", NULL, 10000},
                {"{\"x-reset\":\"1759999990\"}", NULL, -1},
                {"{\"x-ms\":\"-5\"}", NULL, -1},
                {"{\"x-ms\":\"1e300\"}", NULL, 86400000},
                {"{\"retry-after\":\"2\"}", NULL, -1},
                {"{}", "{\"details\":[{\"a\":1},{\"retryDelay\":\"34s\"}]}", 34000}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct given g = {.status = 429, .headers = rows[i].headers, .body = rows[i].body};
        struct answer *a = read_with(LATER, &g);
        if (a->later_ms != rows[i].ms) {
            fail_msg("%s: %lld", rows[i].headers, (long long)a->later_ms);
        }
        answer_free(&a);
    }
}

static void test_states(void **state)
{
    /* States by word, by HTTP status, and what each of them leads to. */
    static const char words[] = POLL("{ from: .body.s, map: { \"Request Moderated\": failed, ok: completed, "
                                     "no: failed, off: cancelled, old: expired, "
                                     "\"true\": completed } }",
                                     "");
    static const char codes[] = POLL(
        "{ from: .body.s, map: { no: failed }, status: { \"202\": in_progress, \"200\": completed } }", "");

    (void)state;
    expect(words, (struct given){.step = STEP_POLL, .status = 200, .body = "{\"s\":\"Request Moderated\"}"},
           "{\"class\":\"vendor_internal\",\"state\":\"failed\",\"text\":\"the vendor reports that its work "
           "failed\"}");
    expect(words, (struct given){.step = STEP_POLL, .status = 200, .body = "{\"s\":\"off\"}"},
           "{\"class\":\"ok\",\"state\":\"cancelled\"}");
    expect(words, (struct given){.step = STEP_POLL, .status = 200, .body = "{\"s\":\"old\"}"},
           "{\"class\":\"vendor_internal\",\"state\":\"expired\",\"text\":\"the vendor reports that the task "
           "expired there\"}");
    expect(words,
           (struct given){.step = STEP_POLL, .status = 200, .body = "{\"s\":true,\"url\":\"https://v/1\"}"},
           "{\"class\":\"ok\",\"outputs\":[{\"url\":\"https://v/1\"}],\"state\":\"completed\"}");
    expect(words, (struct given){.step = STEP_POLL, .status = 200, .body = "{\"s\":\"OK\"}"},
           "{\"class\":\"ok\",\"state\":\"in_progress\",\"state_unknown\":true}");
    expect(codes, (struct given){.step = STEP_POLL, .status = 202, .body = "{}"},
           "{\"class\":\"ok\",\"state\":\"in_progress\"}");
    expect(codes, (struct given){.step = STEP_POLL, .status = 200, .body = "{\"url\":\"https://v/1\"}"},
           "{\"class\":\"ok\",\"outputs\":[{\"url\":\"https://v/1\"}],\"state\":\"completed\"}");
    expect(codes, (struct given){.step = STEP_POLL, .status = 200, .body = "{\"s\":\"no\"}"},
           "{\"class\":\"vendor_internal\",\"state\":\"failed\",\"text\":\"the vendor reports that its work "
           "failed\"}");
    expect(codes, (struct given){.step = STEP_POLL, .status = 204},
           "{\"class\":\"retry\",\"text\":\"the vendor's answer makes no sense to vendor: it does not say "
           "how the task stands\"}");
}

static void test_at_once(void **state)
{
    /* Synchronous or not is decided by the answer: a submission that is done gives its outputs. */
    static const char adapter[] =
        HEAD "tasks:\n  image.generate:\n    submit:\n      " REQ
             "\n      save: { id: .body.id }\n      state: &s { from: .body.s, map: { d: completed, q: "
             "queued } }\n"
             "      outputs: &o { url: .body.url }\n    poll: { " REQ ", state: *s, outputs: *o }\n";

    (void)state;
    expect(adapter, (struct given){.status = 201, .body = "{\"s\":\"d\",\"url\":\"https://v/1\"}"},
           "{\"class\":\"ok\",\"outputs\":[{\"url\":\"https://v/1\"}],\"state\":\"completed\"}");
    expect(adapter, (struct given){.status = 202, .body = "{\"s\":\"q\",\"id\":\"1\"}"},
           "{\"class\":\"ok\",\"save\":{\"id\":\"1\"},\"state\":\"queued\",\"vendor_id\":\"1\"}");
    expect(adapter, (struct given){.status = 202, .body = "{\"s\":\"q\"}"},
           "{\"accepted\":\"unknown\",\"class\":\"unknown\",\"text\":\"the vendor's answer makes no sense to "
           "vendor: it has no id\"}");
}

static void test_progress(void **state)
{
    /* Progress in hundredths, in parts of one, as text; what is no number tells nothing. */
    static const struct {
        const char *rule, *body;
        double progress;
    } rows[] = {{"progress: .body.p", "{\"s\":\"r\",\"p\":33}", 33},
                {"progress: { from: .body.p, of: 1 }", "{\"s\":\"r\",\"p\":0.25}", 25},
                {"progress: { from: .body.p, of: 1 }", "{\"s\":\"r\",\"p\":\"1.5\"}", 100},
                {"progress: .body.p", "{\"s\":\"r\",\"p\":\"45%\"}", 45},
                {"progress: .body.p", "{\"s\":\"r\",\"p\":-1}", -1},
                {"progress: .body.p", "{\"s\":\"r\",\"p\":\"nan\"}", -1},
                {"progress: .body.p", "{\"s\":\"r\",\"p\":{}}", -1},
                {"progress: .body.p", "{\"s\":\"r\"}", -1},
                {"progress: .body.s.x", "{\"s\":\"r\"}", -1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *adapter = mem_printf(
            POLL("{ from: .body.s, map: { d: completed, r: in_progress } }", "      %s\n"), rows[i].rule);
        struct given g = {.step = STEP_POLL, .status = 200, .body = rows[i].body};
        struct answer *a = read_with(adapter, &g);
        if (a->progress != rows[i].progress) {
            fail_msg("%s on %s gives %g", rows[i].rule, rows[i].body, a->progress);
        }
        answer_free(&a);
        free(adapter);
    }
}

static void test_outputs(void **state)
{
    /* Outputs of every kind: URL, path, base64, data URI, a spooled blob, the body itself, text; with what is
     * known of them. */
    (void)state;
    expect(
        SYNC("'.body.list[]'"),
        (struct given){
            .status = 200,
            .body = "{\"list\":[\"https://v/1\",{\"url\":\"/files/2\",\"type\":\"video/mp4; codecs=x\"}]}"},
        "{\"class\":\"ok\",\"outputs\":[{\"url\":\"https://v/1\"},{\"type\":\"video/mp4\",\"url\":\"/files/"
        "2\"}],\"state\":\"completed\"}");
    expect(SYNC(".body.list"),
           (struct given){.status = 200,
                          .body = "{\"list\":[{\"base64\":\"AAAA\",\"width\":\"640\",\"height\":480.0,"
                                  "\"duration_s\":\"1.5\"}]}"},
           "{\"class\":\"ok\",\"outputs\":[{\"base64\":\"AAAA\",\"duration_s\":1.5,\"height\":480,\"width\":"
           "640}],\"state\":\"completed\"}");
    expect(SYNC("{ each: .body.images, base64: .item }"),
           (struct given){
               .status = 200,
               .body = "{\"images\":[\"data:image/png;base64,AAAA\",{\"$blob\":1,\"type\":\"image/webp\"}]}"},
           "{\"class\":\"ok\",\"outputs\":[{\"base64\":\"AAAA\",\"type\":\"image/"
           "png\"},{\"blob\":1,\"type\":\"image/webp\"}],\"state\":\"completed\"}");
    expect(SYNC("{ url: .body.url }"),
           (struct given){.status = 200, .body = "{\"url\":\"data:image/gif;base64,R0lG\"}"},
           "{\"class\":\"ok\",\"outputs\":[{\"base64\":\"R0lG\",\"type\":\"image/"
           "gif\"}],\"state\":\"completed\"}");
    expect(SYNC("{ raw: true, type: '.headers[\"content-type\"]' }"),
           (struct given){.status = 200, .raw = true, .headers = "{\"content-type\":\"audio/mpeg; x=1\"}"},
           "{\"class\":\"ok\",\"outputs\":[{\"blob\":0,\"type\":\"audio/mpeg\"}],\"state\":\"completed\"}");
    expect(SYNC("{ each: .body.choices, text: .item.message.content }"),
           (struct given){.status = 200, .body = "{\"choices\":[{\"message\":{\"content\":\"hello\"}}]}"},
           "{\"class\":\"ok\",\"outputs\":[{\"text\":\"hello\"}],\"state\":\"completed\"}");
}

static void test_bad_outputs(void **state)
{
    /* A finished task without a usable output makes no sense, and on submission may have been paid. */
    static const char *const bodies[] = {"{}",
                                         "{\"list\":[]}",
                                         "{\"list\":7}",
                                         "{\"list\":[{}]}",
                                         "{\"list\":[null]}",
                                         "{\"list\":[{\"url\":\"ftp://x/1\"}]}",
                                         "{\"list\":[{\"url\":\"javascript:1\"}]}",
                                         "{\"list\":[{\"url\":\"https://a b\"}]}",
                                         "{\"list\":[{\"url\":\"https://a/1\",\"base64\":\"AAAA\"}]}",
                                         "{\"list\":[{\"base64\":{\"$blob\":-1}}]}",
                                         "{\"list\":[{\"base64\":{\"$blob\":99}}]}",
                                         "{\"list\":[{\"raw\":true}]}",
                                         "{\"list\":[{\"url\":\"https://a/1\"},{\"url\":5}]}",
                                         "[]",
                                         "\"text\"",
                                         "null"};

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct given g = {.status = 200, .body = bodies[i]};
        struct answer *a = read_with(SYNC("'.body.list[]'"), &g);
        if (a->class != CLASS_UNKNOWN || a->accepted != ACCEPTED_UNKNOWN || a->output_count || !a->text) {
            fail_msg("%s is class %s", bodies[i], answer_class_text(a->class));
        }
        answer_free(&a);
    }
}

static void test_items(void **state)
{
    /* Outputs that failed stand beside those that did not; when all failed the task has, by the rule for
     * their word. */
    static const char adapter[] = HEAD "error: { code: .body.error.code }\nerrors: [{ code: unsafe, class: "
                                       "content_policy, text: not safe }]\n"
                                       "tasks:\n  image.generate:\n    submit:\n      " REQ
                                       "\n      outputs: { each: .body.data, url: .item.url, error: 'if "
                                       ".item.safe == false then \"unsafe\" else .item.error end' }\n"
                                       "      usage: { n: '.body.data | length' }\n";

    (void)state;
    expect(adapter,
           (struct given){
               .status = 200,
               .body = "{\"data\":[{\"url\":\"https://v/1\"},{\"url\":\"https://v/2\",\"safe\":false}]}"},
           "{\"class\":\"ok\",\"outputs\":[{\"url\":\"https://v/"
           "1\"},{\"error\":\"unsafe\"}],\"state\":\"completed\",\"usage\":{\"n\":2}}");
    expect(adapter, (struct given){.status = 200, .body = "{\"data\":[{\"safe\":false}]}"},
           "{\"accepted\":\"no\",\"class\":\"content_policy\",\"code\":\"unsafe\",\"outputs\":[{\"error\":"
           "\"unsafe\"}],\"state\":\"failed\",\"text\":\"not "
           "safe\",\"usage\":{\"n\":1}}");
    expect(adapter, (struct given){.status = 200, .body = "{\"data\":[{\"error\":\"broken\"}]}"},
           "{\"accepted\":\"no\",\"class\":\"vendor_internal\",\"code\":\"broken\",\"outputs\":[{\"error\":"
           "\"broken\"}],\"state\":\"failed\",\"text\":\"the vendor "
           "reports that its work failed\",\"usage\":{\"n\":1}}");
}

static void test_extras(void **state)
{
    /* Usage, cost and more; what is missing or odd is left out and hurts nothing. */
    static const char adapter[] = HEAD "tasks:\n  image.generate:\n    submit:\n      " REQ
                                       "\n      outputs: { url: .body.url }\n      usage: { a: .body.a, b: "
                                       ".body.b }\n      cost: { amount: .body.cost, "
                                       "unit: credits }\n      extra: { seed: .body.seed }\n";

    (void)state;
    expect(adapter,
           (struct given){.status = 200,
                          .body = "{\"url\":\"https://v/1\",\"a\":3.0,\"cost\":\"1.50\",\"seed\":9}"},
           "{\"class\":\"ok\",\"cost\":{\"amount\":1.5,\"unit\":\"credits\"},\"extra\":{\"seed\":9},"
           "\"outputs\":[{\"url\":\"https://v/1\"}],\"state\":"
           "\"completed\",\"usage\":{\"a\":3}}");
    expect(adapter, (struct given){.status = 200, .body = "{\"url\":\"https://v/1\",\"cost\":\"free\"}"},
           "{\"class\":\"ok\",\"outputs\":[{\"url\":\"https://v/1\"}],\"state\":\"completed\"}");
}

static void test_words(void **state)
{
    /* The vendor's words are cut to a bound, between characters. */
    char *long_text = mem_new(3000), *body;
    static const char adapter[] =
        HEAD "error: { code: .body.c, text: .body.t }\ntasks:\n  image.generate:\n    submit:\n      " REQ
             "\n      outputs: { url: .body.url }\n";

    (void)state;
    for (int i = 0; i < 1000; i++) {
        memcpy(long_text + i * 2, "\xc3\xa9", 2);
    }
    body = mem_printf("{\"c\":\"x%s\",\"t\":\"x%s\"}", long_text, long_text);
    struct given g = {.status = 400, .body = body};
    struct answer *a = read_with(adapter, &g);
    assert_int_equal(strlen(a->code), 99);
    assert_int_equal(strlen(a->text), 499);
    json_t *valid = json_string(a->text);
    assert_non_null(valid);
    json_decref(valid);
    answer_free(&a);
    free(body);
    free(long_text);
}

static void test_save(void **state)
{
    /* Numbers are saved as texts, later polls may save more, what is empty, too long or no text is not saved.
     */
    static const char adapter[] =
        HEAD "tasks:\n  video.generate:\n    submit: { " REQ
             ", save: { id: .body.id, extra: .body.extra } }\n    poll:\n"
             "      request: { url: \"{base}/{id}\" }\n      save: { file: .body.file }\n"
             "      state: { from: .body.s, map: { d: completed } }\n"
             "    fetch: { request: { url: \"{base}/f/{file}\" }, outputs: { url: .body.url } }\n";
    char *huge = mem_new(6000), *body;

    (void)state;
    memset(huge, 'x', 5000);
    body = mem_printf("{\"id\":12345678901234567,\"extra\":\"%s\"}", huge);
    expect(adapter, (struct given){.status = 200, .body = body},
           "{\"class\":\"ok\",\"save\":{\"id\":\"12345678901234567\"},\"state\":\"queued\",\"vendor_id\":"
           "\"12345678901234567\"}");
    expect(adapter,
           (struct given){.step = STEP_POLL, .status = 200, .body = "{\"s\":\"d\",\"file\":\"f-1\"}"},
           "{\"class\":\"ok\",\"fetch\":true,\"save\":{\"file\":\"f-1\"},\"state\":\"completed\"}");
    expect(adapter, (struct given){.status = 200, .body = "{\"id\":{\"a\":1}}"},
           "{\"accepted\":\"unknown\",\"class\":\"unknown\",\"text\":\"the vendor's answer makes no sense to "
           "vendor: it has no id\"}");
    free(body);
    free(huge);
}

static void test_step_missing(void **state)
{
    /* A step that the operation does not have is our mistake, not the vendor's. */
    struct adapter *a = NULL;
    struct answer *out = NULL;
    struct answer_in in = {.status = 200, .raw_blob = -1};
    struct note note = {0};

    (void)state;
    assert_int_equal(adapter_read(slice_of(SYNC("{ url: .body.url }")), "vendor.yaml", hear, NULL, &a),
                     FAULT_OK);
    assert_int_equal(answer_read(a, adapter_op_named(a, "image.generate"), STEP_POLL, &in, &out, &note),
                     FAULT_INTERNAL);
    assert_null(out);
    adapter_drop(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_by_status),
        cmocka_unit_test(test_accepted_by_rule),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_bad_outputs),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_extras),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_step_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
