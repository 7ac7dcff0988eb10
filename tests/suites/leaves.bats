#!/usr/bin/env bats
# The leaves alone, without a VE: programs of tests/leaf, each with a kernel's worth of promises, and unit tests that need root.
load common

leaf() {
	run env CMOCKA_MESSAGE_OUTPUT=TAP "/usr/lib/openve/tests/leaf-$1" "${@:2}"
	echo "$output"
	[ "$status" -eq 0 ]
	grep -q '^ok' <<<"$output"
	fails grep '^not ok' <<<"$output"
}

@test "cgroups, limits, usage, device filter" {
	leaf quota
}

@test "what BPF programs hold a group back from" {
	leaf guard
}

@test "disk quota" {
	leaf disk
}

@test "network links" {
	leaf link
}

@test "bridges and their ports" {
	leaf bridge
}

@test "addresses" {
	leaf addr
}

@test "routes" {
	leaf route
}

@test "neighbours" {
	leaf neighbour
}

@test "packet filter: what guests may send" {
	leaf filter
}

@test "packet filter: whose an address is" {
	leaf filter_learn
}

@test "packet filter: what guests reach" {
	leaf filter_reach
}

@test "rates" {
	leaf shape
}

@test "pool, templates, sandbox" {
	leaf templates
}

@test "layouts" {
	leaf store
}
