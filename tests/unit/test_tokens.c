/* test_tokens.c - access tokens: minted once, kept, renewed early, refused; against a token endpoint that
 * misbehaves on request. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/tokens.h"
#include "base/clock.h"
#include "vendor_probe.h"

static struct tokens *tokens;
static struct log *log_of_all;
static FILE *lines; /* what is logged */

static int setup_tokens(void **state)
{
    setup(state);
    lines = tmpfile();
    log_of_all = log_new(fileno(lines), LOG_DEBUG);
    tokens = tokens_new(world.loop, log_of_all, world.vendor);
    return 0;
}

/* No line of the log holds a secret or a token. */
static void check_log(void)
{
    char line[8192];

    rewind(lines);
    while (fgets(line, sizeof(line), lines)) {
        if (strstr(line, "geheim") || strstr(line, "-1\"") || strstr(line, "-2\"")) {
            fail_msg("%s", line);
        }
    }
}

static int teardown_tokens(void **state)
{
    tokens_free(&tokens);
    assert_null(tokens);
    log_free(&log_of_all);
    check_log();
    fclose(lines);
    return teardown(state);
}

/* A key of an adapter whose tokens come from /token/<name>/<lives>. */
struct holder {
    struct adapter *adapter;
    struct credential_secret *secret;
    char *base;
    struct tokens_for what;
};

static void holder_read(struct holder *h, const char *token)
{
    char *text =
        mem_printf("adapter: vendor\nbase: https://api.vendor.com\nauth: { header: A, value: \"{token}\", "
                   "parts: [id, key], token: { %s } }\ntasks:\n  image.generate:\n    submit:\n      "
                   "request: { url: \"{base}/x\" }\n      outputs: { url: .body.url }\n",
                   token);

    assert_int_equal(adapter_read(slice_of(text), "vendor.yaml", NULL, NULL, &h->adapter), FAULT_OK);
    assert_int_equal(credential_secret_read(h->adapter, "me:geheimnis", &h->secret, NULL), FAULT_OK);
    h->base = mem_text(url("%s", ""));
    h->what = (struct tokens_for){.in = {.adapter = h->adapter, .secret = h->secret, .base = h->base},
                                  .key = "k1",
                                  .insecure_ok = true};
    free(text);
}

static void holder_init(struct holder *h, const char *name, int lives)
{
    char *token =
        mem_printf("oauth2_client_credentials: { url: \"{base}/token/%s/%d\", form: { client_secret: "
                   "\"{secret.key}\" } }",
                   name, lives);

    holder_read(h, token);
    free(token);
}

static void holder_done(struct holder *h)
{
    credential_secret_free(&h->secret);
    adapter_drop(&h->adapter);
    free(h->base);
}

/* One who asks, and what it was told. */
struct asker {
    struct tokens_wait *wait;
    int told;
    enum fault fault;
    char text[512];
};

static void on_token(void *arg, enum fault fault, const struct note *note, const char *token)
{
    struct asker *a = arg;

    a->wait = NULL;
    a->told++;
    a->fault = fault;
    assert_true((fault == FAULT_OK) == (token != NULL));
    snprintf(a->text, sizeof(a->text), "%s", token ? token : note->text);
}

static void ask(struct asker *a, const struct holder *h)
{
    *a = (struct asker){.told = 0};
    a->wait = tokens_get(tokens, &h->what, on_token, a);
    assert_int_equal(a->told, 0); /* never from inside */
}

static void expect_token(const struct holder *h, const char *token)
{
    struct asker a;

    ask(&a, h);
    wait_for(&a.told);
    assert_string_equal(a.text, token);
}

static void test_once(void **state)
{
    /* Many who ask at the same time and later get one token, which was asked for once; another key has its
     * own. */
    struct holder h, other;
    struct asker askers[50];

    (void)state;
    holder_init(&h, "slow1", 3600);
    holder_init(&other, "slow1", 3600);
    other.what.key = "k2";
    for (size_t i = 0; i < 50; i++) {
        ask(&askers[i], &h);
    }
    tokens_stop(&askers[7].wait);
    assert_null(askers[7].wait);
    for (size_t i = 0; i < 50; i++) {
        if (i != 7) {
            wait_for(&askers[i].told);
            assert_string_equal(askers[i].text, "slow1-1");
        }
    }
    assert_int_equal(askers[7].told, 0);
    expect_token(&h, "slow1-1");
    expect_token(&other, "slow1-2");
    expect_token(&h, "slow1-1");
    assert_int_equal(hits("slow1"), 2);
    holder_done(&h);
    holder_done(&other);
}

static void test_renewed(void **state)
{
    /* In the second half of a short life the old token is still given while a new one is asked for. */
    struct holder h;
    int64_t began;

    (void)state;
    holder_init(&h, "slow2", 6);
    expect_token(&h, "slow2-1");
    began = clock_boot_ms();
    do {
        wait_ms(100);
    } while (clock_boot_ms() - began < 3100);
    expect_token(&h, "slow2-1");
    wait_ms(600);
    expect_token(&h, "slow2-2");
    assert_int_equal(hits("slow2"), 2);
    holder_done(&h);
}

static void test_not_renewed(void **state)
{
    /* When no new one can be had the old one is given until its end, and the endpoint is not hammered. */
    struct holder h;
    struct asker a;

    (void)state;
    holder_init(&h, "once1", 6);
    expect_token(&h, "once1-1");
    int64_t began = clock_boot_ms();
    for (ask(&a, &h); clock_boot_ms() - began < 4500; ask(&a, &h)) {
        wait_for(&a.told);
        assert_string_equal(a.text, "once1-1");
        wait_ms(50);
    }
    wait_for(&a.told);
    assert_int_equal(hits("once1"), 2);
    wait_ms(1500);
    ask(&a, &h);
    wait_for(&a.told);
    assert_int_equal(a.fault, FAULT_VENDOR_UNAVAILABLE);
    holder_done(&h);
}

