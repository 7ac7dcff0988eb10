# shellcheck shell=bash
# What the suites of clone share.
load network

setup_file() {
	lan_up
	vzd_with_faults
}

teardown_file() {
	lan_down
}

teardown() {
	vzd_up || vzd_start OPENVE_FAULTS=/run/faults
	sweep
}

# Programs of a VE's own: a web server that says hello, and one that counts.
busy() {
	vzctl --quiet start "$1"
	vzctl exec2 "$1" 'mkdir -p /www; echo hello >/www/index.html; setsid httpd -h /www -p 80
		setsid sh -c "n=0; while :; do n=\$((n + 1)); echo \$n >/root/count; sleep 0.1; done" </dev/null >/dev/null 2>&1 &
		while [ ! -s /root/count ]; do sleep 0.1; done'
}

count_of() {
	number_in "$1" /root/count
}

counts_on() {
	local before
	before=$(count_of "$1")
	sleep 1
	[ "$(count_of "$1")" -gt "$before" ]
}

base_of() {
	sed -n 's/^LOCAL_UID="\(.*\)"/\1/p' "/etc/vz/conf/$1.conf"
}

# The first image makes the node's key, which stays.
state() {
	node_state | grep -v /etc/vz/node.key
	find /var/lib/vz/snapshot -type f -exec sha256sum {} + | sort -k 2
}

unchanged() {
	state >"$BATS_TEST_TMPDIR/after"
	no_leftovers && diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# What the pool holds but for VEs and templates: nothing.
no_leftovers() {
	[ -z "$(find /var/lib/vz/private /var/lib/vz/dump -mindepth 1 -maxdepth 1 -name '.*')" ]
}

# refused EXIT-CODE TEXT COMMAND…
refused() {
	local code=$1 text=$2
	shift 2
	run "$@"
	echo "$status: $output"
	[ "$status" -eq "$code" ]
	[[ "$output" == *"$text"* ]]
}

# Entirely there or entirely gone, and nobody at work on it.
settled() {
	! pgrep -f 'vzd.*recover' >/dev/null || return 1
	if vzctl status "$1" | grep -q exist; then
		[ "$(status_of "$1")" != broken ] && [ -d "/var/lib/vz/private/$1" ] && no_leftovers
	else
		! grep -q "^$1:" /etc/vz/idmap && no_leftovers
	fi
}

# dies_at OPTION… -- STEP…: the worker, in each; then there is a clone that is whole or none, and CT 101 goes on.
dies_at() {
	local step options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	state >"$BATS_TEST_TMPDIR/before"
	for step; do
		echo "clone $step die" >"$FAULTS"
		run vzctl clone 101 201 --ipadd 192.0.2.201 "${options[@]}"
		rm -f "$FAULTS"
		echo "$step -> $status: $output"
		[ "$status" -ne 0 ]
		await 90 settled 201
		counts_on 101
		if vzctl status 201 | grep -q exist; then
			echo "$step: $(status_of 201)"
			vzctl --quiet start 201 || is 201 running
			vzctl exec2 201 true
			vzctl --quiet stop 201 --fast
			vzctl --quiet destroy 201
			rm -f /etc/vz/conf/*.destroyed
		fi
		await 30 unchanged
	done
}
