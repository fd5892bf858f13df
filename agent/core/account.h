/* account.h - the rules of a vendor key's state: not before a time, out of use, in use again.
 *
 * What the fleet shares of a key are facts as those of a breaker: two versions are joined in any order to the
 * same. not_before only grows. What takes a key out of use (a vendor that refuses it, a spent quota) belongs
 * to a generation, and each success after that begins a new one. All times are Unix ms by the fleet's clock;
 * nothing here reads one. */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ACCOUNT_MARK_CHARS 8
#define ACCOUNT_REFUSALS   8 /* kept; the oldest goes */

struct account {
    int64_t not_before_ms;
    int hits; /* limits met one after the other, for waits that the vendor does not name */
    int64_t generation;
    /* Marks of what the key was refused with: adapter and base. With others it is tried again. */
    char refused[ACCOUNT_REFUSALS][ACCOUNT_MARK_CHARS + 1];
    int refused_n;
    int64_t spent_ms; /* its quota is used up, until then */
    int spent_level;
    /* this agent's own */
    int64_t out_ms; /* when it last learned that the key is out of use */
};

/* account_join - makes mine what both know. True: mine changed. account_same - the facts are equal. */
bool account_join(struct account *mine, const struct account *theirs);
bool account_same(const struct account *a, const struct account *b);

/* account_pack - appends the facts to a record, their times counted from now_ms; account_unpack - reads them
 * from a record of time_ms. False: it is none. */
void account_pack(json_t *record, const struct account *a, int64_t now_ms);
bool account_unpack(const json_t *record, struct account *a, int64_t time_ms);

enum account_state { ACCOUNT_USABLE, ACCOUNT_HELD, ACCOUNT_SPENT, ACCOUNT_REFUSED };
const char *account_state_text(enum account_state state);

/* account_state - mark: what it is to be used with. *ret_wait_ms: HELD, SPENT: for how long; else 0. */
enum account_state account_state(const struct account *a, const char *mark, int64_t now_ms,
                                 int64_t *ret_wait_ms);

/* What the vendor said; true: the facts changed, and the fleet must be told. limited: later_ms is the
 * vendor's wish, -1: none. good: a submission that began at began_ms went well. */
bool account_limited(struct account *a, int64_t later_ms, int64_t now_ms);
bool account_spent(struct account *a, int64_t now_ms);
bool account_refused(struct account *a, const char *mark, int64_t now_ms);
bool account_good(struct account *a, const char *mark, int64_t began_ms);

/* account_name - the name of a key in the fleet's records: pool, id, and the beginning of a digest of its
 * secret, so that another secret is another account. account_token - text as a part of such a name. New
 * texts. */
char *account_name(const char *pool, const char *id, const char *secret);
char *account_token(const char *text);
/* account_mark - of what a key is used with, into out. */
void account_mark(const char *adapter_digest, const char *base, char out[ACCOUNT_MARK_CHARS + 1]);

#endif
