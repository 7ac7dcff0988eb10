/* Text that may have come from anywhere, as it may go to a terminal, a log or JSON. */
#pragma once

/* A copy in which each control character, and each byte that is not UTF-8, is a question mark; a newline or tab is a
 * blank, but for a tab at the beginning, which stays. The caller frees. */
char *plain_text(const char *text);
