#!/usr/bin/env bats
# vzlist.
load common

@test "no VE at all" {
	run --separate-stderr vzlist -a
	[ "$status" -eq 0 ]
	[ "$stderr" = "Container(s) not found" ]
	[ "$(vzlist -a -j)" = "[]" ]
}

@test "the default columns, all, stopped, numbers only" {
	ve 102 started --hostname two
	ve 101 '' --hostname one
	[ "$(vzlist)" = "      CTID      NPROC STATUS    IP_ADDR         HOSTNAME
       102          1 running   -               two" ]
	[ "$(vzlist -a -H)" = "       101          - stopped   -               one
       102          1 running   -               two" ]
	[ "$(vzlist -S -H -o ctid | tr -d ' ')" = 101 ]
	[ "$(vzlist -a -1 | tr -d ' ')" = "101
102" ]
	[ "$(vzlist -a -1 -s -ctid | tr -d ' ')" = "102
101" ]
	[ "$(vzlist 101 -ostatus -H)" = stopped ]
	[ "$(vzlist -Ho hostname 102)" = two ]
}

@test "what libvirt reads" {
	ve 101
	[ "$(vzlist -a -ovpsid,status -H | sed 's/^ *//')" = "101 stopped" ]
}

@test "JSON is JSON" {
	ve 101 started --name json --description 'a "quoted" word \ and more'
	vzlist -a -j | jq -e '.[0].ctid == 101 and .[0].veid == 101 and .[0].vpsid == 101'
	[ "$(vzlist -j | jq -r '.[0].description')" = 'a "quoted" word \ and more' ]
	[ "$(vzlist -j | jq -r '.[0].numproc.held')" = 1 ]
	[ "$(vzlist -j | jq -r '.[0].status')" = running ]
	[ "$(vzlist -j | jq -r '.[0].diskspace.hardlimit')" = 512000 ]
}

@test "unknown fields and VEs" {
	run vzlist -o nonsense
	[ "$status" -eq 1 ]
	[[ "$output" == *"Unknown field: nonsense"* ]]
	run vzlist 999
	[ "$status" -eq 1 ]
}

@test "help and version" {
	[[ "$(vzctl --help | head -n 1)" == "vzctl version "* ]]
	[[ "$(vzctl --version)" == "vzctl version "* ]]
	run --separate-stderr vzctl
	[ "$status" -eq 20 ]
	[[ "$stderr" == "vzctl version "* ]]
}
