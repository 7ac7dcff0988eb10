/* A flaw of CRIU 4.1: it takes for the file that a process executes what any process has open of the same file, even if
 * only as a path (O_PATH), and cannot restore that ("sys_prctl(PR_SET_MM, PR_SET_MM_MAP) failed"). systemd has its
 * executor open so, and each session's (sd-pam) runs it. */
#pragma once

struct err;

/* In the files of a dump: such a file will be open for reading instead, also by who may only execute it. */
int executables_mend(int files, struct err *err);
