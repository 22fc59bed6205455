#include "suite.h"

#include "base/memory.h"
#include "base/str.h"
#include "script.h"
#include "smtp/session.h"
#include "smtp/sessionstate.h"
#include "delivery/verdict.h"

/* The ordinary transaction with which each connection begins: the content waits. */
#define MAIL "MAIL FROM:<me@x.org>\r\n"
#define RCPT "RCPT TO:<a@y.org>\r\n"
#define RCPT2 "RCPT TO:<b@y.org>\r\n"
#define TEXT "S: x\r\n\r\n.hi\r\n"
#define BDAT "BDAT 13 LAST\r\n" TEXT
#define ONE "RSET\r\n" MAIL RCPT BDAT
#define TWO "RSET\r\n" MAIL RCPT RCPT2 BDAT
#define OK "250 2.0.0 ok\r\n"
#define OK2 OK OK
#define OK4 OK2 OK2
#define NO "550 5.1.1 no\r\n"
#define NO_CONTENT "554 5.5.1 no valid recipients\r\n"
#define BEHIND "503 5.5.1 not behind a content\r\n"
#define BEHIND4 BEHIND BEHIND BEHIND BEHIND
#define WHAT "500 5.5.2 what?\r\n"
#define PIPE "250-PIPELINING\r\n"
#define ENV "RSET\r\n" MAIL RCPT "DATA\r\n"
#define ENV2 "RSET\r\n" MAIL RCPT RCPT2 "DATA\r\n"
#define STUFFED "S: x\r\n\r\n..hi\r\n.\r\n"
#define GO "354 go\r\n"

enum { STEPS_MAX = 12, MAILS_MAX = SESSION_WINDOW_MAX + 4 };

struct story {
    const char *name;
    const char *offer;
    const char *proof;   /* what the server says to the first transaction's RCPT; NULL: 250 */
    const char *content; /* NULL: TEXT */
    struct script_step step[STEPS_MAX];
    size_t mails;         /* pushed before the first pull */
    size_t recipients;    /* of each */
    const char *ends;     /* for each mail: E ended, F failed, U untried */
    const char *outcomes; /* of each recipient of each mail */
    int code;             /* of the first failure */
    unsigned flags;
};

enum {
    HURT = 1,
    USABLE = 2,
    NO_ROOM = 4,  /* nothing can be pushed */
    NOT_THIS = 8, /* pushing fails, and nothing happens */
    NO_BDAT = 16, /* params.chunking off */
    CUT = 32,     /* the last write stays unfinished */
    REFUSED_BDAT = 64,
    REFUSED_STREAMING = 128,
};

#define ALL "250-PIPELINING\r\n250-CHUNKING\r\n"
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
#define QUIT STEP("QUIT\r\n", NULL)

