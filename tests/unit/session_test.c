#include "suite.h"

#include "base/memory.h"
#include "base/str.h"
#include "script.h"
#include "smtp/session.h"
#include "delivery/verdict.h"

#define GREETING                                                                                   \
    {                                                                                              \
        NULL, "220 mx ESMTP\r\n", 0, false                                                         \
    }
#define EHLO(tokens)                                                                               \
    {                                                                                              \
        "EHLO me\r\n", "250-mx\r\n" tokens "250 HELP\r\n", 0, false                                \
    }
#define STEP(write, read)                                                                          \
    {                                                                                              \
        write, read, 0, false                                                                      \
    }
#define CLOSE(write, read)                                                                         \
    {                                                                                              \
        write, read, 0, true                                                                       \
    }
#define EARLY(n, write, read)                                                                      \
    {                                                                                              \
        write, read, n, false                                                                      \
    }
#define QUIT                                                                                       \
    {                                                                                              \
        "QUIT\r\n", NULL, 0, false                                                                 \
    }

#define ALL "250-PIPELINING\r\n250-CHUNKING\r\n"
#define PIPE "250-PIPELINING\r\n"
#define MAIL "MAIL FROM:<me@x.org>\r\n"
#define RCPT1 "RCPT TO:<a@y.org>\r\n"
#define RCPT2 "RCPT TO:<b@y.org>\r\n"
#define TEXT "S: x\r\n\r\n.hi\r\n"
#define STUFFED "S: x\r\n\r\n..hi\r\n.\r\n"
#define BDAT "BDAT 13 LAST\r\n" TEXT
#define OK "250 2.0.0 ok\r\n"
#define OK2 OK OK
#define OK3 OK OK OK
#define GO "354 go\r\n"

enum { PASS = -1, STEPS_MAX = 14 };

struct story {
    const char *name;
    struct script_step step[STEPS_MAX];
    int code; /* of the error; PASS: none */
    enum error_scope scope;
    enum error_class class;
    const char *outcomes; /* of a@y.org, b@y.org: Sent, Untried, Refused, Temporary, Account */
    const char *text;     /* in the error's text */
    unsigned flags;
};

enum {
    ONE = 1,        /* recipient */
    NO_BDAT = 2,    /* params.chunking off */
    LMTP = 4,       /* LHLO */
    TLS = 8,        /* STARTTLS is wanted */
    HURT = 16,      /* chunking was hurt */
    USABLE = 32,    /* the session can go on */
    TWICE = 64,     /* call session_send() again */
    EIGHTBIT = 128, /* content.has_8bit */
    DSN = 256,      /* everything is wished for */
    CUT = 512,      /* the last write stays unfinished */
    REFUSED_BDAT = 1024,
    REQUIRE = 2048, /* REQUIRETLS is wanted */
    NULL_SENDER = 4096,
    SPENT = 8192, /* the server's LIMITS end the session */
};

static struct stream *start_tls(void *context, struct stream *inner, int64_t deadline,
                                struct error *err)
{
    (void)context, (void)deadline, (void)err;
    return inner;
}

static void add_recipient(struct envelope *env, const char *address)
{
    assert_non_null(envelope_add(env, address));
}

/* Runs session_hello(), session_login() and session_send() as far as they go. */
static bool run(struct session *session, const struct story *story, struct envelope *env,
                const struct content *content, struct outcome *outcomes, struct error *err)
{
    struct str final = {0};
    bool ok = session_hello(session, err) && session_login(session, err) &&
              session_send(session, &(struct session_mail){env, content, outcomes, &final}, err);
    if (ok && (story->flags & TWICE))
        ok = session_send(session, &(struct session_mail){env, content, outcomes, &final}, err);
    str_clear(&final);
    return ok;
}

static void name_outcomes(const struct outcome *outcomes, size_t n, char *names)
{
    for (size_t i = 0; i < n; i++) {
        const struct outcome *o = &outcomes[i];
        names[i] = o->result == OUTCOME_SENT            ? 'S'
                   : o->result == OUTCOME_UNTRIED       ? 'U'
                   : o->error->scope == ERROR_ACCOUNT   ? 'A'
                   : o->error->class == ERROR_TEMPORARY ? 'T'
                                                        : 'R';
    }
    names[n] = '\0';
}

static void tell(const struct story *story, const struct script *script, bool ok,
                 const struct error *err)
{
    print_message("# %s: %s\n", story->name, ok ? "passed" : err->text);
    if (script->complaint.len)
        print_message("# wrote against the book at %s\n", script->complaint.data);
}

