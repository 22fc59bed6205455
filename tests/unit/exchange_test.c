#include "suite.h"

#include "base/base64.h"
#include "smtp/exchange.h"

static struct sasl_login login_of(const struct str *password)
{
    return (struct sasl_login){.user = "tim", .password = password, .host = "mx.example"};
}

#ifdef HAVE_GSASL

#include <gsasl.h>
#include <inttypes.h>
#include <stdio.h>

/* The server's side: it knows the password and, with -PLUS, the channel. */
static int answer_property(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    const char *binding = gsasl_session_hook_get(session);
    (void)library;
    switch (property) {
    case GSASL_PASSWORD:
        return gsasl_property_set(session, property, "tanstaaftanstaaf");
    case GSASL_CB_TLS_EXPORTER:
        return binding ? gsasl_property_set(session, property, binding) : GSASL_NO_CALLBACK;
    case GSASL_SERVICE:
        return gsasl_property_set(session, property, "smtp");
    case GSASL_HOSTNAME:
        return gsasl_property_set(session, property, "mx.example");
    default:
        return GSASL_NO_CALLBACK;
    }
}

static const struct {
    const char *name, *mechanism, *password, *binding, *servers; /* the server's, in base64 */
    bool server_first, success;
} cases[] = {
    {"SCRAM", "SCRAM-SHA-256", "tanstaaftanstaaf", "", NULL, false, true},
    {"SCRAM with SHA-1", "SCRAM-SHA-1", "tanstaaftanstaaf", "", NULL, false, true},
    {"SCRAM, a password to prepare", "SCRAM-SHA-256", "tanstaaf\u00adtanstaaf", "", NULL, false,
     true},
    {"a wrong password", "SCRAM-SHA-256", "x", "", NULL, false, false},
    {"a bound channel", "SCRAM-SHA-256-PLUS", "tanstaaftanstaaf", "abc", "YWJj", false, true},
    {"another channel", "SCRAM-SHA-256-PLUS", "tanstaaftanstaaf", "abc", "eHl6", false, false},
    {"CRAM-MD5", "CRAM-MD5", "tanstaaftanstaaf", "", NULL, true, true},
    {"CRAM-MD5, wrong", "CRAM-MD5", "x", "", NULL, true, false},
    {"DIGEST-MD5", "DIGEST-MD5", "tanstaaftanstaaf", "", NULL, true, true},
};

static bool stdio_session(struct exchange *x, Gsasl_session *server, bool server_first, int *status)
{
    struct str said = {0};
    struct error err;
    char *challenge = NULL;
    bool ok = true;
    if (server_first)
        *status = gsasl_step64(server, NULL, &challenge);
    for (int turn = 0; ok && turn < 10; turn++) {
        str_truncate(&said, 0);
        ok = exchange_step(x, challenge, &said, &err);
        gsasl_free(challenge);
        challenge = NULL;
        if (!ok || *status == GSASL_OK)
            break;
        *status = gsasl_step64(server, str_text(&said), &challenge);
        if (*status != GSASL_OK && *status != GSASL_NEEDS_MORE)
            break;
        if (*status == GSASL_OK && (!challenge || !*challenge))
            break;
    }
    gsasl_free(challenge);
    str_clear(&said);
    return ok && *status == GSASL_OK;
}

static void logins_are_what_a_server_expects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Gsasl *library = NULL;
        Gsasl_session *server = NULL;
        struct str password = {.secret = true};
        struct binding binding = {.kind = BINDING_EXPORTER};
        struct error err;
        int status = GSASL_NEEDS_MORE;
        print_message("# %s\n", cases[i].name);
        assert_int_equal(gsasl_init(&library), GSASL_OK);
        gsasl_callback_set(library, answer_property);
        assert_int_equal(gsasl_server_start(library, cases[i].mechanism, &server), GSASL_OK);
        gsasl_session_hook_set(server, (void *)cases[i].servers);
        str_add(&password, cases[i].password);
        str_add(&binding.data, cases[i].binding);
        const struct sasl_login login = login_of(&password);
        assert_true(exchange_knows(cases[i].mechanism));
        struct exchange *x = exchange_begin(cases[i].mechanism, &login, &binding, &err);
        assert_non_null(x);
        bool ok = stdio_session(x, server, cases[i].server_first, &status);
        assert_int_equal(ok && exchange_is_done(x), cases[i].success);
        exchange_end(x);
        gsasl_finish(server);
        gsasl_done(library);
        str_clear(&password);
        str_clear(&binding.data);
    }
}

/* How often the octets, each with its lowest bit turned over so that this is no copy itself, are in
 * the heap. */
static size_t count_in_heap(const char *turned)
{
    char line[512];
    size_t len = strlen(turned), found = 0;
    uintptr_t begin = 0, end = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "[heap]"))
            assert_int_equal(sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end), 2);
    (void)fclose(maps);
    for (const char *at = (const char *)begin; at + len <= (const char *)end; at++) {
        size_t i = 0;
        while (i < len && (at[i] ^ 1) == turned[i])
            i++;
        found += i == len;
    }
    return found;
}

