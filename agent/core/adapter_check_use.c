/* adapter_check_use.c - what an adapter file speaks of without having it, and has without speaking of it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"
#include "core/host.h"

/* ---- names in expressions ---- */

/* Complains of every name behind prefix, in any text at the loader's position, that known has not. */
static void check_names(struct load *l, const json_t *value, const char *prefix, const json_t *known)
{
    json_t *names = json_object(), *child;
    const char *key;
    size_t i;

    if (json_is_string(value)) {
        (void)adapter_note_names(value, prefix, names);
        json_object_foreach(names, key, child)
        {
            if (!json_object_get(known, key)) {
                load_complain(l, "nothing sets %s.%s", prefix, key);
            }
        }
    }
    json_object_foreach((json_t *)value, key, child)
    {
        size_t before = load_enter(l, key);
        check_names(l, child, prefix, known);
        load_leave(l, before);
    }
    json_array_foreach(value, i, child)
    {
        size_t before = load_enter_index(l, i);
        check_names(l, child, prefix, known);
        load_leave(l, before);
    }
    json_decref(names);
}

static void check_member(struct load *l, const json_t *root, const char *key, const char *prefix,
                         const json_t *known)
{
    size_t before = load_enter(l, key);

    check_names(l, json_object_get(root, key), prefix, known);
    load_leave(l, before);
}

static void add_saved(json_t *names, const struct adapter_exchange *e)
{
    const char *name;

    for (size_t i = 0; (name = shape_name(e->save, i)); i++) {
        json_object_set_new(names, name, json_true());
    }
}

/* .vars of the operations: what any step of any of them saves, since they share parts of the file; and of
 * each upload its own. */
static void check_vars(struct load *l, const struct adapter *a, const json_t *root)
{
    json_t *saved = json_object(), *all;

    for (size_t i = 0; i < a->op_count; i++) {
        add_saved(saved, &a->ops[i].steps[STEP_SUBMIT]);
        add_saved(saved, &a->ops[i].steps[STEP_POLL]);
        add_saved(saved, &a->ops[i].steps[STEP_LOOKUP]);
    }
    check_member(l, root, "tasks", ".vars", saved);
    all = json_copy(saved);
    size_t before = load_enter(l, "uploads");
    for (size_t i = 0; i < a->upload_count; i++) {
        const struct adapter_upload *u = &a->uploads[i];
        json_t *own = json_object();
        for (int k = 0; k < u->step_count; k++) {
            add_saved(own, &u->steps[k].exchange);
        }
        check_member(l, json_object_get(root, "uploads"), u->name, ".vars", own);
        json_object_update(all, own);
        json_decref(own);
    }
    load_leave(l, before);
    check_member(l, root, "error", ".vars", all);
    check_member(l, root, "errors", ".vars", all);
    json_decref(all);
    json_decref(saved);
}

/* ---- options ---- */

/* Names that templates have for other things. */
static void check_option_names(struct load *l, const struct adapter *a)
{
    static const char *const taken[] = {"base",
                                        "model",
                                        "task",
                                        "kind",
                                        "deadline_s",
                                        "url",
                                        "id",
                                        "secret",
                                        "token",
                                        "idempotency_key",
                                        "idempotency_uuid"};
    const char *name;
    json_t *option;

    size_t before = load_enter(l, "options");
    json_object_foreach(a->options, name, option)
    {
        for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
            if (!strcmp(taken[i], name)) {
                load_complain_at(l, name, "templates know {%s} as something else: give it another name",
                                 name);
            }
        }
    }
    load_leave(l, before);
}

/* Some text in value names {option}. */
static bool names_option(const json_t *value, const char *option)
{
    AUTO(auto_free) char *plain = mem_printf("{%s}", option);
    AUTO(auto_free) char *path = mem_printf("{%s|", option);
    const char *key, *text = json_string_value(value);
    bool named = text && (strstr(text, plain) || strstr(text, path));
    json_t *child;
    size_t i;

    json_object_foreach((json_t *)value, key, child)
    {
        named = named || names_option(child, option);
    }
    json_array_foreach(value, i, child)
    {
        named = named || names_option(child, option);
    }
    return named;
}

