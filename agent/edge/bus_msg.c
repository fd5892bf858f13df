/* bus_msg.c - messages of ours to messages of the library and back. */
#include <stdio.h>

#include "edge/bus_internal.h"

#define DIGITS_CHARS 24

/* A space or a line end in a subject would end the protocol line early; the server takes no empty token. */
bool bus_msg_subject_valid(const char *subject)
{
    char before = '.';

    if (!subject) {
        return false;
    }
    for (; *subject; before = *subject++) {
        if ((unsigned char)*subject <= ' ' || *subject == 0x7f || (*subject == '.' && before == '.')) {
            return false;
        }
    }
    return before != '.';
}

/* The library replaces line ends in values but not in names. */
static bool header_name_is_plain(const char *name)
{
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == ':' || *c == 0x7f) {
            return false;
        }
    }
    return *name != '\0';
}

static bool headers_set(natsMsg *msg, const struct bus_out *out, bool expect)
{
    char digits[DIGITS_CHARS];
    natsStatus status = NATS_OK;

    if (out->msg_id) {
        status = natsMsgHeader_Set(msg, "Nats-Msg-Id", out->msg_id);
    }
    if (status == NATS_OK && expect && out->expect_last_seq >= 0) {
        snprintf(digits, sizeof(digits), "%lld", (long long)out->expect_last_seq);
        status = natsMsgHeader_Set(msg, "Nats-Expected-Last-Subject-Sequence", digits);
    }
    if (status == NATS_OK && out->rollup) {
        status = natsMsgHeader_Set(msg, "Nats-Rollup", out->rollup);
    }
    for (const char *const *h = out->headers; status == NATS_OK && h && h[0] && h[1]; h += 2) {
        status = header_name_is_plain(h[0]) ? natsMsgHeader_Set(msg, h[0], h[1]) : NATS_INVALID_ARG;
    }
    return status == NATS_OK;
}

enum fault bus_msg_make(const struct bus_out *out, const char *reply, bool expect, natsMsg **ret_msg)
{
    natsMsg *msg = NULL;

    if (!bus_msg_subject_valid(out->subject) || out->payload.n > INT32_MAX) {
        return FAULT_INTERNAL;
    }
    if (natsMsg_Create(&msg, out->subject, reply, out->payload.p, (int)out->payload.n) != NATS_OK) {
        return FAULT_INTERNAL;
    }
    if (!headers_set(msg, out, expect)) {
        natsMsg_Destroy(msg);
        return FAULT_INTERNAL;
    }
    *ret_msg = msg;
    return FAULT_OK;
}

struct bus_in bus_msg_in(const natsMsg *msg)
{
    return (struct bus_in){
        .subject = natsMsg_GetSubject(msg),
        .reply = natsMsg_GetReply(msg),
        .payload = {natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg)},
        .raw = msg,
    };
}

const char *bus_header(const struct bus_in *in, const char *name)
{
    const char *value = NULL;

    /* The library parses headers on the first question, which changes the message but not what it means. */
    if (natsMsgHeader_Get((natsMsg *)(uintptr_t)in->raw, name, &value) != NATS_OK) {
        return NULL;
    }
    return value;
}