static void play(const struct story *story, size_t piece)
{
    struct script script;
    size_t n = 0;
    while (n < STEPS_MAX && (story->step[n].write || story->step[n].read || story->step[n].end))
        n++;
    script_start(&script, story->step, n);
    script.piece = piece;
    struct session_params params = {.hello = "me",
                                    .lmtp = story->flags & LMTP,
                                    .starttls = story->flags & TLS,
                                    .require_tls = story->flags & REQUIRE,
                                    .start_tls = start_tls,
                                    .chunking = !(story->flags & NO_BDAT),
                                    .timeout = 1000,
                                    .timeout_final = 1000};
    struct envelope env = {0};
    struct outcome outcomes[2] = {{0}, {0}};
    struct content content = {.size = strlen(TEXT), .has_8bit = story->flags & EIGHTBIT};
    str_add(&content.memory, TEXT);
    envelope_set_sender(&env, story->flags & NULL_SENDER ? "" : "me@x.org");
    add_recipient(&env, "a@y.org");
    if (!(story->flags & ONE))
        add_recipient(&env, "b@y.org");
    if (story->flags & DSN) {
        env.rcpt[0].notify = DSN_SUCCESS | DSN_DELAY;
        if (env.n > 1) {
            env.rcpt[1].notify = DSN_NEVER;
            env.rcpt[1].orcpt = memory_copy("rfc822;old+2B@y.org");
        }
        env.dsn_return = DSN_RETURN_HEADERS;
        env.envid = memory_copy("id+1");
    }
    struct session *session = session_new(&script.stream, &params);
    struct error err = {0};
    char names[3];
    bool ok = run(session, story, &env, &content, outcomes, &err);
    if (!ok)
        verdict_judge(&err, NULL);
    verdict_judge_all(outcomes, env.n, NULL);
    tell(story, &script, ok, &err);
    assert_int_equal(session_usable(session), (story->flags & USABLE) != 0);
    assert_int_equal(session_is_spent(session, NULL), (story->flags & SPENT) != 0);
    assert_int_equal(session_chunking_hurt(session), (story->flags & HURT) != 0);
    assert_int_equal(session_bdat_refused(session), (story->flags & REFUSED_BDAT) != 0);
    script.piece = 0; /* QUIT is not waited for: of it only this one write is to be seen */
    session_end(session);
    assert_int_equal(ok, story->code == PASS);
    script.at += story->flags & CUT ? 1 : 0;
    assert_true(script_played(&script));
    if (!ok) {
        assert_int_equal(err.code, story->code);
        assert_int_equal(err.scope, story->scope);
        assert_int_equal(err.class, story->class);
    }
    if (story->text)
        assert_non_null(strstr(err.text, story->text));
    name_outcomes(outcomes, env.n, names);
    if (story->outcomes)
        assert_string_equal(names, story->outcomes);
    outcome_clear(outcomes, 2);
    envelope_clear(&env);
    content_clear(&content);
    script_clear(&script);
}

#define ACCOUNT_NOW ERROR_ACCOUNT, ERROR_TEMPORARY
#define ACCOUNT_FOR_GOOD ERROR_ACCOUNT, ERROR_PERMANENT
#define MESSAGE_NOW ERROR_MESSAGE, ERROR_TEMPORARY
#define MESSAGE_FOR_GOOD ERROR_MESSAGE, ERROR_PERMANENT

