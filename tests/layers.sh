#!/bin/sh
# Includes run strictly downward: cmd > runtime > the leaves > runtime/base. Prints TAP.
cd "$(dirname "$0")/.." || exit 1
count=0 failed=0

# check WHAT FILES PATTERN: no file includes what matches.
check() {
	count=$((count + 1))
	# shellcheck disable=SC2086 # FILES is a list of patterns
	if found=$(grep -nE "^#include \"($3)" $2); then
		failed=1
		echo "not ok $count - $1"
		echo "$found" | sed 's/^/# /'
	else
		echo "ok $count - $1"
	fi
}

echo "1..8"
check "base includes nothing of ours" "runtime/base/*.[ch]" '(cmd|netns|quota|checkpoint|templates)/|runtime/[^/]*"'
check "netns includes only base" "netns/*.[ch]" '(cmd|quota|checkpoint|templates)/|runtime/[^/]*"'
check "quota includes only base" "quota/*.[ch]" '(cmd|netns|checkpoint|templates)/|runtime/[^/]*"'
check "checkpoint includes only base" "checkpoint/*.[ch]" '(cmd|netns|quota|templates)/|runtime/[^/]*"'
check "templates include only base" "templates/*.[ch]" '(cmd|netns|quota|checkpoint)/|runtime/[^/]*"'
check "runtime does not include cmd" "runtime/*.[ch]" 'cmd/'
check "cmd does not include a leaf" "cmd/*.[ch]" '(netns|quota|checkpoint|templates)/'

# A path of a VE is opened in one file only.
count=$((count + 1))
if found=$(grep -nE 'openat2|RESOLVE_' runtime/*.c | grep -v '^runtime/path\.c:'); then
	failed=1
	echo "not ok $count - only path.c resolves paths in a VE"
	echo "$found" | sed 's/^/# /'
else
	echo "ok $count - only path.c resolves paths in a VE"
fi
exit $failed
