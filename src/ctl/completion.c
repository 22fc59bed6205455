#include "config.h"
#include "ctl/completion.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/translation.h"
#include "config/key.h"
#include "cli/longoptions.h"
#include "cli/option.h"
#include "submit/help.h"
#include "ctl/queuectl.h"
#include "ctl/setup_answers.h"

enum { WORD_MAX = 64, IDS_MAX = 200 };

struct completion {
    struct site *site;
    int n; /* words before the one that is completed */
    char **words;
    const char *typed;  /* of that, behind PREFIX */
    const char *prefix; /* "--account=", or "" */
};

static void offer(const struct completion *c, const char *word, const char *help)
{
    if (strncmp(word, c->typed, strlen(c->typed)) == 0)
        (void)printf("%s%s\t%s\n", c->prefix, word, help);
}

static void offer_accounts(const struct completion *c, bool addresses)
{
    struct error ignored; /* nothing is offered of a file that is broken */
    if (!site_configure(c->site, NULL, &ignored))
        return;
    for (size_t i = 0; i < c->site->config.n; i++) {
        const struct account *a = c->site->config.account[i];
        const char *word = !addresses ? a->name : *a->from ? a->from : a->user;
        if (*word)
            offer(c, word, addresses ? a->name : a->from);
    }
}

static void offer_providers(const struct completion *c, bool hosts)
{
    struct error ignored; /* as above */
    if (!site_configure(c->site, NULL, &ignored))
        return;
    const struct provider_table *table = &c->site->config.providers;
    for (size_t i = 0; i < provider_count(table); i++) {
        const struct provider *p = provider_at(table, i);
        const struct strlist *list = hosts ? &p->host : &p->domains;
        for (size_t k = 0; k < list->n; k++)
            offer(c, list->item[k], p->name);
    }
}

/* The listing in JSON is made for programs: "queue_id": "...", "sender": "...". */
static bool take_member(const char *line, const char *name, char *out)
{
    const char *at = strstr(line, name);
    size_t len = at ? strcspn(at + strlen(name), "\"") : 0;
    if (!at || len >= WORD_MAX)
        return false;
    memcpy(out, at + strlen(name), len);
    out[len] = '\0';
    return true;
}

static void offer_ids(const struct completion *c)
{
    char *text = NULL;
    size_t size = 0;
    char id[WORD_MAX], sender[WORD_MAX];
    FILE *out = open_memstream(&text, &size), *quiet = fopen("/dev/null", "w");
    if (out && quiet) {
        const struct queuectl want = {.site = c->site, .out = out, .err = quiet};
        queuectl_configure(c->site, NULL);
        (void)queuectl_list(&want, true, false); /* what cannot be listed is not offered */
    }
    if (quiet)
        (void)fclose(quiet); /* nothing is kept there */
    if (out && fclose(out) == 0) {
        char *line = text, *end;
        for (int i = 0; i < IDS_MAX && (end = strchr(line, '\n')) != NULL; i++, line = end + 1) {
            *end = '\0';
            if (take_member(line, "\"queue_id\": \"", id))
                offer(c, id, take_member(line, "\"sender\": \"", sender) ? sender : "");
        }
    }
    free(text);
}

/* What a word in capital letters stands for. */
static void offer_kind(const struct completion *c, const char *kind)
{
    if (strcmp(kind, "ACCOUNT") == 0 || strcmp(kind, "NAME") == 0)
        offer_accounts(c, false);
    else if (strcmp(kind, "ADDRESS") == 0)
        offer_accounts(c, true);
    else if (strcmp(kind, "DOMAIN") == 0)
        offer_providers(c, false);
    else if (strcmp(kind, "HOST") == 0)
        offer_providers(c, true);
    else if (strcmp(kind, "ID") == 0)
        offer_ids(c);
    else if (strcmp(kind, "FILE") == 0 || strcmp(kind, "[PATH]") == 0)
        (void)printf("%s:file\t\n", c->prefix);
}

/* One word of a verb's arguments, and the one in capital letters that belongs to an option. */
struct argument {
    char word[WORD_MAX], value[WORD_MAX];
};

static size_t take_word(const char *at, char *out)
{
    size_t len = strcspn(at, " []|.");
    size_t kept = len < WORD_MAX ? len : WORD_MAX - 1;
    memcpy(out, at, kept);
    out[kept] = '\0';
    return len;
}

/* The next of "[--secrets FILE] [FILE]"; *AT goes behind it. False: there is no more. */
static bool next_argument(const char **at, struct argument *argument)
{
    *argument = (struct argument){.word = ""};
    *at += strspn(*at, " []|.");
    if (!**at)
        return false;
    *at += take_word(*at, argument->word);
    if (argument->word[0] == '-' && **at == ' ' && isupper((unsigned char)(*at)[1]))
        *at += 1 + take_word(*at + 1, argument->value);
    return true;
}

/* True if what was typed goes on behind PREFIX ("--account="), as INNER then does. */
static bool goes_on(const struct completion *c, const char *prefix, struct completion *inner)
{
    size_t len = strlen(prefix);
    if (strncmp(c->typed, prefix, len) != 0)
        return false;
    *inner = *c;
    inner->typed += len;
    inner->prefix = prefix;
    return true;
}

