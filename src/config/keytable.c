#include "config.h"
#include "config/key.h"

#include "config/account.h"
#include "config/configuration.h"
#include "config/keycheck.h"
#include "config/provider.h"

/* Written in the order of the enums that the fields hold. */
static const char *const protocols[] = {"smtp", "lmtp", NULL};
static const char *const auths[] = {"off",
                                    "on",
                                    "plain",
                                    "login",
                                    "external",
                                    "oauthbearer",
                                    "xoauth2",
                                    "scram-sha-256-plus",
                                    "scram-sha-1-plus",
                                    "scram-sha-256",
                                    "scram-sha-1",
                                    "cram-md5",
                                    "digest-md5",
                                    "gssapi",
                                    "ntlm",
                                    NULL};
static const char *const keyrings[] = {"off", "auto", "secret-tool", "pass", NULL};
static const char *const overrides[] = {"off", "on", "header", NULL};
static const char *const rewrites[] = {"off", "local", "foreign", "always", NULL};
static const char *const modes[] = {"interactive", "background", "queue", NULL};
static const char *const senders[] = {"any", "exact", NULL};
static const char *const off_auto[] = {"off", "auto", NULL};
static const char *const off_auto_on[] = {"off", "auto", "on", NULL};
static const char *const to_headers[] = {"off", "on", "undisclosed_recipients", NULL};
static const char *const returns[] = {"off", "full", "headers", NULL};
static const char *const facilities[] = {"off",        "on",         "LOG_USER",   "LOG_MAIL",
                                         "LOG_LOCAL0", "LOG_LOCAL1", "LOG_LOCAL2", "LOG_LOCAL3",
                                         "LOG_LOCAL4", "LOG_LOCAL5", "LOG_LOCAL6", "LOG_LOCAL7",
                                         NULL};

#define ACCOUNT(member) .section = KEY_ACCOUNT, .offset = offsetof(struct account, member)
#define QUEUE(member) .section = KEY_QUEUE, .offset = offsetof(struct queue_settings, member)
#define SERVICE(member) .section = KEY_SERVICE, .offset = offsetof(struct service_settings, member)
#define PROVIDER(member) .section = KEY_PROVIDER, .offset = offsetof(struct provider, member)
#define CHOICE(list) .type = KEY_CHOICE, .choices = (list)
#define RANGE(low, high) .type = KEY_NUMBER, .min = (low), .max = (high)

