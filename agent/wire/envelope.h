/* envelope.h - what messages and records look like in NATS: MessagePack {"v": 1, "kind": text, "body": map}.
 */
#ifndef WIRE_ENVELOPE_H
#define WIRE_ENVELOPE_H

#include "wire/pack.h"

#define ENVELOPE_VERSION 1

/* envelope_write - appends body (borrowed) as an envelope of that kind: "task", "record", "event", "result",
 * "dead", "presence". */
void envelope_write(struct buf *out, const char *kind, const json_t *body);

/* envelope_read - checks version and kind and gives the body (caller decrefs). Unknown keys of a known
 * version are kept, so that a newer agent's fields survive being written back. Faults: BAD_DATA. */
enum fault envelope_read(struct slice bytes, const char *kind, json_t **ret_body,
                         struct note *note) MUSTCHECK;

#endif
