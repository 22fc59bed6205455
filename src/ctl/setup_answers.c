#include "config.h"
#include "ctl/setup_answers.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/str.h"
#include "base/translation.h"
#include "message/address.h"
#include "config/keycheck.h"
#include "submit/terminal.h"

#define AT(field) offsetof(struct setup_answers, field)

const struct setup_option setup_options[] = {
    {"--admin", "ADDRESS", N_("who gets mail to root and to other local names"), AT(admin), true},
    {"--host", "HOST", N_("the submission server, where it is not known"), AT(host), true},
    {"--port", "PORT", N_("its port"), AT(port), true},
    {"--login", "NAME", N_("the user name there, where it is not the address"), AT(login), true},
    {"--password-stdin", "", N_("read the password from standard input"), AT(password_stdin), true},
    {"--password-command", "COMMAND", N_("a command that prints the password or an access token"),
     AT(password_command), true},
    {"--oauth-client-id", "ID", N_("log in with OAuth 2.0 tokens: the id of your registration"),
     AT(client), true},
    {"--oauth-secret-file", "FILE", N_("the file with its secret, if it has one"),
     AT(client_secret), true},
    {"--oauth", "NAME", N_("where tokens come from, if the provider has no such server"), AT(oauth),
     true},
    {"--maildir", "[PATH]", N_("keep all mail in a Maildir: for a machine without provider"),
     AT(maildir), false},
    {"--system", "", N_("for all users of the machine: the default of root"), AT(system), false},
    {"--user", "", N_("for the calling user alone"), AT(user), false},
    {"--no-check", "", N_("do not try the login"), AT(no_check), false},
    {"--no-start", "", N_("do not start the service"), AT(no_start), false},
    {"--test", "", N_("send a test message to the address"), AT(test), false},
    {"--yes", "", N_("ask nothing but the password; replace a password that is there"), AT(yes),
     false},
    {"--help", "", N_("list these options"), AT(help), false},
};
const size_t setup_option_count = sizeof setup_options / sizeof *setup_options;

/* True if ARGV[*I] was an option; *I is then at its last word. */
static bool take_option(struct setup_answers *a, int argc, char **argv, int *i)
{
    for (size_t n = 0; n < setup_option_count; n++) {
        const struct setup_option *o = &setup_options[n];
        size_t len = strlen(o->name);
        const char *word = argv[*i];
        if (strncmp(word, o->name, len) != 0 || (word[len] && (word[len] != '=' || !*o->argument)))
            continue;
        if (!*o->argument)
            *(bool *)((char *)a + o->at) = true;
        else if (word[len] == '=')
            *(const char **)((char *)a + o->at) = word + len + 1;
        else if (o->argument[0] == '[')
            *(const char **)((char *)a + o->at) =
                *i + 1 < argc && strspn(argv[*i + 1], "/~") > 0 ? argv[++*i] : "";
        else if (*i + 1 < argc)
            *(const char **)((char *)a + o->at) = argv[++*i];
        else
            return false;
        return true;
    }
    return false;
}

static bool suits_maildir(const struct setup_answers *a, struct error *err)
{
    if (a->address)
        return error_usage(err, "--maildir takes no address: mail to every address is kept");
    for (size_t i = 0; i < setup_option_count; i++) {
        const struct setup_option *o = &setup_options[i];
        const char *at = (const char *)a + o->at;
        if (o->of_provider && (*o->argument ? *(const char *const *)at != NULL : *(const bool *)at))
            return error_usage(err, "%s is about a provider, and --maildir does without one",
                               o->name);
    }
    return true;
}

/* An empty one is not the question that asks for it. */
static bool has_values(const struct setup_answers *a, struct error *err)
{
    for (size_t i = 0; i < setup_option_count; i++) {
        const struct setup_option *o = &setup_options[i];
        const char *const *at = (const void *)((const char *)a + o->at);
        if (*o->argument && o->argument[0] != '[' && *at && !**at)
            return error_usage(err, "%s lacks a value", o->name);
    }
    return true;
}

static bool is_sound(const struct setup_answers *a, struct error *err)
{
    if (a->maildir && !suits_maildir(a, err))
        return false;
    if (!a->maildir &&
        (!a->address || !strchr(a->address, '@') || !keycheck_address(a->address, err)))
        return error_usage(err, "setup takes an address: onehopctl setup me@example.com");
    if (a->admin && !keycheck_address(a->admin, err))
        return error_prefix(err, "--admin");
    if (a->system && a->user)
        return error_usage(err, "--system and --user exclude each other");
    if (a->password_stdin && a->password_command)
        return error_usage(err, "--password-stdin and --password-command exclude each other");
    if (a->client && (a->password_stdin || a->password_command))
        return error_usage(err, "--oauth-client-id replaces a password");
    if (!a->client && (a->oauth || a->client_secret))
        return error_usage(err, "--oauth needs --oauth-client-id: onehop-oauth(7) says how to get "
                                "one");
    if (a->system && geteuid() != 0)
        return error_usage(err, "--system is for root");
    return true;
}

bool setup_answers_read(struct setup_answers *answers, int argc, char **argv, struct error *err)
{
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-') {
            if (!take_option(answers, argc, argv, &i))
                return error_usage(err, "setup does not know '%s', or it lacks a value", argv[i]);
        } else if (answers->address) {
            return error_usage(err, "setup takes one address");
        } else {
            answers->address = argv[i];
        }
    }
    answers->asks = !answers->yes && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    return answers->help || (has_values(answers, err) && is_sound(answers, err));
}

const char *setup_answers_ask(struct setup_answers *answers, const char *prompt,
                              const char *offered)
{
    struct str line = {0}, text = {0};
    if (!answers->asks)
        return offered;
    str_add(&line, prompt);
    if (*offered)
        str_addf(&line, " [%s]", offered);
    str_add(&line, ": ");
    if (terminal_ask_openly(str_text(&line), &text) && text.len > 0) {
        strlist_take(&answers->text, str_take(&text));
        offered = answers->text.item[answers->text.n - 1];
    }
    str_clear(&line);
    str_clear(&text);
    return offered;
}

bool setup_answers_confirm(const struct setup_answers *answers, const char *question, bool offered)
{
    struct str line = {0}, text = {0};
    if (!answers->asks)
        return answers->yes;
    str_addf(&line, "%s [%s]: ", question, offered ? "Y/n" : "y/N");
    bool yes = terminal_ask_openly(str_text(&line), &text) &&
               (text.len == 0 ? offered : strncasecmp(str_text(&text), "y", 1) == 0);
    str_clear(&line);
    str_clear(&text);
    return yes;
}

void setup_answers_log_in_as_local_part(struct setup_answers *a)
{
    struct str login = {0};
    str_add_n(&login, a->address, address_local_length(a->address));
    strlist_add(&a->text, str_text(&login));
    a->login = a->text.item[a->text.n - 1];
    str_clear(&login);
}

bool setup_answers_need_password(const struct setup_answers *answers)
{
    return !answers->password_command && !answers->client && !answers->maildir;
}

void setup_answers_take_host(struct setup_answers *answers, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (!colon || strchr(text, ':') != colon || !colon[1]) { /* several: an IPv6 address */
        answers->host = text;
        return;
    }
    strlist_take(&answers->text, memory_copy_n(text, (size_t)(colon - text)));
    answers->host = answers->text.item[answers->text.n - 1];
    answers->port = colon + 1;
}

void setup_answers_clear(struct setup_answers *answers)
{
    strlist_clear(&answers->text);
}
