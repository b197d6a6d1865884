/* kv_swap.c - see kv_swap.h. Uses pread() and pwrite(), not mmap(): a bad sector is then an error and not a signal, and
 * pages of the region do not count as memory of the process. */
#include "kv/kv_swap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

struct kv_swap {
    int fd;
    size_t slot_bytes;
    int32_t n_slots, n_free;
    int32_t *free; /* [n_slots], the first n_free are free slots */
    bool *taken;   /* [n_slots] */
};

/* A file without a name in dir. */
static int open_unnamed(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/sumi-swap-XXXXXX", dir);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if ((fd = mkostemp(path, O_CLOEXEC)) >= 0) unlink(path);
    return fd;
}

sumi_status kv_swap_create(kv_swap **out, const char *dir, size_t bytes, size_t slot_bytes, sumi_error *err)
{
    assert(slot_bytes > 0);
    *out = NULL;
    size_t n = bytes / slot_bytes;
    if (n > INT32_MAX / 2) n = INT32_MAX / 2;
    if (n == 0)
        return sumi_fail(err, SUMI_ELIMIT, "swap: %zu bytes do not hold one block of %zu; give it more", bytes,
                         slot_bytes);
    sumi_status status = SUMI_ENOMEM;
    kv_swap *s = calloc(1, sizeof *s);
    if (!s) return sumi_fail(err, status, "swap: out of memory");
    *s = (kv_swap){ .fd = -1, .slot_bytes = slot_bytes, .n_slots = (int32_t)n, .n_free = (int32_t)n };
    s->free = calloc(n, sizeof *s->free);
    s->taken = calloc(n, sizeof *s->taken);
    if (!s->free || !s->taken) {
        sumi_fail(err, status, "swap: out of memory for %zu slots", n);
        goto fail;
    }
    for (int32_t i = 0; i < s->n_slots; i++) s->free[i] = s->n_slots - 1 - i;
    status = SUMI_EIO;
    if ((s->fd = open_unnamed(dir)) < 0) {
        sumi_fail(err, status, "swap: no file can be made in '%s': %s", dir, strerror(errno));
        goto fail;
    }
    int full = posix_fallocate(s->fd, 0, (off_t)(n * slot_bytes));
    if (full) {
        sumi_fail(err, status, "swap: no room for %zu bytes in '%s': %s", n * slot_bytes, dir, strerror(full));
        goto fail;
    }
    *out = s;
    return SUMI_OK;
fail:
    kv_swap_destroy(s);
    return status;
}

void kv_swap_destroy(kv_swap *s)
{
    if (!s) return;
    if (s->fd >= 0) close(s->fd);
    free(s->free);
    free(s->taken);
    free(s);
}

int32_t kv_swap_n_slots(const kv_swap *s)
{
    return s->n_slots;
}

int32_t kv_swap_n_free(const kv_swap *s)
{
    return s->n_free;
}

int32_t kv_swap_take(kv_swap *s)
{
    if (s->n_free == 0) return -1;
    int32_t slot = s->free[--s->n_free];
    s->taken[slot] = true;
    return slot;
}

void kv_swap_give(kv_swap *s, int32_t slot)
{
    assert(slot >= 0 && slot < s->n_slots && s->taken[slot]);
    s->taken[slot] = false;
    s->free[s->n_free++] = slot;
}

sumi_status kv_swap_write(kv_swap *s, int32_t slot, const void *bytes, sumi_error *err)
{
    assert(slot >= 0 && slot < s->n_slots && s->taken[slot]);
    for (size_t done = 0; done < s->slot_bytes;) {
        ssize_t n = pwrite(s->fd, (const char *)bytes + done, s->slot_bytes - done,
                           (off_t)((size_t)slot * s->slot_bytes + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return sumi_fail(err, SUMI_EIO, "swap: slot %d cannot be written: %s", slot, strerror(errno));
        done += (size_t)n;
    }
    return SUMI_OK;
}

sumi_status kv_swap_read(const kv_swap *s, int32_t slot, void *bytes, sumi_error *err)
{
    assert(slot >= 0 && slot < s->n_slots && s->taken[slot]);
    for (size_t done = 0; done < s->slot_bytes;) {
        ssize_t n = pread(s->fd, (char *)bytes + done, s->slot_bytes - done,
                          (off_t)((size_t)slot * s->slot_bytes + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return sumi_fail(err, SUMI_EIO, "swap: slot %d cannot be read: %s", slot,
                             n ? strerror(errno) : "it has no end");
        done += (size_t)n;
    }
    return SUMI_OK;
}
