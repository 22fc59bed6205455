/* HTTPS with an authorization server: one request, one bounded answer. Certificates are verified,
 * redirections are not followed, nothing but https is spoken. The only file that knows libcurl. */
#ifndef WEBCLIENT_H
#define WEBCLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum {
    WEB_ANSWER_MAX = 256 * 1024, /* octets of a body; tokens of some servers are long */
    WEB_TIMEOUT = 30000,         /* milliseconds for one request, where nothing less is asked for */
};

struct web_request {
    const char *url;
    const struct str *form;            /* application/x-www-form-urlencoded, for POST; NULL: GET */
    const char *trust_file;            /* "": the system's authorities */
    const struct str *user, *password; /* RFC 6749, 2.3.1, form-encoded; NULL: none */
    int64_t deadline;                  /* a moment */
};

struct web_reply {
    long status;      /* HTTP's */
    long retry_after; /* seconds, 0: not said */
    int64_t date;     /* the server's clock, seconds since 1970; 0: not said */
    bool is_json;     /* by its Content-Type */
    struct str body;  /* a secret */
};

/* Prepares the library: once, before anything else. What it frees is wiped. */
bool webclient_begin(struct error *err);

/* Sends REQUEST and fills REPLY, whatever its status. False if there was no whole answer: account,
 * temporary, EX_TEMPFAIL; or EX_CONFIG where the URL or the trust file is at fault. */
bool webclient_send(const struct web_request *request, struct web_reply *reply, struct error *err);

void web_reply_clear(struct web_reply *reply);

/* Appends NAME=VALUE to a form, encoded, with '&' in front where it is not the first. */
void webclient_add(struct str *form, const char *name, const char *value);

/* Appends TEXT in percent encoding (RFC 3986, 2.1). */
void webclient_encode(struct str *out, const char *text);

#endif
