/* What the steps of a session share; for the files of this folder only. Each step is a file:
 * hello.c, secure.c, login.c, transaction.c, window.c. */
#ifndef SESSIONSTATE_H
#define SESSIONSTATE_H

#include <stdbool.h>

#include "base/strlist.h"
#include "smtp/session.h"
#include "smtp/wire.h"

struct transaction;

struct session {
    struct wire wire;
    const struct session_params *params;
    struct session_capabilities capabilities;
    bool secure;            /* passwords may be shown */
    bool unclean;           /* a transaction was begun and not ended: RSET goes before the next */
    bool chunking_hurt;     /* see session_chunking_hurt() */
    bool bdat_refused;      /* see session_bdat_refused() */
    bool streaming_refused; /* see session_streaming_refused() */
    bool verified;          /* a transaction was accepted completely, the ordinary way */
    bool suspect;           /* see window.c */
    size_t mails;           /* MAIL was sent so often */
    struct strlist domains; /* of the recipients so far, where the server limits them */
    struct transaction *window; /* in flight: a ring of SESSION_WINDOW_MAX; NULL: none yet */
    size_t window_at, in_flight, octets_in_flight;
};

/* STARTTLS and the handshake (RFC 3207). Afterwards nothing of the time before is known. */
bool secure_start(struct session *session, struct error *err);

/* Forgets the transactions in flight. */
void window_clear(struct session *session);

/* Reads the lines of an EHLO reply into CAPABILITIES, which are cleared before. Words are matched
 * whole and in any case; `AUTH=` of servers before RFC 2554 counts as AUTH. */
void capability_read(struct session_capabilities *capabilities, const struct reply *reply);
void capability_clear(struct session_capabilities *capabilities);

/* Reads the limits of an EHLO line "LIMITS WORDS" (RFC 9422) into CAPABILITIES. */
void limits_read(struct session_capabilities *capabilities, const char *words);

/* How many recipients one transaction may have, by the parameters and by the server; 0: any. */
size_t limits_recipients(const struct session *session);

/* Whether the domain of RECIPIENT may occur in this session; whether those of all recipients of ENV
 * may, together; and that the domain of RECIPIENT does occur. */
bool limits_allow_domain(const struct session *session, const char *recipient);
bool limits_allow_all(const struct session *session, const struct envelope *env);
void limits_note_domain(struct session *session, const char *recipient);

#endif
