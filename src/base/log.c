/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const level_names[] = {
    [SUMI_LOG_ERROR] = "error",
    [SUMI_LOG_WARN] = "warn",
    [SUMI_LOG_INFO] = "info",
    [SUMI_LOG_DEBUG] = "debug",
};
enum { N_LEVELS = sizeof level_names / sizeof *level_names };

const char *log_level_name(sumi_log_level level)
{
    return level_names[level];
}

bool log_level_find(const char *name, sumi_log_level *level)
{
    int i = 0;
    while (i < N_LEVELS && strcmp(name, level_names[i]) != 0) i++;
    if (i < N_LEVELS) *level = (sumi_log_level)i;
    return i < N_LEVELS;
}

void log_message(const logger *log, sumi_log_level level, const char *format, ...)
{
    if (!log || !log->fn) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log->fn(log->user, level, line);
}
