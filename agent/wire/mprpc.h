/* mprpc.h - MessagePack-RPC frames (github.com/msgpack-rpc/msgpack-rpc, spec.md):
 * request [0, msgid, method, params], answer [1, msgid, error, result], notification [2, method, params]. */
#ifndef WIRE_MPRPC_H
#define WIRE_MPRPC_H

#include "wire/pack.h"

enum mprpc_type { MPRPC_REQUEST = 0, MPRPC_ANSWER = 1, MPRPC_NOTIFY = 2 };

struct mprpc {
    enum mprpc_type type;
    uint32_t msgid; /* not for NOTIFY */
    char method[64];
    json_t *params; /* an array, of an ANSWER [error, result]; owned by the frame, mprpc_done drops it */
    struct pack_bins bins;
};

/* mprpc_first - the first byte of a connection starts MessagePack-RPC (0x90-0x9f, 0xdc, 0xdd). */
bool mprpc_first(unsigned char byte);

/* mprpc_read - one whole frame as found by pack_scan. An ANSWER (we never ask) is read and may be ignored.
 * Params that are one map and not an array are taken as [map]. Faults: BAD_REQUEST and those of pack_read;
 * when the msgid could be read, ret->msgid and ret->type are set even then, so that the error can be
 * addressed; when it could not, ret->type is NOTIFY: there is nothing to answer. After a fault there is
 * nothing to release. */
enum fault mprpc_read(struct slice frame, struct mprpc *ret, struct note *note) MUSTCHECK;
void mprpc_done(struct mprpc *m);

/* mprpc_result, mprpc_error, mprpc_notify - append one frame. value is borrowed; bins as in pack_write.
 * params is an array. An error's value is the map {"code", "type", "message", "param"?, …}. */
void mprpc_result(struct buf *out, uint32_t msgid, const json_t *value, const struct pack_bins *bins);
void mprpc_error(struct buf *out, uint32_t msgid, const json_t *value);
void mprpc_notify(struct buf *out, const char *method, const json_t *params);

#endif
