/* lock.h - folders of the store: makes them, and locks them for one process at a time.
 *
 * A folder's lock is flock() on a file ".lock" in it; the file stays when the lock is released. The system releases the
 * lock when its process ends for any reason. A process that removes a folder holds its lock. A process that gets a lock
 * file which was removed meanwhile notices this and tries again. */
#ifndef SUMI_STORE_LOCK_H
#define SUMI_STORE_LOCK_H

#include "sumi.h"

/* Makes the folder path and the missing folders above it. */
SUMI_MUST_USE sumi_status folder_create(const char *path, sumi_error *err);

/* Closing *fd releases the lock. SUMI_EBUSY: another process has the lock. */
SUMI_MUST_USE sumi_status folder_lock(const char *folder, int *fd, sumi_error *err);

/* If the folder has no other files, removes the lock file, the folder, and the folders above it that became empty, up to
 * but not including root. The caller holds the lock. */
void folder_remove_empty(const char *folder, const char *root);

#endif
