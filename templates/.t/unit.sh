set -e
cd /build/templates
W="-std=gnu17 -D_GNU_SOURCE -I/src -g -O1 -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror"
gcc $W -fsanitize=address,undefined /src/tests/unit/$1_test.c /src/templates/*.c /src/runtime/base/*.c -o unit -lcmocka -larchive -lcap -lnettle
./unit
