#include "config.h"
#include "cli/invocation.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <strings.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/str.h"
#include "message/address.h"
#include "message/dsn.h"
#include "compat/msmtpcode.h"
#include "cli/environment.h"
#include "cli/longoptions.h"
#include "cli/option.h"

struct parser {
    struct invocation *call;
    struct longoptions all;
    bool untrusted;
};

static bool is_msmtp(const char *program)
{
    return strcmp(program, "msmtp") == 0;
}

static enum personality personality_of(const char *program)
{
    if (is_msmtp(program))
        return msmtpcode_is_built_in ? PERSONALITY_MSMTP : PERSONALITY_ONEHOP;
    return strcmp(program, "onehop") == 0 ? PERSONALITY_ONEHOP : PERSONALITY_SENDMAIL;
}

static enum invocation_mode mode_of_name(const char *program)
{
    if (strcmp(program, "mailq") == 0)
        return INVOKE_LIST_QUEUE;
    if (strcmp(program, "newaliases") == 0)
        return INVOKE_ALIASES;
    return strcmp(program, "runq") == 0 ? INVOKE_RUN_QUEUE : INVOKE_SEND;
}

static bool check_arguments(int argc, char **argv, struct error *err)
{
    for (int i = 1; i < argc; i++)
        if (escape_has_control(argv[i]))
            return error_usage(err, "argument %d contains a control character: '%.60s'", i,
                               argv[i]);
    return true;
}

static bool set_notify(struct invocation *call, const char *text, struct error *err)
{
    call->notify_given = true;
    call->notify = 0;
    return strcasecmp(text, "off") == 0 || dsn_read_notify(text, &call->notify) ||
           error_usage(err,
                       "invalid argument '%s' for -N: off, never, or a list of success, failure "
                       "and delay, separated by commas",
                       text);
}

static bool set_return(struct invocation *call, const char *text, struct error *err)
{
    call->return_given = true;
    if (strcasecmp(text, "off") == 0)
        call->dsn_return = DSN_RETURN_UNSET;
    else if (strcasecmp(text, "hdrs") == 0 || strcasecmp(text, "headers") == 0)
        call->dsn_return = DSN_RETURN_HEADERS;
    else if (strcasecmp(text, "full") == 0)
        call->dsn_return = DSN_RETURN_FULL;
    else
        return error_usage(err, "invalid argument '%s' for -R: off, hdrs or full", text);
    return true;
}

static bool add_override(struct invocation *call, const char *name, const char *value,
                         struct error *err)
{
    const struct key *key = key_find(KEY_ACCOUNT, name);
    if (!key)
        return error_usage(err, "there is no key '%s'", name);
    const struct override override = {key, value};
    if (!identity_check_override(&override, err))
        return false;
    call->override = memory_resize(call->override, call->overrides + 1, sizeof *call->override);
    call->override[call->overrides++] = override;
    return true;
}

static bool set_mode(struct invocation *call, const char *mode, struct error *err)
{
    static const struct {
        const char *word;
        enum invocation_mode mode;
    } modes[] = {
        {"m", INVOKE_SEND},       {"i", INVOKE_ALIASES}, {"p", INVOKE_LIST_QUEUE},
        {"P", INVOKE_LIST_QUEUE}, {"v", INVOKE_VERIFY},  {"V", INVOKE_VERSION},
        {"h", INVOKE_NOTHING},    {"H", INVOKE_NOTHING}, {"s", INVOKE_STDIO_SESSION},
        {"d", INVOKE_SERVE},      {"q", INVOKE_SEND}, /* dma's: queue only */
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].word, mode) == 0) {
            call->mode = modes[i].mode;
            return *mode != 'q' || add_override(call, "delivery_mode", "queue", err);
        }
    return error_usage(err, "unsupported operation mode -b%s", mode);
}

static bool set_renamed(struct invocation *call, const struct option_row *row, const char *argument,
                        struct error *err)
{
    char *name = memory_copy(row->word);
    for (char *dash = name; (dash = strchr(dash, '-'));)
        *dash = '_';
    const struct key_renamed *old = key_renamed(name);
    free(name);
    bool off = argument && strcmp(argument, "off") == 0;
    if (argument && !off && strcmp(argument, "on") != 0)
        return error_usage(err, "invalid argument %s for --%s: on or off", argument, row->word);
    return add_override(call, old->key, off ? old->off : old->on, err);
}

static bool set_rmqs(struct invocation *call, const char *argument, struct error *err)
{
    if (!*argument || strpbrk(argument, " \t"))
        return error_usage(err, "invalid argument '%s' for --rmqs: HOST, @DOMAIN or #QUEUE",
                           argument);
    call->rmqs = argument;
    return true;
}

/* "<>" and "" both mean the null sender. Of `Name <address>` and `address (Name)`, which cron's
 * MAILFROM and mailx -r pass on, the address counts; `Doe, Jane <address>` reads as two. */
