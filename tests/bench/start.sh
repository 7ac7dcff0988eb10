#!/bin/bash
# What it costs to start, to enter and to create a VE, beside what others on the node need. Medians of RUNS runs, in milliseconds.
set -euo pipefail
RUNS=${RUNS:-20}
work=$(mktemp -d)

# median NAME PREPARE COMMAND: one line of the table; the number is kept for ratio().
declare -A result
median() {
	local name=$1 prepare=$2 command=$3
	hyperfine --shell=none --warmup 2 --runs "$RUNS" --prepare "${prepare:-true}" --export-json "$work/result" "$command" \
		>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
	result[$name]=$(jq '.results[0].median * 1000 * 10 | round / 10' "$work/result")
	printf '%-44s %8s ms\n' "$name" "${result[$name]}"
}

ratio() {
	printf '%-44s %8s (at most %s)\n' "$1 / $2" "$(jq -n "${result[$1]} / ${result[$2]} * 100 | round / 100")" "$3"
}

# A root for the others: the same files as the busybox template's.
prepare_root() {
	mkdir -p "$work/bundle/rootfs" "$work/root"
	tar -xf /var/lib/vz/template/cache/busybox.tar.* -C "$work/bundle/rootfs"
	crun spec --bundle "$work/bundle" 2>/dev/null || (cd "$work/bundle" && crun spec)
	jq '.process.terminal = false | .process.args = ["/bin/true"]' "$work/bundle/config.json" >"$work/config"
	mv "$work/config" "$work/bundle/config.json"
}

# As Debian's own templates configure an unprivileged container, without network.
prepare_lxc() {
	mkdir -p /var/lib/lxc/bench
	cp -a "$work/bundle/rootfs" /var/lib/lxc/bench/rootfs
	chown -hR 100000:100000 /var/lib/lxc/bench/rootfs
	chmod 755 /var/lib/lxc /var/lib/lxc/bench
	echo root:100000:65536 | tee /etc/subuid >/etc/subgid
	cat >/var/lib/lxc/bench/config <<-END
		lxc.include = /usr/share/lxc/config/common.conf
		lxc.include = /usr/share/lxc/config/userns.conf
		lxc.rootfs.path = dir:/var/lib/lxc/bench/rootfs
		lxc.uts.name = bench
		lxc.net.0.type = empty
		lxc.idmap = u 0 100000 65536
		lxc.idmap = g 0 100000 65536
		lxc.apparmor.profile = unconfined
	END
}

prepare_root
prepare_lxc
vzctl --quiet create 900 --ostemplate busybox --config light

median 'crun run (busybox, /bin/true)' '' "crun run --bundle $work/bundle bench"
median 'vzctl start (busybox)' 'sh -c "vzctl --quiet stop 900 --fast; true"' 'vzctl --quiet start 900'

lxc-start bench
median 'lxc-attach true' '' 'lxc-attach -n bench -- /bin/true'
median 'vzctl exec2 true' '' 'vzctl exec2 900 true'
lxc-stop -k bench

median 'vzctl stop --fast' 'sh -c "vzctl --quiet start 900; true"' 'vzctl --quiet stop 900 --fast'
median 'systemd-nspawn (busybox, /bin/true)' '' \
	"systemd-nspawn --quiet --register=no --keep-unit --directory $work/bundle/rootfs /bin/true" || true
median 'vzctl create (debian-13-x86_64, overlay)' 'sh -c "vzctl --quiet destroy 901; true"' \
	'vzctl --quiet create 901 --ostemplate debian-13-x86_64 --config light'

echo
ratio 'vzctl start (busybox)' 'crun run (busybox, /bin/true)' 0.8
ratio 'vzctl exec2 true' 'lxc-attach true' 0.3
