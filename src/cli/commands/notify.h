/* notify.h - reports the program's state to the service manager. Source: sd_notify(3): one datagram to the socket that
 * $NOTIFY_SOCKET names. Without a service manager it does nothing. */
#ifndef SUMI_CLI_COMMANDS_NOTIFY_H
#define SUMI_CLI_COMMANDS_NOTIFY_H

void notify_manager(const char *state); /* "READY=1", "STOPPING=1" */

#endif
