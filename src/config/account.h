/* An account: a provider, how to log in there, which senders it serves, and how their mail is
 * treated. Every field but the first few is a row of the key table. */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strlist.h"
#include "config/key.h"

struct oauth_service;
struct sasl;

enum account_scope { SCOPE_COMMAND_LINE, SCOPE_USER, SCOPE_SYSTEM };
enum { SCOPES = 3 };

enum account_protocol { PROTOCOL_SMTP, PROTOCOL_LMTP, PROTOCOL_MAILDIR };

/* Values of `auth`: from AUTH_MECHANISM on they are the rows of the table of mechanisms. */
enum { AUTH_OFF, AUTH_ON, AUTH_MECHANISM };

enum account_override { OVERRIDE_OFF, OVERRIDE_ON, OVERRIDE_HEADER };

enum account_host_order { HOST_ORDER_GIVEN, HOST_ORDER_RANDOM };

enum account_rewrite { REWRITE_OFF, REWRITE_LOCAL, REWRITE_FOREIGN, REWRITE_ALWAYS };

enum account_mode { MODE_INTERACTIVE, MODE_BACKGROUND, MODE_QUEUE }; /* delivery_mode */

enum account_senders {
    SENDERS_ANY,
    SENDERS_EXACT
}; /* exact: the provider takes its own address only */

enum account_keyring { KEYRING_OFF, KEYRING_AUTO, KEYRING_SECRET_TOOL, KEYRING_PASS, KEYRING_GOA };

/* The facilities that `syslog` can name, in the order of its choices behind off and on. */
#define ACCOUNT_FACILITIES(row)                                                                    \
    row(LOG_USER), row(LOG_MAIL), row(LOG_LOCAL0), row(LOG_LOCAL1), row(LOG_LOCAL2),               \
        row(LOG_LOCAL3), row(LOG_LOCAL4), row(LOG_LOCAL5), row(LOG_LOCAL6), row(LOG_LOCAL7)
enum { SYSLOG_OFF, SYSLOG_ON };

enum account_log_format { LOG_FORMAT_MSMTP, LOG_FORMAT_POSTFIX, LOG_FORMAT_JSON };

struct account {
    char *name; /* "" for the command line's */
    char *file; /* where it was read, "" for the command line's */
    int line;
    enum account_scope scope;
    bool as_msmtp;      /* from the command line or an msmtprc: msmtp's defaults and rules hold */
    struct key_set set; /* keys given explicitly, here or in a parent */

    char *inherit;
    char *provider; /* name of a provider; else found by the domain of user or from */
    struct strlist domains;
    char *from, *from_full_name;
    bool auto_from;   /* msmtp's old way: from is the caller's name ... */
    char *maildomain; /* ... at this domain */
    struct strlist host;
    int host_order; /* enum account_host_order */
    long port;      /* 0: follows the TLS mode and protocol */
    char *socket;
    int protocol;
    char *maildir;   /* where mail is kept, with PROTOCOL_MAILDIR alone */
    char *sent_copy; /* a Maildir for copies of what was relayed, "" for none */
    char *domain;    /* EHLO; "": full host name, else address literal */
    char *source_ip;
    char *proxy_host; /* SOCKS5; "" for none */
    long proxy_port;  /* 0: 1080 */
    int64_t timeout, timeout_final;
    int auth;
    bool auth_without_tls;
    char *user;
    char *ntlmdomain;
    struct str password;
    char *password_file, *password_command;
    int keyring; /* enum account_keyring */
    char *oauth; /* tokens instead of a password: see oauth_service.h; "" for none */
    char *oauth_client_id, *oauth_client_secret_file, *oauth_tenant, *oauth_scope;
    int oauth_grant; /* enum oauth_grant */
    char *oauth_key_file, *oauth_cert_file, *oauth_service_account;
    bool tls, tls_starttls, tls_certcheck;
    char *tls_trust_file, *tls_crl_file, *tls_fingerprint, *tls_key_file, *tls_cert_file;
    char *tls_priorities, *tls_host_override;
    long tls_min_dh_prime_bits;
    bool tls_dane, requiretls;
    int chunking; /* 0 off, 1 auto: where it is offered */
    long max_connections;
    long max_recipients;    /* 0: as many as the server takes */
    struct strlist rate;    /* see config/rate.h */
    char *fallback;         /* account for mail that this one cannot relay; "": none */
    int64_t fallback_after; /* milliseconds */
    char *aliases, *admin;
    int rewrite_from;
    int allow_from_override; /* enum account_override */
    int set_from_header, set_date_header, set_msgid_header, set_subject_header, set_to_header;
    bool remove_bcc_headers;
    struct strlist dsn_notify;
    int dsn_return;
    char *logfile, *logfile_time_format;
    int syslog;     /* ask account_syslog_facility() */
    int log_format; /* enum account_log_format */
    bool queue;
    int delivery_mode;
    struct strlist allow_users, allow_groups;

