#include "config.h"
#include "base/module.h"

#include <dlfcn.h>
#include <string.h>
#include <sysexits.h>

extern const struct module onehop_module __attribute__((weak)); /* linked in, or not */

const struct module *module_get(struct error *err)
{
    if (&onehop_module)
        return &onehop_module;
    /* Only what is used is bound: the libraries export thousands of functions. */
    void *handle = dlopen(module_file(), RTLD_LAZY | RTLD_LOCAL);
    const struct module *module = handle ? dlsym(handle, "onehop_module") : NULL;
    if (module && strcmp(module->version, PACKAGE_VERSION) == 0)
        return module;
    if (module)
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_OSFILE,
                        "TLS: %s is of version %s, this program of version %s: start it again",
                        module_file(), module->version, PACKAGE_VERSION);
    else
        (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_OSFILE, "TLS: %s", dlerror());
    return NULL;
}
