#include "suite.h"

#include "base/str.h"
#include "message/downgrade.h"

#define PART(text) "--b\r\n" text
#define MIXED "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
#define UE "\xc3\xbc"

static const struct {
    const char *name, *in;
    const char *out; /* NULL: refused */
} cases[] = {
    {"nothing to do", "Subject: x\r\n\r\nhello\r\n", "Subject: x\r\n\r\nhello\r\n"},
    {"text without MIME", "Subject: x\r\n\r\nGr" UE "n = 1 \r\nplain text follows here\r\n",
     "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
     "Gr=C3=BCn =3D 1=20\r\nplain text follows here\r\n"},
    {"text that is not UTF-8",
     "A: x\r\n\r\nGr\xfc"
     "n and more\r\n",
     "A: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FCn and more\r\n"},
    {"its own type and encoding",
     "MIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
     "Content-Transfer-Encoding:\r\n 8bit\r\nA: x\r\n\r\n<p>Gr\xfc"
     "n, and more</p>\r\n",
     "MIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\nA: x\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>Gr=FCn, and more</p>\r\n"},
    {"mostly 8 bit is base64", "Content-Type: text/plain; charset=utf-8\r\n\r\n" UE UE "\r\n",
     "Content-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\nw7zDvA0K\r\n"},
    {"data is base64", "MIME-Version: 1.0\r\nContent-Type: application/x-y\r\n\r\nabc\xff\r\n",
     "MIME-Version: 1.0\r\nContent-Type: application/x-y\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\nYWJj/w0K\r\n"},
    {"a long line breaks softly",
     "\r\n0123456789012345678901234567890123456789012345678901234567890123456789" UE
     "0123456789\r\n",
     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
     "0123456789012345678901234567890123456789012345678901234567890123456789=C3=\r\n"
     "=BC0123456789\r\n"},
    {"only parts that need it",
     MIXED "\r\npreamble\r\n" PART("\r\nplain\r\n") PART(
         "\r\nGr" UE "n and plain\r\n") PART("Content-Type: image/x\r\nContent-Transfer-Encoding: "
                                             "binary\r\n\r\n\xff\xfe\r\n") "--b--\r\nend\r\n",
     MIXED "\r\npreamble\r\n" PART("\r\nplain\r\n") PART(
         "Content-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BCn and plain\r\n")
         PART(
             "Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n//4=\r\n") "--b--"
                                                                                           "\r\nend"
                                                                                           "\r\n"},
    {"8bit of the whole becomes 7bit",
     MIXED "Content-Transfer-Encoding: 8bit\r\n\r\n" PART("\r\nplain and " UE "\r\n") "--b--\r\n",
     MIXED "Content-Transfer-Encoding: 7bit\r\n\r\n" PART(
         "Content-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n\r\nplain and =C3=BC\r\n") "--b--\r\n"},
    {"inside each other, the inner end missing",
     MIXED "\r\n" PART("Content-Type: multipart/alternative; boundary=\"b i\"\r\n\r\n--b i\r\n\r\n"
                       "one " UE " two three\r\n") PART("\r\nlast " UE " of all\r\n") "--b--\r\n",
     MIXED
     "\r\n" PART("Content-Type: multipart/alternative; boundary=\"b i\"\r\n\r\n--b i\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: quoted-printable\r\n\r\none =C3=BC two three\r\n")
         PART("Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\nlast =C3=BC of all\r\n") "--b--"
                                                                                           "\r\n"},
    {"no end at all", MIXED "\r\n" PART("Content-Type: x/y\r\n\r\na\xff\r\n"),
     MIXED
     "\r\n" PART("Content-Type: x/y\r\nContent-Transfer-Encoding: base64\r\n\r\nYf8NCg==\r\n")},
    {"a message inside",
     MIXED "\r\n" PART("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                       "Subject: in\r\n\r\nsome " UE " text\r\n") "--b--\r\n",
     MIXED "\r\n" PART(
         "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
         "Subject: in\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n\r\nsome =C3=BC text\r\n") "--b--\r\n"},
    {"a digest",
     "Content-Type: multipart/digest; boundary=b\r\nMIME-Version: 1.0\r\n\r\n" PART(
         "\r\nMIME-Version: 1.0\r\nContent-Type: x/y\r\n\r\n\xff\r\n") "--b--\r\n",
     "Content-Type: multipart/digest; boundary=b\r\nMIME-Version: 1.0\r\n\r\n" PART(
         "\r\nMIME-Version: 1.0\r\nContent-Type: x/y\r\nContent-Transfer-Encoding: "
         "base64\r\n\r\n/w==\r\n") "--b--\r\n"},
    {"encoded already, with 8 bit inside",
     "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC" UE
     "=\r\nx\r\n",
     "Content-Type: text/plain\r\nContent-Transfer-Encoding: "
     "quoted-printable\r\n\r\n=C3=BC=C3=BC=\r\nx\r\n"},
    {"base64 already, with 8 bit inside",
     "Content-Type: x/y\r\nContent-Transfer-Encoding: base64\r\n\r\nYW" UE "Jj\r\n",
     "Content-Type: x/y\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n"},
    {"before and behind the parts", MIXED "\r\n" UE "\r\n" PART("\r\nx\r\n") "--b--\r\n" UE "\r\n",
     MIXED "\r\n??\r\n" PART("\r\nx\r\n") "--b--\r\n??\r\n"},
    {"a part without a body", MIXED "\r\n" PART("A: " UE "\r\n") "--b--\r\n",
     MIXED "\r\n" PART("A: =?utf-8?B?w7w=?=\r\n") "--b--\r\n"},
    {"signed, 7 bit",
     "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\nSubject: " UE
     "\r\n\r\n" PART("\r\nx\r\n") "--b--\r\n",
     "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\nSubject: "
     "=?utf-8?B?w7w=?=\r\n\r\n" PART("\r\nx\r\n") "--b--\r\n"},
    {"signed, 8 bit",
     "MIME-Version: 1.0\r\nContent-Type: Multipart/Signed;\r\n "
     "protocol=\"application/pgp-signature\";\r\n"
     " boundary=\"b\"\r\n\r\n" PART("\r\n" UE "\r\n") "--b--\r\n",
     NULL},
    {"a signed part, 8 bit",
     MIXED "\r\n" PART("Content-Type: multipart/signed; boundary=i\r\n\r\n--i\r\n\r\n" UE
                       "\r\n--i--\r\n") "--b--\r\n",
     NULL},
    {"an 8-bit part beside a signed one",
     MIXED
     "\r\n" PART("Content-Type: multipart/signed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i--\r\n")
         PART("Content-Type: x/y\r\n\r\n\xff\r\n") "--b--\r\n",
     MIXED
     "\r\n" PART("Content-Type: multipart/signed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i--\r\n")
         PART(
             "Content-Type: x/y\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n") "--b--\r\n"},
    {"8 bit in fields",
     "Subject: a " UE " b " UE UE " " UE ": c\r\nX-A: (" UE ")\r\nFrom: \"J" UE " M" UE
     "\" <a@b>\r\n"
     "Content-Type: text/plain; name=\"" UE ".txt\"\r\n\r\nx\r\n",
     "Subject: a =?utf-8?B?w7w=?= b =?utf-8?B?w7zDvCDDvDo=?= c\r\nX-A: =?utf-8?B?KMO8KQ==?=\r\n"
     "From: \"=?utf-8?B?SsO8IE3DvA==?=\" <a@b>\r\n"
     "Content-Type: text/plain; name=\"=?utf-8?B?w7wudHh0?=\"\r\n\r\nx\r\n"},
    {"8 bit on both sides of a fold", "Subject: " UE "\r\n " UE " x\r\n\r\nx\r\n",
     "Subject: =?utf-8?B?w7w=?=\r\n =?utf-8?B?IMO8?= x\r\n\r\nx\r\n"},
    {"no blank line", "A: " UE "\r\n", "A: =?utf-8?B?w7w=?=\r\n"},
    {"boundaries that are none",
     MIXED
     "\r\n" PART("\r\n--bb\r\n --b\r\n--\r\n--b x\r\n" UE " and more text\r\n") "--b-- \t\r\n",
     MIXED
     "\r\n" PART("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
                 "quoted-printable\r\n"
                 "\r\n--bb\r\n --b\r\n--\r\n--b x\r\n=C3=BC and more text\r\n") "--b-- \t\r\n"},
    {"a multipart without a boundary is data",
     "MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n\xff\r\n",
     "MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\n/w0K\r\n"},
    {"nothing", "", ""},
};

/* Everything, in pieces of SIZE octets. */
static void read_all(const struct content *content, size_t size, struct str *out)
{
    struct error err;
    char buffer[4096];
    size_t got;
    for (struct content_cursor from = {.content = content};;) {
        assert_true(content_read(&from, buffer, size, &got, &err));
        if (got == 0)
            return;
        str_add_n(out, buffer, got);
    }
}

static void content_becomes_7_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct content in = {.size = strlen(cases[i].in), .has_8bit = true}, out = {0};
        struct error err = {0};
        str_add(&in.memory, cases[i].in);
        struct downgrade *d = downgrade_open(&in, &out, &err);
        print_message("# %s\n", cases[i].name);
        if (!cases[i].out) {
            assert_null(d);
            assert_int_equal(err.scope, ERROR_MESSAGE);
            assert_int_equal(err.class, ERROR_PERMANENT);
            assert_string_equal(err.status, "5.6.3");
        } else {
            static const size_t pieces[] = {4096, 1, 7};
            assert_non_null(d);
            for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
                struct str text = {0};
                read_all(&out, pieces[k], &text);
                assert_string_equal(str_text(&text), cases[i].out);
                assert_int_equal(out.size, text.len);
                str_clear(&text);
            }
        }
        downgrade_free(d);
        content_clear(&in);
    }
}

