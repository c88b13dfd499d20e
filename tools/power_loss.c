/* Records what a process does to the files below one folder; crash_power.py tells what a loss of power may leave of it.
 *
 * cc -shared -fPIC -O2 -o power_loss.so power_loss.c -ldl -lpthread
 * LD_PRELOAD=power_loss.so POWER_LOSS_FOLDER=/abs/folder POWER_LOSS_JOURNAL=/abs/journal program...
 *
 * Each record: one byte of kind, then eight-byte numbers a, b, and the lengths of two byte strings, then these. One lock is held
 * around each call and its record, so that their orders agree; fsync itself is left out: the replay decides what it saved.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static const char *folder;
static size_t folder_length;
static int journal = -1;

static ssize_t put(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    return real(fd, data, size);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POWER_LOSS_JOURNAL");
    folder = getenv("POWER_LOSS_FOLDER");
    if (!path || !folder) return;
    folder_length = strlen(folder);
    REAL(int, open, const char *, int, ...);
    journal = real(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int inside(const char *path) {
    return journal >= 0 && path && !strncmp(path, folder, folder_length) && (path[folder_length] == '/' || !path[folder_length]);
}

static void record(char kind, uint64_t a, uint64_t b, const void *x, size_t nx, const void *y, size_t ny) {
    uint64_t numbers[4] = {a, b, nx, ny};
    int kept = errno;
    if (put(journal, &kind, 1) != 1 || put(journal, numbers, sizeof numbers) != sizeof numbers
        || put(journal, x, nx) != (ssize_t)nx || put(journal, y, ny) != (ssize_t)ny)
        abort();
    errno = kept;
}

static void record_paths(char kind, uint64_t a, const char *x, const char *y) {
    record(kind, a, 0, x, strlen(x), y, strlen(y));
}

/* A line of our own: what the world was told, in order with all else. */
void power_loss_told(const char *line) {
    pthread_mutex_lock(&lock);
    if (journal >= 0) record_paths('A', 0, line, "");
    pthread_mutex_unlock(&lock);
}

/* Says whether fd is a file below the folder, and which one. */
static int known(int fd, char *path, struct stat *st) {
    char link[64];
    int kept = errno;
    if (journal < 0 || fd == journal) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    errno = kept;
    if (n < 0) return 0;
    path[n] = 0;
    return inside(path) && !fstat(fd, st);
}

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    if (!inside(path) || !(flags & (O_CREAT | O_TRUNC))) return real(path, flags, mode);
    struct stat st;
    pthread_mutex_lock(&lock);
    int new = stat(path, &st) != 0;
    int fd = real(path, flags, mode);
    if (fd >= 0 && !fstat(fd, &st)) {
        if (new) record_paths('C', st.st_ino, path, "");
        else if (flags & O_TRUNC) record('T', st.st_ino, 0, "", 0, "", 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; va_end(more); \
        REAL(int, name, const char *, int, ...); \
        return opened(real, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; va_end(more); \
        if (path[0] == '/') return open(path, flags, mode); \
        REAL(int, name, int, const char *, int, ...); \
        return real(at, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

#define WRITTEN(call, offset, data) \
    char path[PATH_MAX]; struct stat st; \
    if (!known(fd, path, &st)) return call; \
    pthread_mutex_lock(&lock); \
    int64_t at = (offset); \
    if (fcntl(fd, F_GETFL) & O_APPEND && !fstat(fd, &st)) at = st.st_size; \
    ssize_t done = call; \
    if (done > 0) record('W', st.st_ino, at, data, done, "", 0); \
    pthread_mutex_unlock(&lock); \
    return done;

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    WRITTEN(real(fd, data, size), lseek(fd, 0, SEEK_CUR), data)
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    WRITTEN(real(fd, data, size, offset), offset, data)
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    WRITTEN(real(fd, data, size, offset), offset, data)
}
/* As several writes: the calls may do less than asked, which every caller has to expect. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    char path[PATH_MAX]; struct stat st;
    if (count < 1 || !known(fd, path, &st)) return real(fd, parts, count);
    return write(fd, parts[0].iov_base, parts[0].iov_len);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    char path[PATH_MAX]; struct stat st;
    if (count < 1 || !known(fd, path, &st)) return real(fd, parts, count, offset);
    return pwrite(fd, parts[0].iov_base, parts[0].iov_len, offset);
}

#define CUT(name, type) \
    int name(int fd, type size) { \
        REAL(int, name, int, type); \
        char path[PATH_MAX]; struct stat st; \
        if (!known(fd, path, &st)) return real(fd, size); \
        pthread_mutex_lock(&lock); \
        int done = real(fd, size); \
        if (!done) record('T', st.st_ino, size, "", 0, "", 0); \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
CUT(ftruncate, off_t)
CUT(ftruncate64, off64_t)

#define SYNC(name) \
    int name(int fd) { \
        REAL(int, name, int); \
        char path[PATH_MAX]; struct stat st; \
        if (!known(fd, path, &st)) return real(fd); \
        pthread_mutex_lock(&lock); \
        if (S_ISDIR(st.st_mode)) record_paths('D', 0, path, ""); else record('F', st.st_ino, 0, "", 0, "", 0); \
        pthread_mutex_unlock(&lock); \
        return 0; \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TWO_PATHS(name, kind) \
    int name(const char *from, const char *to) { \
        REAL(int, name, const char *, const char *); \
        if (!inside(from) && !inside(to)) return real(from, to); \
        pthread_mutex_lock(&lock); \
        int done = real(from, to); \
        if (!done) record_paths(kind, 0, from, to); \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
TWO_PATHS(rename, 'R')
TWO_PATHS(link, 'L')

#define ONE_PATH(name, kind) \
    int name(const char *path) { \
        REAL(int, name, const char *); \
        if (!inside(path)) return real(path); \
        pthread_mutex_lock(&lock); \
        int done = real(path); \
        if (!done) record_paths(kind, 0, path, ""); \
        pthread_mutex_unlock(&lock); \
        return done; \
    }
ONE_PATH(unlink, 'U')
ONE_PATH(rmdir, 'U')

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    if (!inside(path)) return real(path, mode);
    pthread_mutex_lock(&lock);
    int done = real(path, mode);
    if (!done) record_paths('M', 0, path, "");
    pthread_mutex_unlock(&lock);
    return done;
}

/* What this does not record may not be used below the folder: better to stop than to pass by mistake. */
#define FORBIDDEN(name, signature) \
    int name signature { \
        fprintf(stderr, "power_loss: " #name " is not recorded\n"); \
        abort(); \
    }
FORBIDDEN(renameat2, (int a, const char *b, int c, const char *d, unsigned e))
FORBIDDEN(symlink, (const char *a, const char *b))
FORBIDDEN(truncate, (const char *a, off_t b))
FORBIDDEN(truncate64, (const char *a, off64_t b))
FORBIDDEN(fallocate, (int a, int b, off_t c, off_t d))
FORBIDDEN(fallocate64, (int a, int b, off64_t c, off64_t d))
FORBIDDEN(posix_fallocate, (int a, off_t b, off_t c))
FORBIDDEN(posix_fallocate64, (int a, off64_t b, off64_t c))
FORBIDDEN(sync_file_range, (int a, off64_t b, off64_t c, unsigned d))
