#include "config.h"
#include "token/webclient.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/clock.h"
#include "token/wiping.h"

struct answer {
    struct web_reply *reply;
    bool too_long;
};

#if LIBCURL_VERSION_NUM >= 0x075500
static CURLcode allow_https(CURL *curl)
{
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
}
#else
static CURLcode allow_https(CURL *curl)
{
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTPS);
}
#endif

bool webclient_begin(struct error *err)
{
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free, wiping_realloc,
                             wiping_strdup, wiping_calloc) == CURLE_OK)
        return true;
    return error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "libcurl does not start");
}

static size_t take_body(char *data, size_t size, size_t n, void *context)
{
    struct answer *answer = context;
    struct str *body = &answer->reply->body;
    answer->too_long = body->len + size * n > WEB_ANSWER_MAX;
    if (answer->too_long)
        return 0;
    str_add_n(body, data, size * n);
    return size * n;
}

static size_t take_header(char *data, size_t size, size_t n, void *context)
{
    static const char date[] = "date:";
    struct answer *answer = context;
    size_t len = size * n;
    if (len > sizeof date && len < 128 && strncasecmp(data, date, sizeof date - 1) == 0) {
        struct str value = {0};
        str_add_n(&value, data + sizeof date - 1, len - sizeof date + 1);
        time_t moment = curl_getdate(str_text(&value), NULL);
        answer->reply->date = moment > 0 ? (int64_t)moment : 0;
        str_clear(&value);
    }
    return len;
}

static long span(int64_t deadline)
{
    int64_t left = deadline == CLOCK_NEVER ? WEB_TIMEOUT : deadline - clock_now();
    return left < 1 ? 1 : left > WEB_TIMEOUT ? WEB_TIMEOUT : (long)left;
}

static bool prepare(CURL *curl, const struct web_request *r, struct answer *answer,
                    struct curl_slist *headers)
{
    CURLcode bad = curl_easy_setopt(curl, CURLOPT_URL, r->url);
    bad |= allow_https(curl);
    bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    bad |= curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, span(r->deadline));
    bad |= curl_easy_setopt(curl, CURLOPT_USERAGENT, "onehop-token/" PACKAGE_VERSION);
    bad |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    bad |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    bad |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    bad |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    bad |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    if (r->trust_file && *r->trust_file) {
        bad |= curl_easy_setopt(curl, CURLOPT_CAINFO, r->trust_file);
        bad |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (r->form) {
        bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, str_text(r->form));
        bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)r->form->len);
    }
    if (r->user) {
        bad |= curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        bad |= curl_easy_setopt(curl, CURLOPT_USERNAME, str_text(r->user));
        bad |= curl_easy_setopt(curl, CURLOPT_PASSWORD, str_text(r->password));
    }
    return bad == CURLE_OK;
}

/* "https://host" of URL: what follows may have a secret of somebody in it. */
static int host_length(const char *url)
{
    const char *host = strstr(url, "://");
    return (int)(host ? 3 + (host - url) + (long)strcspn(host + 3, "/?") : (long)strlen(url));
}

/* libcurl does not say whether a certificate has ended, or has not begun. */
static void show_clock(struct error *err)
{
    struct str now = {0};
    (void)clock_add_local(&now, clock_wall(), "%Y-%m-%d %H:%M %z");
    error_add(err, "; ", "this machine's clock says %s", str_text(&now));
    str_clear(&now);
}

static bool failed(const struct web_request *r, CURLcode code, const char *detail,
                   const struct answer *answer, struct error *err)
{
    const char *why = answer->too_long ? "the answer is too long"
                      : *detail        ? detail
                                       : curl_easy_strerror(code);
    bool wrong = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
                 code == CURLE_SSL_CACERT_BADFILE;
    (void)error_set(err, ERROR_ACCOUNT, wrong ? ERROR_PERMANENT : ERROR_TEMPORARY,
                    wrong ? EX_CONFIG : EX_TEMPFAIL, "%.*s: %s", host_length(r->url), r->url, why);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        show_clock(err);
    return false;
}

static void read_facts(CURL *curl, struct web_reply *reply)
{
    curl_off_t wait = 0;
    char *type = NULL;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
        reply->retry_after = wait > 86400 ? 86400 : (long)wait;
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type)
        reply->is_json = strncasecmp(type, "application/", 12) == 0 && strcasestr(type, "json");
}

bool webclient_send(const struct web_request *request, struct web_reply *reply, struct error *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    *reply = (struct web_reply){.body = {.secret = true}};
    struct answer answer = {.reply = reply};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    bool ok = false;
    if (!curl || !headers || !prepare(curl, request, &answer, headers)) {
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_TEMPFAIL, "libcurl does not start");
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
        CURLcode code = curl_easy_perform(curl);
        ok = code == CURLE_OK || failed(request, code, detail, &answer, err);
        if (ok)
            read_facts(curl, reply);
        (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (!ok)
        web_reply_clear(reply);
    return ok;
}

void web_reply_clear(struct web_reply *reply)
{
    str_clear(&reply->body);
    *reply = (struct web_reply){0};
}

void webclient_encode(struct str *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++)
        if (strchr(plain, *text))
            str_add_char(out, *text);
        else
            str_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

void webclient_add(struct str *form, const char *name, const char *value)
{
    if (form->len > 0)
        str_add(form, "&");
    webclient_encode(form, name);
    str_add(form, "=");
    webclient_encode(form, value);
}