/* What is larger than any buffer, and stops in the midst. */
static void large_content_is_converted_in_pieces(void **state)
{
    (void)state;
    struct content in = {.has_8bit = true}, out = {0};
    struct error err;
    struct content_cursor from = {.content = &out};
    char some[100];
    size_t got;
    str_add(&in.memory, MIXED "\r\n");
    for (int part = 0; part < 50; part++) {
        str_add(&in.memory, PART("Content-Type: x/y\r\n\r\n"));
        for (int line = 0; line < 100; line++)
            str_addf(&in.memory, "%0900d\xff\r\n", line);
    }
    str_add(&in.memory, "--b--\r\n");
    in.size = in.memory.len;
    struct downgrade *d = downgrade_open(&in, &out, &err);
    struct str once = {0}, again = {0};
    assert_non_null(d);
    assert_true(content_read(&from, some, sizeof some, &got, &err));
    read_all(&out, 4096, &once);
    read_all(&out, 1000, &again);
    assert_int_equal(once.len, out.size);
    assert_true(once.len > in.size && once.len == again.len);
    assert_memory_equal(once.data, again.data, once.len);
    str_clear(&once);
    str_clear(&again);
    downgrade_free(d);
    content_clear(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_becomes_7_bit),
        cmocka_unit_test(large_content_is_converted_in_pieces),
    };
    return cmocka_run_group_tests_name("downgrade", tests, NULL, NULL);
}
