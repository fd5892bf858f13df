/* date.c - dates in the forms in which HTTP and NATS write them. */
#include "wire/date.h"

#include <string.h>

#define YEAR_MS 31556952000ll

struct date {
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t hour;
    int64_t minute;
    int64_t second;
};

/* The number of a month's name, or 0. */
static int month_find(const char *name)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    for (int i = 0; i < 12; i++) {
        if (!memcmp(names[i], name, 3)) {
            return i + 1;
        }
    }
    return 0;
}

/* The number to which a letter of a pattern adds a digit, or NULL. */
static int64_t *date_part(struct date *d, char letter)
{
    switch (letter) {
    case 'Y':
        return &d->year;
    case 'N':
        return &d->month;
    case 'D':
        return &d->day;
    case 'h':
        return &d->hour;
    case 'm':
        return &d->minute;
    case 's':
        return &d->second;
    default:
        return NULL;
    }
}

/* Whether there may be such a date; 60 is a leap second. */
static bool date_plausible(const struct date *d)
{
    return d->month >= 1 && d->month <= 12 && d->day >= 1 && d->day <= 31 && d->hour < 24 && d->minute < 60 &&
           d->second <= 60;
}

/* Reads s by a pattern of the same length: Y, N, D, h, m, s stand for a digit of the year, the month's number
 * and so on (D also for a space instead), bbb for the month's name, anything else for itself. */
static bool date_match(struct slice s, const char *pattern, struct date *d)
{
    *d = (struct date){0};
    if (s.n != strlen(pattern)) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        int64_t *part = date_part(d, pattern[i]);
        if (pattern[i] == 'b') {
            d->month = month_find(s.p + i);
            i += 2;
        } else if (part && c >= '0' && c <= '9') {
            *part = *part * 10 + (c - '0');
        } else if (part ? part != &d->day || c != ' ' : c != pattern[i]) {
            return false;
        }
    }
    return date_plausible(d);
}

/* Unix time of a date of the Gregorian calendar in ms. */
static int64_t date_unix_ms(const struct date *d)
{
    /* Counting years from March puts the leap day at the end of one. */
    int64_t year = d->month > 2 ? d->year : d->year - 1;
    int64_t month = d->month > 2 ? d->month - 3 : d->month + 9;
    int64_t days =
        year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + d->day - 1 - 719468;

    return (((days * 24 + d->hour) * 60 + d->minute) * 60 + d->second) * 1000;
}

/* ---- HTTP ---- */

bool date_http(struct slice value, int64_t wall_ms, int64_t *ret_ms)
{
    struct slice rest = value, weekday;
    struct date d;

    if (!slice_cut(&rest, ' ', &weekday) || weekday.n < 3) {
        return false;
    }
    if (date_match(rest, "DD bbb YYYY hh:mm:ss GMT", &d) || date_match(rest, "bbb DD hh:mm:ss YYYY", &d)) {
        *ret_ms = date_unix_ms(&d);
        return true;
    }
    if (!date_match(rest, "DD-bbb-YY hh:mm:ss GMT", &d)) {
        return false;
    }
    /* Two digits mean the year of that ending that lies at most 50 years ahead. */
    int64_t year = 1970 + wall_ms / YEAR_MS;
    d.year += (year + 50 - d.year) / 100 * 100;
    *ret_ms = date_unix_ms(&d);
    return true;
}

/* ---- RFC 3339 ---- */

/* Reads exactly two digits. */
static bool take_two(const char **text, int64_t *ret)
{
    const char *at = *text;

    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') {
        return false;
    }
    *ret = (at[0] - '0') * 10 + (at[1] - '0');
    *text = at + 2;
    return true;
}

static int64_t take_fraction_ms(const char **text)
{
    int64_t ms = 0, weight = 100;

    if (**text != '.') {
        return 0;
    }
    for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, weight /= 10) {
        ms += (**text - '0') * weight;
    }
    return ms;
}

/* The offset behind a time; "Z" and nothing are 0. */
static int64_t read_offset_ms(const char *text)
{
    int64_t hours, minutes;

    text += strspn(text, " ");
    bool west = *text == '-';
    if (!west && *text != '+') {
        return 0;
    }
    text++;
    if (!take_two(&text, &hours)) {
        return 0;
    }
    text += *text == ':';
    if (!take_two(&text, &minutes)) {
        return 0;
    }
    return (hours * 60 + minutes) * (west ? -60000 : 60000);
}

int64_t date_stamp_ms(const char *text)
{
    static const char pattern[] = "YYYY-NN-DDThh:mm:ss", go_pattern[] = "YYYY-NN-DD hh:mm:ss";
    struct slice s = slice_of(text);
    struct date d;

    if (s.n < sizeof(pattern) - 1) {
        return 0;
    }
    s.n = sizeof(pattern) - 1;
    if ((!date_match(s, pattern, &d) && !date_match(s, go_pattern, &d)) || d.year < 1970) {
        return 0;
    }
    const char *rest = text + s.n;
    int64_t ms = take_fraction_ms(&rest);
    return date_unix_ms(&d) + ms - read_offset_ms(rest);
}
