# shellcheck shell=bash disable=SC2030,SC2031,SC2034 # run_make_ready changes its own copies; others read
# A run: nodes booted to run one command, from the words on the command line to their end. Sourced.

RUN_BOOT_LIMIT=240

# What the command line asked for, and what runs.
run_nodes=1
run_vzd=yes
run_systemd=no
run_interactive=no
run_keep_disk=
run_disk=
run_timeout=1800
run_copies=()
run_command=()
run_directory=
run_logs=
run_pids=()
run_booted=() # by node: yes, or again
run_readers=()
run_ended=no

run_parse() {
	while [[ $# -gt 0 ]]; do
		case $1 in
			--nodes | --copy | --timeout) [[ $# -gt 1 ]] || bad_usage "$1 needs a value" ;;&
			--nodes)
				[[ $2 =~ ^[1-9]$ ]] || bad_usage "cannot boot $2 nodes"
				run_nodes=$2
				shift
				;;
			--copy)
				[[ -e $2 ]] || bad_usage "there is no $2 to copy"
				run_copies+=("$2")
				shift
				;;
			--timeout)
				[[ $2 =~ ^[1-9][0-9]*$ ]] || bad_usage "$2 is no number of seconds"
				run_timeout=$2
				shift
				;;
			--systemd) run_systemd=yes ;;
			--no-vzd) run_vzd=no ;;
			--)
				shift
				break
				;;
			-*) bad_usage "no option is called $1" ;;
			*) break ;;
		esac
		shift
	done
	run_command=("$@")
}

# Copy what the command says to where we say it, as it comes.
run_listen() {
	mkfifo "$run_directory"/{control,out,err}
	exec {run_control}<>"$run_directory/control" {run_out}<>"$run_directory/out" {run_err}<>"$run_directory/err"
	cat "$run_directory/out" {run_control}>&- {run_out}>&- {run_err}>&- &
	run_readers+=($!)
	cat "$run_directory/err" >&2 {run_control}>&- {run_out}>&- {run_err}>&- &
	run_readers+=($!)
}

# Switch the machines off, and let what they said come out.
run_end() {
	local pid
	[[ $run_ended == no ]] || return 0
	run_ended=yes
	for pid in ${run_pids[@]+"${run_pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in ${run_pids[@]+"${run_pids[@]}"}; do
		wait "$pid" 2>/dev/null || true
	done
	if [[ ${run_out:-} ]]; then
		exec {run_out}>&- {run_err}>&-
	fi
	for pid in ${run_readers[@]+"${run_readers[@]}"}; do
		wait "$pid" 2>/dev/null || true
	done
	if [[ $run_directory ]]; then
		rm -rf --one-file-system "$run_directory" "${CHROOT_BUILD:?}/$(basename "$run_directory").install"
	fi
}

# Print what of a console tells most: where the kernel began to complain, or else the end.
run_excerpt() {
	grep -m 1 -a -A 24 -E 'Kernel panic|BUG:|Oops:' "$1" || tail -n 24 "$1"
}

# Something went wrong: say what, and where to read on.
run_fail() {
	local console
	run_end
	echo "node: $*" >&2
	for console in "$run_logs"/*.console; do
		run_excerpt "$console" | sed "s/^/$(basename "$console"): /" >&2
	done
	grep -hv 'terminating on signal' "$run_logs"/*.qemu >&2 || true
	echo "node: the consoles are in $run_logs" >&2
	exit "${run_failure:-1}"
}

# A kernel that is emulated on several processors now and then trips over code that it is patching while it boots: such a node boots once
# more. Takes the boot files and the disk.
run_alive() {
	local node
	for ((node = 1; node <= run_nodes; node++)); do
		if kill -0 "${run_pids[node]}" 2>/dev/null; then
			continue
		fi
		[[ ! ${run_booted[node]:-} ]] || run_fail "node$node has died"
		run_booted[node]=again
		echo "node: node$node has died while it booted, and is booted again" >&2
		machine_start "$node" "$1" "$2"
	done
}

# Follow the nodes until the command has ended; leave its exit status in run_status.
run_follow() {
	local boot=$1 disk=$2 ready=0 limit=$((SECONDS + RUN_BOOT_LIMIT)) node word rest
	while :; do
		if read -r -t 1 -u "$run_control" node word rest; then
			case $word in
				ready)
					run_booted[node]=yes
					((++ready < run_nodes)) || limit=$((SECONDS + run_timeout))
					;;
				failed)
					run_fail "node$node: $rest"
					;;
				exit)
					run_status=$rest
					return
					;;
			esac
			continue
		fi
		run_alive "$boot" "$disk"
		if ((SECONDS >= limit && ready < run_nodes)); then
			run_fail "the nodes have not booted within $RUN_BOOT_LIMIT seconds"
		elif ((SECONDS >= limit)) && [[ $run_interactive == no ]]; then
			run_failure=124 run_fail "the command has not ended within $run_timeout seconds"
		fi
	done
}

# Boot the nodes from a disk, run the command, switch them off. Sets run_status.
run_boot() {
	local boot=$1 disk=$2 node
	machine_choose_ports
	run_listen
	for ((node = 1; node <= run_nodes; node++)); do
		machine_start "$node" "$boot" "$disk"
	done
	run_follow "$boot" "$disk"
	run_end
}

# Remove what runs left that were killed; their process id is in the name.
run_trim() {
	local left pid
	for left in "${TMPDIR:-/tmp}"/openve-node.*.*; do
		pid=${left##*/openve-node.}
		[[ -e /proc/${pid%.*} ]] || rm -rf --one-file-system "$left"
	done
}