/* clang-format off */
static const struct story stories[] = {
    /* the way it should be: as few writes as can be */
    {"content with the envelope", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 RCPT2 BDAT, OK3 OK),
     QUIT}, PASS, 0, 0, "SS", NULL, USABLE},
    {"pipelined DATA", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK3 GO),
     STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "SS", NULL, USABLE},
    {"chunking off", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK3 GO),
     STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "SS", NULL, USABLE | NO_BDAT},
    {"no extension", {GREETING, EHLO(""), STEP(MAIL, OK), STEP(RCPT1, OK), STEP(RCPT2, OK),
     STEP("DATA\r\n", GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "SS", NULL, USABLE},
    {"CHUNKING without PIPELINING", {GREETING, EHLO("250-CHUNKING\r\n"), STEP(MAIL, OK),
     STEP(RCPT1, OK), STEP(BDAT, OK), QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE},
    {"a server that knows only HELO", {GREETING, STEP("EHLO me\r\n", "502 what\r\n"),
     STEP("HELO me\r\n", "250 hi\r\n"), STEP(MAIL, OK), STEP(RCPT1, OK), STEP("DATA\r\n", GO),
     STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE},
    {"words in any case, whole only", {GREETING,
     EHLO("250-pipelining\r\n250-XCHUNKING\r\n250-SIZEX 1\r\n250-8BITMIMES\r\n"), STEP(MAIL
     RCPT1 "DATA\r\n", OK2 GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE |
     EIGHTBIT},
    {"a greeting of many lines", {STEP(NULL, "220-a\r\n220-b\r\n220 c\r\n"), EHLO(ALL),
     STEP(MAIL RCPT1 BDAT, OK3), QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE},
    {"parameters", {GREETING, EHLO(ALL
     "250-SIZE 1000\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n"),
     STEP("MAIL FROM:<me@x.org> SIZE=13 BODY=8BITMIME RET=HDRS ENVID=id+2B1\r\n"
     "RCPT TO:<a@y.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@y.org\r\n" BDAT, OK3), QUIT}, PASS,
     0, 0, "S", NULL, USABLE | ONE | EIGHTBIT | DSN},
    {"parameters of each recipient", {GREETING, EHLO(ALL "250-DSN\r\n"),
     STEP("MAIL FROM:<me@x.org> RET=HDRS ENVID=id+2B1\r\n"
     "RCPT TO:<a@y.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@y.org\r\n"
     "RCPT TO:<b@y.org> NOTIFY=NEVER ORCPT=rfc822;old+2B@y.org\r\n" BDAT, OK3 OK), QUIT}, PASS,
     0, 0, "SS", NULL, USABLE | DSN},
    {"wishes that are not offered are left out", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT,
     OK3), QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE | EIGHTBIT | DSN},
    {"REQUIRETLS", {GREETING, EHLO(PIPE "250-STARTTLS\r\n"), STEP("STARTTLS\r\n", "220 go\r\n"),
     EHLO(ALL "250-REQUIRETLS\r\n"),
     STEP("MAIL FROM:<me@x.org> REQUIRETLS\r\n" RCPT1 BDAT, OK3), QUIT}, PASS, 0, 0, "S", NULL,
     USABLE | ONE | TLS | REQUIRE},
    {"REQUIRETLS that nobody asks for", {GREETING, EHLO(PIPE "250-STARTTLS\r\n"),
     STEP("STARTTLS\r\n", "220 go\r\n"), EHLO(ALL "250-REQUIRETLS\r\n"), STEP(MAIL RCPT1 BDAT,
     OK3), QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE | TLS},
    {"REQUIRETLS before TLS alone", {GREETING, EHLO("250-STARTTLS\r\n250-REQUIRETLS\r\n"),
     STEP("STARTTLS\r\n", "220 go\r\n"), EHLO(ALL), QUIT}, EX_UNAVAILABLE, MESSAGE_FOR_GOOD, "UU",
     "REQUIRETLS support required", USABLE | TLS | REQUIRE},
    {"REQUIRETLS without TLS", {GREETING, EHLO(ALL "250-REQUIRETLS\r\n"), QUIT}, EX_UNAVAILABLE,
     MESSAGE_FOR_GOOD, "U", "REQUIRETLS support required", USABLE | ONE | REQUIRE},
    {"a report goes without REQUIRETLS where it must", {GREETING, EHLO("250-STARTTLS\r\n"),
     STEP("STARTTLS\r\n", "220 go\r\n"), EHLO(ALL), STEP("MAIL FROM:<>\r\n" RCPT1 BDAT, OK3),
     QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE | TLS | REQUIRE | NULL_SENDER},
    {"and with it where it can", {GREETING, EHLO("250-STARTTLS\r\n"),
     STEP("STARTTLS\r\n", "220 go\r\n"), EHLO(ALL "250-requiretls\r\n"),
     STEP("MAIL FROM:<> REQUIRETLS\r\n" RCPT1 BDAT, OK3), QUIT}, PASS, 0, 0, "S", NULL,
     USABLE | ONE | TLS | REQUIRE | NULL_SENDER},
    {"LMTP: a reply for each", {GREETING, STEP("LHLO me\r\n", "250-mx\r\n250 PIPELINING\r\n"),
     STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK3 GO), STEP(STUFFED, OK "550 5.2.1 no\r\n"), QUIT},
     PASS, 0, 0, "SR", NULL, USABLE | LMTP},
    {"LMTP: lost between the replies", {GREETING, STEP("LHLO me\r\n",
     "250-mx\r\n250 PIPELINING\r\n"), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK3 GO), CLOSE(STUFFED,
     OK)}, EX_TEMPFAIL, ACCOUNT_NOW, "SU", "closed", LMTP},
    {"LMTP: replies for the accepted only", {GREETING, STEP("LHLO me\r\n",
     "250-mx\r\n250 PIPELINING\r\n"), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK "550 5.1.1 no\r\n" OK
     GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "RS", NULL, USABLE | LMTP},
    {"success, and then rubbish", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK3 "what\r\n")},
     PASS, 0, 0, "S", NULL, ONE},
    {"success, and then the end", {GREETING, EHLO(ALL), CLOSE(MAIL RCPT1 BDAT, OK3), QUIT},
     PASS, 0, 0, "S", NULL, ONE | USABLE},

    /* the beginning */
    {"closed before the greeting", {CLOSE(NULL, NULL)}, EX_TEMPFAIL, ACCOUNT_NOW, "UU",
     "greeting: the server closed", 0},
    {"silence", {STEP(NULL, "")}, EX_TEMPFAIL, ACCOUNT_NOW, "UU", "took too long", 0},
    {"half a greeting", {CLOSE(NULL, "220 mx")}, EX_TEMPFAIL, ACCOUNT_NOW, "UU", "closed", 0},
    {"421 as greeting", {CLOSE(NULL, "421 4.3.2 busy\r\n")}, EX_TEMPFAIL, ACCOUNT_NOW, "UU",
     "ends the session", 0},
    {"554 as greeting", {STEP(NULL, "554 go away\r\n")}, EX_TEMPFAIL, ACCOUNT_NOW, "UU",
     "does not serve", 0},
    {"not SMTP at all", {STEP(NULL, "SSH-2.0-OpenSSH\r\n")}, EX_PROTOCOL, ACCOUNT_NOW, "UU",
     "malformed", 0},
    {"talk behind the greeting", {STEP(NULL, "220 mx\r\n250 ok\r\n")}, EX_PROTOCOL, ACCOUNT_NOW,
     "UU", "without being asked", 0},
    {"EHLO refused for now", {GREETING, STEP("EHLO me\r\n", "450 later\r\n")}, EX_TEMPFAIL,
     ACCOUNT_NOW, "UU", NULL, 0},
    {"EHLO and HELO refused", {GREETING, STEP("EHLO me\r\n", "550 no\r\n"), STEP("HELO me\r\n",
     "550 no\r\n")}, EX_TEMPFAIL, ACCOUNT_NOW, "UU", NULL, 0},

    /* STARTTLS */
    {"what was said before TLS is forgotten", {GREETING, EHLO("250-STARTTLS\r\n" ALL),
     STEP("STARTTLS\r\n", "220 go\r\n"), EHLO(""), STEP(MAIL, OK), STEP(RCPT1, OK),
     STEP("DATA\r\n", GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "S", NULL, USABLE | ONE | TLS},
    {"STARTTLS is missing", {GREETING, EHLO(ALL), QUIT}, EX_UNAVAILABLE, ACCOUNT_NOW, "UU",
     "STARTTLS", TLS | USABLE},
    {"STARTTLS is refused", {GREETING, EHLO("250-STARTTLS\r\n"), STEP("STARTTLS\r\n",
     "454 4.7.0 no\r\n"), QUIT}, EX_TEMPFAIL, ACCOUNT_NOW, "UU", "STARTTLS", TLS | USABLE},
    {"STARTTLS is refused for good", {GREETING, EHLO("250-STARTTLS\r\n"), STEP("STARTTLS\r\n",
     "502 no\r\n"), QUIT}, EX_UNAVAILABLE, ACCOUNT_NOW, "UU", "STARTTLS", TLS | USABLE},
    {"something injected behind the 220", {GREETING, EHLO("250-STARTTLS\r\n"),
     STEP("STARTTLS\r\n", "220 go\r\n250 ok\r\n")}, EX_PROTOCOL, ACCOUNT_NOW, "UU",
     "without being asked", TLS},

    /* refusals */
    {"MAIL refused, chunk in flight: nothing more is sent", {GREETING, EHLO(ALL), STEP(MAIL
     RCPT1 RCPT2 BDAT, "550 5.7.1 no\r\n")}, EX_DATAERR, MESSAGE_FOR_GOOD, "UU", "sender",
     HURT},
    {"no recipient accepted, chunk in flight", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 RCPT2 BDAT,
     OK "550 5.1.1 no\r\n450 wait\r\n")}, PASS, 0, 0, "RT", NULL, HURT},
    {"MAIL refused for now, DATA", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n",
     "451 4.3.0 no\r\n503 no\r\n503 no\r\n"), QUIT}, EX_TEMPFAIL, MESSAGE_NOW, "U", "sender",
     ONE | USABLE},
    {"MAIL refused, stepwise", {GREETING, EHLO(""), STEP(MAIL, "553 no\r\n"), QUIT}, EX_DATAERR,
     MESSAGE_FOR_GOOD, "UU", "sender", USABLE},
    {"MAIL wants a login", {GREETING, EHLO(""), STEP(MAIL, "530 5.7.0 login\r\n"), QUIT},
     EX_NOPERM, ACCOUNT_FOR_GOOD, "UU", "sender", USABLE},
    {"one of two refused", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK
     "550 5.1.1 no\r\n" OK GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "RS", NULL, USABLE},
    {"a recipient wants a login", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK OK
     "530 login\r\n" GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "SA", NULL, USABLE},
    {"none accepted, and yet 354: the lone dot", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1
     "DATA\r\n", OK "550 no\r\n" GO), STEP(".\r\n", OK), QUIT}, PASS, 0, 0, "R", NULL, USABLE |
     ONE},
    {"MAIL refused, and yet 354: the lone dot", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1
     "DATA\r\n", "550 no\r\n" OK GO), STEP(".\r\n", "554 no\r\n"), QUIT}, EX_DATAERR,
     MESSAGE_FOR_GOOD, "U", NULL, USABLE | ONE},
    {"too many recipients: the rest stays untried", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 RCPT2
     "DATA\r\n", OK2 "452 4.5.3 many\r\n" GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "SU", NULL,
     USABLE},
    {"and goes with the next", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK2
     "452 many\r\n" GO), STEP(STUFFED, OK), STEP(MAIL RCPT2 "DATA\r\n", OK2 GO), STEP(STUFFED,
     OK), QUIT}, PASS, 0, 0, "SS", NULL, USABLE | TWICE},

    /* RFC 9422 */
    {"one recipient for each transaction", {GREETING, EHLO(ALL "250-LIMITS RCPTMAX=1\r\n"),
     STEP(MAIL RCPT1 BDAT, OK3), STEP(MAIL RCPT2 BDAT, OK3), QUIT}, PASS, 0, 0, "SS",
     NULL, USABLE | TWICE},
    {"one transaction for each session", {GREETING, EHLO(ALL "250-limits  mailmax=1  X=y\r\n"),
     STEP(MAIL RCPT1 RCPT2 BDAT, OK3 OK), QUIT}, PASS, 0, 0, "SS", NULL, USABLE | SPENT},
    {"MAIL that was refused counts", {GREETING, EHLO(PIPE "250-LIMITS MAILMAX=1\r\n"),
     STEP(MAIL RCPT1 "DATA\r\n", "550 no\r\n503 mail\r\n503 rcpt\r\n"), QUIT}, EX_DATAERR,
     MESSAGE_FOR_GOOD, "U", NULL, USABLE | SPENT | ONE},
    {"limits that are none", {GREETING, EHLO(ALL
     "250-LIMITS MAILMAX=0 MAILMAX=01 MAILMAX=1000000 MAILMAX=-1 MAILMAX= RCPTMAX RCPTMAX=x1\r\n"),
     STEP(MAIL RCPT1 RCPT2 BDAT, OK3 OK), QUIT}, PASS, 0, 0, "SS", NULL, USABLE},
    {"limits before TLS are forgotten", {GREETING, EHLO("250-STARTTLS\r\n250-LIMITS MAILMAX=1\r\n"),
     STEP("STARTTLS\r\n", "220 go\r\n"), EHLO(ALL), STEP(MAIL RCPT1 RCPT2 BDAT, OK3 OK), QUIT},
     PASS, 0, 0, "SS", NULL, USABLE | TLS},
    {"452 to all is a refusal for now", {GREETING, EHLO(""), STEP(MAIL, OK), STEP(RCPT1,
     "452 4.5.3 many\r\n"), QUIT}, PASS, 0, 0, "T", NULL, USABLE | ONE},
    {"452 for a full mailbox is about that one", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 RCPT2
     "DATA\r\n", OK2 "452 4.2.2 full\r\n" GO), STEP(STUFFED, OK), QUIT}, PASS, 0, 0, "ST", NULL,
     USABLE},
    {"DATA refused", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 RCPT2 "DATA\r\n", OK "550 no\r\n" OK
     "554 no\r\n"), QUIT}, EX_UNAVAILABLE, MESSAGE_FOR_GOOD, "RU", "DATA", USABLE},
    {"content refused", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK2 "554 5.6.0 no\r\n"),
     QUIT}, EX_UNAVAILABLE, MESSAGE_FOR_GOOD, "U", "message", ONE | USABLE},
    {"BDAT not known", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK2 "500 5.5.2 what?\r\n500 \r\n")},
     EX_UNAVAILABLE, MESSAGE_FOR_GOOD, "U", "message", ONE | REFUSED_BDAT},
    {"BDAT not known here", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK2 "503 no\r\n")},
     EX_UNAVAILABLE, MESSAGE_FOR_GOOD, "U", "message", ONE | REFUSED_BDAT},
    {"BDAT not known, said before the chunk's end", {GREETING, EHLO(ALL), EARLY(60, MAIL RCPT1 BDAT,
     OK2 "502 5.5.1 no\r\n")}, EX_PROTOCOL, ACCOUNT_NOW, "U", "before it had all",
     ONE | CUT | REFUSED_BDAT},
    {"DATA not known", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n", OK2 "502 no\r\n"), QUIT},
     EX_UNAVAILABLE, MESSAGE_FOR_GOOD, "U", "DATA", ONE | USABLE},
    {"content refused for now", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK2
     "451 4.3.0 no\r\n"), QUIT}, EX_TEMPFAIL, MESSAGE_NOW, "U", "message", ONE | USABLE},
    {"too big, known before MAIL", {GREETING, EHLO("250-SIZE 12\r\n"), QUIT}, EX_UNAVAILABLE,
     MESSAGE_FOR_GOOD, "UU", "12", USABLE},

    /* ends */
    {"421 to a recipient", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n", OK
     "421 bye\r\n")}, EX_TEMPFAIL, ACCOUNT_NOW, "U", "RCPT TO", ONE},
    {"421 to the content", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK2
     "421 4.3.0 bye\r\n")}, EX_TEMPFAIL, ACCOUNT_NOW, "U", NULL, ONE},
    {"lost before the dot", {GREETING, EHLO(PIPE), CLOSE(MAIL RCPT1 "DATA\r\n", OK2 GO)},
     EX_TEMPFAIL, ACCOUNT_NOW, "U", "closed", ONE},
    {"lost after the dot", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n", OK2 GO),
     CLOSE(STUFFED, NULL)}, EX_TEMPFAIL, ACCOUNT_NOW, "U", "message: the server closed", ONE},
    {"half a 250 after the dot", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n", OK2 GO),
     CLOSE(STUFFED, "250 2.0.0 o")}, EX_TEMPFAIL, ACCOUNT_NOW, "U", "closed", ONE},
    {"a 250 with more to come, and the end", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n",
     OK2 GO), CLOSE(STUFFED, "250-ok\r\n")}, EX_TEMPFAIL, ACCOUNT_NOW, "U", "closed", ONE},
    {"no reply after the dot", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n", OK2 GO),
     STEP(STUFFED, NULL)}, EX_TEMPFAIL, ACCOUNT_NOW, "U", "too long", ONE},
    {"421 while nothing was asked", {GREETING, STEP("EHLO me\r\n", "250 mx\r\n421 idle\r\n")},
     EX_TEMPFAIL, ACCOUNT_NOW, "U", "ended the session", ONE},

    /* nonsense */
    {"354 together with the 250 it should wait with", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1
     "DATA\r\n", OK2 GO OK)}, EX_PROTOCOL, ACCOUNT_NOW, "U", "without being asked", ONE},
    {"all replies before the last command has ended", {GREETING, EHLO(PIPE), EARLY(45, MAIL RCPT1
     "DATA\r\n", OK2 GO)}, EX_PROTOCOL, ACCOUNT_NOW, "U", "DATA: the server answered before it had all",
     ONE | CUT},
    {"a reply to the content before its end", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n",
     OK2 GO), EARLY(14, STUFFED, OK)}, EX_PROTOCOL, ACCOUNT_NOW, "U", "before it had all", ONE | CUT},
    {"a refusal before its end", {GREETING, EHLO(PIPE), STEP(MAIL RCPT1 "DATA\r\n", OK2 GO),
     EARLY(3, STUFFED, "552 no\r\n")}, EX_PROTOCOL, ACCOUNT_NOW, "U", "before it had all", ONE | CUT},
    {"all replies before the chunk has ended", {GREETING, EHLO(ALL), EARLY(60, MAIL RCPT1 BDAT,
     OK3)}, EX_PROTOCOL, ACCOUNT_NOW, "U", "before it had all", ONE | CUT},
    {"a mixed reply to the content", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK2
     "554-no\r\n250 ok\r\n")}, EX_PROTOCOL, ACCOUNT_NOW, "U", "malformed", ONE},
    {"one reply too many", {GREETING, EHLO(""), STEP(MAIL, OK2)}, EX_PROTOCOL, ACCOUNT_NOW,
     "UU", "without being asked", 0},
    {"354 to MAIL", {GREETING, EHLO(""), STEP(MAIL, GO)}, EX_PROTOCOL, ACCOUNT_NOW, "UU",
     "no sense", 0},
    {"250 to DATA", {GREETING, EHLO(""), STEP(MAIL, OK), STEP(RCPT1, OK), STEP("DATA\r\n", OK)},
     EX_PROTOCOL, ACCOUNT_NOW, "U", "no sense", ONE},
    {"354 to the content", {GREETING, EHLO(ALL), STEP(MAIL RCPT1 BDAT, OK2 GO)}, EX_PROTOCOL,
     ACCOUNT_NOW, "U", "no sense", ONE},
};
/* clang-format on */

