/* The far end of a migration: `vzmigrate --receive`, which the giving node's vzmigrate starts by ssh. Its stdin and
 * stdout are the stream of words; it takes them to this node's vzd and back. */
#pragma once

/* Returns the exit code. */
int receive_run(int in, int out);
