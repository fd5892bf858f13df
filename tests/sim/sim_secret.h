/* sim_secret.h - who asks: the secret that came with a request. */
#ifndef SIM_SECRET_H
#define SIM_SECRET_H

#include "sim_call.h"

enum sim_secret_state { SIM_SECRET_ABSENT, SIM_SECRET_WRONG, SIM_SECRET_GOOD };

/* sim_secret_find - looks where the dialect's `secrets` say ({key}: one of keys, any when there are none;
 * {any}: any text) and leaves the text in c->secret. */
enum sim_secret_state sim_secret_find(const json_t *keys, struct sim_call *c);

#endif
