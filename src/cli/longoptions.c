#include "config.h"
#include "cli/longoptions.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/option.h"

static bool is_in_table(const char *word)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].word && strcmp(option_table[i].word, word) == 0)
            return true;
    return false;
}

static char *word_of(const char *key_name)
{
    char *word = memory_copy(key_name);
    for (char *c = word; *c; c++)
        if (*c == '_')
            *c = '-';
    return word;
}

/* All but those that only make sense in a file. */
static bool has_key(const struct key *key)
{
    if (key->section != KEY_ACCOUNT || (key->flags & KEY_OF_FILE))
        return false;
    char *word = word_of(key->name);
    bool taken = is_in_table(word);
    free(word);
    return !taken;
}

static void add(struct longoptions *all, const char *name, int has_arg, int value)
{
    all->option = memory_resize(all->option, all->n + 2, sizeof *all->option);
    all->name = memory_resize(all->name, all->n + 1, sizeof *all->name);
    all->name[all->n] = word_of(name);
    all->option[all->n] =
        (struct option){.name = all->name[all->n], .has_arg = has_arg, .val = value};
    all->n++;
    all->option[all->n] = (struct option){0};
}

static int has_arg_of(enum option_argument argument)
{
    switch (argument) {
    case OPTION_REQUIRED:
        return required_argument;
    case OPTION_OPTIONAL:
        return optional_argument;
    default:
        return no_argument;
    }
}

void longoptions_make(struct longoptions *all)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].word)
            add(all, option_table[i].word, has_arg_of(option_table[i].argument),
                LONGOPTION_TABLE + (int)i);
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        if (!has_key(key))
            continue;
        int has_arg = key_bare_value(key) ? optional_argument : required_argument;
        add(all, key->name, has_arg, LONGOPTION_KEY + (int)i);
        if (key->alias)
            add(all, key->alias, has_arg, LONGOPTION_KEY + (int)i);
    }
}

void longoptions_clear(struct longoptions *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->name[i]);
    free(all->name);
    free(all->option);
    *all = (struct longoptions){0};
}

void longoptions_letters(struct str *out)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_table[i];
        if (!row->letter)
            continue;
        str_add_char(out, row->letter);
        if (row->argument != OPTION_NONE)
            str_add(out, row->argument == OPTION_OPTIONAL ? "::" : ":");
    }
}
