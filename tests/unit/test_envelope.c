/* test_envelope.c - what messages and records look like in NATS. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "wire/envelope.h"

#define BYTES(text) ((struct slice){text, sizeof(text) - 1})

static void refuses(struct slice bytes, const char *says)
{
    json_t *body = NULL;
    struct note note = {0};

    assert_int_equal(envelope_read(bytes, "task", &body, &note), FAULT_BAD_DATA);
    assert_null(body);
    if (!strstr(note.text, says)) {
        fail_msg("\"%s\" does not say \"%s\"", note.text, says);
    }
}

static void test_bytes_are_fixed(void **state)
{
    /* The format is what other programs read: version, kind, body, in this order. */
    (void)state;
    static const char want[] = "\x83\xa1v\x01\xa4kind\xa4task\xa4"
                               "body\x81\xa1"
                               "a\x01";
    json_t *body = json_loads("{\"a\":1}", 0, NULL);
    struct buf out;

    buf_init(&out, 1000);
    envelope_write(&out, "task", body);
    assert_true(buf_ok(&out));
    assert_int_equal(out.n, sizeof(want) - 1);
    assert_memory_equal(out.p, want, out.n);
    buf_done(&out);
    json_decref(body);
}

static void test_what_is_written_is_read(void **state)
{
    /* A body comes back as it was, keys that this agent does not know included. */
    (void)state;
    json_t *body =
               json_loads("{\"task\":\"x\",\"from_a_newer_agent\":{\"list\":[1,2.0,null,true]}}", 0, NULL),
           *back = NULL;
    struct buf out;

    buf_init(&out, 1000);
    envelope_write(&out, "record", body);
    assert_int_equal(envelope_read(buf_slice(&out), "record", &back, NULL), FAULT_OK);
    assert_true(json_equal(body, back));
    json_decref(body);
    json_decref(back);
    buf_done(&out);
}

static void test_another_kind_or_version_is_refused(void **state)
{
    /* The note tells an operator what was found and what was wanted. */
    (void)state;
    refuses(BYTES("\x83\xa1v\x01\xa4kind\xa6record\xa4"
                  "body\x80"),
            "a record and not a task");
    refuses(BYTES("\x83\xa1v\x02\xa4kind\xa4task\xa4"
                  "body\x80"),
            "version 2");
    refuses(BYTES("\x83\xa1v\xa1\x31\xa4kind\xa4task\xa4"
                  "body\x80"),
            "no envelope");
    refuses(BYTES("\x82\xa1v\x01\xa4"
                  "body\x80"),
            "nothing");
    refuses(BYTES("\x82\xa1v\x01\xa4kind\xa4task"), "no body");
    refuses(BYTES("\x83\xa1v\x01\xa4kind\xa4task\xa4"
                  "body\x90"),
            "no body");
}

static void test_what_is_no_envelope(void **state)
{
    /* Other MessagePack, JSON, half an envelope, bins and bombs are BAD_DATA. */
    (void)state;
    struct slice whole = BYTES("\x83\xa1v\x01\xa4kind\xa4task\xa4"
                               "body\x81\xa1"
                               "a\x01");

    for (size_t n = 0; n < whole.n; n++) {
        refuses((struct slice){whole.p, n}, "");
    }
    refuses(BYTES("\x90"), "no envelope");
    refuses(BYTES("{\"v\":1}"), "");
    refuses(BYTES("\x83\xa1v\x01\xa4kind\xa4task\xa4"
                  "body\x81\xa1"
                  "a\xc4\x00"),
            "bin");
    refuses(BYTES("\xdf\xff\xff\xff\xff"), "values and keys");
}

static void test_a_newer_envelope_may_have_more_keys(void **state)
{
    /* A key beside the three known ones does not hurt. */
    (void)state;
    json_t *body = NULL;

    assert_int_equal(envelope_read(BYTES("\x84\xa1x\x91\x00\xa1v\x01\xa4kind\xa4task\xa4"
                                         "body\x80"),
                                   "task", &body, NULL),
                     FAULT_OK);
    assert_int_equal(json_object_size(body), 0);
    json_decref(body);
}

static void test_depth_counts_the_envelope(void **state)
{
    /* A body that could not be read back is not written: with the envelope it may nest LIMIT_DEPTH deep. */
    (void)state;
    json_t *value = json_integer(1), *back = NULL;
    struct buf out;

    for (int i = 0; i < LIMIT_DEPTH - 2; i++) {
        value = json_pack("[o]", value);
    }
    json_t *body = json_pack("{s:o}", "a", value);
    buf_init(&out, 1000);
    envelope_write(&out, "task", body);
    assert_true(buf_ok(&out));
    assert_int_equal(envelope_read(buf_slice(&out), "task", &back, NULL), FAULT_OK);
    json_decref(back);
    buf_reset(&out);
    json_t *deeper = json_pack("{s:o}", "a", body);
    envelope_write(&out, "task", deeper);
    assert_false(buf_ok(&out));
    buf_done(&out);
    json_decref(deeper);
}

static void test_a_record_may_hold_more_than_a_request(void **state)
{
    /* A request may have LIMIT_ELEMENTS; with it and fields of our own a record must still be readable. */
    (void)state;
    json_t *list = json_array(), *back = NULL;
    struct buf out;

    for (int i = 0; i < LIMIT_ELEMENTS; i++) {
        json_array_append_new(list, json_null());
    }
    json_t *body = json_pack("{s:o,s:s}", "input", list, "state", "queued");
    buf_init(&out, LIMIT_MESSAGE_BYTES);
    envelope_write(&out, "record", body);
    assert_true(buf_ok(&out));
    assert_int_equal(envelope_read(buf_slice(&out), "record", &back, NULL), FAULT_OK);
    assert_true(json_equal(body, back));
    buf_done(&out);
    json_decref(body);
    json_decref(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_fixed),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_another_kind_or_version_is_refused),
        cmocka_unit_test(test_what_is_no_envelope),
        cmocka_unit_test(test_a_newer_envelope_may_have_more_keys),
        cmocka_unit_test(test_depth_counts_the_envelope),
        cmocka_unit_test(test_a_record_may_hold_more_than_a_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
