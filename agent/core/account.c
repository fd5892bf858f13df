/* account.c - the rules of a vendor key's state. */
#include "core/account.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/digest.h"

#define HIT_MS       500 /* the first wait that the vendor does not name, then twice as long … */
#define HIT_MAX_MS   30000
#define HIT_CALM_MS  60000 /* so long after a wait the next limit is a first one */
#define HITS         16
#define PAD_MS       50 /* and a sixteenth, at most a second: those who were on the way say much the same */
#define PAD_MAX_MS   1000
#define SPENT_MS     60000 /* then four times as long … */
#define SPENT_MAX_MS 3600000
#define SPENT_LEVEL  8
#define TOKEN_CHARS  120
#define TIME_MAX_MS  (INT64_MAX / 4)

/* ---- joining ---- */

static bool has_mark(const struct account *a, const char *mark)
{
    for (int i = 0; i < a->refused_n; i++) {
        if (!strcmp(a->refused[i], mark)) {
            return true;
        }
    }
    return false;
}

static void add_mark(struct account *a, const char *mark)
{
    if (has_mark(a, mark)) {
        return;
    }
    if (a->refused_n == ACCOUNT_REFUSALS) {
        memmove(a->refused[0], a->refused[1], (ACCOUNT_REFUSALS - 1) * sizeof(a->refused[0]));
        a->refused_n--;
    }
    snprintf(a->refused[a->refused_n++], sizeof(a->refused[0]), "%s", mark);
}

