/* test_jsonscan.c - JSON from a stream: values, blobs, limits, and that the cuts change nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <malloc.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "wire/base64.h"
#include "wire/jsonscan.h"

#define BLOBS 4

/* A sink that keeps what it gets and checks the order of the calls. refuse: the call that fails. */
struct seen {
    struct buf blobs[BLOBS];
    size_t begun;
    size_t ended;
    const char *refuse;
};

static enum fault on_begin(void *arg, size_t index)
{
    struct seen *seen = arg;

    assert_int_equal(index, seen->begun);
    assert_int_equal(seen->begun, seen->ended);
    assert_true(seen->begun < BLOBS);
    buf_init(&seen->blobs[seen->begun++], 1u << 20);
    return seen->refuse && !strcmp(seen->refuse, "begin") ? FAULT_IO : FAULT_OK;
}

static enum fault on_data(void *arg, struct slice bytes)
{
    struct seen *seen = arg;

    assert_int_equal(seen->begun, seen->ended + 1);
    assert_true(bytes.n > 0);
    buf_add(&seen->blobs[seen->ended], bytes.p, bytes.n);
    return seen->refuse && !strcmp(seen->refuse, "data") ? FAULT_IO : FAULT_OK;
}

static enum fault on_end(void *arg)
{
    struct seen *seen = arg;

    assert_int_equal(seen->begun, ++seen->ended);
    return seen->refuse && !strcmp(seen->refuse, "end") ? FAULT_IO : FAULT_OK;
}

static const struct jsonscan_sink sink = {on_begin, on_data, on_end};

/* Small limits, so that small texts meet them. */
static const struct jsonscan_limits small = {
    .text_bytes = 600, .string_bytes = 12, .depth = 4, .elements = 40, .blobs = 3};

/* What came out of one scan. */
struct outcome {
    enum fault fault;
    json_t *value;
    struct note note;
    struct seen seen;
};

static void outcome_done(struct outcome *o)
{
    json_decref(o->value);
    for (size_t i = 0; i < o->seen.begun; i++) {
        buf_done(&o->seen.blobs[i]);
    }
}

static struct outcome scan_in_steps(struct slice text, const struct jsonscan_limits *limits, size_t step)
{
    struct outcome o = {0};
    struct jsonscan *s = jsonscan_new(limits, &sink, &o.seen);

    while (text.n > 0 && !o.fault) {
        size_t n = text.n < step ? text.n : step;
        /* A copy of its own, so that the sanitizer sees a read beyond the piece. */
        char *piece = malloc(n);
        memcpy(piece, text.p, n);
        o.fault = jsonscan_feed(s, (struct slice){piece, n}, &o.note);
        free(piece);
        text.p += n;
        text.n -= n;
    }
    if (!o.fault) {
        o.fault = jsonscan_end(s, &o.value, &o.note);
    }
    jsonscan_free(&s);
    assert_null(s);
    return o;
}

/* Scans whole and in steps of 1, 2, 3, 7 and 9 bytes, and asserts that all agree. */
static struct outcome scan(struct slice text, const struct jsonscan_limits *limits)
{
    static const size_t steps[] = {1, 2, 3, 7, 9};
    struct outcome whole = scan_in_steps(text, limits, text.n + 1);

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct outcome cut = scan_in_steps(text, limits, steps[i]);
        assert_int_equal(cut.fault, whole.fault);
        assert_string_equal(cut.note.text, whole.note.text);
        if (!whole.fault) {
            assert_true(json_equal(cut.value, whole.value));
            assert_int_equal(cut.seen.begun, whole.seen.begun);
            assert_int_equal(cut.seen.ended, cut.seen.begun);
            for (size_t b = 0; b < cut.seen.begun; b++) {
                struct slice x = buf_slice(&cut.seen.blobs[b]), y = buf_slice(&whole.seen.blobs[b]);
                assert_int_equal(x.n, y.n);
                assert_memory_equal(x.p, y.p, x.n);
            }
        }
        outcome_done(&cut);
    }
    return whole;
}

static void fails_with(const char *text, const struct jsonscan_limits *limits, enum fault fault)
{
    struct outcome o = scan(slice_of(text), limits);

    if (o.fault != fault) {
        fail_msg("%s gave %s (%s) and not %s", text, fault_code(o.fault), o.note.text, fault_code(fault));
    }
    assert_true(o.note.text[0]);
    outcome_done(&o);
}

