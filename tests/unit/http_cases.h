/* http_cases.h - the conformance battery: requests, and whether they must be taken or refused. */
#ifndef HTTP_CASES_H
#define HTTP_CASES_H

#include "base/fault.h"
#include "base/slice.h"

#define HEAD(more)        "POST /v1/x HTTP/1.1\r\nHost: a\r\n" more "\r\n"
#define BODY              "{\"model\":\"m\"}"
#define SIZED             HEAD("Content-Length: 13\r\n") BODY
#define CODED(te, chunks) HEAD("Transfer-Encoding: " te "\r\n") chunks
#define CHUNKED(chunks)   CODED("chunked", chunks)
#define CHUNKS            "d\r\n" BODY "\r\n0\r\n\r\n"

/* A text (before, fill so many times, after), and what comes of it: this many messages, then this fault. */
struct row {
    const char *name;
    struct slice before;
    const char *fill;
    size_t times;
    const char *after;
    enum fault fault;
    int messages;
};

/* clang-format off */
#define T(text)                   {(text), sizeof(text) - 1}
#define GOOD(name, text, n)       {name, T(text), "", 0, "", FAULT_OK, n}
#define BAD(name, text)           {name, T(text), "", 0, "", FAULT_BAD_REQUEST, 0}
#define FILL(name, b, f, t, a, w) {name, T(b), f, t, a, w, 0}
/* clang-format on */

