/* fuzz_bus_ack.c - what JetStream writes: acknowledgements of publishes and reply subjects of deliveries. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/ackreply.h"
#include "edge/bus_ack.h"

/* The hand parser and a JSON parser must agree wherever the latter sees an object. */
static void check_ack(struct slice text)
{
    struct bus_ack ack;
    json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *seq = json_object_get(root, "seq");

    bus_ack_read(text, &ack);
    if (json_is_object(root) && ack.fault == FAULT_OK) {
        assert(json_is_string(json_object_get(root, "stream")));
        assert(json_is_integer(seq) && (uint64_t)json_integer_value(seq) == ack.seq);
        assert(json_is_true(json_object_get(root, "duplicate")) == ack.duplicate);
    }
    assert(ack.fault == FAULT_OK || (ack.seq == 0 && !ack.duplicate && ack.text[0]));
    assert(!ack.subject_full || ack.fault == FAULT_FLEET_FULL);
    json_decref(root);
}

static void check_reply(const char *text)
{
    struct ackreply r;

    if (ackreply_parse(text, &r)) {
        assert(r.consumer.p > text && r.consumer.n >= 3 && r.time_ns >= 0);
        assert(memchr(r.consumer.p, '.', r.consumer.n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_textn((const char *)data, size);

    check_ack((struct slice){text, size});
    check_reply(text);
    free(text);
    return 0;
}
