/* room.h - whether the fleet's streams have room for new tasks. */
#ifndef APP_ROOM_H
#define APP_ROOM_H

#include "app/parts.h"

struct room;

/* room_new - looks every 2 s how full the streams are. Above 80 % of a stream's bytes no new task is taken:
 * the rest is for work under way. */
struct room *room_new(struct parts *parts);
void room_free(struct room **r);

/* room_check - OK or FLEET_FULL with a note that names the stream. */
enum fault room_check(const struct room *r, struct note *note) MUSTCHECK;

#endif
