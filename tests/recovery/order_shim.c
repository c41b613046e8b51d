/* Notes every write, sync and rename of a process, in order: one line "<nanoseconds> <write|sync|rename> <path>" in
   $ORDER_LOG; of a rename the new path.
   Loaded with LD_PRELOAD; libc's own functions do the work. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void note_path(const char *what, const char *path) {
    static int out = -1;
    if (out < 0) {
        const char *path = getenv("ORDER_LOG");
        if (path == NULL) return;
        out = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (out < 0) return;
    }
    char line[640];
    if (path[0] != '/') return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int size = snprintf(line, sizeof line, "%lld%09ld %s %s\n", (long long)now.tv_sec, now.tv_nsec, what, path);
    syscall(SYS_write, out, line, size);
}

static void note(const char *what, int fd) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    note_path(what, path);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) { REAL(write); ssize_t r = real(fd, data, size); note("write", fd); return r; }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { REAL(pwrite); ssize_t r = real(fd, data, size, at); note("write", fd); return r; }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { REAL(pwrite64); ssize_t r = real(fd, data, size, at); note("write", fd); return r; }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { REAL(pwritev); ssize_t r = real(fd, parts, count, at); note("write", fd); return r; }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { REAL(pwritev64); ssize_t r = real(fd, parts, count, at); note("write", fd); return r; }
int fsync(int fd) { REAL(fsync); int r = real(fd); if (r == 0) note("sync", fd); return r; }
int fdatasync(int fd) { REAL(fdatasync); int r = real(fd); if (r == 0) note("sync", fd); return r; }
int rename(const char *from, const char *to) { REAL(rename); int r = real(from, to); if (r == 0) note_path("rename", to); return r; }