/* clang-format off */
static const struct story stories[] = {
    /* the way it should be */
    {"three in one write, three results", ALL, NULL, NULL,
     {STEP(ONE ONE ONE, OK4 OK4 OK4), QUIT}, 3, 1, "EEE", "SSS", 0, USABLE},
    {"two recipients, one refused: nothing stops", ALL, NULL, NULL,
     {STEP(TWO TWO, OK2 NO OK2 OK2 OK OK2), QUIT}, 2, 2, "EE", "RSSS", 0, USABLE},
    {"too many recipients: the rest is put off", ALL, NULL, NULL,
     {STEP(TWO, OK2 OK "452 4.5.3 many\r\n" OK), QUIT}, 1, 2, "E", "SU", 0, USABLE},

    /* by DATA, the next envelope with each content */
    {"two by DATA", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO), STEP(STUFFED ENV, OK4 GO),
     STEP(STUFFED, OK), QUIT}, 2, 1, "EE", "SS", 0, USABLE},
    {"with chunking off", ALL, NULL, NULL, {STEP(ENV, OK2 OK GO), STEP(STUFFED ENV, OK4 GO),
     STEP(STUFFED, OK), QUIT}, 2, 1, "EE", "SS", 0, USABLE | NO_BDAT},
    {"one alone", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO), STEP(STUFFED, OK), QUIT}, 1, 1, "E", "S",
     0, USABLE},
    {"one of two recipients refused", PIPE, NULL, NULL, {STEP(ENV2, OK2 NO OK GO),
     STEP(STUFFED ENV2, OK4 OK GO), STEP(STUFFED, OK), QUIT}, 2, 2, "EE", "RSSS", 0, USABLE},
    {"nobody served, DATA refused", PIPE, NULL, NULL, {STEP(ENV, OK2 NO NO_CONTENT),
     STEP(ENV, OK2 OK GO), STEP(STUFFED, OK), QUIT}, 2, 1, "EE", "RS", 0, USABLE},
    {"nobody served, and 354: a dot", PIPE, NULL, NULL, {STEP(ENV, OK2 NO GO),
     STEP(".\r\n" ENV, NO_CONTENT OK2 OK GO), STEP(STUFFED, OK), QUIT}, 2, 1, "EE", "RS", 0, USABLE},
    {"nobody served, 354, the last", PIPE, NULL, NULL, {STEP(ENV, OK2 NO GO),
     STEP(".\r\n", NO_CONTENT), QUIT}, 1, 1, "E", "R", 0, USABLE},
    {"MAIL refused, and 354: a dot", PIPE, NULL, NULL, {STEP(ENV, OK NO NO_CONTENT GO),
     STEP(".\r\n" ENV, NO_CONTENT OK2 OK GO), STEP(STUFFED, OK), QUIT}, 2, 1, "FE", "US",
     EX_DATAERR, USABLE},
    {"DATA refused", PIPE, NULL, NULL, {STEP(ENV, OK2 OK "451 4.3.0 later\r\n"),
     STEP(ENV, OK2 OK GO), STEP(STUFFED, OK), QUIT}, 2, 1, "FE", "US", EX_TEMPFAIL, USABLE},
    {"content refused: the next is served", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO),
     STEP(STUFFED ENV, "554 5.6.0 no\r\n" OK2 OK GO), STEP(STUFFED, OK), QUIT}, 2, 1, "FE", "US",
     EX_UNAVAILABLE, USABLE},
    {"the end behind a 250", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO), CLOSE(STUFFED ENV, OK)}, 2, 1,
     "EU", "SU", 0, 0},
    {"the end before a 250", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO), CLOSE(STUFFED ENV, NULL)}, 2,
     1, "FU", "UU", EX_TEMPFAIL, 0},
    {"the end before the content", PIPE, NULL, NULL, {CLOSE(ENV, OK2 OK)}, 2, 1, "UU", "UU", 0, 0},
    {"421 to the envelope", PIPE, NULL, NULL, {STEP(ENV, OK2 "421 bye\r\n")}, 2, 1, "UU", "UU", 0, 0},
    {"421 to the content", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO), STEP(STUFFED ENV, "421 bye\r\n")},
     2, 1, "FU", "UU", EX_TEMPFAIL, 0},
    {"a reply before the dot", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO), EARLY(5, STUFFED ENV, OK)},
     2, 1, "FU", "UU", EX_PROTOCOL, CUT},
    {"a reply too many", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO OK)}, 2, 1, "FU", "UU", EX_PROTOCOL,
     0},
    {"250 to DATA", PIPE, NULL, NULL, {STEP(ENV, OK4)}, 2, 1, "FU", "UU", EX_PROTOCOL, 0},

    /* the server takes nothing behind a content that it has not answered */
    {"refused behind a content", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO),
     STEP(STUFFED ENV, OK BEHIND4)}, 2, 1, "EU", "SU", 0, REFUSED_STREAMING},
    {"refused behind a content that is refused", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO),
     STEP(STUFFED ENV, "554 5.6.0 no\r\n" BEHIND4)}, 2, 1, "FU", "UU", EX_UNAVAILABLE,
     REFUSED_STREAMING},
    {"no answer behind a content", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO), STEP(STUFFED ENV, OK)},
     2, 1, "EU", "SU", 0, REFUSED_STREAMING},
    {"refused behind a chunk", ALL, NULL, NULL, {STEP(ONE ONE ONE, OK4 BEHIND4 BEHIND4)}, 3, 1,
     "EUU", "SUU", 0, REFUSED_STREAMING},
    {"no answer behind a chunk: nothing is known", ALL, NULL, NULL, {STEP(ONE ONE, OK4)}, 2, 1, "EF",
     "SU", EX_TEMPFAIL, REFUSED_STREAMING},
    {"only RSET refused behind a chunk: nothing is known", ALL, NULL, NULL,
     {STEP(ONE ONE, OK4 BEHIND OK2 OK)}, 2, 1, "EF", "SU", EX_PROTOCOL, 0},
    {"only RSET refused behind a content", PIPE, NULL, NULL, {STEP(ENV, OK2 OK GO),
     STEP(STUFFED ENV, OK BEHIND OK2 GO)}, 2, 1, "EF", "SU", EX_PROTOCOL, 0},

    /* when it is not done */
    {"not before a transaction was accepted completely, by DATA", PIPE, "450 4.2.1 later\r\n", NULL,
     {QUIT}, 1, 1, "", "", 0, USABLE | NO_ROOM},
    {"not before a transaction was accepted completely", ALL, "450 4.2.1 later\r\n", NULL, {QUIT},
     1, 1, "", "", 0, USABLE | NO_ROOM},
    {"not without PIPELINING", "250-CHUNKING\r\n", NULL, NULL, {QUIT}, 1, 1, "", "", 0,
     USABLE | NO_ROOM},
    {"not with many recipients", ALL, NULL, NULL, {QUIT}, 1, SESSION_WINDOW_RECIPIENTS + 1, "", "",
     0, USABLE | NO_ROOM},
    {"not beyond MAILMAX", ALL "250-LIMITS MAILMAX=1\r\n", NULL, NULL, {QUIT}, 1, 1, "", "", 0,
     USABLE | NO_ROOM},
    {"not beyond RCPTMAX", ALL "250-LIMITS RCPTMAX=1\r\n", NULL, NULL, {QUIT}, 1, 2, "", "", 0,
     USABLE | NO_ROOM},
    {"not with content that begins like a command", ALL, NULL, "Noop: x\r\n\r\n", {QUIT}, 1, 1, "",
     "", 0, USABLE | NOT_THIS},
    {"nor with content that is hardly there", ALL, NULL, "\r\n", {QUIT}, 1, 1, "", "", 0,
     USABLE | NOT_THIS},

    /* one is refused as a whole, and the server is sane: all results count */
    {"no recipient accepted, first of three", ALL, NULL, NULL,
     {STEP(ONE ONE ONE, OK2 NO NO_CONTENT OK4 OK4)}, 3, 1, "EEE", "RSS", 0, 0},
    {"MAIL refused, second of three", ALL, NULL, NULL,
     {STEP(ONE ONE ONE, OK4 OK "550 5.7.1 no\r\n503 mail first\r\n" NO_CONTENT OK4)}, 3, 1, "EFE",
     "SUS", EX_DATAERR, 0},
    {"MAIL refused, thrice", ALL, NULL, NULL,
     {STEP(ONE ONE ONE, OK "550 no\r\n503 mail\r\n503 rcpt\r\n" OK "550 no\r\n503 mail\r\n503 rcpt\r\n"
     OK "550 no\r\n503 mail\r\n503 rcpt\r\n")}, 3, 1, "FFF", "UUU", EX_DATAERR, 0},
    {"each of three refused", ALL, NULL, NULL,
     {STEP(ONE ONE ONE, OK2 NO NO_CONTENT OK2 NO NO_CONTENT OK2 NO NO_CONTENT)}, 3, 1, "EEE", "RRR",
     0, 0},
    {"content refused: the rest is looked at closely, and counts", ALL, NULL, NULL,
     {STEP(ONE ONE, OK2 OK "554 5.6.0 no\r\n" OK4)}, 2, 1, "FE", "US", EX_UNAVAILABLE, 0},
    {"refused, the last", ALL, NULL, NULL, {STEP(ONE ONE, OK4 OK2 NO NO_CONTENT)}, 2, 1, "EE", "SR",
     0, 0},

    /* the server runs the chunk as commands */
    {"it answers the header", ALL, NULL, NULL,
     {STEP(ONE ONE ONE, OK2 NO NO_CONTENT WHAT WHAT WHAT OK4 OK4)}, 3, 1, "EUU", "RUU", 0, HURT},
    {"it answers the header after refusing the content", ALL, NULL, NULL,
     {STEP(ONE ONE, OK2 OK "552 5.3.4 big\r\n" WHAT WHAT WHAT OK4)}, 2, 1, "FU", "UU",
     EX_UNAVAILABLE, HURT},
    {"it does not know BDAT any more", ALL, NULL, NULL,
     {STEP(ONE ONE, OK2 OK WHAT WHAT WHAT WHAT OK4)}, 2, 1, "UU", "UU", 0, REFUSED_BDAT},
    {"it accepts what nobody wants", ALL, NULL, NULL, {STEP(ONE ONE, OK2 NO OK OK4)}, 2, 1, "EU",
     "RU", 0, HURT},
    {"it accepts a recipient without MAIL", ALL, NULL, NULL,
     {STEP(ONE ONE, OK "503 nested\r\n" OK2 OK4)}, 2, 1, "FU", "UU", EX_DATAERR, 0},

    /* in doubt, at the first reply that does not fit */
    {"a recipient refused, then 250 to its content", ALL, NULL, NULL,
     {STEP(ONE ONE ONE, OK2 NO NO_CONTENT OK2 NO OK OK4)}, 3, 1, "EUU", "RUU", 0, HURT},
    {"354 to MAIL", ALL, NULL, NULL,
     {STEP(ONE ONE, OK2 NO NO_CONTENT OK "354 go\r\n")}, 2, 1, "EU", "RU", 0, 0},
    {"421 in doubt", ALL, NULL, NULL, {STEP(ONE ONE, OK2 NO NO_CONTENT "421 bye\r\n")}, 2, 1, "EU",
     "RU", 0, 0},
    {"the end in doubt", ALL, NULL, NULL, {CLOSE(ONE ONE, OK2 NO NO_CONTENT OK2)}, 2, 1, "EU", "RU",
     0, 0},
    {"silence in doubt", ALL, NULL, NULL, {STEP(ONE ONE, OK2 NO NO_CONTENT OK2)}, 2, 1, "EU", "RU",
     0, 0},
    {"silence where the unwanted content should be refused", ALL, NULL, NULL,
     {STEP(ONE ONE, OK2 NO)}, 2, 1, "EU", "RU", 0, 0},

    /* without doubt: account trouble for the one that it came to */
    {"421 to the second", ALL, NULL, NULL, {STEP(ONE ONE ONE, OK4 OK2 "421 4.7.0 slow\r\n")}, 3, 1,
     "EFU", "SUU", EX_TEMPFAIL, 0},
    {"the end in the second", ALL, NULL, NULL, {CLOSE(ONE ONE ONE, OK4 OK2 OK)}, 3, 1, "EFU", "SUU",
     EX_TEMPFAIL, 0},
    {"silence in the second", ALL, NULL, NULL, {STEP(ONE ONE ONE, OK4 OK2 OK)}, 3, 1, "EFU", "SUU",
     EX_TEMPFAIL, 0},
    {"RSET refused", ALL, NULL, NULL, {STEP(ONE ONE, "500 what\r\n" OK4 OK4)}, 2, 1, "FU", "UU",
     EX_PROTOCOL, 0},
    {"a mixed reply", ALL, NULL, NULL, {STEP(ONE ONE, OK2 OK "250-a\r\n550 b\r\n" OK4)}, 2, 1, "FU",
     "UU", EX_PROTOCOL, 0},
    {"a reply before the content has left", ALL, NULL, NULL,
     {EARLY(sizeof ONE + sizeof ONE - 4, ONE ONE, OK4 OK4)}, 2, 1, "EF", "SU", EX_PROTOCOL, CUT},
    {"all replies before anything has left", ALL, NULL, NULL, {EARLY(1, ONE ONE, OK4 OK4)}, 2, 1,
     "FU", "UU", EX_PROTOCOL, CUT},
    {"one reply too many: it has gone, and nothing follows", ALL, NULL, NULL,
     {STEP(ONE, OK4 OK)}, 1, 1, "E", "S", 0, 0},
    {"refused while the rest is leaving: that stays unsaid", ALL, NULL, NULL,
     {EARLY(sizeof ONE + 5, ONE ONE, OK2 NO NO_CONTENT)}, 2, 1, "EU", "RU", 0, CUT},
};
/* clang-format on */

