/* log.h - messages to whoever embeds the library. There is no global: a logger is passed along with the object. */
#ifndef SUMI_BASE_LOG_H
#define SUMI_BASE_LOG_H

#include "sumi.h"

typedef struct logger {
    sumi_log_fn fn; /* NULL: silent */
    void *user;
} logger;

void log_message(const logger *log, sumi_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