static void every_story_ends_as_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        play(&stories[i], 0);
}

/* The same when the network takes an octet at a time. */
static void partial_writes_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        play(&stories[i], 1);
}

struct mail {
    struct envelope env;
    struct content content;
    struct outcome *outcomes;
};

static void make_mail(struct mail *mail, size_t recipients, size_t size)
{
    *mail = (struct mail){.outcomes = NULL};
    envelope_set_sender(&mail->env, "me@x.org");
    for (size_t i = 0; i < recipients; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "r%zu@y.org", i);
        add_recipient(&mail->env, address);
    }
    mail->outcomes = memory_new((recipients + 1) * sizeof *mail->outcomes);
    while (mail->content.memory.len < size)
        str_add(&mail->content.memory, ".a line that begins with a dot\r\n");
    mail->content.size = mail->content.memory.len;
}

static void clear_mail(struct mail *mail)
{
    outcome_clear(mail->outcomes, mail->env.n);
    free(mail->outcomes);
    envelope_clear(&mail->env);
    content_clear(&mail->content);
}

static void stuff(struct str *out, const struct str *content)
{
    for (size_t i = 0; i < content->len; i++) {
        if (content->data[i] == '.' && (i == 0 || content->data[i - 1] == '\n'))
            str_add_char(out, '.');
        str_add_char(out, content->data[i]);
    }
    str_add(out, ".\r\n");
}

