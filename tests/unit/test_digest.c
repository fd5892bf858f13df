/* test_digest.c - SHA-256 against the published examples. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/digest.h"

/* FIPS 180-4 examples (NIST, "SHA256.pdf") and the empty text. */
static const struct example {
    const char *text;
    const char *hex;
} examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void test_of_matches_published_examples(void **state)
{
    /* A whole slice gives the published digest, also an empty one without a pointer. */
    (void)state;
    unsigned char bytes[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];

    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        digest_of(slice_of(examples[i].text), bytes);
        digest_hex(bytes, hex);
        assert_string_equal(hex, examples[i].hex);
    }
    digest_of((struct slice){NULL, 0}, bytes);
    digest_hex(bytes, hex);
    assert_string_equal(hex, examples[0].hex);
}

static void test_add_in_any_pieces_is_the_same(void **state)
{
    /* However a text is cut into two, empty pieces included, the running digest is that of the whole. */
    (void)state;
    const char *text = examples[2].text;
    size_t n = strlen(text);

    for (size_t cut = 0; cut <= n; cut++) {
        struct digest *d = digest_new();
        unsigned char bytes[DIGEST_BYTES];
        char hex[DIGEST_HEX_CHARS + 1];
        digest_add(d, text, cut);
        digest_add(d, text + cut, n - cut);
        digest_end(d, bytes);
        digest_free(&d);
        assert_null(d);
        digest_hex(bytes, hex);
        assert_string_equal(hex, examples[2].hex);
    }
}

static void test_million_chars(void **state)
{
    /* The long example: a million times "a", added by tens. */
    (void)state;
    struct digest *d = digest_new();
    unsigned char bytes[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];

    for (int i = 0; i < 100000; i++) {
        digest_add(d, "aaaaaaaaaa", 10);
    }
    digest_end(d, bytes);
    digest_free(&d);
    digest_hex(bytes, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_free_takes_nothing(void **state)
{
    /* Freeing what is not there, or a digest that never ended, is safe. */
    (void)state;
    struct digest *d = NULL;

    digest_free(&d);
    d = digest_new();
    digest_add(d, "x", 1);
    digest_free(&d);
    assert_null(d);
}

static void test_valid_knows_good_from_bad(void **state)
{
    /* Only 64 lower-case hex digits are a digest. */
    (void)state;
    char text[DIGEST_HEX_CHARS + 2];

    assert_true(digest_valid(examples[0].hex));
    assert_false(digest_valid(""));
    assert_false(digest_valid("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"));
    memcpy(text, examples[0].hex, DIGEST_HEX_CHARS);
    text[DIGEST_HEX_CHARS] = '0';
    text[DIGEST_HEX_CHARS + 1] = '\0';
    assert_false(digest_valid(text));
    text[DIGEST_HEX_CHARS] = 'g';
    assert_false(digest_valid(text));
    text[DIGEST_HEX_CHARS - 1] = '\0';
    assert_false(digest_valid(text));
    memcpy(text, examples[0].hex, DIGEST_HEX_CHARS + 1);
    text[10] = 'g';
    assert_false(digest_valid(text));
    text[10] = '/';
    assert_false(digest_valid(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_matches_published_examples),
        cmocka_unit_test(test_add_in_any_pieces_is_the_same),
        cmocka_unit_test(test_million_chars),
        cmocka_unit_test(test_free_takes_nothing),
        cmocka_unit_test(test_valid_knows_good_from_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
