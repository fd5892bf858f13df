/* test_config.c - settings from defaults, file and environment, and what is said of mistakes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define FILE_NAME "sluice-test-config.yaml"

struct rig {
    char *file;
    struct buf told; /* "line:column text\n" for each complaint */
};

static int set_up(void **state)
{
    struct rig *r = mem_new(sizeof(*r));
    const char *tmp = getenv("TMPDIR");

    r->file = mem_printf("%s/%d-%s", tmp ? tmp : "/tmp", (int)getpid(), FILE_NAME);
    buf_init(&r->told, MIB);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    unlink(r->file);
    free(r->file);
    buf_done(&r->told);
    free(r);
    return 0;
}

static void write_bytes(const struct rig *r, const char *p, size_t n)
{
    FILE *f = fopen(r->file, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
}

static void complain(void *arg, const char *file, int line, int column, const char *text)
{
    struct rig *r = arg;

    assert_true(!strcmp(file, r->file) || !strcmp(file, "(defaults)") || !strcmp(file, "NEW"));
    buf_printf(&r->told, "%d:%d %s\n", line, column, text);
}

/* The configuration that text makes, or NULL; complaints are in told. */
static struct config *read_text(struct rig *r, const char *text)
{
    struct config *c = NULL;

    buf_reset(&r->told);
    buf_text(&r->told, "");
    if (text) {
        write_bytes(r, text, strlen(text));
    }
    enum fault fault = config_read(text ? r->file : NULL, complain, r, &c);
    assert_int_equal(fault, c ? FAULT_OK : FAULT_CONFIG);
    assert_true(!c == (r->told.n > 0));
    return c;
}

static void test_defaults(void **state)
{
    /* Proves: without a file and environment every setting has a default that passes its own check. */
    struct config *c = read_text(*state, NULL);

    assert_non_null(c);
    assert_null(c->file);
    assert_string_equal(c->app, "default");
    assert_string_equal(c->socket_path, "/run/sluice/agent.sock");
    assert_int_equal(c->roles.n, 2);
    assert_string_equal(c->roles.items[0], "ingress");
    assert_string_equal(c->roles.items[1], "execute");
    assert_null(c->roles.items[2]);
    assert_int_equal(c->allow_hosts.n, 0);
    assert_int_equal(c->deadline_ms, 3600000);
    assert_int_equal(c->max_body_bytes, 512ll << 20);
    assert_int_equal(c->replicas, 1);
    assert_false(c->allow_http);
    assert_int_equal(json_object_size(c->models), 0);
    assert_int_equal(json_object_size(c->keys), 0);
    config_free(&c);
    assert_null(c);
    config_free(&c);
}

static void test_empty_file(void **state)
{
    /* Proves: a file that says nothing is the defaults. */
    static const char *const texts[] = {"", "# only words\n", "---\n", "{}\n", "null\n"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config *c = read_text(*state, texts[i]);
        assert_non_null(c);
        assert_string_equal(c->app, "default");
        config_free(&c);
    }
}

static void test_file(void **state)
{
    /* Proves: each type is read from the forms that people write, plain, quoted or as YAML's own. */
    struct config *c = read_text(*state, "app: shop\n"
                                         "roles: [execute]\n"
                                         "admin: ''\n"
                                         "slots: 8\n"
                                         "poll_slots: \"9\"\n"
                                         "deadline: 90\n"
                                         "drain: 1500ms\n"
                                         "allow_http: true\n"
                                         "allow_hosts: a.example, b.example:8080\n"
                                         "lanes:\n  - fast\n  - slow\n"
                                         "spool: { dir: /var/spool/x, bytes: 1GiB }\n"
                                         "streams:\n  tasks_bytes: 2097152\n  media_age: 2d\n");

    assert_non_null(c);
    assert_string_equal(c->app, "shop");
    assert_int_equal(c->roles.n, 1);
    assert_string_equal(c->admin, "");
    assert_int_equal(c->slots, 8);
    assert_int_equal(c->poll_slots, 9);
    assert_int_equal(c->deadline_ms, 90000);
    assert_int_equal(c->drain_ms, 1500);
    assert_true(c->allow_http);
    assert_int_equal(c->allow_hosts.n, 2);
    assert_string_equal(c->allow_hosts.items[1], "b.example:8080");
    assert_int_equal(c->lanes.n, 2);
    assert_true(config_list_has(&c->lanes, "slow"));
    assert_false(config_list_has(&c->lanes, "slo"));
    assert_string_equal(c->spool_dir, "/var/spool/x");
    assert_int_equal(c->spool_bytes, 1ll << 30);
    assert_int_equal(c->max_bytes_tasks, 2097152);
    assert_int_equal(c->media_age_ms, 2ll * 24 * 3600 * 1000);
    assert_int_equal(c->max_bytes_results, 2ll << 30); /* beside settings of its group the default stays */
    config_free(&c);
}

static void test_environment(void **state)
{
    /* Proves: the environment wins over the file, and its mistakes are told too. */
    setenv("SLUICE_APP", "from-env", 1);
    setenv("SLUICE_NATS_URL", "nats://elsewhere:4222", 1);
    setenv("SLUICE_SOCKET_LIMITS_CONNECTIONS", "7", 1);
    struct config *c = read_text(*state, "app: from-file\nslots: 3\n");
    assert_non_null(c);
    assert_string_equal(c->app, "from-env");
    assert_string_equal(c->nats_url, "nats://elsewhere:4222");
    assert_int_equal(c->max_connections, 7);
    assert_int_equal(c->slots, 3);
    config_free(&c);
    setenv("SLUICE_SLOTS", "many", 1);
    c = read_text(*state, "");
    unsetenv("SLUICE_APP");
    unsetenv("SLUICE_NATS_URL");
    unsetenv("SLUICE_SOCKET_LIMITS_CONNECTIONS");
    unsetenv("SLUICE_SLOTS");
    assert_null(c);
    assert_string_equal(((struct rig *)*state)->told.p, "0:0 slots must be a number such as 64 (got many)\n");
}

static void test_mistakes(void **state)
{
    /* Proves: each mistake is told at its line and column, in words that name the setting. */
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"app: x\nslot: 3\n", "2:1 there is no setting slot; docs/configuration.md lists them all\n"},
        {"nats:\n  urls: x\n", "2:3 there is no setting nats.urls; docs/configuration.md lists them all\n"},
        {"nats: x\n", "1:1 nats must be a mapping of its settings, such as nats: { … }\n"},
        {"slots: many\n", "1:1 slots must be a number such as 64 (got many)\n"},
        {"slots: 0\n", "1:1 slots must be 1 to 4096 (got 0)\n"},
        {"slots: 4097\n", "1:1 slots must be 1 to 4096 (got 4097)\n"},
        {"slots: 1.5\n", "1:1 slots must be a number\n"},
        {"slots: 12abc\n", "1:1 slots must be a number such as 64 (got 12abc)\n"},
        {"slots: 99999999999999999999\n", NULL},
        {"slots: [1]\n", "1:1 slots must be a number\n"},
        {"slots:\n", "1:1 slots must be a number\n"},
        {"app: ''\n", "1:1 app must be 1 to 64 chars (got )\n"},
        {"deadline: soon\n", "1:1 deadline must be a duration such as 1h (got soon)\n"},
        {"deadline: 8d\n", "1:1 deadline must be 1000 to 604800000 ms (got 8d)\n"},
        {"deadline: -5s\n", "1:1 deadline must be a duration such as 1h (got -5s)\n"},
        {"spool: { bytes: lots }\n", "1:10 spool.bytes must be a bytes such as 2GiB (got lots)\n"},
        {"spool: { bytes: 1KiB }\n", "1:10 spool.bytes must be 1048576 to 1099511627776 bytes (got 1KiB)\n"},
        {"allow_http: yes\n", "1:1 allow_http must be true or false (got yes)\n"},
        {"allow_http: 1\n", "1:1 allow_http must be true or false (got 1)\n"},
        {"roles: []\n", "1:1 roles must be 1 to 2 items (got a list of another length)\n"},
        {"roles: [a, b, c]\n", "1:1 roles must be 1 to 2 items (got a list of another length)\n"},
        {"roles: a,b,c\n", "1:1 roles must be 1 to 2 items (got a,b,c)\n"},
        {"roles: [ingress, 5]\n", "1:1 roles must be a list of texts\n"},
        {"roles: { a: b }\n", "1:1 roles must be a list\n"},
        {"app: x\nroles: [worker]\n", "2:1 there is no role worker; there are ingress and execute\n"},
        {"app: a.b\n", "1:1 app must be 1 to 64 of letters, digits, _ and - (got a.b)\n"},
        {"lanes: [a, 'b c']\n", "1:1 a lane must be 1 to 64 of letters, digits, _ and - (got b c)\n"},
        {"log_level: loud\n", "1:1 log_level must be debug, info, warn or error (got loud)\n"},
        {"socket_mode: '0888'\n", "1:1 socket_mode must be octal digits such as 0660 (got 0888)\n"},
        {"- a\n", "1:1 a configuration is a mapping of settings\n"},
        {"app: x\n  bad: y\n", NULL},
        {"app: x\napp: y\n", NULL},
        {"slots: 0\napp: ''\n",
         "1:1 slots must be 1 to 4096 (got 0)\n2:1 app must be 1 to 64 chars (got )\n"},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = read_text(r, rows[i].text);
        if (c || (rows[i].told && strcmp(r->told.p, rows[i].told) != 0)) {
            fail_msg("row %zu: %s", i, r->told.p);
        }
    }
}

