# shellcheck shell=bash
# Building OpenVE in the build root. Sourced.
#
# Each variant has its own build directory, $CHROOT_BUILD/NAME: /build/NAME inside.

build_known() {
	[[ $1 == gcc || $1 == clang || $1 == sanitize ]]
}

# Print the arguments of `meson setup` that make a variant.
build_options() {
	local options=(--werror --prefix=/usr --sysconfdir=/etc --localstatedir=/var --buildtype=debugoptimized -Dinstall_tests=true -Db_colorout=auto)
	case $1 in
		sanitize) options+=("-Db_sanitize=address,undefined" -Db_lundef=false) ;;
	esac
	echo "${options[@]}"
}

build_compiler() {
	if [[ $1 == clang ]]; then
		echo clang
	else
		echo gcc
	fi
}

# Run a command alone in the build directory of this name.
build_locked() {
	local lock status=0
	mkdir -p "$CHROOT_BUILD"
	exec {lock}>"$CHROOT_BUILD/$1.lock"
	shift
	flock "$lock"
	"$@" {lock}>&- || status=$?
	exec {lock}>&-
	return $status
}

# Configure, if that was not done yet with these options, and compile a variant.
build_compile() {
	local variant=$1 name=${BUILD_DIR:-$1} options
	read -ra options < <(build_options "$variant")
	# shellcheck disable=SC2016 # expanded inside
	build_locked "$name" chroot_run env CC="ccache $(build_compiler "$variant")" sh -euc '
		build=$1
		shift
		if [ "$(cat "$build/options" 2>&1)" != "$*" ]; then
			rm -rf "$build"
			meson setup "$build" "$@"
			echo "$*" >"$build/options"
		fi
		ninja -C "$build"
	' sh "/build/$name" "${options[@]}"
}

# Compile a variant without a word unless it fails.
build_quietly() {
	local log
	log=$(mktemp)
	if ! build_compile "$1" >"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# Install a compiled variant below a directory of the build directory, /build/DIRECTORY inside.
build_install() {
	local name=${BUILD_DIR:-$1} directory=$2
	build_locked "$name" chroot_run env DESTDIR="/build/$directory" meson install -C "/build/$name" --no-rebuild --quiet >/dev/null
}
