/* ask.c - exchanges with the agent. */
#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "cli/print.h"

#define ANSWER_MS 60000 /* an exchange of a few bytes: intake itself gives up after 10 s */

int ask_fault(struct cli *c, enum fault fault, const struct note *note)
{
    cli_fail(c, "%s", note_text(note, fault));
    if (fault == FAULT_NOT_FOUND) {
        fprintf(stderr, "start an agent, or name its socket with -s or SLUICE_SOCKET; `sluice dev` starts "
                        "one for trying things\n");
        return CLI_AWAY;
    }
    return CLI_FAILED;
}

int ask_refused(struct cli *c, const struct client_answer *answer)
{
    struct slice text = buf_slice(&answer->body);
    json_t *value = json_loadb(text.p, text.n, 0, NULL);
    const json_t *error = json_object_get(value, "error");

    if (json_is_object(error)) {
        print_failure(c, error);
        if (c->json) {
            print_json(value);
        }
        if (answer->later_ms > 0) {
            fprintf(stderr, "it may work again in %lld s\n", (long long)(answer->later_ms / 1000));
        }
    } else {
        cli_fail(c, "the agent answered with status %d: %.200s", answer->status, text.p);
    }
    json_decref(value);
    return CLI_FAILED;
}

static int read_value(struct cli *c, const struct client_answer *answer, json_t **ret_value)
{
    struct slice text = buf_slice(&answer->body);
    json_error_t error;

    *ret_value = text.n ? json_loadb(text.p, text.n, JSON_DECODE_ANY, &error) : NULL;
    if (text.n && !*ret_value) {
        return cli_fail(c, "the answer is no JSON: %s; is %s the socket of an agent?", error.text, c->socket);
    }
    return CLI_DONE;
}

int ask(struct cli *c, const struct client_request *request, json_t **ret_value)
{
    struct client_answer answer;
    struct note note = {0};
    enum fault fault = client_do(c->client, request, &answer, &note);
    int code = CLI_DONE;

    if (ret_value) {
        *ret_value = NULL;
    }
    if (fault) {
        code = ask_fault(c, fault, &note);
    } else if (answer.status < 200 || answer.status >= 300) {
        code = ask_refused(c, &answer);
    } else if (ret_value) {
        code = read_value(c, &answer, ret_value);
    }
    client_answer_done(&answer);
    return code;
}

int ask_get(struct cli *c, const char *path, json_t **ret_value)
{
    const struct client_request request = {.method = "GET", .path = path, .timeout_ms = ANSWER_MS};

    return ask(c, &request, ret_value);
}

int ask_post(struct cli *c, const char *path, const json_t *body, const char *const *headers,
             json_t **ret_value)
{
    AUTO(auto_free) char *text = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(16)) : NULL;
    const struct client_request request = {.method = "POST",
                                           .path = path,
                                           .headers = headers,
                                           .type = text ? "application/json" : NULL,
                                           .body = slice_of(text),
                                           .timeout_ms = ANSWER_MS};

    return ask(c, &request, ret_value);
}

char *ask_task_path(struct cli *c, const char *id, const char *rest)
{
    if (!id_valid(id)) {
        cli_usage(
            c, "\"%s\" is not the id of a task: that is what `sluice submit` prints and `sluice list` shows",
            id);
        return NULL;
    }
    return mem_printf("/v1/tasks/%s%s", id, rest);
}