static void reads_as(const char *text, const struct jsonscan_limits *limits, const char *value)
{
    json_t *expected = json_loads(value, JSON_DECODE_ANY, NULL);
    struct outcome o = scan(slice_of(text), limits);

    assert_non_null(expected);
    if (o.fault || !json_equal(o.value, expected)) {
        fail_msg("%s did not give %s: %s", text, value, o.note.text);
    }
    json_decref(expected);
    outcome_done(&o);
}

static void test_json_stays_what_it_is(void **state)
{
    /* Whatever jansson reads from a text, the scanner gives too. */
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "null",
        " true ",
        "\r\n\tfalse",
        "0",
        "-0",
        "-12",
        "1.5e3",
        "1E+2",
        "1e-2",
        "0.1000000000000000055511151231257827021181583404541015625",
        "\"\"",
        "\"a\"",
        "[1,2 , 3]",
        "{\"a\":1}",
        " { \"a\" : [ true , { \"b\" : null } ] , \"\" : \"c\" } ",
        "[[[[]]]]",
        "[{},{},[[]]]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0001\\u001f\\u007f\"",
        "\"\\u00e9\\u20ac\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "\"\\ud83d\\uDE00\"",
        "[\"\\udbff\\udfff\",\"\\uffff\"]",
        "9223372036854775807",
        "-9223372036854775808",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        reads_as(texts[i], &small, texts[i]);
    }
}

static void test_what_is_not_json(void **state)
{
    /* Each of these is BAD_REQUEST, and the note says so. */
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "[",
        "}",
        "]",
        "[}",
        "{]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\"::1}",
        "{\"a\",1}",
        "{null:1}",
        "{[]:1}",
        "[:]",
        "[1:2]",
        "1 2",
        "{} {}",
        "[] ,",
        "\"a\" \"b\"",
        "tru",
        "truE",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1.e2",
        "1e",
        "1e+",
        "0x10",
        "1-2",
        "1_000",
        "-a",
        "1e999",
        "'a'",
        "/**/1",
        "\xef\xbb\xbf{}",
        "[1]x",
        "\"a",
        "\"a\\",
        "\"\\",
        "\"\\u",
        "\"\\u12",
        "\"\\u123\"",
        "\"\\u12G4\"",
        "\"\\x41\"",
        "\"\\U0041\"",
        "\"a\nb\"",
        "\"\t\"",
        "\"\\u0000\"",
        "\"\\ud83d\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\n\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ud83d\\ud83d\"",
        "\"\\ud83d\\n\\ude00\"",
        "\"\\ude00\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\xbd\"",
        "\"\xf4\x90\x80\x80\"",
        "{\"\xff\":1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        fails_with(texts[i], &small, FAULT_BAD_REQUEST);
    }
    struct outcome o = scan((struct slice){"[1,\0]", 5}, &small);
    assert_int_equal(o.fault, FAULT_BAD_REQUEST);
    outcome_done(&o);
}

static void test_every_prefix_is_incomplete(void **state)
{
    /* A text that ends early is BAD_REQUEST wherever it ends. */
    (void)state;
    const char *text = "{\"a\":[1.5e3,true,\"\\u00e9\\n\"],\"data\":\"QUJDREVGR0hJSktM\",\"b\":{}}";

    for (size_t n = 0; n < strlen(text); n++) {
        struct outcome o = scan((struct slice){text, n}, &small);
        assert_int_equal(o.fault, FAULT_BAD_REQUEST);
        outcome_done(&o);
    }
}

static void test_note_says_where(void **state)
{
    /* The note counts bytes over all pieces, from 0. */
    (void)state;
    static const struct place {
        const char *text;
        const char *says;
    } places[] = {
        {"{\"a\":1,\n}", "at byte 8: a bracket"},
        {"{\"a\":\"b\x01\"}", "at byte 7: a control"},
        {"[1}", "at byte 2: a bracket"},
        {"{\"a\":1]", "at byte 6: a bracket"},
        {"[\"\\u0000\"]", "at byte 7: a bad escape"},
        {"[\"\\ud83dx\"]", "at byte 8: half"},
        {"[tru]", "at byte 4: neither"},
        {"[1", "at byte 2: it ends early"},
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct outcome o = scan(slice_of(places[i].text), &small);
        if (!strstr(o.note.text, places[i].says)) {
            fail_msg("%s: \"%s\" does not say \"%s\"", places[i].text, o.note.text, places[i].says);
        }
        outcome_done(&o);
    }
}

