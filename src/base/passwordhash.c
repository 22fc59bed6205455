#include "config.h"
#include "base/passwordhash.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include "base/dlopennote.h"

#ifdef CRYPT_IN_LIBC
static const char *const sonames[] = {NULL};
#else
/* The two names of one library: distributions that kept glibc's old functions have the first. */
static const char *const sonames[] = {"libcrypt.so.1", "libcrypt.so.2"};

DLOPEN_NOTE("[{\"feature\":\"crypt\",\"description\":\"logins of the listener for the network\","
            "\"priority\":\"suggested\",\"soname\":[\"libcrypt.so.1\",\"libcrypt.so.2\"]}]");
#endif

typedef char *crypt_function(const char *password, const char *setting);
typedef char *gensalt_function(const char *prefix, unsigned long count, const char *random,
                               int random_len);

/* The library stays loaded until the process ends. NULL: there is no such function. */
static void *find(const char *name)
{
    void *found = NULL;
    for (size_t i = 0; !found && i < sizeof sonames / sizeof *sonames; i++) {
        void *handle = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
        found = handle ? dlsym(handle, name) : NULL;
    }
    return found;
}

static crypt_function *find_crypt(void)
{
    void *found = find("crypt");
    crypt_function *function;
    memcpy(&function, &found, sizeof function); /* as POSIX wants it: no cast is portable */
    return function;
}

bool passwordhash_prepare(struct error *err)
{
    return find_crypt() || error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_UNAVAILABLE,
                                     "logins need libcrypt, which is not installed");
}

bool passwordhash_is_strong(const char *text)
{
    static const char *const kinds[] = {"$y$", "$gy$", "$7$", "$2b$", "$2y$", "$2a$", "$6$", "$5$"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(text, kinds[i], strlen(kinds[i])) == 0)
            return strcspn(text, " \t") == strlen(text) && text[strlen(kinds[i])];
    return false;
}

static bool equal(const char *a, const char *b)
{
    size_t len = strlen(a);
    unsigned char difference = strlen(b) != len;
    for (size_t i = 0; i < len && !difference; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return !difference;
}

/* A failure of crypt(3) is NULL, or a text that begins with '*' and is no hash. */
bool passwordhash_fits(const char *hash, const char *password)
{
    crypt_function *function = find_crypt();
    const char *made = function ? function(password, hash) : NULL;
    return made && passwordhash_is_strong(made) && equal(hash, made);
}

/* A setting for sha512crypt: sixteen characters of salt are 96 bits. */
static bool add_salt(struct str *out)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    str_add(out, "$6$rounds=200000$");
    for (size_t i = 0; i < sizeof random; i++)
        str_add_char(out, digits[random[i] % 64]);
    return true;
}

bool passwordhash_make(struct str *out, const char *password, struct error *err)
{
    void *found = find("crypt_gensalt");
    gensalt_function *gensalt;
    memcpy(&gensalt, &found, sizeof gensalt);
    struct str salt = {0};
    const char *setting = gensalt ? gensalt(NULL, 0, NULL, 0) : NULL;
    if (setting && passwordhash_is_strong(setting))
        str_add(&salt, setting);
    bool ok = passwordhash_prepare(err) && (salt.len > 0 || add_salt(&salt) ||
                                            error_system(err, EX_OSERR, "cannot make a hash"));
    const char *made = ok ? find_crypt()(password, str_text(&salt)) : NULL;
    if (ok && (!made || !passwordhash_is_strong(made)))
        ok = error_system(err, EX_OSERR, "cannot make a hash");
    if (ok)
        str_add(out, made);
    str_clear(&salt);
    return ok;
}
