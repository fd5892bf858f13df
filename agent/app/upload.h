/* upload.h - the media of one request on their way into the object store, while the request still arrives. */
#ifndef APP_UPLOAD_H
#define APP_UPLOAD_H

#include "app/parts.h"

struct upload;

/* room: what was refused by upload_data may go on. May be NULL. */
typedef void upload_room_fn(void *arg);
/* fault OK: all media are stored. Else TOO_LARGE, BUS_DOWN, BUS_TIMEOUT, FLEET_FULL. Never from inside. */
typedef void upload_done_fn(void *arg, enum fault fault, const struct note *note);

struct upload *upload_new(struct parts *parts, upload_room_fn *room, void *arg);
/* upload_free - media that are not whole yet are dropped; stored ones stay (they age). */
void upload_free(struct upload **u);

/* upload_begin - one more medium; type and name may be NULL. Media follow one another. Faults:
 * TOO_MANY_PARTS. */
enum fault upload_begin(struct upload *u, const char *type, const char *name) MUSTCHECK;
/* upload_data - bytes of the present one. *ret_full: send no more until room. */
enum fault upload_data(struct upload *u, struct slice bytes, bool *ret_full) MUSTCHECK;
void upload_end(struct upload *u);
/* upload_told - the media type that the request names for the present one, where the bytes do not tell it. */
void upload_told(struct upload *u, const char *type);
/* upload_detach - room is not called any more: whoever fed it is gone or done. */
void upload_detach(struct upload *u);
size_t upload_count(const struct upload *u);

/* upload_finish - done comes when everything that was begun is stored (at once when there is nothing). */
void upload_finish(struct upload *u, upload_done_fn *done, void *arg);

/* upload_ref - {"media", "type"?, "name"?} of medium index; new reference; after done only. */
json_t *upload_ref(const struct upload *u, size_t index);

/* upload_info - what the store says of medium index; after done only. */
const struct media_info *upload_info(const struct upload *u, size_t index);

/* upload_replace - value with each {"$blob": i} or {"$bin": i} (marker) replaced by upload_ref, in place, at
 * any depth. BAD_REQUEST for an index that is not there. */
enum fault upload_replace(const struct upload *u, json_t *value, const char *marker,
                          struct note *note) MUSTCHECK;

#endif