struct mail {
    struct envelope env;
    struct content content;
    struct outcome *outcomes;
    struct session_mail mail;
};

static void make_mail(struct mail *mail, size_t recipients, const char *text)
{
    *mail = (struct mail){.content = {.size = strlen(text)}};
    str_add(&mail->content.memory, text);
    envelope_set_sender(&mail->env, "me@x.org");
    for (size_t i = 0; i < recipients; i++) {
        char address[] = "a@y.org";
        address[0] = (char)('a' + i);
        assert_true(envelope_add(&mail->env, address));
    }
    mail->outcomes = memory_new(recipients * sizeof *mail->outcomes);
    mail->mail = (struct session_mail){
        .env = &mail->env, .content = &mail->content, .outcomes = mail->outcomes};
}

static void clear_mail(struct mail *mail)
{
    outcome_clear(mail->outcomes, mail->env.n);
    free(mail->outcomes);
    envelope_clear(&mail->env);
    content_clear(&mail->content);
}

static char letter(const struct outcome *o)
{
    return o->result == OUTCOME_SENT            ? 'S'
           : o->result == OUTCOME_UNTRIED       ? 'U'
           : o->error->class == ERROR_TEMPORARY ? 'T'
                                                : 'R';
}

/* The first transaction, and a session that has seen it. */
static struct session *begin(struct script *script, const struct session_params *params)
{
    struct error err = {0};
    struct mail first;
    make_mail(&first, 1, TEXT);
    struct session *session = session_new(&script->stream, params);
    assert_true(session_hello(session, &err));
    assert_int_equal(session_room(session, &first.mail), SESSION_ROOM_NEVER);
    assert_true(session_send(
        session, &(struct session_mail){&first.env, &first.content, first.outcomes, NULL}, &err));
    clear_mail(&first);
    return session;
}

