/* media_meta.c - the metadata of an object as ADR-20 has it, and the subjects of an object store. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/media_internal.h"
#include "wire/base64.h"

void media_meta_subject(const struct media *m, const char *digest, char ret_subject[MEDIA_SUBJECT_CHARS])
{
    char name[BASE64_CHARS(DIGEST_HEX_CHARS) + 1];

    base64_write(name, slice_of(digest), true);
    snprintf(ret_subject, MEDIA_SUBJECT_CHARS, "$O.%s.M.%s", m->bucket, name);
}

void media_chunk_subject(const struct media *m, const char *nuid, char ret_subject[MEDIA_SUBJECT_CHARS])
{
    snprintf(ret_subject, MEDIA_SUBJECT_CHARS, "$O.%s.C.%s", m->bucket, nuid);
}

/* The values of "metadata" are texts. */
static void meta_set(json_t *metadata, const char *name, uint64_t value)
{
    char text[24];

    if (value) {
        snprintf(text, sizeof(text), "%" PRIu64, value);
        json_object_set_new(metadata, name, json_string(text));
    }
}

static void meta_digest(const char *hex, char out[80])
{
    char bytes[DIGEST_BYTES];
    char chars[BASE64_CHARS(DIGEST_BYTES) + 1];

    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtol(pair, NULL, 16);
    }
    base64_write(chars, (struct slice){bytes, sizeof(bytes)}, true);
    snprintf(out, 80, "SHA-256=%s", chars);
}

char *media_meta_write(const struct media *m, const struct media_meta *meta)
{
    const struct media_info *info = &meta->info;
    char digest[80];
    json_t *metadata = json_object();

    meta_digest(info->digest, digest);
    meta_set(metadata, "first-seq", meta->first_seq);
    if (*info->type) {
        json_object_set_new(metadata, "type", json_string(info->type)); /* left out when it is not UTF-8 */
    }
    meta_set(metadata, "width", (uint64_t)info->width);
    meta_set(metadata, "height", (uint64_t)info->height);
    json_t *json = json_pack("{s:s, s:s, s:o, s:{s:I}, s:s, s:s, s:I, s:s, s:I, s:s}", "name", info->digest,
                             "description", "", "metadata", metadata, "options", "max_chunk_size",
                             (json_int_t)meta->chunk_bytes, "bucket", m->bucket, "nuid", meta->nuid, "size",
                             (json_int_t)info->bytes, "mtime", "0001-01-01T00:00:00Z", "chunks",
                             (json_int_t)meta->chunks, "digest", digest);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text ? text : mem_text("");
}

static uint64_t meta_number(const json_t *value)
{
    json_int_t n =
        json_is_string(value) ? strtoll(json_string_value(value), NULL, 10) : json_integer_value(value);

    return n > 0 ? (uint64_t)n : 0;
}

static int meta_pixels(const json_t *value)
{
    uint64_t n = meta_number(value);

    return n <= INT_MAX ? (int)n : 0;
}

static void meta_text(const json_t *value, char *out, size_t size)
{
    snprintf(out, size, "%s",
             json_is_string(value) && json_string_length(value) < size ? json_string_value(value) : "");
}

/* A nuid becomes part of subjects: nothing in it may have a meaning there. */
static bool meta_nuid_fits(const char *nuid)
{
    return *nuid && !nuid[strcspn(nuid, ".*> \t\r\n")];
}

static enum fault meta_take(const json_t *json, struct media_meta *meta)
{
    const json_t *metadata = json_object_get(json, "metadata");
    const json_t *options = json_object_get(json, "options");
    struct media_info *info = &meta->info;

    meta->deleted = json_is_true(json_object_get(json, "deleted"));
    meta->chunks = meta_number(json_object_get(json, "chunks"));
    meta->chunk_bytes = meta_number(json_object_get(options, "max_chunk_size"));
    meta->first_seq = meta_number(json_object_get(metadata, "first-seq"));
    info->bytes = meta_number(json_object_get(json, "size"));
    info->width = meta_pixels(json_object_get(metadata, "width"));
    info->height = meta_pixels(json_object_get(metadata, "height"));
    meta_text(json_object_get(metadata, "type"), info->type, sizeof(info->type));
    meta_text(json_object_get(json, "nuid"), meta->nuid, sizeof(meta->nuid));
    if (!meta_nuid_fits(meta->nuid)) {
        meta->nuid[0] = '\0';
    }
    if (meta->deleted) {
        return FAULT_OK;
    }
    if (!*meta->nuid || json_object_get(options, "link") || !meta->chunks != !info->bytes ||
        meta->chunks > info->bytes) {
        return FAULT_BAD_DATA;
    }
    if (meta->chunk_bytes == 0 || (info->bytes + meta->chunk_bytes - 1) / meta->chunk_bytes != meta->chunks) {
        meta->chunk_bytes =
            0; /* chunks of other sizes: where one begins is only known after those before it */
    }
    return FAULT_OK;
}

enum fault media_meta_read(struct slice json, const char *digest, struct media_meta *ret_meta)
{
    json_t *value = json_loadb(json.n ? json.p : "", json.n, 0, NULL);
    struct media_meta meta = {0};
    enum fault fault = FAULT_BAD_DATA;

    snprintf(meta.info.digest, sizeof(meta.info.digest), "%s", digest);
    if (json_is_object(value)) {
        fault = meta_take(value, &meta);
    }
    json_decref(value);
    if (fault == FAULT_OK) {
        *ret_meta = meta;
    }
    return fault;
}

enum fault media_meta_last(enum fault fault, const struct media_last *last, const char *digest,
                           struct media_meta *ret_meta)
{
    if (fault == FAULT_OK) {
        fault = media_meta_read(last->payload, digest, ret_meta);
    }
    if (fault) {
        return fault == FAULT_NOT_FOUND || fault == FAULT_BAD_DATA ? FAULT_NO_MEDIA : fault;
    }
    ret_meta->seq = last->seq;
    ret_meta->info.stored_ms = last->time_ms;
    return ret_meta->deleted ? FAULT_NO_MEDIA : FAULT_OK;
}