static void test_big_integers_become_reals(void **state)
{
    /* Beyond int64 an integer is a real, and the integers beside it stay integers. */
    (void)state;
    reads_as("[9223372036854775808,5,-9223372036854775809,18446744073709551616]", &small,
             "[9223372036854775808.0,5,-9223372036854775809.0,18446744073709551616.0]");
}

static void test_long_numbers_are_refused(void **state)
{
    /* A number of hundreds of digits costs no memory: 512 chars are the most. */
    (void)state;
    char text[600];

    memset(text, '1', sizeof(text));
    memcpy(text, "0.", 2);
    text[512] = '\0';
    struct jsonscan_limits limits = small;
    limits.text_bytes = 1000;
    struct outcome o = scan(slice_of(text), &limits);
    assert_int_equal(o.fault, FAULT_OK);
    outcome_done(&o);
    text[512] = '1';
    text[513] = '\0';
    fails_with(text, &limits, FAULT_BAD_REQUEST);
}

/* One blob of the outcome holds exactly these bytes. */
static void blob_is(const struct outcome *o, size_t index, const char *bytes)
{
    struct slice blob = buf_slice(&o->seen.blobs[index]);

    assert_true(index < o->seen.begun);
    assert_int_equal(blob.n, strlen(bytes));
    assert_memory_equal(blob.p, bytes, blob.n);
}

static void test_long_base64_becomes_a_blob(void **state)
{
    /* Strings over the limit go to the sink decoded, in order; what stands for them has index and size. */
    (void)state;
    struct outcome o = scan(slice_of("{\"x\":\"QUJDREVGR0hJSktM\",\"y\":[\"Pz8_Pj4-Pz8_Pg\",1]}"), &small);
    json_t *expected = json_pack("{s:{s:i,s:i},s:[{s:i,s:i},i]}", "x", "$blob", 0, "bytes", 12, "y", "$blob",
                                 1, "bytes", 10, 1);

    assert_int_equal(o.fault, FAULT_OK);
    assert_true(json_equal(o.value, expected));
    blob_is(&o, 0, "ABCDEFGHIJKL");
    blob_is(&o, 1, "??\?>>>??\?>");
    json_decref(expected);
    outcome_done(&o);
}

static void test_escapes_inside_base64(void **state)
{
    /* A slash may come as \/, and any char as \u: the blob is the same. */
    (void)state;
    struct outcome o = scan(slice_of("[\"Pz8\\/\\u0050z8\\/Pz8\\u002f\\u0050z8\\u003D\"]"), &small);

    assert_int_equal(o.fault, FAULT_OK);
    blob_is(&o, 0,
            "??\?"
            "??\?"
            "??\?"
            "??");
    outcome_done(&o);
}

static void test_data_uri_becomes_a_blob_with_its_type(void **state)
{
    /* The head of a data URI is taken off, its type kept in lower case and without parameters. */
    (void)state;
    struct outcome o =
        scan(slice_of("[\"data:image/png;base64,QUJD\",\"DATA:Image\\/SVG+xml;charset=utf-8;BASE64,QUI=\","
                      "\"data:;base64,QUJD\"]"),
             &small);
    json_t *expected =
        json_pack("[{s:i,s:i,s:s},{s:i,s:i,s:s},{s:i,s:i}]", "$blob", 0, "bytes", 3, "type", "image/png",
                  "$blob", 1, "bytes", 2, "type", "image/svg+xml", "$blob", 2, "bytes", 3);

    assert_int_equal(o.fault, FAULT_OK);
    assert_true(json_equal(o.value, expected));
    blob_is(&o, 0, "ABC");
    blob_is(&o, 1, "AB");
    json_decref(expected);
    outcome_done(&o);
}

static void test_empty_data_uri_is_an_empty_blob(void **state)
{
    /* A URI that is long by its head alone gives a blob of no bytes. */
    (void)state;
    struct outcome o = scan(slice_of("\"data:image/png;base64,\""), &small);

    assert_int_equal(o.fault, FAULT_OK);
    assert_int_equal(o.seen.begun, 1);
    assert_int_equal(json_integer_value(json_object_get(o.value, "bytes")), 0);
    outcome_done(&o);
}