static void set_from(struct invocation *call, char *argument)
{
    struct address_list list = {0};
    if (strpbrk(argument, "<("))
        address_list_parse(&list, argument, strlen(argument));
    const char *address = list.n > 0 ? list.item[list.n - 1].mailbox : argument;
    size_t len = strlen(address);
    if (address != argument && len <= strlen(argument)) /* it fits where the caller keeps it */
        memcpy(argument, address, len + 1);
    address_list_clear(&list);
    call->wishes.from = strcasecmp(argument, "MAILER-DAEMON") == 0 ? "" : argument;
}

/* -odi tries at once and waits, -odb is content when the message is durable, -odq and -odd only
 * queue. */
static bool set_delivery(struct invocation *call, char mode, struct error *err)
{
    switch (mode) {
    case 'i':
        return add_override(call, "delivery_mode", "interactive", err);
    case 'b':
        return add_override(call, "delivery_mode", "background", err);
    case 'q':
    case 'd':
        return add_override(call, "delivery_mode", "queue", err);
    default:
        return true;
    }
}

/* Everything else of sendmail's old -o has no meaning here. */
static bool set_old(struct invocation *call, const char *argument, struct error *err)
{
    if (strcmp(argument, "i") == 0 || strcmp(argument, "itrue") == 0)
        call->dots_are_text = true;
    return argument[0] != 'd' || set_delivery(call, argument[1], err);
}

static bool set_sendmail(struct invocation *call, const char *argument, struct error *err)
{
    static const char name[] = "DeliveryMode=";
    if (strncasecmp(argument, name, sizeof name - 1) != 0)
        return true;
    return set_delivery(call, argument[sizeof name - 1], err);
}

/* -qI, -qR and -qS choose entries; -q30m is a run of what is due, and with -bd, before or behind
 * it, the daemon, which knows itself when to run. What they choose by follows at once: `-qR text`
 * would choose everything. */
static bool set_run(struct invocation *call, const char *argument, struct error *err)
{
    if (call->mode != INVOKE_SERVE)
        call->mode = INVOKE_RUN_QUEUE;
    if (!argument)
        return true;
    if (*argument && strchr("IRS", *argument) && !argument[1])
        return error_usage(err, "-q%s needs its text right behind it, without a blank", argument);
    if (argument[0] == 'I')
        call->queue.id = argument + 1;
    else if (argument[0] == 'R')
        call->queue.recipient = argument + 1;
    else if (argument[0] == 'S')
        call->queue.sender = argument + 1;
    else
        call->queue.only_due = argument[0] >= '0' && argument[0] <= '9';
    return true;
}

static void debug(struct invocation *call, const char *argument)
{
    call->verbose = true;
    if (argument && strcmp(argument, "0.1") == 0)
        call->mode = INVOKE_VERSION; /* sendmail's way to ask for it */
}

static bool take(struct parser *p, const struct option_row *row, char *argument, struct error *err)
{
    struct invocation *call = p->call;
    char *field = (char *)call + row->at;
    switch (row->id) {
    case OPT_TEXT:
        *(const char **)field = argument;
        return true;
    case OPT_FLAG:
        *(bool *)field = true;
        return true;
    case OPT_INVOKE:
        call->mode = (enum invocation_mode)row->at;
        return true;
    case OPT_BODY:
        call->body_8bit_wish = strcasecmp(argument, "8BITMIME") == 0;
        return true;
    case OPT_DEBUG:
        debug(call, argument);
        return true;
    case OPT_FROM:
        set_from(call, argument);
        return true;
    case OPT_LOGFILE:
        return add_override(call, "logfile", argument, err);
    case OPT_MODE:
        return set_mode(call, argument, err);
    case OPT_NOTIFY:
        return set_notify(call, argument, err);
    case OPT_OLD:
        return set_old(call, argument, err);
    case OPT_RUN:
        return set_run(call, argument, err);
    case OPT_SENDMAIL:
        return set_sendmail(call, argument, err);
    case OPT_RENAMED:
        return set_renamed(call, row, argument, err);
    case OPT_RMQS:
        return set_rmqs(call, argument, err);
    case OPT_RETURN:
        return set_return(call, argument, err);
    case OPT_UNTRUSTED:
        p->untrusted = true;
        return true;
    case OPT_IGNORED:
        return true;
    }
    return true;
}

static bool refuse_unsafe(const char *option, struct error *err)
{
    return error_usage(
        err,
        "option %s is not for callers of sendmail, nor of msmtp from a web server: it "
        "could name a file, a command, a server or a credential, or show settings (use "
        "onehop, with --untrusted-args behind your own options)",
        option);
}

/* -bv prints settings; -bp the caller's queue, which is not for those who read a web page. */
static bool shows_much(const char *mode)
{
    return strcmp(mode, "v") == 0 || (strcasecmp(mode, "p") == 0 && environment_is_web());
}

static bool take_row(struct parser *p, const struct option_row *row, char *argument,
                     struct error *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, row->letter ? "-%c" : "--%.*s",
                   row->letter ? row->letter : 40, row->word ? row->word : "");
    bool shows = row->id == OPT_MODE && shows_much(argument);
    if (p->untrusted && (row->safety == OPTION_UNSAFE || shows))
        return refuse_unsafe(shows ? *argument == 'v' ? "-bv" : "-bp" : name, err);
    if (p->untrusted && row->safety == OPTION_SWALLOWED)
        return true;
    return take(p, row, argument, err);
}

