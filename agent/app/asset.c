/* asset.c - a medium becomes an asset of the vendor before its task is submitted. */
#include "app/asset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/call.h"
#include "app/fleet.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/medium.h"
#include "core/retry.h"
#include "wire/digest.h"

#define ASSETS_MAX   1024
#define VALUE_BYTES  (16 * KIB) /* of an asset that is remembered */
#define TRIES        5          /* of a step that fails here, before the task is given back */
#define HASH_BYTES   (256 * KIB)
#define MARGIN_MS    60000 /* an asset that ends sooner is not used again */
#define MIN_LIMIT_MS 1000

/* ---- what lives ---- */

struct assets {
    struct loop *loop;
    struct map *map; /* name -> struct living */
};

struct living {
    json_t *value;
    int64_t until_ms; /* by the loop's clock */
};

struct assets *assets_new(struct loop *loop)
{
    struct assets *a = mem_new(sizeof(*a));

    *a = (struct assets){loop, map_new(ASSETS_MAX)};
    return a;
}

static void living_free(struct living *l)
{
    if (l) {
        json_decref(l->value);
        free(l);
    }
}

void assets_free(struct assets **pa)
{
    struct assets *a = *pa;
    size_t cursor = 0;
    struct living *l;

    *pa = NULL;
    if (!a) {
        return;
    }
    while ((l = map_next(a->map, &cursor, NULL)) != NULL) {
        living_free(l);
    }
    map_free(&a->map);
    free(a);
}

/* Makes room: what has ended goes, and if nothing has, what ends first. */
static void assets_tidy(struct assets *a)
{
    const char *name, *first = NULL;
    int64_t now = loop_now_ms(a->loop), earliest = INT64_MAX;
    size_t cursor = 0, before = map_count(a->map);
    struct living *l;

    while ((l = map_next(a->map, &cursor, &name)) != NULL) {
        if (l->until_ms <= now) {
            living_free(map_drop(a->map, name));
        } else if (l->until_ms < earliest) {
            earliest = l->until_ms;
            first = name;
        }
    }
    if (map_count(a->map) == before && first) {
        living_free(map_drop(a->map, first));
    }
}

static json_t *assets_find(const struct assets *a, const char *name)
{
    const struct living *l = map_find(a->map, name);

    return l && l->until_ms > loop_now_ms(a->loop) ? l->value : NULL;
}

static void assets_put(struct assets *a, const char *name, json_t *value, int64_t lives_ms)
{
    AUTO(auto_free) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    if (lives_ms <= MARGIN_MS || !text || strlen(text) > VALUE_BYTES) {
        return;
    }
    living_free(map_drop(a->map, name));
    if (map_count(a->map) == ASSETS_MAX) {
        assets_tidy(a);
    }
    struct living *l = mem_new(sizeof(*l));
    *l = (struct living){json_incref(value), loop_now_ms(a->loop) + lives_ms - MARGIN_MS};
    if (!map_put(a->map, name, l)) {
        living_free(l);
    }
}

/* ---- one upload ---- */

struct asset {
    struct parts *parts;
    struct asset_for what;
    const struct inputs_medium *medium;
    struct digest *hash; /* while the digest is taken */
    uint64_t hashed;
    char digest[DIGEST_HEX_CHARS + 1];
    char *name; /* in what lives */
    json_t *about;
    json_t *vars;
    int step;
    int rounds; /* of a step that repeats */
    int tries;  /* of a step that fails */
    struct call_in in;
    struct call *call;
    struct timer timer;
    asset_fn *fn;
    void *arg;
};

static void asset_tell(struct asset *a, const struct asset_out *out)
{
    asset_fn *fn = a->fn;
    void *arg = a->arg;
    struct note note = out->note ? *out->note : (struct note){0};
    struct asset_out told = {out->fault, &note, json_incref(out->value), out->again_ms};

    asset_stop(&a);
    fn(arg, &told);
    json_decref(told.value);
}

static void asset_fail(struct asset *a, enum fault fault, const char *why, int64_t again_ms)
{
    struct note note = {0};

    note_set(&note, fault, "upload of %s: %s", adapter_upload_name(a->what.upload), why);
    asset_tell(a, &(struct asset_out){fault, &note, NULL, again_ms});
}

static void asset_ready(struct asset *a, json_t *value)
{
    assets_put(a->parts->assets, a->name, value, adapter_upload_lives_ms(a->what.upload));
    asset_tell(a, &(struct asset_out){.fault = FAULT_OK, .value = value, .again_ms = -1});
}

static void asset_send(struct asset *a);

static void on_wait_over(struct timer *t)
{
    asset_send(container_of(t, struct asset, timer));
}

static int64_t asset_left_ms(const struct asset *a)
{
    const struct task *t = a->what.task->task;

    return t->accepted_ms + t->deadline_ms - fleet_now_ms(a->parts->fleet);
}

/* The same step again after a wait, here if it is short and not the fifth time. */
static void asset_again(struct asset *a, enum answer_class class, int64_t later_ms, const char *why)
{
    const struct retry_in in = {.class = class,
                                .tries = a->tries,
                                .waits = a->tries,
                                .later_ms = later_ms,
                                .left_ms = asset_left_ms(a),
                                .random = (double)(clock_mono_us() % 4093) / 4093};
    const struct retry_policy policy = {retry_default.base_ms, retry_default.cap_ms, TRIES + 1};
    struct retry_out next = retry_decide(&policy, &in);

    if (!next.again) {
        asset_fail(a, next.fault, why, -1);
    } else if (++a->tries >= TRIES || next.after_ms > LIMIT_LOCAL_WAIT_MS) {
        asset_fail(a, FAULT_VENDOR_UNAVAILABLE, why, next.after_ms);
    } else {
        timer_start(a->parts->loop, &a->timer, next.after_ms, on_wait_over);
    }
}

