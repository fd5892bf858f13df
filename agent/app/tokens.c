/* tokens.c - mints, keeps and renews access tokens. */
#include "app/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define MARGIN_MS  5000  /* so long before its end a token is given to nobody: it has to arrive, too */
#define FAILED_MS  1000  /* a failure is told to all who ask so soon after it */
#define REFUSED_MS 10000 /* and that the key is refused for so long */
#define AGAIN_MS   5000  /* from a renewal that failed to the next */

struct tokens {
    struct loop *loop;
    struct log *log;
    struct vendor *vendor;
    struct map *slots; /* id -> struct slot */
};

/* What is known of one token. */
struct slot {
    struct tokens *tokens;
    char id[DIGEST_HEX_CHARS + 1];
    char *token; /* NULL: none */
    int64_t ends_ms, renew_ms;
    enum fault fault; /* of the last try, until failed_ms */
    struct note note;
    int64_t failed_ms; /* so long it is told to all who ask */
    struct mint *mint; /* under way, or NULL */
    struct list waits; /* for it */
};

/* What it will be told is copied when it is decided: the slot may know better before it is told. */
struct tokens_wait {
    struct list link;
    struct timer timer;
    bool decided;
    enum fault fault;
    struct note note;
    char *token;
    tokens_fn *fn;
    void *arg;
};

/* A request to a token endpoint. It has copies of its own: who asked may be gone before it ends. */
struct mint {
    struct slot *slot;
    struct adapter *adapter;
    struct credential_secret *secret;
    char *key;
    int64_t asked_ms;
    struct vendor_call *call;
    struct buf body;
};

/* All times are of the clock that counts while a machine sleeps. */
static bool slot_lives(const struct slot *s)
{
    return s->token && clock_boot_ms() < s->ends_ms;
}

static bool slot_failed(const struct slot *s)
{
    return s->fault != FAULT_OK && clock_boot_ms() < s->failed_ms;
}

/* ---- one who waits ---- */

static void wait_free(struct tokens_wait *w)
{
    timer_stop(&w->timer);
    list_drop(&w->link);
    if (w->token) {
        explicit_bzero(w->token, strlen(w->token));
    }
    free(w->token);
    free(w);
}

static void wait_tell(struct timer *t)
{
    struct tokens_wait *w = container_of(t, struct tokens_wait, timer);

    list_drop(&w->link);
    w->fn(w->arg, w->fault, &w->note, w->token);
    wait_free(w);
}

static void wait_decide(struct tokens_wait *w, struct loop *loop, enum fault fault, const struct note *note)
{
    if (!w->decided) {
        w->decided = true;
        w->fault = fault;
        w->note = *note;
        timer_start(loop, &w->timer, 0, wait_tell);
    }
}

/* Tells all who wait what there is: the token, or why there is none. */
static void slot_tell(struct slot *s)
{
    list_each(link, after, &s->waits)
    {
        struct tokens_wait *w = container_of(link, struct tokens_wait, link);
        if (!w->decided) {
            w->token = mem_text(s->token);
            wait_decide(w, s->tokens->loop, s->token ? FAULT_OK : s->fault, &s->note);
        }
    }
}

void tokens_stop(struct tokens_wait **w)
{
    if (*w) {
        wait_free(*w);
        *w = NULL;
    }
}

/* ---- slots ---- */

static void mint_free(struct mint *m)
{
    if (!m) {
        return;
    }
    vendor_call_stop(&m->call);
    if (m->body.p) {
        explicit_bzero(m->body.p, m->body.n);
    }
    buf_done(&m->body);
    credential_secret_free(&m->secret);
    adapter_drop(&m->adapter);
    free(m->key);
    free(m);
}

static void slot_forget(struct slot *s)
{
    if (s->token) {
        explicit_bzero(s->token, strlen(s->token));
    }
    free(s->token);
    s->token = NULL;
}

static void slot_free(struct slot *s)
{
    mint_free(s->mint);
    slot_forget(s);
    free(s);
}