static void test_no_yaml(void **state)
{
    /* Proves: a file that is no YAML is told once, where it breaks, without the place in the words again. */
    struct rig *r = *state;

    assert_null(read_text(r, "app: x\nslots: [1, 2\nlanes: a\n"));
    assert_true(slice_starts(buf_slice(&r->told), "3:"));
    assert_null(strstr(r->told.p, "line "));
    assert_ptr_equal(strchr(r->told.p, '\n'), r->told.p + r->told.n - 1);
}

static void test_no_file(void **state)
{
    /* Proves: a file that cannot be read, or is too large to be one, is told with the reason. */
    struct rig *r = *state;
    struct config *c = NULL;

    assert_int_equal(config_read(r->file, complain, r, &c), FAULT_CONFIG);
    assert_string_equal(r->told.p, "0:0 cannot be read: No such file or directory\n");
    char *much = mem_new(LIMIT_FILE_BYTES + 2);
    memset(much, '#', LIMIT_FILE_BYTES + 1);
    assert_null(read_text(r, much));
    assert_string_equal(r->told.p, "0:0 cannot be read: File too large\n");
    free(much);
    assert_int_equal(config_read("/nonexistent", NULL, NULL, &c), FAULT_CONFIG);
}

static void test_models(void **state)
{
    /* Proves: models and keys are kept as written once they are right. */
    struct config *c =
        read_text(*state, "models:\n"
                          "  flux: { adapter: fal, model: fal-ai/flux/dev, key: main, lane: fast, deadline: "
                          "10m, base: 'http://x' }\n"
                          "  sora-2: { adapter: openai-videos, deadline: 600, model: 4 }\n"
                          "keys:\n"
                          "  main: [{ id: a, env: FAL_KEY }, { id: b, file: /run/secrets/fal }]\n");

    assert_non_null(c);
    assert_int_equal(json_object_size(c->models), 2);
    assert_string_equal(json_string_value(json_object_get(json_object_get(c->models, "flux"), "lane")),
                        "fast");
    const json_t *sora = json_object_get(c->models, "sora-2");
    assert_string_equal(json_string_value(json_object_get(sora, "deadline")), "600");
    assert_string_equal(json_string_value(json_object_get(sora, "model")), "4");
    assert_int_equal(json_array_size(json_object_get(c->keys, "main")), 2);
    config_free(&c);
}

