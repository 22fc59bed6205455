/* An account as an msmtprc, for tests to compare. */
#ifndef MSMTPRCPRINT_H
#define MSMTPRCPRINT_H

#include "config/account.h"
#include "config/key.h"

/* Appends the commands of ACCOUNT, as msmtprc_read() takes them, for every key that is set:
 * "account NAME" first. What no msmtprc can say is left out. */
static inline void msmtprc_print(const struct account *account, struct str *out)
{
    str_addf(out, "account %s\n", account->name);
    for (size_t i = 0; i < key_count; i++) {
        const struct key *key = &key_table[i];
        if (!key->command || !key_is_set(&account->set, key))
            continue;
        str_addf(out, "%s ", key->command);
        if (key->type == KEY_SECRET)
            str_add_n(out, account->password.data, account->password.len);
        else
            key_print(key, account, out);
        str_add(out, "\n");
    }
}

#endif