static void offer_option(const struct completion *c, const char *name, const char *value,
                         const char *help)
{
    struct completion inner;
    char prefix[WORD_MAX];
    (void)snprintf(prefix, sizeof prefix, "%s=", name);
    if (*value && goes_on(c, prefix, &inner))
        offer_kind(&inner, value);
    else
        offer(c, name, help);
}

/* Whether the last word is an option that wants a value, which alone is offered then. */
static bool wants_value(const struct completion *c, const char *arguments)
{
    const char *last = c->n > 0 ? c->words[c->n - 1] : "";
    struct argument argument;
    for (const char *at = arguments; next_argument(&at, &argument);)
        if (*argument.value && strcmp(last, argument.word) == 0) {
            offer_kind(c, argument.value);
            return true;
        }
    for (size_t i = 0; strstr(arguments, "OPTION") && i < setup_option_count; i++)
        if (*setup_options[i].argument && strcmp(last, setup_options[i].name) == 0) {
            offer_kind(c, setup_options[i].argument);
            return setup_options[i].argument[0] != '[';
        }
    return false;
}

static void complete_verb(const struct completion *c, const char *arguments)
{
    struct argument argument;
    if (wants_value(c, arguments))
        return;
    for (const char *at = arguments; next_argument(&at, &argument);) {
        if (strcmp(argument.word, "OPTION") == 0)
            for (size_t i = 0; i < setup_option_count; i++)
                offer_option(c, setup_options[i].name, setup_options[i].argument,
                             _(setup_options[i].help));
        else if (argument.word[0] == '-')
            offer_option(c, argument.word, argument.value, "");
        else if (isupper((unsigned char)argument.word[0]))
            offer_kind(c, argument.word);
        else
            offer(c, argument.word, "");
    }
}

static void offer_key_values(const struct completion *c, const struct key *key)
{
    struct str value = {0};
    if (key->type == KEY_PATH)
        offer_kind(c, "FILE");
    for (size_t i = 0; key_choice(key, i, &value); i++) {
        offer(c, str_text(&value), "");
        str_truncate(&value, 0);
    }
    str_clear(&value);
}

static void offer_row_value(const struct completion *c, const struct option_row *row)
{
    if (row->letter == 'a')
        offer_accounts(c, false);
    else if (row->letter == 'C' || row->id == OPT_LOGFILE)
        offer_kind(c, "FILE");
    else if (row->word && strcmp(row->word, "host") == 0)
        offer_providers(c, true);
}

static void offer_long(const struct completion *c, const struct option *option, const char *name)
{
    char word[WORD_MAX], prefix[WORD_MAX];
    struct completion inner;
    const char *help = option->val >= LONGOPTION_KEY
                           ? key_table[option->val - LONGOPTION_KEY].help
                           : option_table[option->val - LONGOPTION_TABLE].help;
    (void)snprintf(word, sizeof word, "--%s%s", name,
                   option->has_arg == required_argument ? "=" : "");
    (void)snprintf(prefix, sizeof prefix, "--%s=", name);
    if (!goes_on(c, prefix, &inner))
        offer(c, word, _(help));
    else if (option->val >= LONGOPTION_KEY)
        offer_key_values(&inner, &key_table[option->val - LONGOPTION_KEY]);
    else
        offer_row_value(&inner, &option_table[option->val - LONGOPTION_TABLE]);
}

/* The value of a letter that stands alone: `-a work`. */
static bool offer_letter_value(const struct completion *c)
{
    const char *last = c->n > 0 ? c->words[c->n - 1] : "";
    const struct option_row *row =
        last[0] == '-' && last[1] && !last[2] ? option_by_letter(last[1]) : NULL;
    if (!row || row->argument != OPTION_REQUIRED)
        return false;
    offer_row_value(c, row);
    return true;
}

static void complete_options(const struct completion *c)
{
    struct longoptions all = {0};
    if (offer_letter_value(c) || c->typed[0] != '-')
        return; /* a recipient */
    for (size_t i = 0; i < option_count; i++) {
        const char word[] = {'-', option_table[i].letter, '\0'};
        if (option_table[i].letter && *option_table[i].help)
            offer(c, word, _(option_table[i].help));
    }
    longoptions_make(&all);
    for (size_t i = 0; i < all.n; i++)
        offer_long(c, &all.option[i], all.name[i]);
    longoptions_clear(&all);
}

int completion_run(const struct completion_verb *verbs, int n, char **words, struct site *site)
{
    if (n < 2)
        return EX_OK; /* the program is still being typed */
    struct completion c = {site, n - 2, words + 1, words[n - 1], ""};
    if (strcmp(words[0], "onehopctl") != 0) {
        complete_options(&c);
        return help_flush();
    }
    for (; verbs->name; verbs++) {
        if (n == 2) {
            offer(&c, verbs->name, _(verbs->help));
        } else if (strcmp(verbs->name, words[1]) == 0) {
            c.words++;
            c.n--;
            complete_verb(&c, verbs->arguments);
            break;
        }
    }
    return help_flush();
}
