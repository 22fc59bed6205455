#include "config.h"
#include "ctl/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileread.h"
#include "base/memory.h"
#include "config/iniwriter.h"
#include "compat/foreign.h"
#include "compat/msmtprc.h"
#include "submit/help.h"
#include "submit/report.h"
#include "ctl/setup_file.h"

struct convert {
    const struct site *site;
    const char *secrets; /* or NULL */
    struct str path;
    struct configfile file; /* its accounts */
    struct strlist remarks;
    struct str queue; /* lines of [queue] */
    struct str out;   /* a secret */
    size_t written;   /* files of secrets */
};

/* The first that is there, unless one is named. */
static bool find_file(struct convert *c, const char *named, struct error *err)
{
    const struct {
        const char *directory, *name;
    } places[] = {
        {c->site->caller.home, ".msmtprc"},         {c->site->caller.config_home, "msmtp/config"},
        {c->site->paths->sysconfdir, "msmtprc"},    {c->site->paths->sysconfdir, "ssmtp/ssmtp.conf"},
        {c->site->paths->sysconfdir, "nullmailer"}, {c->site->paths->sysconfdir, "dma/dma.conf"},
    };
    if (named) {
        str_add(&c->path, named);
        return true;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        str_truncate(&c->path, 0);
        str_addf(&c->path, "%s/%s", places[i].directory, places[i].name);
        if (*places[i].directory && access(str_text(&c->path), F_OK) == 0)
            return true;
    }
    (void)error_config(err, "there is nothing to convert: neither an msmtprc nor ssmtp.conf, "
                            "/etc/nullmailer or dma.conf; name the file");
    err->code = EX_NOINPUT;
    return false;
}

/* True if some line of TEXT is the command `eval`. */
static bool has_eval(const struct str *text)
{
    for (const char *line = str_text(text); *line;
         line += strcspn(line, "\n"), line += *line == '\n') {
        line += strspn(line, " \t");
        if (strncmp(line, "eval", 4) == 0 && (line[4] == ' ' || line[4] == '\t'))
            return true;
    }
    return false;
}

/* What msmtp did because nobody said otherwise, and what few mean: onehop's own way is better. */
static void note_defaults(struct convert *c, const struct configfile *file)
{
    bool waits = false, local = false;
    for (size_t i = 0; i < file->n; i++) {
        waits = waits || file->account[i]->timeout == 0;
        local = local || strcmp(file->account[i]->domain, "localhost") == 0;
    }
    if (waits)
        strlist_add(&c->remarks, "timeout off: msmtp waited for ever, this waits a minute for each "
                                 "reply; `timeout = off` is the old way");
    if (local)
        strlist_add(&c->remarks, "domain localhost: providers refuse that name in EHLO, this says "
                                 "the host's full name; `domain` sets another");
}

static bool read_msmtprc(struct convert *c, struct configfile *file, struct error *err)
{
    struct str text = {.secret = true};
    bool ok = fileread_all(file->path, CONFIGURATION_FILE_MAX, &text, NULL, err) &&
              msmtprc_read(file, &text, clock_after(MSMTPRC_EVAL_TIME), err);
    if (has_eval(&text))
        strlist_add(&c->remarks, "lines of `eval` stand here with what their commands say now");
    if (ok && !configfile_find(file, "default"))
        strlist_add(&c->remarks, "there was no account default: msmtp refused other senders; this "
                                 "does so if there is more than one account");
    note_defaults(c, file);
    str_clear(&text);
    return ok;
}

static bool ends_in(const struct str *path, const char *name)
{
    size_t len = strlen(name);
    return path->len >= len && strcmp(path->data + path->len - len, name) == 0;
}

static bool read_input(struct convert *c, struct error *err)
{
    struct stat facts;
    const char *path = str_text(&c->path);
    struct foreign foreign = {
        .file = &c->file, .remarks = &c->remarks, .queue = &c->queue, .host = c->site->host.name};
    c->file = (struct configfile){.path = path, .scope = SCOPE_USER, .home = c->site->caller.home};
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return foreign_nullmailer(&foreign, path, err);
    if (ends_in(&c->path, "ssmtp.conf"))
        return foreign_ssmtp(&foreign, path, err);
    if (ends_in(&c->path, "dma.conf"))
        return foreign_dma(&foreign, path, err);
    return read_msmtprc(c, &c->file, err);
}

/* Writes the password and its line end into a new file. */
static bool write_secret(const char *path, const struct str *password, struct error *err)
{
    static const struct setup_owner own = {(uid_t)-1, (gid_t)-1, 0600};
    struct str line = {.secret = true};
    str_add_n(&line, str_text(password), password->len);
    str_add_char(&line, '\n');
    bool ok = setup_file_write(path, &line, &own, err);
    str_clear(&line);
    return ok;
}

static bool add_account(struct convert *c, const struct account *a, struct error *err)
{
    struct str file = {0};
    bool move = c->secrets && a->password.len > 0;
    if (move && c->secrets[0] != '/') {
        char *here = getcwd(NULL, 0);
        str_addf(&file, "%s/", here ? here : "");
        free(here);
    }
    if (move) {
        str_add(&file, c->secrets);
        if (c->written++ > 0) {
            str_add_char(&file, '.');
            iniwriter_name(a->name, &file);
        }
    }
    bool ok = (!move || write_secret(str_text(&file), &a->password, err)) &&
              iniwriter_account(a, move ? str_text(&file) : NULL, &c->out, err);
    str_clear(&file);
    return ok;
}

static bool convert(struct convert *c, const char *named, struct error *err)
{
    if (!find_file(c, named, err) || !read_input(c, err))
        return false;
    bool secret = false;
    for (size_t i = 0; i < c->file.n; i++)
        secret = secret || (c->file.account[i]->password.len && !c->secrets);
    str_addf(&c->out, "; made of %s by onehopctl convert\n", str_text(&c->path));
    if (secret)
        str_add(&c->out, "; It holds a password: chmod 600 it, or convert with --secrets FILE.\n");
    for (size_t i = 0; i < c->remarks.n; i++)
        str_addf(&c->out, "; - %s\n", c->remarks.item[i]);
    str_add(&c->out, "; For senders of its own `domains`; -f chooses, else the From field.\n\n");
    for (size_t i = 0; i < c->file.n; i++)
        if (!add_account(c, c->file.account[i], err))
            return false;
    if (c->queue.len)
        str_addf(&c->out, "[queue]\n%s\n", str_text(&c->queue));
    return true;
}

int convert_run(int argc, char **argv, struct site *site)
{
    struct convert c = {.site = site, .out = {.secret = true}};
    struct error err;
    int code = EX_OK;
    if (argc >= 2 && strcmp(argv[0], "--secrets") == 0) {
        c.secrets = argv[1];
        argc -= 2;
        argv += 2;
    }
    if (argc > 1 || (argc == 1 && argv[0][0] == '-')) {
        report_line(site->program, "convert takes --secrets FILE, and one file or directory");
        return EX_USAGE;
    }
    if (convert(&c, argc == 1 ? argv[0] : NULL, &err)) {
        (void)fwrite(str_text(&c.out), 1, c.out.len, stdout);
        code = help_flush();
    } else {
        report_error(site->program, &err);
        code = err.code;
    }
    configfile_clear(&c.file);
    strlist_clear(&c.remarks);
    str_clear(&c.path);
    str_clear(&c.queue);
    str_clear(&c.out);
    return code;
}
