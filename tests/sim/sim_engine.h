/* sim_engine.h - a request in, an answer out. No sockets: the server around it moves the bytes.
 *
 *   head, body ─► sim_request ─► sim_engine_answer ─► sim_answer ─► server sends ─► sim_engine_end
 *                                  │ dialect: route, secret, fields, template
 *                                  │ faults:  header, prompt, orders
 *                                  └ memory:  jobs, replays, plans, counts */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include "sim_body.h"
#include "sim_count.h"
#include "sim_request.h"

/* How an answer ends. */
enum sim_end {
    SIM_END_WHOLE,
    SIM_END_LOST, /* not a byte is sent, the connection is closed */
    SIM_END_CUT,  /* closed in the middle of the body */
    SIM_END_RESET /* reset in the middle of the body */
};

struct sim_replay;

/* One answer. Embedded; sim_answer_init first, sim_engine_end last. */
struct sim_answer {
    int status;
    json_t *headers; /* name -> text; owned */
    struct sim_body body;
    uint64_t sent_at_most; /* of the body, for CUT and RESET */
    int64_t delay_ms;      /* before the first byte */
    int64_t slow_ms;       /* between tenths of the body */
    enum sim_end end;
    bool counted;
    struct sim_ticket ticket;
    char replay[17]; /* the idempotency record that is busy until this answer is out; "" when there is none */
};

void sim_answer_init(struct sim_answer *a);

struct sim_engine_options {
    const char *const *keys; /* NULL-ended: the secrets that are good; none: any */
    int64_t latency_ms;      /* before every answer */
    int64_t job_ms;          /* how long a job takes */
    uint64_t seed;           /* of ids and chances; 0: from the clock */
    const char *dialects;    /* a directory instead of the built-in ones; NULL: built-in */
};

struct sim_engine;

/* sim_engine_new - faults: CONFIG, BAD_VALUE (a dialect), IO. */
enum fault sim_engine_new(const struct sim_engine_options *options, struct sim_engine **ret,
                          struct note *note) MUSTCHECK;
void sim_engine_free(struct sim_engine **e);

/* sim_engine_configure - a configuration: {"latency_ms", "job_ms", "keys": [], "faults": [], "limits": []}.
 */
enum fault sim_engine_configure(struct sim_engine *e, const json_t *config, struct note *note) MUSTCHECK;

/* sim_engine_answer - fills a for a whole request. now: monotonic and Unix time in ms. */
void sim_engine_answer(struct sim_engine *e, const struct sim_request *r, int64_t now_ms, int64_t wall_ms,
                       struct sim_answer *a);

/* sim_engine_end - the answer is out (delivered), or never will be whole; empties a. */
void sim_engine_end(struct sim_engine *e, struct sim_answer *a, bool delivered);

#endif
