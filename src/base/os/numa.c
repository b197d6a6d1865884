/* numa.c - see numa.h. The file has_memory holds a list of ranges, "0-1,4" (Linux, Documentation/ABI/stable/
 * sysfs-devices-node); mbind(2) sets the policy of pages. */
#include "base/os/numa.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

enum { BITS = 8 * sizeof(unsigned long) };

static void add_node(numa_nodes *nodes, int32_t node)
{
    unsigned long bit = 1ul << (node % BITS);
    if (!(nodes->mask[node / BITS] & bit)) nodes->n++;
    nodes->mask[node / BITS] |= bit;
}

/* A number below NUMA_MAX_NODES; -1: there is none. */
static int32_t read_number(const char **text)
{
    int32_t value = -1;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        value = (value < 0 ? 0 : value) * 10 + (**text - '0');
        if (value >= NUMA_MAX_NODES) return -1;
    }
    return value;
}

static bool read_ranges(numa_nodes *nodes, const char *text)
{
    for (;; text++) {
        int32_t first = read_number(&text), last = first;
        if (*text == '-') {
            text++;
            last = read_number(&text);
        }
        if (first < 0 || last < first) return false;
        for (int32_t node = first; node <= last; node++) add_node(nodes, node);
        if (*text != ',') return *text == '\n' || *text == '\0';
    }
}

sumi_status numa_read(numa_nodes *nodes, const char *folder, sumi_error *err)
{
    char path[4096], text[4096];
    *nodes = (numa_nodes){ 0 };
    if ((size_t)snprintf(path, sizeof path, "%s/has_memory", folder) >= sizeof path)
        return sumi_fail(err, SUMI_EINVAL, "NUMA: the path of the node folder is too long");
    FILE *f = fopen(path, "re");
    if (!f) {
        add_node(nodes, 0);
        return SUMI_OK;
    }
    bool ok = fgets(text, sizeof text, f) && read_ranges(nodes, text);
    fclose(f);
    return ok ? SUMI_OK : sumi_fail(err, SUMI_EFORMAT, "%s: not a list of NUMA nodes such as 0-1,4", path);
}

sumi_status numa_spread(const numa_nodes *nodes, void *p, size_t bytes, sumi_error *err)
{
    if (nodes->n <= 1) return SUMI_OK;
    /* the kernel reads one bit fewer than this number */
    if (syscall(SYS_mbind, p, bytes, MPOL_INTERLEAVE, nodes->mask, (unsigned long)NUMA_MAX_NODES + 1, 0ul) == 0)
        return SUMI_OK;
    return sumi_fail(err, SUMI_EUNSUPPORTED, "NUMA: the system does not let memory be spread over %d nodes: %s",
                     (int)nodes->n, strerror(errno));
}