static void check_options(struct load *l, const struct adapter *a, const json_t *root)
{
    json_t *rest = json_copy((json_t *)root), *used = json_object(), *option;
    const char *name;

    json_object_del(rest, "options");
    bool all = !adapter_note_names(rest, ".options", used);
    json_object_foreach(rest, name, option)
    {
        check_member(l, rest, name, ".options", a->options);
    }
    size_t before = load_enter(l, "options");
    json_object_foreach(a->options, name, option)
    {
        if (!all && !json_object_get(used, name) && !names_option(rest, name)) {
            load_complain_at(l, name,
                             "is never used: write {%s} or .options.%s where it belongs, or leave it out",
                             name, name);
        }
    }
    load_leave(l, before);
    json_decref(used);
    json_decref(rest);
}

/* ---- hosts ---- */

/* How URLs of a file are reached. */
struct reach {
    const struct adapter *a;
    const char *pattern;
    bool reached;
};

/* A URL that the vendor gives may lead to any host. */
static void reach_url(struct reach *r, const struct adapter_request *request)
{
    const char *text = request->url ? template_text(request->url) : "";
    struct host host;

    if (text[0] == '{' && strncmp(text, "{base}", 6) != 0) {
        r->reached = true;
    } else if (host_of(slice_of(text), &host)) {
        r->reached |= host_fits(r->pattern, host.name);
    }
}

static bool host_reached(const struct adapter *a, const char *pattern)
{
    struct reach r = {a, pattern, false};
    struct host base;

    r.reached = strchr(pattern, '{') ||
                (host_of(slice_of(a->base), &base) && host_fits(pattern, base.name)) ||
                strchr(a->base, '{') || a->auth.token.url;
    for (size_t i = 0; i < a->op_count; i++) {
        const struct adapter_op *op = &a->ops[i];
        r.reached |= op->download_secret;
        for (int step = 0; step < STEP_COUNT; step++) {
            if (op->steps[step].there && step != STEP_DOWNLOAD) {
                reach_url(&r, &op->steps[step].request);
            }
        }
    }
    for (size_t i = 0; i < a->upload_count; i++) {
        for (int k = 0; k < a->uploads[i].step_count; k++) {
            reach_url(&r, &a->uploads[i].steps[k].exchange.request);
        }
    }
    return r.reached;
}

static void check_hosts(struct load *l, const struct adapter *a)
{
    size_t before = load_enter(l, "hosts");

    for (size_t i = 0; i < a->host_count; i++) {
        size_t inner = load_enter_index(l, i);
        if (host_pattern(a->hosts[i]) && !host_reached(a, a->hosts[i])) {
            load_complain(
                l, "no request of this file can lead to %s: leave it out, so that it never sees the secret",
                a->hosts[i]);
        }
        load_leave(l, inner);
    }
    load_leave(l, before);
}

/* ---- rules ---- */

/* What a rule asks of an answer. */
static json_t *condition(const json_t *rule, bool with_steps)
{
    static const char *const keys[] = {"status", "code", "header", "when"};
    json_t *out = json_object();

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_object_set(out, keys[i], json_object_get(rule, keys[i]));
    }
    if (with_steps) {
        json_object_set(out, "steps", json_object_get(rule, "steps"));
    }
    return out;
}

/* Whatever later fits, earlier fits before it. */
static bool shadows(const json_t *earlier, const json_t *later)
{
    bool with_steps = json_object_get(earlier, "steps") != NULL;
    json_t *a = condition(earlier, with_steps), *b = condition(later, with_steps);
    bool same = json_equal(a, b);

    json_decref(a);
    json_decref(b);
    return same;
}

