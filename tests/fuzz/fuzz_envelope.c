/* fuzz_envelope.c - envelopes: what is read can be written, and what is written can be read.
 *
 * Input: an envelope, or the JSON of a body. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/envelope.h"
#include "wire/jsonscan.h"

/* False: body cannot be written. If it can, it must come back. */
static bool survives(const json_t *body)
{
    json_t *back = NULL;
    struct buf out;

    buf_init(&out, LIMIT_MESSAGE_BYTES);
    envelope_write(&out, "task", body);
    bool fits = buf_ok(&out);
    if (fits) {
        assert(envelope_read(buf_slice(&out), "task", &back, NULL) == FAULT_OK);
        assert(json_equal(back, body));
        json_decref(back);
        back = NULL;
        assert(envelope_read(buf_slice(&out), "record", &back, NULL) == FAULT_BAD_DATA && !back);
    }
    buf_done(&out);
    return fits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};
    struct note note = {0};
    json_t *body = NULL;
    enum fault fault = envelope_read(bytes, "task", &body, &note);

    assert(!fault == (body != NULL) && !fault == !note.text[0]);
    assert(!fault || fault == FAULT_BAD_DATA);
    if (body) {
        assert(survives(body));
        json_decref(body);
        body = NULL;
    }
    if (jsonscan_read(bytes, &body, NULL) == FAULT_OK) {
        if (json_is_object(body)) {
            survives(body);
        }
        json_decref(body);
    }
    return 0;
}
