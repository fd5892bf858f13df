/* test_process.c - programs run to their end: what they read and say, and how they are stopped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/process.h"

struct rig {
    struct loop *loop;
    int told, code;
    bool late, chatty;
    char output[256];
    char text[160];
};

static int set_up(void **state)
{
    struct rig *r = mem_new(sizeof(*r));

    signal(SIGPIPE, SIG_IGN);
    r->loop = loop_new();
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    loop_free(&r->loop);
    free(r);
    return 0;
}

static void on_end(void *arg, const struct process_end *end)
{
    struct rig *r = arg;

    r->told++;
    r->code = end->code;
    r->late = end->late;
    r->chatty = end->chatty;
    snprintf(r->output, sizeof(r->output), "%.*s", (int)end->output.n, end->output.n ? end->output.p : "");
    snprintf(r->text, sizeof(r->text), "%s", end->text);
    loop_stop(r->loop);
}

static void run(struct rig *r, const char *script, const char *input, size_t max_bytes, int64_t limit_ms)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const struct process_in in = {
        .argv = argv, .input = slice_of(input), .max_bytes = max_bytes, .limit_ms = limit_ms};

    assert_non_null(process_start(r->loop, &in, on_end, r));
    assert_int_equal(r->told, 0);
    loop_run(r->loop);
    assert_int_equal(r->told, 1);
}

static void test_speaks(void **state)
{
    /* Proves: a program gets its input whole, its output comes back whole, exit code 0 says no more. */
    struct rig *r = *state;

    run(r, "cat; echo done", "some input\n", 1024, 30000);
    assert_int_equal(r->code, 0);
    assert_string_equal(r->output, "some input\ndone\n");
    assert_string_equal(r->text, "");
}

static void test_fails(void **state)
{
    /* Proves: an exit code and a signal are told apart, in words too; unread input is no mistake. */
    struct rig *r = *state;
    char *much = mem_new(1024 * 1024 + 1);

    memset(much, 'x', 1024 * 1024);
    run(r, "exit 3", much, 1024, 30000);
    assert_int_equal(r->code, 3);
    assert_string_equal(r->text, "it ended with exit code 3");
    r->told = 0;
    run(r, "kill -SEGV $$", "", 1024, 30000);
    assert_int_equal(r->code, 128 + SIGSEGV);
    free(much);
}

static void test_bounded(void **state)
{
    /* Proves: a program that runs too long or says too much is killed, and which it was is told. */
    struct rig *r = *state;

    run(r, "exec sleep 600", "", 1024, 50);
    assert_int_equal(r->code, 128 + SIGKILL);
    assert_true(r->late && !r->chatty);
    assert_string_equal(r->text, "it took too long and was killed");
    r->told = 0;
    run(r, "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", "", 1024, 30000);
    assert_true(r->chatty && !r->late);
    assert_string_equal(r->text, "it said too much and was killed");
}

static void test_not_there(void **state)
{
    /* Proves: a program that is not there is told from the loop, with its name. */
    struct rig *r = *state;
    const char *const argv[] = {"/nonexistent/program", NULL};
    const struct process_in in = {.argv = argv, .max_bytes = 10, .limit_ms = 1000};

    assert_non_null(process_start(r->loop, &in, on_end, r));
    assert_int_equal(r->told, 0);
    loop_run(r->loop);
    assert_int_equal(r->code, -1);
    assert_non_null(strstr(r->text, "/nonexistent/program"));
}

static void test_stopped(void **state)
{
    /* Proves: after process_stop nothing is told, and nothing is left behind. */
    struct rig *r = *state;
    const char *const argv[] = {"/bin/sh", "-c", "exec sleep 600", NULL};
    const struct process_in in = {.argv = argv, .max_bytes = 10, .limit_ms = 600000};
    struct process *p = process_start(r->loop, &in, on_end, r);

    process_stop(&p);
    assert_null(p);
    process_stop(&p);
    loop_free(&r->loop);
    assert_int_equal(r->told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_speaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