    struct error
        *complaint; /* about a value that counts only once the account is chosen, or NULL */

    int senders;            /* enum account_senders, from the provider */
    char *provider_note;    /* what the provider wants its users to know, "" if nothing */
    struct strlist trouble; /* reply patterns that are account trouble, from the provider */
    struct oauth_service *oauth_service; /* what `oauth` names, NULL: nothing */
};

/* The recipient of mail to this machine's own users and about the account: `admin`, else the
 * account's address. */
const char *account_admin(const struct account *account);

/* A new account with every key's fallback. Free with account_free(). */
struct account *account_new(const char *name, enum account_scope scope);

/* The same with msmtp's defaults (no TLS, no login, no queue, port 25), for --host. */
struct account *account_new_msmtp(const char *name, enum account_scope scope);

/* A copy with all its keys. */
struct account *account_copy(const struct account *account);
void account_free(struct account *account);

/* Parses TEXT into the key NAME (or its other name) and notes it as given, as an option of the
 * command line does. HOME as in key_parse(). Unknown names: EX_CONFIG. */
bool account_set(struct account *account, const char *name, const char *text, const char *home,
                 struct error *err);

/* True if key NAME was given, here or in a parent. NAME must be in the table. */
bool account_has(const struct account *account, const char *name);

/* Takes over from PARENT every key that PARENT has set and ACCOUNT has not, but for `domains` and
 * `inherit`, which are about one account only, and for an account with a Maildir those about a
 * server. */
void account_inherit(struct account *account, const struct account *parent);

/* The port to connect to: `port`, else 24 for LMTP, 465 for implicit TLS, 587 for STARTTLS, 25; as
 * msmtp: 465 for implicit TLS, else 25, and 0 (there is none) for LMTP. */
int account_port(const struct account *account);

/* True if TLS starts with the connection: tls is on and tls_starttls off; `port = 465` alone, with
 * nothing said about tls_starttls, means it too. */
bool account_implicit_tls(const struct account *account);

/* The address the account sends as: `from` without wildcards, else `user` if that is an address,
 * else "". Borrowed. */
const char *account_address(const struct account *account);

/* True if it logs in with tokens that onehop gets itself. */
bool account_has_oauth(const struct account *account);

/* The same, or with those of the desktop (keyring = goa). */
bool account_has_token(const struct account *account);

/* True if FILE, a value of one of the TLS keys, is the URI of something on a PKCS#11 token (RFC
 * 7512). */
bool account_is_token_uri(const char *file);

/* True if the file gives a password, which is the PIN of the PKCS#11 token with the account's key,
 * too. */
bool account_has_pin(const struct account *account);

/* The mechanism that AUTH, a value of `auth`, names; NULL for on and off. */
const struct sasl *account_sasl(int auth);

/* True if MAILBOX is the account's own: its `from` or its `user`, in any case of letters. */
bool account_owns(const struct account *account, const char *mailbox);

/* The DSN_* bits of `dsn_notify` (message/envelope.h), 0 if nothing is asked for. */
unsigned account_dsn_notify(const struct account *account);

/* The facility for openlog(3), -1 for none. `on` is LOG_MAIL, as msmtp LOG_USER. */
int account_syslog_facility(const struct account *account);

/* Puts "FILE:LINE: " in front of the error, as far as there is a file. Returns false. */
bool account_locate(const struct account *account, struct error *err);

/* Makes account_check() fail with ERR, unless it fails with another already. NULL does nothing. */
void account_complain(struct account *account, const struct error *err);

/* What single keys do not show: neither host nor socket nor Maildir, a key file without its
 * certificate, keys that contradict each other. EX_CONFIG, "FILE:LINE: account NAME: what is wrong,
 * what to add". */
bool account_check(const struct account *account, struct error *err);

/* Appends "key = value" lines of every account key, in the table's order, by key_show(). */
void account_print(const struct account *account, struct str *out);

#endif
