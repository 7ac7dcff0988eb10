#!/bin/bash
# Make the Debian 13 tree: tree.sh PACKAGES DIRECTORY
#
# Whatever changes what the tree holds belongs into this file or into the list of packages: their text is the key under which the
# tree is cached.
set -euo pipefail

self=$(readlink -f "$0")

# Before packages are configured: nothing is started meanwhile, and nothing but what a test starts runs at boot.
tree_quiet() {
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod 755 "$1/usr/sbin/policy-rc.d"
	mkdir -p "$1/etc/systemd/system-preset"
	echo 'disable *' >"$1/etc/systemd/system-preset/00-none.preset"
}

# What a package enabled regardless of presets, and timers that would wake up in the middle of a test.
tree_disable() {
	local unit
	for unit in nginx redis-server postgresql lxc lxc-net lxcfs nftables iperf3 ssh ssh.socket cgconfig cgred e2scrub_reap \
		e2scrub_all.timer fstrim.timer xfs_scrub_all.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer; do
		chroot "$1" systemctl disable "$unit" >/dev/null 2>&1 || true
	done
	chroot "$1" systemctl mask systemd-networkd-wait-online.service >/dev/null 2>&1
	rm -f "$1/usr/sbin/policy-rc.d"
}

# Nothing of the machine we are on, nothing that only apt needs, and the places where the build root mounts something.
tree_clean() {
	: >"$1/etc/machine-id"
	: >"$1/etc/resolv.conf"
	echo node >"$1/etc/hostname"
	rm -f "$1"/etc/ssh/ssh_host_*
	rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/debconf/*-old
	chroot "$1" passwd -d root >/dev/null
	mkdir -p "$1/src" "$1/build" "$1/ccache"
}

tree_make() {
	local packages
	packages=$(grep -v '^#' "$1" | xargs | tr ' ' ',')

	# shellcheck source=templates/recipes/mirror.sh
	. "${self%/tests/*}/templates/recipes/mirror.sh"
	# Nodes boot from an initramfs of ours, the kernel package need not make one.
	mirror_sources trixie | INITRD=No mmdebstrap --mode=root --format=directory --variant=minbase \
		--include="$packages" \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--essential-hook="$self --hook tree_quiet \"\$1\"" \
		--customize-hook="$self --hook tree_disable \"\$1\"" \
		--customize-hook="$self --hook tree_clean \"\$1\"" \
		trixie "$2" -
}

if [[ $1 == --hook ]]; then
	"$2" "$3"
else
	tree_make "$1" "$2"
fi
