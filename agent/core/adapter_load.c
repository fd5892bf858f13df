/* adapter_load.c - reads what stands at the top of an adapter file, and its list of operations. */
#include <string.h>

#include "base/mem.h"
#include "core/adapter_parts.h"

static void load_hosts(const json_t *value, struct adapter *a)
{
    json_t *item;
    size_t i;

    a->hosts = mem_new((json_array_size(value) + 1) * sizeof(*a->hosts));
    json_array_foreach(value, i, item)
    {
        a->hosts[a->host_count++] = mem_text(json_string_value(item));
    }
}

static void load_errors(struct load *l, const json_t *root, struct adapter *a)
{
    const json_t *error = json_object_get(root, "error");

    l->roots = LOAD_ANSWER;
    size_t before = load_enter(l, "error"), inner = load_enter(l, "code");
    a->error_code = shape_load(l, json_object_get(error, "code"));
    load_leave(l, inner);
    inner = load_enter(l, "text");
    a->error_text = shape_load(l, json_object_get(error, "text"));
    load_leave(l, inner);
    load_leave(l, before);
    json_t *usual = json_pack("[{s:s, s:s}, s]", "header", "retry-after-ms", "unit", "ms", "retry-after");
    const json_t *later = json_object_get(root, "later");
    before = load_enter(l, "later");
    a->later = reader_load(l, later ? later : usual);
    load_leave(l, before);
    json_decref(usual);
    before = load_enter(l, "errors");
    a->rules = rule_load(l, json_object_get(root, "errors"));
    load_leave(l, before);
}

/* An operation's name in records: its kind, and its own name when it has one. */
static char *op_name(enum task_kind kind, const json_t *value)
{
    const char *name = json_string_value(json_object_get(value, "name"));

    return name ? mem_printf("%s/%s", task_kind_text(kind), name) : mem_text(task_kind_text(kind));
}

static void load_op(struct load *l, const json_t *root, enum task_kind kind, const json_t *value,
                    struct adapter *a)
{
    struct adapter_op *op = &a->ops[a->op_count++];
    const json_t *idem = json_object_get(root, "idempotency");

    op->adapter = a;
    op->kind = kind;
    op->name = op_name(kind, value);
    adapter_op_load(l, value, op);
    if (!json_object_get(value, "idempotency")) {
        op->idem_header = mem_text(json_string_value(json_object_get(idem, "header")));
        op->idem_field = mem_text(json_string_value(json_object_get(idem, "field")));
        op->idem_uuid = json_is_true(json_object_get(idem, "uuid"));
    }
}

static size_t count_ops(const json_t *tasks)
{
    const char *kind;
    json_t *value;
    size_t n = 0;

    json_object_foreach((json_t *)tasks, kind, value)
    {
        n += json_is_array(value) ? json_array_size(value) : 1;
    }
    return n;
}

static void load_tasks(struct load *l, const json_t *root, struct adapter *a)
{
    const json_t *tasks = json_object_get(root, "tasks");
    const char *kind;
    json_t *value, *item;
    size_t i;

    a->ops = mem_new((count_ops(tasks) + 1) * sizeof(*a->ops));
    json_object_foreach((json_t *)tasks, kind, value)
    {
        size_t before = load_enter(l, kind);
        if (json_is_object(value)) {
            load_op(l, root, task_kind_find(kind), value, a);
        }
        json_array_foreach(value, i, item)
        {
            size_t inner = load_enter_index(l, i);
            load_op(l, root, task_kind_find(kind), item, a);
            load_leave(l, inner);
        }
        load_leave(l, before);
    }
}

void adapter_load_root(struct load *l, const json_t *root, struct adapter *a)
{
    a->name = mem_text(json_string_value(json_object_get(root, "adapter")));
    a->base = mem_text(json_string_value(json_object_get(root, "base")));
    load_hosts(json_object_get(root, "hosts"), a);
    a->options = json_incref(json_object_get(root, "options"));
    size_t before = load_enter(l, "auth");
    adapter_auth_load(l, json_object_get(root, "auth"), &a->auth);
    load_leave(l, before);
    before = load_enter(l, "headers");
    a->headers = adapter_exchange_headers(l, json_object_get(root, "headers"), &a->header_count);
    load_leave(l, before);
    load_errors(l, root, a);
    adapter_uploads_load(l, root, a);
    before = load_enter(l, "tasks");
    load_tasks(l, root, a);
    load_leave(l, before);
}
