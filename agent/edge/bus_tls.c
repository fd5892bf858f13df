/* bus_tls.c - when a TLS connection may be read and written.
 *
 * With TLS, natsSock_Read and natsSock_Write of nats.c (3.4.1 as 3.10) do not return on "would block": they
 * go round until the record is whole or the socket took all bytes, and the loop stands still as long as the
 * network does. So they are only called when they will not block. */
#include <errno.h>
#include <linux/sock_diag.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "edge/bus_internal.h"

#define HEAD_BYTES   5         /* type, version, length: RFC 8446 section 5.1 */
#define SEND_BUFFER  (4 * MIB) /* the kernel cuts it down to net.core.wmem_max */
#define WRITE_MARGIN (32 * KIB)

void bus_tls_init(struct bus_tls *tls, int fd)
{
    int size = SEND_BUFFER;

    *tls = (struct bus_tls){.fd = fd};
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void tls_wait_for(struct bus_tls *tls, int bytes)
{
    if (bytes > 1 || tls->waits) {
        setsockopt(tls->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
    }
    tls->waits = bytes > 1;
}

bool bus_tls_readable(struct bus_tls *tls)
{
    unsigned char head[HEAD_BYTES];
    int have = 0;
    int need = HEAD_BYTES;
    ssize_t n = recv(tls->fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);

    if (n < 0) {
        return errno != EAGAIN && errno != EINTR; /* an error is for the library to find */
    }
    if (n == HEAD_BYTES) {
        need += head[3] << 8 | head[4];
    }
    if (n == 0 || (!ioctl(tls->fd, FIONREAD, &have) && have >= need)) {
        tls_wait_for(tls, 1);
        return true;
    }
    tls_wait_for(tls, need);
    return false;
}

bool bus_tls_writable(const struct bus_tls *tls, int64_t n)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof(memory);

    if (getsockopt(tls->fd, SOL_SOCKET, SO_MEMINFO, memory, &size)) {
        return true;
    }
    int64_t queued = memory[SK_MEMINFO_WMEM_QUEUED];
    /* Into an empty buffer it goes in any case: it will not have more room than now. */
    return queued == 0 || n + n / 8 + (int64_t)WRITE_MARGIN <= (int64_t)memory[SK_MEMINFO_SNDBUF] - queued;
}
