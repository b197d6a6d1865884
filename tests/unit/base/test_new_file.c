/* test_new_file.c - a file is there whole or not at all, and what a killed writer left is removed. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os/new_file.h"
#include "hf_folder.h"
#include "test_support.h"

/* Instead of the C library's: what was brought to the disk, in order. 'f': a file, 'd': a folder. */
static char synced[16];
static size_t n_synced;

int fsync(int fd)
{
    struct stat s;
    assert_int_equal(fstat(fd, &s), 0);
    if (n_synced < sizeof synced - 1) synced[n_synced++] = S_ISDIR(s.st_mode) ? 'd' : 'f';
    return 0;
}

static void assert_synced(const char *what)
{
    assert_string_equal(synced, what);
}

static const char *in(const test_folder *f, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    return path;
}

static int count_files(const test_folder *f)
{
    int n = 0;
    DIR *dir = opendir(f->path);
    for (struct dirent *e; (e = readdir(dir));) n += *e->d_name != '.';
    closedir(dir);
    return n;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void assert_text(const char *path, const char *text)
{
    char got[64];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(got, 1, sizeof got - 1, f);
    got[n] = '\0';
    fclose(f);
    assert_string_equal(got, text);
}

static void a_file_appears_when_it_is_complete(void **state)
{
    (void)state;
    sumi_error err;
    struct stat s;
    test_folder d = test_folder_create();
    new_file f;
    umask(022);
    assert_int_equal(new_file_open(&f, in(&d, "a"), 0, 100, &err), SUMI_OK);
    assert_int_equal(new_file_write(&f, 4, "5678", 4, &err), SUMI_OK);
    assert_int_equal(new_file_write(&f, 0, "1234", 4, &err), SUMI_OK);
    assert_int_equal(access(in(&d, "a"), F_OK), -1);
    assert_int_equal(new_file_pad(&f, 8, &err), SUMI_OK);
    assert_int_equal(new_file_finish(&f, &err), SUMI_OK);
    new_file_deinit(&f);
    assert_synced("fd");
    assert_text(in(&d, "a"), "12345678");
    assert_int_equal(stat(in(&d, "a"), &s), 0);
    assert_int_equal(s.st_mode & 0777, 0644);
    assert_int_equal(count_files(&d), 1);
    assert_int_equal(new_file_open(&f, in(&d, "b"), NEW_FILE_PRIVATE, 0, &err), SUMI_OK);
    assert_int_equal(new_file_finish(&f, &err), SUMI_OK);
    new_file_deinit(&f);
    assert_int_equal(stat(in(&d, "b"), &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    test_folder_remove(&d);
}

static void the_old_file_stays_until_the_new_one_is_finished(void **state)
{
    (void)state;
    sumi_error err;
    test_folder d = test_folder_create();
    new_file f;
    put(in(&d, "a"), "old");
    assert_int_equal(new_file_open(&f, in(&d, "a"), NEW_FILE_OVERWRITE, 0, &err), SUMI_OK);
    assert_int_equal(new_file_write(&f, 0, "new", 3, &err), SUMI_OK);
    assert_text(in(&d, "a"), "old");
    new_file_deinit(&f); /* given up */
    assert_text(in(&d, "a"), "old");
    assert_int_equal(count_files(&d), 1);
    assert_int_equal(new_file_open(&f, in(&d, "a"), NEW_FILE_OVERWRITE, 0, &err), SUMI_OK);
    assert_int_equal(new_file_write(&f, 0, "new", 3, &err), SUMI_OK);
    assert_int_equal(new_file_finish(&f, &err), SUMI_OK);
    new_file_deinit(&f);
    assert_text(in(&d, "a"), "new");
    assert_int_equal(count_files(&d), 1);
    test_folder_remove(&d);
}

static void nothing_is_overwritten_unasked(void **state)
{
    (void)state;
    sumi_error err;
    test_folder d = test_folder_create();
    new_file f;
    put(in(&d, "a"), "old");
    assert_int_equal(new_file_open(&f, in(&d, "a"), 0, 0, &err), SUMI_EIO);
    assert_non_null(strstr(err.message, "a: the file exists"));
    new_file_deinit(&f);
    /* It comes into being while the other one is written. */
    assert_int_equal(new_file_open(&f, in(&d, "b"), 0, 0, &err), SUMI_OK);
    put(in(&d, "b"), "theirs");
    assert_int_equal(new_file_finish(&f, &err), SUMI_EIO);
    new_file_deinit(&f);
    assert_text(in(&d, "b"), "theirs");
    assert_int_equal(new_file_open(&f, d.path, NEW_FILE_OVERWRITE, 0, &err), SUMI_EIO);
    assert_non_null(strstr(err.message, "is no regular file"));
    new_file_deinit(&f);
    assert_int_equal(new_file_open(&f, in(&d, "no/such"), 0, 0, &err), SUMI_EIO);
    assert_non_null(strstr(err.message, "No such file or directory"));
    new_file_deinit(&f);
    assert_int_equal(count_files(&d), 2);
    test_folder_remove(&d);
}

/* A process that is killed in the middle of writing path. */
static void write_and_be_killed(const char *path)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        new_file f;
        if (new_file_open(&f, path, NEW_FILE_OVERWRITE, 0, NULL) != SUMI_OK) _exit(1);
        raise(SIGKILL);
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how));
}

