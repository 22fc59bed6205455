/* The SMTP server against clients that are played by the book, good ones and bad ones. */
#include "suite.h"

#include "script.h"
#include "smtpd/server.h"

#define HELLO "220 test ESMTP\r\n"
#define OFFERS                                                                                     \
    "250-test\r\n250-PIPELINING\r\n250-SIZE 100\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"               \
    "250-CHUNKING\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"
#define OFFERS_AND(what)                                                                           \
    "250-test\r\n250-PIPELINING\r\n250-SIZE 100\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"               \
    "250-CHUNKING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250 " what "\r\n"
#define LOGGED_IN "235 2.7.0 Authentication successful\r\n"
#define WRONG "535 5.7.8 Authentication credentials invalid\r\n"
#define SEQUENCE "503 5.5.1 Bad sequence of commands\r\n"
#define GO "250 2.1.0 Sender OK\r\n"
#define GO_ON "250 2.1.5 Recipient OK\r\n"
#define TAKEN "250 2.0.0 taken\r\n"
#define START "354 Start mail input; end with <CRLF>.<CRLF>\r\n"
#define BYE "221 2.0.0 Service closing transmission channel\r\n"
#define ENVELOPE "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"

enum { STEPS_MAX = 10 };

struct book {
    const char *name;
    bool lenient, refuses, ends_well;
    bool offers_tls, secured, passwords, needs_login;
    const char *certificate; /* the user that it names */
    const char *taken; /* what the handler saw: "sender|recipient,...|content" of each message */
    struct script_step step[STEPS_MAX];
};

struct taker {
    struct str seen;
    size_t room; /* octets for which the handler reads at a time; 0: a block */
    bool refuses;
    const char *certificate;
};

/* What TLS would be goes on in clear. */
static struct stream *secure(void *context, struct stream *plain, int64_t deadline)
{
    (void)deadline;
    str_add(&((struct taker *)context)->seen, "TLS;");
    return plain;
}

static bool certified(void *context, const char *as)
{
    const struct taker *taker = context;
    return taker->certificate && (!*as || strcmp(as, taker->certificate) == 0);
}

static bool login(void *context, const char *user, const char *password)
{
    str_addf(&((struct taker *)context)->seen, "%s/%s;", user, password);
    return strcmp(user, "u") == 0 && strcmp(password, "p") == 0;
}

static bool serve(struct stream *stream, const struct server_params *params)
{
    struct stream *now = stream;
    bool ok = server_run(&now, params);
    assert_ptr_equal(now, stream);
    return ok;
}

static bool begin(void *context, struct server_reply *reply)
{
    (void)context, (void)reply;
    return true;
}

static bool parameter(void *context, const char *name, const char *value)
{
    struct taker *taker = context;
    if (strcmp(name, "XNAME") != 0)
        return false;
    str_addf(&taker->seen, "%s: ", value);
    return true;
}

static void add_recipient(struct str *out, const char *separator, const struct recipient *rcpt)
{
    str_addf(out, "%s%s", separator, rcpt->address);
    if (rcpt->notify || rcpt->orcpt)
        str_addf(out, "(%u %s)", rcpt->notify, rcpt->orcpt ? rcpt->orcpt : "");
}

/* The next octets of MESSAGE, none at its end. */
static bool read_some(const struct taker *taker, const struct server_message *message,
                      const char **data, size_t *len, struct error *err)
{
    static char buffer[64];
    struct source *source = message->source;
    if (taker->room == 0)
        return source_block(source, data, len, err);
    assert_true(taker->room <= sizeof buffer);
    ssize_t n = source->read(source->context, buffer, taker->room, err);
    *data = buffer;
    *len = n > 0 ? (size_t)n : 0;
    return n >= 0;
}

