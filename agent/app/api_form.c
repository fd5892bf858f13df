/* api_form.c - multipart forms: parts to members of a value. */
#include "app/api_form.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "wire/field.h"
#include "wire/multipart.h"

#define NAME_CHARS 128

struct api_form {
    struct multipart *parser;
    const struct api_form_files *files;
    void *arg;
    struct note *note; /* of the call that feeds */
    json_t *value;
    char name[NAME_CHARS]; /* of the present part */
    bool is_file;
    uint64_t bytes; /* of the present part */
    struct api_form_file file;
    struct buf text;
    size_t text_bytes; /* of all texts before */
};

static enum fault form_bad(struct api_form *f, enum fault fault, const char *what)
{
    note_field(f->note, f->name);
    return note_set(f->note, fault, "part %.100s of the form: %s", f->name, what);
}

/* ---- members ---- */

static bool is_marker(const json_t *value)
{
    return json_object_get(value, "$blob") != NULL;
}

static void put_more(json_t *object, const char *name, json_t *value, bool list)
{
    json_t *there = json_object_get(object, name);

    if (json_is_array(there)) {
        json_array_append_new(there, value);
    } else if (there) {
        json_object_set_new(object, name, json_pack("[O,o]", there, value));
    } else {
        json_object_set_new(object, name, list ? json_pack("[o]", value) : value);
    }
}

/* value (taken) under the present part's name. */
static enum fault form_put(struct api_form *f, json_t *value)
{
    char *bracket = strchr(f->name, '['), *close = bracket ? strchr(bracket, ']') : NULL;
    json_t *there;

    if (!close || close[1] || bracket == f->name) {
        put_more(f->value, f->name, value, false);
        return FAULT_OK;
    }
    *bracket = *close = '\0';
    if (close == bracket + 1) {
        put_more(f->value, f->name, value, true);
        return FAULT_OK;
    }
    there = json_object_get(f->value, f->name);
    if (there && (!json_is_object(there) || is_marker(there))) {
        json_decref(value);
        return form_bad(f, FAULT_BAD_VALUE, "it is given both as a whole and by its members");
    }
    if (!there) {
        there = json_object();
        json_object_set_new(f->value, f->name, there);
    }
    put_more(there, bracket + 1, value, false);
    return FAULT_OK;
}

/* ---- parts ---- */

static void copy_slice(char *out, size_t size, struct slice s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;

    if (n) {
        memcpy(out, s.p, n);
    }
    out[n] = '\0';
}

/* The last segment: a path of the client's machine means nothing here. */
static struct slice base_name(struct slice name)
{
    for (size_t i = name.n; i > 0; i--) {
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\') {
            return (struct slice){name.p + i, name.n - i};
        }
    }
    return name;
}

/* Nobody may forge a marker; a name with a NUL would end early; one that is not UTF-8 cannot be a member's.
 */
static bool is_name(const char *name, size_t n)
{
    json_t *text = json_string(name);
    bool good = text && n && strlen(name) == n && !strchr(name, '$');

    json_decref(text);
    return good;
}

static enum fault on_begin(void *arg, const struct multipart_head *head)
{
    struct api_form *f = arg;

    copy_slice(f->name, sizeof(f->name), head->name);
    if (!is_name(f->name, head->name.n)) {
        return form_bad(f, FAULT_BAD_REQUEST, "no field has such a name");
    }
    f->file = (struct api_form_file){{0}, {0}};
    if (head->type.p && !field_media_type(head->type, f->file.type, sizeof(f->file.type))) {
        f->file.type[0] = '\0';
    }
    f->is_file = head->filename.p && strcmp(f->file.type, "application/json") != 0;
    if (f->is_file) {
        copy_slice(f->file.name, sizeof(f->file.name), base_name(head->filename));
    }
    f->bytes = 0;
    return FAULT_OK;
}

static enum fault on_data(void *arg, struct slice bytes)
{
    struct api_form *f = arg;

    f->bytes += bytes.n;
    if (f->is_file) {
        return bytes.n ? f->files->data(f->arg, &f->file, bytes) : FAULT_OK;
    }
    if (f->text_bytes + f->bytes > LIMIT_TEXT_BYTES) {
        return form_bad(f, FAULT_TOO_LARGE, "the texts of the form are too large; send media as files");
    }
    buf_add(&f->text, bytes.p, bytes.n);
    return buf_ok(&f->text) ? FAULT_OK : FAULT_TOO_LARGE;
}

static enum fault end_text(struct api_form *f)
{
    struct slice text = buf_slice(&f->text);
    json_t *value =
        text.n && memchr(text.p, '\0', text.n) ? NULL : json_stringn(text.n ? text.p : "", text.n);

    f->text_bytes += text.n;
    buf_reset(&f->text);
    return value ? form_put(f, value) : form_bad(f, FAULT_BAD_REQUEST, "its text is not UTF-8");
}

static enum fault on_end(void *arg)
{
    struct api_form *f = arg;
    size_t index = 0;

    if (!f->is_file) {
        return end_text(f);
    }
    if (!f->bytes) {
        return form_bad(f, FAULT_BAD_VALUE, "the file is empty");
    }
    enum fault fault = f->files->end(f->arg, &index);
    return fault ? fault : form_put(f, json_pack("{s:I}", "$blob", (json_int_t)index));
}

static const struct multipart_events events = {on_begin, on_data, on_end};
static const struct multipart_limits limits = {LIMIT_PARTS, LIMIT_PART_HEADER_BYTES};

/* ---- life ---- */

struct api_form *api_form_new(const char *boundary, const struct api_form_files *files, void *arg)
{
    struct api_form *f = mem_new(sizeof(*f));

    f->parser = multipart_new(boundary, &limits, &events, f);
    f->files = files;
    f->arg = arg;
    f->value = json_object();
    buf_init(&f->text, LIMIT_TEXT_BYTES);
    if (!f->parser) {
        api_form_free(&f);
    }
    return f;
}

void api_form_free(struct api_form **pf)
{
    struct api_form *f = *pf;

    if (!f) {
        return;
    }
    multipart_free(&f->parser);
    buf_done(&f->text);
    json_decref(f->value);
    free(f);
    *pf = NULL;
}

enum fault api_form_feed(struct api_form *f, struct slice bytes, struct note *note)
{
    f->note = note;
    return multipart_feed(f->parser, bytes, note);
}

enum fault api_form_end(struct api_form *f, json_t **ret_value, struct note *note)
{
    f->note = note;
    enum fault fault = multipart_end(f->parser, note);
    if (!fault) {
        *ret_value = f->value;
        f->value = NULL;
    }
    return fault;
}
