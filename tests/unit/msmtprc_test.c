#include "suite.h"

#include <errno.h>

#include "base/clock.h"
#include "compat/msmtprc.h"
#include "configdir.h"
#include "msmtprcprint.h"

static const struct paths paths = {
    .sysconfdir = sysconfdir, .pkgdatadir = pkgdatadir, .read_msmtprc = msmtprc_load};

static bool read_text(struct configfile *file, const char *text, struct error *err)
{
    struct str s = {0};
    str_add(&s, text);
    *file = (struct configfile){.path = "rc", .scope = SCOPE_USER, .home = "/home/me"};
    bool ok = msmtprc_read(file, &s, clock_after(60000), err);
    str_clear(&s);
    return ok;
}

static const struct {
    const char *name, *text;
    const char *expected; /* the accounts as msmtprc_print() shows them, lines joined by ';' */
} cases[] = {
    {"nothing", "# nothing\n\n  # here\n", ""},
    {"one account", "account a\nhost h\nport 587\n", "account a;host h;port 587;"},
    {"blanks, tabs, CRLF", "\taccount\ta \r\n  host\th  \r\n", "account a;host h;"},
    {"no final newline", "account a\nhost h", "account a;host h;"},
    {"settings first make account default", "host h\n", "account default;host h;"},
    {"a # inside a line is text", "account a\npassword x # y\n", "account a;password x # y;"},
    {"one pair of quotes goes", "account a\nuser \"a b\"\npassword \"\"x\"\"\n",
     "account a;user a b;password \"x\";"},
    {"a single quote stays", "account a\nuser \"\n", "account a;user \";"},
    {"home", "account a\ntls_key_file ~/k\ntls_cert_file ~\nlogfile ~user/x\n",
     "account a;tls_key_file /home/me/k;tls_cert_file /home/me;logfile ~user/x;"},
    {"switches without argument", "account a\ntls\ntls_starttls off\ntls_certcheck on\nauth\n",
     "account a;auth on;tls on;tls_starttls off;tls_certcheck on;"},
    {"methods", "account a\nauth scram-sha-256-plus\naccount b\nauth ntlm\n",
     "account a;auth scram-sha-256-plus;account b;auth ntlm;"},
    {"headers",
     "account a\nset_from_header\nset_date_header off\nset_msgid_header\nset_to_header\n",
     "account a;set_from_header auto;set_date_header off;set_msgid_header auto;set_to_header on;"},
    {"old names",
     "account a\nadd_missing_from_header off\nadd_missing_date_header on\n"
     "undisclosed_recipients\nkeepbcc\ntls_nocertcheck\ntls_nostarttls\ntls_force_sslv3\n"
     "connect_timeout 9\n",
     "account a;timeout 9;tls_starttls off;tls_certcheck off;set_from_header off;"
     "set_date_header auto;set_to_header undisclosed_recipients;remove_bcc_headers off;"},
    {"auto_from", "account a\nauto_from on\nmaildomain x.org\n",
     "account a;auto_from on;maildomain x.org;"},
    {"unset", "account a\nport 26\nproxy_port 99\nproxy_port\ntls_trust_file\nfrom\n",
     "account a;port 26;proxy_port ;tls_trust_file ;from ;"},
    {"proxy", "account a\nproxy_host p\nproxy_port 99\n", "account a;proxy_host p;proxy_port 99;"},
    {"defaults are copied", "defaults\nport 26\naccount a\nhost h\n", "account a;host h;port 26;"},
    {"defaults add up, for what follows",
     "defaults\nport 26\naccount a\ndefaults\ntls on\naccount b\n",
     "account a;port 26;account b;port 26;tls on;"},
    {"a child takes what was said", "account a\nhost h\nfrom me@x\naccount b : a\nport 1\n",
     "account a;host h;from me@x;account b;host h;port 1;from me@x;"},
    {"but not what came from defaults",
     "defaults\ntimeout 30\naccount a\nhost h\ndefaults\ntimeout 40\naccount b : a\n",
     "account a;host h;timeout 30;account b;host h;timeout 40;"},
    {"what a parent said beats the defaults",
     "account a\ntimeout 30\ndefaults\ntimeout 40\naccount b:a\n",
     "account a;timeout 30;account b;timeout 30;"},
    {"several parents, the last wins",
     "account a\nhost a\nport 1\naccount b\nhost b\naccount c : a , b\n",
     "account a;host a;port 1;account b;host b;account c;host b;port 1;"},
    {"a grandchild", "account a\nhost a\naccount b : a\naccount c : b\n",
     "account a;host a;account b;host a;account c;host a;"},
    {"eval", "account a\neval echo host h; echo ignored\npassword x\n",
     "account a;host h;password x;"},
    {"a pattern", "account a\nfrom %U@%H\ndomain %C\n", "account a;domain %C;from %U@%H;"},
    {"a glob", "account a\nfrom *@x.org\n", "account a;from *@x.org;"},
    {"dsn", "account a\ndsn_notify failure,delay\ndsn_return headers\n",
     "account a;dsn_notify failure, delay;dsn_return headers;"},
    {"syslog", "account a\nsyslog LOG_MAIL\naccount b\nsyslog\n",
     "account a;syslog LOG_MAIL;account b;syslog on;"},
};