# Make what one run needs on this machine.
run_open() {
	run_logs=${OPENVE_LOGS:-$(cache_logs run)}
	run_trim
	run_directory=$(mktemp -d "${TMPDIR:-/tmp}/openve-node.$$.XXXXXX")
	trap run_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

run_ready() {
	echo "ready-$(cache_key "$(image_disk)" "$SOURCE/templates" "$SOURCE/quota/disk.c" "$SOURCE/tests/vm/guest/prepare")"
}

# Boot a node once so that its pool is made and the templates are in it, and keep its disk.
run_make_ready() (
	disk=$2/disk.qcow2
	echo 'node: making the pool and importing the templates' >&2
	qemu-img create -q -f qcow2 -F raw -b "$CACHE/$1/disk.img" "$disk"
	run_nodes=1 run_systemd=no run_interactive=no run_vzd=yes run_timeout=600 run_copies=()
	run_command=(bash /node/prepare)
	run_keep_disk=yes
	run_open
	payload_install
	payload_pack
	run_boot "$CACHE/$(image_boot)" "$disk" >"$run_logs/prepare.log" 2>&1
	if [[ $run_status != 0 ]]; then
		cat "$run_logs/prepare.log" >&2
		run_fail 'cannot prepare the disk that nodes boot from'
	fi
)

# Choose the disk to boot from: with vzd, one where its first start is over. Sets run_disk.
run_choose_disk() {
	local disk ready
	disk=$(image_disk)
	ready=$(run_ready)
	cache_use "$disk"
	run_disk=$CACHE/$disk/disk.img
	if [[ $run_vzd == yes && -e $run_directory/files/usr/sbin/vzctl ]]; then
		cache_make "$ready" run_make_ready "$disk"
	fi
	if [[ -d $CACHE/$ready ]]; then
		cache_use "$ready"
		run_disk=$CACHE/$ready/disk.qcow2
	fi
}

run_go() {
	local boot
	image_make
	boot=$(image_boot)
	cache_use "$boot"
	run_open
	payload_install
	run_choose_disk
	payload_pack
	run_boot "$CACHE/$boot" "$run_disk"
}

run_run() {
	run_parse "$@"
	[[ ${#run_command[@]} -gt 0 ]] || bad_usage 'run needs a command'
	run_go </dev/null
	if [[ $run_status != 0 ]]; then
		echo "node: the command ended with status $run_status; the consoles are in $run_logs" >&2
	fi
	exit "$run_status"
}

run_shell() {
	run_parse "$@"
	[[ ${#run_command[@]} == 0 ]] || bad_usage 'shell takes no command'
	[[ -t 0 && -t 1 ]] || bad_usage 'shell needs a terminal'
	run_interactive=yes
	run_go
	exit "$run_status"
}
