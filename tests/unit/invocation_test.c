#include "suite.h"

#include "base/str.h"
#include "cli/invocation.h"

enum { WORDS_MAX = 24, LINE_MAX_OCTETS = 256 };

/* Splits LINE at blanks; '_' inside a word stands for a blank, '~' alone for an empty word. */
static int split(char *line, char **argv)
{
    int argc = 0;
    for (char *at = line; *at && argc < WORDS_MAX - 1;) {
        argv[argc++] = at;
        size_t len = strcspn(at, " ");
        bool last = at[len] == '\0';
        at[len] = '\0';
        if (strcmp(at, "~") == 0)
            at[0] = '\0';
        for (char *c = at; *c; c++)
            if (*c == '_')
                *c = ' ';
        at += len + !last;
        if (last)
            break;
    }
    argv[argc] = NULL;
    return argc;
}

static void describe(const struct invocation *call, struct str *out)
{
    str_addf(out, "%d%s%s%s", (int)call->mode, call->wishes.read_recipients ? " t" : "",
             call->dots_are_text ? " i" : "", call->verbose ? " v" : "");
    if (call->wishes.from)
        str_addf(out, " f=%s", call->wishes.from);
    if (*call->wishes.full_name)
        str_addf(out, " F=%s", call->wishes.full_name);
    if (*call->wishes.account)
        str_addf(out, " a=%s", call->wishes.account);
    if (call->file)
        str_addf(out, " C=%s", call->file);
    if (call->host)
        str_addf(out, " host=%s", call->host);
    if (call->rmqs)
        str_addf(out, " rmqs=%s", call->rmqs);
    if (call->configure)
        str_addf(out, " configure=%s", call->configure);
    if (call->notify_given)
        str_addf(out, " N=%u", call->notify);
    if (call->return_given)
        str_addf(out, " R=%d", (int)call->dsn_return);
    for (size_t i = 0; i < call->overrides; i++)
        str_addf(out, " %s:%s", call->override[i].key->name, call->override[i].value);
    for (size_t i = 0; i < call->wishes.recipients.n; i++)
        str_addf(out, " <%s>", call->wishes.recipients.item[i]);
}