static void take(void *context, const struct server_message *message, struct server_reply *reply)
{
    struct taker *taker = context;
    struct str text = {0};
    struct error err;
    const char *data;
    size_t len = 0;
    bool ok = !taker->refuses;
    while (ok && (ok = read_some(taker, message, &data, &len, &err)) && len > 0)
        str_add_n(&text, data, len);
    if (ok) {
        str_addf(&taker->seen, "%s|", message->envelope->sender ? message->envelope->sender : "");
        for (size_t i = 0; i < message->envelope->n; i++)
            add_recipient(&taker->seen, i ? "," : "", &message->envelope->rcpt[i]);
        str_addf(&taker->seen, "|%s;", str_text(&text));
        server_reply_set(reply, 250, "2.0.0", "taken");
    } else {
        server_reply_set(reply, 550, "5.0.0", "not taken");
    }
    str_clear(&text);
}

static const struct server_handler handler = {.secure = secure,
                                              .certified = certified,
                                              .login = login,
                                              .begin = begin,
                                              .parameter = parameter,
                                              .message = take};

static const struct book books[] = {
    {"a message by DATA, dots undone", .ends_well = true, .taken = "a@b|c@d|x\r\n.y\r\n;",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE, 0, 0},
              {GO GO_ON, "DATA\r\n", 0, 0},
              {START, "x\r\n..y\r\n.\r\n", 0, 0},
              {TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"no path, and what one looks like", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, "MAIL <a@b>\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d\r\nQUIT\r\n", 0, 0},
              {"501 5.5.4 Syntax: MAIL FROM:<user@example.com>\r\n" GO
               "501 5.5.4 Syntax: RCPT TO:<user@example.com>\r\n" BYE,
               NULL, 0, 0}}},
    {"an empty message", .ends_well = true, .taken = "|c@d|;",
     .step = {{HELLO, "HELO me\r\n", 0, 0},
              {"250 test\r\n", "MAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n", 0, 0},
              {GO GO_ON START, ".\r\n", 0, 0},
              {TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"a blank after the colon", .ends_well = true, .taken = "a@b|c@d|x\r\n;",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, "MAIL FROM: <a@b>\r\nRCPT TO: <c@d>\r\nDATA\r\n", 0, 0},
              {GO GO_ON START, "x\r\n.\r\n", 0, 0},
              {TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"only CR LF dot CR LF ends", .ends_well = true, .taken = "a@b|c@d|x\n.\ny\r\n\r.\rz\r\n;",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE "DATA\r\n", 0, 0},
              {GO GO_ON START, "x\n.\ny\r\n\r.\rz\r\n.\r\n", 0, 0},
              {TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"a dot and a CR are no end yet", .ends_well = true, .taken = "a@b|c@d|\r\r\n\rx\r\n;",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE "DATA\r\n", 0, 0},
              {GO GO_ON START, ".\r\r\n.\rx\r\n.\r\n", 0, 0},
              {TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"standard input may speak early and in bare LF", .lenient = true, .ends_well = true,
     .taken = "a@b|c@d|x\n.y\n;",
     .step = {{NULL, "EHLO\nMAIL FROM: <a@b>\nRCPT TO:c@d\nDATA\nx\n..y\n.\nQUIT\n", 0, 0},
              {HELLO, NULL, 0, 0},
              {OFFERS GO GO_ON START TAKEN BYE, NULL, 0, 0}}},
    {"chunks, and commands behind them", .ends_well = true, .taken = "a@b|c@d|xyz;e@f|g@h|1;",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS,
               ENVELOPE "BDAT 2\r\nxyBDAT 0\r\nBDAT 1 LAST\r\nzMAIL FROM:<e@f>\r\n"
                        "RCPT TO:<g@h>\r\nBDAT 1 LAST\r\n1QUIT\r\n",
               0, 0},
              {GO GO_ON "250 2.0.0 2 octets received\r\n250 2.0.0 2 octets received\r\n" TAKEN GO
                   GO_ON TAKEN BYE,
               NULL, 0, 0}}},
    {"chunks given up", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE "BDAT 2\r\nxyRSET\r\nQUIT\r\n", 0, 0},
              {GO GO_ON "250 2.0.0 2 octets received\r\n250 2.0.0 OK\r\n" BYE, NULL, 0, 0}}},
    {"the end of the connection inside a message", .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE "DATA\r\n", 0, 0},
              {GO GO_ON START, "x\r\n", 0, true}}},
    {"a chunk for nobody is passed over", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, "MAIL FROM:<a b@c>\r\nBDAT 6 LAST\r\nQUIT\r\nQUIT\r\n", 0, 0},
              {"553 5.1.7 Bad sender mailbox address syntax\r\n503 5.5.1 Bad sequence of commands: "
               "MAIL comes first\r\n" BYE,
               NULL, 0, 0}}},
    {"a handler that refuses without reading", .refuses = true, .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE "DATA\r\n", 0, 0},
              {GO GO_ON START, "x\r\n.\r\nQUIT\r\n", 0, 0},
              {"550 5.0.0 not taken\r\n" BYE, NULL, 0, 0}}},
    {"more than the limit, announced", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, "MAIL FROM:<a@b> SIZE=101\r\n", 0, 0},
              {"552 5.3.4 Message size exceeds the limit of 100 octets\r\n", "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"more than the limit, not announced", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE "DATA\r\n", 0, 0},
              {GO GO_ON START,
               "0123456789012345678901234567890123456789012345678901234567890123456789"
               "0123456789012345678901234567890123456789\r\n.\r\n",
               0, 0},
              {"550 5.0.0 not taken\r\n", "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"parameters", .ends_well = true, .taken = "A B: a@b|c@d(10 rfc822;c@d),e@d,f@d(0 x;y+2B)|x;",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS,
               "MAIL FROM:<a@b> BODY=8BITMIME RET=HDRS ENVID=a+2Bb XNAME=A+20B\r\n"
               "RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@d\r\nRCPT TO:<e@d>\r\n"
               "RCPT TO:<f@d> ORCPT=x;y+2B\r\nRCPT TO:<e@d> NOTIFY=NEVER\r\nBDAT 1 LAST\r\nx",
               0, 0},
              {GO GO_ON GO_ON GO_ON GO_ON TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"parameters that make no sense", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, "MAIL FROM:<a@b> BODY=NONE\r\n", 0, 0},
              {"501 5.5.4 Invalid value of parameter BODY\r\n", "MAIL FROM:<a@b> XNAME=+0A\r\n", 0,
               0},
              {"555 5.5.4 Parameter not recognized or not implemented\r\n",
               "MAIL FROM:<a@b>\r\nRCPT TO:<c@d> NOTIFY=NEVER,DELAY\r\n"
               "RCPT TO:<c@d> ORCPT=c@d\r\nRCPT TO:<c@d> ORCPT=rfc822;c+0Ad\r\nDATA\r\n",
               0, 0},
              {GO "501 5.5.4 Invalid value of parameter NOTIFY\r\n"
                  "501 5.5.4 Invalid value of parameter ORCPT\r\n"
                  "501 5.5.4 Invalid value of parameter ORCPT\r\n"
                  "554 5.5.1 No valid recipients\r\n",
               "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"an address that needs SMTPUTF8 must say so", .ends_well = true, .taken = "\xc3\xb6@b|c@d|;",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, "MAIL FROM:<\xc3\xb6@b>\r\n", 0, 0},
              {"553 5.1.7 Bad sender mailbox address syntax\r\n",
               "MAIL FROM:<\xc3\xb6@b> SMTPUTF8\r\nRCPT TO:<c@d>\r\nBDAT 0 LAST\r\n", 0, 0},
              {GO GO_ON TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"commands in the wrong order", .ends_well = true, .taken = "",
     .step = {{HELLO, "MAIL FROM:<a@b>\r\n", 0, 0},
              {"503 5.5.1 Bad sequence of commands: EHLO comes first\r\n", "DATA\r\n", 0, 0},
              {"503 5.5.1 Bad sequence of commands: MAIL comes first\r\n", "EHLO me\r\n", 0, 0},
              {OFFERS, "RCPT TO:<c@d>\r\nVRFY c\r\nNOOP\r\nTURN\r\nHELP\r\nQUIT\r\n", 0, 0},
              {"503 5.5.1 Bad sequence of commands: MAIL comes first\r\n252 2.0.0 Cannot VRFY "
               "user, but will accept message and attempt delivery\r\n250 2.0.0 OK\r\n"
               "500 5.5.1 Command unrecognized\r\n"
               "214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT\r\n" BYE,
               NULL, 0, 0}}},
    {"who speaks before the greeting is hung up on", .taken = "",
     .step = {{NULL, "EHLO me\r\n", 0, 0},
              {"554 5.5.0 Command pipelining not allowed here\r\n", NULL, 0, 0}}},
    {"who sends a message before 354 is hung up on", .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, ENVELOPE "DATA\r\nx\r\n.\r\n", 0, 0},
              {GO GO_ON "554 5.5.0 Command pipelining not allowed here\r\n", NULL, 0, 0}}},
    {"a browser is hung up on", .taken = "", .step = {{HELLO, "POST / HTTP/1.1\r\n", 0, 0}}},
    {"a line that ends in LF is hung up on", .taken = "",
     .step = {{HELLO, "EHLO me\n", 0, 0},
              {"554 5.5.2 Bare LF: lines end in CR LF\r\n", NULL, 0, 0}}},
    {"a control character is refused", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO a\rb\r\n", 0, 0},
              {"500 5.5.2 Syntax error: control character in command\r\n", "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"silence is waited for once", .taken = "",
     .step = {{HELLO, NULL, 0, 0},
              {"421 4.4.2 Timeout exceeded, closing transmission channel\r\n", NULL, 0, 0}}},
    {"TLS, then a login, then a message", .ends_well = true, .taken = "TLS;u/p;a@b|c@d|x\r\n;",
     .offers_tls = true, .passwords = true, .needs_login = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("STARTTLS"), "STARTTLS\r\n", 0, 0},
              {"220 2.0.0 Ready to start TLS\r\n", "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH PLAIN LOGIN"), "AUTH PLAIN AHUAcA==\r\n", 0, 0},
              {LOGGED_IN, ENVELOPE "DATA\r\n", 0, 0},
              {GO GO_ON START, "x\r\n.\r\n", 0, 0},
              {TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"before TLS nothing is taken", .ends_well = true, .taken = "", .offers_tls = true,
     .passwords = true, .needs_login = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("STARTTLS"), "MAIL FROM:<a@b>\r\n", 0, 0},
              {"530 5.7.0 Must issue a STARTTLS command first\r\n", "AUTH PLAIN AHUAcA==\r\n", 0,
               0},
              {"538 5.7.11 Encryption required for requested authentication mechanism\r\n",
               "STARTTLS now\r\n", 0, 0},
              {"501 5.5.4 Syntax: STARTTLS\r\n", "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"what is injected behind STARTTLS ends the session", .taken = "", .offers_tls = true,
     .passwords = true, .needs_login = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("STARTTLS"), "STARTTLS\r\nEHLO evil\r\n", 0, 0},
              {"554 5.5.0 Command pipelining not allowed here\r\n", NULL, 0, 0}}},
    {"what was said before TLS is forgotten", .ends_well = true, .taken = "TLS;",
     .offers_tls = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("STARTTLS"), "STARTTLS\r\n", 0, 0},
              {"220 2.0.0 Ready to start TLS\r\n", "MAIL FROM:<a@b>\r\n", 0, 0},
              {"503 5.5.1 Bad sequence of commands: EHLO comes first\r\n", "STARTTLS\r\n", 0, 0},
              {SEQUENCE, "EHLO me\r\n", 0, 0},
              {OFFERS, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"TLS is not begun inside a transaction", .ends_well = true, .taken = "", .offers_tls = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("STARTTLS"), "MAIL FROM:<a@b>\r\n", 0, 0},
              {GO, "STARTTLS\r\n", 0, 0},
              {SEQUENCE, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"PLAIN is asked for, and LOGIN is refused afterwards", .ends_well = true, .taken = "u/p;",
     .secured = true, .passwords = true, .needs_login = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH PLAIN LOGIN"), "MAIL FROM:<a@b>\r\nauth plain\r\n", 0, 0},
              {"530 5.7.0 Authentication required\r\n334 \r\n", "dQB1AHA=\r\n", 0, 0},
              {LOGGED_IN, "AUTH LOGIN\r\n", 0, 0},
              {SEQUENCE, "EHLO me\r\n", 0, 0},
              {OFFERS, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"LOGIN, and one with the user in front", .ends_well = true, .taken = "u/x;u/p;",
     .secured = true, .passwords = true, .needs_login = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH PLAIN LOGIN"), "AUTH LOGIN\r\n", 0, 0},
              {"334 VXNlcm5hbWU6\r\n", "dQ==\r\n", 0, 0},
              {"334 UGFzc3dvcmQ6\r\n", "eA==\r\n", 0, 0},
              {WRONG, "AUTH LOGIN dQ==\r\n", 0, 0},
              {"334 UGFzc3dvcmQ6\r\n", "cA==\r\n", 0, 0},
              {LOGGED_IN, "MAIL FROM:<a@b>\r\n", 0, 0},
              {GO, NULL, 0, true}}},
    {"a login is given up, or is no login", .ends_well = true, .taken = "", .secured = true,
     .passwords = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH PLAIN LOGIN"), "AUTH PLAIN\r\n", 0, 0},
              {"334 \r\n", "*\r\n", 0, 0},
              {"501 5.7.0 Authentication cancelled\r\n", "AUTH PLAIN !\r\n", 0, 0},
              {"501 5.5.2 Cannot decode the initial response as base64\r\n", "AUTH LOGIN =\r\n", 0,
               0},
              {"334 UGFzc3dvcmQ6\r\n", "AA==\r\n", 0, 0},
              {"501 5.5.2 The answer has a NUL\r\n", "AUTH PLAIN dQ==\r\n", 0, 0},
              {"501 5.5.2 The answer is no PLAIN message\r\n", "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"a login is the last of a group", .taken = "", .secured = true, .passwords = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH PLAIN LOGIN"), "AUTH\r\nAUTH CRAM-MD5\r\nAUTH EXTERNAL =\r\n", 0,
               0},
              {"501 5.5.4 Syntax: AUTH mechanism\r\n"
               "554 5.5.0 Command pipelining not allowed here\r\n",
               NULL, 0, 0}}},
    {"a mechanism that is not offered", .ends_well = true, .taken = "", .secured = true,
     .passwords = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH PLAIN LOGIN"), "AUTH EXTERNAL =\r\n", 0, 0},
              {"504 5.5.4 Unrecognized authentication type\r\n", "AUTH PLAINER AHUAcA==\r\n", 0, 0},
              {"504 5.5.4 Unrecognized authentication type\r\n", "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"where no login is offered there is none", .ends_well = true, .taken = "",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS, "AUTH PLAIN AHUAcA==\r\n", 0, 0},
              {"502 5.5.1 Command not implemented\r\n", "STARTTLS\r\n", 0, 0},
              {"502 5.5.1 Command not implemented\r\n", "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"the third login that fails is the last", .taken = "u/x;u/x;", .secured = true,
     .passwords = true, .needs_login = true,
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH PLAIN LOGIN"), "AUTH PLAIN AHUAeA==\r\n", 0, 0},
              {WRONG, "AUTH PLAIN AHUAeA==\r\n", 0, 0},
              {WRONG, "AUTH PLAIN eAB1AHA=\r\n", 0, 0},
              {WRONG "421 4.7.0 Too many failed logins\r\n", NULL, 0, 0}}},
    {"a certificate is a login", .ends_well = true, .taken = "a@b|c@d|x\r\n;", .secured = true,
     .needs_login = true, .certificate = "host7",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH EXTERNAL"), ENVELOPE "DATA\r\n", 0, 0},
              {GO GO_ON START, "x\r\n.\r\n", 0, 0},
              {TAKEN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"EXTERNAL, as somebody else and as itself", .ends_well = true, .taken = "", .secured = true,
     .needs_login = true, .certificate = "host7",
     .step = {{HELLO, "EHLO me\r\n", 0, 0},
              {OFFERS_AND("AUTH EXTERNAL"), "AUTH EXTERNAL aG9zdDg=\r\n", 0, 0},
              {WRONG, "AUTH EXTERNAL =\r\n", 0, 0},
              {LOGGED_IN, "QUIT\r\n", 0, 0},
              {BYE, NULL, 0, 0}}},
    {"the end of the connection between messages", .ends_well = true, .taken = "",
     .step = {{HELLO, NULL, 0, true}}},
};

static size_t steps_of(const struct book *book)
{
    size_t n = STEPS_MAX;
    while (n > 0 && !book->step[n - 1].read && !book->step[n - 1].write && !book->step[n - 1].end)
        n--;
    return n;
}

static void play(const struct book *book, size_t room)
{
    struct script script;
    struct taker taker = {.room = room, .refuses = book->refuses, .certificate = book->certificate};
    const struct server_params params = {
        .name = "test",
        .extension = "",
        .size_max = 100,
        .timeout = 1000,
        .offers_tls = book->offers_tls,
        .secured = book->secured,
        .passwords = book->passwords,
        .needs_login = book->needs_login,
        .login_total = 1000,
        .lenient = book->lenient,
        .handler = &handler,
        .context = &taker,
    };
    script_start(&script, book->step, steps_of(book));
    bool ok = serve(&script.stream, &params);
    stream_close(&script.stream);
    if (!script_played(&script))
        fail_msg("%s: step %zu: %s", book->name, script.at, str_text(&script.complaint));
    if (ok != book->ends_well || strcmp(str_text(&taker.seen), book->taken) != 0)
        fail_msg("%s: took \"%s\", ended %s", book->name, str_text(&taker.seen),
                 ok ? "well" : "badly");
    script_clear(&script);
    str_clear(&taker.seen);
}

static void clients_by_the_book(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof books / sizeof *books; i++)
        for (size_t room = 0; room <= 3; room++)
            play(&books[i], room);
}

