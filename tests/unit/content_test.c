#include "suite.h"

#include <unistd.h>

#include "message/content.h"

static void write_pattern(struct content *content, struct content_writer *writer, uint64_t size)
{
    struct error err;
    char block[1000];
    for (uint64_t i = 0; i < size; i += sizeof block) {
        memset(block, (int)('a' + i / sizeof block % 26), sizeof block);
        assert_true(output_write(&writer->output, block, sizeof block, &err));
    }
    assert_true(content->size == size);
}

static void content_reads_back_from_memory_and_from_a_file(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        bool in_file;
    } cases[] = {{0, false}, {1000, false}, {1048000, false}, {1049000, true}, {5000000, true}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct content content = {0};
        struct content_writer writer;
        struct error err;
        char buffer[1500];
        size_t got;
        content_write_to(&writer, &content, "/tmp");
        write_pattern(&content, &writer, cases[k].size);
        assert_int_equal(content.in_file, cases[k].in_file);
        struct content_cursor from = {.content = &content};
        for (uint64_t at = 0;; at = from.at) {
            assert_true(content_read(&from, buffer, sizeof buffer, &got, &err));
            assert_true(from.at == at + got);
            if (got == 0)
                break;
            for (size_t i = 0; i < got; i++)
                assert_int_equal(buffer[i], 'a' + (at + i) / 1000 % 26);
        }
        assert_true(from.at == cases[k].size);
        from.at += 1000;
        assert_true(content_read(&from, buffer, sizeof buffer, &got, &err));
        assert_int_equal(got, 0);
        content_clear(&content);
        content_clear(&content);
    }
}

static void no_place_for_the_file_is_a_temporary_error(void **state)
{
    (void)state;
    struct content content = {0};
    struct content_writer writer;
    struct error err;
    char *block = calloc(1, CONTENT_MEMORY_MAX + 1);
    content_write_to(&writer, &content, "/nonexistent");
    assert_false(output_write(&writer.output, block, CONTENT_MEMORY_MAX + 1, &err));
    assert_int_equal(err.class, ERROR_TEMPORARY);
    assert_int_equal(err.scope, ERROR_MESSAGE);
    assert_non_null(strstr(err.text, "/nonexistent"));
    content_clear(&content);
    free(block);
}

static void a_file_that_shrinks_is_an_error(void **state)
{
    (void)state;
    struct content content = {0};
    struct content_writer writer;
    struct error err;
    struct content_cursor from = {.content = &content, .at = 1000};
    char buffer[10];
    size_t got;
    content_write_to(&writer, &content, "/tmp");
    write_pattern(&content, &writer, 2000000);
    assert_int_equal(ftruncate(content.fd, 100), 0);
    assert_false(content_read(&from, buffer, sizeof buffer, &got, &err));
    assert_int_equal(err.code, EX_IOERR);
    assert_true(from.at == 1000);
    content_clear(&content);
}

static const struct {
    const char *head, *value;
} fields[] = {
    {"A: b\r\nX-Y: one \r\n\ttwo\r\n  three\r\nC: d\r\n", "one  two three"},
    {"x-y:1\r\nX-Y: 2\r\n", "1"},
    {"X-Y:\r\n <a@b>\r\n", "<a@b>"},
    {"X-Y: unfinished", ""},
    {"X-Yes: no\r\n", ""},
    {"A: b\r\n\r\nX-Y: text\r\n", ""},
    {"", ""},
};

static void a_field_is_found_in_the_header_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct content content = {0};
        struct str value = {0};
        str_add(&content.memory, fields[i].head);
        content.size = content.memory.len;
        content_add_field(&content, "X-Y", &value);
        assert_string_equal(str_text(&value), fields[i].value);
        str_clear(&value);
        content_clear(&content);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_reads_back_from_memory_and_from_a_file),
        cmocka_unit_test(no_place_for_the_file_is_a_temporary_error),
        cmocka_unit_test(a_file_that_shrinks_is_an_error),
        cmocka_unit_test(a_field_is_found_in_the_header_alone),
    };
    return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