static const struct {
    const char *line;
    const char *expected; /* NULL: refused */
} cases[] = {
    /* what real callers pass */
    {"/usr/sbin/sendmail -t -i", "0 t i"},
    {"sendmail -t -i -fbounce@y.z -F Full_Name", "0 t i f=bounce@y.z F=Full Name"},
    {"/usr/sbin/sendmail -FCronDaemon -i -B8BITMIME -oem root", "0 i F=CronDaemon <root>"},
    {"sendmail -FCronDaemon -i -odi -oem -oi -t -f root",
     "0 t i f=root F=CronDaemon delivery_mode:interactive"},
    {"sendmail -FCronDaemon -odi -oem -or0s root",
     "0 F=CronDaemon delivery_mode:interactive <root>"},
    {"sendmail -ti", "0 t i"},
    {"sendmail -oem -oi -f a@b -B8BITMIME -N failure,delay -R hdrs -- to cc",
     "0 i f=a@b N=12 R=2 <to> <cc>"},
    {"sendmail -i -F Me -f me@x -- a b", "0 i f=me@x F=Me <a> <b>"},
    {"sendmail -B 8BITMIME -f root -- a b", "0 f=root <a> <b>"},
    {"sendmail -f from@x to@y -i", "0 i f=from@x <to@y>"},
    {"sendmail -i -f ~ x@y", "0 i f= <x@y>"},
    {"sendmail -f <> x@y", "0 f= <x@y>"},
    {"sendmail -f <a@b> x@y", "0 f=a@b <x@y>"},
    {"sendmail -f Backup_job_<a@b> x@y", "0 f=a@b <x@y>"},
    {"sendmail -f Doe,_Jane_<a@b> x@y", "0 f=a@b <x@y>"},
    {"sendmail -f \"Doe,_J.\"_<a@b> x@y", "0 f=a@b <x@y>"},
    {"sendmail -f a@b_(Backup_job) x@y", "0 f=a@b <x@y>"},
    {"sendmail -f Nobody_<> x@y", "0 f= <x@y>"},
    {"sendmail -f <\"a\\b\"@c> x@y", "0 f=ab@c <x@y>"},
    {"sendmail -bq -oi -t", "0 t i delivery_mode:queue"},
    {"sendmail -oi -t -ODeliveryMode=b -OErrorMode=m", "0 t i delivery_mode:background"},
    {"sendmail -r a@b -s x", "0 f=a@b <x>"},
    {"sendmail -- -x", "0 <-x>"},
    {"sendmail -bm -G -h 3 -L tag -m -n -U -A c -p x x@y", "0 <x@y>"},
    /* names and modes */
    {"mailq", "4"},
    {"newaliases", "6"},
    {"runq", "5"},
    {"sendmail -bp", "4"},
    {"sendmail -bi", "6"},
    {"sendmail -q", "5"},
    {"sendmail -q30m", "5"},
    {"sendmail -bd -q30m", "8"},
    {"sendmail -q30m -bd", "8"},
    {"sendmail -I", "6"},
    {"sendmail -bV", "2"},
    {"sendmail --vers", "2"},
    {"onehop -d0.1", "2 v"},
    /* the command line in full, for who is trusted */
    {"onehop --host=h --port=25 --tls=off x@y", "0 host=h port:25 tls:off <x@y>"},
    {"onehop --tls --auth --set-from-header x", "0 tls:on auth:on set_from_header:auto <x>"},
    {"onehop -C /tmp/x -a work --read-r", "0 t a=work C=/tmp/x"},
    {"msmtp --keepbcc x", "0 remove_bcc_headers:off <x>"},
    {"msmtp --keepbcc=off x", "0 remove_bcc_headers:on <x>"},
    {"msmtp --undisclosed-recipients x", "0 set_to_header:undisclosed_recipients <x>"},
    {"msmtp --undisclosed-recipients=off x", "0 set_to_header:off <x>"},
    {"msmtp --add-missing-from-header --add-missing-date-header=off x",
     "0 set_from_header:auto set_date_header:off <x>"},
    {"msmtp --auto-from --maildomain=x.org x", "0 auto_from:on maildomain:x.org <x>"},
    {"msmtp --tls-force-sslv3 --tls-force-sslv3=on x", "0 <x>"},
    {"msmtp --set-to-header --remove-bcc-headers --syslog x",
     "0 set_to_header:on remove_bcc_headers:on syslog:on <x>"},
    {"msmtp --proxy-host=p --proxy-port= x", "0 proxy_host:p proxy_port: <x>"},
    {"msmtp --connect-timeout=5 x", "0 timeout:5 <x>"},
    {"msmtp x -f a@b y", "0 f=a@b <x> <y>"},
    {"msmtp -S --host=h", "9 host=h"},
    {"msmtp --serverinfo", "9"},
    {"msmtp --rmqs=@x.org -a b", "10 a=b rmqs=@x.org"},
    {"msmtp --configure=a@b -S", "11 configure=a@b"},
    {"msmtp --configure=a@b --version", "2 configure=a@b"},
    {"msmtp -S x", NULL},
    {"msmtp --rmqs=x y", NULL},
    {"msmtp -S --rmqs=x", NULL},
    {"msmtp --rmqs=x_y", NULL},
    {"msmtp --keepbcc=auto x", NULL},
    {"sendmail -S", NULL},
    {"sendmail --rmqs=x", NULL},
    {"sendmail --configure=a@b", NULL},
    {"sendmail --proxy-host=evil -t", NULL},
    {"onehop --passwordeval=cat x", "0 password_command:cat <x>"},
    {"onehop -X /tmp/log x", "0 logfile:/tmp/log <x>"},
    {"onehop -v x", "0 v <x>"},
    {"onehop --host=h -a b x", NULL},
    {"onehop --read-envelope-from -f x y", NULL},
    {"onehop --password=x y", NULL},
    {"onehop -N sometimes x", NULL},
    {"onehop -N never,delay x", NULL},
    {"onehop -R all x", NULL},
    {"onehop --nonsense x", NULL},
    {"onehop --protocol", NULL},
    {"onehop --delivery-mode queue x", "0 delivery_mode:queue <x>"},
    {"onehop -f", NULL},
    {"onehop -Z", NULL},
    /* the option firewall */
    {"sendmail -t -C/tmp/evil", NULL},
    {"sendmail -tC /tmp/evil", NULL},
    {"sendmail --file=/tmp/evil -t", NULL},
    {"sendmail --fil=/tmp/evil -t", NULL},
    {"sendmail --host=evil -t", NULL},
    {"sendmail --hos evil -t", NULL},
    {"sendmail --passwordeval=/tmp/evil -t", NULL},
    {"sendmail --password-command=/tmp/evil -t", NULL},
    {"sendmail --tls-trust-file=/tmp/evil -t", NULL},
    {"sendmail --tls-certcheck=off -t", NULL},
    {"sendmail --user=x -t", NULL},
    {"sendmail --socket=/tmp/evil -t", NULL},
    {"sendmail --logfile=/var/www/x.php -t", NULL},
    {"sendmail -X/var/www/x.php -fa@b -t", "0 t f=a@b"},
    {"sendmail -OQueueDirectory=/tmp -D /tmp/x -oQ/tmp -d99 -t", "0 t"},
    {"onehop -C /etc/x.ini --untrusted-args -t -C/tmp/evil", NULL},
    {"onehop -C /etc/x.ini --untrusted-args -t -fa@b", "0 t f=a@b C=/etc/x.ini"},
    {"send-mail -C x", NULL},
    {"anything -C x", NULL},
};

