#include "config.h"
#include "ctl/setup_account.h"

#include <string.h>
#include <strings.h>

#include "config/iniwriter.h"

static void add_key(struct str *text, const char *key, const char *value)
{
    if (value && *value)
        str_addf(text, "%s = %s\n", key, value);
}

void setup_account_add(const struct setup_answers *answers, const struct submission_server *server,
                       const char *password_file, struct str *text)
{
    bool by_hand = !server->provider;
    const char *address = answers->address;
    const char *admin = answers->admin && strcasecmp(answers->admin, address) != 0 /* the default */
                            ? answers->admin
                            : "";
    struct str port = {0};
    if (server->port)
        str_addf(&port, "%u", server->port);
    str_add(text, "[account ");
    iniwriter_name(address, text);
    str_add(text, "]\n");
    add_key(text, "from", by_hand || answers->login ? address : "");
    add_key(text, "host", by_hand ? server->host : "");
    add_key(text, "port", answers->port ? answers->port : by_hand ? str_text(&port) : "");
    add_key(text, "tls_starttls", !by_hand || !server->port ? "" : server->starttls ? "on" : "off");
    add_key(text, "user", answers->login ? answers->login : address);
    add_key(text, "admin", admin);
    add_key(text, "oauth", answers->oauth);
    add_key(text, "oauth_client_id", answers->client);
    add_key(text, "oauth_client_secret_file", answers->client_secret);
    add_key(text, "password_command", answers->password_command);
    add_key(text, "password_file", setup_answers_need_password(answers) ? password_file : "");
    str_clear(&port);
}