static void what_a_killed_writer_left_is_removed_and_what_is_written_is_not(void **state)
{
    (void)state;
    sumi_error err;
    test_folder d = test_folder_create();
    new_file a, b;
    assert_int_equal(new_file_stem("models/x.gguf.0123abcd.partial"), 13);
    assert_int_equal(new_file_stem("models/x.gguf.partial"), 0);
    assert_int_equal(new_file_open(&a, in(&d, "a"), 0, 0, &err), SUMI_OK); /* at work all the time */
    write_and_be_killed(in(&d, "a"));
    write_and_be_killed(in(&d, "b"));
    write_and_be_killed(in(&d, "ab"));
    put(in(&d, "a.0123456.partial"), "a digit is missing");
    put(in(&d, "a.0123456x.partial"), "not a digit");
    put(in(&d, ".0123abcd.partial"), "of no file");
    assert_int_equal(mkdir(in(&d, "a.0123abcd.partial"), 0700), 0);
    assert_int_equal(mkfifo(in(&d, "a.0123abce.partial"), 0700), 0);
    assert_int_equal(symlink("a.0123456.partial", in(&d, "a.0123abcf.partial")), 0);
    int n = count_files(&d);
    assert_int_equal(new_file_open(&b, in(&d, "b"), 0, 0, &err), SUMI_OK); /* one goes, one comes */
    assert_int_equal(count_files(&d), n);
    assert_int_equal(new_file_sweep(d.path, "b"), 0);
    assert_int_equal(new_file_sweep(d.path, "a"), 1);
    assert_int_equal(new_file_sweep(d.path, NULL), 1); /* of "ab" */
    assert_int_equal(new_file_sweep(in(&d, "no/such"), NULL), 0);
    assert_int_equal(count_files(&d), n - 2);
    assert_int_equal(new_file_finish(&a, &err), SUMI_OK);
    assert_int_equal(new_file_finish(&b, &err), SUMI_OK);
    new_file_deinit(&a);
    new_file_deinit(&b);
    rmdir(in(&d, "a.0123abcd.partial"));
    test_folder_remove(&d);
}

/* What cannot be replaced at the end is refused at the beginning, before somebody works for an hour. */
static void a_link_that_leads_nowhere_is_there_already(void **state)
{
    (void)state;
    sumi_error err;
    new_file f;
    test_folder d = test_folder_create();
    assert_int_equal(symlink("nowhere", in(&d, "link")), 0);
    test_expect_error(new_file_open(&f, in(&d, "link"), 0, 0, &err), SUMI_EIO, &err, "the file exists");
    new_file_deinit(&f);
    assert_int_equal(new_file_open(&f, in(&d, "link"), NEW_FILE_OVERWRITE, 0, &err), SUMI_OK);
    assert_int_equal(new_file_finish(&f, &err), SUMI_OK);
    new_file_deinit(&f);
    assert_int_equal(count_files(&d), 1);
    test_folder_remove(&d);
}