static void large_content_follows_the_envelope(void **state)
{
    (void)state;
    static const char *const offers[] = {"250-mx\r\n250 PIPELINING\r\n",
                                         "250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n"};
    for (int bdat = 0; bdat < 2; bdat++)
        for (size_t piece = 999; piece < 200000; piece = piece * 20 + 7) {
            struct mail mail;
            struct str text = {0};
            make_mail(&mail, 1, 300 * 1000);
            if (bdat) {
                str_addf(&text, "BDAT %zu LAST\r\n", mail.content.memory.len);
                str_add_n(&text, mail.content.memory.data, mail.content.memory.len);
            } else {
                stuff(&text, &mail.content.memory);
            }
            const struct script_step steps[] = {
                GREETING,
                STEP("EHLO me\r\n", offers[bdat]),
                STEP(bdat ? "MAIL FROM:<me@x.org>\r\nRCPT TO:<r0@y.org>\r\n"
                          : "MAIL FROM:<me@x.org>\r\nRCPT TO:<r0@y.org>\r\nDATA\r\n",
                     bdat ? OK2 : OK2 GO),
                STEP(text.data, OK),
                QUIT,
            };
            struct script script;
            script_start(&script, steps, sizeof steps / sizeof *steps);
            script.piece = piece;
            struct session_params params = {.hello = "me", .chunking = true, .timeout = 1000};
            struct session *session = session_new(&script.stream, &params);
            struct error err = {0};
            assert_true(session_hello(session, &err));
            assert_true(session_send(
                session, &(struct session_mail){&mail.env, &mail.content, mail.outcomes, NULL},
                &err));
            assert_int_equal(mail.outcomes[0].result, OUTCOME_SENT);
            script.piece = 0;
            session_end(session);
            assert_true(script_played(&script));
            script_clear(&script);
            str_clear(&text);
            clear_mail(&mail);
        }
}

