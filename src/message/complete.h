/* Making a caller's message whole: what RFC 5322 (3.6) asks for and callers leave out, what must
 * not leave (Bcc), bare names qualified, and a sender the provider will not take replaced. Decides
 * on values it is given; knows no account and no clock. */
#ifndef COMPLETE_H
#define COMPLETE_H

#include <stdbool.h>
#include <time.h>

#include "message/envelope.h"
#include "message/header.h"

enum complete_mode { /* auto: only where it is missing */
                     COMPLETE_OFF,
                     COMPLETE_AUTO,
                     COMPLETE_ON
};
enum complete_to { /* a message without header gets a To in any case */
                   COMPLETE_TO_OFF,
                   COMPLETE_TO_ON, /* To, Cc and Bcc become one To, of the envelope's recipients */
                   COMPLETE_TO_UNDISCLOSED, /* likewise, but `undisclosed-recipients:;` */
};

struct completion {
    const char *sender; /* envelope sender after account choice and rewriting */
    const char
        *from_address;     /* for a From that is made: the account's from, qualified; "": sender */
    const char *full_name; /* -F, or the account's from_full_name, or ""; for a From that is made */
    const char *rewrite_to; /* "" or the account's address: From and Sender that are not allowed
                               become this */
    bool (*may_use)(void *context, const char *mailbox); /* with rewrite_to: addresses that stay
                               (they come qualified); NULL: only rewrite_to itself does */
    void *context;
    const char *host;           /* this host's name: "root on HOST" when a bare name is rewritten */
    const char *qualify_domain; /* appended to bare addresses in address fields; "": they stay */
    const char *message_id_domain;
    enum complete_mode from, date, message_id, subject;
    enum complete_to to;
    bool keep_bcc;                   /* Resent-Bcc and Bcc go unless this is set (msmtp's option) */
    bool keep_8bit;                  /* leave header text that is not ASCII as it came */
    time_t now;                      /* for Date, local zone */
    const struct envelope *envelope; /* for To */
};

/* Changes HEADER:
 * - Return-Path is removed, and so are Bcc and Resent-Bcc in every spelling.
 * - From, Sender, Resent-From and Resent-Sender that may not be used are rewritten. A From keeps
 * its display name (`root (Cron Daemon)` becomes `Cron Daemon <ACCOUNT>`), or gets "LOCAL on HOST"
 * if it had none; originals that answers can reach (the domain has a dot and is not local) go to
 *   Reply-To unless there is one. A Sender that was rewritten and says no more than From is
 * removed.
 * - Bare addresses are qualified: From, Sender, Reply-To, To, Cc and their Resent- twins.
 * - Text that is not ASCII becomes encoded words (RFC 2047) in display names and unstructured
 *   fields, because PHP and logwatch send it raw, and a server without SMTPUTF8 may refuse that.
 * - What is missing is added in front, in the order From, To, Subject, Date, Message-ID. A From,
 *   Date or Message-ID with nothing in it is missing. COMPLETE_ON for From replaces what is there.
 * FIRST_LINE is the first line of the text, for a Subject: at most 20 characters as they are, else
 * 17 and "...", never cut inside a UTF-8 character; control characters become blanks; a blank line
 * makes no Subject. */
void complete_header(struct header *header, const struct completion *want, const char *first_line);

/* Appends "Mon, 23 Nov 2026 07:53:00 +0000" (RFC 5322, 3.3), local zone, whatever the locale. */
void complete_date(struct str *out, time_t when);

/* Appends a Message-ID with angle brackets, unique by time, process and 64 random bits. */
void complete_message_id(struct str *out, const char *domain, time_t now);

#endif
