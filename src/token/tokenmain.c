/* onehop-token: gets the access token of one account, or lets a person consent. Run by onehop as a
 * password command is run, and by `onehopctl login`; not meant to be called by people. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/confine.h"
#include "token/renewal.h"
#include "token/tokenreply.h"
#include "token/tokenrequest.h"
#include "token/webclient.h"

static bool read_all(struct str *text)
{
    while (text->len <= TOKENREQUEST_MAX) {
        str_reserve(text, 4096);
        ssize_t n = read(STDIN_FILENO, text->data + text->len, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        text->len += (size_t)n;
        text->data[text->len] = '\0';
    }
    return false;
}

static bool read_request(struct token_request *request, struct error *err)
{
    struct str text = {.secret = true};
    bool ok = read_all(&text) || error_usage(err, "a request that is too long");
    ok = ok && tokenrequest_parse(str_text(&text), text.len, request, err);
    str_clear(&text);
    return ok;
}

/* The answer that config/tokensource.c reads. */
static int print_failure(const struct error *err)
{
    const char *kind = err->class == ERROR_TEMPORARY ? "temporary"
                       : err->code == EX_NOPERM      ? "login"
                                                     : "configuration";
    (void)printf("%s %ld %s\n", kind, err->wait, err->text);
    (void)fflush(stdout); /* the exit status says the same */
    return err->code;
}

static int print_token(const struct token_request *request, struct error *err)
{
    struct str token = {.secret = true};
    if (!renewal_token(request, &token, err))
        return print_failure(err);
    (void)printf("token %s\n", str_text(&token));
    str_clear(&token);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int log_in(const struct token_request *request, struct error *err)
{
    if (renewal_login(request, stdout, err))
        return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
    (void)fflush(stdout); /* before the error */
    (void)fprintf(stderr, "onehopctl: account %s: %s\n", request->account, err->text);
    return err->code;
}

int main(void)
{
    struct token_request request = {0};
    struct error err = {0};
    confine_memory();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    static char output[BUFSIZ];     /* wiped below: it has had the token in it */
    (void)setvbuf(stdout, output, _IOFBF, sizeof output);
    tokenreply_begin();
    if (!read_request(&request, &err) || !webclient_begin(&err)) {
        (void)fprintf(stderr, "onehop-token: %s\n", err.text);
        tokenrequest_clear(&request);
        return err.code;
    }
    int code =
        strcmp(request.mode, "token") == 0 ? print_token(&request, &err) : log_in(&request, &err);
    tokenrequest_clear(&request);
    explicit_bzero(output, sizeof output);
    return code;
}
