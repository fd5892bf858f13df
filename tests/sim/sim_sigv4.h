/* sim_sigv4.h - AWS Signature Version 4 as clients sign it: is this request signed by that secret? Checked
 * with nothing of the agent, so that its own signer is really put to the test. */
#ifndef SIM_SIGV4_H
#define SIM_SIGV4_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/http.h"

#define SIM_SIGV4_BODY_CHARS 64

/* The Authorization field taken apart; slices point into the request. Embedded. */
struct sim_sigv4 {
    struct slice access; /* the access key id */
    struct slice date;   /* 20260901 */
    struct slice region;
    struct slice service;
    struct slice headers; /* "host;x-amz-date" */
    struct slice signature;
    struct slice time; /* x-amz-date */
};

/* sim_sigv4_read - reads the request's Authorization field. Gives NULL, or what is wrong with it: no such
 * signature, an unsigned host, a time more than a quarter of an hour off. */
const char *sim_sigv4_read(const struct http_head *head, int64_t now_s, struct sim_sigv4 *ret);

/* What the signature is over, as far as the head does not say. */
struct sim_sigv4_request {
    const struct http_head *head;
    struct slice whole;  /* a part of the decoded path whose slashes may have been %2F on the wire */
    const char *body;    /* the body's SHA-256 in hex */
    const char *session; /* the session token that must come along, "" for none */
};

/* sim_sigv4_check - NULL when secret made the signature, else what is wrong. */
const char *sim_sigv4_check(const struct sim_sigv4 *s, const struct sim_sigv4_request *r, const char *secret);

#endif
