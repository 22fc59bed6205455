#include "suite.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/pair.h"

struct ends {
    int in[2], out[2];
    struct stream *stream;
};

static void open_ends(struct ends *ends)
{
    assert_int_equal(pipe(ends->in), 0);
    assert_int_equal(pipe(ends->out), 0);
    ends->stream = pair_stream(ends->in[0], ends->out[1]);
}

static void close_ends(struct ends *ends)
{
    stream_close(ends->stream);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(close(ends->in[i]), 0); /* which the stream has not */
        assert_int_equal(close(ends->out[i]), 0);
    }
}

static void octets_pass_both_ways(void **state)
{
    (void)state;
    struct ends ends;
    struct error err;
    char got[16];
    open_ends(&ends);
    assert_int_equal(stream_descriptor(ends.stream), ends.in[0]);
    assert_int_equal(stream_read(ends.stream, got, sizeof got, &err), STREAM_AGAIN);
    assert_int_equal(write(ends.in[1], "hello", 5), 5);
    assert_int_equal(stream_wait(ends.stream, STREAM_READ, clock_after(60000), &err), STREAM_READ);
    assert_int_equal(stream_read(ends.stream, got, sizeof got, &err), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(stream_wait(ends.stream, STREAM_READ | STREAM_WRITE, clock_after(60000), &err),
                     STREAM_WRITE);
    assert_int_equal(stream_write(ends.stream, "world", 5, &err), 5);
    assert_int_equal(read(ends.out[0], got, sizeof got), 5);
    assert_memory_equal(got, "world", 5);
    close_ends(&ends);
}

/* A blocking pipe is never written to when it is full: it would hold up the deadline. */
static void a_full_pipe_is_not_waited_for(void **state)
{
    (void)state;
    struct ends ends;
    struct error err;
    char block[2 * PIPE_BUF] = "";
    ssize_t n;
    open_ends(&ends);
    while ((n = stream_write(ends.stream, block, sizeof block, &err)) > 0)
        assert_in_range(n, 1, PIPE_BUF);
    assert_int_equal(n, STREAM_AGAIN);
    assert_int_equal(stream_wait(ends.stream, STREAM_READ | STREAM_WRITE, clock_now(), &err), 0);
    assert_false(stream_write_all(ends.stream, block, 1, clock_now(), &err));
    close_ends(&ends);
}

static void the_end_of_input_is_no_failure(void **state)
{
    (void)state;
    struct ends ends;
    struct error err;
    char got[1];
    open_ends(&ends);
    assert_int_equal(close(ends.in[1]), 0);
    assert_int_equal(stream_wait(ends.stream, STREAM_READ, clock_after(60000), &err), STREAM_READ);
    assert_int_equal(stream_read(ends.stream, got, 1, &err), 0);
    ends.in[1] = dup(ends.in[0]);
    close_ends(&ends);
}

static void a_reader_that_has_left_is_a_failure(void **state)
{
    (void)state;
    struct ends ends;
    struct error err = {0};
    open_ends(&ends);
    assert_int_equal(close(ends.out[0]), 0);
    assert_int_equal(stream_write(ends.stream, "x", 1, &err), STREAM_FAILED);
    assert_int_equal(err.code, EX_IOERR);
    assert_non_null(strstr(err.text, strerror(EPIPE)));
    ends.out[0] = dup(ends.out[1]);
    close_ends(&ends);
}

static void closed_descriptors_are_failures(void **state)
{
    (void)state;
    struct error err = {0};
    char got[1];
    int fd = dup(0);
    assert_int_equal(close(fd), 0);
    struct stream *stream = pair_stream(fd, fd);
    assert_int_equal(stream_read(stream, got, 1, &err), STREAM_FAILED);
    assert_int_equal(err.code, EX_IOERR);
    assert_int_equal(stream_write(stream, got, 1, &err), STREAM_FAILED);
    assert_int_equal(stream_wait(stream, STREAM_READ, clock_after(60000), &err), STREAM_READ);
    stream_close(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets_pass_both_ways),
        cmocka_unit_test(a_full_pipe_is_not_waited_for),
        cmocka_unit_test(the_end_of_input_is_no_failure),
        cmocka_unit_test(a_reader_that_has_left_is_a_failure),
        cmocka_unit_test(closed_descriptors_are_failures),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