static void test_string_limit_is_exact(void **state)
{
    /* A string as long as the limit stays, base64 or not, measured in UTF-8 and without escapes; one byte
     * more and it must be base64. */
    (void)state;
    reads_as("\"QUJDREVGR0hJ\"", &small, "\"QUJDREVGR0hJ\"");
    reads_as("\"twelve chars\"", &small, "\"twelve chars\"");
    reads_as("\"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\"", &small, "\"éééééé\"");
    reads_as("\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\"", &small, "\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\"");
    fails_with("\"thirteen char\"", &small, FAULT_TOO_LARGE);
    fails_with("\"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\"", &small, FAULT_TOO_LARGE);
}

static void test_long_strings_must_be_base64(void **state)
{
    /* Other long strings are TOO_LARGE: a wrong char, missing chars, a data URI without base64 or with a bad
     * type. */
    (void)state;
    static const char *const texts[] = {
        "\"QUJDREVGR0hJSktM!\"",
        "\"QUJDREVGR0hJSktMQ\"",
        "\"QUJDREVGR0hJ SktM\"",
        "\"QUJDREVGR0hJSg=\"",
        "\"QUJDREVGR0hJSktM\xc3\xa9\"",
        "\"data:text/plain,hello world\"",
        "\"data:image/png;base64\"",
        "\"data:image;base64,QUJD\"",
        "\"data:image/p\\\"g;base64,QUJD\"",
        "\"data:image/png/x;base64,QUJD\"",
        "\"data:image/png;base64,QUJD%3D\"",
        "\"data:image/png;base64,QUJDR\"",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        fails_with(texts[i], &small, FAULT_TOO_LARGE);
    }
}

static void test_long_strings_across_all_buffers(void **state)
{
    /* Lengths around the head (256) and the piece (16384) decode to the same bytes, with and without an
     * escape. */
    (void)state;
    static const size_t lengths[] = {10, 189, 190, 191, 192, 193, 12287, 12288, 12289, 12480, 24700, 40000};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t n = lengths[i];
        char *bytes = malloc(n), *text = malloc(BASE64_CHARS(n) + 64);
        for (size_t k = 0; k < n; k++) {
            bytes[k] = (char)(k * 31 + k / 256);
        }
        size_t at = (size_t)sprintf(text, "[\"");
        at += base64_write(text + at, (struct slice){bytes, n}, true);
        sprintf(text + at, "\",\"x\"]");
        struct outcome o = scan(slice_of(text), &small);
        assert_int_equal(o.fault, FAULT_OK);
        assert_int_equal(o.seen.blobs[0].n, n);
        assert_memory_equal(o.seen.blobs[0].p, bytes, n);
        assert_string_equal(json_string_value(json_array_get(o.value, 1)), "x");
        outcome_done(&o);
        free(bytes);
        free(text);
    }
}

static void test_nobody_forges_a_marker(void **state)
{
    /* The keys of markers are refused, also spelled with escapes; as values they are texts. */
    (void)state;
    fails_with("{\"$blob\":0}", &small, FAULT_BAD_REQUEST);
    fails_with("{\"a\":{\"$bin\":0}}", &small, FAULT_BAD_REQUEST);
    fails_with("[{\"\\u0024bl\\u006fb\":0}]", &small, FAULT_BAD_REQUEST);
    reads_as("{\"$blo\":\"$blob\",\"$blobs\":\"$bin\"}", &small, "{\"$blo\":\"$blob\",\"$blobs\":\"$bin\"}");
}

static void test_depth_is_bounded(void **state)
{
    /* The depth counts open brackets of both kinds, and siblings do not add up. */
    (void)state;
    reads_as("[{\"a\":[[],[]]},[[[]]]]", &small, "[{\"a\":[[],[]]},[[[]]]]");
    fails_with("[[[[[]]]]]", &small, FAULT_TOO_DEEP);
    fails_with("[{\"a\":{\"b\":[{", &small, FAULT_TOO_DEEP);
}

