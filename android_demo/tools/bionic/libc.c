// What Android's C library (bionic) has and glibc has not, or has with another layout, for Android's native libraries
// of x86_64 in a process of Linux. Everything else that they call goes on to glibc's function of the same name
// (forwards.S, made by android_demo.tools.android_on_linux): both follow the System V ABI, and the structures that cross
// the border (pthread's locks, stat, dirent, tm) have the same size and layout there.
//
// Each name carries bionic's symbol version, so that neither library takes the other's.

#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT_AS(name, version) __asm__(".symver bionic_" #name ", " #name "@" version)
#define EXPORT(name) EXPORT_AS(name, "LIBC")

// Older code names the standard streams as elements of an array of bionic's FILE, which has 152 bytes.

enum { FILE_BYTES = 152 };
char bionic___sF[3 * FILE_BYTES];
FILE *bionic_stdout, *bionic_stderr;
EXPORT(__sF);
EXPORT(stdout);
EXPORT(stderr);

__attribute__((constructor)) static void begin(void) {
  bionic_stdout = stdout;
  bionic_stderr = stderr;
}

static FILE *stream(FILE *given) {
  const size_t place = (size_t)((char *)given - bionic___sF);
  if (place >= sizeof bionic___sF) return given;
  return place < FILE_BYTES ? stdin : place < 2 * FILE_BYTES ? stdout : stderr;
}

int bionic_vfprintf(FILE *file, const char *format, va_list values) { return vfprintf(stream(file), format, values); }
int bionic_fputs(const char *text, FILE *file) { return fputs(text, stream(file)); }
int bionic_fputc(int character, FILE *file) { return fputc(character, stream(file)); }
int bionic_fflush(FILE *file) { return fflush(file ? stream(file) : NULL); }
size_t bionic_fwrite(const void *data, size_t size, size_t count, FILE *file) {
  return fwrite(data, size, count, stream(file));
}
int bionic_fprintf(FILE *file, const char *format, ...) {
  va_list values;
  va_start(values, format);
  const int written = vfprintf(stream(file), format, values);
  va_end(values);
  return written;
}
EXPORT(vfprintf);
EXPORT(fputs);
EXPORT(fputc);
EXPORT(fflush);
EXPORT(fwrite);
EXPORT(fprintf);

// Errors.

int *bionic___errno(void) { return &errno; }
char *bionic___gnu_strerror_r(int error, char *text, size_t size) { return strerror_r(error, text, size); }
int bionic_strerror_r(int error, char *text, size_t size) {
  snprintf(text, size, "%s", strerror(error));
  return 0;
}
void bionic___assert2(const char *file, int line, const char *function, const char *failed) {
  fprintf(stderr, "%s:%d: %s: assertion \"%s\" failed\n", file, line, function, failed);
  abort();
}
void bionic_android_set_abort_message(const char *message) { fprintf(stderr, "%s\n", message); }
EXPORT(__errno);
EXPORT(__gnu_strerror_r);
EXPORT(strerror_r);
EXPORT(__assert2);
EXPORT(android_set_abort_message);

// Checks of sizes that the compiler knew (FORTIFY).

static void require(int fits, const char *what) {
  if (fits) return;
  fprintf(stderr, "%s: the buffer is too small\n", what);
  abort();
}
size_t bionic___strlen_chk(const char *text, size_t size) {
  const size_t length = strlen(text);
  require(length < size, "strlen");
  return length;
}
char *bionic___strchr_chk(const char *text, int character, size_t size) {
  bionic___strlen_chk(text, size);
  return strchr(text, character);
}
char *bionic___strrchr_chk(const char *text, int character, size_t size) {
  bionic___strlen_chk(text, size);
  return strrchr(text, character);
}
ssize_t bionic___write_chk(int file, const void *data, size_t count, size_t size) {
  require(count <= size, "write");
  return write(file, data, count);
}
EXPORT(__strlen_chk);
EXPORT(__strchr_chk);
EXPORT(__strrchr_chk);
EXPORT_AS(__write_chk, "LIBC_N");

// The system: numbers of other names, and no properties.

int bionic___system_property_get(const char *name, char *value) {
  (void)name;
  *value = 0;
  return 0;
}
long bionic_sysconf(int name) {
  switch (name) {
    case 0x06: return sysconf(_SC_CLK_TCK);
    case 0x27:
    case 0x28: return sysconf(_SC_PAGESIZE);
    case 0x60: return sysconf(_SC_NPROCESSORS_CONF);
    case 0x61: return sysconf(_SC_NPROCESSORS_ONLN);
    case 0x62: return sysconf(_SC_PHYS_PAGES);
    case 0x63: return sysconf(_SC_AVPHYS_PAGES);
  }
  fprintf(stderr, "bionic's sysconf(%#x) is not known here\n", name);
  errno = EINVAL;
  return -1;
}
long bionic_pathconf(const char *path, int name) {
  fprintf(stderr, "bionic's pathconf(%s, %#x) is not known here\n", path, name);
  errno = EINVAL;
  return -1;
}
EXPORT(__system_property_get);
EXPORT(sysconf);
EXPORT(pathconf);
