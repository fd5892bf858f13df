/* vendor_probe.h - what the tests of vendor.h share: the misbehaving vendor as a process, and a call with all
 * that came of it. */
#ifndef UNIT_VENDOR_PROBE_H
#define UNIT_VENDOR_PROBE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "edge/vendor.h"

#define PATIENCE_MS 60000

/* ---- the vendor, a process of its own ---- */

struct world {
    pid_t pid;
    int stdin_fd;
    int http, https, refuse, drop, nobody;
    char ca[128];
    struct loop *loop;
    struct vendor *vendor;
};

static struct world world;

static inline int start_server(void **state)
{
    int in[2], out[2];
    char line[256] = "", file[] = __FILE__;
    char script[300];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    unsetenv("http_proxy"), unsetenv("https_proxy"), unsetenv("HTTPS_PROXY"), unsetenv("all_proxy"),
        unsetenv("ALL_PROXY");
    snprintf(script, sizeof(script), "%s/vendor_server.py", dirname(file));
    if (pipe(in) || pipe(out)) {
        return -1;
    }
    world.pid = fork();
    if (world.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("python3", "python3", script, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    world.stdin_fd = in[1];
    fcntl(in[1], F_SETFD, FD_CLOEXEC);
    FILE *f = fdopen(out[0], "r");
    bool ok = f && fgets(line, sizeof(line), f) &&
              sscanf(line, "%d %d %d %d %d %127s", &world.http, &world.https, &world.refuse, &world.drop,
                     &world.nobody, world.ca) == 6;
    fclose(f);
    return ok ? 0 : -1;
}

static inline int stop_server(void **state)
{
    (void)state;
    close(world.stdin_fd);
    waitpid(world.pid, NULL, 0);
    return 0;
}

static const char *const allowed[] = {"127.0.0.1", NULL};

static inline int setup(void **state)
{
    (void)state;
    world.loop = loop_new();
    world.vendor =
        vendor_new(world.loop, NULL, &(struct vendor_options){.ca_file = world.ca, .allow = allowed});
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    vendor_free(&world.vendor);
    loop_free(&world.loop);
    assert_null(world.vendor);
    return 0;
}

/* ---- one call and what came of it ---- */

struct probe {
    struct vendor_call *call;
    int heads, datas, ends;
    int status;
    struct buf fields; /* "name=value\n" */
    struct buf body;
    struct vendor_end end;
    enum fault head_fault, data_fault;
    bool pause_once, pause_always, stop_in_head, stop_in_data, stop_in_ask, deny;
    int asked;
    uint64_t bytes;
    struct probe *victim; /* stopped with the stop flags instead of this one */
    int *left;            /* counted down at the end; the loop stops at 0 */
    enum vendor_progress stopped;
    int stops;
};

static inline void on_patience(struct timer *t)
{
    (void)t;
    fail_msg("%s", "nothing happened for a minute");
}

static inline void spin(void)
{
    struct timer patience = {0};

    timer_start(world.loop, &patience, PATIENCE_MS, on_patience);
    loop_run(world.loop);
    timer_stop(&patience);
}

static inline void on_pause_over(struct timer *t)
{
    (void)t;
    loop_stop(world.loop);
}

/* Lets the loop run for a while. */
static inline void wait_ms(int64_t ms)
{
    struct timer t = {0};

    timer_start(world.loop, &t, ms, on_pause_over);
    spin();
    timer_stop(&t);
}

/* Lets the loop run until *counter is not 0. */
static inline void wait_for(const int *counter)
{
    for (int64_t waited = 0; !*counter && waited < PATIENCE_MS; waited += 5) {
        wait_ms(5);
    }
    assert_true(*counter);
}

static inline void probe_stop(struct probe *p)
{
    struct probe *victim = p->victim ? p->victim : p;

    if (victim->call) {
        victim->stopped = vendor_call_stop(&victim->call);
        victim->stops++;
        assert_null(victim->call);
    }
}

static inline enum fault on_head(void *arg, int status, const struct vendor_field *fields, size_t n)
{
    struct probe *p = arg;

    p->heads++;
    p->status = status;
    for (size_t i = 0; i < n; i++) {
        buf_printf(&p->fields, "%s=%s\n", fields[i].name, fields[i].value);
    }
    if (p->stop_in_head) {
        probe_stop(p);
    }
    return p->head_fault;
}

static inline enum fault on_data(void *arg, struct slice bytes, bool *pause)
{
    struct probe *p = arg;

    assert_false(*pause);
    p->datas++;
    p->bytes += bytes.n;
    if (p->body.n + bytes.n <= p->body.max) {
        buf_add(&p->body, bytes.p, bytes.n);
    }
    *pause = p->pause_always || p->pause_once;
    p->pause_once = false;
    if (p->stop_in_data) {
        probe_stop(p);
    }
    return p->data_fault;
}

static inline void on_end(void *arg, const struct vendor_end *end)
{
    struct probe *p = arg;

    p->ends++;
    p->end = *end;
    p->call = NULL;
    if (p->left && --*p->left == 0) {
        loop_stop(world.loop);
    }
}

static inline bool on_ask(void *arg)
{
    struct probe *p = arg;

    p->asked++;
    assert_int_equal(p->ends, 0);
    if (p->stop_in_ask) {
        probe_stop(p);
    }
    return !p->deny;
}

static const struct vendor_events events = {.head = on_head, .data = on_data, .end = on_end};

static inline void probe_init(struct probe *p)
{
    *p = (struct probe){0};
    buf_init(&p->fields, MIB);
    buf_init(&p->body, MIB);
}

static inline void probe_done(struct probe *p)
{
    buf_done(&p->fields);
    buf_done(&p->body);
}

static inline struct vendor_request request_to(const char *url)
{
    return (struct vendor_request){
        .method = "GET", .url = url, .timeout_ms = 20000, .max_bytes = 1000000000, .insecure_ok = true};
}

static inline void start(struct probe *p, struct vendor_request r)
{
    p->call = vendor_call_start(world.vendor, &r, &events, on_ask, p);
    assert_non_null(p->call);
}

/* Starts r and runs the loop until it has ended. */
static inline void run(struct probe *p, struct vendor_request r)
{
    int left = 1;

    p->left = &left;
    start(p, r);
    assert_int_equal(p->ends, 0);
    spin();
    p->left = NULL;
    assert_int_equal(p->ends, 1);
}

static inline const char *text_of(struct buf *b)
{
    return b->n ? b->p : "";
}

static char url_text[LIMIT_URL_BYTES];

static inline const char *url(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline const char *url(const char *format, ...)
{
    va_list ap;
    int n = snprintf(url_text, sizeof(url_text), "http://127.0.0.1:%d", world.http);

    va_start(ap, format);
    vsnprintf(url_text + n, sizeof(url_text) - (size_t)n, format, ap);
    va_end(ap);
    return url_text;
}

/* How often the vendor has met name. */
static inline int hits(const char *name)
{
    struct probe p;

    probe_init(&p);
    struct vendor_request r = request_to(url("/hits/%s", name));
    r.guarded = true; /* on connections of its own */
    run(&p, r);
    assert_int_equal(p.end.fault, FAULT_OK);
    int n = (int)strtol(text_of(&p.body), NULL, 10);
    probe_done(&p);
    return n;
}

static inline struct body *body_of(const char *text)
{
    struct body *b = body_new();

    body_add_text(b, slice_of(text));
    return b;
}

/* A body of n bytes of text. */
static inline struct body *body_long(size_t n)
{
    struct body *b = body_new();
    char *text = mem_new(n);

    memset(text, 'b', n);
    body_add_text(b, (struct slice){text, n});
    free(text);
    return b;
}

static inline void check_end(const struct probe *p, enum fault fault, enum vendor_progress progress,
                             int status)
{
    if (p->end.fault != fault || p->end.progress != progress || p->end.status != status) {
        fail_msg("fault %s progress %d status %d: %s", fault_code(p->end.fault), p->end.progress,
                 p->end.status, p->end.text);
    }
    assert_int_equal(p->ends, 1);
}

static const struct vendor_field secrets[] = {{"Authorization", "Bearer sk-geheim"},
                                              {"X-Session", "id-geheim"}};

static inline struct vendor_request request_media(const char *text)
{
    struct vendor_request r = request_to(text);

    r.media = true;
    r.secrets = secrets;
    r.secret_count = 2;
    return r;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
