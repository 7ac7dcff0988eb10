set -e
G="gcc -std=gnu17 -D_GNU_SOURCE -I/src -O2 -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror"
cd /build/templates
for f in /src/runtime/base/{err,io,mem,str,proc,userns}.c /src/templates/{idmount,store}.c; do $G -c $f; done
gcc -std=gnu17 -D_GNU_SOURCE -I/src -o s /src/templates/.t/s.c *.o -lcap
truncate -s 2G /tmp/img; mkfs.xfs -q -m reflink=1 /tmp/img; mkdir /tmp/p; mount -o loop,nosuid,nodev /tmp/img /tmp/p
cd /tmp/p; mkdir private layers layers/d layers/d/root layers/d/root/etc; echo hi > layers/d/root/etc/passwd; mkdir /mnt 2>/dev/null ||:
ln layers/d/root/etc/passwd layers/d/root/etc/hl
/build/templates/s /tmp/p o 1 "touch /mnt/x; chown 300000:300000 /mnt/x; ls -ln /mnt; echo A >> /mnt/etc/passwd; mv /mnt/etc /mnt/etc2; chroot --userspec=0 / find /tmp/p/private -ls"
umount /mnt 2>/dev/null ||:
/build/templates/s /tmp/p p 1 ; umount /mnt 2>/dev/null||:
/build/templates/s /tmp/p o 50
/build/templates/s /tmp/p p 50
cp -a --reflink=always private/0 private/77
sed -n 1,3p /proc/self/mountinfo | wc -l