static void command_lines_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[LINE_MAX_OCTETS];
        char *argv[WORDS_MAX];
        snprintf(line, sizeof line, "%s", cases[i].line);
        int argc = split(line, argv);
        struct invocation call;
        struct error err;
        struct str got = {0};
        bool ok = invocation_parse(&call, argc, argv, &err);
        print_message("# %s%s%s\n", cases[i].line, ok ? "" : ": ", ok ? "" : err.text);
        if (cases[i].expected) {
            assert_true(ok);
            describe(&call, &got);
            assert_string_equal(str_text(&got), cases[i].expected);
        } else {
            assert_false(ok);
            assert_int_equal(err.code, EX_USAGE);
        }
        str_clear(&got);
        invocation_clear(&call);
    }
}

static void control_characters_are_refused_first(void **state)
{
    (void)state;
    static const char *const bad[] = {"-fa\nb", "a@b\r\nBcc: c@d", "-F\x01", "\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char program[] = "sendmail", *argv[] = {program, (char *)bad[i], NULL};
        struct invocation call;
        struct error err;
        assert_false(invocation_parse(&call, 2, argv, &err));
        assert_int_equal(err.code, EX_USAGE);
        assert_non_null(strstr(err.text, "control character"));
        invocation_clear(&call);
    }
}

static void options_with_bad_values_are_refused(void **state)
{
    (void)state;
    char program[] = "onehop", bad[] = "--port=x";
    char *wrong[] = {program, bad, NULL};
    struct invocation call;
    struct error err;
    assert_false(invocation_parse(&call, 2, wrong, &err)); /* before any file is read */
    assert_int_equal(err.code, EX_USAGE);
    invocation_clear(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines_are_understood),
        cmocka_unit_test(control_characters_are_refused_first),
        cmocka_unit_test(options_with_bad_values_are_refused),
    };
    return cmocka_run_group_tests_name("invocation", tests, NULL, NULL);
}
