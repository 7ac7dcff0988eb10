#!/bin/bash
# What suspending and resuming a VE costs beside what CRIU alone takes for the same processes: a busybox VE, and one with a process of
# 100 MB. Dumps are compared with `criu dump` by hand, with the same options; a restore by hand would need most of what a resume does
# before it, so resumes are compared with what CRIU itself says it took.
set -euo pipefail
ROUNDS=${ROUNDS:-5}
work=$(mktemp -d)

say() {
	printf '%-44s %10s %s\n' "$1" "$2" "${3:-}"
}

ms() {
	local begin end
	begin=$(date +%s%N)
	"$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	end=$(date +%s%N)
	echo $(((end - begin) / 1000000))
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

ratio() {
	jq -n "$1 / $2 * 100 | round / 100"
}

# The mount points of a VE that are the node's, as options of criu.
externals() {
	awk '$5 ~ /^\/(dev|proc|sys)\// && ($9 == "devtmpfs" || $9 == "fuse.lxcfs" || $4 == "/null" || / ro,.*nr_inodes=1,/) { printf " --external mnt[%s]:%s", $5, $5 }' "/proc/$1/mountinfo"
}

dump_by_hand() {
	local pid
	pid=$(sed -n 's/^PID="\(.*\)"/\1/p' "/run/vz/ve/$1")
	rm -rf "$work/images"
	mkdir "$work/images"
	# shellcheck disable=SC2046 # words
	criu dump --tree "$pid" --images-dir "$work/images" --leave-running --shell-job --tcp-established --file-locks --link-remap \
		--force-irmap --ghost-limit 256M --network-lock nftables --manage-cgroups=soft --enable-fs hugetlbfs --enable-fs ramfs \
		--freeze-cgroup "/sys/fs/cgroup/openve/ve-$1" $(externals "$pid")
	sync -f "$work/images"
}

# Milliseconds, from stats-restore: protobuf (images/stats.proto), two numbers and a length before it.
restore_of_criu() {
	python3 - /var/log/vz/criu/stats-restore <<-'END'
		import sys
		data = open(sys.argv[1], 'rb').read()[12:]
		def fields(b):
		    i = 0
		    while i < len(b):
		        def varint():
		            nonlocal i
		            n = s = 0
		            while True:
		                n |= (b[i] & 127) << s
		                s += 7
		                i += 1
		                if not b[i - 1] & 128:
		                    return n
		        tag = varint()
		        if tag & 7 == 2:
		            size = varint()
		            yield tag >> 3, b[i:i + size]
		            i += size
		        else:
		            yield tag >> 3, varint()
		restore = dict(fields(dict(fields(data))[2]))
		print(restore[4] // 1000)
	END
}

bench() {
	local ctid=$1 what=$2 hand dump resume criu
	for ((i = 0; i < ROUNDS; i++)); do
		ms dump_by_hand "$ctid" >>"$work/hand.$ctid"
		ms vzctl --quiet suspend "$ctid" >>"$work/suspend.$ctid"
		ms vzctl --quiet resume "$ctid" >>"$work/resume.$ctid"
		restore_of_criu >>"$work/criu.$ctid"
	done
	hand=$(median <"$work/hand.$ctid") dump=$(median <"$work/suspend.$ctid")
	resume=$(median <"$work/resume.$ctid") criu=$(median <"$work/criu.$ctid")
	say "$what: criu dump by hand, ms" "$hand"
	say "$what: vzctl suspend, ms" "$dump" "$(ratio "$dump" "$hand") (at most 1.25)"
	say "$what: CRIU's own part of a resume, ms" "$criu"
	say "$what: vzctl resume, ms" "$resume" "$(ratio "$resume" "$criu")"
}

vzctl --quiet create 901 --ostemplate busybox --config light
vzctl --quiet create 902 --ostemplate busybox --config light --ram 512M
vzctl --quiet start 901
vzctl --quiet start 902
vzctl exec 902 "setsid awk 'BEGIN { s = sprintf(\"%104857600s\", \"x\"); system(\"exec sleep 100000\") }' >/dev/null 2>&1 </dev/null &"
sleep 3
bench 901 'busybox VE'
bench 902 'VE with 100 MB'
