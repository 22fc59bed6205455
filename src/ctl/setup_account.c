#include "config.h"
#include "ctl/setup_account.h"

#include <string.h>
#include <strings.h>

#include "config/iniwriter.h"

struct line {
    const char *key, *value; /* NULL or "": there is none */
};

bool setup_account_add(const struct setup_answers *answers, const struct submission_server *server,
                       const char *password_file, struct str *text, struct error *err)
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
    const struct line lines[] = {
        {"from", by_hand || answers->login ? address : ""},
        {"host", by_hand ? server->host : ""},
        {"port", answers->port ? answers->port : by_hand ? str_text(&port) : ""},
        {"tls_starttls", !by_hand || !server->port ? "" : server->starttls ? "on" : "off"},
        {"user", answers->login ? answers->login : address},
        {"admin", admin},
        {"oauth", answers->oauth},
        {"oauth_client_id", answers->client},
        {"oauth_client_secret_file", answers->client_secret},
        {"password_command", answers->password_command},
        {"password_file", setup_answers_need_password(answers) ? password_file : ""},
    };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof lines / sizeof *lines; i++)
        ok = !lines[i].value || !*lines[i].value ||
             iniwriter_line(key_find(KEY_ACCOUNT, lines[i].key), lines[i].value, text, err);
    str_clear(&port);
    return ok;
}
