/* api_body.h - how the body of a request arrives.
 *
 * JSON, MessagePack, a form or plain bytes become one value, with the media in it on their way into the store
 * while they come. */
#ifndef APP_API_BODY_H
#define APP_API_BODY_H

#include "app/parts.h"
#include "app/upload.h"
#include "edge/front.h"

/* What an endpoint takes. Absent and empty bodies are faults but for TAKES_NOTHING. */
enum api_body_takes {
    TAKES_NOTHING, /* a small body is read and dropped */
    TAKES_VALUE,   /* JSON or MessagePack */
    TAKES_FORM,    /* these, or multipart/form-data */
    TAKES_BYTES    /* one medium: plain, or the only file of a form */
};

/* What all bodies that must be held whole take together. Zero-initialised. */
struct api_body_room {
    uint64_t held;
};

struct api_body;

struct api_body_in {
    struct parts *parts;
    struct api_body_room *room;
    struct front_req *req; /* paused while the store is slower than the client */
    const struct http_head *head;
    enum api_body_takes takes;
};

/* api_body_new - by the Content-Type; also sets how large the body may be. For use in the front's head event.
 * Faults: BAD_TYPE, BAD_REQUEST (a form without a boundary). */
enum fault api_body_new(const struct api_body_in *in, struct api_body **ret_body,
                        struct note *note) MUSTCHECK;
/* api_body_free - before req is gone. Media that were not handed on are dropped. */
void api_body_free(struct api_body **b);

/* api_body_feed - the next bytes. api_body_end - that was all. Faults: BAD_REQUEST, BAD_VALUE, OVERLOADED
 * (too much is held), those of the parsers. */
enum fault api_body_feed(struct api_body *b, struct slice bytes, struct note *note) MUSTCHECK;
enum fault api_body_end(struct api_body *b, struct note *note) MUSTCHECK;

/* What came, after api_body_end: an object (borrowed), NULL when nothing or plain bytes were taken. Of a
 * form: texts and markers by name; a name that came twice, or ends in "[]", is an array; "a[b]" is member b
 * of object a. */
json_t *api_body_value(const struct api_body *b);
bool api_body_form(const struct api_body *b);
/* api_body_marker - "$blob" or "$bin": how the value speaks of media. */
const char *api_body_marker(const struct api_body *b);
/* api_body_take_upload - the media, or NULL when there are none; the caller's then. */
struct upload *api_body_take_upload(struct api_body *b);

/* api_body_type - the type to store a medium with: NULL, to be read from its bytes, when these tell it or
 * told is NULL or says nothing; else told. */
const char *api_body_type(const char *told, struct slice first_bytes);

#endif