static void files_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct configfile file;
        struct error err;
        struct str got = {0};
        print_message("# %s\n", cases[i].name);
        if (!read_text(&file, cases[i].text, &err))
            fail_msg("%s", err.text);
        for (size_t k = 0; k < file.n; k++) {
            assert_true(file.account[k]->as_msmtp);
            msmtprc_print(file.account[k], &got);
        }
        for (size_t k = 0; k < got.len; k++)
            if (got.data[k] == '\n')
                got.data[k] = ';';
        assert_string_equal(str_text(&got), cases[i].expected);
        str_clear(&got);
        configfile_clear(&file);
    }
}

static const struct {
    const char *text, *complaint;
    int code;
} wrong[] = {
    {"foo bar\n", "rc:1: unknown command foo", EX_CONFIG},
    {"account a\nhots h\n", "rc:2: unknown command hots: did you mean 'host'?", EX_CONFIG},
    {"account a\nTLS on\n", "rc:2: unknown command TLS", EX_CONFIG},
    {"host\n", "rc:1: command host needs an argument", EX_CONFIG},
    {"timeout\n", "rc:1: command timeout needs an argument", EX_CONFIG},
    {"host h\naccount default\n", "rc:2: account default was already defined in line 1", EX_CONFIG},
    {"account a\n\naccount a\n", "rc:3: account a was already defined in line 1", EX_CONFIG},
    {"account\n", "rc:1: missing account name", EX_CONFIG},
    {"account : a\n", "rc:1: missing account name", EX_CONFIG},
    {"account a,b\n", "rc:1: an account name must not contain", EX_CONFIG},
    {"account a : b\n", "rc:1: account b is not defined above", EX_CONFIG},
    {"account a : a\n", "rc:1: account a is not defined above", EX_CONFIG},
    {"defaults x\n", "rc:1: command defaults does not take an argument", EX_CONFIG},
    {"tls maybe\n", "rc:1: command tls takes on or off", EX_CONFIG},
    {"tls ON\n", "rc:1: command tls takes on or off", EX_CONFIG},
    {"allow_from_override\n", "rc:1: command allow_from_override needs an argument", EX_CONFIG},
    {"\ntls on   # TLS\n",
     "rc:2: a comment needs a line of its own: command tls takes on or off, not 'on   # TLS'",
     EX_CONFIG},
    {"port 587\t# STARTTLS\n", "rc:1: a comment needs a line of its own: command port", EX_CONFIG},
    {"dsn_notify\n", "rc:1: command dsn_notify needs an argument", EX_CONFIG},
    {"port 99999\n", "rc:1: command port: port must be a number", EX_CONFIG},
    {"auth foo\n", "rc:1: command auth: auth must be one of", EX_CONFIG},
    {"tls_nocertcheck on\n", "rc:1: command tls_nocertcheck does not take", EX_CONFIG},
    {"eval true\n", "rc:1: eval: cannot read output of 'true'", EX_IOERR},
    {"eval exit 3\n", "rc:1: eval: ", EX_IOERR},
    {"eval echo nonsense\n", "rc:1: unknown command nonsense", EX_CONFIG},
    {"\n\nuser a\001b\n", "rc:3: command user: user contains a control character", EX_CONFIG},
};

static void slips_are_told_with_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct configfile file;
        struct error err;
        assert_false(read_text(&file, wrong[i].text, &err));
        print_message("# %s\n", err.text);
        assert_non_null(strstr(err.text, wrong[i].complaint));
        assert_int_equal(err.code, wrong[i].code);
        configfile_clear(&file);
    }
}