static void test_refused_key(void **state)
{
    /* A key that the endpoint refuses is told to all at once, with its words but not the secret, and not
     * asked for again at once. */
    struct holder h;
    struct asker a, b;

    (void)state;
    holder_init(&h, "refuse1", 1);
    for (int i = 0; i < 3; i++) {
        ask(&a, &h);
        ask(&b, &h);
        wait_for(&a.told);
        wait_for(&b.told);
        assert_int_equal(a.fault, FAULT_VENDOR_AUTH);
        assert_string_equal(a.text,
                            "the token endpoint answers with status 401: invalid_client: **** is wrong");
        assert_string_equal(b.text, a.text);
    }
    assert_int_equal(hits("refuse1"), 1);
    holder_done(&h);
}

static void test_failures(void **state)
{
    /* An endpoint that fails, says too much or is not there is one to be asked again. */
    struct holder h;
    struct asker a;
    static const struct {
        const char *name;
        enum fault fault;
    } rows[] = {{"fail1", FAULT_VENDOR_UNAVAILABLE}, {"huge1", FAULT_TOO_LARGE}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        holder_init(&h, rows[i].name, 1);
        ask(&a, &h);
        wait_for(&a.told);
        if (a.fault != rows[i].fault) {
            fail_msg("%s: %s", rows[i].name, a.text);
        }
        holder_done(&h);
    }
    holder_init(&h, "nobody", 1);
    free(h.base);
    h.base = mem_printf("http://127.0.0.1:%d", world.nobody);
    h.what.in.base = h.base;
    ask(&a, &h);
    wait_for(&a.told);
    assert_int_equal(a.fault, FAULT_VENDOR_UNAVAILABLE);
    holder_done(&h);
    holder_init(&h, "plain", 1);
    h.what.insecure_ok = false;
    ask(&a, &h);
    wait_for(&a.told);
    assert_int_equal(a.fault, FAULT_HOST_REFUSED);
    assert_int_equal(hits("plain"), 0);
    holder_done(&h);
    holder_init(&h, "later1", 60);
    ask(&a, &h);
    wait_for(&a.told);
    assert_int_equal(a.fault, FAULT_VENDOR_UNAVAILABLE);
    wait_ms(1200);
    expect_token(&h, "later1-2");
    holder_done(&h);
}

static void test_refused_token(void **state)
{
    /* A token that the vendor refuses is given to nobody again, and one that is refused late costs no new
     * one. */
    struct holder h;

    (void)state;
    holder_init(&h, "good1", 3600);
    expect_token(&h, "good1-1");
    tokens_refused(tokens, &h.what, "good1-1");
    expect_token(&h, "good1-2");
    tokens_refused(tokens, &h.what, "good1-1");
    expect_token(&h, "good1-2");
    assert_int_equal(hits("good1"), 2);
    holder_done(&h);
}

static void test_jwt(void **state)
{
    /* A token that is signed here is kept, too; one that cannot be signed is the key's fault. */
    struct holder h;
    struct asker a, b;

    (void)state;
    holder_read(&h, "jwt_hs256: { key: \"{secret.key}\", claims: { iss: \"{secret.id}\" } }");
    ask(&a, &h);
    wait_for(&a.told);
    wait_ms(1100);
    ask(&b, &h);
    wait_for(&b.told);
    assert_string_equal(a.text, b.text);
    tokens_refused(tokens, &h.what, a.text);
    ask(&b, &h);
    wait_for(&b.told);
    assert_string_not_equal(a.text, b.text);
    holder_done(&h);
    holder_read(&h, "oauth2_jwt_bearer: { url: \"{base}/token/x\", key: \"{secret.key}\" }");
    ask(&a, &h);
    wait_for(&a.told);
    assert_int_equal(a.fault, FAULT_VENDOR_AUTH);
    assert_int_equal(hits("x"), 0);
    holder_done(&h);
}

static void test_left(void **state)
{
    /* All may end while a request is under way, and while one who asked has not been told. */
    struct holder h;
    struct asker a, b;

    (void)state;
    holder_init(&h, "slow3", 3600);
    ask(&a, &h);
    wait_ms(50);
    tokens_stop(&a.wait);
    holder_done(&h);
    holder_init(&h, "good2", 3600);
    expect_token(&h, "good2-1");
    ask(&b, &h);
    tokens_stop(&b.wait);
    wait_ms(20);
    assert_int_equal(b.told, 0);
    holder_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, setup_tokens, teardown_tokens),
        cmocka_unit_test_setup_teardown(test_renewed, setup_tokens, teardown_tokens),
        cmocka_unit_test_setup_teardown(test_not_renewed, setup_tokens, teardown_tokens),
        cmocka_unit_test_setup_teardown(test_refused_key, setup_tokens, teardown_tokens),
        cmocka_unit_test_setup_teardown(test_failures, setup_tokens, teardown_tokens),
        cmocka_unit_test_setup_teardown(test_refused_token, setup_tokens, teardown_tokens),
        cmocka_unit_test_setup_teardown(test_jwt, setup_tokens, teardown_tokens),
        cmocka_unit_test_setup_teardown(test_left, setup_tokens, teardown_tokens),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