/* The step was answered well. */
static void asset_go_on(struct asset *a, const struct answer *answer)
{
    const struct adapter_upload *u = a->what.upload;

    a->tries = 0;
    if (answer->state == STATE_IN_PROGRESS) {
        if (++a->rounds >= adapter_upload_times(u, a->step)) {
            asset_fail(a, FAULT_VENDOR_UNAVAILABLE, "the vendor is not done with it after many questions",
                       -1);
        } else {
            timer_start(a->parts->loop, &a->timer, adapter_upload_every_ms(u, a->step), on_wait_over);
        }
        return;
    }
    json_object_update(a->vars, answer->save);
    a->rounds = 0;
    if (++a->step < adapter_upload_steps(u)) {
        asset_send(a);
    } else {
        asset_ready(a, answer->value);
    }
}

/* The address that an earlier step gave does not work any more: the upload begins again. */
static bool stale(int status)
{
    return status == 401 || status == 403 || status == 404 || status == 410;
}

static void on_answer(void *arg, struct call_out *out)
{
    struct asset *a = arg;
    const struct answer *answer = out->answer;
    const char *why = answer && answer->text ? answer->text : out->note.text;

    a->call = NULL;
    if (out->fault == FAULT_BAD_VALUE || out->fault == FAULT_VENDOR_REJECTED ||
        out->fault == FAULT_HOST_REFUSED) {
        asset_fail(a, out->fault == FAULT_BAD_VALUE ? FAULT_VENDOR_REJECTED : out->fault, why, -1);
    } else if (out->fault != FAULT_OK || !answer) {
        asset_again(a, CLASS_RETRY, -1, why);
    } else if (answer->class == CLASS_OK) {
        asset_go_on(a, answer);
    } else if (answer_class_action(answer->class) == ACTION_FAIL) {
        asset_fail(a,
                   answer->class == CLASS_UNKNOWN ? FAULT_VENDOR_ANSWER : answer_class_fault(answer->class),
                   why, -1);
    } else {
        if (stale(out->status)) {
            json_object_clear(a->vars);
            a->step = 0;
        }
        asset_again(a, answer->class, answer->later_ms, why);
    }
}

static void asset_send(struct asset *a)
{
    const struct inputs_for *task = a->what.task;
    int64_t left = asset_left_ms(a);

    a->in = (struct call_in){.target = task->target,
                             .key = task->key,
                             .op = a->what.inputs->op,
                             .step = STEP_UPLOAD,
                             .task = task->task,
                             .inputs = a->what.inputs,
                             .vars = a->vars,
                             .upload = a->what.upload,
                             .upload_step = a->step,
                             .medium = a->about,
                             .deadline_s = left / 1000,
                             .limit_ms = left > MIN_LIMIT_MS ? left : MIN_LIMIT_MS};
    a->call = call_start(a->parts, &a->in, on_answer, a);
}

/* ---- the beginning ---- */

static void asset_begin(struct asset *a)
{
    const struct registry_target *t = a->what.task->target;
    const struct medium m = {.index = a->what.index,
                             .name = a->medium->name,
                             .type = a->medium->type,
                             .bytes = spool_file_bytes(a->medium->file),
                             .digest = a->digest,
                             .token = a->medium->token};

    a->name = mem_printf("%s %s %s %s %s %s", adapter_digest(t->adapter), t->base, a->what.task->key->id,
                         adapter_upload_name(a->what.upload), a->medium->type, a->digest);
    json_t *value = assets_find(a->parts->assets, a->name);
    if (value) {
        asset_tell(a, &(struct asset_out){.fault = FAULT_OK, .value = value, .again_ms = -1});
        return;
    }
    a->about = medium_to_json(&m);
    asset_send(a);
}

/* Takes the digest of a medium that is not from the store, a piece each time, so that others are served
 * between. */
static void on_hash(struct timer *t)
{
    struct asset *a = container_of(t, struct asset, timer);
    unsigned char sum[DIGEST_BYTES];
    char *piece = mem_new(HASH_BYTES);
    long n = spool_file_read(a->medium->file, a->hashed, piece, HASH_BYTES);

    if (n > 0) {
        digest_add(a->hash, piece, (size_t)n);
        a->hashed += (uint64_t)n;
        timer_start(a->parts->loop, &a->timer, 0, on_hash);
    } else if (n < 0) {
        asset_fail(a, FAULT_OVERLOADED, "its spool file cannot be read back", 0);
    } else {
        digest_end(a->hash, sum);
        digest_hex(sum, a->digest);
        asset_begin(a);
    }
    free(piece);
}

static void on_start(struct timer *t)
{
    asset_begin(container_of(t, struct asset, timer));
}

struct asset *asset_start(struct parts *parts, const struct asset_for *what, asset_fn *fn, void *arg)
{
    struct asset *a = mem_new(sizeof(*a));

    *a = (struct asset){.parts = parts, .what = *what, .fn = fn, .arg = arg, .vars = json_object()};
    a->medium = &what->inputs->items[what->index];
    if (what->digest) {
        snprintf(a->digest, sizeof(a->digest), "%s", what->digest);
        timer_start(parts->loop, &a->timer, 0, on_start);
    } else {
        a->hash = digest_new();
        timer_start(parts->loop, &a->timer, 0, on_hash);
    }
    return a;
}

void asset_stop(struct asset **pa)
{
    struct asset *a = *pa;

    *pa = NULL;
    if (!a) {
        return;
    }
    call_stop(&a->call);
    timer_stop(&a->timer);
    digest_free(&a->hash);
    json_decref(a->about);
    json_decref(a->vars);
    free(a->name);
    free(a);
}
