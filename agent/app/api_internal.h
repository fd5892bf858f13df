/* api_internal.h - what the files of the API share: a call, which is one HTTP request.
 *
 *   api.c         routes; a call's life
 *   api_reply.c   answers: values, faults, how a task failed
 *   api_body.c    how a request's body arrives
 *   api_submit.c  from a body to an accepted task to its end
 *   api_stream.c  answers that carry media
 *   api_serve.c   one medium as an answer: ranges, conditions
 *   api_tasks.c, api_events.c, api_media.c, api_images.c, api_videos.c, api_speech.c, api_chat.c,
 * api_models.c the endpoints
 *
 * A client may leave at any moment, so `req` is NULL from then on. Callbacks that can be stopped are stopped;
 * the others are counted: `api_ask(call)` is given as their argument and `api_back(arg)` takes it back, NULL
 * when nobody waits for the answer any more. */
#ifndef APP_API_INTERNAL_H
#define APP_API_INTERNAL_H

#include "app/api.h"
#include "app/api_body.h"
#include "base/list.h"
#include "core/openai.h"

#define API_FIELDS 8

struct api_call;
struct api_stream;
struct api_events;
struct rpc;

/* Does what the request asks for, once it is whole. */
typedef void api_handler_fn(struct api_call *c);

struct api_route {
    const char *method;
    const char *pattern; /* {id}, {digest}, {n}: one segment; {id...} at the end: all that is left */
    api_handler_fn *handler;
    enum api_body_takes takes;
    const char *query; /* the parameters it knows, between commas */
};

/* Every call of a socket, and what they work with. */
struct api {
    struct parts *parts;
    struct intake *intake;
    struct deliver *deliver;
    struct front *front;
    struct rpc *rpc;
    struct list calls;
    struct api_body_room room;
    int64_t started_ms; /* Unix ms */
    bool draining;
};

/* A header field of the answer. */
struct api_field {
    char name[32];
    char value[128];
};

struct api_call {
    struct list link;
    struct api *api;
    struct front_req *req; /* NULL: the client is gone, or has its answer */
    struct http_head head; /* while req is there */
    const struct api_route *route;
    char id[128]; /* what {id} or {digest} stands for */
    char n[8];    /* what {n} stands for */
    struct api_body *body;
    struct api_field fields[API_FIELDS];
    size_t field_count;
    unsigned asked;            /* callbacks that come in any case */
    uint64_t waiting, looking; /* tokens of deliver_wait and media_stat, 0: none */
    api_handler_fn *drain;     /* what to do when the agent stops, or NULL */
    struct api_stream *stream;
    struct api_events *events;

    /* of endpoints that make tasks */
    char task[ID_CHARS + 1]; /* the task that was accepted, or "" */
    bool shaped;             /* the request is one of OpenAI's, of this shape */
    enum openai_shape shape;
    bool url;        /* images: as URLs */
    bool replayed;   /* an earlier request made it */
    bool ended;      /* and it has ended */
    int64_t wait_ms; /* Prefer: wait */
    char format[16]; /* speech: what was asked for */
    void (*accepted)(struct api_call *c, const json_t *doc);
    void (*finished)(struct api_call *c, const json_t *view);
    void (*waited)(struct api_call *c, const json_t *view);
    void (*found)(struct api_call *c, const json_t *doc);
    struct upload *storing; /* POST /v1/media */

    /* of answers that are one medium */
    char digest[DIGEST_HEX_CHARS + 1];
    char type[100];  /* of bytes that do not tell it; "" */
    enum fault lost; /* the fault when the medium is not there */
};

/* ---- api.c ---- */
/* api_ask - the call as the argument of a callback that comes in any case. api_back - the call again, or
 * NULL. */
void *api_ask(struct api_call *c);
struct api_call *api_back(void *arg);
/* api_query - the value of a query parameter, into out, cut to size; false: absent. */
bool api_query(const struct api_call *c, const char *name, char *out, size_t size);

/* api_reply_list - a deliver_list callback, for an api_ask: the list, or the fault. */
void api_reply_list(void *arg, enum fault fault, const json_t *list);

