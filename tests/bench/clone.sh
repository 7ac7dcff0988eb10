#!/bin/bash
# A warm clone of a prepared VE against a cold start of the same to the same point: a Debian system that is up. Medians of RUNS runs, in
# milliseconds.
set -euo pipefail
RUNS=${RUNS:-5}

now() {
	date +%s%3N
}

# timed COMMAND…: how long it took.
timed() {
	local begin
	begin=$(now)
	"$@" >/dev/null
	echo $(($(now) - begin))
}

gone() {
	vzctl --quiet stop "$1" --fast
	vzctl --quiet destroy "$1"
}

median() {
	sort -n | sed -n "$(((RUNS + 1) / 2))p"
}

cold_start() {
	vzctl --quiet start 201 --wait
	vzctl exec2 201 'systemctl is-system-running --wait'
}

warm_clone() {
	vzctl --quiet clone 101 201
	vzctl exec2 201 'systemctl is-system-running'
}

cold() {
	vzctl --quiet clone 101 201 --cold
	timed cold_start
	gone 201
}

warm() {
	timed warm_clone
	gone 201
}

repeat() {
	for ((i = 0; i < RUNS; i++)); do
		"$1"
	done | median
}

vzctl --quiet create 101 --ostemplate debian-13-x86_64 --config vswap-512m
vzctl --quiet start 101 --wait
vzctl exec2 101 'systemctl is-system-running --wait' >/dev/null
sleep 10
vzctl --quiet suspend 101

cold=$(repeat cold)
warm=$(repeat warm)
printf '%-44s %8s ms\n' 'cold start of a Debian system' "$cold" 'warm clone of one' "$warm"
ten=$(timed vzctl --quiet clone 101 --count 10)
printf '%-44s %8s ms\n' 'ten warm clones' "$ten"
echo
printf '%-44s %8s (at most %s)\n' 'warm clone / cold start' "$(jq -n "$warm / $cold * 100 | round / 100")" 0.5