static void test_model_mistakes(void **state)
{
    /* Proves: mistakes in models and keys are told at the model, key or member that is wrong. */
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"models: [a]\n", "1:1 models must be a mapping of at most 1024 models\n"},
        {"models:\n  a: fal\n", "2:3 model a needs `adapter: NAME`\n"},
        {"models:\n  a: { model: x }\n", "2:3 model a needs `adapter: NAME`\n"},
        {"models:\n  a:\n    adapter: fal\n    vendor: x\n", "4:5 a model has no member vendor\n"},
        {"models:\n  a:\n    adapter: fal\n    base: [x]\n", "4:5 base must be a text\n"},
        {"models:\n  a: { adapter: fal, lane: 'a b' }\n",
         "2:3 lane a b: 1 to 64 of letters, digits, _ and -\n"},
        {"models:\n  a: { adapter: fal, deadline: 8d }\n", "2:3 deadline must be 1s to 7d (got 8d)\n"},
        {"models:\n  a: { adapter: fal, options: [x] }\n",
         "2:22 options must be a mapping from an option's name to a text\n"},
        {"models:\n  a: { adapter: fal, options: { x: [1] } }\n", "2:22 option x must be a text\n"},
        {"models:\n  a: { adapter: fal, unsupported: maybe }\n",
         "2:3 unsupported must be ignore or reject (got maybe)\n"},
        {"models:\n  a: { adapter: fal, deadline: 10ms }\n", "2:3 deadline must be 1s to 7d (got 10ms)\n"},
        {"models:\n  a: { adapter: fal, deadline: 0 }\n", "2:3 deadline must be 1s to 7d (got 0)\n"},
        {"models:\n  '': { adapter: fal }\n", "2:3 a model's name has 1 to 64 chars\n"},
        {"keys: [a]\n", "1:1 keys must be a mapping from a pool's name to a list of keys\n"},
        {"keys:\n  main: []\n", "2:3 pool main must be a list of keys\n"},
        {"keys:\n  main: { id: a }\n", "2:3 pool main must be a list of keys\n"},
        {"keys:\n  main:\n    - { id: a }\n",
         "3:7 a key of pool main needs `id: NAME` and one of `env: VARIABLE` and `file: PATH`\n"},
        {"keys:\n  main:\n    - { id: a, env: X }\n    - { id: b, env: X, file: y }\n",
         "4:7 a key of pool main needs `id: NAME` and one of `env: VARIABLE` and `file: PATH`\n"},
        {"keys:\n  main:\n    - { id: 'a b', env: X }\n",
         "3:7 a key of pool main needs `id: NAME` and one of `env: VARIABLE` and `file: PATH`\n"},
        {"keys:\n  main:\n    - { id: a, env: X, secret: s }\n", "3:24 a key has no member secret\n"},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = read_text(r, rows[i].text);
        if (c || strcmp(r->told.p, rows[i].told) != 0) {
            fail_msg("row %zu: %s", i, r->told.p);
        }
    }
}