/* msmtp takes any text as a sender: the accounts that have a good one work. */
static void an_odd_sender_is_of_one_account(void **state)
{
    (void)state;
    static const char complaint[] = "rc:5: command from: from: 'Ann Lee' is no sender";
    struct configfile file;
    struct error err;
    assert_true(read_text(&file,
                          "defaults\nhost h\naccount a\naccount b\nfrom Ann Lee\n"
                          "account c : b\n",
                          &err));
    assert_true(account_check(file.account[0], &err));
    assert_false(account_check(file.account[1], &err));
    print_message("# %s\n", err.text);
    assert_non_null(strstr(err.text, complaint));
    assert_int_equal(err.code, EX_CONFIG);
    assert_false(account_check(file.account[2], &err));
    configfile_clear(&file);
}

static void a_password_of_the_file_is_noted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
    } files[] = {{"user x\npassword y\n", 2},
                 {"user x\neval echo password y\n", 0},
                 {"password\n", 0},
                 {"passwordeval echo y\n", 0},
                 {"eval echo password x\npassword y\npassword z\n", 2}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct configfile file;
        struct error err;
        assert_true(read_text(&file, files[i].text, &err));
        assert_int_equal(file.secret_line, files[i].line);
        configfile_clear(&file);
    }
}

static void lines_may_be_long(void **state)
{
    (void)state;
    struct str text = {0};
    struct configfile file;
    struct error err;
    str_add(&text, "password ");
    for (int i = 0; i < 5000; i++)
        str_add_char(&text, 'x');
    assert_true(read_text(&file, str_text(&text), &err));
    assert_int_equal(file.account[0]->password.len, 5000);
    configfile_clear(&file);
    str_clear(&text);
}

#define INI "[account ini]\nhost = x\n"
#define RC "account rc\nhost x\n"

/* A file is there if its text is not NULL. */
static const struct {
    const char *name;
    bool as_msmtp;
    const char *ini, *old, *new; /* of the user: INI, ~/.msmtprc, ~/.config/msmtp/config */
    const char *explicit_text;
    const char *accounts;
} kinds[] = {
    {"an INI file", false, INI, NULL, NULL, NULL, "ini "},
    {"an msmtprc", false, NULL, RC, NULL, NULL, "rc "},
    {"an msmtprc where XDG has it", false, NULL, NULL, RC, NULL, "rc "},
    {"the old place comes first", false, NULL, "account old\n", RC, NULL, "old "},
    {"INI beats an msmtprc", false, INI, RC, NULL, NULL, "ini "},
    {"an msmtprc that is beaten may be wrong", false, INI, "nonsense\n", NULL, NULL, "ini "},
    {"an INI file without accounts does not", false, "[queue]\nlifetime = 1d\n", RC, NULL, NULL,
     "rc "},
    {"as msmtp the msmtprc wins", true, INI, RC, NULL, NULL, "rc "},
    {"if it has accounts", true, INI, "# none\n", NULL, NULL, "ini "},
    {"as msmtp, INI alone", true, INI, NULL, NULL, NULL, "ini "},
    {"-C with INI", true, NULL, RC, NULL, INI, "ini "},
    {"-C with an msmtprc", false, INI, NULL, NULL, RC, "rc "},
    {"-C with an msmtprc that begins with settings", false, INI, NULL, NULL, "host x\n",
     "default "},
};

static void each_scope_takes_the_kind_it_finds(void **state)
{
    (void)state;
    struct caller me = caller;
    me.home = scratch;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct configuration config;
        struct error err;
        struct str names = {0};
        print_message("# %s\n", kinds[i].name);
        place_both(kinds[i].ini, NULL);
        write_config(".msmtprc", 0600, kinds[i].old);
        write_config("home/msmtp/config", 0600, kinds[i].new);
        write_config("named", 0600, kinds[i].explicit_text);
        me.as_msmtp = kinds[i].as_msmtp;
        char named[256];
        snprintf(named, sizeof named, "%s/named", scratch);
        if (!configuration_read(&config, &paths, &me, kinds[i].explicit_text ? named : NULL, &err))
            fail_msg("%s", err.text);
        for (size_t k = 0; k < config.n; k++)
            str_addf(&names, "%s ", config.account[k]->name);
        assert_string_equal(str_text(&names), kinds[i].accounts);
        str_clear(&names);
        configuration_clear(&config);
    }
    place_both(NULL, NULL);
    write_config(".msmtprc", 0600, NULL);
    write_config("home/msmtp/config", 0600, NULL);
}

