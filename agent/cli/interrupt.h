/* interrupt.h - Ctrl-C as something to ask for, so that a command can end with a word. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* interrupt_catch - from now on SIGINT and SIGTERM only set a flag; a second one ends the process. */
void interrupt_catch(void);
bool interrupt_seen(void);

#endif
