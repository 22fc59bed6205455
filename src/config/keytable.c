#include "config.h"
#include "config/key.h"

#include "base/translation.h"
#include "message/complete.h"
#include "config/account.h"
#include "config/configuration.h"
#include "config/keycheck.h"
#include "config/listen.h"
#include "config/oauth_service.h"
#include "config/provider.h"
#include "config/rate.h"

static const char *const protocols[] = {
    [PROTOCOL_SMTP] = "smtp", [PROTOCOL_LMTP] = "lmtp", [PROTOCOL_MAILDIR] = "maildir", NULL};
static const char *const keyrings[] = {
    [KEYRING_OFF] = "off",   [KEYRING_AUTO] = "auto", [KEYRING_SECRET_TOOL] = "secret-tool",
    [KEYRING_PASS] = "pass", [KEYRING_GOA] = "goa",   NULL};
static const char *const grants[] = {[OAUTH_PERSON] = "person",
                                     [OAUTH_CLIENT_CREDENTIALS] = "client_credentials",
                                     [OAUTH_SERVICE_ACCOUNT] = "service_account",
                                     NULL};
static const char *const overrides[] = {
    [OVERRIDE_OFF] = "off", [OVERRIDE_ON] = "on", [OVERRIDE_HEADER] = "header", NULL};
static const char *const host_orders[] = {
    [HOST_ORDER_GIVEN] = "given", [HOST_ORDER_RANDOM] = "random", NULL};
static const char *const rewrites[] = {[REWRITE_OFF] = "off",
                                       [REWRITE_LOCAL] = "local",
                                       [REWRITE_FOREIGN] = "foreign",
                                       [REWRITE_ALWAYS] = "always",
                                       NULL};
static const char *const modes[] = {[MODE_INTERACTIVE] = "interactive",
                                    [MODE_BACKGROUND] = "background",
                                    [MODE_QUEUE] = "queue",
                                    NULL};
static const char *const senders[] = {[SENDERS_ANY] = "any", [SENDERS_EXACT] = "exact", NULL};
static const char *const off_auto[] = {[COMPLETE_OFF] = "off", [COMPLETE_AUTO] = "auto", NULL};
static const char *const off_auto_on[] = {
    [COMPLETE_OFF] = "off", [COMPLETE_AUTO] = "auto", [COMPLETE_ON] = "on", NULL};
static const char *const to_headers[] = {[COMPLETE_TO_OFF] = "off",
                                         [COMPLETE_TO_ON] = "on",
                                         [COMPLETE_TO_UNDISCLOSED] = "undisclosed_recipients",
                                         NULL};
static const char *const returns[] = {
    [DSN_RETURN_UNSET] = "off", [DSN_RETURN_FULL] = "full", [DSN_RETURN_HEADERS] = "headers", NULL};
static const char *const log_formats[] = {[LOG_FORMAT_MSMTP] = "msmtp",
                                          [LOG_FORMAT_POSTFIX] = "postfix",
                                          [LOG_FORMAT_JSON] = "json",
                                          NULL};
#define NAME(facility) #facility
static const char *const facilities[] = {
    [SYSLOG_OFF] = "off", [SYSLOG_ON] = "on", ACCOUNT_FACILITIES(NAME), NULL};

#define ACCOUNT(member) .section = KEY_ACCOUNT, .offset = offsetof(struct account, member)
#define SERVER(member) ACCOUNT(member), .of_server = true
#define QUEUE(member) .section = KEY_QUEUE, .offset = offsetof(struct queue_settings, member)
#define SERVICE(member) .section = KEY_SERVICE, .offset = offsetof(struct service_settings, member)
#define PROVIDER(member) .section = KEY_PROVIDER, .offset = offsetof(struct provider, member)
#define OAUTH(member) .section = KEY_OAUTH, .offset = offsetof(struct oauth_service, member)
#define CHOICE(list) .type = KEY_CHOICE, .choices = (list)
/* The command of an msmtprc; its argument may be missing, or must be there. */
#define MSMTP(word) .command = (word)
#define MSMTP_NEEDS(word) .command = (word), .needs_argument = true
#define RANGE(low, high) .type = KEY_NUMBER, .min = (low), .max = (high)

