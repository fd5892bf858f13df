/* pull.c - a durable pull consumer served by credit.
 *
 * Raw requests and raw acks; facts: ADR-13 and ADR-15, nats-server 2.9 consumer.go, section 2 of the NATS
 * notes. asked counts what the server may still deliver. It is exact while the server tells how each request
 * ended; when a consumer's leader goes without a word it is too high, hence the windows: a request is over
 * when its time is, whatever was told. */
#include "edge/pull.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "edge/ackreply.h"

#define EXPIRES_MS     30000 /* a request stands as long */
#define HEARTBEAT_MS   5000
#define SILENCE_MS     (2 * HEARTBEAT_MS + 1000)
#define LINGER_MS      (EXPIRES_MS + 5000) /* after it a request is surely over */
#define RETRY_FIRST_MS 250
#define RETRY_LAST_MS  2000
#define WINDOWS        8
#define WINDOW_MS      (LINGER_MS / (WINDOWS - 1))
#define ACK_MS         10000
#define NAME_CHARS     256

/* What was asked for in one stretch of time. */
struct window {
    int64_t number; /* time / WINDOW_MS */
    int asked;
};

struct pull {
    struct bus *bus;
    unsigned refs; /* the owner, and each message in the receiver's hands */
    bool freed;
    char next[2 * NAME_CHARS + 64]; /* the subject of requests */
    pull_fn *fn;
    void *arg;
    uint64_t inbox;
    char reply[BUS_INBOX_CHARS + 1];
    int credit; /* what the owner wants */
    int asked;  /* what the server may still deliver */
    struct window windows[WINDOWS];
    struct timer retry;
    int64_t retry_ms;
};

static void pull_release(struct pull *p)
{
    if (--p->refs == 0) {
        free(p);
    }
}

/* ---- asking ---- */

static void pull_note_asked(struct pull *p, int n)
{
    int64_t number = loop_now_ms(bus_loop(p->bus)) / WINDOW_MS;
    struct window *w = &p->windows[number % WINDOWS];

    if (w->number != number) {
        *w = (struct window){.number = number};
    }
    w->asked += n;
    p->asked += n;
}

/* Forgets requests that are over without our having been told. */
static void pull_expire(struct pull *p)
{
    int64_t oldest = loop_now_ms(bus_loop(p->bus)) / WINDOW_MS - (WINDOWS - 1);
    int64_t standing = 0;

    for (int i = 0; i < WINDOWS; i++) {
        if (p->windows[i].number >= oldest) {
            standing += p->windows[i].asked;
        }
    }
    if (p->asked > standing) {
        p->asked = (int)standing;
    }
}

static void pull_retry(struct timer *timer);

static void pull_later(struct pull *p)
{
    timer_start(bus_loop(p->bus), &p->retry, p->retry_ms, pull_retry);
    p->retry_ms = p->retry_ms * 2 < RETRY_LAST_MS ? p->retry_ms * 2 : RETRY_LAST_MS;
}

static void pull_ask(struct pull *p)
{
    char request[128];
    int n = p->credit - p->asked;

    if (n <= 0 || p->freed || !bus_up(p->bus) || timer_running(&p->retry)) {
        return;
    }
    int length = snprintf(request, sizeof(request),
                          "{\"batch\":%d,\"expires\":%" PRId64 ",\"idle_heartbeat\":%" PRId64 "}", n,
                          (int64_t)EXPIRES_MS * 1000000, (int64_t)HEARTBEAT_MS * 1000000);
    struct bus_out out = {.subject = p->next, .payload = {request, (size_t)length}};
    if (bus_send_from(p->bus, &out, p->reply) != FAULT_OK) {
        pull_later(p);
        return;
    }
    pull_note_asked(p, n);
    bus_inbox_silence(p->bus, p->inbox, SILENCE_MS);
}

static void pull_arrived(void *arg, const struct bus_in *in);

/* What was asked before counts no more: it died with its server, or nobody knows. What it may still deliver
 * is taken as far as there is credit, and given back beyond. */
static void pull_renew(struct pull *p)
{
    bus_inbox_close(p->bus, p->inbox);
    p->inbox = bus_inbox_open(p->bus, pull_arrived, p, p->reply, sizeof(p->reply));
    p->asked = 0;
    memset(p->windows, 0, sizeof(p->windows));
}

static void pull_retry(struct timer *timer)
{
    pull_ask(container_of(timer, struct pull, retry));
}

/* ---- what comes ---- */

/* The message and its texts in one piece of memory. */
static struct pull_msg *msg_new(struct pull *p, const struct bus_in *in, const struct ackreply *numbers)
{
    size_t subject_n = strlen(in->subject) + 1;
    size_t reply_n = strlen(in->reply) + 1;
    struct pull_msg *msg = mem_new(sizeof(*msg) + subject_n + reply_n + in->payload.n + 1);

    msg->subject = (char *)(msg + 1);
    msg->reply = msg->subject + subject_n;
    msg->payload = msg->reply + reply_n;
    memcpy(msg->subject, in->subject, subject_n);
    memcpy(msg->reply, in->reply, reply_n);
    if (in->payload.n) {
        memcpy(msg->payload, in->payload.p, in->payload.n);
    }
    msg->n = in->payload.n;
    msg->seq = numbers->stream_seq;
    msg->delivered = numbers->delivered;
    msg->time_ms = numbers->time_ns / 1000000;
    msg->pending = numbers->pending;
    msg->pull = p;
    p->refs++;
    return msg;
}

