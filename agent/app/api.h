/* api.h - the socket's API: which request does what. docs/api.md is its reference. */
#ifndef APP_API_H
#define APP_API_H

#include "app/deliver.h"
#include "app/intake.h"
#include "app/parts.h"
#include "edge/front.h"

struct api;

/* api_new - both dialects on top of intake, deliver and the media store. All is borrowed. */
struct api *api_new(struct parts *parts, struct intake *intake, struct deliver *deliver);
/* api_free - when the front is closed, and nothing calls back any more: the loop has stopped. */
void api_free(struct api **api);

/* api_handler - for the front, with the api as its argument. Static. api_set_front - the front that was
 * opened with it, by which connections are found again. */
const struct front_handler *api_handler(void);
void api_set_front(struct api *api, struct front *front);

/* api_drain - ends what could go on for ever: event streams end, waits for a task are answered with how it is
 * now. Their clients come back to the next agent. Call it before front_drain. */
void api_drain(struct api *api);

#endif
