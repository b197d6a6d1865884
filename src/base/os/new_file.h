/* new_file.h - writes a file completely or not at all, even if the process crashes or the power fails.
 *
 * The file is written under a temporary name in the same folder, PATH.XXXXXXXX.partial, synced to the disk and renamed.
 * Then the folder is synced, too: a rename that is only in memory is lost if the power fails. A process that is killed
 * leaves its temporary file. Its writer held a lock (flock) on it, so a file without a lock is abandoned: the next
 * new_file_open() for the same PATH removes it, and new_file_sweep() removes those of a whole folder.
 *
 * Devices and pipes are never replaced. If the caller allows them, the bytes are written to the device or pipe itself: at
 * once if it has positions (/dev/null), else when all bytes are complete. */
#ifndef SUMI_BASE_OS_NEW_FILE_H
#define SUMI_BASE_OS_NEW_FILE_H

#include "sumi.h"

enum {
    NEW_FILE_OVERWRITE = 1, /* an existing regular file is replaced; else EIO */
    NEW_FILE_PRIVATE = 2,   /* readable and writable by its owner only; else by the umask */
    NEW_FILE_SPECIAL = 4,   /* path may be a device or a pipe (base/os/special_file.h); else EIO */
};

typedef struct new_file {
    char *path, *temporary; /* the final path; the temporary path, NULL: no temporary file to remove */
    char *folder;           /* of path */
    int fd;                 /* the file that is written */
    bool spooled; /* fd has no name: its bytes are copied to `target`, a special file, when they are complete */
    int target;
    bool overwrite;
} new_file;

/* reserve: bytes to reserve on the disk, if the file system can. EIO: the file cannot be created, exists and must not be
 * overwritten, is neither a regular file nor an allowed special file, or the disk is full; the error names the file. A
 * symbolic link at path is replaced, not followed. */
SUMI_MUST_USE sumi_status new_file_open(new_file *f, const char *path, int flags, uint64_t reserve, sumi_error *err);

/* Writes n bytes of data at the offset at. */
SUMI_MUST_USE sumi_status new_file_write(new_file *f, uint64_t at, const void *data, size_t n, sumi_error *err);

/* Makes the file n_bytes long; bytes that were not written are zero. */
SUMI_MUST_USE sumi_status new_file_pad(new_file *f, uint64_t n_bytes, sumi_error *err);

/* Syncs the complete file and renames it to its final path. */
SUMI_MUST_USE sumi_status new_file_finish(new_file *f, sumi_error *err);

/* Removes an unfinished file. Call it after new_file_open(), also after a failure, and after new_file_finish(). */
void new_file_deinit(new_file *f);

/* All of it for n bytes that are in memory: opens with flags, writes, finishes. */
SUMI_MUST_USE sumi_status new_file_write_whole(const char *path, int flags, const void *data, size_t n,
                                               sumi_error *err);

/* If name is a temporary file PATH.XXXXXXXX.partial: the length of PATH; else 0. */
size_t new_file_stem(const char *name);

/* Removes the abandoned temporary files of name in folder; name NULL: of all names. Returns their number. */
int32_t new_file_sweep(const char *folder, const char *name);

/* For a file that was written by other means: syncs the open file fd, whose name is from, renames it to `to` in the same
 * folder, and syncs the folder. */
SUMI_MUST_USE sumi_status new_file_replace(int fd, const char *from, const char *to, sumi_error *err);

#endif
