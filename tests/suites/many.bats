#!/usr/bin/env bats
# A hundred VEs side by side.
load common

@test "a hundred VEs run, apart from one another, and end" {
	for ((ctid = 101; ctid <= 200; ctid++)); do
		ve $ctid started
	done
	[ "$(vzlist -H -o ctid | wc -l)" -eq 100 ]
	[ "$(vzctl exec 101 hostname)" = ve101 ]
	[ "$(vzctl exec 200 hostname)" = ve200 ]
	[ "$(cut -d: -f2 /etc/vz/idmap | grep -v '^#' | sort | uniq -d | wc -l)" -eq 0 ]
	[ "$(vzctl exec 150 ls /proc | grep -c '^[0-9]')" -lt 8 ]
	for ((ctid = 101; ctid <= 200; ctid++)); do
		vzctl --quiet stop $ctid --fast
		vzctl --quiet destroy $ctid
	done
	[ "$(vzlist -a -H -o ctid 2>/dev/null | wc -l)" -eq 0 ]
}

@test "many at once get what they asked for" {
	for ((ctid = 101; ctid <= 112; ctid++)); do
		ve $ctid started &
	done
	wait
	[ "$(vzlist -H -o ctid | wc -l)" -eq 12 ]
	for ((ctid = 101; ctid <= 112; ctid++)); do
		vzctl --quiet stop $ctid --fast &
	done
	wait
	[ "$(vzlist -a -H -o status | sort -u)" = stopped ]
}

@test "create without a CTID gives everyone another" {
	for _ in 1 2 3 4 5 6; do
		vzctl --quiet create "$(mktemp -u veXXXXXX)" --ostemplate busybox --config light &
	done
	wait
	[ "$(vzlist -a -1 | tr -d ' ' | sort -u | wc -l)" -eq 6 ]
}
