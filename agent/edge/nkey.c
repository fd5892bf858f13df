/* nkey.c - the public NATS key of a seed. */
#include "edge/nkey.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The format (github.com/nats-io/nkeys): base32 without padding over prefix bytes, 32 key bytes and a CRC-16
 * of both. A seed has two prefix bytes, whose 5 and 5 bits are "S" and the kind; a public key has the kind
 * alone. */
#define KEY_BYTES   32
#define PREFIX_SEED (18u << 3) /* 'S' */
#define PREFIX_USER (20u << 3) /* 'U' */
#define SEED_RAW    (2 + KEY_BYTES + 2)
#define PUBLIC_RAW  (1 + KEY_BYTES + 2)
#define SEED_CHARS  58
#define FILE_BYTES  4096

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static uint16_t nkey_crc(const unsigned char *p, size_t n)
{
    uint16_t crc = 0; /* CRC-16/XMODEM */

    for (size_t i = 0; i < n; i++) {
        crc ^= (uint16_t)(p[i] << 8);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
        }
    }
    return crc;
}

static bool nkey_decode(const char *text, unsigned char raw[SEED_RAW])
{
    unsigned bits = 0, have = 0;
    size_t n = 0;

    for (size_t i = 0; i < SEED_CHARS; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at) {
            return false;
        }
        bits = bits << 5 | (unsigned)(at - alphabet);
        have += 5;
        if (have >= 8) {
            have -= 8;
            raw[n++] = (unsigned char)(bits >> have);
        }
    }
    return n == SEED_RAW;
}

static void nkey_encode(const unsigned char raw[PUBLIC_RAW], char out[NKEY_CHARS + 1])
{
    unsigned bits = 0, have = 0;
    size_t n = 0;

    for (size_t i = 0; i < PUBLIC_RAW; i++) {
        bits = bits << 8 | raw[i];
        for (have += 8; have >= 5; have -= 5) {
            out[n++] = alphabet[bits >> (have - 5) & 31];
        }
    }
    out[n] = '\0';
}

/* The first line that begins with "SU", as the library looks for it. */
static const char *nkey_seed_in(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, "\n\r\t ");
        if (!strncmp(line, "SU", 2)) {
            return line;
        }
        if (!*line) {
            break;
        }
    }
    return NULL;
}

static bool nkey_derive(const unsigned char *seed, unsigned char raw[PUBLIC_RAW])
{
    size_t n = KEY_BYTES;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_BYTES);
    bool ok = key && EVP_PKEY_get_raw_public_key(key, raw + 1, &n) == 1 && n == KEY_BYTES;

    EVP_PKEY_free(key);
    raw[0] = PREFIX_USER;
    uint16_t crc = nkey_crc(raw, 1 + KEY_BYTES);
    raw[1 + KEY_BYTES] = (unsigned char)crc;
    raw[2 + KEY_BYTES] = (unsigned char)(crc >> 8);
    return ok;
}

static bool nkey_convert(const char *text, char ret_public[NKEY_CHARS + 1])
{
    unsigned char raw[SEED_RAW];
    unsigned char public[PUBLIC_RAW];
    const char *seed = nkey_seed_in(text);
    bool ok = false;

    if (seed && nkey_decode(seed, raw)) {
        uint16_t crc = (uint16_t)(raw[SEED_RAW - 2] | raw[SEED_RAW - 1] << 8);
        unsigned kind = (raw[0] & 7u) << 5 | (raw[1] & 0xf8u) >> 3;
        ok = (raw[0] & 0xf8u) == PREFIX_SEED && kind == PREFIX_USER && crc == nkey_crc(raw, 2 + KEY_BYTES) &&
             nkey_derive(raw + 2, public);
    }
    OPENSSL_cleanse(raw, sizeof(raw));
    if (ok) {
        nkey_encode(public, ret_public);
    }
    return ok;
}

enum fault nkey_public(const char *path, char ret_public[NKEY_CHARS + 1], struct note *note)
{
    char text[FILE_BYTES + 1];
    FILE *file = fopen(path, "re");

    if (!file) {
        return note_set(note, FAULT_CONFIG, "the nkey seed file %s cannot be read: %s", path,
                        strerror(errno));
    }
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of the secret */
    size_t n = fread(text, 1, FILE_BYTES, file);
    fclose(file);
    text[n] = '\0';
    bool ok = nkey_convert(text, ret_public);
    OPENSSL_cleanse(text, sizeof(text));
    return ok ? FAULT_OK
              : note_set(note, FAULT_CONFIG, "the nkey seed file %s holds no valid user seed (SU…)", path);
}
