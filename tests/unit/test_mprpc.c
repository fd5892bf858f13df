/* test_mprpc.c - MessagePack-RPC frames. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "wire/mprpc.h"

#define BYTES(text) ((struct slice){text, sizeof(text) - 1})

static void params_are(const struct mprpc *m, const char *json)
{
    json_t *expected = json_loads(json, 0, NULL);

    assert_true(json_equal(m->params, expected));
    json_decref(expected);
}

static void test_first_byte_tells_the_dialect(void **state)
{
    /* Arrays begin a frame; what HTTP begins with does not. */
    (void)state;
    for (int c = 0; c < 256; c++) {
        assert_int_equal(mprpc_first((unsigned char)c), (c >= 0x90 && c <= 0x9f) || c == 0xdc || c == 0xdd);
    }
}

static void test_request(void **state)
{
    /* A request gives message id, method and params; bins point into the frame. */
    (void)state;
    struct slice frame = BYTES("\x94\x00\xce\xff\xff\xff\xff\xa9media.put\x92\x81\xa1"
                               "a\x01\xc4\x02xy");
    struct mprpc m;

    assert_int_equal(mprpc_read(frame, &m, NULL), FAULT_OK);
    assert_int_equal(m.type, MPRPC_REQUEST);
    assert_int_equal(m.msgid, UINT32_MAX);
    assert_string_equal(m.method, "media.put");
    params_are(&m, "[{\"a\":1},{\"$bin\":0}]");
    assert_int_equal(m.bins.n, 1);
    assert_true(slice_is(m.bins.items[0], "xy"));
    mprpc_done(&m);
    assert_null(m.params);
    mprpc_done(&m);
}

static void test_notification(void **state)
{
    /* A notification has no message id; the array's header may be of any form. */
    (void)state;
    struct mprpc m;

    assert_int_equal(mprpc_read(BYTES("\xdc\x00\x03\x02\xa1"
                                      "n\x90"),
                                &m, NULL),
                     FAULT_OK);
    assert_int_equal(m.type, MPRPC_NOTIFY);
    assert_string_equal(m.method, "n");
    params_are(&m, "[]");
    mprpc_done(&m);
    assert_int_equal(mprpc_read(BYTES("\xdd\x00\x00\x00\x03\x02\xa1"
                                      "n\x90"),
                                &m, NULL),
                     FAULT_OK);
    mprpc_done(&m);
}

static void test_one_map_is_taken_as_params(void **state)
{
    /* Clients that send a map where the array belongs are understood; a bin or a text is not. */
    (void)state;
    struct mprpc m;

    assert_int_equal(mprpc_read(BYTES("\x94\x00\x07\xa1m\x81\xa1"
                                      "a\x01"),
                                &m, NULL),
                     FAULT_OK);
    params_are(&m, "[{\"a\":1}]");
    mprpc_done(&m);
    assert_int_equal(mprpc_read(BYTES("\x94\x00\x07\xa1m\xc4\x01x"), &m, NULL), FAULT_BAD_REQUEST);
    assert_int_equal(mprpc_read(BYTES("\x94\x00\x07\xa1m\xa1x"), &m, NULL), FAULT_BAD_REQUEST);
    assert_int_equal(mprpc_read(BYTES("\x94\x00\x07\xa1m\xc0"), &m, NULL), FAULT_BAD_REQUEST);
    assert_null(m.params);
}

static void test_answer_is_read(void **state)
{
    /* An answer to a question nobody asked is sound all the same: error and result are kept. */
    (void)state;
    struct mprpc m;

    assert_int_equal(mprpc_read(BYTES("\x94\x01\x05\xc0\xa2ok"), &m, NULL), FAULT_OK);
    assert_int_equal(m.type, MPRPC_ANSWER);
    assert_int_equal(m.msgid, 5);
    assert_string_equal(m.method, "");
    params_are(&m, "[null,\"ok\"]");
    mprpc_done(&m);
    assert_int_equal(mprpc_read(BYTES("\x94\x01\x05\xc0\xa1\xff"), &m, NULL), FAULT_BAD_REQUEST);
    assert_null(m.params);
}