static bool take_key(struct parser *p, const struct key *key, const char *argument,
                     struct error *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "--%s", key->name);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    if (p->untrusted)
        return refuse_unsafe(name, err);
    return add_override(p->call, key->name, argument ? argument : key_bare_value(key), err);
}

static bool bad_option(int result, char **argv, struct error *err)
{
    const char *last = argv[optind > 0 ? optind - 1 : 0];
    bool is_word = strncmp(last, "--", 2) == 0 && (optopt == 0 || optopt >= LONGOPTION_TABLE);
    if (is_word && result == ':')
        return error_usage(err, "option '%s' requires an argument", last);
    if (is_word && optopt >= LONGOPTION_TABLE)
        return error_usage(err, "option '%s' allows no argument", last);
    if (is_word)
        return error_usage(err, "unrecognized or ambiguous option '%s'", last);
    if (result == ':')
        return error_usage(err, "option requires an argument -- '%c'", optopt);
    return error_usage(err, "invalid option -- '%c'", optopt);
}

/* Most calls have none, and the list of all is a sixth of what a call costs. */
static bool has_long_option(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && argv[i][2])
            return true;
    return false;
}

static bool parse_options(struct parser *p, int argc, char **argv, struct error *err)
{
    static const struct option none = {0};
    const struct option *options = p->all.option ? p->all.option : &none;
    struct str letters = {0};
    str_add_char(&letters, ':'); /* reports a missing argument as ':', an unknown option as '?' */
    longoptions_letters(&letters);
    opterr = 0;
    optind = 0; /* start over, even if this was called before */
    bool ok = true;
    int result;
    while (ok && (result = getopt_long(argc, argv, str_text(&letters), options, NULL)) != -1) {
        if (result == '?' || result == ':')
            ok = bad_option(result, argv, err);
        else if (result >= LONGOPTION_KEY)
            ok = take_key(p, &key_table[result - LONGOPTION_KEY], optarg, err);
        else if (result >= LONGOPTION_TABLE)
            ok = take_row(p, &option_table[result - LONGOPTION_TABLE], optarg, err);
        else
            ok = take_row(p, option_by_letter((char)result), optarg, err);
    }
    str_clear(&letters);
    return ok;
}

static bool check_server_modes(struct invocation *call, bool operands, struct error *err)
{
    if (call->mode == INVOKE_SERVERINFO && call->rmqs)
        return error_usage(err, "cannot use both --serverinfo and --rmqs");
    if (call->rmqs && call->mode == INVOKE_SEND)
        call->mode = INVOKE_RMQS;
    if (call->configure && call->mode != INVOKE_VERSION && call->mode != INVOKE_HELP)
        call->mode = INVOKE_CONFIGURE;
    if (operands && (call->mode == INVOKE_SERVERINFO || call->mode == INVOKE_RMQS))
        return error_usage(err, "too many arguments: no message is sent with this option");
    return true;
}

static bool check_combination(const struct invocation *call, struct error *err)
{
    if (call->host && *call->wishes.account)
        return error_usage(err, "cannot use both --host and --account");
    if (call->wishes.read_envelope_from && call->wishes.from)
        return error_usage(err, "cannot use both --from and --read-envelope-from");
    if (call->wishes.from && strlen(call->wishes.from) > ENVELOPE_ADDRESS_MAX)
        return error_usage(err, "the address given with -f is longer than %d bytes",
                           ENVELOPE_ADDRESS_MAX);
    return true;
}

/* PHP's fifth argument of mail(), and what else a web server puts behind `sendmail -t` or `msmtp
 * -t`, may be a visitor's. Callers of onehop know of --untrusted-args. */
static bool is_untrusted(const struct invocation *call)
{
    return call->personality == PERSONALITY_SENDMAIL ||
           (is_msmtp(call->program) && environment_is_web());
}

bool invocation_parse(struct invocation *call, int argc, char **argv, struct error *err)
{
    const char *path = argc > 0 ? argv[0] : "sendmail";
    const char *slash = strrchr(path, '/');
    *call = (struct invocation){
        .program = slash ? slash + 1 : path, .envid = "", .queue = {"", "", "", false}};
    call->wishes.account = call->wishes.full_name = "";
    call->personality = personality_of(call->program);
    call->mode = mode_of_name(call->program);
    if (!check_arguments(argc, argv, err))
        return false;
    struct parser p = {.call = call, .untrusted = is_untrusted(call)};
    if (has_long_option(argc, argv))
        longoptions_make(&p.all);
    bool ok = parse_options(&p, argc, argv, err) && check_combination(call, err) &&
              check_server_modes(call, optind < argc, err);
    longoptions_clear(&p.all);
    for (int i = optind; ok && i < argc; i++)
        strlist_add(&call->wishes.recipients, argv[i]);
    return ok;
}

void invocation_clear(struct invocation *call)
{
    strlist_clear(&call->wishes.recipients);
    free(call->override);
    call->override = NULL;
    call->overrides = 0;
}
