#!/usr/bin/env bats
# What a VE's own files say of its name and its resolvers, at start and live, whatever its owner made of them.
load common

MARK='# Auto-generated hostname. Please do not remove this comment.'

# The file of the VE as the node sees it, without entering the VE.
inside() {
	cat "/var/lib/vz/root/101/$1"
}

line_of() {
	inside "$1" | grep -qxF "$2"
}

# A resolv.conf of the node's with these lines.
node_resolv_conf() {
	[ -e "$BATS_FILE_TMPDIR/resolv.conf" ] || cp /etc/resolv.conf "$BATS_FILE_TMPDIR/resolv.conf"
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/resolv.conf"
	cp --remove-destination "$BATS_TEST_TMPDIR/resolv.conf" /etc/resolv.conf
}

teardown() {
	fsfreeze -u /var/lib/vz 2>/dev/null || true
	chattr -i /var/lib/vz/private/101/etc/hostname 2>/dev/null || true
	[ ! -e "$BATS_FILE_TMPDIR/resolv.conf" ] || cp --remove-destination "$BATS_FILE_TMPDIR/resolv.conf" /etc/resolv.conf
	vzd_up || vzd_start
	sweep
}

@test "names are in the files before init runs" {
	ve 101 '' --hostname web.example.com
	vzctl --quiet set 101 --nameserver 192.0.2.53 --nameserver 2001:db8::53 --searchdomain example.com --searchdomain example.net --save
	run vzctl start 101
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *WARNING* ]]
	[ "$(vzctl exec 101 hostname)" = web.example.com ]
	[ "$(inside etc/hostname)" = web.example.com ]
	[ "$(inside etc/resolv.conf)" = $'search example.com example.net\nnameserver 192.0.2.53\nnameserver 2001:db8::53' ]
	[ "$(inside etc/hosts | grep -xF -A 1 "$MARK")" = "$MARK"$'\n127.0.1.1 web.example.com web' ]
	line_of etc/hosts '127.0.0.1 localhost'
	[ "$(vzctl exec 101 'stat -c "%a %u %g" /etc/hostname /etc/hosts /etc/resolv.conf' | sort -u)" = '644 0 0' ]
	[ "$(vzctl exec 101 'ls -A /etc' | grep -c openve)" = 0 ]
}

@test "without a word in the configuration the files are the VE's own" {
	ve 101
	vzctl --quiet start 101
	[ "$(vzctl exec 101 hostname)" = ve101 ]
	[ ! -e /var/lib/vz/root/101/etc/hostname ]
	[ ! -e /var/lib/vz/root/101/etc/resolv.conf ]
	run ! line_of etc/hosts "$MARK"
}

@test "the first address is the one in /etc/hosts" {
	ve 101 '' --hostname web --ipadd 10.77.0.9
	vzctl --quiet start 101
	line_of etc/hosts '10.77.0.9 web'
	vzctl --quiet set 101 --ipdel all --ipadd 10.77.0.8 --save
	line_of etc/hosts '10.77.0.8 web'
	run ! line_of etc/hosts '10.77.0.9 web'
}

@test "set changes a running VE, and a restart keeps it" {
	ve 101 started --hostname one
	vzctl --quiet set 101 --hostname two.example.com --nameserver 192.0.2.1 --searchdomain a.example --save
	[ "$(vzctl exec 101 hostname)" = two.example.com ]
	[ "$(inside etc/hostname)" = two.example.com ]
	line_of etc/hosts '127.0.1.1 two.example.com two'
	run ! line_of etc/hosts '127.0.1.1 one'
	[ "$(inside etc/resolv.conf)" = $'search a.example\nnameserver 192.0.2.1' ]
	vzctl --quiet set 101 --nameserver 192.0.2.2 --save
	[ "$(inside etc/resolv.conf)" = $'search a.example\nnameserver 192.0.2.2' ]
	vzctl --quiet restart 101
	[ "$(vzctl exec 101 hostname)" = two.example.com ]
	[ "$(inside etc/resolv.conf)" = $'search a.example\nnameserver 192.0.2.2' ]
}

@test "set leaves alone what it says nothing of; the next start does not" {
	ve 101 started --hostname web
	vzctl --quiet set 101 --nameserver 192.0.2.1 --save
	vzctl exec 101 'echo "nameserver 10.9.9.9" >/etc/resolv.conf; echo mine >/etc/hostname'
	vzctl --quiet set 101 --hostname other --save
	[ "$(inside etc/resolv.conf)" = 'nameserver 10.9.9.9' ]
	vzctl --quiet set 101 --searchdomain a.example --save
	[ "$(inside etc/resolv.conf)" = $'nameserver 10.9.9.9\nsearch a.example' ]
	vzctl exec 101 'echo mine >/etc/hostname'
	vzctl --quiet set 101 --ram 96M --save
	[ "$(inside etc/hostname)" = mine ]
	vzctl --quiet restart 101
	[ "$(inside etc/hostname)" = other ]
	[ "$(inside etc/resolv.conf)" = $'search a.example\nnameserver 192.0.2.1' ]
}

