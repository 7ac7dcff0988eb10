#!/bin/sh
# A text as a C string: one line of the one a line of the other.
exec sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$/\\n"/' "$1"
