/* field_amount.c - values of header fields and settings that are durations, dates or sizes. */
#include "wire/date.h"
#include "wire/digits.h"
#include "wire/field.h"

#define DAY_MS 86400000ll

/* A number of seconds from UNIX_TIME on is no duration but a time; from UNIX_TIME_MS on it counts ms. */
#define UNIX_TIME    1000000000ll
#define UNIX_TIME_MS 100000000000ll

/* ---- durations and sizes ---- */

/* Takes "12" or "0.5" off s as thousandths; digits behind the third are cut off. False: no number. */
static bool cut_thousandths(struct slice *s, int64_t *ret_value)
{
    uint64_t whole = 0, part = 0;

    if (!digits_cut(s, &whole)) {
        return false;
    }
    int64_t value = (int64_t)(whole < DIGITS_MAX ? whole : DIGITS_MAX) * 1000;
    if (s->n && s->p[0] == '.') {
        const char *digit = s->p + 1;
        *s = (struct slice){digit, s->n - 1};
        digits_cut(s, &part);
        for (int64_t scale = 100; scale && digit < s->p; digit++, scale /= 10) {
            value += (*digit - '0') * scale;
        }
    }
    *ret_value = value;
    return true;
}

struct unit {
    const char *name;
    int64_t up; /* a thousandth of the unit is up / down ms */
    int64_t down;
};

/* Longer names stand before those that they begin with. */
static const struct unit time_units[] = {
    {"ms", 1, 1000}, {"us", 1, 1000000}, {"µs", 1, 1000000}, {"ns", 1, 1000000000},
    {"s", 1, 1},     {"m", 60, 1},       {"h", 3600, 1},     {"d", 86400, 1},
};

/* Takes one number with its unit off s. False: there is none. */
static bool cut_duration(struct slice *s, int64_t *ret_ms)
{
    int64_t value;

    if (!cut_thousandths(s, &value)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(time_units) / sizeof(time_units[0]); i++) {
        const struct unit *unit = &time_units[i];
        if (slice_starts(*s, unit->name)) {
            s->p += strlen(unit->name);
            s->n -= strlen(unit->name);
            *ret_ms = value > INT64_MAX / unit->up ? INT64_MAX : value * unit->up / unit->down;
            return true;
        }
    }
    return false;
}

/* Go's spelling: "1h2m3.5s". */
static bool parse_go_duration(struct slice s, int64_t *ret_ms)
{
    int64_t sum = 0, part;

    while (s.n) {
        if (!cut_duration(&s, &part)) {
            return false;
        }
        sum = part > INT64_MAX - sum ? INT64_MAX : sum + part;
    }
    *ret_ms = sum;
    return true;
}

int64_t field_duration_ms(struct slice value)
{
    struct slice s = slice_trim(value);
    int64_t ms;

    if (cut_thousandths(&s, &ms) && !s.n) {
        return ms;
    }
    s = slice_trim(value);
    return cut_duration(&s, &ms) && !s.n ? ms : -1;
}

int64_t field_bytes(struct slice value)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {
        {"", 1},           {"B", 1},          {"KB", 1000},        {"MB", 1000000},     {"GB", 1000000000},
        {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}, {"TB", 1000000000000},
    };
    struct slice unit = slice_trim(value);
    uint64_t n = 0;

    if (!digits_cut(&unit, &n)) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (slice_is(unit, units[i].name)) {
            return n <= INT64_MAX / units[i].bytes ? (int64_t)(n * units[i].bytes) : -1;
        }
    }
    return -1;
}

int64_t field_later_ms(struct slice value, int64_t wall_ms)
{
    struct slice rest = slice_trim(value);
    int64_t ms;

    value = rest;
    if (cut_thousandths(&rest, &ms) && !rest.n) {
        if (ms >= UNIX_TIME * 1000) {
            ms = (ms >= UNIX_TIME_MS * 1000 ? ms / 1000 : ms) - wall_ms;
        }
    } else if (date_http(value, wall_ms, &ms)) {
        ms -= wall_ms;
    } else if (!value.n || !parse_go_duration(value, &ms)) {
        return -1;
    }
    return ms < 0 ? -1 : ms < DAY_MS ? ms : DAY_MS;
}
