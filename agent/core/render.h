/* render.h - an adapter's step and a task -> the request to send. Pure: `sluice try` and the golden cases use
 * it as the agent does. */
#ifndef CORE_RENDER_H
#define CORE_RENDER_H

#include "core/adapter.h"

/* What a template may name. Values are borrowed. */
struct render_in {
    const json_t *input; /* canonical; each medium in it is replaced as render_token says */
    const json_t *vars;  /* saved by earlier steps: {name: text}; NULL before submit */
    const char *base;    /* {base}: the target's base URL, or NULL for the adapter's */
    const char *model;   /* {model}: the vendor's name of the model */
    const char *task;    /* {task} */
    const char *idem;    /* {idempotency_key} */
    const char *kind;
    const json_t *media;   /* array, by index: {"type", "bytes", "name"?} */
    const json_t *options; /* {name: text}, complete; NULL: none */
    int64_t deadline_s;    /* whole seconds left; 0: not known */
    /* What to do with fields that the adapter has no word for, by the operator: "ignore", "reject", NULL:
     * what the adapter says. */
    const char *unsupported;
    const json_t *medium; /* uploads: {"part": {"$part"}, "name", "type", "bytes", "digest", "extension",
                             "base64": token} */
};

/* A medium in the input as jq sees it. The runtime decides a form (adapter_forms) for each and puts in its
 * place a value that the expression just copies:
 *
 *   url       the URL itself, a text
 *   data_uri  the text "data:<type>;base64,<token>"
 *   base64    the text "<token>"
 *   part      {"$part": index}
 *   asset     what the upload gave, any JSON
 *
 * where <token> = render_token(index) stands for the base64 of medium `index`; the sender replaces it while
 * streaming. Tokens hold a random nonce of the run, so that no prompt can forge one. An expression that needs
 * the type beside the base64 splits a data URI. */
void render_token(const char nonce[17], unsigned index, char *out, size_t size);

struct request_field {
    char *name;
    char *value;
};

/* One part of a multipart body: a text, JSON text, or medium. */
struct request_part {
    char *name;
    char *text; /* NULL for a medium */
    char *type; /* Content-Type, NULL: none */
    char *filename;
    int medium; /* index, or -1 */
};

enum request_body { BODY_NONE, BODY_JSON, BODY_MULTIPART, BODY_FORM, BODY_RAW };

/* Where the vendor's credentials stand in a request. AUTH_AWS: it is signed. */
enum request_auth { AUTH_NONE, AUTH_HEADER, AUTH_QUERY, AUTH_BASIC, AUTH_AWS };

/* A request has at most so many header fields, whatever its adapter says. */
#define REQUEST_FIELDS_MAX 56

struct request {
    char *method;
    char *url;
    struct request_field *fields; /* without the secret */
    size_t field_count;
    /* The credentials, which the sender puts in by credential.h; AUTH_NONE when the step goes without or the
     * URL's host may not see them. */
    enum request_auth auth;
    char *auth_name; /* the header or parameter */
    char *auth_mask; /* its value for people: what is secret stands as **** */
    char *sign_as;   /* AUTH_AWS: the service */
    enum request_body body;
    char *text; /* BODY_JSON and BODY_FORM: the text, tokens in place; BODY_RAW: NULL */
    struct request_part *parts;
    size_t part_count;
    int medium;        /* BODY_RAW: index */
    char boundary[40]; /* BODY_MULTIPART: random; the Content-Type field names it */
    int64_t timeout_ms;
    bool secret_allowed; /* the URL's host is one that may see the secret */
};

/* render_request - the request of a step. Null members of JSON bodies are dropped when the adapter says so.
 * For STEP_DOWNLOAD, in->vars holds the output's
 * {"url"} and the rule decides about the secret.
 * Faults: BAD_VALUE (an expression failed or a template names something that is not there; an `unsupported`
 * refusal of the adapter is VENDOR_REJECTED with the field named). */
enum fault render_request(const struct adapter *a, const struct adapter_op *op, enum adapter_step step,
                          const struct render_in *in, struct request **ret_request,
                          struct note *note) MUSTCHECK;
/* render_upload - the request of a step (from 0) of an upload, for a task of op. in->vars holds what the
 * steps before have saved, any JSON. Faults as render_request. */
enum fault render_upload(const struct adapter_op *op, const struct adapter_upload *u, int step,
                         const struct render_in *in, struct request **ret_request,
                         struct note *note) MUSTCHECK;
void request_free(struct request **r);

/* request_to_json - for people and golden cases: {"method","url","headers":{…,"Authorization":"Key ****"},
 * and one of "json", "form" (a text), "raw" (an index), "multipart": [{"name", "text" or "medium", "type"?,
 * "filename"?}]}. The boundary, which is random, is left out. */
json_t *request_to_json(const struct request *r);

#endif
