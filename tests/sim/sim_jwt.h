/* sim_jwt.h - JSON Web Tokens as clients sign them (RFC 7515, RFC 7519): is this one genuine, and in its
 * time? Checked with nothing of the agent, so that its own signer is really put to the test. */
#ifndef SIM_JWT_H
#define SIM_JWT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* A token taken apart. Embedded; sim_jwt_done releases it. */
struct sim_jwt {
    json_t *head;
    json_t *claims;
    struct slice covered; /* what the signature is over; points into the text */
    unsigned char signature[1024];
    size_t signature_n;
};

/* sim_jwt_read - takes a compact token apart, which must outlive ret. False: it is none; ret is empty then.
 */
bool sim_jwt_read(const char *text, struct sim_jwt *ret);
void sim_jwt_done(struct sim_jwt *j);

/* sim_jwt_claim - a text claim, "" when it is not there. */
const char *sim_jwt_claim(const struct sim_jwt *j, const char *name);

/* sim_jwt_late - what is wrong with exp, nbf and iat at that Unix time, or NULL. exp must be there. */
const char *sim_jwt_late(const struct sim_jwt *j, int64_t now_s);

/* sim_jwt_hs256 - the head says HS256 and the signature is made with secret. */
bool sim_jwt_hs256(const struct sim_jwt *j, const char *secret);

/* sim_jwt_rs256 - the head says RS256 and the signature is made with the private key of that PEM text. */
bool sim_jwt_rs256(const struct sim_jwt *j, const char *pem);

#endif