/* Whatever a relay may take for the end of a message, a client that ends its lines in CRLF means
 * only one thing by it: one message arrives, and what follows in it is no command. */
static void nothing_but_the_dot_line_ends_content(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n.\n",   "\n.\r\n", "\r\n.\n", "\r.\r",     "\r.\r\n",
                                       "\r\n.\r", "\r.\n",   "\n.\r",   "\n\r.\r\n", "\r\r\n.\n"};
    for (size_t i = 0; i < 8 * sizeof ends / sizeof *ends; i++) {
        struct str content = {0}, chunk = {0};
        str_addf(&content, "a%sMAIL FROM:<x@y>\r\n", ends[i / 8]);
        str_addf(&chunk, ENVELOPE "BDAT %zu LAST\r\n%s", content.len, str_text(&content));
        str_add(&content, ".\r\n");
        bool chunked = i % 2;
        const struct script_step data[] = {{HELLO, "EHLO me\r\n", 0, 0},
                                           {OFFERS, ENVELOPE "DATA\r\n", 0, 0},
                                           {GO GO_ON START, str_text(&content), 0, 0},
                                           {TAKEN, "QUIT\r\n", 0, 0},
                                           {BYE, NULL, 0, 0}};
        const struct script_step bdat[] = {{HELLO, "EHLO me\r\n", 0, 0},
                                           {OFFERS, str_text(&chunk), 0, 0},
                                           {GO GO_ON TAKEN, "QUIT\r\n", 0, 0},
                                           {BYE, NULL, 0, 0}};
        struct script script;
        struct taker taker = {.room = i % 8 / 4};
        const struct server_params params = {.name = "test",
                                             .extension = "",
                                             .size_max = 100,
                                             .timeout = 1000,
                                             .lenient = i % 4 < 2,
                                             .handler = &handler,
                                             .context = &taker};
        script_start(&script, chunked ? bdat : data, chunked ? 4 : 5);
        assert_true(serve(&script.stream, &params));
        stream_close(&script.stream);
        if (!script_played(&script))
            fail_msg("end %zu: step %zu: %s", i / 8, script.at, str_text(&script.complaint));
        const char *seen = str_text(&taker.seen);
        assert_true(strncmp(seen, "a@b|c@d|a", 9) == 0 && strstr(seen, "MAIL FROM:<x@y>\r\n;"));
        assert_ptr_equal(strchr(seen, ';') + 1, seen + strlen(seen));
        script_clear(&script);
        str_clear(&taker.seen);
        str_clear(&content);
        str_clear(&chunk);
    }
}

