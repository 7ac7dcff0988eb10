# shellcheck shell=bash
# What nodes are made of: the Debian tree, the OS templates, the kernel and the disk. Sourced.
#
#	tree-KEY      a Debian 13 root file system, also the build root
#	template-KEY  debian-13-x86_64.tar.zst
#	boot-KEY      vmlinuz and a small initramfs
#	disk-KEY      disk.img, an ext4 file system with the tree and the templates

IMAGE_TEMPLATE=debian-13-x86_64
IMAGE_KEYS=/usr/share/keyrings/debian-archive-trixie-stable.gpg

image_tree() {
	echo "tree-$(cache_key "$SOURCE/tests/vm/packages" "$SOURCE/tests/vm/tree.sh" "$SOURCE/templates/recipes/mirror.sh")"
}

image_template() {
	local recipes=$SOURCE/templates/recipes
	echo "template-$(cache_key "$recipes/$IMAGE_TEMPLATE.recipe" "$recipes/build" "$recipes/mirror.sh")"
}

image_boot() {
	echo "boot-$(cache_key "$(image_tree)" "$SOURCE/tests/vm/guest/initramfs")"
}

image_disk() {
	echo "disk-$(cache_key "$(image_tree)" "$(image_template)" "$(declare -f image_make_disk)")"
}

image_host_complete() {
	local program
	for program in qemu-system-x86_64 qemu-img mmdebstrap mke2fs debugfs zstd ssh-keygen; do
		type -P "$program" >/dev/null || return 1
	done
	[[ -e $IMAGE_KEYS ]]
}

# Install what this program needs on the machine we are on.
image_host() {
	local lock
	! image_host_complete || return 0
	echo 'node: installing what is needed here with apt' >&2
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/host.lock"
	flock "$lock"
	image_quietly "$CACHE/host" image_host_install {lock}>&-
	exec {lock}>&-
	[[ -e $IMAGE_KEYS ]] || die "this machine's debian-archive-keyring does not know Debian 13, update it"
}

image_host_install() {
	apt-get update -q &&
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
			qemu-system-x86 qemu-utils mmdebstrap e2fsprogs zstd openssh-client debian-archive-keyring
}

image_make_tree() {
	echo 'node: making the Debian 13 tree' >&2
	image_quietly "$1" "$SOURCE/tests/vm/tree.sh" "$SOURCE/tests/vm/packages" "$1"
}

image_make_template() {
	echo "node: making the OS template $IMAGE_TEMPLATE" >&2
	image_quietly "$1" "$SOURCE/templates/recipes/build" "$SOURCE/templates/recipes/$IMAGE_TEMPLATE.recipe" \
		"$1/$IMAGE_TEMPLATE.tar.zst"
}

# Run a command for product directory $1, and show what it said only if it fails.
image_quietly() {
	local log=$1.log
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "cannot make an image: $1 failed; its output is in $log"
	fi
	rm -f "$log"
}

# The kernel, and an initramfs of busybox and the one module that finding the disk takes.
image_make_boot() {
	local tree=$CACHE/$1 boot=$2 files=$2/files
	mkdir -p "$files"/{bin,dev,proc,root}
	cp "$tree"/boot/vmlinuz-* "$boot/vmlinuz"
	cp "$tree/usr/bin/busybox" "$files/bin/"
	chroot "$tree" sh -c 'xzcat /lib/modules/*/kernel/drivers/block/virtio_blk.ko.xz' >"$files/virtio_blk.ko"
	cp "$SOURCE/tests/vm/guest/initramfs" "$files/init"
	(cd "$files" && find . | "$tree/usr/bin/busybox" cpio -o -H newc 2>/dev/null) >"$boot/initramfs"
	rm -r "$files"
}

image_make_disk() {
	local tree=$CACHE/$1 template=$CACHE/$2 disk=$3/disk.img places=/usr/share/openve/templates
	echo "node: making the nodes' disk" >&2
	image_quietly "$3" mke2fs -q -t ext4 -m 0 -E root_owner=0:0 -L node -d "$tree" "$disk" 20G
	debugfs -w -f - "$disk" >/dev/null 2>&1 <<-END
		mkdir /usr/share/openve
		mkdir $places
		write $template/$IMAGE_TEMPLATE.tar.zst $places/$IMAGE_TEMPLATE.tar.zst
	END
	# debugfs reports nothing by its exit status.
	[[ $(debugfs -R "ls $places" "$disk" 2>/dev/null) == *$IMAGE_TEMPLATE* ]] || die "cannot write the template into $disk"
}

# Make the build root only, as fast as it goes.
image_build_root() {
	image_host
	cache_make "$(image_tree)" image_make_tree
}

# Make all that nodes are made of.
image_make() {
	local tree template
	image_build_root
	chroot_trim
	tree=$(image_tree)
	template=$(image_template)
	cache_make "$template" image_make_template
	cache_make "$(image_boot)" image_make_boot "$tree"
	cache_make "$(image_disk)" image_make_disk "$tree" "$template"
}
