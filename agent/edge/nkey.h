/* nkey.h - the public NATS key of a seed. */
#ifndef EDGE_NKEY_H
#define EDGE_NKEY_H

#include "base/auto.h"
#include "base/fault.h"

#define NKEY_CHARS 56 /* of a key as text, without the NUL */

/* nkey_public - reads the seed ("SU…") from the file at path and gives the public key ("U…") that belongs to
 * it, which the library wants to have beside the seed. Faults: CONFIG (unreadable, no user seed in it, a
 * typing error; the note says which). */
enum fault nkey_public(const char *path, char ret_public[NKEY_CHARS + 1], struct note *note) MUSTCHECK;

#endif