static void check_rules(struct load *l, const json_t *rules)
{
    json_t *rule;
    size_t i;

    json_array_foreach(rules, i, rule)
    {
        for (size_t k = 0; k < i; k++) {
            if (shadows(json_array_get(rules, k), rule)) {
                size_t before = load_enter_index(l, i);
                load_complain(l, "never fits: rule %zu of this list asks the same, and comes first", k + 1);
                load_leave(l, before);
                break;
            }
        }
    }
}

/* Every list called errors, wherever it stands. */
static void check_all_rules(struct load *l, const json_t *value)
{
    const char *key;
    json_t *child;
    size_t i;

    json_object_foreach((json_t *)value, key, child)
    {
        size_t before = load_enter(l, key);
        if (!strcmp(key, "errors") && json_is_array(child)) {
            check_rules(l, child);
        } else {
            check_all_rules(l, child);
        }
        load_leave(l, before);
    }
    json_array_foreach(value, i, child)
    {
        size_t before = load_enter_index(l, i);
        check_all_rules(l, child);
        load_leave(l, before);
    }
}

/* ---- uploads ---- */

static bool upload_used(const struct adapter *a, const struct adapter_upload *u)
{
    for (size_t i = 0; i < a->op_count; i++) {
        for (size_t k = 0; k < a->ops[i].media_count; k++) {
            if (a->ops[i].media[k].upload == u) {
                return true;
            }
        }
    }
    return false;
}

static void check_uploads(struct load *l, const struct adapter *a, const json_t *root)
{
    json_t *known = json_pack("{s:b,s:b,s:b,s:b,s:b,s:b,s:b}", "part", 1, "name", 1, "type", 1, "bytes", 1,
                              "digest", 1, "extension", 1, "base64", 1);
    size_t before = load_enter(l, "uploads");

    for (size_t i = 0; i < a->upload_count; i++) {
        if (!upload_used(a, &a->uploads[i])) {
            load_complain_at(l, a->uploads[i].name,
                             "is never used: no input has the form asset with upload: %s",
                             a->uploads[i].name);
        }
    }
    load_leave(l, before);
    check_member(l, root, "uploads", ".medium", known);
    json_decref(known);
}

/* ---- lookup ---- */

/* The submission says our own name for the task, by which it can be found. */
static bool says_name(const struct adapter_op *op, const json_t *submit)
{
    static const char *const words[] = {".task", "{task", "idempotency_"};
    AUTO(auto_free) char *text = json_dumps(submit, JSON_ENCODE_ANY | JSON_COMPACT);
    bool says = adapter_idempotent(op);

    for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++) {
        says |= strstr(text, words[i]) != NULL;
    }
    return says;
}

void adapter_check_lookup(struct load *l, const struct adapter_op *op, const json_t *value)
{
    const struct adapter_exchange *submit = &op->steps[STEP_SUBMIT], *lookup = &op->steps[STEP_LOOKUP];
    const char *name;

    if (adapter_synchronous(op)) {
        load_complain_at(l, "lookup", "what it finds is asked for by poll, and there is no poll step");
    }
    if (!says_name(op, json_object_get(value, "submit"))) {
        load_complain_at(l, "lookup",
                         "the vendor cannot know our name for the task: submit sends neither .task nor "
                         ".idempotency_key");
    }
    for (size_t i = 0; (name = shape_name(submit->save, i)); i++) {
        if (!shape_member(lookup->save, name)) {
            load_complain_at(l, "lookup", "save must give %s as well, which later steps have from submit",
                             name);
        }
    }
}

void adapter_check_use(struct load *l, const struct adapter *a, const json_t *root)
{
    if (json_object_get(json_object_get(root, "headers"), "*")) {
        load_complain_at(l, "headers",
                         "\"*\" belongs to a request: headers of an answer are for the next one");
    }
    check_vars(l, a, root);
    check_option_names(l, a);
    check_options(l, a, root);
    check_hosts(l, a);
    check_all_rules(l, root);
    check_uploads(l, a, root);
}
