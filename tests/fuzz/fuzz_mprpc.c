/* fuzz_mprpc.c - MessagePack-RPC: a frame that is read is the same when it is written and read again.
 *
 * Input: a connection's bytes, frame after frame. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/mprpc.h"

static void write_frame(struct buf *out, const struct mprpc *m)
{
    if (m->type == MPRPC_ANSWER) {
        pack_write_array(out, 4);
        pack_write_int(out, m->type);
        pack_write_int(out, m->msgid);
        pack_write(out, json_array_get(m->params, 0), &m->bins);
        pack_write(out, json_array_get(m->params, 1), &m->bins);
        return;
    }
    pack_write_array(out, m->type == MPRPC_NOTIFY ? 3 : 4);
    pack_write_int(out, m->type);
    if (m->type == MPRPC_REQUEST) {
        pack_write_int(out, m->msgid);
    }
    pack_write_text(out, slice_of(m->method));
    pack_write(out, m->params, &m->bins);
}

static void assert_survives(const struct mprpc *m)
{
    struct mprpc back;
    struct buf out;

    buf_init(&out, 1u << 20);
    write_frame(&out, m);
    assert(buf_ok(&out));
    assert(mprpc_first((unsigned char)out.p[0]));
    assert(mprpc_read(buf_slice(&out), &back, NULL) == FAULT_OK);
    assert(back.type == m->type && back.msgid == m->msgid && !strcmp(back.method, m->method));
    assert(json_equal(back.params, m->params) && back.bins.n == m->bins.n);
    mprpc_done(&back);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size}, frame;
    enum fault end = FAULT_OK;

    while (rest.n > 0 && (end = pack_scan_cut(&rest, &pack_default, &frame, NULL)) == FAULT_OK) {
        struct mprpc m;
        struct note note = {0};
        enum fault fault = mprpc_read(frame, &m, &note);
        assert(!fault == !note.text[0]);
        if (!fault) {
            assert(mprpc_first((unsigned char)frame.p[0]) && json_is_array(m.params));
            assert_survives(&m);
        } else {
            assert(!m.params);
        }
        mprpc_done(&m);
    }
    /* What is no whole value is refused here as well, not only by the scanner before. */
    if (end == FAULT_BAD_REQUEST) {
        struct mprpc m;
        assert(mprpc_read(rest, &m, NULL) != FAULT_OK);
    }
    return 0;
}
