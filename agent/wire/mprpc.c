/* mprpc.c - MessagePack-RPC frames (github.com/msgpack-rpc/msgpack-rpc, spec.md). */
#include "wire/mprpc.h"

#include <assert.h>

bool mprpc_first(unsigned char byte)
{
    return (byte >= 0x90 && byte <= 0x9f) || byte == 0xdc || byte == 0xdd;
}

/* Reads the next member of a frame. bins may be NULL. */
static enum fault next_value(struct slice *rest, json_t **ret_value, struct pack_bins *bins,
                             struct note *note)
{
    struct slice member;
    enum fault fault = pack_scan_cut(rest, &pack_default, &member, note);

    return fault ? fault : pack_read(member, &pack_default, ret_value, bins, note);
}

static enum fault next_number(struct slice *rest, json_int_t max, json_int_t *ret_number, struct note *note)
{
    json_auto_t *value = NULL;
    enum fault fault = next_value(rest, &value, NULL, note);

    if (fault) {
        return fault;
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > max) {
        return note_set(note, FAULT_BAD_REQUEST,
                        "a frame begins with its type (0, 1, 2) and a message id of 32 bits");
    }
    *ret_number = number;
    return FAULT_OK;
}

/* The type and, but for notifications, the message id: with them an error can be addressed. */
static enum fault read_address(struct slice *rest, struct mprpc *m, struct note *note)
{
    json_int_t type = 0, msgid = 0;
    enum fault fault = next_number(rest, MPRPC_NOTIFY, &type, note);

    if (!fault && type != MPRPC_NOTIFY) {
        fault = next_number(rest, UINT32_MAX, &msgid, note);
    }
    if (fault) {
        return fault;
    }
    m->type = (enum mprpc_type)type;
    m->msgid = (uint32_t)msgid;
    return FAULT_OK;
}

static enum fault read_method(struct slice *rest, struct mprpc *m, struct note *note)
{
    json_auto_t *value = NULL;
    enum fault fault = next_value(rest, &value, NULL, note);

    if (fault) {
        return fault;
    }
    size_t n = json_string_length(value);
    if (n == 0 || n >= sizeof(m->method)) {
        return note_set(note, FAULT_BAD_REQUEST, "a method is a text of 1 to %zu bytes",
                        sizeof(m->method) - 1);
    }
    memcpy(m->method, json_string_value(value), n + 1);
    return FAULT_OK;
}

static enum fault read_params(struct slice *rest, struct mprpc *m, struct note *note)
{
    json_t *value = NULL;
    enum fault fault = next_value(rest, &value, &m->bins, note);

    if (fault) {
        return fault;
    }
    if (json_is_array(value)) {
        m->params = value;
        return FAULT_OK;
    }
    if (json_is_object(value) && !json_object_get(value, "$bin")) {
        m->params = json_pack("[o]", value);
        return FAULT_OK;
    }
    json_decref(value);
    return note_set(note, FAULT_BAD_REQUEST, "params are an array or one map");
}

/* Error and result of an answer to nobody: read because a frame must be sound, kept as they are. */
static enum fault read_answer(struct slice *rest, struct mprpc *m, struct note *note)
{
    json_auto_t *both = json_array();

    for (int i = 0; i < 2; i++) {
        json_t *value = NULL;
        enum fault fault = next_value(rest, &value, &m->bins, note);
        if (fault) {
            return fault;
        }
        json_array_append_new(both, value);
    }
    m->params = json_incref(both);
    return FAULT_OK;
}

static enum fault read_rest(struct slice *rest, struct mprpc *m, struct note *note)
{
    if (m->type == MPRPC_ANSWER) {
        return read_answer(rest, m, note);
    }
    enum fault fault = read_method(rest, m, note);
    return fault ? fault : read_params(rest, m, note);
}

enum fault mprpc_read(struct slice frame, struct mprpc *ret, struct note *note)
{
    struct slice rest = frame;
    size_t members = 0;

    *ret = (struct mprpc){.type = MPRPC_NOTIFY};
    if (!pack_scan_array(&rest, &members)) {
        return note_set(note, FAULT_BAD_REQUEST, "a frame is an array");
    }
    enum fault fault = read_address(&rest, ret, note);
    if (fault) {
        return fault;
    }
    if (members != (ret->type == MPRPC_NOTIFY ? 3 : 4)) {
        return note_set(note, FAULT_BAD_REQUEST, "a frame of type %d does not have %zu members", ret->type,
                        members);
    }
    fault = read_rest(&rest, ret, note);
    if (!fault && rest.n > 0) {
        fault = note_set(note, FAULT_BAD_REQUEST, "bytes follow the frame");
    }
    if (fault) {
        mprpc_done(ret);
    }
    return fault;
}

void mprpc_done(struct mprpc *m)
{
    json_decref(m->params);
    m->params = NULL;
    m->bins.n = 0;
}

static void begin_answer(struct buf *out, uint32_t msgid)
{
    pack_write_array(out, 4);
    pack_write_int(out, MPRPC_ANSWER);
    pack_write_int(out, msgid);
}

void mprpc_result(struct buf *out, uint32_t msgid, const json_t *value, const struct pack_bins *bins)
{
    begin_answer(out, msgid);
    pack_write(out, json_null(), NULL);
    pack_write(out, value, bins);
}

void mprpc_error(struct buf *out, uint32_t msgid, const json_t *value)
{
    begin_answer(out, msgid);
    pack_write(out, value, NULL);
    pack_write(out, json_null(), NULL);
}

void mprpc_notify(struct buf *out, const char *method, const json_t *params)
{
    assert(json_is_array(params));
    pack_write_array(out, 3);
    pack_write_int(out, MPRPC_NOTIFY);
    pack_write_text(out, slice_of(method));
    pack_write(out, params, NULL);
}
