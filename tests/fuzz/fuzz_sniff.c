/* fuzz_sniff.c - media heads: any bytes are safe, and what is told about them fits together.
 *
 * Input: the first bytes of a medium. */
#include <assert.h>
#include <stdint.h>

#include "wire/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice head = {(const char *)data, size};
    struct sniff found = sniff_media(head);

    assert(!found.type == !found.ext);
    assert(found.width >= 0 && !found.width == !found.height);
    assert(!found.width || !strncmp(found.type, "image/", 6));
    assert(!found.type || !strcmp(found.ext, sniff_ext(found.type)));
    return 0;
}
