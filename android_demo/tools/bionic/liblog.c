// Android's log, on standard error.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int __android_log_vprint(int priority, const char *tag, const char *format, va_list values) {
  (void)priority;
  char line[1024];
  vsnprintf(line, sizeof line, format, values);
  return fprintf(stderr, "%s: %s\n", tag, line);
}

int __android_log_print(int priority, const char *tag, const char *format, ...) {
  va_list values;
  va_start(values, format);
  const int written = __android_log_vprint(priority, tag, format, values);
  va_end(values);
  return written;
}

int __android_log_write(int priority, const char *tag, const char *text) {
  return __android_log_print(priority, tag, "%s", text);
}

void __android_log_assert(const char *condition, const char *tag, const char *format, ...) {
  va_list values;
  va_start(values, format);
  if (format) __android_log_vprint(0, tag, format, values);
  va_end(values);
  fprintf(stderr, "%s: %s\n", tag, condition ? condition : "assertion failed");
  abort();
}
