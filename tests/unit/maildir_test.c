/* Mail that is kept in a Maildir: its files, their names, and a second attempt. */
#include "suite.h"

#include <dirent.h>
#include <dlfcn.h>

#include "delivery/maildir.h"
#include "scratch.h"

#define ID "8DuuecSymN7PwT0"

static struct content content_of(const char *text)
{
    struct content content = {.size = strlen(text)};
    str_add(&content.memory, text);
    return content;
}

/* Keeps TEXT as ID at scratch/NAME. Returns the path of its file, to be freed. */
static char *keep(const char *name, const char *text, bool seen, bool again)
{
    struct content content = content_of(text);
    const struct maildir_mail mail = {
        .id = ID, .host = "web1", .head = "", .content = &content, .seen = seen, .again = again};
    struct str file = {0};
    struct error err;
    assert_true(maildir_keep(scratch_path(name), &mail, &file, &err));
    content_clear(&content);
    return str_take(&file);
}

/* How many names scratch/NAME has, but for . and .. */
static size_t count(const char *name)
{
    DIR *list = opendir(scratch_path(name));
    size_t n = 0;
    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list));)
        n += entry->d_name[0] != '.';
    (void)closedir(list);
    return n;
}

static void assert_file(const char *path, const char *want, mode_t mode)
{
    char text[256] = "";
    struct stat facts;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    (void)fread(text, 1, sizeof text - 1, file);
    assert_int_equal(fstat(fileno(file), &facts), 0);
    (void)fclose(file);
    assert_string_equal(text, want);
    assert_int_equal(facts.st_mode & 07777, mode);
}

static mode_t mode_of(const char *name)
{
    struct stat facts;
    assert_int_equal(stat(scratch_path(name), &facts), 0);
    return facts.st_mode & 07777;
}

static void what_is_kept_is_a_file_of_its_own(void **state)
{
    (void)state;
    mode_t before = umask(0277);
    char *path = keep("a/b", "Subject: x\r\n\r\nhi\r\n", false, false);
    (void)umask(before);
    assert_file(path, "Subject: x\n\nhi\n", 0600);
    assert_non_null(strstr(path, "/a/b/new/"));
    assert_non_null(strstr(path, "." ID ".web1"));
    assert_int_equal(mode_of("a"), 0700);
    assert_int_equal(mode_of("a/b"), 0700);
    assert_int_equal(mode_of("a/b/cur"), 0700);
    assert_int_equal(count("a/b/tmp"), 0);
    free(path);
}

static void what_is_not_news_is_marked_as_read(void **state)
{
    (void)state;
    char *path = keep("sent/", "x\r\n", true, false);
    assert_non_null(strstr(path, "/sent/cur/"));
    assert_string_equal(path + strlen(path) - 4, ":2,S");
    assert_file(path, "x\n", 0600);
    free(path);
}

/* What everybody may write to, like /tmp, would let everybody change mail. */
static void the_readers_of_the_directory_may_read(void **state)
{
    (void)state;
    static const struct {
        const char *name, *new;
        mode_t mode, files, directories;
    } rows[] = {{"shared", "shared/new", 02770, 0660, 0770},
                {"public", "public/new", 0755, 0644, 0755},
                {"open", "open/new", 01777, 0664, 0775}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = scratch_path(rows[i].name);
        assert_int_equal(mkdir(path, 0700), 0);
        int fd = open(path, O_RDONLY | O_DIRECTORY);
        assert_int_equal(fchmod(fd, rows[i].mode), 0);
        (void)close(fd);
        char *file = keep(rows[i].name, "x\r\n", false, false);
        assert_file(file, "x\n", rows[i].files);
        assert_int_equal(mode_of(rows[i].new) & 0777, rows[i].directories);
        free(file);
    }
}

/* A process that was killed before its result was noted has kept it, and the reader has been there.
 */
static void a_second_attempt_finds_what_the_first_kept(void **state)
{
    (void)state;
    static const char *const moved[] = {"new/%s", "cur/%s:2,", "cur/%s:2,FS", NULL};
    for (size_t i = 0; moved[i]; i++) {
        char name[64], target[128], to[256];
        snprintf(name, sizeof name, "again%zu", i);
        char *first = keep(name, "one\r\n", false, false);
        snprintf(target, sizeof target, "%s/", name);
        snprintf(target + strlen(target), sizeof target - strlen(target), moved[i],
                 strrchr(first, '/') + 1);
        snprintf(to, sizeof to, "%s", scratch_path(target));
        assert_int_equal(rename(first, to), 0);
        char *second = keep(name, "one\r\n", false, true);
        assert_string_equal(second, to);
        snprintf(target, sizeof target, "%s/new", name);
        size_t n = count(target);
        snprintf(target, sizeof target, "%s/cur", name);
        assert_int_equal(n + count(target), 1);
        free(first);
        free(second);
    }
}