/* Keys are rotated and configurations change: what nobody asks for any more ends here. */
static void tokens_sweep(struct tokens *t)
{
    bool full = map_count(t->slots) >= LIMIT_TOKENS;
    struct slot *s;
    size_t cursor = 0;

    while ((s = map_next(t->slots, &cursor, NULL))) {
        if (!s->mint && list_empty(&s->waits) && (full || (!slot_lives(s) && !slot_failed(s)))) {
            (void)map_drop(t->slots, s->id);
            slot_free(s);
        }
    }
}

static struct slot *tokens_slot(struct tokens *t, const char *id)
{
    struct slot *s = map_find(t->slots, id);

    if (s) {
        return s;
    }
    tokens_sweep(t);
    s = mem_new(sizeof(*s));
    s->tokens = t;
    memcpy(s->id, id, sizeof(s->id));
    list_init(&s->waits);
    if (!map_put(t->slots, s->id, s)) {
        free(s);
        return NULL;
    }
    return s;
}

/* ---- minting ---- */

static void slot_take(struct slot *s, struct credential_token *token, const struct adapter *a,
                      const char *key, int64_t asked_ms)
{
    int64_t margin = token->lives_ms / 10 < MARGIN_MS ? token->lives_ms / 10 : MARGIN_MS;

    slot_forget(s);
    s->token = token->text;
    token->text = NULL;
    s->ends_ms = asked_ms + token->lives_ms - margin;
    s->renew_ms = asked_ms + credential_renew_ms(a, token->lives_ms);
    s->fault = FAULT_OK;
    s->note = (struct note){0};
    log_info(s->tokens->log, "a token was made", LOG_TEXT("adapter", adapter_name(a)), LOG_TEXT("key", key),
             LOG_INT("lives_s", token->lives_ms / 1000));
    slot_tell(s);
}

static void slot_fail(struct slot *s, enum fault fault, const struct note *note, const struct adapter *a,
                      const char *key)
{
    bool lives = slot_lives(s);

    s->fault = fault;
    s->note = *note;
    s->failed_ms = clock_boot_ms() + (fault == FAULT_VENDOR_AUTH ? REFUSED_MS : FAILED_MS);
    s->renew_ms = clock_boot_ms() + AGAIN_MS;
    log_warn(s->tokens->log, lives ? "a token could not be renewed" : "a token could not be made",
             LOG_TEXT("adapter", adapter_name(a)), LOG_TEXT("key", key),
             LOG_TEXT("text", note_text(note, fault)));
    if (!lives) {
        slot_forget(s);
    }
    slot_tell(s);
}

static enum fault on_head(void *arg, int status, const struct vendor_field *fields, size_t n)
{
    (void)arg;
    (void)status;
    (void)fields;
    (void)n;
    return FAULT_OK;
}

static enum fault on_data(void *arg, struct slice bytes, bool *pause)
{
    struct mint *m = arg;

    (void)pause;
    buf_add(&m->body, bytes.p, bytes.n);
    return FAULT_OK;
}

static void on_end(void *arg, const struct vendor_end *end)
{
    struct mint *m = arg;
    struct slot *s = m->slot;
    const struct credential_in in = {.adapter = m->adapter, .secret = m->secret};
    struct credential_token token = {.text = NULL};
    struct note note = {0};
    enum fault fault = end->fault;

    m->call = NULL;
    s->mint = NULL;
    if (fault) {
        note_set(&note, fault, "the token endpoint gave no answer: %s", end->text);
    } else {
        fault = credential_token_read(&in, end->status, buf_slice(&m->body), &token, &note);
    }
    if (fault) {
        slot_fail(s, fault, &note, m->adapter, m->key);
    } else {
        slot_take(s, &token, m->adapter, m->key, m->asked_ms);
    }
    credential_token_done(&token);
    mint_free(m);
}

