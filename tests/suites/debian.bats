#!/usr/bin/env bats
# A real system: Debian 13 with systemd as its init.
load common

setup_file() {
	ip addr add 198.51.100.1/32 dev lo
	ip addr add 2001:db8:ffff::1/128 dev lo
	vzctl --quiet create 101 --ostemplate debian-13-x86_64 --hostname debian --config vswap-512m --cpus 1
	vzctl --quiet start 101 --wait
}

teardown_file() {
	vzctl --quiet stop 101 --fast || true
	vzctl --quiet destroy 101
	ip addr del 198.51.100.1/32 dev lo
	ip addr del 2001:db8:ffff::1/128 dev lo
}

teardown() { :; }

@test "systemd is up, and no unit failed" {
	run vzctl exec2 101 'systemctl is-system-running; systemctl --failed --no-pager --no-legend'
	echo "$output"
	[ "$output" = running ]
}

@test "it has its own limits in sight" {
	[ "$(vzctl exec 101 free -b | awk '/^Mem/ { print $2 }')" = 536870912 ]
	[ "$(vzctl exec 101 nproc)" = 1 ]
	[ "$(vzctl exec 101 grep -c ^processor /proc/cpuinfo)" = 1 ]
	[ "$(vzctl exec 101 df --output=size -k / | tail -n 1 | tr -d ' ')" = 2097152 ]
	[ "$(vzctl exec 101 hostname)" = debian ]
	[ "$(vzctl exec 101 systemd-detect-virt)" = container-other ]
}

@test "its services get cgroups of their own, with limits" {
	run vzctl exec2 101 'systemd-run --quiet --wait --pipe -p MemoryMax=20M -p TasksMax=5 sh -c "
		cat /sys/fs/cgroup\$(cut -d: -f3 /proc/self/cgroup)/memory.max"'
	echo "$output"
	[ "$output" = 20971520 ]
}

@test "services with sandboxes of their own run" {
	vzctl exec2 101 'systemd-run --quiet --wait -p PrivateTmp=yes -p ProtectSystem=strict -p PrivateUsers=yes -p ProtectHostname=yes \
		-p PrivateNetwork=yes -p NoNewPrivileges=yes -p DynamicUser=yes true'
}

@test "setuid programs work, users are the VE's" {
	vzctl exec2 101 'useradd -m worker'
	[ "$(vzctl exec 101 'su worker -c "id -un"')" = worker ]
	[ "$(vzctl exec 101 'stat -c %A /usr/bin/passwd')" = -rwsr-xr-x ]
}

@test "apt's own tools work on its files" {
	vzctl exec2 101 'dpkg --audit && dpkg-query -W systemd && touch /etc/apt/new && rm -r /usr/share/doc/apt'
}

@test "its journal is its own" {
	[ -z "$(vzctl exec 101 dmesg 2>/dev/null)" ]
	vzctl exec2 101 'logger hello-from-the-VE; sync; journalctl --no-pager -t root | grep -q hello-from-the-VE'
}

booted() {
	[[ "$(vzctl exec2 101 'systemctl is-system-running --wait' 2>&1)" == running ]]
}

@test "reboot and poweroff by systemd, and its network is there again, whatever its networkd is told" {
	vzctl --quiet set 101 --ipadd 10.7.0.1 --ipadd fd07::1 --save
	vzctl exec2 101 'printf "[Match]\nName=*\n[Network]\nDHCP=yes\n" >/etc/systemd/network/20-all.network
		systemctl enable systemd-networkd.service'
	vzctl exec 101 'touch /run/before'
	vzctl exec 101 reboot || true
	rebooted() { vzctl exec2 101 '! test -e /run/before' 2>/dev/null; }
	await 60 rebooted
	await 90 booted
	[ "$(vzctl exec 101 systemctl is-active systemd-networkd)" = active ]
	ping -c 1 -W 3 10.7.0.1
	ping -c 1 -W 3 fd07::1
	vzctl exec2 101 'ip route get 198.51.100.1 | grep -q venet0'
	vzctl exec 101 poweroff || true
	await 60 is 101 stopped
	vzctl --quiet start 101
}

@test "stop is clean" {
	await 90 booted
	run vzctl stop 101
	[ "$status" -eq 0 ]
	[[ "$output" != *"Killing"* ]]
	vzctl --quiet start 101
}
