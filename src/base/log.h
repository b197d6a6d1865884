/* log.h - messages to the program that embeds the library. There is no global: each object has its logger. */
#ifndef SUMI_BASE_LOG_H
#define SUMI_BASE_LOG_H

#include "sumi.h"

typedef struct logger {
    sumi_log_fn fn; /* NULL: silent */
    void *user;
} logger;

/* "error", "warn", "info" or "debug". */
const char *log_level_name(sumi_log_level level);
bool log_level_find(const char *name, sumi_log_level *level); /* false: there is no level of this name */

/* Nothing happens if log or its function is NULL. A line of more than 1023 bytes is cut. */
void log_message(const logger *log, sumi_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
