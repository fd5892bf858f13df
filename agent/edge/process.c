/* process.c - another program, run to its end. */
#include "edge/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/mem.h"

#define PIECE 4096

struct process {
    struct loop *loop;
    uv_process_t child;
    uv_pipe_t in, out;
    uv_write_t write;
    char *input;
    struct buf output;
    struct timer limit;
    struct process_end end;
    char piece[PIECE];
    bool exited, drained; /* it ended by either has been seen: both are waited for */
    int open;             /* handles that are not closed */
    process_fn *fn;       /* NULL: stopped, nobody is to be told */
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;

    if (--p->open == 0) {
        buf_done(&p->output);
        free(p->input);
        free(p);
    }
}

static void close_one(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_closed);
    }
}

static void close_all(struct process *p)
{
    timer_stop(&p->limit);
    close_one((uv_handle_t *)&p->in);
    close_one((uv_handle_t *)&p->out);
    close_one((uv_handle_t *)&p->child);
}

static void finish(struct process *p)
{
    process_fn *fn = p->fn;

    p->fn = NULL;
    if (fn) {
        p->end.output = buf_slice(&p->output);
        fn(p->arg, &p->end);
    }
    close_all(p);
}

static void finish_when_over(struct process *p)
{
    if (p->exited && p->drained) {
        finish(p);
    }
}

static void on_exit_status(uv_process_t *child, int64_t status, int signum)
{
    struct process *p = child->data;

    p->exited = true;
    p->end.code = signum ? 128 + signum : (int)status;
    if (p->end.late) {
        snprintf(p->end.text, sizeof(p->end.text), "it took too long and was killed");
    } else if (p->end.chatty) {
        snprintf(p->end.text, sizeof(p->end.text), "it said too much and was killed");
    } else if (signum) {
        snprintf(p->end.text, sizeof(p->end.text), "it was ended by signal %d", signum);
    } else if (status) {
        snprintf(p->end.text, sizeof(p->end.text), "it ended with exit code %d", (int)status);
    }
    finish_when_over(p);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    struct process *p = handle->data;

    (void)wanted;
    *ret = uv_buf_init(p->piece, sizeof(p->piece));
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct process *p = stream->data;

    if (n < 0) {
        uv_read_stop(stream);
        p->drained = true;
        finish_when_over(p);
        return;
    }
    buf_add(&p->output, bytes->base, (size_t)n);
    if (!buf_ok(&p->output) && !p->end.chatty) {
        p->end.chatty = true;
        uv_process_kill(&p->child, SIGKILL);
    }
}

/* The program may end without reading all of it: that is its own business. */
static void on_written(uv_write_t *write, int status)
{
    struct process *p = write->data;

    (void)status;
    close_one((uv_handle_t *)&p->in);
}

static void on_limit(struct timer *t)
{
    struct process *p = container_of(t, struct process, limit);

    p->end.late = true;
    uv_process_kill(&p->child, SIGKILL);
}

static void on_not_started(struct timer *t)
{
    finish(container_of(t, struct process, limit));
}

static int spawn(struct process *p, const struct process_in *in)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&p->in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->out},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    const uv_process_options_t options = {.file = in->argv[0],
                                          .args = (char **)in->argv,
                                          .exit_cb = on_exit_status,
                                          .stdio = stdio,
                                          .stdio_count = 3};

    return uv_spawn(loop_uv(p->loop), &p->child, &options);
}

static void feed(struct process *p, struct slice input)
{
    uv_buf_t bytes;

    p->input = mem_textn(input.n ? input.p : "", input.n);
    p->write.data = p;
    bytes = uv_buf_init(p->input, (unsigned)input.n);
    if (uv_write(&p->write, (uv_stream_t *)&p->in, &bytes, 1, on_written)) {
        close_one((uv_handle_t *)&p->in);
    }
}

struct process *process_start(struct loop *loop, const struct process_in *in, process_fn *fn, void *arg)
{
    struct process *p = mem_new(sizeof(*p));
    uv_loop_t *uv = loop_uv(loop);

    p->loop = loop;
    p->fn = fn;
    p->arg = arg;
    p->open = 3;
    p->child.data = p->in.data = p->out.data = p;
    buf_init(&p->output, in->max_bytes);
    uv_pipe_init(uv, &p->in, 0);
    uv_pipe_init(uv, &p->out, 0);
    int error = spawn(p, in);
    if (error) {
        p->end.code = -1;
        snprintf(p->end.text, sizeof(p->end.text), "%.80s cannot be started: %s", in->argv[0],
                 uv_strerror(error));
        timer_start(loop, &p->limit, 0, on_not_started);
        return p;
    }
    timer_start(loop, &p->limit, in->limit_ms, on_limit);
    uv_read_start((uv_stream_t *)&p->out, on_room, on_output);
    feed(p, in->input);
    return p;
}

void process_stop(struct process **pp)
{
    struct process *p = *pp;

    *pp = NULL;
    if (!p) {
        return;
    }
    p->fn = NULL;
    if (p->end.code != -1 && !p->exited) {
        uv_process_kill(&p->child, SIGKILL);
    }
    close_all(p);
}
