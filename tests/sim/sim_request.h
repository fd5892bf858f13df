/* sim_request.h - one request as it comes in: the head, and the body as a value without its media. */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include <jansson.h>

#include "base/buf.h"
#include "wire/digest.h"
#include "wire/http.h"
#include "wire/multipart.h"

#define SIM_JSON_BYTES                                                                                       \
    (128u << 20) /* a larger JSON body is refused; forms and raw bodies are only counted                     \
                  */

enum sim_form { SIM_FORM_NONE, SIM_FORM_JSON, SIM_FORM_FORM, SIM_FORM_RAW, SIM_FORM_QUERY };

/* Embedded. */
struct sim_request {
    struct http_head head; /* its slices live until the next request of the connection */
    enum sim_form form;
    json_t *body; /* the JSON; or of a form, name -> text, file {"file","type","bytes"}, or a list of these */
    uint64_t bytes;                    /* of the body */
    char digest[DIGEST_HEX_CHARS + 1]; /* SHA-256 of the body of a request that AWS's signature covers */
    char wrong[200];                   /* why the body cannot be read; "" when it can */

    struct buf text;
    struct digest *running;
    struct multipart *multipart;
    json_t *part; /* what the part that runs becomes */
    char part_name[64];
    bool part_listed; /* its name ended in "[]" */
    bool part_json;   /* no file, and of that type */
    uint64_t part_bytes;
};

/* sim_request_begin - the head came. A request that was used before is emptied. */
void sim_request_begin(struct sim_request *r, const struct http_head *head);
void sim_request_data(struct sim_request *r, struct slice bytes);
void sim_request_end(struct sim_request *r);
void sim_request_done(struct sim_request *r);

#endif
