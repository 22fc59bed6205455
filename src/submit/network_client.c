#include "config.h"
#include "submit/network_client.h"

#include <poll.h>
#include <string.h>
#include <syslog.h>

#include "base/escape.h"
#include "base/module.h"
#include "submit/report.h"

/* One line, whose form administrators match: doc/onehop-service.8, etc/fail2ban. */
static void log_line(const char *format, const char *address, const char *what)
{
    struct str text = {0};
    str_addf(&text, format, address);
    escape_line(&text, what, strlen(what));
    openlog("onehop", LOG_PID, LOG_MAIL);
    syslog(LOG_MAIL | LOG_WARNING, "%s", str_text(&text));
    report_line("onehop", "%s", str_text(&text));
    str_clear(&text);
}

/* A key counts without regard to its signer, names only if an authority of ours signed them. */
static const struct user *find_user(struct network_client *client)
{
    const struct listener *listener = client->listener;
    const struct tlsserver_peer *peer = &client->peer;
    const struct user *user = users_find_key(&listener->users, peer->key);
    for (size_t i = 0; !user && i < peer->names.n; i++)
        user = users_find(&listener->users, peer->names.item[i]);
    if (user || !listener->names_suffice || peer->names.n == 0)
        return user;
    client->named = (struct user){.name = peer->names.item[0]};
    return &client->named;
}

struct stream *network_client_secure(struct network_client *client, struct stream *plain,
                                     int64_t deadline)
{
    struct error err;
    const struct module *module = module_get(&err);
    struct stream *stream =
        module ? module->tls_accept(plain, client->listener->tls, deadline, &err) : NULL;
    if (!stream) {
        log_line("no TLS with %s: ", client->address, err.text);
        return NULL;
    }
    client->secured = true;
    module->tls_peer(stream, &client->peer);
    client->certificate_user = find_user(client);
    return stream;
}

bool network_client_certified(struct network_client *client, const char *as)
{
    const struct user *user = client->certificate_user;
    if (!user || (*as && strcmp(as, user->name) != 0))
        return false;
    client->user = user;
    return true;
}

bool network_client_login(struct network_client *client, const char *user, const char *password)
{
    const struct user *found = listener_log_in(client->listener, user, password);
    if (found) {
        client->user = found;
        return true;
    }
    long before = atomic_fetch_add(client->failures, 1);
    log_line("failed login from %s, user ", client->address, user);
    int doubled = before < NETWORK_CLIENT_DOUBLED_MAX ? (int)before : NETWORK_CLIENT_DOUBLED_MAX;
    (void)poll(NULL, 0, NETWORK_CLIENT_DELAY << doubled);
    return false;
}
