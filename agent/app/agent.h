/* agent.h - the sidecar: wires all parts in reading order, runs, reloads, drains. */
#ifndef APP_AGENT_H
#define APP_AGENT_H

/* agent_run - an agent from its start to its drained end. file is its configuration (borrowed; NULL: defaults
 * and the environment). Gives the process's exit code: 0 drained, 1 failed. */
int agent_run(const char *file);

#endif
