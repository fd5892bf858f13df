/* fuzz_sim_signed.c - what the simulator makes of signed tokens and requests: whatever is taken is whole, and
 * nothing forged is genuine. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sim_jwt.h"
#include "sim_sigv4.h"

#define AT 1440938160 /* 20150830T123600Z */

static void check_token(const char *text)
{
    struct sim_jwt j;

    if (!sim_jwt_read(text, &j)) {
        assert(!j.head && !j.claims);
        return;
    }
    assert(json_is_object(j.head) && json_is_object(j.claims) && j.signature_n > 0);
    assert(j.covered.p == text && text[j.covered.n] == '.');
    assert(!strchr(text + j.covered.n + 1, '.'));
    assert(!sim_jwt_hs256(&j, "a secret that no input knows"));
    assert(!sim_jwt_rs256(&j, "no key"));
    assert(sim_jwt_late(&j, INT64_MAX)); /* at the end of time all is over */
    sim_jwt_done(&j);
    assert(!j.head);
}

static bool inside(struct slice part, struct slice whole)
{
    return part.n > 0 && part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void check_request(struct slice text)
{
    const struct http_field fields[] = {{slice_of("host"), slice_of("example.com")},
                                        {slice_of("x-amz-date"), slice_of("20150830T123600Z")},
                                        {slice_of("authorization"), text}};
    const struct http_head head = {.method = slice_of("GET"),
                                   .path = slice_of("/a b/c"),
                                   .query = text,
                                   .fields = fields,
                                   .field_count = 3};
    const struct sim_sigv4_request r = {&head, {NULL, 0}, "e3b0", ""};
    struct sim_sigv4 s;

    if (!sim_sigv4_read(&head, AT, &s)) {
        assert(inside(s.access, text) && inside(s.region, text) && inside(s.service, text));
        assert(inside(s.headers, text) && inside(s.signature, text));
        assert(sim_sigv4_check(&s, &r, "a secret that no input knows"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(auto_free) char *text = mem_textn((const char *)data, size);

    check_token(text);
    check_request((struct slice){text, size});
    return 0;
}
