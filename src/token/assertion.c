#include "config.h"
#include "token/assertion.h"

#include <string.h>

#include "token/secretfile.h"
#include "token/signature.h"
#include "token/tokenreply.h"

enum { CLIENT_LIFE = 300, SERVICE_LIFE = 3600 }; /* seconds */

struct jwt { /* both lack their closing brace */
    struct str header, claims;
};

/* A text of JSON (RFC 8259, 7). */
static void add_text(struct str *out, const char *text)
{
    str_add(out, "\"");
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            str_addf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            str_addf(out, "\\u%04x", (unsigned)*text);
        else
            str_add_char(out, *text);
    str_add(out, "\"");
}

static void add_name(struct str *out, const char *name)
{
    str_add(out, out->len == 0 ? "{" : ",");
    add_text(out, name);
    str_add(out, ":");
}

static void add_member(struct str *out, const char *name, const char *value)
{
    add_name(out, name);
    add_text(out, value);
}

static void add_moment(struct str *out, const char *name, int64_t value)
{
    add_name(out, name);
    str_addf(out, "%lld", (long long)value);
}

static bool sign(struct jwt *jwt, const struct signature_key *key, bool pss, struct str *out,
                 struct error *err)
{
    struct str signed_part = {0};
    add_member(&jwt->header, "typ", "JWT");
    add_member(&jwt->header, "alg", signature_algorithm(key, pss));
    str_add(&jwt->header, "}");
    str_add(&jwt->claims, "}");
    signature_base64url(&signed_part, str_text(&jwt->header), jwt->header.len);
    str_add(&signed_part, ".");
    signature_base64url(&signed_part, str_text(&jwt->claims), jwt->claims.len);
    str_addf(out, "%s.", str_text(&signed_part));
    bool ok = signature_make(key, pss, &signed_part, out, err);
    str_clear(&signed_part);
    str_clear(&jwt->header);
    str_clear(&jwt->claims);
    return ok;
}

static bool add_thumbprints(const struct token_request *request, struct str *header,
                            struct error *err)
{
    struct str pem = {0}, sha1 = {0}, sha256 = {0};
    bool ok = !*request->cert_file ||
              (secretfile_read_public(request->cert_file, &pem, err) &&
               signature_thumbprints(&pem, request->cert_file, &sha1, &sha256, err));
    if (ok && sha1.len > 0) {
        add_member(header, "x5t", str_text(&sha1));
        add_member(header, "x5t#S256", str_text(&sha256));
    }
    str_clear(&pem);
    str_clear(&sha1);
    str_clear(&sha256);
    return ok;
}

static bool fill_client(const struct token_request *request, const struct assertion_facts *facts,
                        struct jwt *jwt, struct error *err)
{
    struct str id = {0};
    bool ok = add_thumbprints(request, &jwt->header, err) && signature_random(&id, 16, err);
    add_member(&jwt->claims, "iss", request->client);
    add_member(&jwt->claims, "sub", request->client);
    add_member(&jwt->claims, "aud", facts->audience);
    add_member(&jwt->claims, "jti", str_text(&id));
    add_moment(&jwt->claims, "iat", facts->now);
    add_moment(&jwt->claims, "nbf", facts->now);
    add_moment(&jwt->claims, "exp", facts->now + CLIENT_LIFE);
    str_clear(&id);
    return ok;
}

bool assertion_of_client(const struct token_request *request, const struct assertion_facts *facts,
                         struct str *out, struct error *err)
{
    struct str pem = {.secret = true};
    struct jwt jwt = {0};
    struct signature_key *key = secretfile_read(request, request->key_file, &pem, err)
                                    ? signature_key_read(&pem, request->key_file, err)
                                    : NULL;
    bool ok =
        key && fill_client(request, facts, &jwt, err) && sign(&jwt, key, facts->pss, out, err);
    str_clear(&jwt.header);
    str_clear(&jwt.claims);
    str_clear(&pem);
    signature_key_free(key);
    return ok;
}

/* Google's file is an object with the key in it. */
static bool read_service_key(const struct token_request *request, struct token_reply *file,
                             struct error *err)
{
    struct str text = {.secret = true};
    bool ok = secretfile_read(request, request->key_file, &text, err);
    if (ok && str_text(&text)[strspn(str_text(&text), " \t\r\n")] == '{') {
        ok = tokenreply_parse(str_text(&text), text.len, file) && file->private_key.len > 0;
        if (!ok)
            error_config(err, "%s: has no private_key: download the service account's JSON key",
                         request->key_file);
    } else if (ok) {
        file->private_key.secret = true;
        str_add_n(&file->private_key, text.data, text.len);
    }
    str_clear(&text);
    return ok;
}

static void fill_service(const struct token_request *request, const struct assertion_facts *facts,
                         const struct token_reply *file, struct jwt *jwt)
{
    const char *account =
        *request->service_account ? request->service_account : str_text(&file->client_email);
    if (file->key_id.len > 0)
        add_member(&jwt->header, "kid", str_text(&file->key_id));
    add_member(&jwt->claims, "iss", account);
    add_member(&jwt->claims, "sub", request->user); /* the mailbox that it acts for */
    add_member(&jwt->claims, "scope", request->scope);
    add_member(&jwt->claims, "aud", facts->audience);
    add_moment(&jwt->claims, "iat", facts->now);
    add_moment(&jwt->claims, "exp", facts->now + SERVICE_LIFE);
}

bool assertion_of_service(const struct token_request *request, const struct assertion_facts *facts,
                          struct str *out, struct error *err)
{
    struct token_reply file = {0};
    struct jwt jwt = {0};
    bool ok = read_service_key(request, &file, err);
    if (ok && !*request->service_account && file.client_email.len == 0)
        ok = error_config(err, "nothing names the service account: add "
                               "`oauth_service_account = ...@....iam.gserviceaccount.com`");
    struct signature_key *key =
        ok ? signature_key_read(&file.private_key, request->key_file, err) : NULL;
    if (key)
        fill_service(request, facts, &file, &jwt);
    ok = key && sign(&jwt, key, facts->pss, out, err);
    tokenreply_clear(&file);
    signature_key_free(key);
    return ok;
}
