/* front_listen.c - listening sockets: stale and served socket files, addresses. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/id.h"
#include "edge/front_internal.h"

#define BACKLOG    1024
#define TEMP_CHARS 9 /* at most, of a temporary name */

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* ---- Unix ---- */

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, strlen(path));
    return address;
}

/* A socket file is stale when connecting to it is refused: its owner is dead. */
static enum fault unix_probe(const char *path, struct note *note)
{
    struct sockaddr_un address = unix_address(path);
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return note_set(note, FAULT_IO, "cannot make a socket: %s", strerror(errno));
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN) {
        return note_set(note, FAULT_CONFIG,
                        "another process serves the socket %s: stop it, or choose another path", path);
    }
    if (errno != ECONNREFUSED && errno != ENOENT) {
        return note_set(note, FAULT_IO, "cannot tell who serves the socket %s: %s", path, strerror(errno));
    }
    return FAULT_OK;
}

/* Whether a socket may be put at path. */
static enum fault unix_check(const char *path, struct note *note)
{
    struct stat st;

    if (!path[0] || strlen(path) > LIMIT_SOCKET_PATH_CHARS) {
        return note_set(
            note, FAULT_CONFIG,
            "the socket path has %zu bytes; the system takes 1 to %d: choose a shorter one (%.60s…)",
            strlen(path), LIMIT_SOCKET_PATH_CHARS, path);
    }
    if (lstat(path, &st) != 0) {
        return FAULT_OK; /* Whatever is wrong with the folder, bind says it better. */
    }
    if (!S_ISSOCK(st.st_mode)) {
        return note_set(note, FAULT_CONFIG,
                        "%s exists and is not a socket: remove it, or choose another path", path);
    }
    return unix_probe(path, note);
}

/* A fresh name in the same folder, no longer than path: that may be as long as the system takes. */
static void unix_temp(const char *path, char temp[LIMIT_SOCKET_PATH_CHARS + 1])
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    size_t n = strlen(path) - folder;
    char name[2 * TEMP_CHARS + 1];

    id_random(name, TEMP_CHARS);
    name[0] = n > 1 ? '.' : name[0];
    snprintf(temp, LIMIT_SOCKET_PATH_CHARS + 1, "%.*s%.*s", (int)folder, path,
             (int)(n < TEMP_CHARS ? n : TEMP_CHARS), name);
}

/* /run/sluice is gone after each boot: the socket's own folder is made when it is missing, those above are
 * not. Whatever goes wrong here, bind says it better. */
static void unix_make_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[LIMIT_SOCKET_PATH_CHARS + 1];

    if (slash && slash > path) {
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
        (void)!mkdir(folder, 0755);
    }
}

static enum fault unix_bind(int fd, const char *path, char temp[LIMIT_SOCKET_PATH_CHARS + 1],
                            struct note *note)
{
    for (int tries = 0; tries < 64; tries++) {
        unix_temp(path, temp);
        struct sockaddr_un address = unix_address(temp);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            return FAULT_OK;
        }
        if (errno != EADDRINUSE) {
            break;
        }
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return note_set(note, FAULT_CONFIG, "the folder of the socket %s does not exist: make it first",
                        path);
    }
    return note_set(note, FAULT_IO, "cannot make the socket %s: %s", path, strerror(errno));
}

/* temp becomes path in one step: nobody ever finds a file there that is not served. */
static enum fault unix_publish(int fd, const char *temp, const char *path, mode_t mode, struct stat *ret_file)
{
    if (chmod(temp, mode) == 0 && listen(fd, BACKLOG) == 0 && lstat(temp, ret_file) == 0 &&
        rename(temp, path) == 0) {
        return FAULT_OK;
    }
    int error = errno;
    unlink(temp);
    errno = error;
    return FAULT_IO;
}

enum fault front_listen_unix(const char *path, mode_t mode, int *ret_fd, struct stat *ret_file,
                             struct note *note)
{
    char temp[LIMIT_SOCKET_PATH_CHARS + 1];
    enum fault fault = unix_check(path, note);

    if (fault) {
        return fault;
    }
    AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return note_set(note, FAULT_IO, "cannot make a socket: %s", strerror(errno));
    }
    unix_make_folder(path);
    fault = unix_bind(fd, path, temp, note);
    if (fault) {
        return fault;
    }
    if (unix_publish(fd, temp, path, mode, ret_file)) {
        return note_set(note, FAULT_IO, "cannot make the socket %s: %s", path, strerror(errno));
    }
    *ret_fd = fd_take(&fd);
    return FAULT_OK;
}

void front_listen_remove(const char *path, const struct stat *file)
{
    struct stat st;

    if (lstat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino) {
        unlink(path);
    }
}

/* ---- TCP ---- */

static void addresses_free(struct addrinfo **list)
{
    if (*list) {
        freeaddrinfo(*list);
        *list = NULL;
    }
}

/* getaddrinfo takes 99999 for 34463. */
static bool tcp_port_valid(const char *port)
{
    size_t n = strlen(port);

    return n > 0 && n <= 5 && strspn(port, "0123456789") == n && strtol(port, NULL, 10) <= UINT16_MAX;
}

/* "127.0.0.1:9465", "[::1]:9465", ":9465" (all interfaces). Numbers only: a start must
 * not hang on a name server. */
static struct addrinfo *tcp_resolve(const char *address)
{
    const char *colon = strrchr(address, ':');
    char host[64];
    struct addrinfo *list = NULL;
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };

    if (!colon || !tcp_port_valid(colon + 1)) {
        return NULL;
    }
    struct slice part = {address, (size_t)(colon - address)};
    if (part.n > 2 && part.p[0] == '[' && part.p[part.n - 1] == ']') {
        part = (struct slice){part.p + 1, part.n - 2};
    } else if (part.n && memchr(part.p, ':', part.n)) {
        return NULL; /* "::1:80" may be read in two ways. */
    }
    if (part.n >= sizeof(host)) {
        return NULL;
    }
    snprintf(host, sizeof(host), "%.*s", (int)part.n, part.p);
    return getaddrinfo(part.n ? host : NULL, colon + 1, &hints, &list) ? NULL : list;
}

enum fault front_listen_tcp(const char *address, int *ret_fd, struct note *note)
{
    AUTO(addresses_free) struct addrinfo *list = tcp_resolve(address);

    if (!list) {
        return note_set(note, FAULT_CONFIG,
                        "'%.80s' is not an address and a port, such as 127.0.0.1:9465 or [::1]:9465",
                        address);
    }
    AUTO(fd_close) int fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        return note_set(note, FAULT_IO,
                        errno == EADDRINUSE ? "cannot listen on %s: %s: choose another port"
                                            : "cannot listen on %s: %s",
                        address, strerror(errno));
    }
    *ret_fd = fd_take(&fd);
    return FAULT_OK;
}