static void a_file_written_otherwise_gets_its_place(void **state)
{
    (void)state;
    sumi_error err;
    char from[256];
    test_folder d = test_folder_create();
    snprintf(from, sizeof from, "%s", in(&d, "x.part"));
    put(from, "whole");
    int fd = open(from, O_RDWR);
    assert_int_equal(new_file_replace(fd, from, in(&d, "x"), &err), SUMI_OK);
    assert_synced("fd");
    assert_text(in(&d, "x"), "whole");
    assert_int_equal(count_files(&d), 1);
    assert_int_equal(new_file_replace(fd, from, in(&d, "x"), &err), SUMI_EIO);
    close(fd);
    test_folder_remove(&d);
}

/* Writes "1234" in two pieces, the second one first. */
static sumi_status write_to(const char *path, int flags, sumi_error *err)
{
    new_file f;
    sumi_status st = new_file_open(&f, path, flags, 100, err);
    if (st == SUMI_OK) st = new_file_write(&f, 2, "34", 2, err);
    if (st == SUMI_OK) st = new_file_write(&f, 0, "12", 2, err);
    if (st == SUMI_OK) st = new_file_pad(&f, 4, err);
    if (st == SUMI_OK) st = new_file_finish(&f, err);
    new_file_deinit(&f);
    return st;
}

static void devices_and_pipes_are_written_where_that_is_allowed(void **state)
{
    (void)state;
    sumi_error err;
    struct stat s;
    char got[16], name[64];
    int ends[2], sockets[2];
    test_folder d = test_folder_create();
    assert_int_equal(write_to("/dev/null", NEW_FILE_SPECIAL, &err), SUMI_OK);
    assert_int_equal(stat("/dev/null", &s), 0);
    assert_true(S_ISCHR(s.st_mode));
    assert_int_equal(write_to("/dev/full", NEW_FILE_SPECIAL, &err), SUMI_EIO);
    assert_non_null(strstr(err.message, "/dev/full: No space left on device"));
    assert_int_equal(write_to("/dev/null", NEW_FILE_OVERWRITE, &err), SUMI_EIO);
    assert_non_null(strstr(err.message, "is no regular file"));

    assert_int_equal(mkfifo(in(&d, "fifo"), 0600), 0);
    int fifo = open(in(&d, "fifo"), O_RDONLY | O_NONBLOCK); /* a reader, so that nobody waits */
    assert_int_equal(write_to(in(&d, "fifo"), NEW_FILE_SPECIAL, &err), SUMI_OK);
    assert_int_equal(read(fifo, got, sizeof got), 4);
    assert_memory_equal(got, "1234", 4);
    close(fifo);

    assert_int_equal(pipe(ends), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    assert_int_equal(write_to(name, NEW_FILE_SPECIAL, &err), SUMI_OK);
    assert_int_equal(read(ends[0], got, sizeof got), 4);
    assert_memory_equal(got, "1234", 4);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", sockets[1]);
    assert_int_equal(write_to(name, NEW_FILE_SPECIAL, &err), SUMI_OK);
    assert_int_equal(read(sockets[0], got, sizeof got), 4);
    for (int i = 0; i < 2; i++) close(ends[i]), close(sockets[i]);
    assert_int_equal(write_to(name, NEW_FILE_SPECIAL, &err), SUMI_EIO);

    put(in(&d, "log"), "before "); /* as with `>> log`: the descriptor's file is neither replaced nor begun again */
    int fd = open(in(&d, "log"), O_WRONLY | O_APPEND);
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    assert_int_equal(write_to(name, NEW_FILE_SPECIAL, &err), SUMI_OK);
    close(fd);
    assert_text(in(&d, "log"), "before 1234");
    assert_synced("");
    assert_int_equal(count_files(&d), 2);
    test_folder_remove(&d);
}

static int forget_synced(void **state)
{
    (void)state;
    memset(synced, 0, sizeof synced);
    n_synced = 0;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_appears_when_it_is_complete, forget_synced),
        cmocka_unit_test_setup(the_old_file_stays_until_the_new_one_is_finished, forget_synced),
        cmocka_unit_test_setup(nothing_is_overwritten_unasked, forget_synced),
        cmocka_unit_test_setup(what_a_killed_writer_left_is_removed_and_what_is_written_is_not, forget_synced),
        cmocka_unit_test_setup(devices_and_pipes_are_written_where_that_is_allowed, forget_synced),
        cmocka_unit_test(a_link_that_leads_nowhere_is_there_already),
        cmocka_unit_test_setup(a_file_written_otherwise_gets_its_place, forget_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
