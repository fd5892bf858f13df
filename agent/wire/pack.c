/* pack.c - MessagePack to values and back, behind a scanner that bounds what the library may allocate.
 *
 * The library allocates what a header announces (five bytes can ask for 100 GB), so it sees a frame only
 * after pack_scan has walked all of it. */
#include "wire/pack.h"

#include <math.h>
#include <msgpack.h>

/* What the library takes at once for the objects that it makes. Its own choice, 8 KiB, costs a small frame
 * more than all the rest: malloc sweeps its free lists for each block above a KiB. */
#define ZONE_BYTES       (8 * KIB)
#define ZONE_BYTES_SMALL 960

static const char bin_key[] = "$bin";

const struct pack_limits pack_default = {
    .bytes = LIMIT_RPC_FRAME_BYTES,
    .depth = LIMIT_REQUEST_DEPTH,
    .elements = LIMIT_ELEMENTS,
};

/* ---- reading ---- */

struct reader {
    struct pack_bins *bins;
    struct note *note;
};

static enum fault read_value(struct reader *r, const msgpack_object *from, json_t **ret_value);

/* A marker of ours in foreign input would point at bytes that its sender never sent. */
static bool is_reserved(struct slice key)
{
    return slice_is(key, bin_key) || slice_is(key, "$blob");
}

/* The library leaves the pointer of an empty text or bin as it happens to be. */
static struct slice body_of(const char *p, uint32_t n)
{
    return (struct slice){n > 0 ? p : "", n};
}

static enum fault check_text(struct reader *r, struct slice text)
{
    if (memchr(text.p, '\0', text.n)) {
        return note_set(r->note, FAULT_BAD_REQUEST, "a text holds U+0000");
    }
    return FAULT_OK;
}

static enum fault read_text(struct reader *r, struct slice text, json_t **ret_value)
{
    enum fault fault = check_text(r, text);

    if (fault) {
        return fault;
    }
    *ret_value = json_stringn(text.p, text.n);
    return *ret_value ? FAULT_OK : note_set(r->note, FAULT_BAD_REQUEST, "a text is not UTF-8");
}

static enum fault read_bin(struct reader *r, struct slice bytes, json_t **ret_value)
{
    if (!r->bins) {
        return note_set(r->note, FAULT_BAD_REQUEST, "a bin is out of place");
    }
    if (r->bins->n == LIMIT_BLOBS) {
        return note_set(r->note, FAULT_TOO_MANY_ELEMENTS, "more than %d bins", LIMIT_BLOBS);
    }
    r->bins->items[r->bins->n] = bytes;
    *ret_value = json_pack("{s:I}", bin_key, (json_int_t)r->bins->n++);
    return FAULT_OK;
}

static enum fault read_array(struct reader *r, const msgpack_object_array *from, json_t **ret_value)
{
    json_auto_t *array = json_array();

    for (uint32_t i = 0; i < from->size; i++) {
        json_t *item = NULL;
        enum fault fault = read_value(r, &from->ptr[i], &item);
        if (fault) {
            return fault;
        }
        json_array_append_new(array, item);
    }
    *ret_value = json_incref(array);
    return FAULT_OK;
}

static enum fault read_key(struct reader *r, const msgpack_object *from, const json_t *map,
                           struct slice *ret_key)
{
    if (from->type != MSGPACK_OBJECT_STR) {
        return note_set(r->note, FAULT_BAD_REQUEST, "a map has a key that is no text");
    }
    struct slice key = body_of(from->via.str.ptr, from->via.str.size);
    enum fault fault = check_text(r, key);
    if (fault) {
        return fault;
    }
    if (is_reserved(key)) {
        return note_set(r->note, FAULT_BAD_REQUEST, "the key %.*s is reserved", (int)key.n, key.p);
    }
    if (json_object_getn(map, key.p, key.n)) {
        return note_set(r->note, FAULT_BAD_REQUEST, "a map has a key twice");
    }
    *ret_key = key;
    return FAULT_OK;
}

static enum fault read_map(struct reader *r, const msgpack_object_map *from, json_t **ret_value)
{
    json_auto_t *map = json_object();

    for (uint32_t i = 0; i < from->size; i++) {
        const msgpack_object_kv *pair = &from->ptr[i];
        struct slice key = {"", 0};
        json_t *value = NULL;
        enum fault fault = read_key(r, &pair->key, map, &key);
        if (!fault) {
            fault = read_value(r, &pair->val, &value);
        }
        if (fault) {
            return fault;
        }
        if (json_object_setn_new(map, key.p, key.n, value)) {
            return note_set(r->note, FAULT_BAD_REQUEST, "a key is not UTF-8");
        }
    }
    *ret_value = json_incref(map);
    return FAULT_OK;
}

static enum fault read_number(struct reader *r, const msgpack_object *from, json_t **ret_value)
{
    if (from->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        *ret_value = json_integer(from->via.i64);
    } else if (from->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
        *ret_value = isfinite(from->via.f64) ? json_real(from->via.f64) : NULL;
    } else if (from->via.u64 > INT64_MAX) {
        *ret_value = json_real((double)from->via.u64);
    } else {
        *ret_value = json_integer((json_int_t)from->via.u64);
    }
    return *ret_value ? FAULT_OK : note_set(r->note, FAULT_BAD_REQUEST, "a number is NaN or infinite");
}

