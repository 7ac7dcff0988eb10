#!/bin/sh
# Objects that no checkpoint comes over pass their checks, and do not once they are spoiled. Prints TAP. The program is
# the argument; root's namespaces are made anew, as in a VE.
set -u
if [ "${2:-}" != inside ]; then
	exec unshare --mount --net --ipc --uts --pid --fork --mount-proc --propagation private "$0" "$1" inside
fi

objects=$1
work=$(mktemp -d)
mount -t tmpfs held "$work"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx
ip link set lo up

count=0 failed=0
tell() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		failed=1
		echo "not ok $count - $2"
	fi
}

# Run a command, showing what it says but for what is well.
shown() {
	"$@" >"$work/said" 2>&1
	status=$?
	sed '/^ok /d; s/^/# /' "$work/said"
	return $status
}

# All kinds that could be spoiled are bad, and no other is.
told_apart() {
	sed -n 's/^spoiled //p' "$work/spoiled" | sort >"$work/expected"
	sed -n 's/^not ok \([^:]*\):.*/\1/p' "$work/after" | sort | diff "$work/expected" - >"$work/difference"
	status=$?
	sed 's/^/# /' "$work/difference"
	return $status
}

"$objects" hold "$work/objects" &
tries=0
while [ ! -e "$work/objects/all.ready" ] && [ $tries -lt 600 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
test -e "$work/objects/all.ready"
tell $? 'every kind says whether it is ready'
shown "$objects" check "$work/objects"
tell $? 'every check passes'
shown "$objects" check "$work/objects"
tell $? 'every check passes again'

"$objects" spoil "$work/objects" >"$work/spoiled" 2>&1
spoiled=$?
grep '^not' "$work/spoiled" | sed 's/^/# /'
tell $spoiled 'what can be spoiled is'
"$objects" check "$work/objects" >"$work/after" 2>&1
grep '^not' "$work/after" | sed 's/^/# /'
told_apart
tell $? 'the check of each spoiled kind fails, and no other'

"$objects" echo-server 127.0.0.1 7777 &
"$objects" echo-server ::1 7777 &
sleep 0.5
shown "$objects" echo-client 127.0.0.1 7777 20 5
tell $? 'lines come back over IPv4'
shown "$objects" echo-client ::1 7777 20 5
tell $? 'lines come back over IPv6'
echo "1..$count"
exit $failed
