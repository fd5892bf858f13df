/* test_pull_reply.c - the numbers in the reply subjects of deliveries, and acknowledgements of publishes: all
 * pure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge/ackreply.h"
#include "edge/bus_ack.h"
#include "edge/pull.h"

static void check(const char *reply, const char *consumer)
{
    struct pull_msg msg = {0};
    struct ackreply numbers;

    assert_true(pull_parse_reply(reply, &msg));
    assert_int_equal(msg.delivered, 3);
    assert_int_equal(msg.seq, 4242);
    assert_int_equal(msg.time_ms, 1700000000123);
    assert_int_equal(msg.pending, 17);
    assert_true(ackreply_parse(reply, &numbers));
    assert_true(slice_is(numbers.consumer, consumer));
    assert_int_equal(numbers.consumer_seq, 99);
    assert_int_equal(numbers.time_ns, 1700000000123456789);
}

static void both_forms_are_read(void **state)
{
    /* The short form, the long one with and without its random token, with a domain and without, and with
     * tokens yet unknown. */
    (void)state;
    check("$JS.ACK.S.c-1.3.4242.99.1700000000123456789.17", "S.c-1");
    check("$JS.ACK._.ACCHASH.S.c-1.3.4242.99.1700000000123456789.17", "S.c-1");
    check("$JS.ACK.hub.ACCHASH.S.c-1.3.4242.99.1700000000123456789.17.r4nd0m", "S.c-1");
    check("$JS.ACK._.ACCHASH.S.c-1.3.4242.99.1700000000123456789.17.r4nd0m.new.er", "S.c-1");
}

static void other_subjects_are_refused(void **state)
{
    /* Wrong prefix, wrong count of tokens, empty tokens, no numbers, numbers too large: false, and the target
     * is untouched. */
    const char *const bad[] = {
        "",
        "$JS.ACK",
        "$JS.ACK.",
        "_INBOX.x.0000000100000001",
        "$JS.ACK.S.c.3.4.5.6",
        "$JS.ACK.S.c.3.4.5.6.7.8",
        "$JS.ACK.S.c.3.4.5.6.x",
        "$JS.ACK.S.c.3..5.6.7",
        "$JS.ACK.S.c.-3.4.5.6.7",
        "$JS.ACK.S.c.3.4.5.6.7.",
        "$JS.ACK.S.c.18446744073709551616.4.5.6.7",
        "$JS.ACK.S.c.3.4.5.9223372036854775808.7",
        "$JS.ACK.S.c.3.4.5.6.7 ",
    };
    struct pull_msg msg = {.seq = 7};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (pull_parse_reply(bad[i], &msg)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
    assert_int_equal(msg.seq, 7);
    assert_true(pull_parse_reply("$JS.ACK.S.c.18446744073709551615.4.5.9223372036854775807.7", &msg));
    assert_int_equal(msg.delivered, UINT64_MAX);
    assert_false(ackreply_is(NULL));
}

/* ---- acknowledgements ---- */

static struct bus_ack ack_of(const char *json)
{
    struct bus_ack ack;

    bus_ack_read(slice_of(json), &ack);
    return ack;
}

static void good_acks_are_read(void **state)
{
    /* However it is spaced and whatever else is in it. */
    const char *const same[] = {
        "{\"stream\":\"X\", \"seq\":42}",
        "{\"stream\":\"X\",\"seq\":42}",
        "{ \"stream\" : \"X\" , \"seq\" : 42 }",
        "{\"seq\":42,\"stream\":\"X\"}",
        "{\"stream\":\"X\",\"domain\":\"hub\",\"seq\":42}",
        "{\"stream\":\"a\\\"b\",\"seq\":42}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct bus_ack ack = ack_of(same[i]);
        assert_int_equal(ack.fault, FAULT_OK);
        assert_int_equal(ack.seq, 42);
        assert_false(ack.duplicate);
    }
    struct bus_ack ack = ack_of("{\"stream\":\"X\", \"seq\":9,\"duplicate\": true}");
    assert_int_equal(ack.fault, FAULT_OK);
    assert_int_equal(ack.seq, 9);
    assert_true(ack.duplicate);
}

static void errors_are_classed(void **state)
{
    /* Each error code of JetStream that we know becomes its fault; the text is kept. */
    static const struct {
        const char *json;
        enum fault fault;
        bool subject_full, passing;
    } rows[] = {
        {"{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: "
         "7\"},\"stream\":\"X\",\"seq\":0}",
         FAULT_CONFLICT, false, false},
        {"{\"error\":{\"code\":400,\"err_code\":10164,\"description\":\"wrong last sequence\"}}",
         FAULT_CONFLICT, false, false},
        {"{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum messages exceeded\"}}",
         FAULT_FLEET_FULL, false, false},
        {"{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum bytes exceeded\"}}",
         FAULT_FLEET_FULL, false, false},
        {"{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum messages per subject "
         "exceeded\"}}",
         FAULT_FLEET_FULL, true, false},
        {"{\"error\":{\"code\":503,\"err_code\":10023,\"description\":\"insufficient resources\"}}",
         FAULT_FLEET_FULL, false, false},
        {"{\"error\":{\"code\":500,\"err_code\":10047,\"description\":\"insufficient storage\"}}",
         FAULT_FLEET_FULL, false, false},
        {"{\"error\":{\"code\":400,\"err_code\":10054,\"description\":\"message size exceeds maximum "
         "allowed\"}}",
         FAULT_TOO_LARGE, false, false},
        {"{\"error\":{\"code\":503,\"err_code\":10008,\"description\":\"temporarily unavailable\"}}",
         FAULT_INTERNAL, false, true},
        {"{\"error\":{\"code\":409,\"err_code\":10158,\"description\":\"duplicate in process\"}}",
         FAULT_INTERNAL, false, true},
        {"{\"error\":{\"code\":400,\"err_code\":10060,\"description\":\"expected stream does not match\"}}",
         FAULT_INTERNAL, false, false},
        {"{\"error\":{}}", FAULT_INTERNAL, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bus_ack ack = ack_of(rows[i].json);
        assert_int_equal(ack.fault, rows[i].fault);
        assert_int_equal(ack.subject_full, rows[i].subject_full);
        assert_int_equal(bus_ack_passing(&ack), rows[i].passing);
        assert_string_not_equal(ack.text, "");
        assert_int_equal(ack.seq, 0);
    }
}

static void what_is_no_ack_is_internal(void **state)
{
    /* Nothing, other JSON, broken JSON, numbers out of range: INTERNAL with a text, never OK. */
    const char *const bad[] = {
        "",
        "+OK",
        "{}",
        "[]",
        "null",
        "{\"stream\":\"X\"}",
        "{\"seq\":1}",
        "{\"stream\":\"X\",\"seq\":-1}",
        "{\"stream\":\"X\",\"seq\":\"1\"}",
        "{\"stream\":7,\"seq\":1}",
        "{\"stream\":\"X\",\"seq\":1",
        "{\"stream\":\"X\",\"seq\":1}x",
        "{\"stream\":\"X\",\"seq\":99999999999999999999}",
        "{\"stream\":\"X\",\"seq\":1.5}",
        "{\"stream\":\"X",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bus_ack ack = ack_of(bad[i]);
        if (ack.fault != FAULT_INTERNAL || !ack.text[0]) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_read),        cmocka_unit_test(other_subjects_are_refused),
        cmocka_unit_test(good_acks_are_read),         cmocka_unit_test(errors_are_classed),
        cmocka_unit_test(what_is_no_ack_is_internal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