static void test_errors_can_be_addressed(void **state)
{
    /* A fault behind the message id leaves type and id, so that the client can be told. */
    (void)state;
    static const struct slice frames[] = {
        {"\x94\x00\x2a\x01\x90", 5},              /* the method is a number */
        {"\x94\x00\x2a\xa0\x90", 5},              /* is empty */
        {"\x94\x00\x2a\xa1m\x01", 6},             /* the params are a number */
        {"\x94\x00\x2a\xa1m\x91\xd4\x01\x01", 9}, /* hold an ext */
        {"\x94\x00\x2a\xa1m\x91\xca\x7f\x80\x00\x00", 11},
        {"\x92\x00\x2a", 3},              /* too few members */
        {"\x95\x00\x2a\xa1m\x90\xc0", 7}, /* too many */
        {"\x94\x00\x2a\xa1m\x90\xc0", 7}, /* bytes behind the frame */
        {"\x94\x00\x2a\xa1m", 5},         /* a frame that is not whole */
    };

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct mprpc m;
        struct note note = {0};
        assert_int_equal(mprpc_read(frames[i], &m, &note), FAULT_BAD_REQUEST);
        assert_int_equal(m.type, MPRPC_REQUEST);
        assert_int_equal(m.msgid, 42);
        assert_null(m.params);
        assert_true(note.text[0]);
    }
}

static void test_errors_without_an_address(void **state)
{
    /* Where no message id can be read, the type says NOTIFY: nothing is to be answered. */
    (void)state;
    static const struct slice frames[] = {
        {"", 0},
        {"\x01", 1},
        {"\x80", 1},
        {"\x90", 1},
        {"\x91\x00", 2},
        {"\x94\x03\x01", 3},
        {"\x94\xa1x\x01", 4},
        {"\x94\xff\x01\xa1m\x90", 6},
        {"\xdc\x00", 2},
        {"\x94\x00\xff", 3},
        {"\x94\x00\xa1x", 4},
        {"\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 11},
        {"\x93\x02", 2},
        {"\x93\xc1", 2},
        {"\x94\x00\xca\0\0\0\0", 7},
    };

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct mprpc m;
        assert_int_equal(mprpc_read(frames[i], &m, NULL), FAULT_BAD_REQUEST);
        assert_int_equal(m.type, MPRPC_NOTIFY);
        assert_null(m.params);
        mprpc_done(&m);
    }
}

static void test_method_has_room(void **state)
{
    /* 63 bytes of method are taken, 64 are not. */
    (void)state;
    struct buf out;
    char method[65];
    json_t *params = json_array();
    struct mprpc m;

    memset(method, 'm', sizeof(method));
    buf_init(&out, 1000);
    method[63] = '\0';
    mprpc_notify(&out, method, params);
    assert_int_equal(mprpc_read(buf_slice(&out), &m, NULL), FAULT_OK);
    assert_string_equal(m.method, method);
    mprpc_done(&m);
    buf_reset(&out);
    method[63] = 'm';
    method[64] = '\0';
    mprpc_notify(&out, method, params);
    assert_int_equal(mprpc_read(buf_slice(&out), &m, NULL), FAULT_BAD_REQUEST);
    buf_done(&out);
    json_decref(params);
}

static void test_result_error_and_notification_are_written(void **state)
{
    /* Each kind of frame byte for byte, and several follow one another in a buffer. */
    (void)state;
    static const char want[] = "\x94\x01\xcd\x01\x00\xc0\x81\xa1"
                               "b\xc4\x01x"
                               "\x94\x01\x07\x81\xa4"
                               "code\xa1"
                               "c\xc0"
                               "\x93\x02\xaatask.event\x91\x01";
    struct pack_bins bins = {.n = 1, .items = {{"x", 1}}};
    json_t *value = json_loads("{\"b\":{\"$bin\":0}}", 0, NULL),
           *error = json_loads("{\"code\":\"c\"}", 0, NULL);
    json_t *params = json_loads("[1]", 0, NULL);
    struct buf out;

    buf_init(&out, 1000);
    mprpc_result(&out, 256, value, &bins);
    mprpc_error(&out, 7, error);
    mprpc_notify(&out, "task.event", params);
    assert_true(buf_ok(&out));
    assert_int_equal(out.n, sizeof(want) - 1);
    assert_memory_equal(out.p, want, out.n);
    buf_done(&out);
    json_decref(value);
    json_decref(error);
    json_decref(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_byte_tells_the_dialect),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_notification),
        cmocka_unit_test(test_one_map_is_taken_as_params),
        cmocka_unit_test(test_answer_is_read),
        cmocka_unit_test(test_errors_can_be_addressed),
        cmocka_unit_test(test_errors_without_an_address),
        cmocka_unit_test(test_method_has_room),
        cmocka_unit_test(test_result_error_and_notification_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
