/* vendor_internal.h - what the files behind vendor.h share: URLs, answer heads, the multi handle on the loop,
 * one hop of a call. */
#ifndef EDGE_VENDOR_INTERNAL_H
#define EDGE_VENDOR_INTERNAL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/list.h"
#include "edge/vendor.h"

/* ---- vendor_url.c ---- */

/* Where a request goes. */
struct vendor_place {
    char *url;        /* as libcurl spells it */
    char host[256];   /* without brackets */
    char named[264];  /* the host with brackets when it is IPv6, as an operator's list spells it */
    char origin[288]; /* "https://host[:port]" */
    int port;
    bool https;
    bool numeric; /* host is an address */
};

/* vendor_url_place - false unless url is http or https with a plain ASCII host and no user info.
 * vendor_url_done releases it. */
bool vendor_url_place(const char *url, struct vendor_place *ret_place);
void vendor_url_done(struct vendor_place *place);

/* vendor_url_join - what a Location means on a page of base; NULL when it is no URL or too long. The caller
 * frees it. */
char *vendor_url_join(const char *base, const char *location);

/* ---- vendor_head.c ---- */

/* The head of an answer as it comes, line by line. Interim answers (1xx) are passed over, trailers are
 * ignored; all lines together are bounded by LIMIT_ANSWER_HEADER_BYTES. Embedded. */
struct vendor_head {
    struct buf text; /* name NUL value NUL … */
    size_t bytes;    /* of all lines so far */
    size_t count;
    int status;
    bool whole;
};

enum vendor_head_step { VENDOR_HEAD_MORE, VENDOR_HEAD_WHOLE, VENDOR_HEAD_BAD };

void vendor_head_init(struct vendor_head *h);
void vendor_head_done(struct vendor_head *h);
/* vendor_head_line - one line with or without its CRLF. WHOLE is given once, at the end of the final answer's
 * head. */
enum vendor_head_step vendor_head_line(struct vendor_head *h, struct slice line);
/* vendor_head_fields - count fields that point into h; the caller frees the array. */
struct vendor_field *vendor_head_fields(const struct vendor_head *h);
/* vendor_head_find - the first value of a lower-case name, or NULL. */
const char *vendor_head_find(const struct vendor_head *h, const char *name);

/* ---- vendor_multi.c ---- */

/* A connection pool and the transfers on it, driven by the loop. */
struct vendor_multi;

/* done: a transfer is over; its handle has been removed already. left: libcurl has returned and may be called
 * again. */
struct vendor_multi_events {
    void (*done)(void *call, CURLcode result);
    void (*left)(void *arg);
    void *arg;
};

struct vendor_multi *vendor_multi_new(struct loop *loop, int max_connections,
                                      const struct vendor_multi_events *events);
/* vendor_multi_free - every transfer must have been removed. */
void vendor_multi_free(struct vendor_multi **m);
/* vendor_multi_inside - libcurl is on the stack: only its callbacks may run, no handle may be added or
 * removed. */
bool vendor_multi_inside(const struct vendor_multi *m);
/* vendor_multi_add - done gets the CURLOPT_PRIVATE of easy. */
void vendor_multi_add(struct vendor_multi *m, CURL *easy);
void vendor_multi_remove(struct vendor_multi *m, CURL *easy);
/* vendor_multi_unpause - lets a transfer go on whose write callback gave CURL_WRITEFUNC_PAUSE; it may be over
 * when this returns. */
void vendor_multi_unpause(struct vendor_multi *m, CURL *easy);

/* ---- vendor.c ---- */

struct vendor {
    struct loop *loop;
    struct log *log;
    char *ca_file;
    char *proxy;
    char **allow;
    int max_connections;
    bool proxied;                  /* a proxy may be in use: names are its business */
    struct vendor_multi *pools[2]; /* trusted, guarded; made at first use */
    struct timer idle;
    struct list calls;
    struct list stopped; /* stopped while libcurl was on the stack, to be freed when it has returned */
};

/* One hop: a request to one URL. */
struct vendor_hop {
    CURL *easy;
    struct curl_slist *fields;
    struct curl_slist *pins;
    char error[CURL_ERROR_SIZE];
    long base; /* CURLINFO_REQUEST_SIZE when the request began: what a proxy was told before does not count */
    uint64_t place; /* in the body */
    int open_error; /* errno of the last socket that could not be opened */
    bool opened;    /* a socket was opened for this hop since the last request began */
    bool begun;     /* the request was let through */
    bool fresh;     /* on a connection of its own that no request was on before */
    bool forbidden; /* the guard refused an address */
    bool unguarded; /* the operator's list lets this host through */
};

struct vendor_call {
    struct list link;
    struct vendor *vendor;
    struct vendor_events events;
    bool (*before_send)(void *arg);
    void *arg;

    char *method;
    struct vendor_field *fields;
    size_t field_count;
    struct vendor_field *secrets;
    size_t secret_count;
    char *secret_origin;
    struct body *body; /* or, when it is short, */
    char *small;       /* its bytes */
    uint64_t body_bytes;
    bool has_body;
    int64_t timeout_ms;
    int64_t stall_ms;
    uint64_t max_bytes;
    bool media;
    bool guarded;
    bool insecure_ok;

    struct vendor_place where;
    struct vendor_hop hop;
    struct vendor_multi *pool;
    struct vendor_head head;
    char *next; /* where a redirect leads */
    int redirects;
    uint64_t resolving; /* token of loop_resolve */
    struct timer wake;  /* begins the first hop; resumes */
    struct timer watch; /* the deadline and the stall limit */
    int64_t started_ms;
    int64_t moved_ms; /* when the last byte went either way */
    uint64_t got_bytes;
    uint64_t skipped_bytes; /* of redirects' bodies */
    bool sent;              /* bytes of an earlier hop or try were written */
    bool answered;
    bool paused;
    bool held; /* libcurl holds bytes that came while paused */
    bool stopped;
    bool local;
    enum fault fault;
    char text[200];
};

/* vendor_call_fail - notes why the call ends; the first reason stands. Gives fault back. */
enum fault vendor_call_fail(struct vendor_call *c, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- vendor_hop.c ---- */

/* vendor_hop_start - sends c's request to c->where, whose host has these addresses (n 0: it is one, or a
 * proxy looks it up). Faults: CONFIG (a method or field that cannot be sent). */
enum fault vendor_hop_start(struct vendor_call *c, const char *const *addresses, int n) MUSTCHECK;
/* vendor_hop_done - removes and frees what the hop holds; harmless without one. Never while libcurl is on the
 * stack. */
void vendor_hop_done(struct vendor_call *c);
/* vendor_hop_wrote - whether bytes of this hop's request may have been written. */
bool vendor_hop_wrote(const struct vendor_call *c);
/* vendor_hop_blame - the fault of a libcurl result, with its text in c. */
enum fault vendor_hop_blame(struct vendor_call *c, CURLcode result);

#endif
