#!/usr/bin/env bats
# What cannot be suspended says why, and an image that is not the VE's own, whole, is not resumed.
load suspend

IMAGE=/var/lib/vz/dump/101

# It is refused with words about an obstacle, before anything stands still, and --check says the same.
hindered() {
	refused 16 'suspend 101' "$1"
	[ "$(cat /sys/fs/cgroup/openve/ve-101/cgroup.freeze)" = 0 ]
	is 101 running
	[ -z "$(ls -A /var/lib/vz/dump)" ]
	refused 16 'suspend 101 --check' "$1"
	[[ "$output" == *"the container cannot be suspended as it is"* ]]
}

@test "--check of a VE that can be suspended says so and does nothing" {
	ve 101 started
	run --separate-stderr vzctl suspend 101 --check
	[ "$status" -eq 0 ]
	[ "$output" = "the container can be suspended" ]
	[ -z "$stderr" ]
	is 101 running
	refused 31 'suspend 102 --check' '' || refused 14 'suspend 102 --check' ''
}

@test "a command that was entered from outside stands in the way, until --force ends it" {
	ve 101 started
	counting 101
	vzctl exec2 101 'echo $$ >/session; exec tail -f /dev/null' </dev/null >/dev/null 2>&1 3>&- &
	local session=$!
	await 10 vzctl exec2 101 'test -s /session'
	hindered tail
	vzctl --quiet suspend 101 --force
	run wait $session
	is 101 suspended
	vzctl --quiet resume 101
	goes_on 101
	run ! vzctl exec2 101 'kill -0 $(cat /session)'
}

@test "an open terminal of somebody who entered stands in the way" {
	ve 101 started
	(sleep 30 | script -qfc 'vzctl enter 101' /dev/null) >/dev/null 2>&1 3>&- &
	local session=$!
	sleep 4
	hindered sh
	kill $session || true
	vzctl --quiet suspend 101 --force
	vzctl --quiet resume 101
}

@test "namespaces in the VE that CRIU cannot dump stand in the way, by name" {
	ve 101 started
	vzctl exec2 101 'unshare -U tail -f /dev/null </dev/null >/dev/null 2>&1 &'
	sleep 1
	hindered user
	vzctl exec 101 'killall tail'
	vzctl exec2 101 'unshare -u tail -f /dev/null </dev/null >/dev/null 2>&1 &'
	sleep 1
	hindered UTS
	vzctl exec 101 'killall tail'
	sleep 1
	vzctl --quiet suspend 101
	vzctl --quiet resume 101
}

@test "all that stands in the way is listed" {
	ve 101 started
	vzctl exec2 101 'unshare -U tail -f /dev/null </dev/null >/dev/null 2>&1 & unshare -i tail -f /dev/null </dev/null >/dev/null 2>&1 &'
	sleep 1
	run vzctl suspend 101 --check
	echo "$output"
	[ "$status" -eq 16 ]
	[ "$(grep -c tail <<<"$output")" -ge 2 ]
	run vzctl suspend 101
	[[ "$output" == *"more: --check lists them"* ]]
}

# Each change of the image is found, and the VE stays what it is.
stays_suspended() {
	refused 17 'resume 101' "$1"
	is 101 suspended
	refused 17 'start 101' "$1"
	is 101 suspended
	[ -z "$(find /sys/fs/cgroup -type d -name ve-101)" ]
	[ ! -e /run/vz/ve/101 ]
	[ -z "$(ip -o link | grep vzp)" ]
}

@test "an image with one byte that is another, one file less or one more" {
	ve 101 started
	counting 101
	vzctl --quiet suspend 101
	local file byte
	for file in files/pages-1.img files/core-1.img files/inventory.img groups; do
		cp -a "$IMAGE/$file" /tmp/kept
		byte=$(od -An -tu1 -N 1 "$IMAGE/$file")
		# shellcheck disable=SC2059
		printf "\\x$(printf %x $(((byte + 1) % 256)))" | dd of="$IMAGE/$file" bs=1 conv=notrunc status=none
		stays_suspended "$file"
		rm "$IMAGE/$file"
		stays_suspended "$file"
		ln -s /tmp/kept "$IMAGE/$file"
		stays_suspended "$file"
		rm "$IMAGE/$file"
		cp -a /tmp/kept "$IMAGE/$file"
	done
	: >"$IMAGE/files/more.img"
	stays_suspended more.img
	rm "$IMAGE/files/more.img"
	cp -a "$IMAGE/manifest" /tmp/kept
	sed -i 's/^CTID=.*/CTID="102"/' "$IMAGE/manifest"
	stays_suspended manifest
	rm "$IMAGE/manifest"
	cp -a /tmp/kept "$IMAGE/manifest"
	vzctl --quiet resume 101
	goes_on 101
}

@test "an image of another VE, and one of another node" {
	ve 101 started
	ve 102
	vzctl --quiet suspend 101
	cp -a "$IMAGE" /var/lib/vz/dump/102
	is 102 suspended
	refused 17 'resume 102' 'the image is of a container with CTID "101", not "102"'
	is 102 suspended
	vzctl --quiet resume 102 --kill
	is 102 stopped
	cp -a /etc/vz/node.key /tmp/node.key
	head -c "$(stat -c %s /etc/vz/node.key)" /dev/urandom >/etc/vz/node.key
	refused 17 'resume 101' ''
	is 101 suspended
	cp -a /tmp/node.key /etc/vz/node.key
	vzctl --quiet resume 101
}

@test "an older image of the same VE in the place of a newer one, or beside a VE that runs, is not resumed by itself" {
	ve 101 started
	vzctl --quiet suspend 101
	cp -a "$IMAGE" /tmp/older
	vzctl --quiet resume 101
	cp -a /tmp/older "$IMAGE"
	is 101 running
	vzd_kill
	vzd_start
	[ -z "$(ls -A /var/lib/vz/dump)" ]
	is 101 running
	vzctl --quiet stop 101 --fast
	is 101 stopped
}

@test "its addresses stay its own; one that the node has taken meanwhile is in the way" {
	ve 101 started --ipadd 10.7.0.1
	counting 101
	vzctl --quiet suspend 101
	refused 78 'create 102 --ostemplate busybox --config light --ipadd 10.7.0.1' 10.7.0.1
	ip addr add 10.7.0.1/32 dev lo
	run vzctl resume 101
	ip addr del 10.7.0.1/32 dev lo
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *10.7.0.1* ]]
	is 101 suspended
	vzctl --quiet resume 101
	goes_on 101
}

@test "--checkpointable no: its init is told nothing of that" {
	vzctl --quiet create 101 --ostemplate busybox --config light --checkpointable no
	vzctl --quiet start 101
	[ -z "$(vzctl exec 101 'tr "\\0" "\\n" </proc/1/environ | grep PRESSURE')" ]
	vzctl --quiet set 101 --checkpointable yes --save
	vzctl --quiet restart 101 --fast
	[ "$(vzctl exec 101 'tr "\\0" "\\n" </proc/1/environ | grep -c PRESSURE')" = 3 ]
}
