/* What setup needs to know: from its command line, else from the person at the terminal. */
#ifndef SETUP_ANSWERS_H
#define SETUP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strlist.h"

struct setup_answers { /* texts are NULL where nothing was said */
    const char *address, *host, *port, *login, *password_command, *admin;
    const char *maildir; /* "": the usual place */
    const char *oauth, *client,
        *client_secret; /* keys oauth, oauth_client_id and its secret file */
    bool system, user, password_stdin, no_check, no_start, test, yes, help;
    bool asks;           /* there is a person to ask, who did not say --yes */
    struct strlist text; /* of what was typed */
};

struct setup_option {
    const char *name,
        *argument; /* "" for none, else what it is called, in brackets if it may lack */
    const char *help;
    size_t at;        /* of the text or the bool in struct setup_answers */
    bool of_provider; /* makes no sense without one */
};

#define SETUP_MAILDIR_ACCOUNT "default" /* serves every sender */

extern const struct setup_option setup_options[];
extern const size_t setup_option_count;

/* Reads the command line. EX_USAGE. */
bool setup_answers_read(struct setup_answers *answers, int argc, char **argv, struct error *err);

/* Asks for one line: PROMPT, and behind it OFFERED, which an empty line stands for. Returns
 * OFFERED, too, where nobody can be asked. */
const char *setup_answers_ask(struct setup_answers *answers, const char *prompt,
                              const char *offered);

/* Asks a question for yes or no; an empty line is OFFERED, --yes is yes. The end of the input is
 * no, and so it is where nobody can be asked. */
bool setup_answers_confirm(const struct setup_answers *answers, const char *question, bool offered);

/* The login is the address up to its '@'. */
void setup_answers_log_in_as_local_part(struct setup_answers *answers);

/* True if there is a password to be asked for and kept: no command prints it, no token replaces it.
 */
bool setup_answers_need_password(const struct setup_answers *answers);

/* "HOST:PORT" becomes a host and a port. */
void setup_answers_take_host(struct setup_answers *answers, const char *text);

void setup_answers_clear(struct setup_answers *answers);

#endif
