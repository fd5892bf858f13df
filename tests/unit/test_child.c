/* test_child.c - the programs that `sluice dev` runs, and the files it writes for them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "base/mem.h"
#include "cli/child.h"
#include "cli/dev_files.h"
#include "app/places.h"

#define PATIENCE_MS 30000

struct rig {
    char folder[64];
    char *log;
};

static int set_up(void **state)
{
    struct rig *r = mem_new(sizeof(*r));

    snprintf(r->folder, sizeof(r->folder), "/tmp/sluice-test-child-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    r->log = mem_printf("%s/x.log", r->folder);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"x.log", "x.log.old", "a.port", "a.yaml", "b/c",
                                        "b",     "fal.yaml",  "tool",   ""};
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *path = mem_printf("%s/%s", r->folder, names[i]);
        remove(path);
        free(path);
    }
    free(r->log);
    free(r);
    return 0;
}

static void start_shell(struct child *child, const struct rig *r, const char *script)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};

    assert_true(child_start(child, "shell", argv, r->log));
    assert_true(child->pid > 0);
}

static void wait_for_end(struct child *child)
{
    for (int i = 0; child_alive(child); i++) {
        assert_true(i < PATIENCE_MS);
        usleep(1000);
    }
}

/* The log as soon as it has text. */
static char *wait_for_log(const struct rig *r)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        char *text = config_read_text(r->log, true);
        if (text && *text) {
            return text;
        }
        free(text);
        usleep(1000);
    }
    fail_msg("nothing was logged");
    return NULL;
}

static void test_end(void **state)
{
    /* Proves: a child's two outputs are in its log, its input is empty, and how it ended is told. */
    const struct rig *r = *state;
    struct child child;

    start_shell(&child, r, "echo out; echo err >&2; cat; exit 3");
    wait_for_end(&child);
    assert_int_equal(child.status, 3);
    assert_int_equal(child.pid, 0);
    assert_false(child_alive(&child));
    char *text = config_read_text(r->log, true);
    assert_string_equal(text, "out\nerr");
    free(text);
    start_shell(&child, r, "kill -9 $$");
    wait_for_end(&child);
    assert_int_equal(child.status, 128 + 9);
    char *old = mem_printf("%s.old", r->log);
    text = config_read_text(old, true);
    assert_string_equal(text, "out\nerr");
    free(text);
    free(old);
}

static void test_stop(void **state)
{
    /* Proves: a child is asked to end, and ended when it does not; stopping one that has ended does nothing.
     */
    const struct rig *r = *state;
    struct child child;

    start_shell(&child, r, "trap 'echo asked; exit 5' TERM; echo up; while :; do sleep 0.05; done");
    free(wait_for_log(r));
    child_stop(&child, PATIENCE_MS);
    assert_int_equal(child.status, 5);
    child_stop(&child, PATIENCE_MS);
    assert_int_equal(child.status, 5);
    start_shell(&child, r, "trap '' TERM; echo up; while :; do sleep 0.05; done");
    free(wait_for_log(r));
    child_stop(&child, 100);
    assert_int_equal(child.status, 128 + 9);
}

static void test_start_fails(void **state)
{
    /* Proves: a program that is not there ends with a status and a word in the log; a log that cannot be
     * written starts nothing. */
    const struct rig *r = *state;
    const char *const argv[] = {"/nonexistent/program", NULL};
    struct child child;

    assert_true(child_start(&child, "none", argv, r->log));
    wait_for_end(&child);
    assert_int_equal(child.status, 127);
    char *text = config_read_text(r->log, true);
    assert_non_null(strstr(text, "/nonexistent/program cannot be run"));
    free(text);
    assert_false(child_start(&child, "none", argv, "/nonexistent/x.log"));
    assert_int_equal(errno, ENOENT);
}

static void test_group(void **state)
{
    /* Proves: a child is in a process group of its own, where Ctrl-C on the terminal does not reach it. */
    const struct rig *r = *state;
    struct child child;

    start_shell(&child, r, "echo up; exec sleep 60");
    free(wait_for_log(r));
    assert_int_equal(getpgid(child.pid), child.pid);
    child_stop(&child, PATIENCE_MS);
    assert_int_equal(child.status, 128 + SIGTERM);
}

