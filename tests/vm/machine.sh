# shellcheck shell=bash disable=SC2154,SC2034 # what describes the run is set in run.sh
# A virtual machine: how QEMU is told to be a node. Sourced.
#
# A node has two disks, the cached one, whose changes are thrown away, and the payload. It has three virtio-serial ports: out and err are
# the command's, control carries lines like "1 ready", "1 failed WHY", "1 exit STATUS".

MACHINE_MEMORY=${OPENVE_NODE_MEMORY:-4096}

# Print yes if KVM really runs a kernel here: on some machines it can be opened and then hangs. The answer holds until a reboot.
machine_kvm() {
	local answer boot=$CACHE/$1 works=no
	answer=$CACHE/kvm-$(</proc/sys/kernel/random/boot_id)
	if [[ ! -e $answer ]]; then
		if [[ -w /dev/kvm ]]; then
			echo 'node: trying KVM' >&2
			if timeout -k 1 15 qemu-system-x86_64 -enable-kvm -cpu host -m 512 -nodefaults -display none -no-reboot \
				-serial stdio -kernel "$boot/vmlinuz" -initrd "$boot/initramfs" \
				-append 'console=ttyS0 quiet panic=-1 NODE_PROBE=1' </dev/null 2>&1 | grep -q 'the probe has booted'; then
				works=yes
			fi
		fi
		rm -f "$CACHE"/kvm-*
		echo $works >"$answer"
	fi
	cat "$answer"
}

# The ports that join the nodes: a range that no other run and nobody else on this machine uses.
run_port=0
machine_choose_ports() {
	local slot lock
	[[ $run_nodes -gt 1 ]] || return 0
	mkdir -p "$CACHE/ports"
	for ((slot = 0; slot < 200; slot++)); do
		exec {lock}>"$CACHE/ports/$slot"
		if flock -n "$lock" && machine_ports_free $((20000 + slot * 20)); then
			run_port=$((20000 + slot * 20))
			return
		fi
		exec {lock}>&-
	done
	die 'cannot find free UDP ports for the nodes'
}

machine_ports_free() {
	local port
	for ((port = $1; port < $1 + 20; port++)); do
		! grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$port") " /proc/net/udp /proc/net/udp6 2>/dev/null || return 1
	done
}

# Print, one a line, the arguments that give node $1 its network: node1 is the hub.
machine_network() {
	local node=$1 peer link
	[[ $run_nodes -gt 1 ]] || return 0
	if [[ $node == 1 ]]; then
		for ((peer = 2; peer <= run_nodes; peer++)); do
			link=$((run_port + 2 * peer))
			machine_dgram "link$peer" $link $((link + 1))
			printf '%s\n' -netdev "hubport,id=hub$peer,hubid=0,netdev=link$peer"
		done
		printf '%s\n' -netdev hubport,id=net,hubid=0
	else
		link=$((run_port + 2 * node))
		machine_dgram net $((link + 1)) $link
	fi
	printf '%s\n' -device "virtio-net-pci,netdev=net,mac=52:54:00:00:00:0$node"
}

machine_dgram() {
	printf '%s\n' -netdev "dgram,id=$1,local.type=inet,local.host=127.0.0.1,local.port=$2,remote.type=inet,remote.host=127.0.0.1,remote.port=$3"
}

# Start the virtual machine of node $1. It ends when we end, however we do.
machine_start() {
	local node=$1 boot=$2 disk=$3 init=/node/init format=raw snapshot=on network addresses=''
	local arguments=(-machine pc -smp 2 -m "$MACHINE_MEMORY" -nodefaults -nic none -display none -no-reboot)

	if [[ $(machine_kvm "${boot##*/}") == yes ]]; then
		arguments+=(-enable-kvm -cpu host)
	else
		# Emulated cmpxchg16b crashes the kernel in its slab allocator. The emulator knows translated code by its address: programs
		# that lie at the same place each time they start are translated once only. Benchmarks run with the kernel as it is shipped.
		[[ ${MACHINE_AS_SHIPPED:-} ]] || addresses=' norandmaps'
		arguments+=(-accel "tcg,thread=multi,tb-size=1024" -cpu "max,-cx16")
	fi
	if [[ $run_systemd == yes ]]; then
		init=/sbin/init
	fi
	if [[ $disk == *.qcow2 ]]; then
		format=qcow2
	fi
	if [[ $run_keep_disk ]]; then
		snapshot=off
	fi
	arguments+=(
		-kernel "$boot/vmlinuz" -initrd "$boot/initramfs"
		-append "console=ttyS0 quiet mitigations=off$addresses panic=-1 oops=panic net.ifnames=0 systemd.show_status=false NODE=$node NODE_INIT=$init"
		-drive "file=$disk,if=virtio,format=$format,snapshot=$snapshot,cache=unsafe"
		-drive "file=$run_directory/payload.tar,if=virtio,format=raw,readonly=on"
		-serial "file:$run_logs/node$node.console"
		-device virtio-serial-pci
		-chardev "file,id=control,path=$run_directory/control" -device "virtserialport,chardev=control,name=control"
	)
	if [[ $node == 1 && $run_interactive == yes ]]; then
		arguments+=(-chardev "stdio,id=terminal,signal=off" -device "virtconsole,chardev=terminal")
	elif [[ $node == 1 ]]; then
		arguments+=(
			-chardev "file,id=out,path=$run_directory/out" -device "virtserialport,chardev=out,name=out"
			-chardev "file,id=err,path=$run_directory/err" -device "virtserialport,chardev=err,name=err"
		)
	fi
	mapfile -t network < <(machine_network "$node")
	arguments+=("${network[@]}")

	if [[ $node == 1 && $run_interactive == yes ]]; then
		setpriv --pdeathsig KILL qemu-system-x86_64 "${arguments[@]}" <&0 2>"$run_logs/node$node.qemu" &
	else
		setpriv --pdeathsig KILL qemu-system-x86_64 "${arguments[@]}" </dev/null >"$run_logs/node$node.qemu" 2>&1 \
			{run_out}>&- {run_err}>&- &
	fi
	run_pids[node]=$!
}
