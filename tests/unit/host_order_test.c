#include "suite.h"

#include "queue/account_state.h"
#include "delivery/host_order.h"
#include "mailworld.h"

enum { HOSTS = 12 };

static struct mailworld world;
static const struct delivery_context *queue;

static void begin(const char *hosts)
{
    mailworld_begin(&world);
    mailworld_now = 1000000000;
    mailworld_set(&world, "host", hosts);
    queue = &world.delivery;
}

/* The order in which a connection tries them, as text. */
static const char *order(const struct delivery_context *delivery)
{
    static char text[256];
    const char *host[HOSTS];
    size_t n = host_order_make(world.account[0], delivery, host), len = 0;
    *text = '\0';
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "", host[i]);
    return text;
}

static void down(const char *host)
{
    host_order_note(world.account[0], queue, host, false);
}

static void a_host_that_is_down_is_left_alone_for_a_while(void **unused)
{
    (void)unused;
    begin("a, b, c");
    assert_string_equal(order(queue), "a b c");
    down("a");
    assert_string_equal(order(queue), "b c");
    assert_string_equal(order(NULL), "a b c"); /* without a queue nothing is known */
    down("c");
    assert_string_equal(order(queue), "b");
    mailworld_now += ACCOUNT_STATE_HOST_HELD - 1;
    assert_string_equal(order(queue), "b");
    mailworld_now += 1;
    assert_string_equal(order(queue), "a b c");
    down("b");
    mailworld_now -= 2 * ACCOUNT_STATE_HOST_HELD; /* the clock was set */
    assert_string_equal(order(queue), "a b c");
    mailworld_end(&world);
}

static void where_all_are_down_all_are_tried(void **unused)
{
    (void)unused;
    begin("a, b");
    down("b");
    down("a");
    assert_string_equal(order(queue), "a b");
    host_order_note(world.account[0], queue, "b", true);
    assert_string_equal(order(queue), "b");
    mailworld_end(&world);
}

static void an_only_host_is_for_the_breaker(void **unused)
{
    struct account_state state;
    (void)unused;
    begin("a");
    down("a");
    account_state_read(&state, queue->spool, "work");
    assert_int_equal(state.host[0], 0);
    mailworld_end(&world);
}

static void what_is_remembered_is_bounded(void **unused)
{
    static const char names[HOSTS][2] = {"a", "b", "c", "d", "e", "f",
                                         "g", "h", "i", "j", "k", "l"};
    (void)unused;
    begin("a, b, c, d, e, f, g, h, i, j, k, l");
    for (size_t i = 0; i < HOSTS; i++) {
        mailworld_now++;
        down(names[i]);
    }
    assert_string_equal(order(queue), "a b c d");
    down("k"); /* again: it takes no second place */
    assert_string_equal(order(queue), "a b c d");
    mailworld_end(&world);
}

static uint64_t seed;

static uint64_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

static void at_random_each_comes_first_as_often(void **unused)
{
    unsigned first[3] = {0};
    (void)unused;
    begin("a, b, c, d");
    mailworld_set(&world, "host_order", "random");
    world.delivery.random = next;
    seed = 1;
    down("d");
    for (int i = 0; i < 3000; i++) {
        const char *text = order(queue);
        assert_int_equal(strlen(text), strlen("a b c"));
        first[text[0] - 'a']++;
    }
    for (size_t i = 0; i < 3; i++)
        assert_in_range(first[i], 900, 1100);
    mailworld_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_is_down_is_left_alone_for_a_while),
        cmocka_unit_test(where_all_are_down_all_are_tried),
        cmocka_unit_test(an_only_host_is_for_the_breaker),
        cmocka_unit_test(what_is_remembered_is_bounded),
        cmocka_unit_test(at_random_each_comes_first_as_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
