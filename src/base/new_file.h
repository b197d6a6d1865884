/* new_file.h - a file that is there whole or not at all, after a crash and a power cut too.
 *
 * It is written under a temporary name beside its place, PATH.XXXXXXXX.partial, brought to the disk, renamed, and the
 * folder is brought to the disk as well: a rename that is only in memory is lost with the power. A process that is
 * killed leaves the temporary file. As its writer holds a lock (flock) on it, anybody can see that it is abandoned:
 * the next new_file_open() for the same PATH removes it, and new_file_sweep() those of a whole folder.
 *
 * Devices and pipes are never replaced. Where the caller allows them, what is written goes to them: at once where they have
 * positions (/dev/null), else when it is complete. */
#ifndef SUMI_BASE_NEW_FILE_H
#define SUMI_BASE_NEW_FILE_H

#include "sumi.h"

enum {
    NEW_FILE_OVERWRITE = 1, /* a regular file that is there already is replaced; else EIO */
    NEW_FILE_SPECIAL = 4,   /* path may be a device or a pipe (base/special_file.h); else EIO */
    NEW_FILE_PRIVATE = 2,   /* readable and writable by its owner alone; else as the umask says */
};

typedef struct new_file {
    char *path, *temporary; /* its place; its name until it is there, NULL: there is none to remove */
    int fd;       /* what is written to */
    bool spooled; /* fd has no name: `target`, a special file, gets what it holds when it is complete */
    int target;
    bool overwrite;
} new_file;

/* reserve: bytes to reserve on the disk, where the file system can. EIO: the file cannot be created, is there already and
 * must not be overwritten, is neither a regular file nor a special one that is allowed, or the disk is full; the error names
 * it. A symbolic link at path is replaced, not followed. */
SUMI_MUST_USE sumi_status new_file_open(new_file *f, const char *path, int flags, uint64_t reserve,
                                        sumi_error *err);

/* n bytes of data to the offset at. */
SUMI_MUST_USE sumi_status new_file_write(new_file *f, uint64_t at, const void *data, size_t n,
                                         sumi_error *err);

/* Makes it n_bytes long: what was not written is zero. */
SUMI_MUST_USE sumi_status new_file_pad(new_file *f, uint64_t n_bytes, sumi_error *err);

/* Moves the complete file to its place. */
SUMI_MUST_USE sumi_status new_file_finish(new_file *f, sumi_error *err);

/* Removes what is not finished. After new_file_open(), also when it failed, and after new_file_finish(). */
void new_file_deinit(new_file *f);

/* Length of the PATH of which name is a temporary file; 0: it is none. */
size_t new_file_stem(const char *name);

/* Removes the abandoned temporary files of name in folder; name NULL: of all names. Returns how many there were. */
int32_t new_file_sweep(const char *folder, const char *name);

/* For a file that was written otherwise: brings the open file fd, whose name is from, to the disk, renames it to to, in
 * the same folder, and brings the folder to the disk. */
SUMI_MUST_USE sumi_status new_file_replace(int fd, const char *from, const char *to, sumi_error *err);

#endif