/* A file that a reader moves once a list of names was read: of what, and to where; NULL: none. */
static const char *moves, *moves_to;

int closedir(DIR *list)
{
    int (*real)(DIR *);
    void *found = dlsym(RTLD_NEXT, "closedir");
    memcpy(&real, &found, sizeof real);
    if (moves)
        (void)rename(moves, moves_to);
    moves = NULL;
    return real(list);
}

static void a_reader_that_comes_between_hides_nothing(void **state)
{
    (void)state;
    char to[256];
    char *first = keep("between", "one\r\n", false, false);
    snprintf(to, sizeof to, "%s/%s:2,S", scratch_path("between/cur"), strrchr(first, '/') + 1);
    moves = first;
    moves_to = to;
    char *second = keep("between", "one\r\n", false, true);
    assert_null(moves);
    assert_int_equal(count("between/new") + count("between/cur"), 1);
    free(first);
    free(second);
}

static void what_a_killed_attempt_left_in_tmp_is_replaced(void **state)
{
    (void)state;
    char *first = keep("killed", "half", false, false);
    char tmp[256];
    snprintf(tmp, sizeof tmp, "%s/%s", scratch_path("killed/tmp"), strrchr(first, '/') + 1);
    assert_int_equal(rename(first, tmp), 0);
    char *second = keep("killed", "whole\r\n", false, true);
    assert_file(second, "whole\n", 0600);
    assert_int_equal(count("killed/tmp"), 0);
    free(first);
    free(second);
}

/* The colon and the slash mean something in a Maildir. */
static void the_host_is_made_harmless(void **state)
{
    (void)state;
    struct content content = content_of("x\r\n");
    const struct maildir_mail mail = {
        .id = ID, .host = "../a:2,T", .head = "X: y\n", .content = &content};
    struct str file = {0};
    struct error err;
    assert_true(maildir_keep(scratch_path("host"), &mail, &file, &err));
    assert_string_equal(strrchr(file.data, '/') + 1 + strcspn(strrchr(file.data, '/') + 1, "."),
                        "." ID "..."
                        "_a_2_T");
    assert_file(file.data, "X: y\nx\n", 0600);
    str_clear(&file);
    content_clear(&content);
}

static void a_path_that_cannot_be_is_for_a_person_to_mend(void **state)
{
    (void)state;
    struct error err;
    (void)scratch_write("file", 0600, "x", 1);
    assert_false(maildir_make(scratch_path("file/below"), &err));
    assert_int_equal(err.scope, ERROR_ACCOUNT);
    assert_int_equal(err.class, ERROR_PERMANENT);
    assert_int_equal(err.code, EX_TEMPFAIL);
    assert_non_null(strstr(err.text, "/file/below"));
}

/* Readers who may write to the Maildir lead its writer nowhere else. */
static void a_part_that_is_a_link_is_refused(void **state)
{
    (void)state;
    struct error err;
    char to[256];
    snprintf(to, sizeof to, "%s", scratch_path("elsewhere"));
    assert_int_equal(mkdir(to, 0700), 0);
    assert_int_equal(mkdir(scratch_path("linked"), 0700), 0);
    assert_int_equal(symlink(to, scratch_path("linked/new")), 0);
    assert_false(maildir_make(scratch_path("linked"), &err));
    assert_non_null(strstr(err.text, "/linked/new"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_a_file_of_its_own),
        cmocka_unit_test(what_is_not_news_is_marked_as_read),
        cmocka_unit_test(the_readers_of_the_directory_may_read),
        cmocka_unit_test(a_second_attempt_finds_what_the_first_kept),
        cmocka_unit_test(a_reader_that_comes_between_hides_nothing),
        cmocka_unit_test(what_a_killed_attempt_left_in_tmp_is_replaced),
        cmocka_unit_test(the_host_is_made_harmless),
        cmocka_unit_test(a_path_that_cannot_be_is_for_a_person_to_mend),
        cmocka_unit_test(a_part_that_is_a_link_is_refused),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
