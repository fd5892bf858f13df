/* cmd_dead.c - `sluice dead`: the tasks that were given up: looked at, sent again, dropped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/dead.h"
#include "app/ledger.h"
#include "app/setup.h"
#include "base/mem.h"
#include "cli/direct.h"
#include "cli/print.h"
#include "edge/stream.h"

enum { APP = 256, MODEL, CODE, ALL, LIMIT, NUMBER, TIMEOUT };

struct verb;

/* One run over letters. */
struct tidying {
    struct direct direct;
    const struct verb *verb;
    struct parts parts; /* what sending again needs */
    struct dead_reading reading;
    const char *app, *model, *code;
    int64_t limit, number;
    size_t word;     /* the id of the command line that is read */
    uint64_t from;   /* the next sequence */
    int64_t n, done; /* letters seen, and dealt with */
    bool failed;
    json_t *shown;
};

struct verb {
    const char *name;
    bool some; /* needs ids or --all */
    void (*each)(struct tidying *t, const struct dead_letter *l);
    void (*end)(struct tidying *t);
};

static void tidy_next(struct tidying *t);

/* ---- which ---- */

static const char *text_of(const json_t *object, const char *a, const char *b)
{
    const char *text = json_string_value(json_object_get(json_object_get(object, a), b));

    return text ? text : "";
}

static bool fits(const struct tidying *t, const struct dead_letter *l)
{
    const char *model = text_of(l->letter, "task", "model"), *code = text_of(l->letter, "error", "code");

    return (!t->model || !strcmp(t->model, model)) && (!t->code || !strcmp(t->code, code));
}

static void tidy_end(struct tidying *t, int code)
{
    if (code == CLI_DONE && t->verb->end) {
        t->verb->end(t);
    }
    direct_end(&t->direct, code == CLI_DONE && t->failed ? CLI_FAILED : code);
}

static void on_letter(void *arg, enum fault fault, const struct dead_letter *l)
{
    struct tidying *t = arg;
    const struct cli *c = t->direct.cli;
    bool by_id = c->options.rest_count > 1;

    if (fault) {
        tidy_end(t, cli_fail(c, "NATS: %s", fault_text(fault)));
        return;
    }
    if (!l && by_id && t->from == 1) {
        cli_fail(c, "%s is not among the dead letters", c->options.rest[t->word]);
        t->failed = true;
    }
    if (l) {
        t->from = l->seq + 1;
    }
    if (!l || by_id) { /* one letter an id */
        t->word++;
        t->from = by_id ? 1 : t->from;
    }
    if (!l && !by_id) {
        tidy_end(t, CLI_DONE);
    } else if (l && fits(t, l)) {
        t->n++;
        t->verb->each(t, l);
    } else {
        tidy_next(t);
    }
}

static void tidy_next(struct tidying *t)
{
    const struct options *o = &t->direct.cli->options;
    bool by_id = o->rest_count > 1;

    if ((by_id && t->word >= o->rest_count) || t->n >= t->limit) {
        tidy_end(t, CLI_DONE);
    } else {
        dead_next(&t->reading, t->direct.bus, t->app, by_id ? o->rest[t->word] : NULL, t->from, on_letter, t);
    }
}

/* ---- list, show ---- */

static json_t *summary(const struct dead_letter *l)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:s}", "id", l->id, "app", l->app, "model",
                     text_of(l->letter, "task", "model"), "kind", text_of(l->letter, "task", "kind"),
                     "time_ms", (json_int_t)l->time_ms, "code", text_of(l->letter, "error", "code"),
                     "message", text_of(l->letter, "error", "message"));
}

static void list_each_letter(struct tidying *t, const struct dead_letter *l)
{
    json_array_append_new(t->shown, summary(l));
    tidy_next(t);
}

