/* client.h - an HTTP client of the agent's Unix socket: what the commands use. Blocks; for programs of one
 * thread. */
#ifndef EDGE_CLIENT_H
#define EDGE_CLIENT_H

#include <stdint.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

/* An answer that is kept is not larger. */
#define CLIENT_BODY_BYTES (64u << 20)

struct client;

/* The answer's bytes as they come; false ends the exchange. */
typedef bool client_data_fn(void *arg, struct slice bytes);
/* Called about once a second while an exchange is under way; false ends it. */
typedef bool client_tick_fn(void *arg);

/* Everything is borrowed for the time of the call. */
struct client_request {
    const char *method;         /* "GET", … */
    const char *path;           /* "/v1/tasks?limit=5": escaped already */
    const char *const *headers; /* "Name: value", NULL-ended; or NULL */
    const char *type;           /* Content-Type of the body; NULL: there is none */
    struct slice body;
    FILE *file;           /* sent from where it stands to its end, instead of body; or NULL */
    client_data_fn *data; /* gets the bytes of an answer with status 2xx; NULL: they are kept */
    client_tick_fn *tick; /* or NULL */
    void *arg;
    int64_t timeout_ms; /* for everything; 0: none */
};

/* An answer with whatever status. Embedded; client_answer_done releases it. */
struct client_answer {
    int status;
    char type[128];   /* Content-Type, "" when there is none */
    int64_t later_ms; /* Retry-After, -1: none */
    struct buf body;  /* unless data took it */
};

/* client_new - for the socket at path, which is not looked at yet. */
struct client *client_new(const char *path);
void client_free(struct client **c);

/* client_do - one exchange; the connection is kept for the next. Faults: NOT_FOUND (nobody answers at the
 * socket: nothing was sent, or no byte of an answer came within the time; the note says why), IO (the
 * exchange broke off midway, or file cannot be read), TOO_LARGE (the answer), CANCELLED (data or tick said
 * so). ret_answer is to be released in any case. */
enum fault client_do(struct client *c, const struct client_request *request, struct client_answer *ret_answer,
                     struct note *note) MUSTCHECK;
void client_answer_done(struct client_answer *answer);

/* client_escape - text percent-encoded for a path segment or a query's value; the caller frees it. */
char *client_escape(const char *text);

#endif