/* The server stops taking until it is read: whoever only writes waits for ever. */
static void ten_thousand_recipients_are_read_while_written(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    struct mail mail;
    struct str text = {0}, replies = {0};
    make_mail(&mail, MANY, 10);
    str_add(&text, "MAIL FROM:<me@x.org>\r\n");
    for (int i = 0; i < MANY; i++)
        str_addf(&text, "RCPT TO:<r%d@y.org>\r\n", i);
    str_add(&text, "DATA\r\n");
    for (int i = 0; i < MANY; i++)
        str_add(&replies, "250 2.1.5 ok\r\n");
    const struct script_step steps[] = {
        GREETING,
        EHLO(PIPE),
        EARLY(text.len / 2, text.data, replies.data), /* all but two come now */
        STEP("x", NULL),
    };
    struct script script;
    script_start(&script, steps, sizeof steps / sizeof *steps);
    struct session_params params = {.hello = "me", .timeout = 1000};
    struct session *session = session_new(&script.stream, &params);
    struct error err = {0};
    assert_true(session_hello(session, &err));
    assert_false(session_send(
        session, &(struct session_mail){&mail.env, &mail.content, mail.outcomes, NULL}, &err));
    assert_string_equal(err.text, "RCPT TO: the server took too long");
    assert_int_equal(script.at, 3); /* all of it was written */
    assert_int_equal(script.complaint.len, 0);
    session_end(session);
    script_clear(&script);
    str_clear(&text);
    str_clear(&replies);
    clear_mail(&mail);
}

