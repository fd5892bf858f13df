/* schema_value.c - values as draft-07 compares them. */
#include "wire/schema_internal.h"

#include <math.h>
#include <stdint.h>

/* A real with an integral value is an integer (draft-07 core, section 4.2.1). */
static bool is_integral(const json_t *value)
{
    return json_is_integer(value) || floor(json_real_value(value)) == json_real_value(value);
}

unsigned schema_value_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return SCHEMA_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return SCHEMA_BOOLEAN;
    case JSON_INTEGER:
    case JSON_REAL:
        return is_integral(value) ? SCHEMA_INTEGER : SCHEMA_FRACTION;
    case JSON_STRING:
        return SCHEMA_STRING;
    case JSON_ARRAY:
        return SCHEMA_ARRAY;
    default:
        return SCHEMA_OBJECT;
    }
}

/* Not by way of double, which cannot tell large integers apart. */
static int order_mixed(json_int_t i, double real)
{
    if (real >= 9223372036854775808.0) {
        return -1;
    }
    if (real < -9223372036854775808.0) {
        return 1;
    }
    json_int_t whole = (json_int_t)real;
    if (i != whole) {
        return i < whole ? -1 : 1;
    }
    double part = real - (double)whole;
    return part > 0 ? -1 : part < 0;
}

int schema_value_order(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return x < y ? -1 : x > y;
    }
    if (json_is_integer(a)) {
        return order_mixed(json_integer_value(a), json_real_value(b));
    }
    if (json_is_integer(b)) {
        return -order_mixed(json_integer_value(b), json_real_value(a));
    }
    return json_real_value(a) < json_real_value(b) ? -1 : json_real_value(a) > json_real_value(b);
}

bool schema_value_is_multiple(const json_t *value, const json_t *of)
{
    if (json_is_integer(value) && json_is_integer(of)) {
        return json_integer_value(value) % json_integer_value(of) == 0;
    }
    double quotient = json_number_value(value) / json_number_value(of);
    if (!isfinite(quotient)) {
        return fmod(json_number_value(value), json_number_value(of)) == 0;
    }
    /* 0.0075 is a multiple of 0.0001 for people, and not quite for doubles. */
    return fabs(quotient - round(quotient)) <= 1e-12 * fmax(1, fabs(quotient));
}

static bool equal_arrays(const json_t *a, const json_t *b, size_t *steps)
{
    if (json_array_size(a) != json_array_size(b)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(a); i++) {
        if (!schema_value_equal(json_array_get(a, i), json_array_get(b, i), steps)) {
            return false;
        }
    }
    return true;
}

static bool equal_objects(const json_t *a, const json_t *b, size_t *steps)
{
    const char *key;
    json_t *value;

    if (json_object_size(a) != json_object_size(b)) {
        return false;
    }
    json_object_foreach((json_t *)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (!other || !schema_value_equal(value, other, steps)) {
            return false;
        }
    }
    return true;
}

bool schema_value_equal(const json_t *a, const json_t *b, size_t *steps)
{
    if (!*steps) {
        return false;
    }
    --*steps;
    if (json_is_number(a) && json_is_number(b)) {
        return schema_value_order(a, b) == 0;
    }
    if (json_typeof(a) != json_typeof(b)) {
        return false;
    }
    if (json_is_array(a)) {
        return equal_arrays(a, b, steps);
    }
    return json_is_object(a) ? equal_objects(a, b, steps) : json_equal(a, b);
}

size_t schema_value_length(const json_t *string)
{
    const char *p = json_string_value(string);
    size_t n = json_string_length(string), points = 0;

    for (size_t i = 0; i < n; i++) {
        points += ((unsigned char)p[i] & 0xc0) != 0x80;
    }
    return points;
}
