# shellcheck shell=bash
# What the suites share that cut suspend and resume short.
load suspend

setup_file() {
	ip addr replace 198.51.100.1/32 dev lo
	vzd_with_faults
}

no_criu() {
	! pgrep -x criu
}

dumps() {
	ls -A /var/lib/vz/dump
}

# It runs, does not stand still, and there is no image of it.
alive() {
	is 101 running && [ -z "$(dumps)" ] && [ "$(cat /sys/fs/cgroup/openve/ve-101/cgroup.freeze)" = 0 ]
}

asleep() {
	is 101 suspended && [ "$(dumps)" = 101 ] && [ ! -e /run/vz/ve/101 ] && [ ! -e /sys/fs/cgroup/openve/ve-101 ]
}

# Nothing of a VE that does not run is on the node.
put_away() {
	node_state | diff "$BATS_TEST_TMPDIR/asleep" -
}

full() {
	ve 101 started --ipadd 10.7.0.1 --ipadd fd07::1 --netif_add eth0,,,,br7 --rate 10000
	counting 101
}
