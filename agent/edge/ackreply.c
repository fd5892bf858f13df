/* ackreply.c - reads the "$JS.ACK…" subjects that JetStream puts into the reply of what it delivers. */
#include "edge/ackreply.h"

#define PREFIX       "$JS.ACK."
#define SHORT_TOKENS 7 /* after the prefix: stream, consumer and five numbers */
#define LONG_TOKENS  9 /* with domain and account before them; newer servers may add tokens at the end */

bool ackreply_is(const char *reply)
{
    return reply && !strncmp(reply, PREFIX, sizeof(PREFIX) - 1);
}

static bool ackreply_number(struct slice token, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < token.n; i++) {
        unsigned digit = (unsigned char)token.p[i] - (unsigned)'0';
        if (digit > 9 || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return token.n > 0;
}

/* Splits reply; gives the number of tokens, of which the first LONG_TOKENS are kept. */
static int ackreply_split(const char *reply, struct slice tokens[LONG_TOKENS])
{
    struct slice rest = slice_of(reply + sizeof(PREFIX) - 1);
    struct slice token;
    int n = 0;

    while (slice_cut(&rest, '.', &token)) {
        if (token.n == 0) {
            return 0;
        }
        if (n < LONG_TOKENS) {
            tokens[n] = token;
        }
        n++;
    }
    return n;
}

bool ackreply_parse(const char *reply, struct ackreply *ret_reply)
{
    struct slice tokens[LONG_TOKENS];
    struct ackreply r;
    uint64_t time_ns;

    if (!ackreply_is(reply)) {
        return false;
    }
    int n = ackreply_split(reply, tokens);
    if (n != SHORT_TOKENS && n < LONG_TOKENS) {
        return false;
    }
    const struct slice *t = n == SHORT_TOKENS ? tokens : tokens + 2;
    r.consumer = (struct slice){t[0].p, (size_t)(t[1].p + t[1].n - t[0].p)};
    if (!ackreply_number(t[2], UINT64_MAX, &r.delivered) ||
        !ackreply_number(t[3], UINT64_MAX, &r.stream_seq) ||
        !ackreply_number(t[4], UINT64_MAX, &r.consumer_seq) || !ackreply_number(t[5], INT64_MAX, &time_ns) ||
        !ackreply_number(t[6], UINT64_MAX, &r.pending)) {
        return false;
    }
    r.time_ns = (int64_t)time_ns;
    *ret_reply = r;
    return true;
}