/* Answers what a server of SCRAM sends first, which continues the client's nonce. */
static void answer_scram(struct exchange *x)
{
    struct str said = {0}, first = {0}, challenge = {0};
    struct error err;
    assert_true(exchange_step(x, NULL, &said, &err));
    assert_true(base64_decode(&first, str_text(&said), said.len));
    const char *nonce = strstr(str_text(&first), "r=");
    assert_non_null(nonce);
    str_truncate(&said, 0);
    str_addf(&said, "%sx,s=QSXCR+Q6sek8bf92,i=4096", nonce);
    base64_encode(&challenge, str_text(&said), said.len);
    str_truncate(&said, 0);
    assert_true(exchange_step(x, str_text(&challenge), &said, &err));
    str_clear(&said);
    str_clear(&first);
    str_clear(&challenge);
}

/* Where the library sees the password itself, what it prepares of it in a step is freed unwiped. */
static const struct {
    const char *mechanism;
    bool steps;    /* up to where it has used the password */
    size_t copies; /* before the end, the caller's too */
} uses[] = {
    {"SCRAM-SHA-256", true, 1},
    {"SCRAM-SHA-1", true, 1},
    {"CRAM-MD5", false, 2},
};

/* Looked for in the end is what is behind the octets that free(3) itself writes over. */
static void the_librarys_copy_of_the_password_is_wiped(void **state)
{
    (void)state;
    enum { SKIPPED = 16 };
    static const char turned[] = "xntsqxprrvnse,hr,ur,uhhr,hr,mnof,nonof";
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        struct str password = {.secret = true};
        struct binding none = {0};
        struct error err;
        for (const char *c = turned; *c; c++)
            str_add_char(&password, (char)(*c ^ 1));
        bool seen = count_in_heap(turned) == 1; /* not with another allocator, a sanitizer's */
        const struct sasl_login login = login_of(&password);
        struct exchange *x = exchange_begin(uses[i].mechanism, &login, &none, &err);
        assert_non_null(x);
        if (uses[i].steps)
            answer_scram(x);
        size_t copies = count_in_heap(turned);
        exchange_end(x);
        str_clear(&password);
        print_message("# %s, %s\n", uses[i].mechanism,
                      seen ? "looked for" : "NOT TESTED: this allocator's heap is not [heap]");
        assert_int_equal(copies, seen ? uses[i].copies : 0);
        assert_int_equal(count_in_heap(turned + SKIPPED), 0);
    }
}

static void nonsense_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *mechanism;
        bool begins; /* without a challenge */
        const char *challenge, *text;
    } rows[] = {
        {"SCRAM-SHA-256", true, "!!!", ""},
        {"SCRAM-SHA-256", true, "", ""},
        /* r=a,s=YQ==,i=4294967295 */
        {"SCRAM-SHA-1", true, "cj1hLHM9WVE9PSxpPTQyOTQ5NjcyOTU=", "hashed too often"},
        {"CRAM-MD5", false, "!!!", ""},
        {"DIGEST-MD5", true, "", ""},
        {"DIGEST-MD5", false, "cmVhbG0=", ""},
    };
    struct str password = {.secret = true}, out = {0};
    struct binding none = {0};
    struct error err;
    str_add(&password, "x");
    const struct sasl_login login = login_of(&password);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct exchange *x = exchange_begin(rows[i].mechanism, &login, &none, &err);
        print_message("# %s '%s'\n", rows[i].mechanism, rows[i].challenge);
        assert_non_null(x);
        if (rows[i].begins)
            assert_true(exchange_step(x, NULL, &out, &err));
        assert_false(exchange_step(x, rows[i].challenge, &out, &err));
        assert_int_equal(err.code, EX_SOFTWARE);
        assert_non_null(strstr(err.text, rows[i].text));
        assert_false(exchange_is_done(x));
        exchange_end(x);
    }
    assert_false(exchange_knows("NONSENSE"));
    assert_null(exchange_begin("NONSENSE", &login, &none, &err));
    assert_int_equal(err.code, EX_UNAVAILABLE);
    str_clear(&password);
    str_clear(&out);
}

#else

static void logins_are_what_a_server_expects(void **state)
{
    (void)state;
    assert_false(exchange_knows("SCRAM-SHA-256"));
}

static void nonsense_is_an_error(void **state)
{
    (void)state;
    struct str password = {.secret = true};
    struct binding none = {0};
    struct error err;
    const struct sasl_login login = login_of(&password);
    assert_null(exchange_begin("SCRAM-SHA-256", &login, &none, &err));
    assert_non_null(strstr(err.text, "is not built in"));
}

static void the_librarys_copy_of_the_password_is_wiped(void **state)
{
    (void)state;
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_are_what_a_server_expects),
        cmocka_unit_test(the_librarys_copy_of_the_password_is_wiped),
        cmocka_unit_test(nonsense_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
