/* lock.h - folders of the store: making them, and one process at a time at work in them.
 *
 * A folder's lock is flock() on a file ".lock" in it, which stays there when it is released; the system releases it when a
 * process ends, however it ends. Whoever removes a folder holds its lock, and whoever waits in front of a lock that is
 * removed finds that out and begins anew. */
#ifndef SUMI_STORE_LOCK_H
#define SUMI_STORE_LOCK_H

#include "sumi.h"

/* Makes path and what is missing above it. */
SUMI_MUST_USE sumi_status folder_create(const char *path, sumi_error *err);

/* *fd is to be closed, which releases the lock. SUMI_EBUSY: another process has it. */
SUMI_MUST_USE sumi_status folder_lock(const char *folder, int *fd, sumi_error *err);

/* Removes the lock file and then the folder, if nothing else is in it, and those above it that became empty, up to but
 * not including root. The lock is held by the caller. */
void folder_remove_empty(const char *folder, const char *root);

#endif