static size_t begin_script(struct script_step *steps, const struct story *story, struct str *ehlo)
{
    bool bdat = strstr(story->offer, "CHUNKING") && !(story->flags & NO_BDAT);
    bool pipelining = strstr(story->offer, "PIPELINING");
    const char *rcpt = story->proof ? story->proof : OK;
    size_t n = 0;
    str_addf(ehlo, "250-mx\r\n%s250 HELP\r\n", story->offer);
    steps[n++] = (struct script_step)STEP(NULL, "220 mx\r\n");
    steps[n++] = (struct script_step)STEP("EHLO me\r\n", ehlo->data);
    if (pipelining && bdat) {
        steps[n++] =
            (struct script_step)STEP(MAIL RCPT, story->proof ? OK "450 4.2.1 later\r\n" : OK2);
    } else if (pipelining) {
        steps[n++] = (struct script_step)STEP(MAIL RCPT "DATA\r\n",
                                              story->proof ? OK "450 4.2.1 later\r\n" NO_CONTENT
                                                           : OK2 GO);
    } else {
        steps[n++] = (struct script_step)STEP(MAIL, OK);
        steps[n++] = (struct script_step)STEP(RCPT, rcpt);
    }
    if (!story->proof)
        steps[n++] = (struct script_step)STEP(bdat ? BDAT : STUFFED, OK);
    return n;
}