/* clang-format off */
const struct key key_table[] = {
    {"inherit", ACCOUNT(inherit), .type = KEY_TEXT, .fallback = "",
     .help = "another account of this file, whose keys are taken over"},
    {"provider", ACCOUNT(provider), .type = KEY_TEXT, .fallback = "",
     .help = "a known provider; else found by the domain of user or from"},
    {"domains", ACCOUNT(domains), .type = KEY_LIST, .fallback = "", .check = keycheck_served,
     .help = "senders this account serves: domains, *.domains, addresses"},
    {"from", ACCOUNT(from), .type = KEY_TEXT, .fallback = "", .check = keycheck_sender,
     .help = "address this account sends as"},
    {"from_full_name", ACCOUNT(from_full_name), .type = KEY_TEXT, .fallback = "",
     .help = "name that goes with it where a From header is made"},
    {"auto_from", ACCOUNT(auto_from), .type = KEY_BOOL, .fallback = "off",
     .help = "msmtp's old way: from is the caller's name, at maildomain"},
    {"maildomain", ACCOUNT(maildomain), .type = KEY_TEXT, .fallback = "", .check = keycheck_word,
     .help = "domain for auto_from"},

    {"host", ACCOUNT(host), .type = KEY_LIST, .fallback = "", .check = keycheck_host,
     .help = "the provider's submission servers, tried in order"},
    {"port", ACCOUNT(port), RANGE(1, 65535), .fallback = "",
     .help = "their port; else 587 with STARTTLS, 465 with TLS from the start, 25 without"},
    {"socket", ACCOUNT(socket), .type = KEY_PATH, .fallback = "",
     .help = "a unix domain socket, instead of host and port"},
    {"protocol", ACCOUNT(protocol), CHOICE(protocols), .fallback = "smtp",
     .help = "smtp or lmtp"},
    {"domain", ACCOUNT(domain), .type = KEY_TEXT, .fallback = "", .msmtp = "localhost",
     .check = keycheck_word, .help = "name in EHLO; else this host's full name"},
    {"source_ip", ACCOUNT(source_ip), .type = KEY_TEXT, .fallback = "", .check = keycheck_ip,
     .help = "local address to connect from"},
    {"proxy_host", ACCOUNT(proxy_host), .type = KEY_TEXT, .fallback = "", .check = keycheck_host,
     .help = "a SOCKS5 proxy to connect through, which looks the provider's name up"},
    {"proxy_port", ACCOUNT(proxy_port), RANGE(1, 65535), .fallback = "",
     .help = "its port; else 1080"},
    {"timeout", .alias = "connect_timeout", ACCOUNT(timeout), .type = KEY_DURATION,
     .fallback = "60", .msmtp = "off", .help = "for connecting and for each command"},
    {"timeout_final", ACCOUNT(timeout_final), .type = KEY_DURATION, .fallback = "10m",
     .help = "for the reply to the content, where giving up makes duplicates"},
    {"max_connections", ACCOUNT(max_connections), RANGE(1, 100), .fallback = "4",
     .help = "connections to the provider at one time"},
    {"chunking", ACCOUNT(chunking), CHOICE(off_auto), .fallback = "auto",
     .help = "use BDAT where it is offered"},

    {"auth", ACCOUNT(auth), CHOICE(auths), .fallback = "off",
     .help = "method of login; on where a user is set"},
    {"auth_without_tls", ACCOUNT(auth_without_tls), .type = KEY_BOOL, .fallback = "off",
     .help = "let the password travel in the clear"},
    {"user", ACCOUNT(user), .type = KEY_TEXT, .fallback = "",
     .help = "name to log in with"},
    {"ntlmdomain", ACCOUNT(ntlmdomain), .type = KEY_TEXT, .fallback = "",
     .help = "domain for a login with ntlm"},
    {"password", ACCOUNT(password), .type = KEY_SECRET, .fallback = "",
     .help = "the password itself; taken as it stands, without quotes or comments"},
    {"password_file", ACCOUNT(password_file), .type = KEY_PATH, .fallback = "",
     .check = keycheck_password_file,
     .help = "file with the password, or the name of a systemd credential"},
    {"password_command", .alias = "passwordeval", ACCOUNT(password_command), .type = KEY_TEXT,
     .fallback = "", .help = "shell command that prints the password"},
    {"keyring", ACCOUNT(keyring), CHOICE(keyrings), .fallback = "auto",
     .help = "where to ask when nothing else gives a password: secret-tool or pass"},

    {"tls", ACCOUNT(tls), .type = KEY_BOOL, .fallback = "on", .msmtp = "off",
     .help = "encrypt the connection"},
    {"tls_starttls", ACCOUNT(tls_starttls), .type = KEY_BOOL, .fallback = "on",
     .help = "begin TLS with STARTTLS; off: with the connection"},
    {"tls_certcheck", ACCOUNT(tls_certcheck), .type = KEY_BOOL, .fallback = "on",
     .help = "verify the server's certificate"},
    {"tls_trust_file", ACCOUNT(tls_trust_file), .type = KEY_PATH, .fallback = "system",
     .help = "PEM file of trusted certificate authorities, or system"},
    {"tls_crl_file", ACCOUNT(tls_crl_file), .type = KEY_PATH, .fallback = "",
     .help = "PEM file of certificate revocation lists"},
    {"tls_fingerprint", ACCOUNT(tls_fingerprint), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_fingerprint, .help = "the one certificate to accept, by its SHA-256"},
    {"tls_key_file", ACCOUNT(tls_key_file), .type = KEY_PATH, .fallback = "",
     .help = "PEM file of the client's private key"},
    {"tls_cert_file", ACCOUNT(tls_cert_file), .type = KEY_PATH, .fallback = "",
     .help = "PEM file of the client's certificate"},
    {"tls_priorities", ACCOUNT(tls_priorities), .type = KEY_TEXT, .fallback = "",
     .help = "GnuTLS priority string"},
    {"tls_host_override", ACCOUNT(tls_host_override), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_word, .help = "name to look for in the certificate instead of host"},
    {"tls_min_dh_prime_bits", ACCOUNT(tls_min_dh_prime_bits), RANGE(1, 16384), .fallback = "",
     .help = "least size of a Diffie-Hellman prime"},

    {"aliases", ACCOUNT(aliases), .type = KEY_PATH, .fallback = "/etc/aliases", .msmtp = "",
     .help = "file of aliases for local recipients"},
    {"admin", ACCOUNT(admin), .type = KEY_TEXT, .fallback = "", .check = keycheck_address,
     .help = "who gets mail for local names without an alias; else from"},
    {"rewrite_from", ACCOUNT(rewrite_from), CHOICE(rewrites), .fallback = "foreign",
     .msmtp = "off", .help = "replace senders the account may not use"},
    {"allow_from_override", ACCOUNT(allow_from_override), CHOICE(overrides), .fallback = "on",
     .help = "on: -f chooses the envelope sender; header: the From field does; off: neither"},
    {"set_from_header", ACCOUNT(set_from_header), CHOICE(off_auto_on), .fallback = "auto",
     .help = "add, or replace, the From header"},
    {"set_date_header", ACCOUNT(set_date_header), CHOICE(off_auto), .fallback = "auto",
     .help = "add a missing Date header"},
    {"set_msgid_header", ACCOUNT(set_msgid_header), CHOICE(off_auto), .fallback = "auto",
     .help = "add a missing Message-ID header"},
    {"set_subject_header", ACCOUNT(set_subject_header), CHOICE(off_auto_on), .fallback = "auto",
     .msmtp = "off", .help = "make a Subject of the text's first line"},
    {"set_to_header", ACCOUNT(set_to_header), CHOICE(to_headers), .fallback = "off",
     .help = "add a missing To header"},
    {"remove_bcc_headers", ACCOUNT(remove_bcc_headers), .type = KEY_BOOL, .fallback = "on",
     .help = "remove Bcc and Resent-Bcc headers"},
    {"dsn_notify", ACCOUNT(dsn_notify), .type = KEY_LIST, .fallback = "",
     .check = keycheck_notify, .help = "ask the provider to report failure, delay, success; never"},
    {"dsn_return", ACCOUNT(dsn_return), CHOICE(returns), .fallback = "off",
     .help = "how much of the message such a report carries"},

    {"logfile", ACCOUNT(logfile), .type = KEY_PATH, .fallback = "",
     .help = "append a line for each message; - is standard output"},
    {"logfile_time_format", ACCOUNT(logfile_time_format), .type = KEY_TEXT, .fallback = "",
     .help = "its time, as for strftime(3)"},
    {"syslog", ACCOUNT(syslog), CHOICE(facilities), .fallback = "on", .msmtp = "off",
     .help = "log to syslog, with this facility"},
    {"queue", ACCOUNT(queue), .type = KEY_BOOL, .fallback = "on", .msmtp = "off",
     .help = "keep mail that cannot leave now"},
    {"delivery_mode", ACCOUNT(delivery_mode), CHOICE(modes), .fallback = "interactive",
     .help = "wait for the first try, do it behind the caller's back, or leave it to the runner"},
    {"allow_users", ACCOUNT(allow_users), .type = KEY_LIST, .fallback = "",
     .help = "users that may use this account; all if neither this nor allow_groups is set"},
    {"allow_groups", ACCOUNT(allow_groups), .type = KEY_LIST, .fallback = "",
     .help = "groups that may use this account"},

    {"directory", QUEUE(directory), .type = KEY_PATH, .fallback = "", .check = keycheck_absolute,
     .help = "the spool"},
    {"lifetime", QUEUE(lifetime), .type = KEY_DURATION, .fallback = "5d",
     .help = "how long a message is tried"},
    {"bounce_to", QUEUE(bounce_to), .type = KEY_TEXT, .fallback = "", .check = keycheck_address,
     .help = "who is told where the sender cannot be"},

    {"listen", SERVICE(listen), .type = KEY_TEXT, .fallback = "", .check = keycheck_loopback,
     .help = "address and port of this machine to listen on, beside the socket"},
    {"messages_per_hour", SERVICE(messages_per_hour), RANGE(1, 1000000), .fallback = "1000",
     .help = "messages that one user may submit in an hour"},
    {"octets_per_hour", SERVICE(octets_per_hour), .type = KEY_SIZE, .fallback = "1G",
     .help = "octets that one user may submit in an hour"},
    {"connections_per_user", SERVICE(connections_per_user), RANGE(1, 1000), .fallback = "20",
     .help = "connections that one user may have at one time"},
    {"connections", SERVICE(connections), RANGE(1, 10000), .fallback = "200",
     .help = "connections at one time"},
    {"size", SERVICE(size), .type = KEY_SIZE, .fallback = "100M",
     .help = "octets that a message may have"},
    {"idle", SERVICE(idle), .type = KEY_DURATION, .fallback = "60",
     .help = "time without work after which a service that a socket woke ends"},

    {"domains", PROVIDER(domains), .type = KEY_LIST, .fallback = "", .check = keycheck_domain,
     .help = "mail domains of this provider"},
    {"host", PROVIDER(host), .type = KEY_LIST, .fallback = "", .check = keycheck_host,
     .help = "its submission servers, tried in order"},
    {"port", PROVIDER(port), RANGE(1, 65535), .fallback = "",
     .help = "their port; 465 alone means TLS from the start"},
    {"tls_starttls", PROVIDER(tls_starttls), .type = KEY_BOOL, .fallback = "on",
     .help = "begin TLS with STARTTLS; off: with the connection"},
    {"auth", PROVIDER(auth), CHOICE(auths), .fallback = "on",
     .help = "method of login"},
    {"senders", PROVIDER(senders), CHOICE(senders), .fallback = "any",
     .help = "exact: it accepts the account's own address only"},
    {"trouble", PROVIDER(trouble), .type = KEY_LIST, .fallback = "",
     .help = "parts of replies that are about the account, not the mail"},
    {"note", PROVIDER(note), .type = KEY_TEXT, .fallback = "",
     .help = "what a user must know"},
};
/* clang-format on */

const size_t key_count = sizeof key_table / sizeof *key_table;

_Static_assert(sizeof key_table / sizeof *key_table <= KEY_MAX, "a key_set is too small");