static const struct row battery[] = {
    GOOD("plain", SIZED, 1),
    GOOD("pipeline of three", SIZED SIZED SIZED, 3),
    GOOD("chunked", CHUNKED("5\r\n{\"mod\r\n8\r\nel\":\"m\"}\r\n0\r\n\r\n"), 1),
    GOOD("chunked with trailers", CHUNKED("d\r\n" BODY "\r\n0\r\nX-T: 1\r\n\r\n"), 1),
    GOOD("Expect", HEAD("Content-Length: 13\r\nExpect: 100-continue\r\n") BODY, 1),
    BAD("CL and TE", HEAD("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") CHUNKS),
    BAD("TE and CL", HEAD("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n") CHUNKS),
    BAD("two CL that differ", HEAD("Content-Length: 13\r\nContent-Length: 3\r\n") BODY),
    BAD("two CL that agree", HEAD("Content-Length: 13\r\nContent-Length: 13\r\n") BODY),
    BAD("CL +13", HEAD("Content-Length: +13\r\n") BODY),
    BAD("CL -1", HEAD("Content-Length: -1\r\n") BODY),
    BAD("CL empty", HEAD("Content-Length: \r\n") BODY),
    BAD("CL missing", HEAD("Content-Length:\r\n") BODY),
    BAD("CL 0x0d", HEAD("Content-Length: 0x0d\r\n") BODY),
    BAD("CL 13, 13", HEAD("Content-Length: 13, 13\r\n") BODY),
    BAD("CL 1 3", HEAD("Content-Length: 1 3\r\n") BODY),
    BAD("CL overflow", HEAD("Content-Length: 99999999999999999999999\r\n") BODY),
    {"CL 1e12", T(HEAD("Content-Length: 1000000000000\r\n")), "", 0, "", FAULT_TOO_LARGE, 0},
    {"CL 2^64-1", T(HEAD("Content-Length: 18446744073709551615\r\n")), "", 0, "", FAULT_TOO_LARGE, 0},
    BAD("CL 2^64", HEAD("Content-Length: 18446744073709551616\r\n")),
    BAD("TE xchunked", CODED("xchunked", CHUNKS)),
    BAD("TE chunkedx", CODED("chunkedx", CHUNKS)),
    BAD("TE identity, chunked", CODED("identity, chunked", CHUNKS)),
    BAD("TE gzip, chunked", CODED("gzip, chunked", CHUNKS)),
    BAD("TE chunked, identity", CODED("chunked, identity", CHUNKS)),
    BAD("TE twice", HEAD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") CHUNKS),
    BAD("TE empty", CODED("", "\r\n")),
    GOOD("TE Chunked", CODED("Chunked", CHUNKS), 1),
    BAD("TE on HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    BAD("space before the colon", HEAD("Content-Length : 13\r\n") BODY),
    BAD("space within a name", HEAD("Content Length: 13\r\n") BODY),
    BAD("space leads CL (CVE-2024-27982)", "POST / HTTP/1.1\r\nHost: a\r\n Content-Length: 13\r\n\r\n" BODY),
    BAD("fold hides CL", "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tContent-Length: 13\r\n\r\n" BODY),
    BAD("CR parts headers (CVE-2023-30589)",
        "POST / HTTP/1.1\r\nHost: a\r\nX-Abc: \rxTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
    BAD("bare LF", "POST /v1/x HTTP/1.1\nHost: a\nContent-Length: 13\n\n" BODY),
    BAD("one bare LF", "POST /v1/x HTTP/1.1\r\nHost: a\nContent-Length: 13\r\n\r\n" BODY),
    BAD("CR CR LF", "POST /v1/x HTTP/1.1\r\r\nHost: a\r\n\r\n"),
    BAD("NUL in a value", HEAD("X: a\0b\r\nContent-Length: 13\r\n") BODY),
    BAD("NUL in a name", HEAD("X\0: a\r\nContent-Length: 13\r\n") BODY),
    BAD("control character in a value", HEAD("X: a\001b\r\n")),
    BAD("CR in a value", HEAD("X: a\rb\r\nContent-Length: 13\r\n") BODY),
    BAD("a header without a colon", HEAD("Xa\r\n")),
    BAD("a header without a name", HEAD(": a\r\n")),
    BAD("chunk size overflow", CHUNKED("1000000000000000d\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("chunk size negative", CHUNKED("-d\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("chunk size 0x", CHUNKED("0xd\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("chunk size missing", CHUNKED("\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("chunk size after a space", CHUNKED(" d\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("chunk size before a space", CHUNKED("d \r\n" BODY "\r\n0\r\n\r\n")),
    BAD("chunk size before CR CR", CHUNKED("d\r\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("no CRLF after a chunk", CHUNKED("d\r\n" BODY "0\r\n\r\n")),
    BAD("a chunk longer than its size", CHUNKED("c\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("a chunk longer than its size, seen at once", CHUNKED("1\r\nxy")),
    BAD("a chunk shorter than its size", CHUNKED("e\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("chunks with bare LF", CHUNKED("d\n" BODY "\n0\n\n")),
    BAD("chunk ends in bare LF", CHUNKED("d\r\n" BODY "\n0\r\n\r\n")),
    BAD("NUL in a chunk extension", CHUNKED("d;a=\0\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("LF in a chunk extension", CHUNKED("d;a=b\nX\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("CR in a chunk extension", CHUNKED("d;a=b\rX\r\n" BODY "\r\n0\r\n\r\n")),
    BAD("bare LF in the trailers", CHUNKED("0\r\nX: a\nY: b\r\n\r\n")),
    BAD("fold in the trailers", CHUNKED("0\r\nX: a\r\n b\r\n\r\n")),
    GOOD("chunk extension", CHUNKED("d;a=b\r\n" BODY "\r\n0\r\n\r\n"), 1),
    GOOD("quoted chunk extension", CHUNKED("d;a=\"b\"\r\n" BODY "\r\n0\r\n\r\n"), 1),
    FILL("chunk extension of 1 MB", CHUNKED("d;"), "a", 1000000, "\r\n" BODY "\r\n0\r\n\r\n",
         FAULT_TOO_LARGE),
    FILL("many chunk extensions", CHUNKED(""), "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n", 1000,
         "0\r\n\r\n", FAULT_TOO_LARGE),
    FILL("chunk size of 100000 zeros", CHUNKED(""), "0", 100000, "d\r\n" BODY "\r\n0\r\n\r\n",
         FAULT_TOO_LARGE),
    {"chunks of one byte", T(CHUNKED("")), "1\r\nx\r\n", 100000, "0\r\n\r\n", FAULT_OK, 1},
    FILL("chunks beyond the limit", CHUNKED(""),
         "64\r\n0123456789012345678901234567890123456789012345678901234567890123"
         "456789012345678901234567890123456789\r\n",
         10001, "0\r\n\r\n", FAULT_TOO_LARGE),
    FILL("one chunk beyond the limit", CHUNKED("f4241\r\n"), "", 0, "", FAULT_TOO_LARGE),
    FILL("trailers of 1 MB", CHUNKED("0\r\n"), "X: aaaaaaaa\r\n", 80000, "\r\n", FAULT_TOO_LARGE),
    FILL("header of 70 KB", "POST /v1/x HTTP/1.1\r\nHost: a\r\nX-A: ", "a", 70000, "\r\n\r\n",
         FAULT_HEADERS_TOO_LARGE),
    FILL("500 headers", "POST /v1/x HTTP/1.1\r\nHost: a\r\n", "X-1: y\r\n", 500, "\r\n",
         FAULT_HEADERS_TOO_LARGE),
    {"100 headers", T("POST /v1/x HTTP/1.1\r\nHost: a\r\n"), "X-1: y\r\n", 99, "\r\n", FAULT_OK, 1},
    FILL("101 headers", "POST /v1/x HTTP/1.1\r\nHost: a\r\n", "X-1: y\r\n", 100, "\r\n",
         FAULT_HEADERS_TOO_LARGE),
    FILL("URL of 70 KB", "POST /", "a", 70000, " HTTP/1.1\r\nHost: a\r\n\r\n", FAULT_HEADERS_TOO_LARGE),
    FILL("method of 70 KB", "", "A", 70000, " / HTTP/1.1\r\nHost: a\r\n\r\n", FAULT_HEADERS_TOO_LARGE),
    FILL("empty lines of 70 KB", "", "\r\n", 35000, SIZED, FAULT_HEADERS_TOO_LARGE),
    BAD("no Host", "POST /v1/x HTTP/1.1\r\nContent-Length: 13\r\n\r\n" BODY),
    BAD("two Host", HEAD("Host: b\r\nContent-Length: 13\r\n") BODY),
    GOOD("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 1),
    GOOD("HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 13\r\n\r\n" BODY, 1),
    GOOD("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 1),
    BAD("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    BAD("HTTP/0.9", "GET /\r\n\r\n"),
    BAD("HTTP/0.9 by name", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
    BAD("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    BAD("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    BAD("HTTP/3.7", "POST / HTTP/3.7\r\nHost: a\r\nContent-Length: 13\r\n\r\n" BODY),
    BAD("another protocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n"),
    BAD("unknown method", "FROB / HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n" BODY),
    BAD("lower case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    BAD("absolute-form", "POST http://evil/x HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n" BODY),
    BAD("authority-form", "CONNECT evil:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    BAD("CONNECT with a path and a body",
        "CONNECT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n" BODY),
    BAD("asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    BAD("two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    BAD("two spaces behind the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    BAD("space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    BAD("more behind the version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
    BAD("lower case protocol", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    BAD("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    BAD("MessagePack", "\x94\x00\x01\xa4ping\x90"),
    BAD("TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"),
    GOOD("empty lines first", "\r\n\r\n" SIZED "\r\n" SIZED, 2),
    GOOD("Upgrade is not followed",
         HEAD("Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 13\r\n") BODY SIZED, 2),
    GOOD("Upgrade without a body",
         "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" SIZED, 2),
    GOOD("a value of high bytes", HEAD("X: \xc3\xa4\r\nContent-Length: 13\r\n") BODY, 1),
    GOOD("an unfinished message", HEAD("Content-Length: 14\r\n") BODY, 0),
};

#endif