bool account_same(const struct account *a, const struct account *b)
{
    if (a->not_before_ms != b->not_before_ms || a->hits != b->hits || a->generation != b->generation ||
        a->refused_n != b->refused_n || a->spent_ms != b->spent_ms || a->spent_level != b->spent_level) {
        return false;
    }
    for (int i = 0; i < a->refused_n; i++) {
        if (!has_mark(b, a->refused[i])) {
            return false;
        }
    }
    return true;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void join_out(struct account *mine, const struct account *theirs)
{
    if (theirs->generation > mine->generation) {
        mine->generation = theirs->generation;
        mine->spent_ms = theirs->spent_ms;
        mine->spent_level = theirs->spent_level;
        memcpy(mine->refused, theirs->refused, sizeof(mine->refused));
        mine->refused_n = theirs->refused_n;
    } else if (theirs->generation == mine->generation) {
        mine->spent_ms = larger(mine->spent_ms, theirs->spent_ms);
        mine->spent_level = (int)larger(mine->spent_level, theirs->spent_level);
        for (int i = 0; i < theirs->refused_n; i++) {
            add_mark(mine, theirs->refused[i]);
        }
    }
}

bool account_join(struct account *mine, const struct account *theirs)
{
    struct account before = *mine;

    if (theirs->not_before_ms > mine->not_before_ms) {
        mine->not_before_ms = theirs->not_before_ms;
        mine->hits = theirs->hits;
    } else if (theirs->not_before_ms == mine->not_before_ms) {
        mine->hits = (int)larger(mine->hits, theirs->hits);
    }
    join_out(mine, theirs);
    return !account_same(mine, &before);
}

/* ---- records ---- */

void account_pack(json_t *record, const struct account *a, int64_t now_ms)
{
    json_t *marks = json_array();

    for (int i = 0; i < a->refused_n; i++) {
        json_array_append_new(marks, json_string(a->refused[i]));
    }
    json_object_set_new(record, "generation", json_integer(a->generation));
    json_object_set_new(record, "refused", marks);
    if (a->not_before_ms) {
        json_object_set_new(record, "hold_ms", json_integer(a->not_before_ms - now_ms));
        json_object_set_new(record, "hits", json_integer(a->hits));
    }
    if (a->spent_ms) {
        json_object_set_new(record, "spent_ms", json_integer(a->spent_ms - now_ms));
        json_object_set_new(record, "spent_level", json_integer(a->spent_level));
    }
}

static int64_t read_time(const json_t *record, const char *member, int64_t time_ms)
{
    const json_t *value = json_object_get(record, member);
    int64_t ms = json_integer_value(value);

    return json_is_integer(value) && ms < TIME_MAX_MS && ms > -TIME_MAX_MS ? time_ms + ms : 0;
}

static int read_count(const json_t *record, const char *member, int most)
{
    int64_t n = json_integer_value(json_object_get(record, member));

    return n < 0 ? 0 : n > most ? most : (int)n;
}

bool account_unpack(const json_t *record, struct account *a, int64_t time_ms)
{
    const json_t *generation = json_object_get(record, "generation");
    size_t i;
    json_t *mark;

    if (!json_is_integer(generation) || json_integer_value(generation) < 0) {
        return false;
    }
    *a = (struct account){.generation = json_integer_value(generation),
                          .not_before_ms = read_time(record, "hold_ms", time_ms),
                          .hits = read_count(record, "hits", HITS),
                          .spent_ms = read_time(record, "spent_ms", time_ms),
                          .spent_level = read_count(record, "spent_level", SPENT_LEVEL)};
    json_array_foreach(json_object_get(record, "refused"), i, mark)
    {
        if (json_string_length(mark) == ACCOUNT_MARK_CHARS) {
            add_mark(a, json_string_value(mark));
        }
    }
    return true;
}

/* ---- states ---- */

const char *account_state_text(enum account_state state)
{
    static const char *const texts[] = {"usable", "held", "spent", "refused"};

    return texts[state];
}

enum account_state account_state(const struct account *a, const char *mark, int64_t now_ms,
                                 int64_t *ret_wait_ms)
{
    *ret_wait_ms = 0;
    if (has_mark(a, mark)) {
        return ACCOUNT_REFUSED;
    }
    if (a->spent_ms > now_ms && a->spent_ms >= a->not_before_ms) {
        *ret_wait_ms = a->spent_ms - now_ms;
        return ACCOUNT_SPENT;
    }
    if (a->not_before_ms > now_ms) {
        *ret_wait_ms = a->not_before_ms - now_ms;
        return ACCOUNT_HELD;
    }
    return ACCOUNT_USABLE;
}

static int64_t grown(int64_t first_ms, int times, int factor, int64_t most_ms)
{
    int64_t ms = first_ms;

    while (times-- > 0 && ms < most_ms) {
        ms *= factor;
    }
    return ms < most_ms ? ms : most_ms;
}

bool account_limited(struct account *a, int64_t later_ms, int64_t now_ms)
{
    bool held = now_ms < a->not_before_ms;
    int64_t wait = later_ms;

    if (wait < 0 && held) {
        return false; /* it was on its way when the limit became known */
    }
    if (!held) {
        bool calm = !a->not_before_ms || now_ms - a->not_before_ms > HIT_CALM_MS;
        a->hits = calm ? 1 : a->hits < HITS ? a->hits + 1 : HITS;
    }
    wait = wait < 0 ? grown(HIT_MS, a->hits - 1, 2, HIT_MAX_MS) : wait;
    if (now_ms + wait <= a->not_before_ms) {
        return false;
    }
    int64_t pad = PAD_MS + wait / 16;
    a->not_before_ms = now_ms + wait + (pad < PAD_MAX_MS ? pad : PAD_MAX_MS);
    return true;
}

bool account_spent(struct account *a, int64_t now_ms)
{
    if (now_ms < a->spent_ms) {
        return false;
    }
    a->spent_ms = now_ms + grown(SPENT_MS, a->spent_level, 4, SPENT_MAX_MS);
    a->spent_level = a->spent_level < SPENT_LEVEL ? a->spent_level + 1 : SPENT_LEVEL;
    a->out_ms = now_ms;
    return true;
}

bool account_refused(struct account *a, const char *mark, int64_t now_ms)
{
    if (has_mark(a, mark)) {
        return false;
    }
    add_mark(a, mark);
    a->out_ms = now_ms;
    return true;
}

bool account_good(struct account *a, const char *mark, int64_t began_ms)
{
    if (began_ms < a->out_ms) {
        return false; /* it began before */
    }
    if (began_ms >= a->not_before_ms) {
        a->hits = 0;
    }
    if (!has_mark(a, mark) && !a->spent_ms) {
        return false;
    }
    a->generation++;
    a->refused_n = 0;
    a->spent_ms = 0;
    a->spent_level = 0;
    return true;
}

/* ---- names ---- */

static void short_digest(const char *first, const char *second, char out[ACCOUNT_MARK_CHARS + 1])
{
    unsigned char bytes[DIGEST_BYTES];
    char hex[DIGEST_HEX_CHARS + 1];
    struct digest *d = digest_new();

    digest_add(d, first, strlen(first) + 1);
    digest_add(d, second, strlen(second));
    digest_end(d, bytes);
    digest_free(&d);
    digest_hex(bytes, hex);
    snprintf(out, ACCOUNT_MARK_CHARS + 1, "%.*s", ACCOUNT_MARK_CHARS, hex);
}

/* A text too long for a name keeps its beginning and a digest. */
static char *token_shortened(char *token)
{
    char digest[ACCOUNT_MARK_CHARS + 1];

    if (strlen(token) <= TOKEN_CHARS) {
        return token;
    }
    short_digest("", token, digest);
    snprintf(token + TOKEN_CHARS - ACCOUNT_MARK_CHARS - 2, ACCOUNT_MARK_CHARS + 3, "==%s", digest);
    return token;
}

char *account_token(const char *text)
{
    size_t n = strlen(text);
    char *out = mem_new(3 * n + 2), *at = out;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (isascii(c) && (isalnum(c) || c == '-' || c == '_')) {
            *at++ = (char)c;
        } else {
            at += snprintf(at, 4, "=%02X", c);
        }
    }
    if (at == out) {
        *at++ = '=';
    }
    return token_shortened(out);
}

char *account_name(const char *pool, const char *id, const char *secret)
{
    char fingerprint[ACCOUNT_MARK_CHARS + 1], *first = account_token(pool), *second = account_token(id);

    short_digest(id, secret, fingerprint);
    char *name = mem_printf("%s.%s.%s", first, second, fingerprint);
    free(first);
    free(second);
    return name;
}

void account_mark(const char *adapter_digest, const char *base, char out[ACCOUNT_MARK_CHARS + 1])
{
    short_digest(adapter_digest, base, out);
}
