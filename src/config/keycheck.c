#include "config.h"
#include "config/keycheck.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/dsn.h"

bool keycheck_word(const char *text, struct error *err)
{
    if (!strpbrk(text, " \t"))
        return true;
    return error_config(err, "'%s' must not contain blanks", text);
}

bool keycheck_sender(const char *text, struct error *err)
{
    if (!strpbrk(text, " \t<>,") && text[0] != '@' && text[strlen(text) - 1] != '@')
        return true;
    return error_config(err,
                        "'%s' is no sender: write name@example.com, or a pattern like "
                        "*@example.com",
                        text);
}

bool keycheck_address(const char *text, struct error *err)
{
    const char *at = strrchr(text, '@');
    if (!strpbrk(text, " \t<>,") && at && at != text && at[1])
        return true;
    return error_config(err, "'%s' is no address: write name@example.com", text);
}

/* Letters of all scripts, digits, '-', '_', with single dots between. */
static bool is_domain(const char *text)
{
    if (text[0] == '.' || text[0] == '\0' || text[strlen(text) - 1] == '.' || strstr(text, ".."))
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_.", *p) && (unsigned char)*p < 128)
            return false;
    return true;
}

bool keycheck_domain(const char *text, struct error *err)
{
    if (is_domain(strncmp(text, "*.", 2) == 0 ? text + 2 : text))
        return true;
    return error_config(err, "'%s' is no mail domain: write example.com or *.example.com", text);
}

bool keycheck_served(const char *text, struct error *err)
{
    const char *at = strrchr(text, '@');
    if (at && at != text && text[0] != '*' && !strpbrk(text, " \t<>") && is_domain(at + 1))
        return true;
    if (!at && is_domain(strncmp(text, "*.", 2) == 0 ? text + 2 : text))
        return true;
    return error_config(err,
                        "'%s' is nothing to serve: write example.com, *.example.com (for "
                        "what is below it), or name@example.com, separated by commas",
                        text);
}

bool keycheck_is_of_name(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("-_.@+", c)) || (unsigned char)c >= 128;
}

static bool is_ip(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

bool keycheck_ip(const char *text, struct error *err)
{
    if (is_ip(text))
        return true;
    return error_config(err, "'%s' is no IP address: write it like 192.0.2.1 or 2001:db8::1", text);
}

bool keycheck_host(const char *text, struct error *err)
{
    if (is_ip(text) || is_domain(text))
        return true;
    const char *colon = strrchr(text, ':');
    if (colon && colon[1] && colon[1 + strspn(colon + 1, "0123456789")] == '\0')
        return error_config(err,
                            "'%s' is no host name: the port has a line of its own, `port = %s`",
                            text, colon + 1);
    return error_config(err,
                        "'%s' is no host name: write smtp.example.com, several separated by "
                        "commas",
                        text);
}

bool keycheck_absolute(const char *text, struct error *err)
{
    if (text[0] == '/')
        return true;
    return error_config(err, "'%s' is no full path: begin it with / or ~/", text);
}

bool keycheck_password_file(const char *text, struct error *err)
{
    if (text[0] == '/' || strncmp(text, "~/", 2) == 0)
        return true;
    if (!strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
        return true;
    return error_config(err,
                        "'%s' is neither a full path, beginning with / or ~/, nor the name of "
                        "a secret or systemd credential, without any /",
                        text);
}

static bool is_fingerprint(const char *text, size_t len)
{
    bool of_key = len > 5 && strncasecmp(text, "spki:", 5) == 0;
    size_t digits = 0;
    for (const char *p = text + (of_key ? 5 : 0); p < text + len; p++) {
        if (isxdigit((unsigned char)*p))
            digits++;
        else if (!strchr(": ", *p) || digits % 2 != 0)
            return false;
    }
    return digits == 64 || (digits == 40 && !of_key);
}

bool keycheck_fingerprint(const char *text, struct error *err)
{
    for (const char *p = text; *p; p += *p == ',') {
        p += strspn(p, " ");
        size_t len = strcspn(p, ",");
        if (!is_fingerprint(p, len))
            return error_config(err,
                                "'%.*s' is no fingerprint: a SHA-256 has 64 hexadecimal digits, "
                                "with or without colons between the pairs",
                                (int)len, p);
        p += len;
    }
    return true;
}

bool keycheck_notify(const char *text, struct error *err)
{
    if (strcasecmp(text, "off") == 0 || dsn_notify_word(text, strlen(text)))
        return true;
    return error_config(err, "'%s' must be off, never, or some of failure, delay, success", text);
}

static const char not_in_url[] = " \t\"<>#\\^`|";

/* With a host, and without a user and a password in front of it. */
static bool is_https(const char *text)
{
    if (strncmp(text, "https://", 8) != 0 || strpbrk(text, not_in_url))
        return false;
    size_t host = strcspn(text + 8, ":/?@");
    return host > 0 && text[8 + host + strcspn(text + 8 + host, "/?@")] != '@';
}

bool keycheck_https(const char *text, struct error *err)
{
    if (is_https(text))
        return true;
    return error_config(err, "'%s' must begin with https:// and a host: what goes there is secret",
                        text);
}

bool keycheck_oauth(const char *text, struct error *err)
{
    if (is_https(text) || (!strpbrk(text, " \t/:") && *text))
        return true;
    return error_config(err,
                        "'%s' is neither the name of an [oauth NAME], as microsoft or google, nor "
                        "an issuer, as https://login.example.com",
                        text);
}

bool keycheck_tenant(const char *text, struct error *err)
{
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
            return error_config(err, "'%s' is no tenant: write its id or its domain", text);
    return true;
}

size_t keycheck_loopback(const char *text)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t len = strlen(hosts[i]);
        if (strncmp(text, hosts[i], len) == 0 && (!text[len] || strchr(":/", text[len])))
            return len;
    }
    return 0;
}

/* PORT is what follows a host: nothing, ":PORT" or a path. */
static bool is_port_or_path(const char *port)
{
    if (*port != ':')
        return true;
    size_t digits = strspn(port + 1, "0123456789");
    long number = digits > 0 && digits < 6 ? strtol(port + 1, NULL, 10) : 0;
    return number > 0 && number < 65536 && (!port[digits + 1] || port[digits + 1] == '/');
}

bool keycheck_redirect(const char *text, struct error *err)
{
    size_t host = keycheck_loopback(text);
    if (host > 0 ? is_port_or_path(text + host) && !strpbrk(text, not_in_url) : is_https(text))
        return true;
    return error_config(err,
                        "'%s' must be http://127.0.0.1 or http://localhost, with or without a "
                        "port and a path, or begin with https://",
                        text);
}

bool keycheck_parameters(const char *text, struct error *err)
{
    if (!strpbrk(text, not_in_url))
        return true;
    return error_config(err, "'%s' must be a=b&c=d, with %%20 for a blank", text);
}