@test "a change that fails later changes no file" {
	ve 101 started --hostname one
	vzctl --quiet set 101 --nameserver 192.0.2.1 --save
	cp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	vzd_kill
	vzd_start OPENVE_FAULTS="$FAULTS"
	for step in hostname name save; do
		echo "set $step fail" >"$FAULTS"
		run vzctl set 101 --hostname two --nameserver 192.0.2.2 --save
		[ "$status" -ne 0 ]
		[[ "$output" == *"$step: injected fault"* ]]
		[ "$(vzctl exec 101 hostname)" = one ]
		[ "$(inside etc/hostname)" = one ]
		line_of etc/hosts '127.0.1.1 one'
		[ "$(inside etc/resolv.conf)" = 'nameserver 192.0.2.1' ]
	done
	rm "$FAULTS"
	vzd_kill
	vzd_start
}

@test "inherit gives the node's own name servers" {
	node_resolv_conf 'nameserver 192.0.2.77' 'search node.example'
	ve 101
	vzctl --quiet set 101 --nameserver inherit --searchdomain inherit --save
	grep -qx 'NAMESERVER="inherit"' /etc/vz/conf/101.conf
	vzctl --quiet start 101
	[ "$(inside etc/resolv.conf)" = $'search node.example\nnameserver 192.0.2.77' ]
	node_resolv_conf 'nameserver 192.0.2.78'
	run vzctl set 101 --nameserver inherit
	[ "$status" -eq 0 ]
	[ "$(inside etc/resolv.conf)" = $'search node.example\nnameserver 192.0.2.78' ]
}

@test "a resolver of the node's on its loopback is not inherited, and said not to be" {
	node_resolv_conf 'nameserver 127.0.0.53' 'search .'
	mkdir -p /run/systemd/resolve
	ve 101
	vzctl --quiet set 101 --nameserver inherit --save
	run vzctl start 101
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: the container cannot ask the node's name server 127.0.0.53"* ]]
	[ ! -e /var/lib/vz/root/101/etc/resolv.conf ]
	echo 'nameserver 192.0.2.79' >/run/systemd/resolve/resolv.conf
	run vzctl set 101 --nameserver inherit --save
	rm -r /run/systemd/resolve
	[[ "$output" != *WARNING* ]]
	[ "$(inside etc/resolv.conf)" = 'nameserver 192.0.2.79' ]
}

# Each with a word of what is then warned of.
hostile_files() {
	echo 'rm -f /etc/hostname; mkfifo /etc/hostname|/etc/hostname is not a regular file'
	echo 'rm -f /etc/hostname; mkdir /etc/hostname|/etc/hostname is not a regular file'
	echo 'rm -rf /etc/hostname; ln -s hostname /etc/hostname|find /etc/hostname: Too many levels'
	echo 'rm -f /etc/hostname; ln -s /dev/zero /etc/hostname|/etc/hostname is not a regular file'
	echo 'rm -f /etc/hostname; ln -s /proc/kmsg /etc/hostname|/etc/hostname'
	echo 'rm -f /etc/hostname; dd if=/dev/zero of=/etc/hostname bs=1k count=100|read /etc/hostname: File too large'
	echo 'rm -f /etc/hostname /etc/resolv.conf; mkdir /etc/resolv.conf|/etc/resolv.conf is not a regular file'
}

@test "hostile files hold up neither start nor set, and cost no other file" {
	ve 101 started --hostname one
	vzctl --quiet set 101 --nameserver 192.0.2.1 --save
	while IFS='|' read -r trick words; do
		vzctl exec2 101 "$trick" </dev/null
		SECONDS=0
		run vzctl set 101 --hostname "h$((RANDOM))" --nameserver 192.0.2.2 --save
		echo "$trick: $output"
		[ "$status" -eq 0 ]
		[[ "$output" == *"WARNING: not all names are written in the container: "*"$words"* ]]
		run vzctl restart 101
		echo "$output"
		[ "$status" -eq 0 ]
		[[ "$output" == *"WARNING: not all names are written in the container: "*"$words"* ]]
		((SECONDS < 20))
		inside etc/hosts | grep -qxF "127.0.1.1 $(vzlist -H -o hostname 101 | tr -d ' ')"
	done < <(hostile_files)
}

