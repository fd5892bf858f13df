/* attach.c - files as media of a task. */
#include "cli/attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/ask.h"
#include "wire/schemas.h"
#include "wire/sniff.h"

static const char *const fields[] = {"image", "images", "mask", "last_image", "audio", "video", "background"};

const char *attach_cut(const char *word, const char **ret_field)
{
    size_t n = strcspn(word, "=");

    *ret_field = NULL;
    for (size_t i = 0; word[n] && i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strlen(fields[i]) == n && !strncmp(word, fields[i], n)) {
            *ret_field = fields[i];
            return word + n + 1;
        }
    }
    return word;
}

/* The one of two fields that the kind has; of both, single for one medium. */
static const char *choose(const json_t *properties, const char *single, const char *list, size_t count)
{
    bool has_single = single && json_object_get(properties, single),
         has_list = list && json_object_get(properties, list);

    if (has_single && has_list) {
        return count > 1 ? list : single;
    }
    return has_single ? single : has_list ? list : NULL;
}

const char *attach_field(const char *kind, const char *type, size_t count)
{
    AUTO(auto_free) char *name = mem_printf("input.%s", kind ? kind : "");
    const char *text = schemas_find(name), *field;
    bool image = !strncmp(type, "image/", 6);
    const char *single = image                         ? "image"
                         : !strncmp(type, "audio/", 6) ? "audio"
                         : !strncmp(type, "video/", 6) ? "video"
                                                       : NULL;

    if (!text) {
        return image ? "images" : single; /* most kinds that take pictures take several */
    }
    json_t *schema = json_loads(text, 0, NULL);
    field = choose(json_object_get(schema, "properties"), single, image ? "images" : NULL, count);
    json_decref(schema);
    return field;
}

/* ---- one file ---- */

struct medium {
    FILE *file;
    const char *name;  /* of the file */
    const char *field; /* where it goes; NULL: not said */
    const char *type;
};

static void media_close(struct medium *media, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (media[i].file && media[i].file != stdin) {
            fclose(media[i].file);
        }
    }
    free(media);
}

/* Opens a file and looks what it is. Of a pipe nothing can be looked at beforehand: the agent finds out. */
static int open_medium(struct cli *c, struct medium *m)
{
    char head[SNIFF_BYTES];

    m->file = strcmp(m->name, "-") ? fopen(m->name, "rbe") : stdin;
    if (!m->file) {
        return cli_fail(c, "%s cannot be read: %s", m->name, strerror(errno));
    }
    if (fseeko(m->file, 0, SEEK_SET)) {
        return CLI_DONE;
    }
    size_t n = fread(head, 1, sizeof(head), m->file);
    if (ferror(m->file) || fseeko(m->file, 0, SEEK_SET)) {
        return cli_fail(c, "%s cannot be read: %s", m->name, strerror(errno));
    }
    if (!n) {
        return cli_fail(c, "%s is empty", m->name);
    }
    const char *type = sniff_media((struct slice){head, n}).type;
    m->type = type ? type : m->type;
    return CLI_DONE;
}

static int upload(struct cli *c, const struct medium *m, json_t **ret_ref)
{
    const struct client_request request = {
        .method = "POST", .path = "/v1/media", .type = m->type, .file = m->file};
    json_t *answer = NULL;
    int code = ask(c, &request, &answer);
    const char *media = json_string_value(json_object_get(answer, "media"));
    const char *type = json_string_value(json_object_get(answer, "type"));

    media = media ? media : json_string_value(json_object_get(answer, "digest"));
    if (!code && !media) {
        code = cli_fail(c, "the agent's answer to the upload of %s names no media", m->name);
    }
    if (!code) {
        *ret_ref = json_pack("{s:s}", "media", media);
        if (type) {
            json_object_set_new(*ret_ref, "type", json_string(type));
        }
    }
    json_decref(answer);
    return code;
}

/* ---- all of them ---- */

static size_t count_alike(const struct medium *media, size_t n, const char *type)
{
    size_t alike = 0;

    for (size_t i = 0; i < n; i++) {
        alike += !media[i].field && !strncmp(media[i].type, type, strcspn(type, "/") + 1);
    }
    return alike;
}

static int put_ref(struct cli *c, json_t *input, const struct medium *m, const char *field, json_t *ref)
{
    json_t *there = json_object_get(input, field);

    if (!strcmp(field, "images")) {
        if (!json_is_array(there)) {
            there = json_array();
            json_object_set_new(input, field, there);
        }
        json_array_append_new(there, ref);
        return CLI_DONE;
    }
    if (there) {
        json_decref(ref);
        return cli_usage(c, "%s would be a second %s; a task takes one", m->name, field);
    }
    json_object_set_new(input, field, ref);
    return CLI_DONE;
}

static int attach_one(struct cli *c, const struct medium *m, const char *kind, size_t alike, json_t *input)
{
    const char *field = m->field ? m->field : attach_field(kind, m->type, alike);
    json_t *ref = NULL;

    if (!field) {
        return cli_usage(c, "%s is %s: %s takes none by itself; say which field it is for: -i FIELD=%s",
                         m->name, m->type, kind ? kind : "the task", m->name);
    }
    int code = upload(c, m, &ref);
    return code ? code : put_ref(c, input, m, field, ref);
}

int attach_all(struct cli *c, int letter, const char *kind, json_t *input)
{
    struct medium *media = NULL;
    size_t n = 0;
    int code = CLI_DONE;
    const char *word;

    /* All are opened before the first is sent: a slip in the last name costs no upload. */
    while (!code && (word = options_nth(&c->options, letter, n)) != NULL) {
        media = mem_grow(media, (n + 1) * sizeof(*media));
        media[n] = (struct medium){.type = "application/octet-stream"};
        media[n].name = attach_cut(word, &media[n].field);
        code = open_medium(c, &media[n++]);
    }
    for (size_t i = 0; !code && i < n; i++) {
        code = attach_one(c, &media[i], kind, count_alike(media, n, media[i].type), input);
    }
    media_close(media, n);
    return code;
}