/* clang-format off */
const struct key key_table[] = {
    {"inherit", ACCOUNT(inherit), .type = KEY_TEXT, .fallback = "",
     .flags = KEY_OF_ONE | KEY_OF_FILE,
     .help = N_("another account of this file, whose keys are taken over")},
    {"provider", SERVER(provider), .type = KEY_TEXT, .fallback = "", .flags = KEY_OF_FILE,
     .help = N_("a known provider; else found by the domain of user or from")},
    {"domains", ACCOUNT(domains), .type = KEY_LIST, .fallback = "", .check = keycheck_served,
     .flags = KEY_OF_ONE | KEY_OF_FILE,
     .help = N_("senders this account serves: domains, *.domains, addresses")},

    /* What msmtp has, in its order: onehop -P shows these so. */
    {"host", SERVER(host), .type = KEY_LIST, .fallback = "", .check = keycheck_host,
     MSMTP_NEEDS("host"), .help = N_("the provider's submission servers, tried in order")},
    {"port", SERVER(port), RANGE(1, 65535), .fallback = "", MSMTP_NEEDS("port"),
     .style = KEY_SHOWN_PORT,
     .help = N_("their port; else 587 with STARTTLS, 465 with TLS from the start, 25 without")},
    {"source_ip", SERVER(source_ip), .type = KEY_TEXT, .fallback = "", .check = keycheck_ip,
     MSMTP("source_ip"), .label = "source ip", .help = N_("local address to connect from")},
    {"proxy_host", SERVER(proxy_host), .type = KEY_TEXT, .fallback = "", .check = keycheck_host,
     MSMTP("proxy_host"), .label = "proxy host",
     .help = N_("a SOCKS5 proxy to connect through, which looks the provider's name up")},
    {"proxy_port", SERVER(proxy_port), RANGE(1, 65535), .fallback = "", MSMTP("proxy_port"),
     .style = KEY_SHOWN_PORT, .label = "proxy port", .help = N_("its port; else 1080")},
    {"socket", SERVER(socket), .type = KEY_PATH, .fallback = "", MSMTP("socket"),
     .help = N_("a unix domain socket, instead of host and port")},
    {"timeout", .alias = "connect_timeout", SERVER(timeout), .type = KEY_DURATION,
     .fallback = "60", .msmtp = "off", MSMTP_NEEDS("timeout"), .style = KEY_SHOWN_SECONDS,
     .help = N_("for connecting and for each command")},
    {"protocol", ACCOUNT(protocol), CHOICE(protocols), .fallback = "smtp", MSMTP_NEEDS("protocol"),
     .help = N_("smtp, lmtp, or maildir: mail is kept on this machine")},
    {"domain", SERVER(domain), .type = KEY_TEXT, .fallback = "", .msmtp = "localhost",
     .check = keycheck_word, MSMTP("domain"), .style = KEY_SHOWN_AS_IT_IS,
     .help = N_("name in EHLO; else this host's full name")},
    {"auth", SERVER(auth), .type = KEY_METHOD, .fallback = "off", MSMTP("auth"),
     .style = KEY_SHOWN_METHOD, .help = N_("method of login; on where a user is set")},
    {"user", SERVER(user), .type = KEY_TEXT, .fallback = "", MSMTP("user"),
     .help = N_("name to log in with")},
    {"password", SERVER(password), .type = KEY_SECRET, .fallback = "", MSMTP("password"),
     .style = KEY_SHOWN_STARS, .flags = KEY_RAW | KEY_OF_FILE,
     .help = N_("the password itself; taken literally, without quotes or comments")},
    {"password_command", .alias = "passwordeval", SERVER(password_command), .type = KEY_TEXT,
     .fallback = "", MSMTP("passwordeval"), .flags = KEY_RAW,
     .help = N_("shell command that prints the password")},
    {"ntlmdomain", SERVER(ntlmdomain), .type = KEY_TEXT, .fallback = "", MSMTP("ntlmdomain"),
     .help = N_("domain for a login with ntlm")},
    {"tls", SERVER(tls), .type = KEY_BOOL, .fallback = "on", .msmtp = "off", MSMTP("tls"),
     .help = N_("encrypt the connection")},
    {"tls_starttls", SERVER(tls_starttls), .type = KEY_BOOL, .fallback = "on",
     MSMTP("tls_starttls"), .help = N_("begin TLS with STARTTLS; off: with the connection")},
    {"tls_trust_file", SERVER(tls_trust_file), .type = KEY_PATH, .fallback = "system",
     MSMTP("tls_trust_file"), .help = N_("PEM file of trusted certificate authorities, or system")},
    {"tls_crl_file", SERVER(tls_crl_file), .type = KEY_PATH, .fallback = "", MSMTP("tls_crl_file"),
     .help = N_("PEM file of certificate revocation lists")},
    {"tls_fingerprint", SERVER(tls_fingerprint), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_fingerprint, MSMTP("tls_fingerprint"), .style = KEY_SHOWN_HEX,
     .help = N_("the certificates to accept, by their SHA-256")},
    {"tls_key_file", SERVER(tls_key_file), .type = KEY_PATH, .fallback = "", MSMTP("tls_key_file"),
     .help = N_("PEM file of the client's private key")},
    {"tls_cert_file", SERVER(tls_cert_file), .type = KEY_PATH, .fallback = "",
     MSMTP("tls_cert_file"), .help = N_("PEM file of the client's certificate")},
    {"tls_certcheck", SERVER(tls_certcheck), .type = KEY_BOOL, .fallback = "on",
     MSMTP("tls_certcheck"), .help = N_("verify the server's certificate")},
    {"tls_min_dh_prime_bits", SERVER(tls_min_dh_prime_bits), RANGE(1, 16384), .fallback = "",
     MSMTP("tls_min_dh_prime_bits"), .help = N_("least size of a Diffie-Hellman prime")},
    {"tls_priorities", SERVER(tls_priorities), .type = KEY_TEXT, .fallback = "",
     MSMTP("tls_priorities"), .help = N_("GnuTLS priority string")},
    {"tls_host_override", SERVER(tls_host_override), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_word, MSMTP("tls_host_override"),
     .help = N_("name to look for in the certificate instead of host")},
    {"auto_from", ACCOUNT(auto_from), .type = KEY_BOOL, .fallback = "off", MSMTP("auto_from"),
     .help = N_("msmtp's old way: from is the caller's name, at maildomain")},
    {"maildomain", ACCOUNT(maildomain), .type = KEY_TEXT, .fallback = "", .check = keycheck_word,
     MSMTP("maildomain"), .help = N_("domain for auto_from")},
    {"from", ACCOUNT(from), .type = KEY_TEXT, .fallback = "", .check = keycheck_sender,
     MSMTP("from"), .help = N_("address this account sends as")},
    {"from_full_name", ACCOUNT(from_full_name), .type = KEY_TEXT, .fallback = "",
     MSMTP("from_full_name"), .help = N_("name that goes with it where a From header is made")},
    {"allow_from_override", ACCOUNT(allow_from_override), CHOICE(overrides), .fallback = "on",
     MSMTP_NEEDS("allow_from_override"),
     .help = N_("on: -f chooses the envelope sender; header: the From field does; off: neither")},
    {"set_from_header", ACCOUNT(set_from_header), CHOICE(off_auto_on), .fallback = "auto",
     MSMTP("set_from_header"), .help = N_("add, or replace, the From header")},
    {"set_date_header", ACCOUNT(set_date_header), CHOICE(off_auto), .fallback = "auto",
     MSMTP("set_date_header"), .help = N_("add a missing Date header")},
    {"set_msgid_header", ACCOUNT(set_msgid_header), CHOICE(off_auto), .fallback = "auto",
     MSMTP("set_msgid_header"), .help = N_("add a missing Message-ID header")},
    {"set_to_header", ACCOUNT(set_to_header), CHOICE(to_headers), .fallback = "off",
     MSMTP("set_to_header"), .help = N_("add a missing To header")},
    {"remove_bcc_headers", ACCOUNT(remove_bcc_headers), .type = KEY_BOOL, .fallback = "on",
     MSMTP("remove_bcc_headers"), .style = KEY_SHOWN_UNDISCLOSED,
     .help = N_("remove Bcc and Resent-Bcc headers")},
    {"dsn_notify", ACCOUNT(dsn_notify), .type = KEY_LIST, .fallback = "", .check = keycheck_notify,
     MSMTP_NEEDS("dsn_notify"), .style = KEY_SHOWN_CONDITIONS,
     .help = N_("ask the provider to report failure, delay, success; never")},
    {"dsn_return", ACCOUNT(dsn_return), CHOICE(returns), .fallback = "off",
     MSMTP_NEEDS("dsn_return"), .style = KEY_SHOWN_AMOUNT,
     .help = N_("how much of the message such a report carries")},
    {"logfile", ACCOUNT(logfile), .type = KEY_PATH, .fallback = "", MSMTP("logfile"),
     .help = N_("append a line for each message; - is standard output")},
    {"logfile_time_format", ACCOUNT(logfile_time_format), .type = KEY_TEXT, .fallback = "",
     MSMTP("logfile_time_format"), .help = N_("its time, as for strftime(3)")},
    {"syslog", ACCOUNT(syslog), CHOICE(facilities), .fallback = "on", .msmtp = "off",
     MSMTP("syslog"), .style = KEY_SHOWN_FACILITY, .help = N_("log to syslog, with this facility")},
    {"aliases", ACCOUNT(aliases), .type = KEY_PATH, .fallback = "/etc/aliases", .msmtp = "",
     MSMTP("aliases"), .help = N_("file of aliases for local recipients")},

    /* What it has not. */
    {"log_format", ACCOUNT(log_format), CHOICE(log_formats), .fallback = "msmtp",
     .help = N_("how the lines of the log are written")},
    {"timeout_final", SERVER(timeout_final), .type = KEY_DURATION, .fallback = "10m",
     .help = N_("for the reply to the content, where giving up makes duplicates")},
    {"host_order", ACCOUNT(host_order), CHOICE(host_orders), .fallback = "given",
     .help = N_("given: the first host that answers; random: any, for each connection")},
    {"max_connections", ACCOUNT(max_connections), RANGE(1, 100), .fallback = "4",
     .help = N_("connections to the provider at one time")},
    {"max_recipients", SERVER(max_recipients), RANGE(1, 100000), .fallback = "",
     .help = N_("recipients of one transaction; else as many as the server takes")},
    {"rate", ACCOUNT(rate), .type = KEY_LIST, .fallback = "", .check = rate_check,
     .help = N_("messages for each minute, hour or day: 30/m, 500/d")},
    {"chunking", SERVER(chunking), CHOICE(off_auto), .fallback = "auto",
     .help = N_("use BDAT where it is offered")},
    {"auth_without_tls", SERVER(auth_without_tls), .type = KEY_BOOL, .fallback = "off",
     .help = N_("let the password travel in the clear")},
    {"requiretls", SERVER(requiretls), .type = KEY_BOOL, .fallback = "off", .flags = KEY_OF_FILE,
     .help = N_("refuse to send mail that could be relayed without verified TLS (REQUIRETLS)")},
    {"password_file", SERVER(password_file), .type = KEY_PATH, .fallback = "",
     .check = keycheck_password_file,
     .help = N_("file with the password, or the name of a secret")},
    {"keyring", SERVER(keyring), CHOICE(keyrings), .fallback = "auto",
     .help = N_("where to ask when nothing else gives a password: secret-tool, pass; goa: a token")},
    {"oauth", SERVER(oauth), .type = KEY_TEXT, .fallback = "", .check = keycheck_oauth,
     .flags = KEY_OF_FILE,
     .help = N_("log in with tokens: the name of an [oauth NAME], or https://ISSUER")},
    {"oauth_client_id", SERVER(oauth_client_id), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_word, .flags = KEY_OF_FILE,
     .help = N_("the id of your registration with the authorization server")},
    {"oauth_client_secret_file", SERVER(oauth_client_secret_file), .type = KEY_PATH,
     .fallback = "", .check = keycheck_password_file, .flags = KEY_OF_FILE,
     .help = N_("file with its secret, or the name of a secret")},
    {"oauth_tenant", SERVER(oauth_tenant), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_tenant, .flags = KEY_OF_FILE,
     .help = N_("the organization at Microsoft: its id or domain")},
    {"oauth_scope", SERVER(oauth_scope), .type = KEY_TEXT, .fallback = "", .flags = KEY_OF_FILE,
     .help = N_("the permissions to ask for, blanks between; else the server's row has them")},
    {"oauth_grant", SERVER(oauth_grant), CHOICE(grants), .fallback = "person",
     .flags = KEY_OF_FILE, .help = N_("person, or without one client_credentials, service_account")},
    {"oauth_key_file", SERVER(oauth_key_file), .type = KEY_PATH, .fallback = "",
     .check = keycheck_password_file, .flags = KEY_OF_FILE,
     .help = N_("private key (PEM, or Google's JSON file) that proves who asks; or a credential")},
    {"oauth_cert_file", SERVER(oauth_cert_file), .type = KEY_PATH, .fallback = "",
     .check = keycheck_password_file, .flags = KEY_OF_FILE,
     .help = N_("PEM file of the certificate that goes with it, as Microsoft wants it")},
    {"oauth_service_account", SERVER(oauth_service_account), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_word, .flags = KEY_OF_FILE,
     .help = N_("the service account's address; else the key file names it")},
    {"admin", ACCOUNT(admin), .type = KEY_TEXT, .fallback = "", .check = keycheck_address,
     .help = N_("who gets mail for local names without an alias; else from")},
    {"rewrite_from", ACCOUNT(rewrite_from), CHOICE(rewrites), .fallback = "foreign", .msmtp = "off",
     .help = N_("replace senders the account may not use")},
    {"set_subject_header", ACCOUNT(set_subject_header), CHOICE(off_auto_on), .fallback = "auto",
     .msmtp = "off", .help = N_("make a Subject of the text's first line")},
    {"queue", ACCOUNT(queue), .type = KEY_BOOL, .fallback = "on", .msmtp = "off",
     .help = N_("keep mail that cannot leave now")},
    {"maildir", ACCOUNT(maildir), .type = KEY_PATH, .fallback = "", .check = keycheck_absolute,
     .flags = KEY_OF_FILE, .help = N_("where mail is kept, with protocol = maildir")},
    {"sent_copy", SERVER(sent_copy), .type = KEY_PATH, .fallback = "", .check = keycheck_absolute,
     .flags = KEY_OF_FILE, .help = N_("a Maildir for a copy of each message that was relayed")},
    {"delivery_mode", ACCOUNT(delivery_mode), CHOICE(modes), .fallback = "interactive",
     .help = N_("wait for the first try, do it behind the caller's back, or leave it to the runner")},
    {"allow_users", ACCOUNT(allow_users), .type = KEY_LIST, .fallback = "", .flags = KEY_OF_FILE,
     .help = N_("users that may use this account; all if neither this nor allow_groups is set")},
    {"allow_groups", ACCOUNT(allow_groups), .type = KEY_LIST, .fallback = "", .flags = KEY_OF_FILE,
     .help = N_("groups that may use this account")},

    {"directory", QUEUE(directory), .type = KEY_PATH, .fallback = "", .check = keycheck_absolute,
     .help = N_("the spool")},
    {"lifetime", QUEUE(lifetime), .type = KEY_DURATION, .fallback = "5d",
     .help = N_("how long a message is tried")},
    {"bounce_to", QUEUE(bounce_to), .type = KEY_TEXT, .fallback = "", .check = keycheck_address,
     .help = N_("recipient of bounces that cannot be sent to the sender")},
    {"alert_command", QUEUE(alert_command), .type = KEY_TEXT, .fallback = "", .flags = KEY_RAW,
     .help = N_("shell command that reports an account that fails for an hour, or mail in failed/")},

    {"listen", SERVICE(listen), .type = KEY_LIST, .fallback = "", .check = listen_check_address,
     .help = N_("addresses and ports to listen on, in addition to the socket")},
    {"allow_networks", SERVICE(allow_networks), .type = KEY_LIST, .fallback = "",
     .check = listen_check_network,
     .help = N_("networks whose devices may send without TLS and login")},
    {"messages_per_hour", SERVICE(messages_per_hour), RANGE(1, 1000000), .fallback = "1000",
     .help = N_("messages that one user may submit in an hour")},
    {"octets_per_hour", SERVICE(octets_per_hour), .type = KEY_SIZE, .fallback = "1G",
     .help = N_("octets that one user may submit in an hour")},
    {"connections_per_user", SERVICE(connections_per_user), RANGE(1, 1000), .fallback = "20",
     .help = N_("connections that one user may have at one time")},
    {"connections", SERVICE(connections), RANGE(1, 10000), .fallback = "200",
     .help = N_("connections at one time")},
    {"size", SERVICE(size), .type = KEY_SIZE, .fallback = "100M",
     .help = N_("octets that a message may have")},
    {"idle", SERVICE(idle), .type = KEY_DURATION, .fallback = "60",
     .help = N_("time without work after which a service that a socket woke ends")},
    {"metrics_file", SERVICE(metrics_file), .type = KEY_PATH, .fallback = "",
     .check = keycheck_absolute,
     .help = N_("file for Prometheus (node_exporter) that the service keeps up to date")},

    {"domains", PROVIDER(domains), .type = KEY_LIST, .fallback = "", .check = keycheck_domain,
     .help = N_("mail domains of this provider")},
    {"host", PROVIDER(host), .type = KEY_LIST, .fallback = "", .check = keycheck_host,
     .help = N_("its submission servers, tried in order")},
    {"port", PROVIDER(port), RANGE(1, 65535), .fallback = "",
     .help = N_("their port; 465 alone means TLS from the start")},
    {"tls_starttls", PROVIDER(tls_starttls), .type = KEY_BOOL, .fallback = "on",
     .help = N_("begin TLS with STARTTLS; off: with the connection")},
    {"auth", PROVIDER(auth), .type = KEY_METHOD, .fallback = "on", .help = N_("method of login")},
    {"senders", PROVIDER(senders), CHOICE(senders), .fallback = "any",
     .help = N_("exact: it accepts the account's own address only")},
    {"max_connections", PROVIDER(max_connections), RANGE(1, 100), .fallback = "",
     .help = N_("connections that it allows an account at one time")},
    {"max_recipients", PROVIDER(max_recipients), RANGE(1, 100000), .fallback = "",
     .help = N_("recipients that it takes in one transaction")},
    {"rate", PROVIDER(rate), .type = KEY_LIST, .fallback = "", .check = rate_check,
     .help = N_("messages that it takes of an account: 30/m, 500/d")},
    {"trouble", PROVIDER(trouble), .type = KEY_LIST, .fallback = "",
     .help = N_("parts of replies that are about the account, not the mail")},
    {"oauth", PROVIDER(oauth), .type = KEY_TEXT, .fallback = "", .check = keycheck_oauth,
     .help = N_("the [oauth NAME] that gives tokens for it")},
    {"note", PROVIDER(note), .type = KEY_TEXT, .fallback = "", .help = N_("what a user must know")},

    {"issuer", OAUTH(issuer), .type = KEY_TEXT, .fallback = "", .check = keycheck_https,
     .help = N_("https://ISSUER, which is asked for what is not given here (RFC 8414)")},
    {"authorize", OAUTH(authorize), .type = KEY_TEXT, .fallback = "", .check = keycheck_https,
     .help = N_("where the browser of a person goes; {tenant} stands for the tenant")},
    {"token", OAUTH(token), .type = KEY_TEXT, .fallback = "", .check = keycheck_https,
     .help = N_("where tokens come from")},
    {"device", OAUTH(device), .type = KEY_TEXT, .fallback = "", .check = keycheck_https,
     .help = N_("where a login on another device begins")},
    {"device_grant", OAUTH(device_grant), .type = KEY_TEXT, .fallback = "",
     .check = keycheck_word,
     .help = N_("its grant_type, where the server is older than RFC 8628")},
    {"scope", OAUTH(permission), .type = KEY_TEXT, .fallback = "",
     .help = N_("the permissions that sending mail takes, blanks between")},
    {"machine_scope", OAUTH(machine_permission), .type = KEY_TEXT, .fallback = "",
     .help = N_("the same where no person consents")},
    {"tenant", OAUTH(tenant), .type = KEY_TEXT, .fallback = "", .check = keycheck_tenant,
     .help = N_("what {tenant} is where the account says nothing")},
    {"redirect", OAUTH(redirect), .type = KEY_TEXT, .fallback = "http://127.0.0.1",
     .check = keycheck_redirect,
     .help = N_("where the browser is sent back to; without a port any is taken")},
    {"parameters", OAUTH(parameters), .type = KEY_TEXT, .fallback = "",
     .help = N_("more parameters of the authorization request: a=b&c=d")},
    {"trust_file", OAUTH(trust_file), .type = KEY_PATH, .fallback = "system",
     .help = N_("PEM file of the authorities for its certificate, or system")},
};
/* clang-format on */

const size_t key_count = sizeof key_table / sizeof *key_table;

_Static_assert(sizeof key_table / sizeof *key_table <= KEY_MAX, "a key_set is too small");