static void push_and_pull(struct session *session, const struct story *story, struct mail *mail)
{
    struct error err = {0};
    struct str ends = {0}, outcomes = {0};
    for (size_t i = 0; i < story->mails; i++) {
        bool never = story->flags & NO_ROOM;
        assert_int_equal(session_room(session, &mail[i].mail),
                         never ? SESSION_ROOM_NEVER : SESSION_ROOM);
        if (!never)
            assert_int_equal(session_push(session, &mail[i].mail), !(story->flags & NOT_THIS));
    }
    int code = 0;
    for (size_t i = 0; session->in_flight > 0; i++) {
        static const char letters[] = {
            [SESSION_ENDED] = 'E', [SESSION_FAILED] = 'F', [SESSION_UNTRIED] = 'U'};
        enum session_pulled pulled = session_pull(session, &err);
        str_add_char(&ends, letters[pulled]);
        if (pulled == SESSION_FAILED && code == 0) {
            verdict_judge(&err, NULL);
            code = err.code;
        }
        verdict_judge_all(mail[i].outcomes, mail[i].env.n, NULL);
        for (size_t r = 0; r < mail[i].env.n; r++)
            str_add_char(&outcomes, letter(&mail[i].outcomes[r]));
    }
    assert_string_equal(str_text(&ends), story->ends);
    assert_string_equal(str_text(&outcomes), story->outcomes);
    assert_int_equal(code, story->code);
    str_clear(&ends);
    str_clear(&outcomes);
}

