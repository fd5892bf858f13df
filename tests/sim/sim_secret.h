/* sim_secret.h - who asks: the secret that came with a request, in whatever way the vendor takes it. */
#ifndef SIM_SECRET_H
#define SIM_SECRET_H

#include "sim_call.h"
#include "sim_parts.h"

enum sim_secret_state { SIM_SECRET_ABSENT, SIM_SECRET_WRONG, SIM_SECRET_GOOD };

/* sim_secret_find - looks where the `secrets` of the route, or else of the dialect, say:
 *   {key}         one of the good keys, any text when there are none; {any}: any text
 *   {basic}       a good key "user:password" in base64
 *   {token}       what a route of this dialect minted
 *   {jwt_hs256}   signed with the secret of the good key "access:secret" whose access is the claim iss
 *   {jwt_rs256}   signed with the private key of the service account whose client_email is the claim iss
 *   {aws_sigv4}   the whole field: signed with a good key "access:secret" or "access:secret:session"
 * Whose it is stays in c->secret, what is wrong with it in c->why. */
enum sim_secret_state sim_secret_find(struct sim_engine *e, struct sim_call *c);

/* sim_secret_known - pattern has one of these holes. */
bool sim_secret_known(const char *pattern);

#endif
