/* test_numa.c - which nodes a folder like that of the system tells of, and the system's own answer to a wish. */
#include "base/os/numa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "test_support.h"

static sumi_status read_text(numa_nodes *nodes, const char *text, sumi_error *err)
{
    char folder[] = "/tmp/sumi-numa-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/has_memory", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    sumi_status status = numa_read(nodes, folder, err);
    unlink(path);
    rmdir(folder);
    return status;
}

static void lists_of_nodes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t n;
        unsigned long low, second;
    } cases[] = {
        { "0\n", 1, 1, 0 },       { "0-1\n", 2, 3, 0 },      { "0-1,4\n", 3, 0x13, 0 }, { "1,3,5-7", 5, 0xea, 0 },
        { "0,64-65\n", 3, 1, 3 }, { "0-63\n", 64, ~0ul, 0 }, { "2,2\n", 1, 4, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        numa_nodes nodes;
        assert_int_equal(read_text(&nodes, cases[i].text, NULL), SUMI_OK);
        assert_int_equal(nodes.n, cases[i].n);
        assert_true(nodes.mask[0] == cases[i].low && nodes.mask[1] == cases[i].second);
    }
}

static void what_is_no_list_is_an_error_that_names_the_file(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "\n", "x\n", "1-\n", "-1\n", "2-1\n", "0,\n", "0 1\n", "0-1024\n", "1024\n", "99999999999999999999\n",
        "0--1\n"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        numa_nodes nodes;
        sumi_error err;
        if (read_text(&nodes, bad[i], &err) != SUMI_EFORMAT) fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.message, "has_memory: not a list of NUMA nodes"));
    }
}

static void a_system_without_nodes_has_one(void **state)
{
    (void)state;
    numa_nodes nodes;
    assert_int_equal(numa_read(&nodes, "/no/such/folder", NULL), SUMI_OK);
    assert_int_equal(nodes.n, 1);
}

static void pages_are_spread_or_the_refusal_is_told(void **state)
{
    (void)state;
    numa_nodes here, two;
    sumi_error err;
    size_t bytes = 1 << 20;
    char *p = mem_map(bytes);
    assert_non_null(p);
    assert_int_equal(numa_read(&here, NUMA_FOLDER, &err), SUMI_OK);
    printf("this machine has %d node(s) with memory\n", (int)here.n);
    if (numa_spread(&here, p, bytes, &err) != SUMI_OK) printf("%s\n", err.message);
    assert_int_equal(read_text(&two, "0,1023\n", NULL), SUMI_OK);
    sumi_status status = numa_spread(&two, p, bytes,
                                     &err); /* node 1023 is not there: the rest may be taken, or nothing */
    if (status != SUMI_OK) assert_non_null(strstr(err.message, "does not let memory be spread over 2 nodes"));
    memset(p, 1, bytes);
    assert_int_equal(p[bytes - 1], 1);
    mem_unmap(p, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_nodes_are_read),
        cmocka_unit_test(what_is_no_list_is_an_error_that_names_the_file),
        cmocka_unit_test(a_system_without_nodes_has_one),
        cmocka_unit_test(pages_are_spread_or_the_refusal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