static void addresses_that_need_more_than_ascii(void **state)
{
    (void)state;
    static const struct {
        const char *offer, *sender, *recipient, *mail, *rcpt;
        int code; /* of an error; PASS; -2: the recipient is refused */
    } rows[] = {
        {"250 SMTPUTF8\r\n", "me@x.org",
         "a@b\xc3\xbc"
         "cher.de",
         "MAIL FROM:<me@x.org>\r\n", "RCPT TO:<a@xn--bcher-kva.de>\r\n", PASS},
        {"250 HELP\r\n",
         "me@b\xc3\xbc"
         "cher.de",
         "a@y.org", "MAIL FROM:<me@xn--bcher-kva.de>\r\n", "RCPT TO:<a@y.org>\r\n", PASS},
        {"250 SMTPUTF8\r\n", "me@x.org", "\xc3\xa4@y.org", "MAIL FROM:<me@x.org> SMTPUTF8\r\n",
         "RCPT TO:<\xc3\xa4@y.org>\r\n", PASS},
        {"250 HELP\r\n", "\xc3\xa4@x.org", "a@y.org", NULL, NULL, EX_UNAVAILABLE},
        {"250 HELP\r\n", "me@x.org", "\xc3\xa4@y.org", NULL, NULL, -2},
        {"250 HELP\r\n", "me@x.org> SIZE=1 X=<", "a@y.org", NULL, NULL, EX_DATAERR},
        {"250 HELP\r\n", "me@x.org", "a b@y.org", NULL, NULL, -2},
        {"250 HELP\r\n", "", "\"a b\"@y.org", "MAIL FROM:<>\r\n", "RCPT TO:<\"a b\"@y.org>\r\n",
         PASS},
        {"250 HELP\r\n", "me@x.org\r\nRSET", "a@y.org", NULL, NULL, EX_DATAERR},
        {"250 HELP\r\n", "me@x.org", "a@y.org\r\nDATA", NULL, NULL, -2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str ehlo = {0};
        str_addf(&ehlo, "250-mx\r\n%s", rows[i].offer);
        const struct script_step all[] = {GREETING,
                                          STEP("EHLO me\r\n", ehlo.data),
                                          STEP(rows[i].mail, OK),
                                          STEP(rows[i].rcpt, OK),
                                          STEP("DATA\r\n", GO),
                                          STEP(".\r\n", OK),
                                          QUIT};
        const struct script_step none[] = {GREETING, STEP("EHLO me\r\n", ehlo.data), QUIT};
        struct script script;
        script_start(&script, rows[i].mail ? all : none, rows[i].mail ? 7 : 3);
        struct mail mail;
        make_mail(&mail, 0, 0);
        envelope_set_sender(&mail.env, rows[i].sender);
        add_recipient(&mail.env, rows[i].recipient);
        struct session_params params = {.hello = "me", .timeout = 1000};
        struct session *session = session_new(&script.stream, &params);
        struct error err = {0};
        print_message("# %s to %zu\n", rows[i].sender[0] == 'm' ? "me" : "other", i);
        assert_true(session_hello(session, &err));
        bool ok = session_send(
            session, &(struct session_mail){&mail.env, &mail.content, mail.outcomes, NULL}, &err);
        session_end(session);
        if (script.complaint.len)
            print_message("# wrote %s\n", script.complaint.data);
        assert_true(script_played(&script));
        assert_int_equal(ok, rows[i].code < 0);
        if (!ok)
            assert_int_equal(err.code, rows[i].code);
        assert_int_equal(mail.outcomes[0].result, rows[i].code == PASS ? OUTCOME_SENT
                                                  : rows[i].code == -2 ? OUTCOME_REFUSED
                                                                       : OUTCOME_UNTRIED);
        script_clear(&script);
        str_clear(&ehlo);
        clear_mail(&mail);
    }
}

static void after_a_refusal_the_next_begins_with_a_reset(void **state)
{
    (void)state;
    const struct script_step steps[] = {
        GREETING,
        EHLO(PIPE),
        STEP(MAIL RCPT1 "DATA\r\n", OK2 "451 no\r\n"),
        STEP("RSET\r\n" MAIL RCPT1 "DATA\r\n", OK3 GO),
        STEP(".\r\n", "250-2.0.0 thanks\r\n250 2.0.0 queued as 7\r\n"),
        QUIT,
    };
    struct script script;
    script_start(&script, steps, sizeof steps / sizeof *steps);
    struct mail mail;
    struct str final = {0};
    make_mail(&mail, 0, 0);
    add_recipient(&mail.env, "a@y.org");
    struct session_params params = {.hello = "me", .timeout = 1000};
    struct session *session = session_new(&script.stream, &params);
    struct error err = {0};
    assert_true(session_hello(session, &err));
    assert_false(session_send(
        session, &(struct session_mail){&mail.env, &mail.content, mail.outcomes, &final}, &err));
    assert_string_equal(err.reply, "451 no");
    assert_true(session_send(
        session, &(struct session_mail){&mail.env, &mail.content, mail.outcomes, &final}, &err));
    assert_string_equal(final.data, "250-2.0.0 thanks\n250 2.0.0 queued as 7");
    session_end(session);
    assert_true(script_played(&script));
    script_clear(&script);
    str_clear(&final);
    clear_mail(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_story_ends_as_told),
        cmocka_unit_test(partial_writes_change_nothing),
        cmocka_unit_test(large_content_follows_the_envelope),
        cmocka_unit_test(ten_thousand_recipients_are_read_while_written),
        cmocka_unit_test(addresses_that_need_more_than_ascii),
        cmocka_unit_test(after_a_refusal_the_next_begins_with_a_reset),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
