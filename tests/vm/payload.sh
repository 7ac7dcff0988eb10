# shellcheck shell=bash disable=SC2154 # what describes the run is set in run.sh
# The payload of a run: a tar that each node lays over its disk as it boots, the same for all nodes of the run. Sourced.

# Compile OpenVE, if there is anything to compile, and install it into the payload.
payload_install() {
	local files=$run_directory/files install=${run_directory##*/}.install
	mkdir -p "$files"
	if [[ -e $SOURCE/meson.build ]]; then
		build_quietly gcc || die 'OpenVE does not compile'
		build_install gcc "$install"
		cp -a "$CHROOT_BUILD/$install/." "$files/"
		rm -rf --one-file-system "${CHROOT_BUILD:?}/$install"
	fi
	if [[ $run_vzd == yes && ! -e $files/usr/sbin/vzd ]]; then
		echo 'node: no vzd is built, the nodes are without it' >&2
		run_vzd=no
	fi
}

# Lay out in directory $1 what the nodes find besides OpenVE: scripts, configuration, keys, what was asked to be copied.
payload_files() {
	local files=$1 path node
	mkdir -p "$files"/{node,srv,etc/ssh,etc/systemd/system,root/.ssh}
	cp "$SOURCE"/tests/vm/guest/{init,work,prepare,suites,node.sh} "$files/node/"
	cp "$SOURCE"/tests/vm/guest/units/* "$files/etc/systemd/system/"
	payload_conf >"$files/node/conf"
	{
		echo '127.0.0.1 localhost'
		echo '::1 localhost ip6-localhost'
		for ((node = 1; node <= run_nodes; node++)); do
			echo "10.250.0.$node node$node"
		done
	} >"$files/etc/hosts"
	if [[ $run_nodes -gt 1 ]]; then
		payload_keys "$files"
	fi
	for path in ${run_copies[@]+"${run_copies[@]}"}; do
		cp -a --no-preserve=ownership "$(readlink -f "$path")" "$files/srv/$(basename "$path")"
	done
	if [[ $run_systemd == yes ]]; then
		payload_units "$files"
	fi
}

payload_conf() {
	local rows columns
	echo "NODES=$run_nodes VZD=$run_vzd INTERACTIVE=$run_interactive"
	if [[ $run_interactive == yes ]]; then
		read -r rows columns < <(stty size)
		printf 'TERM=%q TERMINAL_SIZE="rows %q cols %q"\n' "${TERM:-linux}" "$rows" "$columns"
	fi
}

# One key pair serves as every node's host key and one as every root's.
payload_keys() {
	local files=$1
	chmod 700 "$files/root/.ssh"
	ssh-keygen -q -t ed25519 -N '' -C node -f "$files/etc/ssh/ssh_host_ed25519_key"
	ssh-keygen -q -t ed25519 -N '' -C root -f "$files/root/.ssh/id_ed25519"
	cp "$files/root/.ssh/id_ed25519.pub" "$files/root/.ssh/authorized_keys"
	echo "node*,10.250.0.* $(<"$files/etc/ssh/ssh_host_ed25519_key.pub")" >"$files/etc/ssh/ssh_known_hosts"
}

# Enable by hand what an administrator would: the node itself has presets that enable nothing.
payload_units() {
	local wants=$1/etc/systemd/system/multi-user.target.wants unit
	mkdir -p "$wants"
	for unit in /etc/systemd/system/node{,-network}.service /usr/lib/systemd/system/lxcfs.service; do
		ln -s "$unit" "$wants/"
	done
	if [[ $run_vzd == yes ]]; then
		ln -s /usr/lib/systemd/system/vzd.service "$wants/"
	fi
	if [[ $run_nodes -gt 1 ]]; then
		ln -s /usr/lib/systemd/system/ssh.service "$wants/"
	fi
}

# The command as a script for bash: one word is a line for the shell, several are what they are.
payload_script() {
	if [[ ${#run_command[@]} == 1 ]]; then
		printf 'exec /bin/sh -c %q\n' "${run_command[0]}"
	else
		printf 'exec'
		printf ' %q' "${run_command[@]}"
		echo
	fi
}

payload_pack() {
	local files=$run_directory/files
	payload_files "$files"
	payload_script >"$files/node/command"
	tar -C "$files" --numeric-owner --owner=0 --group=0 -cf "$run_directory/payload.tar" .
	rm -rf --one-file-system "$files"
}
