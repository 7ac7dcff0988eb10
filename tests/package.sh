#!/bin/bash
# shellcheck disable=SC2317 # the functions are called by check
# The Debian package: build it from a copy of the tree, as its users do, and look at what is in it. Prints TAP.
#
# It runs in the build root, where the checkout is read-only and /build is kept.
cd "$(dirname "$0")/.." || exit 1
place=/build/package
files=$place/files
count=0 failed=0

# check WHAT COMMAND…: it succeeds; what it says is shown if not.
check() {
	local what=$1 output
	shift
	count=$((count + 1))
	if output=$("$@" 2>&1); then
		echo "ok $count - $what"
	else
		failed=1
		echo "not ok $count - $what"
		tail -n 40 <<<"$output" | sed 's/^/# /'
	fi
}

# Objects tell where they were compiled: always in the same place, so that ccache knows them again.
is_built() {
	rm -rf "$place"
	mkdir -p "$place/openve"
	tar --exclude-vcs --exclude='./build*' -c . | tar -C "$place/openve" -x || return
	(cd "$place/openve" && DEB_BUILD_OPTIONS="parallel=$(nproc) terse noautodbgsym" dpkg-buildpackage --build=binary --no-sign) &&
		dpkg-deb --raw-extract "$place"/openve_*_amd64.deb "$files"
}

field() {
	dpkg-deb --field "$place"/openve_*_amd64.deb "$1"
}

# Standard input is what follows, a line each.
is() {
	diff -u --label expected <(printf '%s\n' "$@") --label found -
}

has_version_of_meson() {
	local version
	version=$(sed -n "s/^  version : '\(.*\)',$/\1/p" meson.build)
	field Version | is "$version" &&
		"$files/usr/sbin/vzd" --version | is "vzd $version"
}

has_manual() {
	local file
	for file in man/*.[1-8]; do
		[[ -e $files/usr/share/man/man${file##*.}/${file##*/}.gz ]] || return
	done
	for file in vzctl vzd vzlist "$files"/usr/sbin/*; do
		[[ -x $files/usr/sbin/${file##*/} && -e $files/usr/share/man/man8/${file##*/}.8.gz ]] || return
	done
}

has_recipes() {
	[[ -x $files/usr/lib/openve/template-build ]] &&
		(cd "$files/usr/share/openve/recipes" && echo *) | is "$(cd templates/recipes && echo *.recipe)"
}

# Configuration that the operator has edited survives an upgrade.
has_configuration() {
	(cd etc && printf '/etc/vz/conf/%s\n' *.conf-sample && echo /etc/vz/vz.conf) | sort | diff -u - <(sort "$files/DEBIAN/conffiles")
}

is_hardened() {
	local program header
	for program in "$files"/usr/sbin/*; do
		header=$(readelf --wide --dynamic --program-headers "$program")
		grep -q 'FLAGS_1.* NOW PIE' <<<"$header" && grep -q GNU_RELRO <<<"$header" || return
		# What is linked statically keeps no names of what it calls.
		! grep -q NEEDED <<<"$header" || nm --dynamic "$program" | grep -q '__.*_chk@' || return
	done
}

depends_on_what_vzd_runs() {
	local program owner
	for program in busybox lxcfs mkfs.xfs zstd; do
		owner=$(dpkg --search "*bin/$program" | sed -n '1s/:.*//p')
		field Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//' | grep -x "$owner" || return
	done
}

# Number of the first line of a maintainer script that matches.
line() {
	grep -n -m 1 -e "$2" "$files/DEBIAN/$1" | cut -d: -f1
}

makes_group_first() {
	local group service
	group=$(line postinst 'systemd-sysusers .* openve.conf')
	service=$(line postinst 'deb-systemd-invoke .* .*vzd.service')
	grep -x 'g vzadmin - -' "$files/usr/lib/sysusers.d/openve.conf" && [[ $group && $group -lt $service ]]
}

# An upgrade ends the old vzd only to start the new one: what ends it in prerm is for removal.
restarts_on_upgrade() {
	grep '_dh_action=restart' "$files/DEBIAN/postinst" &&
		[[ $(grep -c 'deb-systemd-invoke stop' "$files/DEBIAN/prerm") == 1 ]] &&
		grep -B 1 'deb-systemd-invoke stop' "$files/DEBIAN/prerm" | grep '= remove ' &&
		grep -x KillMode=process "$files/usr/lib/systemd/system/vzd.service"
}

# A node from which the package is removed, with a VE in it.
node() {
	rm -rf "$place/node"
	mkdir -p "$place"/node/{etc/vz/conf,run/vz/ve,var/{lib/vz/private/101/fs,log/vz}}
	touch "$place"/node/{etc/vz/conf/101.conf,etc/vz/idmap,var/log/vz/vzctl.log}
}

script() {
	DPKG_ROOT=$place/node DPKG_MAINTSCRIPT_PACKAGE=openve sh "$files/DEBIAN/$1" "$2"
}

removal_tells_of_running() {
	node
	[[ -z $(script prerm remove 2>&1) ]] || return
	touch "$place/node/run/vz/ve/101"
	[[ -z $(script prerm upgrade 2>&1) ]] || return
	script prerm remove 2>&1 | grep 'these VEs go on running: 101;'
}

purge_keeps_files_of_ves() {
	node
	script postrm purge 2>&1 | grep 'the files of VEs and templates stay; delete .*/var/lib/vz when' &&
		(cd "$place/node" && find . -path '*vz*' | sort) |
		is ./var/lib/vz ./var/lib/vz/private ./var/lib/vz/private/101 ./var/lib/vz/private/101/fs
}

purge_keeps_ids_of_running() {
	node
	touch "$place/node/run/vz/ve/101"
	script postrm purge
	[[ -e $place/node/etc/vz/idmap && -e $place/node/etc/vz/conf/101.conf ]]
}

purge_of_nothing_says_nothing() {
	rm -rf "$place/node"
	mkdir -p "$place/node"
	[[ -z $(script postrm purge 2>&1) ]]
}

check 'it is built' is_built
[[ $failed == 0 ]] || exit 1
check 'its version is the tree'\''s' has_version_of_meson
check 'it has the programs, and each has its page' has_manual
check 'it has the recipes of templates' has_recipes
check 'all of /etc is configuration' has_configuration
check 'its programs are hardened' is_hardened
check 'it depends on what vzd runs' depends_on_what_vzd_runs
check 'the group is there before the service' makes_group_first
check 'an upgrade restarts vzd and stops nothing else' restarts_on_upgrade
check 'removal tells of VEs that go on running' removal_tells_of_running
check 'purge removes configuration and keeps the files of VEs' purge_keeps_files_of_ves
check 'purge keeps the id ranges of running VEs' purge_keeps_ids_of_running
check 'purge where there is nothing says nothing' purge_of_nothing_says_nothing
if type -P lintian >/dev/null; then
	check 'lintian finds no error' lintian --fail-on error,warning "$place"/openve_*_amd64.deb
fi
echo "1..$count"
exit $failed
