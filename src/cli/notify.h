/* notify.h - tells the service manager that started this program how it is. Source: sd_notify(3), whose protocol is one
 * datagram to the socket that $NOTIFY_SOCKET names. Without a manager that listens nothing happens. */
#ifndef SUMI_CLI_NOTIFY_H
#define SUMI_CLI_NOTIFY_H

void notify_manager(const char *state); /* "READY=1", "STOPPING=1" */

#endif
