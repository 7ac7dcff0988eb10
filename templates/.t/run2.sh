set -e
cd /build/templates; for f in /src/templates/{idmount,store,names}.c; do gcc -std=gnu17 -D_GNU_SOURCE -I/src -O2 -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror -c $f; done; gcc -std=gnu17 -D_GNU_SOURCE -I/src -o s /src/templates/.t/s.c *.o -lcap
truncate -s 2G /tmp/img; mkfs.xfs -q -m reflink=1 /tmp/img; mkdir /tmp/p; mount -o loop,nosuid,nodev /tmp/img /tmp/p
cd /tmp/p; mkdir private layers layers/d layers/d/root layers/d/root/etc layers/d/root/u; echo hi > layers/d/root/etc/passwd; mkdir /mnt 2>/dev/null ||:
ln layers/d/root/etc/passwd layers/d/root/etc/hl
/build/templates/s /tmp/p o 1 "echo A >> /mnt/etc/passwd; mv /mnt/etc /mnt/etc2; setpriv --reuid 300000 --regid 300000 --clear-groups mkdir /mnt/u/x; rm -r /mnt/u" >/dev/null
umount /mnt 2>/dev/null ||:
cp -a --reflink=always private/0 private/77
getfattr -R -h -d -m. -e hex private
A=1 N=77 /build/templates/s /tmp/p o 1 "cat /mnt/etc2/hl"
umount /mnt ||:
rm -rf private/77; 
mkdir private/77; cp -a private/0/fs private/77/fs; mkdir private/77/work
A=1 N=77 /build/templates/s /tmp/p o 1 "cat /mnt/etc2/hl"
umount /mnt
find . -ls