static void test_files(void **state)
{
    /* Proves: files are for their owner only and whole; a port that is none is 0; folders are made with those
     * above. */
    const struct rig *r = *state;
    char *path = mem_printf("%s/a.port", r->folder), *deep = mem_printf("%s/b/c", r->folder);
    struct stat st;

    assert_true(dev_files_write(r->folder, "a.port", "4222\n"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(dev_files_port(r->folder, "a.port"), 4222);
    assert_true(dev_files_write(r->folder, "a.port", "70000"));
    assert_int_equal(dev_files_port(r->folder, "a.port"), 0);
    assert_true(dev_files_write(r->folder, "a.port", "none"));
    assert_int_equal(dev_files_port(r->folder, "a.port"), 0);
    assert_int_equal(dev_files_port(r->folder, "b.port"), 0);
    assert_false(dev_files_write("/nonexistent", "x", "y"));
    assert_true(dev_files_make(deep));
    assert_true(dev_files_make(deep));
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_false(dev_files_make("/dev/null/x"));
    free(path);
    free(deep);
}

static void complain(void *arg, const char *file, int line, int column, const char *text)
{
    (void)arg;
    fail_msg("%s:%d:%d: %s", file, line, column, text);
}

static void test_config(void **state)
{
    /* Proves: the generated configuration is one, whatever stands in the folder's name. */
    const struct rig *r = *state;
    char adapters[] = "/usr/share/adap\"ters: #1";
    struct dev_files f = {
        .folder = "/tmp/a \"b\" \\c: {d}", .adapters = adapters, .nats_port = 4222, .sim_port = 9000};
    char *text = dev_files_config(&f), *path = mem_printf("%s/a.yaml", r->folder);
    struct config *c = NULL;

    assert_true(dev_files_write(r->folder, "a.yaml", text));
    assert_int_equal(config_read(path, complain, NULL, &c), FAULT_OK);
    assert_string_equal(c->socket_path, "/tmp/a \"b\" \\c: {d}/agent.sock");
    assert_string_equal(c->spool_dir, "/tmp/a \"b\" \\c: {d}/spool");
    assert_string_equal(c->adapters.items[0], adapters);
    assert_string_equal(c->nats_url, "nats://127.0.0.1:4222");
    assert_string_equal(c->allow_hosts.items[0], "127.0.0.1:9000");
    assert_true(c->allow_http);
    assert_int_equal(json_object_size(c->models), 7);
    config_free(&c);
    free(text);
    free(path);
}

static void test_default_folder(void **state)
{
    /* Proves: the state folder follows the XDG variables, then HOME, and an empty or relative one is none. */
    static const struct {
        const char *state, *home, *folder;
    } rows[] = {
        {"/s", "/h", "/s/sluice"},
        {NULL, "/h", "/h/.local/state/sluice"},
        {"s", "/h", "/h/.local/state/sluice"},
        {"", "/h", "/h/.local/state/sluice"},
        {NULL, NULL, NULL},
        {NULL, "h", NULL},
    };
    char *home = mem_text(getenv("HOME")), *before = mem_text(getenv("XDG_STATE_HOME"));

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsetenv("XDG_STATE_HOME");
        unsetenv("HOME");
        if (rows[i].state) {
            setenv("XDG_STATE_HOME", rows[i].state, 1);
        }
        if (rows[i].home) {
            setenv("HOME", rows[i].home, 1);
        }
        char *folder = dev_files_default();
        assert_true(!folder == !rows[i].folder && (!folder || !strcmp(folder, rows[i].folder)));
        free(folder);
    }
    setenv("HOME", home ? home : "/", 1);
    if (before) {
        setenv("XDG_STATE_HOME", before, 1);
    }
    free(home);
    free(before);
}

static void test_places(void **state)
{
    /* Proves: programs are found on the PATH, adapters by name in a folder or by their file, and what is
     * nowhere is NULL. */
    const struct rig *r = *state;
    char *path = mem_text(getenv("PATH")), *tool = mem_printf("%s/tool", r->folder);
    char *list = mem_printf("/nonexistent::%s", r->folder), *file = mem_printf("%s/fal.yaml", r->folder);

    assert_true(dev_files_write(r->folder, "tool", "#!/bin/sh\n"));
    assert_true(dev_files_write(r->folder, "fal.yaml", "adapter: fal\n"));
    setenv("PATH", list, 1);
    assert_null(places_program("tool")); /* not executable */
    chmod(tool, 0700);
    char *found = places_program("tool");
    assert_string_equal(found, tool);
    free(found);
    assert_null(places_program("no-such-tool"));
    setenv("PATH", path ? path : "/bin", 1);
    found = places_adapter("fal", r->folder);
    assert_string_equal(found, file);
    free(found);
    found = places_adapter(file, "/nonexistent");
    assert_string_equal(found, file);
    free(found);
    assert_null(places_adapter("nope", r->folder));
    setenv("SLUICE_ADAPTERS", list, 1);
    found = places_adapters();
    assert_string_equal(found, list);
    free(found);
    unsetenv("SLUICE_ADAPTERS");
    free(path);
    free(tool);
    free(list);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_start_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_config, set_up, tear_down),
        cmocka_unit_test(test_default_folder),
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
