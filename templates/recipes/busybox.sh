# shellcheck shell=bash
# A system of one program: the node's static busybox, a link for each of its applets, and the few files that init and login read.
# Sourced.

busybox_applets() {
	local root=$1 applet
	mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin}
	cp /bin/busybox "$root/bin/busybox"
	chmod 755 "$root/bin/busybox"
	while read -r applet; do
		[[ $applet == bin/busybox ]] || ln -s /bin/busybox "$root/$applet"
	done < <("$root/bin/busybox" --list-full | grep -E '^(usr/)?s?bin/')
}

busybox_directories() {
	local root=$1
	mkdir -p "$root"/{dev,proc,sys,run,mnt,srv,home,etc/init.d,var/{lib,log,spool/cron/crontabs}}
	mkdir -m 1777 "$root/tmp" "$root/var/tmp"
	mkdir -m 700 "$root/root"
	ln -s ../run "$root/var/run"
}

# Nobody can log in with a password until one is given.
busybox_accounts() {
	local etc=$1/etc
	cat >"$etc/passwd" <<-'END'
		root:x:0:0:root:/root:/bin/sh
		daemon:x:1:1:daemon:/:/bin/false
		nobody:x:65534:65534:nobody:/:/bin/false
	END
	cat >"$etc/group" <<-'END'
		root:x:0:
		daemon:x:1:
		tty:x:5:
		shadow:x:42:
		users:x:100:
		nogroup:x:65534:
	END
	cat >"$etc/shadow" <<-'END'
		root:*:20000:0:99999:7:::
		daemon:*:20000:0:99999:7:::
		nobody:*:20000:0:99999:7:::
	END
	chown 0:42 "$etc/shadow"
	chmod 640 "$etc/shadow"
}

# Init itself is all that runs. What a VE is to do beside that is a script S… in /etc/init.d.
busybox_init() {
	local etc=$1/etc
	cat >"$etc/inittab" <<-'END'
		::sysinit:/etc/init.d/rcS
		::shutdown:/etc/init.d/rcK
		::ctrlaltdel:/sbin/reboot
		# A login on the console:
		#console::respawn:/sbin/getty 0 console linux
	END
	cat >"$etc/init.d/rcS" <<-'END'
		#!/bin/sh
		# Start what is there to be started.
		for script in /etc/init.d/S*; do
			if [ -x "$script" ]; then
				"$script" start
			fi
		done
	END
	cat >"$etc/init.d/rcK" <<-'END'
		#!/bin/sh
		# Stop it again, last first.
		for script in $(ls -r /etc/init.d); do
			case $script in
				S*) [ ! -x "/etc/init.d/$script" ] || "/etc/init.d/$script" stop ;;
			esac
		done
	END
	chmod 755 "$etc/init.d/rcS" "$etc/init.d/rcK"
}

busybox_files() {
	local etc=$1/etc version
	version=$("$1/bin/busybox" | sed -n '1s/^BusyBox v\([0-9.]*\).*/\1/p')
	cat >"$etc/os-release" <<-END
		NAME="BusyBox"
		ID=busybox
		VERSION_ID="$version"
		PRETTY_NAME="BusyBox $version"
	END
	cat >"$etc/hosts" <<-'END'
		127.0.0.1 localhost
		::1 localhost ip6-localhost ip6-loopback
	END
	cat >"$etc/profile" <<-'END'
		export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		export PS1='\u@\h:\w\$ '
		umask 022
	END
	echo /bin/sh >"$etc/shells"
}

# Fill an empty directory with the system. All files get the program's time: nodes with the same busybox make the same template.
busybox_install() {
	if ! /bin/busybox --list | grep -x init >/dev/null; then
		echo "cannot make a system of /bin/busybox: it is missing or has no init (install busybox-static)" >&2
		return 1
	fi
	busybox_applets "$1"
	busybox_directories "$1"
	busybox_accounts "$1"
	busybox_init "$1"
	busybox_files "$1"
	# shellcheck disable=SC2034 # the caller's
	EPOCH=$(stat -c %Y /bin/busybox)
}