static void user_and_system_msmtprc_are_merged(void **state)
{
    (void)state;
    struct configuration config;
    struct error err;
    struct caller me = caller;
    me.home = scratch;
    write_config(".msmtprc", 0600, "account a\nhost a\naccount b\nhost b\n");
    write_config("etc/msmtprc", 0644,
                 "account b\nhost hidden\npassword x\naccount default\nhost d\n");
    if (!configuration_read(&config, &paths, &me, NULL, &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.n, 3);
    assert_string_equal(configuration_account(&config, "b")->host.item[0], "b");
    assert_string_equal(configuration_account(&config, "default")->host.item[0], "d");
    assert_string_equal(config.found[SCOPE_USER].path, scratch_path(".msmtprc"));
    assert_string_equal(config.found[SCOPE_SYSTEM].path, scratch_path("etc/msmtprc"));
    configuration_clear(&config);
}

/* Owner and mode of the user's file count if it has a password; those of the system's never do. */
static void an_msmtprc_with_a_password_is_private(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mode_t mode;
        int uid; /* 0: root, who may do as root likes; else what is added to the owner's */
        bool owner, ok;
    } files[] = {
        {"password x\n", 0600, 1, true, true},
        {"password x\n", 0640, 1, true, false},
        {"password x\n", 0700, 1, true, false},
        {"password x\n", 0600, 1, false, false},
        {"password x\n", 0644, 0, true, true},
        {"host x\n", 0644, 1, false, true},
        {"eval echo password x\n", 0644, 1, false, true},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct configuration config;
        struct error err;
        struct caller me = caller;
        if (geteuid() != 0 && !(files[i].uid && files[i].owner))
            continue; /* only root has files that are somebody else's and not a stranger's */
        me.home = scratch;
        write_config("etc/msmtprc", 0644, "account s\npassword x\n");
        write_config(".msmtprc", files[i].mode, files[i].text);
        me.uid = files[i].uid ? geteuid() + 1 : 0;
        if (files[i].uid && files[i].owner && geteuid() == 0)
            assert_int_equal(chown(scratch_path(".msmtprc"), me.uid, (gid_t)-1), 0);
        else if (files[i].uid && files[i].owner)
            me.uid = geteuid();
        assert_int_equal(configuration_read(&config, &paths, &me, NULL, &err), files[i].ok);
        if (!files[i].ok)
            assert_non_null(strstr(err.text, "contains secrets and therefore must"));
        configuration_clear(&config);
    }
}

static void a_system_msmtprc_for_others_is_passed_over(void **state)
{
    (void)state;
    bool root = geteuid() == 0;
    for (int with_own = 0; with_own < 2; with_own++) {
        struct configuration config;
        struct error err;
        struct caller me = caller;
        me.home = scratch;
        write_config(".msmtprc", 0644, with_own ? "account a\nhost a\n" : NULL);
        write_config("etc/msmtprc", 0600, "account b\nhost b\n");
        assert_int_equal(chmod(scratch_path("etc/msmtprc"), root ? 0600 : 0), 0);
        if (root)
            assert_int_equal(seteuid(65533), 0);
        bool ok = configuration_read(&config, &paths, &me, NULL, &err);
        if (root)
            assert_int_equal(seteuid(0), 0);
        assert_int_equal(ok, with_own);
        if (!ok)
            assert_non_null(strstr(err.text, "etc/msmtprc: permission denied"));
        else
            assert_int_equal(config.found[SCOPE_SYSTEM].number, EACCES);
        configuration_clear(&config);
    }
    write_config(".msmtprc", 0600, NULL);
    write_config("etc/msmtprc", 0600, NULL);
}

static void an_msmtprc_that_others_can_write_to_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0622, 0644};
    struct caller me = caller;
    me.home = scratch;
    place_both(NULL, NULL);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct configuration config;
        struct error err;
        write_config(".msmtprc", modes[i], "account a\nhost x\n");
        bool ok = configuration_read(&config, &paths, &me, NULL, &err);
        assert_int_equal(ok, modes[i] == 0644);
        if (!ok)
            assert_non_null(strstr(err.text, "others can write to it (mode 0622"));
        configuration_clear(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_understood),
        cmocka_unit_test(slips_are_told_with_their_line),
        cmocka_unit_test(an_odd_sender_is_of_one_account),
        cmocka_unit_test(a_password_of_the_file_is_noted),
        cmocka_unit_test(lines_may_be_long),
        cmocka_unit_test(each_scope_takes_the_kind_it_finds),
        cmocka_unit_test(user_and_system_msmtprc_are_merged),
        cmocka_unit_test(an_msmtprc_with_a_password_is_private),
        cmocka_unit_test(a_system_msmtprc_for_others_is_passed_over),
        cmocka_unit_test(an_msmtprc_that_others_can_write_to_is_refused),
    };
    return cmocka_run_group_tests_name("msmtprc", tests, configdir_setup, scratch_teardown);
}