static void test_changed_models(void **state)
{
    /* Proves: models that were changed while running go over those of the file, null takes one away, and a
     * mistake in them is told in their own text and changes nothing. */
    struct rig *r = *state;
    struct config *c = read_text(r, "models:\n  a: { adapter: x }\n  b: { adapter: x }\n");
    struct config *d = read_text(r, "models:\n  a: { adapter: x }\n");

    assert_int_equal(config_change_models(c, "NEW", slice_of("b: null\nc: { adapter: y }\n"), complain, r),
                     FAULT_OK);
    assert_non_null(json_object_get(c->models, "a"));
    assert_null(json_object_get(c->models, "b"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(c->models, "c"), "adapter")), "y");
    assert_int_equal(config_change_models(d, "NEW", slice_of("\nz:\n  adaptor: y\n"), complain, r),
                     FAULT_CONFIG);
    assert_string_equal(r->told.p, "2:1 model z needs `adapter: NAME`\n");
    assert_int_equal(json_object_size(d->models), 1);
    buf_reset(&r->told);
    assert_int_equal(config_change_models(d, "NEW", slice_of("- z\n"), complain, r), FAULT_CONFIG);
    assert_string_equal(r->told.p, "1:1 must be a mapping from a model's name to the model, or to null\n");
    assert_int_equal(config_change_models(d, "NEW", slice_of("a: [\n"), NULL, NULL), FAULT_CONFIG);
    config_free(&c);
    config_free(&d);
}

static void test_read_text(void **state)
{
    /* Proves: a small file is read whole, trimmed of line ends only when asked, and not at all when it is too
     * large. */
    const struct rig *r = *state;

    write_bytes(r, "secret \r\n\n", 10);
    char *text = config_read_text(r->file, true);
    assert_string_equal(text, "secret ");
    free(text);
    text = config_read_text(r->file, false);
    assert_string_equal(text, "secret \r\n\n");
    free(text);
    write_bytes(r, "\n", 1);
    text = config_read_text(r->file, true);
    assert_string_equal(text, "");
    free(text);
    assert_null(config_read_text("/", false));
}

static void test_rows(void **state)
{
    /* Proves: the table for documentation has every setting with the environment variable that the reader
     * obeys. */
    json_t *rows = config_rows(), *row;
    size_t i;
    bool found = false;

    (void)state;
    assert_true(json_array_size(rows) > 30);
    json_array_foreach(rows, i, row)
    {
        const char *path = json_string_value(json_object_get(row, "path"));
        assert_true(*json_string_value(json_object_get(row, "text")));
        if (!strcmp(path, "socket_limits.in_flight")) {
            found = true;
            assert_string_equal(json_string_value(json_object_get(row, "env")),
                                "SLUICE_SOCKET_LIMITS_IN_FLIGHT");
            assert_string_equal(json_string_value(json_object_get(row, "type")), "number");
        }
    }
    assert_true(found);
    json_decref(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_yaml, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_models, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_model_mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_models, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_text, set_up, tear_down),
        cmocka_unit_test(test_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
