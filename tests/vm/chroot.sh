# shellcheck shell=bash
# The build root: Debian 13's compilers and libraries at the machine's own speed. Sourced.
#
# What is mounted is mounted in a namespace of its own and gone with the last process. The tree itself is read-only: nodes boot from
# a copy of it.

# Where builds of this checkout live, and what they use; /build and /ccache in the build root.
CHROOT_BUILD=$CACHE/build-$(cache_key "path $SOURCE")
CHROOT_CCACHE=$CACHE/ccache

# Assemble the build root in this mount namespace and replace this process by the command.
chroot_enter() {
	local tree=$1 build=$2 ccache=$3 place
	shift 3
	mount --bind "$tree" "$tree"
	cd "$tree" || return
	mount --rbind /dev dev
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount --bind "$SOURCE" src
	mount --bind "$build" build
	mount --bind "$ccache" ccache
	for place in tmp run var/tmp root; do
		mount -t tmpfs -o "mode=$(stat -c %a "$place")" tmpfs "$place"
	done
	mount -o remount,bind,ro "$tree"
	exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		TERM="${TERM:-dumb}" CCACHE_DIR=/ccache CCACHE_BASEDIR=/src ${CI:+CI="$CI"} \
		chroot "$tree" /bin/sh -c 'cd /src && exec "$@"' sh "$@"
}

# Run a command in the build root, in /src.
chroot_run() {
	local tree
	tree=$(image_tree)
	mkdir -p "$CHROOT_BUILD" "$CHROOT_CCACHE"
	echo "$SOURCE" >"$CHROOT_BUILD/source"
	(
		cache_use "$tree"
		export SOURCE
		exec unshare --mount --propagation private bash -euo pipefail -c "$(declare -f chroot_enter); "'chroot_enter "$@"' \
			bash "$CACHE/$tree" "$CHROOT_BUILD" "$CHROOT_CCACHE" "$@"
	)
}

# Remove the builds of checkouts that are gone.
chroot_trim() {
	local source
	for source in "$CACHE"/build-*/source; do
		[[ ! -e $source || -d $(<"$source") ]] || rm -rf --one-file-system "${source%/source}"
	done
}