static void play(const struct story *story, size_t piece)
{
    struct script script;
    struct script_step steps[STEPS_MAX * 2];
    struct mail mail[MAILS_MAX];
    struct str ehlo = {0};
    size_t n = begin_script(steps, story, &ehlo);
    for (const struct script_step *s = story->step; s->write; s++)
        steps[n++] = *s;
    print_message("# %s\n", story->name);
    script_start(&script, steps, n);
    script.piece = piece;
    struct session_params params = {.hello = "me",
                                    .chunking = !(story->flags & NO_BDAT),
                                    .streaming = true,
                                    .timeout = 1000,
                                    .timeout_final = 1000};
    struct session *session = begin(&script, &params);
    for (size_t i = 0; i < story->mails; i++)
        make_mail(&mail[i], story->recipients, story->content ? story->content : TEXT);
    push_and_pull(session, story, mail);
    if (script.complaint.len)
        print_message("# wrote against the book at %s\n", script.complaint.data);
    assert_int_equal(session_chunking_hurt(session), (story->flags & HURT) != 0);
    assert_int_equal(session_bdat_refused(session), (story->flags & REFUSED_BDAT) != 0);
    assert_int_equal(session_streaming_refused(session), (story->flags & REFUSED_STREAMING) != 0);
    assert_int_equal(session_usable(session), (story->flags & USABLE) != 0);
    script.piece = 0;
    session_end(session);
    assert_true(script.closed && script.complaint.len == 0);
    assert_int_equal(script.at, script.n - (story->flags & CUT ? 1 : 0));
    for (size_t i = 0; i < story->mails; i++)
        clear_mail(&mail[i]);
    script_clear(&script);
    str_clear(&ehlo);
}

static void every_story_ends_as_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        play(&stories[i], 0);
}

static void partial_writes_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        play(&stories[i], 1);
}