/* A client that repeats itself for ever, and what it was told. */
struct nagger {
    struct stream stream;
    const char *unit;
    size_t given;
    struct str heard;
};

static ssize_t nagger_read(struct stream *s, void *buffer, size_t len, struct error *err)
{
    struct nagger *nagger = (struct nagger *)s;
    size_t n = 0;
    (void)err;
    for (size_t unit = strlen(nagger->unit); n + unit <= len; n += unit)
        memcpy((char *)buffer + n, nagger->unit, unit);
    nagger->given += n;
    return (ssize_t)n;
}

static ssize_t nagger_write(struct stream *s, const void *data, size_t len, struct error *err)
{
    (void)err;
    str_add_n(&((struct nagger *)s)->heard, data, len);
    return (ssize_t)len;
}

static int nagger_wait(struct stream *s, int want, int64_t deadline, struct error *err)
{
    (void)s, (void)deadline, (void)err;
    return want;
}

static const struct stream_ops nagger_ops = {
    .read = nagger_read, .write = nagger_write, .wait = nagger_wait};

/* UNIT again and again: the session must end by itself, soon, with LAST_WORDS. */
static void nag(const char *unit, const char *last_words)
{
    struct nagger nagger = {.stream = {&nagger_ops}, .unit = unit};
    struct taker taker = {0};
    const struct server_params params = {.name = "test",
                                         .extension = "",
                                         .size_max = 100,
                                         .lenient = true,
                                         .handler = &handler,
                                         .context = &taker};
    assert_false(serve(&nagger.stream, &params));
    if (!strstr(str_text(&nagger.heard), last_words))
        fail_msg("%s for ever: %s", unit, str_text(&nagger.heard));
    assert_true(nagger.given < 8 * 1024 * 1024);
    str_clear(&nagger.heard);
    str_clear(&taker.seen);
}

static void limits_hold(void **state)
{
    (void)state;
    nag("FOO\r\n", "421 4.7.0 Too many errors or commands without mail");
    nag("NOOP\r\n", "421 4.7.0 Too many errors or commands without mail");
    nag("EHLO me\r\nMAIL FROM:<a@b>\r\nRSET\r\n",
        "421 4.7.0 Too many errors or commands without mail");
    nag("x", "220 test ESMTP\r\n"); /* a line that does not end */
    nag("EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", "354");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_by_the_book),
        cmocka_unit_test(nothing_but_the_dot_line_ends_content),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
