/* sim_tokens.h - access tokens that a dialect's own endpoint gave out, and whose they are. */
#ifndef SIM_TOKENS_H
#define SIM_TOKENS_H

#include <stddef.h>
#include <stdint.h>

struct sim_tokens;

/* sim_tokens_new - at most max tokens; the oldest makes room for the newest. */
struct sim_tokens *sim_tokens_new(size_t max);
void sim_tokens_free(struct sim_tokens **t);
void sim_tokens_clear(struct sim_tokens *t);

/* sim_tokens_add - text is good for that vendor until then, and stands for that account. */
void sim_tokens_add(struct sim_tokens *t, const char *vendor, const char *text, const char *account,
                    int64_t until_ms);

/* sim_tokens_find - the account behind a token that is still good, or NULL. */
const char *sim_tokens_find(const struct sim_tokens *t, const char *vendor, const char *text, int64_t now_ms);

#endif
