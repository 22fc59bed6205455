#include "config.h"
#include "base/idna.h"

#include "base/escape.h"
#include "base/module.h"

bool idna_to_alabels(struct str *out, const char *domain)
{
    struct error ignored;
    if (escape_is_ascii(domain)) {
        str_add(out, domain);
        return true;
    }
    const struct module *module = module_get(&ignored);
    return module && module->to_alabels(out, domain);
}
