/* bus_ack.c - reads what JetStream answers to a publish. */
#include "edge/bus_ack.h"

#include <jansson.h>
#include <stdio.h>

/* err_code values of nats-server's errors.json. */
enum {
    ERROR_ACCOUNT_FULL = 10002,    /* resource limits exceeded for account */
    ERROR_UNAVAILABLE = 10008,     /* JetStream system temporarily unavailable */
    ERROR_NO_RESOURCES = 10023,    /* insufficient resources */
    ERROR_MEMORY_FULL = 10028,     /* insufficient memory resources */
    ERROR_STORAGE_FULL = 10047,    /* insufficient storage resources */
    ERROR_MESSAGE_LARGE = 10054,   /* message size exceeds maximum allowed */
    ERROR_WRONG_SEQUENCE = 10071,  /* wrong last sequence: N */
    ERROR_STORE_FAILED = 10077,    /* maximum messages, bytes, messages per subject exceeded; disk full */
    ERROR_DUPLICATE_NOW = 10158,   /* the same message id is being stored at this moment */
    ERROR_WRONG_SEQUENCE_2 = 10164 /* wrong last sequence, of newer servers */
};

static enum fault ack_fault(int error_code)
{
    switch (error_code) {
    case ERROR_WRONG_SEQUENCE:
    case ERROR_WRONG_SEQUENCE_2:
        return FAULT_CONFLICT;
    case ERROR_ACCOUNT_FULL:
    case ERROR_NO_RESOURCES:
    case ERROR_MEMORY_FULL:
    case ERROR_STORAGE_FULL:
    case ERROR_STORE_FAILED:
        return FAULT_FLEET_FULL;
    case ERROR_MESSAGE_LARGE:
        return FAULT_TOO_LARGE;
    default:
        return FAULT_INTERNAL;
    }
}

bool bus_ack_passing(const struct bus_ack *ack)
{
    return ack->error_code == ERROR_UNAVAILABLE || ack->error_code == ERROR_DUPLICATE_NOW;
}

/* ---- the common shape, {"stream":"X", "seq":N}, without a parser: it comes with every publish ---- */

static bool take_text(struct slice *s, const char *text)
{
    while (s->n && *s->p == ' ') {
        s->p++;
        s->n--;
    }
    if (!slice_starts(*s, text)) {
        return false;
    }
    s->p += strlen(text);
    s->n -= strlen(text);
    return true;
}

static bool take_number(struct slice *s, uint64_t *ret)
{
    size_t digits = 0;

    while (s->n && *s->p == ' ') {
        s->p++;
        s->n--;
    }
    for (*ret = 0; s->n && *s->p >= '0' && *s->p <= '9' && digits < 19; digits++) {
        *ret = *ret * 10 + (uint64_t)(*s->p - '0');
        s->p++;
        s->n--;
    }
    return digits > 0;
}

static bool ack_read_plain(struct slice s, uint64_t *ret_seq)
{
    if (!take_text(&s, "{\"stream\":") || !take_text(&s, "\"")) {
        return false;
    }
    const char *quote = memchr(s.p, '"', s.n);
    if (!quote || memchr(s.p, '\\', (size_t)(quote - s.p))) {
        return false;
    }
    s.n -= (size_t)(quote + 1 - s.p);
    s.p = quote + 1;
    return take_text(&s, ",") && take_text(&s, "\"seq\":") && take_number(&s, ret_seq) &&
           take_text(&s, "}") && !s.n;
}

/* ---- any other shape ---- */

static void ack_read_error(const json_t *error, struct bus_ack *ack)
{
    const char *text = json_string_value(json_object_get(error, "description"));
    json_int_t code = json_integer_value(json_object_get(error, "err_code"));

    ack->error_code = code > 0 && code < 1000000 ? (int)code : 0;
    ack->fault = ack_fault(ack->error_code);
    ack->subject_full = ack->fault == FAULT_FLEET_FULL && text && strstr(text, "per subject");
    snprintf(ack->text, sizeof(ack->text), "%s",
             text && *text ? text : "JetStream error without a description");
}

static void ack_read_json(const json_t *root, struct bus_ack *ack)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *seq = json_object_get(root, "seq");

    if (json_is_object(error)) {
        ack_read_error(error, ack);
    } else if (json_is_string(json_object_get(root, "stream")) && json_is_integer(seq) &&
               json_integer_value(seq) >= 0) {
        ack->fault = FAULT_OK;
        ack->seq = (uint64_t)json_integer_value(seq);
        ack->duplicate = json_is_true(json_object_get(root, "duplicate"));
    }
}

void bus_ack_read(struct slice json, struct bus_ack *ret_ack)
{
    *ret_ack = (struct bus_ack){.fault = FAULT_INTERNAL};
    if (ack_read_plain(json, &ret_ack->seq)) {
        ret_ack->fault = FAULT_OK;
        return;
    }
    ret_ack->seq = 0;
    json_t *root = json.n ? json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    ack_read_json(root, ret_ack);
    json_decref(root);
    if (ret_ack->fault == FAULT_INTERNAL && !ret_ack->text[0]) {
        snprintf(ret_ack->text, sizeof(ret_ack->text), "the answer is not an acknowledgement of JetStream");
    }
}
