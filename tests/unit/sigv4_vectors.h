/* sigv4_vectors.h - published vectors of AWS Signature Version 4: the v4 part of the suite in
 * github.com/awslabs/aws-c-auth, tests/aws-signing-test-suite (Apache License 2.0), by the names of its
 * folders.
 *
 * In all of them: key AKIDEXAMPLE / wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY, region us-east-1, service
 * "service", host example.amazonaws.com, 2015-08-30T12:36:00Z. A vector with a body is signed with
 * x-amz-content-sha256. */
#ifndef UNIT_SIGV4_VECTORS_H
#define UNIT_SIGV4_VECTORS_H

static const struct sigv4_vector {
    const char *name, *method, *target;
    const char *headers; /* "Name: value", joined by | */
    const char *body, *session;
    const char *signed_headers, *signature;
} vectors[] = {
    {"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", "", NULL,
     "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-encoded", "GET", "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", "", "", NULL,
     "host;x-amz-date", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-query-unreserved", "GET",
     "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~"
     "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     "", "", NULL, "host;x-amz-date", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-empty-query-key", "GET", "/?Param1=value1", "", "", NULL, "host;x-amz-date",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-utf8-query", "GET",
     "/?\xe1\x88\xb4"
     "=bar",
     "", "", NULL, "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "",
     NULL, "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8", "GET",
     "/\xe1\x88\xb4"
     "",
     "", "", NULL, "host;x-amz-date", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space-normalized", "GET", "/example space/", "", "", NULL, "host;x-amz-date",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-vanilla-with-session-token", "GET", "/", "", "",
     "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
     "host;x-amz-date;x-amz-security-token",
     "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {"get-header-value-trim", "GET", "/", "My-Header1: value1|My-Header2: \"a   b   c\"", "", NULL,
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla-query", "POST", "/?Param1=value1", "", "", NULL, "host;x-amz-date",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-x-www-form-urlencoded", "POST", "/",
     "Content-Type: application/x-www-form-urlencoded|Content-Length: 13", "Param1=value1", NULL,
     "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
     "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
};

#endif
