/* rpc.h - the socket's other dialect: MessagePack-RPC on the same intake, deliver and store.
 *
 * docs/api.md is its reference. */
#ifndef APP_RPC_H
#define APP_RPC_H

#include "edge/front.h"

struct api;
struct rpc;

struct rpc *rpc_new(struct api *api);
/* rpc_free - when the front is closed and nothing calls back any more. */
void rpc_free(struct rpc **rpc);
void rpc_set_front(struct rpc *rpc, struct front *front);

/* rpc_take, rpc_peer_gone - as the front's handler tells them. */
void rpc_take(struct rpc *rpc, struct front_peer *peer, const struct mprpc *m);
void rpc_peer_gone(struct rpc *rpc, struct front_peer *peer);

/* rpc_drain - the agent stops: waits are answered with how the task is now. */
void rpc_drain(struct rpc *rpc);

#endif