static void pull_delivered(struct pull *p, const struct bus_in *in, const struct ackreply *numbers)
{
    struct pull_msg *msg = msg_new(p, in, numbers);

    p->retry_ms = RETRY_FIRST_MS;
    p->asked -= p->asked > 0;
    if (p->credit <= 0) {
        pull_nak(&msg, 0);
        return;
    }
    p->credit--;
    p->fn(p->arg, msg);
}

/* A request ended early. Without a number nobody knows which, or the consumer is not there: begin anew after
 * a while. */
static void pull_ended(struct pull *p, const char *status, const char *left)
{
    if (left) {
        int64_t n = strtoll(left, NULL, 10);
        p->asked = n < p->asked ? p->asked - (int)(n > 0 ? n : 0) : 0;
    } else {
        pull_renew(p);
    }
    if (!strcmp(status, "408") && left) {
        p->retry_ms = RETRY_FIRST_MS;
    } else if (!timer_running(&p->retry)) {
        pull_later(p);
    }
    pull_ask(p);
}

static void pull_status(struct pull *p, const struct bus_in *in)
{
    const char *status = bus_header(in, "Status");
    const char *why = bus_header(in, "Description");

    if (!status || (why && !strcmp(why, "Batch Completed"))) {
        return; /* not from JetStream; or nothing that we did not count already */
    }
    if (!strcmp(status, "100")) {
        pull_expire(p);
        pull_ask(p);
    } else {
        pull_ended(p, status, bus_header(in, "Nats-Pending-Messages"));
    }
}

static void pull_arrived(void *arg, const struct bus_in *in)
{
    struct pull *p = arg;
    struct ackreply numbers;

    if (!in) { /* not even heartbeats */
        pull_renew(p);
        pull_ask(p);
    } else if (in->reply && ackreply_parse(in->reply, &numbers)) {
        pull_delivered(p, in, &numbers);
    } else {
        pull_status(p, in);
    }
}

static void pull_bus_state(void *arg, bool up)
{
    struct pull *p = arg;

    timer_stop(&p->retry);
    p->retry_ms = RETRY_FIRST_MS;
    pull_renew(p);
    if (up) {
        pull_ask(p);
    }
}

/* ---- life ---- */

struct pull *pull_new(struct bus *bus, const char *stream, const char *consumer, pull_fn *fn, void *arg)
{
    struct pull *p = mem_new(sizeof(*p));

    *p = (struct pull){.bus = bus, .refs = 1, .fn = fn, .arg = arg, .retry_ms = RETRY_FIRST_MS};
    snprintf(p->next, sizeof(p->next), "$JS.API.CONSUMER.MSG.NEXT.%s.%s", stream, consumer);
    p->inbox = bus_inbox_open(bus, pull_arrived, p, p->reply, sizeof(p->reply));
    bus_watch(bus, pull_bus_state, p);
    return p;
}

void pull_free(struct pull **pp)
{
    struct pull *p = *pp;

    *pp = NULL;
    if (!p) {
        return;
    }
    p->freed = true;
    timer_stop(&p->retry);
    bus_unwatch(p->bus, pull_bus_state, p);
    bus_inbox_return(p->bus, p->inbox, LINGER_MS);
    pull_release(p);
}

void pull_want(struct pull *p, int credit)
{
    p->credit = credit > 0 ? credit : 0;
    pull_ask(p);
}

int pull_credit(const struct pull *p)
{
    return p->credit;
}

/* ---- answers ---- */

static void msg_free(struct pull_msg **pmsg)
{
    struct pull_msg *msg = *pmsg;

    *pmsg = NULL;
    pull_release(msg->pull);
    free(msg);
}

static struct bus_out msg_answer(const struct pull_msg *msg, const char *text)
{
    return (struct bus_out){.subject = msg->reply, .payload = slice_of(text)};
}

void pull_ack(struct pull_msg **msg, pull_acked_fn *fn, void *arg)
{
    struct bus_out out = msg_answer(*msg, "+ACK");

    bus_insist((*msg)->pull->bus, &out, ACK_MS, fn, arg);
    msg_free(msg);
}

void pull_term(struct pull_msg **msg)
{
    struct bus_out out = msg_answer(*msg, "+TERM");

    bus_insist((*msg)->pull->bus, &out, ACK_MS, NULL, NULL);
    msg_free(msg);
}

void pull_nak(struct pull_msg **msg, int64_t delay_ms)
{
    char text[64] = "-NAK";

    if (delay_ms > 0) {
        snprintf(text, sizeof(text), "-NAK {\"delay\": %" PRId64 "}", delay_ms * 1000000);
    }
    struct bus_out out = msg_answer(*msg, text);
    (void)!bus_send((*msg)->pull->bus, &out); /* when it is lost, the consumer's ack time-out gives it back */
    msg_free(msg);
}

void pull_working(struct pull_msg *msg)
{
    struct bus_out out = msg_answer(msg, "+WPI");

    (void)!bus_send(msg->pull->bus, &out); /* the next one will do */
}

void pull_forget(struct pull_msg **msg)
{
    msg_free(msg);
}

bool pull_parse_reply(const char *reply, struct pull_msg *ret_numbers)
{
    struct ackreply numbers;

    if (!ackreply_parse(reply, &numbers)) {
        return false;
    }
    ret_numbers->delivered = numbers.delivered;
    ret_numbers->seq = numbers.stream_seq;
    ret_numbers->time_ms = numbers.time_ns / 1000000;
    ret_numbers->pending = numbers.pending;
    return true;
}