/* As many as there is room for, by count and by size; then one out, one in. */
static void the_window_is_bounded(void **state)
{
    (void)state;
    static const struct {
        size_t size, room;
    } rows[] = {{100, SESSION_WINDOW_MAX}, {60000, SESSION_WINDOW_OCTETS / 60000}};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct str text = {0}, one = {0}, all = {0}, replies = {0};
        struct mail mail[MAILS_MAX];
        str_add(&text, "S: x\r\n\r\n");
        while (text.len < rows[row].size)
            str_add_char(&text, 'x');
        str_addf(&one, "RSET\r\n" MAIL RCPT "BDAT %zu LAST\r\n%s", text.len, text.data);
        for (size_t i = 0; i < rows[row].room; i++) {
            str_add(&all, one.data);
            str_add(&replies, OK4);
        }
        const struct script_step steps[] = {
            STEP(NULL, "220 mx\r\n"),
            STEP("EHLO me\r\n", "250-mx\r\n" ALL "250 HELP\r\n"),
            STEP(MAIL RCPT, OK2),
            STEP(BDAT, OK),
            STEP(all.data, replies.data),
            STEP(one.data, OK4),
            QUIT,
        };
        struct script script;
        script_start(&script, steps, sizeof steps / sizeof *steps);
        struct session_params params = {
            .hello = "me", .chunking = true, .streaming = true, .timeout = 1000};
        struct session *session = begin(&script, &params);
        struct error err;
        size_t n = 0, pulled = 0;
        do
            make_mail(&mail[n], 1, text.data);
        while (session_room(session, &mail[n].mail) == SESSION_ROOM &&
               session_push(session, &mail[n].mail) && ++n < MAILS_MAX);
        assert_int_equal(n, rows[row].room);
        assert_int_equal(session_room(session, &mail[n].mail), SESSION_ROOM_LATER);
        assert_int_equal(session_pull(session, &err), SESSION_ENDED);
        assert_int_equal(mail[pulled++].outcomes[0].result, OUTCOME_SENT);
        assert_int_equal(session_room(session, &mail[n].mail), SESSION_ROOM);
        assert_true(session_push(session, &mail[n++].mail));
        for (; pulled < n; pulled++) {
            assert_int_equal(mail[pulled].outcomes[0].result, OUTCOME_UNTRIED);
            assert_int_equal(session_pull(session, &err), SESSION_ENDED);
            assert_int_equal(mail[pulled].outcomes[0].result, OUTCOME_SENT);
        }
        session_end(session);
        assert_true(script_played(&script));
        while (n > 0)
            clear_mail(&mail[--n]);
        script_clear(&script);
        str_clear(&text);
        str_clear(&one);
        str_clear(&all);
        str_clear(&replies);
    }
}

/* What is in flight when a session ends is nobody's any more. */
static void a_session_may_end_with_mail_in_flight(void **state)
{
    (void)state;
    const struct script_step steps[] = {
        STEP(NULL, "220 mx\r\n"),
        STEP("EHLO me\r\n", "250-mx\r\n" ALL "250 HELP\r\n"),
        STEP(MAIL RCPT, OK2),
        STEP(BDAT, OK),
    };
    struct script script;
    struct mail mail;
    script_start(&script, steps, sizeof steps / sizeof *steps);
    struct session_params params = {
        .hello = "me", .chunking = true, .streaming = true, .timeout = 1000};
    struct session *session = begin(&script, &params);
    make_mail(&mail, 1, TEXT);
    assert_true(session_push(session, &mail.mail));
    session_end(session);
    assert_true(script_played(&script));
    assert_int_equal(mail.outcomes[0].result, OUTCOME_UNTRIED);
    clear_mail(&mail);
    script_clear(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_story_ends_as_told),
        cmocka_unit_test(partial_writes_change_nothing),
        cmocka_unit_test(the_window_is_bounded),
        cmocka_unit_test(a_session_may_end_with_mail_in_flight),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