static void test_elements_are_bounded(void **state)
{
    /* Values and keys count, containers too: 40 are taken and the 41st is not. */
    (void)state;
    struct jsonscan_limits limits = small;

    limits.elements = 5;
    reads_as("[1,2,3,4]", &limits, "[1,2,3,4]");
    fails_with("[1,2,3,4,5]", &limits, FAULT_TOO_MANY_ELEMENTS);
    reads_as("{\"a\":1,\"b\":2}", &limits, "{\"a\":1,\"b\":2}");
    fails_with("{\"a\":1,\"b\":2,\"c", &limits, FAULT_TOO_MANY_ELEMENTS);
    fails_with("[[],[],[],[],[", &limits, FAULT_TOO_MANY_ELEMENTS);
}

static void test_text_is_bounded(void **state)
{
    /* What stays as JSON is bounded, without white space and escapes that need not be; of a blob
     * only what stands for it counts. */
    (void)state;
    struct jsonscan_limits limits = small;

    limits.text_bytes = 20;
    reads_as("[ \"abcdefg\" , \"hijklm\" ]                    ", &limits, "[\"abcdefg\",\"hijklm\"]");
    reads_as("[ \"\\u0061bcdefg\" , \"hijklm\" ]", &limits, "[\"abcdefg\",\"hijklm\"]");
    fails_with("[\"abcdefg\",\"hijklmn\"]", &limits, FAULT_TOO_LARGE);
    fails_with("[1111111111,2222222222]", &limits, FAULT_TOO_LARGE);
    fails_with("[[[[],[],[],[],[],[],[]]]]", &limits, FAULT_TOO_LARGE);
    limits.text_bytes = 24;
    reads_as("\"QUJDREVGR0hJSktMQUJDREVGR0hJSktM\"", &limits, "{\"$blob\":0,\"bytes\":24}");
}

static void test_blobs_are_bounded(void **state)
{
    /* One blob more than allowed is TOO_MANY_ELEMENTS. */
    (void)state;
    struct outcome o =
        scan(slice_of("[\"AAAAAAAAAAAAAAAA\",\"AAAAAAAAAAAAAAAA\",\"AAAAAAAAAAAAAAAA\"]"), &small);

    assert_int_equal(o.fault, FAULT_OK);
    outcome_done(&o);
    fails_with("[\"AAAAAAAAAAAAAAAA\",\"AAAAAAAAAAAAAAAA\",\"AAAAAAAAAAAAAAAA\",\"AAAAAAAAAAAAAAAA\"]",
               &small, FAULT_TOO_MANY_ELEMENTS);
}

static void test_keys_are_never_blobs(void **state)
{
    /* A key over the limit is TOO_LARGE, even as base64, below and above the head's size. */
    (void)state;
    char text[700];

    fails_with("{\"QUJDREVGR0hJSktM\":1}", &small, FAULT_TOO_LARGE);
    memset(text, 'A', sizeof(text));
    memcpy(text, "{\"", 2);
    memcpy(text + 600, "\":1}", 5);
    fails_with(text, &small, FAULT_TOO_LARGE);
}

static void test_without_a_sink_long_strings_are_refused(void **state)
{
    /* jsonscan_new without a sink: base64 or not, a long string is TOO_LARGE. */
    (void)state;
    struct jsonscan *s = jsonscan_new(&small, NULL, NULL);
    struct note note = {0};

    assert_int_equal(jsonscan_feed(s, slice_of("[\"QUJDREVGR0hJSktM\"]"), &note), FAULT_TOO_LARGE);
    assert_non_null(strstr(note.text, "12 bytes"));
    jsonscan_free(&s);
}

static void test_sink_faults_come_through(void **state)
{
    /* Whichever call refuses, its fault is the scanner's, now and from then on. */
    (void)state;
    static const char *const calls[] = {"begin", "data", "end"};

    for (size_t i = 0; i < 3; i++) {
        struct outcome o = {.seen.refuse = calls[i]};
        struct jsonscan *s = jsonscan_new(&small, &sink, &o.seen);
        assert_int_equal(jsonscan_feed(s, slice_of("[\"QUJDREVGR0hJSktM\"]"), NULL), FAULT_IO);
        assert_int_equal(o.seen.ended, i == 2);
        assert_int_equal(jsonscan_feed(s, slice_of("x"), NULL), FAULT_IO);
        assert_int_equal(jsonscan_end(s, &o.value, NULL), FAULT_IO);
        assert_null(o.value);
        jsonscan_free(&s);
        outcome_done(&o);
    }
}