/* ---- api_reply.c: exactly one of them answers a call ---- */
/* api_reply_field - a header field for whatever answer comes. */
void api_reply_field(struct api_call *c, const char *name, const char *value);
/* api_reply_task - the fields that name a task: Location, x-request-id. */
void api_reply_task(struct api_call *c, const char *id);
size_t api_reply_fields(const struct api_call *c, struct http_field out[API_FIELDS]);
/* api_reply - value (taken) in the dialect that the client accepts. */
void api_reply(struct api_call *c, int status, json_t *value);
void api_reply_text(struct api_call *c, int status, const char *type, struct slice text);
/* api_reply_fault - the error envelope; extra (taken, may be NULL) is merged into it. */
void api_reply_fault(struct api_call *c, enum fault fault, const struct note *note, json_t *extra);
/* api_reply_bad - a fault about one field. */
void api_reply_bad(struct api_call *c, enum fault fault, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* api_reply_failed - a task that ended without a result, as an endpoint that answers with results says it. */
void api_reply_failed(struct api_call *c, const json_t *view);

/* ---- api_submit.c ---- */
/* api_submit - gives the task (taken) with the call's media to intake; then c->accepted(c, record), or the
 * fault is answered. echo: see intake.h; may be NULL. */
void api_submit(struct api_call *c, const char *endpoint, json_t *task, json_t *echo);
/* api_submit_shape - reads the body as one of OpenAI's requests and submits it. */
void api_submit_shape(struct api_call *c, enum openai_shape shape, const char *endpoint);
/* api_submit_result - for c->accepted: waits for the task's end as long as the app does, then c->finished(c,
 * result); a task that failed, or goes on, is answered as such. */
void api_submit_result(struct api_call *c, const json_t *doc);
/* api_submit_wait - waits for ms and calls fn(c, view) whatever became of the task; a fault is answered. */
void api_submit_wait(struct api_call *c, const char *id, int64_t ms, bool fresh,
                     void (*fn)(struct api_call *c, const json_t *view));
void api_submit_stop(struct api_call *c);
bool api_submit_ended(const json_t *view);

/* ---- api_stream.c ---- */
struct api_stream *api_stream_new(struct api_call *c);
void api_stream_free(struct api_stream **s);
/* api_stream_text - bytes of the answer. api_stream_medium - bytes of a medium from first on, as they are or
 * as base64. */
void api_stream_text(struct api_stream *s, struct slice text);
void api_stream_medium(struct api_stream *s, const char *digest, uint64_t first, uint64_t bytes, bool base64);
/* api_stream_value - value, in which {"$blob": i} stands for the bytes of outputs[i] (of a task's view):
 * base64 in JSON, bin in MessagePack. */
void api_stream_value(struct api_stream *s, const json_t *value, const json_t *outputs, bool msgpack);
/* api_stream_start - answers with all that was added, c->fields and a Content-Length. The status is sent when
 * the first medium is known to be there; if it is not, c->lost is answered. */
void api_stream_start(struct api_stream *s, int status, const char *type);

/* ---- api_serve.c ---- */
/* api_serve - answers with the bytes of c->digest: Range, If-Range, If-None-Match, HEAD. */
void api_serve(struct api_call *c);
/* api_serve_output - with output n of a task's view, or says why there is none. */
void api_serve_output(struct api_call *c, const json_t *view, size_t n);

/* ---- the endpoints ---- */
api_handler_fn api_tasks_create, api_tasks_list, api_tasks_get, api_tasks_cancel, api_tasks_output;
api_handler_fn api_events_stream;
api_handler_fn api_media_create, api_media_get;
api_handler_fn api_images_generate, api_images_edit;
api_handler_fn api_videos_create, api_videos_list, api_videos_get, api_videos_content, api_videos_delete;
api_handler_fn api_speech_create;
api_handler_fn api_chat_create;
api_handler_fn api_models_list, api_models_get;
void api_events_free(struct api_events **e);
/* api_media_keep_s - how long a medium is surely kept from now on. */
int64_t api_media_keep_s(const struct api *api);
/* api_media_value - what POST /v1/media answers. */
json_t *api_media_value(const struct api *api, const struct upload *u);
/* api_models_value - what GET /v1/models says. */
json_t *api_models_value(const struct api *api);
/* api_tasks_filter - reads the texts of a filter into it (they are borrowed; NULL or "" are absent). Faults:
 * BAD_VALUE. */
struct api_tasks_filter {
    const char *status, *kind, *model, *after;
    int64_t limit; /* 0: the default */
};
enum fault api_tasks_filter(const struct api_tasks_filter *in, struct deliver_filter *ret,
                            struct note *note) MUSTCHECK;
/* api_tasks_limit - the query parameter limit, 0 when absent; false: it is no such number. */
bool api_tasks_limit(const struct api_call *c, int64_t *ret_limit);

#endif
