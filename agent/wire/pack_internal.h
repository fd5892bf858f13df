/* pack_internal.h - between the files that read MessagePack without the library: what a value begins with. */
#ifndef WIRE_PACK_INTERNAL_H
#define WIRE_PACK_INTERNAL_H

#include "wire/pack.h"

#define PACK_HEAD_BYTES 6 /* of the longest header: ext 32 */

enum pack_kind { PACK_PLAIN, PACK_BODY, PACK_ARRAY, PACK_MAP, PACK_UNUSED };

/* The header of a value. */
struct pack_head {
    enum pack_kind kind;
    uint64_t bytes; /* with the body, without the members of a container; 0: more bytes are needed to tell */
    uint64_t members; /* of a container: values and keys */
};

/* pack_head_of - the header at p, of which n bytes are there, one at least. */
struct pack_head pack_head_of(const unsigned char *p, size_t n);

#endif
