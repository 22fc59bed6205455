#include "suite.h"

#include "base/clock.h"
#include "compat/msmtprc.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_understood),
        cmocka_unit_test(slips_are_told_with_their_line),
        cmocka_unit_test(an_odd_sender_is_of_one_account),
        cmocka_unit_test(a_password_of_the_file_is_noted),
        cmocka_unit_test(lines_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
