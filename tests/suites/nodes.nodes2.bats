#!/usr/bin/env bats
# Two nodes.
load common

@test "nodes see one another by ssh, each with a vzd and VEs of its own" {
	[ "$(ssh node2 hostname)" = node2 ]
	[ "$(ssh node2 ssh node1 hostname)" = node1 ]
	ve 101 started --hostname here
	ssh node2 'vzctl --quiet create 101 --ostemplate busybox --config light --hostname there && vzctl --quiet start 101'
	[ "$(vzctl exec 101 hostname)" = here ]
	[ "$(ssh node2 vzctl exec 101 hostname)" = there ]
}