static void test_free_in_the_middle(void **state)
{
    /* A scanner may go at any point, also inside a blob; freeing nothing is safe. */
    (void)state;
    struct outcome o = {0};
    struct jsonscan *s = NULL;

    jsonscan_free(&s);
    s = jsonscan_new(&jsonscan_default, &sink, &o.seen);
    assert_int_equal(jsonscan_feed(s, slice_of("{\"a\":[\"QUJD"), NULL), FAULT_OK);
    jsonscan_free(&s);
    s = jsonscan_new(&small, NULL, NULL);
    jsonscan_free(&s);
    outcome_done(&o);
}

static void test_read_takes_the_default_limits(void **state)
{
    /* A whole text: strings up to 64 KiB, nesting up to LIMIT_REQUEST_DEPTH, and no more. */
    (void)state;
    char *text = malloc(LIMIT_STRING_BYTES + 4);
    json_t *value = NULL;

    memset(text, 'a', LIMIT_STRING_BYTES + 4);
    text[0] = text[LIMIT_STRING_BYTES + 1] = '"';
    assert_int_equal(jsonscan_read((struct slice){text, LIMIT_STRING_BYTES + 2}, &value, NULL), FAULT_OK);
    assert_int_equal(json_string_length(value), LIMIT_STRING_BYTES);
    json_decref(value);
    text[LIMIT_STRING_BYTES + 1] = 'a';
    text[LIMIT_STRING_BYTES + 2] = '"';
    assert_int_equal(jsonscan_read((struct slice){text, LIMIT_STRING_BYTES + 3}, &value, NULL),
                     FAULT_TOO_LARGE);
    memset(text, '[', LIMIT_REQUEST_DEPTH + 1);
    memset(text + LIMIT_REQUEST_DEPTH, ']', LIMIT_REQUEST_DEPTH);
    assert_int_equal(jsonscan_read((struct slice){text, 2 * LIMIT_REQUEST_DEPTH}, &value, NULL), FAULT_OK);
    json_decref(value);
    text[LIMIT_REQUEST_DEPTH] = '[';
    assert_int_equal(jsonscan_read((struct slice){text, 2 * LIMIT_REQUEST_DEPTH}, &value, NULL),
                     FAULT_TOO_DEEP);
    free(text);
}

/* A sink that counts, and the most memory that was in use while it was called. */
struct weigh {
    size_t bytes;
    size_t most;
};

/* Bytes in use on the heap, large blocks included. */
static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static enum fault weigh_call(void *arg)
{
    struct weigh *w = arg;
    size_t now = heap_bytes();

    w->most = now > w->most ? now : w->most;
    return FAULT_OK;
}

static enum fault weigh_begin(void *arg, size_t index)
{
    (void)index;
    return weigh_call(arg);
}

static enum fault weigh_data(void *arg, struct slice bytes)
{
    ((struct weigh *)arg)->bytes += bytes.n;
    return weigh_call(arg);
}

static void test_memory_does_not_grow_with_the_medium(void **state)
{
    /* 24 MB of base64 go through in less than 256 KiB. */
    (void)state;
    static char piece[64 * 1024];
    const struct jsonscan_sink weighing = {weigh_begin, weigh_data, weigh_call};
    struct weigh w = {0};
    size_t before = heap_bytes();
    struct jsonscan *s = jsonscan_new(&jsonscan_default, &weighing, &w);
    json_t *value = NULL;

    memset(piece, 'A', sizeof(piece));
    assert_int_equal(jsonscan_feed(s, slice_of("{\"image\":\"data:image/png;base64,"), NULL), FAULT_OK);
    for (int i = 0; i < 384; i++) {
        assert_int_equal(jsonscan_feed(s, (struct slice){piece, sizeof(piece)}, NULL), FAULT_OK);
    }
    assert_int_equal(jsonscan_feed(s, slice_of("\"}"), NULL), FAULT_OK);
    assert_int_equal(jsonscan_end(s, &value, NULL), FAULT_OK);
    assert_int_equal(w.bytes, 384 * sizeof(piece) / 4 * 3);
    assert_true(w.most < before + 256 * 1024);
    json_decref(value);
    jsonscan_free(&s);
}

/* ---- hex ---- */