static void print_row(const json_t *row)
{
    char when[32];

    print_time(when, sizeof(when), json_integer_value(json_object_get(row, "time_ms")));
    printf("%s  %s  %-12s %-24s %-20s ", json_string_value(json_object_get(row, "id")), when,
           json_string_value(json_object_get(row, "app")), json_string_value(json_object_get(row, "model")),
           json_string_value(json_object_get(row, "code")));
    print_text(stdout, json_string_value(json_object_get(row, "message")));
    putchar('\n');
}

static void list_end(struct tidying *t)
{
    json_t *row;
    size_t i;

    if (t->direct.cli->json) {
        print_json(t->shown);
        return;
    }
    json_array_foreach(t->shown, i, row)
    {
        print_row(row);
    }
    if (!json_array_size(t->shown)) {
        printf("no dead letters%s\n", t->model || t->code || t->app ? " of that kind" : "");
    }
}

static void show_each(struct tidying *t, const struct dead_letter *l)
{
    print_json(l->letter);
    tidy_next(t);
}

/* ---- drop ---- */

static void tell_done(struct tidying *t, const char *id, const char *what, const char *new)
{
    t->done++;
    if (t->direct.cli->json) {
        json_array_append_new(t->shown, json_pack("{s:s,s:s,s:s*}", "id", id, "done", what, "task", new));
    } else {
        printf("%s %s%s%s\n", id, what, new ? " as " : "", new ? new : "");
    }
}

static void on_dropped(void *arg, enum fault fault)
{
    struct tidying *t = arg;

    if (fault) {
        tidy_end(t, cli_fail(t->direct.cli, "NATS: %s", fault_text(fault)));
        return;
    }
    tidy_next(t);
}

static void drop_each(struct tidying *t, const struct dead_letter *l)
{
    tell_done(t, l->id, "dropped", NULL);
    stream_delete(t->direct.bus, STREAM_DEAD, l->seq, on_dropped, t);
}

/* ---- replay ---- */

struct replaying {
    struct tidying *tidying;
    char id[ID_CHARS + 1];
};

static void on_replayed(void *arg, enum fault fault, const char *id)
{
    struct replaying *r = arg;
    struct tidying *t = r->tidying;
    const struct cli *c = t->direct.cli;

    if (fault == FAULT_OK) {
        tell_done(t, r->id, "sent again", id);
    } else if (fault == FAULT_CONFLICT) {
        cli_fail(c, "%s was sent again before, as %s, which has ended; `--number %d` sends it once more",
                 r->id, id, (int)t->number + 1);
        t->failed = true;
    } else if (fault == FAULT_BAD_DATA) {
        cli_fail(c, "%s cannot be sent again: its letter does not hold the request", r->id);
        t->failed = true;
    } else {
        cli_fail(c, "%s: %s; doing this again goes on where it ended", r->id, fault_text(fault));
        t->failed = true;
    }
    free(r);
    tidy_next(t);
}

/* The model's lane as this configuration has it; that of before when it does not know the model. */
static const char *lane_now(const struct tidying *t, const struct dead_letter *l)
{
    const json_t *model = json_object_get(t->direct.config->models, text_of(l->letter, "task", "model"));
    const char *lane = json_string_value(json_object_get(model, "lane"));

    return lane ? lane : model && t->direct.config->lanes.n ? t->direct.config->lanes.items[0] : NULL;
}

static void replay_each(struct tidying *t, const struct dead_letter *l)
{
    struct replaying *r = mem_new(sizeof(*r));
    const struct dead_again again = {.letter = l, .lane = lane_now(t, l), .number = (int)t->number};

    r->tidying = t;
    snprintf(r->id, sizeof(r->id), "%s", l->id);
    dead_replay(&t->parts, &again, on_replayed, r);
}

static void done_end(struct tidying *t)
{
    if (t->direct.cli->json) {
        print_json(t->shown);
    } else if (!t->done && !t->failed) {
        printf("no dead letters of that kind\n");
    }
}

/* ---- the command ---- */