/* Recursion is bounded by pack_scan's depth. */
static enum fault read_value(struct reader *r, const msgpack_object *from, json_t **ret_value)
{
    switch (from->type) {
    case MSGPACK_OBJECT_NIL:
        *ret_value = json_null();
        return FAULT_OK;
    case MSGPACK_OBJECT_BOOLEAN:
        *ret_value = json_boolean(from->via.boolean);
        return FAULT_OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return read_number(r, from, ret_value);
    case MSGPACK_OBJECT_STR:
        return read_text(r, body_of(from->via.str.ptr, from->via.str.size), ret_value);
    case MSGPACK_OBJECT_BIN:
        return read_bin(r, body_of(from->via.bin.ptr, from->via.bin.size), ret_value);
    case MSGPACK_OBJECT_ARRAY:
        return read_array(r, &from->via.array, ret_value);
    case MSGPACK_OBJECT_MAP:
        return read_map(r, &from->via.map, ret_value);
    case MSGPACK_OBJECT_EXT:
        break;
    }
    return note_set(r->note, FAULT_BAD_REQUEST, "ext types are not taken");
}

enum fault pack_read(struct slice bytes, const struct pack_limits *limits, json_t **ret_value,
                     struct pack_bins *bins, struct note *note)
{
    struct slice rest = bytes, whole;
    enum fault fault = pack_scan_cut(&rest, limits, &whole, note);

    if (fault) {
        return fault;
    }
    if (rest.n > 0) {
        return note_set(note, FAULT_BAD_REQUEST, "bytes follow the MessagePack value");
    }
    msgpack_zone zone;
    if (!msgpack_zone_init(&zone, bytes.n < ZONE_BYTES ? ZONE_BYTES_SMALL : ZONE_BYTES)) {
        return note_set(note, FAULT_INTERNAL, "no memory for a MessagePack value");
    }
    msgpack_object object;
    if (msgpack_unpack(bytes.p, bytes.n, NULL, &zone, &object) == MSGPACK_UNPACK_SUCCESS) {
        struct reader reader = {bins, note};
        fault = read_value(&reader, &object, ret_value);
    } else {
        fault = note_set(note, FAULT_INTERNAL, "no memory for a MessagePack value");
    }
    msgpack_zone_destroy(&zone);
    return fault;
}

/* ---- writing ---- */

static int to_buf(void *data, const char *p, size_t n)
{
    struct buf *out = data;

    buf_add(out, p, n);
    return buf_ok(out) ? 0 : -1;
}

static msgpack_packer packer_of(struct buf *out)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, out, to_buf);
    return packer;
}

void pack_write_map(struct buf *out, size_t n)
{
    msgpack_packer packer = packer_of(out);

    msgpack_pack_map(&packer, n);
}

void pack_write_array(struct buf *out, size_t n)
{
    msgpack_packer packer = packer_of(out);

    msgpack_pack_array(&packer, n);
}

void pack_write_text(struct buf *out, struct slice text)
{
    msgpack_packer packer = packer_of(out);

    msgpack_pack_str(&packer, text.n);
    buf_add(out, text.p, text.n);
}

void pack_write_int(struct buf *out, int64_t number)
{
    msgpack_packer packer = packer_of(out);

    msgpack_pack_int64(&packer, number);
}

void pack_write_bin_head(struct buf *out, size_t n)
{
    msgpack_packer packer = packer_of(out);

    msgpack_pack_bin(&packer, n);
}

static void write_value(struct buf *out, const json_t *value, const struct pack_bins *bins, size_t depth);

/* value holds a marker: it must be a good one, for what is written must be readable again. */
static void write_marker(struct buf *out, const json_t *value, const struct pack_bins *bins)
{
    const json_t *index = json_object_get(value, bin_key);
    json_int_t i = json_integer_value(index);

    if (!bins || json_object_size(value) != 1 || !json_is_integer(index) || i < 0 || (size_t)i >= bins->n) {
        out->bad = true;
        return;
    }
    pack_write_bin_head(out, bins->items[i].n);
    buf_add(out, bins->items[i].p, bins->items[i].n);
}

static void write_object(struct buf *out, const json_t *value, const struct pack_bins *bins, size_t depth)
{
    /* jansson iterates over what it may not change through a pointer that could. */
    json_t *object = (json_t *)value;

    pack_write_map(out, json_object_size(object));
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        pack_write_text(out, (struct slice){json_object_iter_key(i), json_object_iter_key_len(i)});
        write_value(out, json_object_iter_value(i), bins, depth);
    }
}

static void write_container(struct buf *out, const json_t *value, const struct pack_bins *bins, size_t depth)
{
    if (json_object_get(value, bin_key) || json_object_get(value, "$blob")) {
        write_marker(out, value, bins);
        return;
    }
    if (depth == LIMIT_DEPTH) {
        out->bad = true;
        return;
    }
    if (json_is_object(value)) {
        write_object(out, value, bins, depth + 1);
        return;
    }
    pack_write_array(out, json_array_size(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        write_value(out, json_array_get(value, i), bins, depth + 1);
    }
}

static void write_value(struct buf *out, const json_t *value, const struct pack_bins *bins, size_t depth)
{
    msgpack_packer packer = packer_of(out);

    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        write_container(out, value, bins, depth);
        break;
    case JSON_STRING:
        pack_write_text(out, (struct slice){json_string_value(value), json_string_length(value)});
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(&packer, json_integer_value(value));
        break;
    case JSON_REAL:
        msgpack_pack_double(&packer, json_real_value(value));
        break;
    case JSON_TRUE:
        msgpack_pack_true(&packer);
        break;
    case JSON_FALSE:
        msgpack_pack_false(&packer);
        break;
    case JSON_NULL:
        msgpack_pack_nil(&packer);
        break;
    }
}

void pack_write(struct buf *out, const json_t *value, const struct pack_bins *bins)
{
    write_value(out, value, bins, 0);
}