@test "links lead out of the VE neither at start nor live" {
	echo untouched >/run/untouched
	ve 101 started --hostname one
	vzctl exec2 101 'rm -f /etc/hostname; ln -s ../../../../../../../../run/untouched /etc/hostname; echo inside >/run/untouched'
	vzctl --quiet set 101 --hostname two --save
	[ "$(vzctl exec 101 cat /run/untouched)" = two ]
	vzctl exec2 101 'rm -f /etc/hostname; ln -s /proc/1/root/run/untouched /etc/hostname; echo inside >/run/untouched'
	run vzctl set 101 --hostname three --save
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: not all names are written"* ]]
	vzctl exec2 101 'rm -rf /etc.away; mv /etc /etc.away; ln -s ../../../../../../../run /etc'
	run vzctl set 101 --hostname four --nameserver 192.0.2.4 --save
	[ "$status" -eq 0 ]
	vzctl --quiet stop 101 --fast
	run vzctl start 101
	[ "$status" -eq 0 ]
	[ "$(cat /run/untouched)" = untouched ]
	[ ! -e /run/hostname ]
	[ ! -e /run/resolv.conf ]
	rm /run/untouched
}

@test "a VE without room left starts, and its name changes" {
	ve 101 started --diskinodes 400
	vzctl exec 101 'i=0; while : >/full$i; do i=$((i + 1)); done' || true
	run vzctl set 101 --hostname late --save
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: not all names are written in the container: write /etc/hostname: No space left on device"* ]]
	[ "$(vzctl exec 101 hostname)" = late ]
	vzctl --quiet stop 101 --fast
	run vzctl start 101
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: not all names are written in the container: "* ]]
	[ "$(vzctl exec 101 hostname)" = late ]
	# Without an inode to work with, an overlay is read-only.
	vzctl --quiet set 101 --diskinodes 1000 --save
	vzctl --quiet restart 101
	[ "$(inside etc/hostname)" = late ]
}

@test "a file that nobody may change is left" {
	ve 101 started --layout private
	vzctl exec 101 'echo mine >/etc/hostname'
	chattr +i /var/lib/vz/private/101/etc/hostname
	run vzctl set 101 --hostname late --save
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: not all names are written in the container: write /etc/hostname: Operation not permitted"* ]]
	line_of etc/hosts '127.0.1.1 late'
}

@test "a file system that answers nothing is not waited for for ever" {
	ve 101 started
	fsfreeze -f /var/lib/vz
	SECONDS=0
	run vzctl set 101 --hostname late
	fsfreeze -u /var/lib/vz
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: not all names are written in the container: what was to be done in the VE was held up there"* ]]
	((SECONDS < 20))
	[ "$(vzctl exec 101 hostname)" = late ]
	vzctl --quiet set 101 --hostname later
	[ "$(inside etc/hostname)" = later ]
	vzctl --quiet stop 101
	[ ! -e /sys/fs/cgroup/openve/ve-101 ]
}

@test "a VE whose root stops whatever enters it is not waited for for ever" {
	ve 101 started
	# Root of the VE stops whatever comes: the loop forks nothing.
	vzctl exec 101 'while :; do for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" -le $$ ] || kill -STOP "$p"; done; done' 2>/dev/null 3>&- &
	sleep 1
	SECONDS=0
	run vzctl set 101 --hostname late
	echo "$output"
	[ "$status" -eq 0 ]
	((SECONDS < 20))
	[ "$(nsenter --target "$(sed -n 's/^PID="\?\([0-9]*\).*/\1/p' /run/vz/ve/101)" --uts hostname)" = late ]
	vzctl --quiet stop 101 --fast
	wait || true
	[ ! -e /sys/fs/cgroup/openve/ve-101 ]
}

@test "systemd keeps the names, and its networkd the network, over a reboot" {
	vzctl --quiet create 101 --ostemplate debian-13-x86_64 --hostname deb.example.com --config vswap-512m --ipadd 10.77.0.10 --ipadd fd77::10
	vzctl --quiet set 101 --nameserver 192.0.2.53 --save
	vzctl --quiet start 101 --wait
	[ "$(vzctl exec 101 hostname)" = deb.example.com ]
	vzctl exec2 101 'rm /etc/resolv.conf; ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
		printf "[Match]\nName=*\n[Network]\nDHCP=yes\n" >/etc/systemd/network/90-all.network
		systemctl enable systemd-networkd.service systemd-networkd-wait-online.service'
	vzctl --quiet restart 101 --wait
	[ "$(vzctl exec 101 hostname)" = deb.example.com ]
	[ "$(vzctl exec 101 cat /etc/resolv.conf)" = 'nameserver 192.0.2.53' ]
	SECONDS=0
	run vzctl exec2 101 'systemctl is-active systemd-networkd && systemctl start systemd-networkd-wait-online && networkctl list --no-pager'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" =~ venet0\ +ether\ +routable\ +configured ]]
	((SECONDS < 20))
	[ "$(vzctl exec 101 'ip -4 -o addr show dev venet0' | awk '{ print $4 }')" = 10.77.0.10/32 ]
	[ "$(vzctl exec 101 'ip -6 -o addr show dev venet0 scope global' | awk '{ print $4 }')" = fd77::10/128 ]
	vzctl exec2 101 'ip -4 route show default | grep -q venet0 && ip -6 route show default | grep -q venet0'
}
