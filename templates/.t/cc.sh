set -e
cd /build; mkdir -p templates; cd templates
for c in gcc clang; do for f in "$@"; do $c -std=gnu17 -D_GNU_SOURCE -I/src -O2 -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror -c /src/$f -o $c-$(basename $f .c).o; done; done