static const struct verb verbs[] = {{"list", false, list_each_letter, list_end},
                                    {"show", true, show_each, NULL},
                                    {"replay", true, replay_each, done_end},
                                    {"drop", true, drop_each, done_end}};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!strcmp(verbs[i].name, name)) {
            return &verbs[i];
        }
    }
    return NULL;
}

static void begin(void *arg)
{
    tidy_next(arg);
}

static void run(struct tidying *t)
{
    struct direct *d = &t->direct;

    t->shown = json_array();
    if (direct_open(d, options_text(&d->cli->options, 'c', NULL), "sluice-dead")) {
        t->parts = (struct parts){
            .loop = d->loop, .log = d->log, .bus = d->bus, .ledger = ledger_new(d->bus, d->loop)};
        direct_run(d, begin, t);
        ledger_free(&t->parts.ledger);
    }
    direct_close(d);
    json_decref(t->shown);
}

static int check_words(const struct cli *c, const struct tidying *t)
{
    bool all = options_has(&c->options, ALL) || t->model || t->code;

    if (!t->verb) {
        return cli_usage(c, "say one of: list, show, replay, drop");
    }
    for (size_t i = 1; i < c->options.rest_count; i++) {
        if (!id_valid(c->options.rest[i])) {
            return cli_usage(c, "%.60s is no id of a task", c->options.rest[i]);
        }
    }
    if (t->verb->some && c->options.rest_count < 2 && !all) {
        return cli_usage(c, "say which: ids, --model, --code, or --all");
    }
    return CLI_DONE;
}

static int run_dead(struct cli *c)
{
    const struct options *o = &c->options;
    struct tidying t = {.direct = {.cli = c, .connect_ms = 10000, .timeout_ms = 600000},
                        .verb = find_verb(o->rest[0]),
                        .app = options_text(o, APP, NULL),
                        .model = options_text(o, MODEL, NULL),
                        .code = options_text(o, CODE, NULL),
                        .limit = INT32_MAX,
                        .number = 1,
                        .word = 1,
                        .from = 1};
    struct note note = {0};
    int code = check_words(c, &t);

    if (code) {
        return code;
    }
    if (options_ms(o, c->rows, TIMEOUT, &t.direct.timeout_ms, &note) ||
        options_number(o, c->rows, LIMIT, 1, INT32_MAX, &t.limit, &note) ||
        options_number(o, c->rows, NUMBER, 1, 1000, &t.number, &note)) {
        return cli_usage(c, "%s", note.text);
    }
    if (t.app && !task_name_valid(t.app)) {
        return cli_usage(c, "%.80s is no app's name", t.app);
    }
    run(&t);
    return t.direct.code;
}

static const struct options_row rows[] = {
    {'c', "config", "FILE", "the agents' configuration: where NATS is, and which lane a model has now"},
    {APP, "app", "APP", "only letters of this app"},
    {MODEL, "model", "MODEL", "only letters of this model"},
    {CODE, "code", "CODE", "only letters with this error code"},
    {ALL, "all", NULL, "show, replay, drop: all that fit"},
    {LIMIT, "limit", "N", "at most so many"},
    {NUMBER, "number", "N",
     "replay: which time it is (1): the same time again is the same task, another one a new task"},
    {TIMEOUT, "timeout", "TIME", "how long it may take (10m)"},
    {0, NULL, NULL, NULL},
};

const struct command cmd_dead = {
    .name = "dead",
    .words = "list | show ID… | replay ID… | drop ID…",
    .summary = "the tasks that were given up: look, send again, drop",
    .more = "A letter has the whole request, the reason and what was tried, and is kept for a week. Sent "
            "again it "
            "becomes\n"
            "a new task with its own result, which names the old one in replay_of, and the letter goes.\n",
    .rows = rows,
    .min = 1,
    .max = 1000,
    .without = "s",
    .run = run_dead,
};
