/* test_front_listen.c - where the front listens: socket files, stale, served or not ours, and TCP. */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>

#include "front_rig.h"

static int setup(void **state)
{
    *state = rig_new();
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

static enum fault open_at(struct rig *r, const char *path, struct note *note)
{
    return front_open_unix(r->loop, NULL, path, 0640, &r->limits, &r->handler, r, &r->front, note);
}

static int files_in(const char *folder)
{
    DIR *dir = opendir(folder);
    int n = -2; /* . and .. */

    assert_non_null(dir);
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

/* A bound socket; listening or, when its owner died, not. */
static int socket_at(const char *path, bool listening)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    if (listening) {
        assert_int_equal(listen(fd, 1), 0);
    }
    return fd;
}

static void expect_served(struct rig *r)
{
    struct client c = client_open(r);

    client_say(&c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&c, "/a 0");
    client_close(&c);
}

static void the_file_has_its_mode_and_goes_with_the_front(void **state)
{
    /* Exactly one file, with the mode that was asked for, removed at the end. */
    struct rig *r = *state;
    struct stat st;
    mode_t mask = umask(077);

    assert_int_equal(open_at(r, r->path, NULL), FAULT_OK);
    umask(mask);
    assert_int_equal(files_in(r->folder), 1);
    assert_int_equal(lstat(r->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(front_port(r->front), 0);
    expect_served(r);
    front_close(&r->front);
    assert_int_equal(files_in(r->folder), 0);
}

static void a_stale_file_is_replaced(void **state)
{
    /* A socket file whose owner died is no obstacle. */
    struct rig *r = *state;

    close(socket_at(r->path, true));
    assert_int_equal(open_at(r, r->path, NULL), FAULT_OK);
    expect_served(r);
}

static void a_served_file_is_left_alone(void **state)
{
    /* A socket that somebody serves is a fault, also when its backlog is full; the other goes on. */
    struct rig *r = *state;
    struct note note = {0}, again = {0};
    struct front *other = NULL;

    rig_open(r);
    assert_int_equal(front_open_unix(r->loop, NULL, r->path, 0600, &r->limits, &r->handler, r, &other, &note),
                     FAULT_CONFIG);
    assert_non_null(strstr(note.text, "another process serves the socket"));
    assert_null(other);
    expect_served(r);
    front_close(&r->front);

    int fd = socket_at(r->path, true);
    struct client a = client_open(r), b = client_open(r);
    assert_int_equal(open_at(r, r->path, &again), FAULT_CONFIG);
    assert_non_null(strstr(again.text, "another process"));
    client_close(&a);
    client_close(&b);
    close(fd);
    unlink(r->path);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    /* Nothing but a dead socket is ever replaced. */
    struct rig *r = *state;
    struct note note = {0};
    int fd = open(r->path, O_CREAT | O_WRONLY, 0600);

    close(fd);
    assert_int_equal(open_at(r, r->path, &note), FAULT_CONFIG);
    assert_non_null(strstr(note.text, "is not a socket"));
    assert_int_equal(unlink(r->path), 0);
}

static void a_successor_keeps_its_file(void **state)
{
    /* A front that ends after another agent took over its path does not remove the other's file. */
    struct rig *r = *state;

    rig_open(r);
    unlink(r->path);
    int fd = socket_at(r->path, true);
    front_close(&r->front);
    assert_int_equal(files_in(r->folder), 1);
    close(fd);
    unlink(r->path);
}

static void long_paths_work_up_to_the_limit(void **state)
{
    /* 107 bytes are served, also with a name of one character; 108 and none are a clear fault. */
    struct rig *r = *state;
    struct note note = {0};
    char deep[128], path[160];

    snprintf(deep, sizeof(deep), "%s/", r->folder);
    memset(deep + strlen(deep), 'd', 105 - strlen(deep));
    deep[105] = '\0';
    assert_int_equal(mkdir(deep, 0700), 0);
    snprintf(path, sizeof(path), "%s/s", deep);
    assert_int_equal(strlen(path), LIMIT_SOCKET_PATH_CHARS);
    memcpy(r->path, path, LIMIT_SOCKET_PATH_CHARS + 1);
    assert_int_equal(open_at(r, path, &note), FAULT_OK);
    expect_served(r);
    front_close(&r->front);
    snprintf(path, sizeof(path), "%s/ss", deep);
    assert_int_equal(open_at(r, path, &note), FAULT_CONFIG);
    assert_non_null(strstr(note.text, "has 108 bytes"));
    note = (struct note){0};
    assert_int_equal(open_at(r, "", &note), FAULT_CONFIG);
    assert_int_equal(rmdir(deep), 0);
}

static void a_missing_folder_is_made(void **state)
{
    /* The socket's own folder is made, with what the umask leaves of 0755, and stays. */
    struct rig *r = *state;
    char folder[96];
    struct stat st;

    snprintf(folder, sizeof(folder), "%s/made", r->folder);
    snprintf(r->path, sizeof(r->path), "%s/s", folder);
    mode_t mask = umask(022);
    assert_int_equal(open_at(r, r->path, NULL), FAULT_OK);
    umask(mask);
    assert_int_equal(lstat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    expect_served(r);
    front_close(&r->front);
    assert_int_equal(rmdir(folder), 0);
}

static void a_missing_folder_is_named(void **state)
{
    /* No more than one folder is made. The note says what to do about it. */
    struct rig *r = *state;
    struct note note = {0};

    assert_int_equal(open_at(r, "/nonexistent/folder/s.sock", &note), FAULT_CONFIG);
    assert_non_null(strstr(note.text, "/nonexistent/folder/s.sock does not exist"));
}

static struct client client_tcp(struct rig *r, int family, int port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    assert_int_equal(family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
                                       : connect(fd, (struct sockaddr *)&v6, sizeof(v6)),
                     0);
    return client_of(r, fd);
}

static void tcp_speaks_http_only(void **state)
{
    /* A TCP listener on a free port serves HTTP; a half-closed client is served; MessagePack gets a 400. */
    struct rig *r = *state;

    assert_int_equal(
        front_open_tcp(r->loop, NULL, "127.0.0.1:0", &r->limits, &r->handler, r, &r->front, NULL), FAULT_OK);
    int port = front_port(r->front);
    assert_true(port > 0);
    struct client a = client_tcp(r, AF_INET, port), b = client_tcp(r, AF_INET, port);
    client_say(&a, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(a.fd, SHUT_WR);
    client_expect(&a, "/a 0");
    client_expect_eof(&a);
    client_say(&b, "\x94\x01\x01\xa1x\x90\r\n\r\n");
    client_expect(&b, "HTTP/1.1 400 ");
    client_expect_eof(&b);
    client_close(&a);
    client_close(&b);
}

static void tcp_takes_ipv6(void **state)
{
    /* An IPv6 address stands in brackets. Skipped where the system has none. */
    struct rig *r = *state;
    struct note note = {0};

    if (front_open_tcp(r->loop, NULL, "[::1]:0", &r->limits, &r->handler, r, &r->front, &note)) {
        print_message("no IPv6 here: %s\n", note.text);
        return;
    }
    struct client c = client_tcp(r, AF_INET6, front_port(r->front));
    client_say(&c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&c, "/a 0");
    client_close(&c);
}

static void bad_addresses_are_faults(void **state)
{
    /* No name look-ups, no guesses; a port that is taken says so. */
    static const char *const bad[] = {"",           ":",           "localhost:80",    "127.0.0.1",
                                      "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "::1:80",
                                      "[::1:80",    "256.0.0.1:80"};
    struct rig *r = *state;
    char taken[64];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct note note = {0};
        print_message("\"%s\"\n", bad[i]);
        assert_int_equal(front_open_tcp(r->loop, NULL, bad[i], &r->limits, &r->handler, r, &r->front, &note),
                         FAULT_CONFIG);
        assert_non_null(strstr(note.text, "is not an address and a port"));
    }
    assert_int_equal(
        front_open_tcp(r->loop, NULL, "127.0.0.1:0", &r->limits, &r->handler, r, &r->front, NULL), FAULT_OK);
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", front_port(r->front));
    struct note note = {0};
    struct front *other = NULL;
    assert_int_equal(front_open_tcp(r->loop, NULL, taken, &r->limits, &r->handler, r, &other, &note),
                     FAULT_IO);
    assert_non_null(strstr(note.text, "choose another port"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_file_has_its_mode_and_goes_with_the_front),
        T(a_stale_file_is_replaced),
        T(a_served_file_is_left_alone),
        T(a_file_that_is_no_socket_is_left_alone),
        T(a_successor_keeps_its_file),
        T(long_paths_work_up_to_the_limit),
        T(a_missing_folder_is_made),
        T(a_missing_folder_is_named),
        T(tcp_speaks_http_only),
        T(tcp_takes_ipv6),
        T(bad_addresses_are_faults),
    };

    return cmocka_run_group_tests_name("front_listen", tests, NULL, NULL);
}