static struct outcome scan_hex(const char *text, size_t step)
{
    struct outcome o = {0};
    struct jsonscan *s = jsonscan_new(&small, &sink, &o.seen);

    jsonscan_hex(s);
    for (size_t at = 0; text[at] && !o.fault; at += step) {
        size_t n = strnlen(text + at, step);
        o.fault = jsonscan_feed(s, (struct slice){text + at, n}, &o.note);
        if (n < step) {
            break;
        }
    }
    if (!o.fault) {
        o.fault = jsonscan_end(s, &o.value, &o.note);
    }
    jsonscan_free(&s);
    return o;
}

static void test_hex(void **state)
{
    /* Asked for, a long string of hex digits is decoded as such, in either case and cut anywhere; base64 and
     * data URIs are as ever, and without asking the same string is base64. */
    static const char text[] =
        "[\"00fF10a0b1c2d3e4f5060708\",\"QUJDREVGR0hJSktM\",\"data:a/b;base64,QUJDREVGR0hJSktM\",\"abcdef\"]";
    static const unsigned char bytes[] = {0x00, 0xff, 0x10, 0xa0, 0xb1, 0xc2,
                                          0xd3, 0xe4, 0xf5, 0x06, 0x07, 0x08};

    (void)state;
    for (size_t step = 1; step < 40; step++) {
        struct outcome o = scan_hex(text, step);
        assert_int_equal(o.fault, FAULT_OK);
        assert_int_equal(o.seen.ended, 3);
        assert_int_equal(o.seen.blobs[0].n, sizeof(bytes));
        assert_memory_equal(o.seen.blobs[0].p, bytes, sizeof(bytes));
        assert_string_equal(o.seen.blobs[1].p, "ABCDEFGHIJKL");
        assert_string_equal(o.seen.blobs[2].p, "ABCDEFGHIJKL");
        assert_string_equal(json_string_value(json_array_get(o.value, 3)), "abcdef");
        outcome_done(&o);
    }
    struct outcome o = scan(slice_of("[\"00fF10a0b1c2d3e4f5060708\"]"), &small);
    assert_int_equal(o.fault, FAULT_OK);
    assert_int_equal(o.seen.blobs[0].n, 18);
    outcome_done(&o);
}

static void test_hex_that_goes_wrong(void **state)
{
    /* Half a byte at the end, and a char that is no digit behind the beginning that was all digits. */
    char text[1200];
    struct outcome o = scan_hex("[\"00fF10a0b1c2d3e4f\"]", 7);

    (void)state;
    assert_int_equal(o.fault, FAULT_TOO_LARGE);
    outcome_done(&o);
    memset(text, 'a', sizeof(text));
    memcpy(text, "[\"", 2);
    memcpy(text + 900, "x\"]", 4);
    o = scan_hex(text, 100);
    assert_int_equal(o.fault, FAULT_TOO_LARGE);
    outcome_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_hex_that_goes_wrong),
        cmocka_unit_test(test_json_stays_what_it_is),
        cmocka_unit_test(test_what_is_not_json),
        cmocka_unit_test(test_every_prefix_is_incomplete),
        cmocka_unit_test(test_note_says_where),
        cmocka_unit_test(test_big_integers_become_reals),
        cmocka_unit_test(test_long_numbers_are_refused),
        cmocka_unit_test(test_long_base64_becomes_a_blob),
        cmocka_unit_test(test_escapes_inside_base64),
        cmocka_unit_test(test_data_uri_becomes_a_blob_with_its_type),
        cmocka_unit_test(test_empty_data_uri_is_an_empty_blob),
        cmocka_unit_test(test_string_limit_is_exact),
        cmocka_unit_test(test_long_strings_must_be_base64),
        cmocka_unit_test(test_long_strings_across_all_buffers),
        cmocka_unit_test(test_nobody_forges_a_marker),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_elements_are_bounded),
        cmocka_unit_test(test_text_is_bounded),
        cmocka_unit_test(test_blobs_are_bounded),
        cmocka_unit_test(test_keys_are_never_blobs),
        cmocka_unit_test(test_without_a_sink_long_strings_are_refused),
        cmocka_unit_test(test_sink_faults_come_through),
        cmocka_unit_test(test_free_in_the_middle),
        cmocka_unit_test(test_read_takes_the_default_limits),
        cmocka_unit_test(test_memory_does_not_grow_with_the_medium),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