static void mint_send(struct slot *s, const struct tokens_for *what, const struct credential_mint *made,
                      int64_t asked_ms)
{
    static const struct vendor_events events = {on_head, on_data, on_end};
    static const struct vendor_field fields[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                                 {"Accept", "application/json"}};
    struct mint *m = mem_new(sizeof(*m));

    *m = (struct mint){.slot = s,
                       .adapter = adapter_keep((struct adapter *)what->in.adapter),
                       .key = mem_text(what->key),
                       .asked_ms = asked_ms};
    if (credential_secret_read(m->adapter, credential_secret_text(what->in.secret, 0), &m->secret, NULL)) {
        abort(); /* it was read before */
    }
    buf_init(&m->body, LIMIT_TOKEN_ANSWER_BYTES);
    struct vendor_request request = {.method = "POST",
                                     .url = made->url,
                                     .fields = fields,
                                     .field_count = sizeof(fields) / sizeof(fields[0]),
                                     .body = body_new(),
                                     .timeout_ms = LIMIT_TOKEN_MS,
                                     .max_bytes = LIMIT_TOKEN_ANSWER_BYTES,
                                     .insecure_ok = what->insecure_ok};
    body_add_text(request.body, slice_of(made->form));
    s->mint = m;
    m->call = vendor_call_start(s->tokens->vendor, &request, &events, NULL, m);
}

static void slot_mint(struct slot *s, const struct tokens_for *what)
{
    int64_t asked_ms = clock_boot_ms();
    struct credential_mint made;
    struct note note = {0};

    if (credential_mint(&what->in, clock_wall_ms(), &made, &note)) {
        slot_fail(s, FAULT_VENDOR_AUTH, &note, what->in.adapter, what->key);
    } else if (made.token.text) {
        slot_take(s, &made.token, what->in.adapter, what->key, asked_ms);
    } else {
        mint_send(s, what, &made, asked_ms);
    }
    credential_mint_done(&made);
}

/* ---- asking ---- */

static void slot_ask(struct slot *s, const struct tokens_for *what)
{
    if (!slot_lives(s) && !s->mint) {
        slot_forget(s);
    }
    bool late = !s->token || clock_boot_ms() >= s->renew_ms;
    if (late && !s->mint && !slot_failed(s)) {
        slot_mint(s, what);
    }
    if (slot_lives(s) || !s->mint) {
        slot_tell(s);
    }
}

struct tokens_wait *tokens_get(struct tokens *t, const struct tokens_for *what, tokens_fn *fn, void *arg)
{
    struct tokens_wait *w = mem_new(sizeof(*w));
    char id[DIGEST_HEX_CHARS + 1];

    *w = (struct tokens_wait){.fn = fn, .arg = arg};
    list_init(&w->link);
    credential_token_id(&what->in, what->key, id);
    struct slot *s = tokens_slot(t, id);
    if (s) {
        list_push(&s->waits, &w->link);
        slot_ask(s, what);
    } else {
        struct note note = {0};
        note_set(&note, FAULT_OVERLOADED, "more tokens are being made than this agent keeps");
        wait_decide(w, t->loop, FAULT_OVERLOADED, &note);
    }
    return w;
}

void tokens_refused(struct tokens *t, const struct tokens_for *what, const char *token)
{
    char id[DIGEST_HEX_CHARS + 1];

    credential_token_id(&what->in, what->key, id);
    struct slot *s = map_find(t->slots, id);
    if (s && s->token && !strcmp(s->token, token)) {
        slot_forget(s);
        s->fault = FAULT_OK;
    }
}

/* ---- life ---- */

struct tokens *tokens_new(struct loop *loop, struct log *log, struct vendor *vendor)
{
    struct tokens *t = mem_new(sizeof(*t));

    *t = (struct tokens){.loop = loop, .log = log, .vendor = vendor, .slots = map_new(LIMIT_TOKENS)};
    return t;
}

void tokens_free(struct tokens **pt)
{
    struct tokens *t = *pt;
    struct slot *s;
    size_t cursor = 0;

    if (!t) {
        return;
    }
    while ((s = map_next(t->slots, &cursor, NULL))) {
        slot_free(s);
    }
    map_free(&t->slots);
    free(t);
    *pt = NULL;
}
