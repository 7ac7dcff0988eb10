# shellcheck shell=bash
# All the tests, the benchmarks and the demonstration. Sourced.
#
# Every kind of test writes a log of TAP, in which "# suite NAME" and "# suite NAME ended STATUS" frame each suite; tally.awk counts
# them. At most two virtual machines run at a time.

TEST_MACHINES=2
test_logs=
test_running=0
test_tails=()
declare -A test_weight=() test_name=()

# Tell of a command as a suite of one test, with its output if it fails, and return its status.
test_one() {
	local name=$1 output status=0
	shift
	echo "# suite $name"
	echo 1..1
	output=$("$@" 2>&1 </dev/null) || status=$?
	if [[ $status == 0 ]]; then
		echo "ok 1 $name"
	else
		echo "not ok 1 $name"
		echo "# ${output//$'\n'/$'\n# '}"
	fi
	echo "# suite $name ended 0"
	return $status
}

test_build() {
	test_one 'build with gcc' build_compile gcc || true
	test_one 'build with clang' build_compile clang || true
}

test_layers() {
	[[ -e $SOURCE/tests/layers.sh ]] || return 0
	test_one layers bash -c "cd ${SOURCE@Q} && bash tests/layers.sh" || true
}

test_model() {
	local status=0
	echo '# suite model'
	chroot_run bash /src/tests/model.sh </dev/null 2>&1 || status=$?
	echo "# suite model ended $status"
}

test_package() {
	local status=0
	echo '# suite package'
	build_locked package chroot_run env CC='ccache gcc' bash /src/tests/package.sh </dev/null 2>&1 || status=$?
	echo "# suite package ended $status"
}

# Run meson's tests with sanitizers; each program is a suite, cmocka's tell of every test in it.
test_unit() {
	test_one 'build with sanitizers' build_compile sanitize || return 0
	# shellcheck disable=SC2016 # expanded inside
	build_locked sanitize chroot_run env CMOCKA_MESSAGE_OUTPUT=TAP ASAN_OPTIONS=detect_leaks=1 \
		UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 sh -c '
		rm -f /build/sanitize/meson-logs/testlog.json
		meson test -C /build/sanitize --no-rebuild --timeout-multiplier 3 >/tmp/meson.log 2>&1
		if [ ! -e /build/sanitize/meson-logs/testlog.json ]; then
			cat /tmp/meson.log
			exit 1
		fi
		jq -r "\"# suite \" + .name, (.stdout // empty), (.stderr // empty),
			\"# suite \" + .name + \" ended \" + (if .result == \"OK\" then 0 else .returncode | if . == 0 then 1 else . end end | tostring)" \
			/build/sanitize/meson-logs/testlog.json
	' </dev/null 2>&1
}

# Start a node for suites, when there are machines for it: test_start WEIGHT NAME OPTIONS SUITE…, OPTIONS being words for `run`.
test_start() {
	local weight=$1 name=$2 options=() suite files=()
	read -ra options <<<"$3"
	shift 3
	[[ $# -gt 0 ]] || return 0
	while ((test_running + weight > TEST_MACHINES)); do
		test_await
	done

	mkdir -p "$test_logs/$name"
	for suite; do
		files+=("/srv/tests/suites/$suite.bats")
		echo "# suite $suite expected"
	done >"$test_logs/$name.tap"
	OPENVE_LOGS=$test_logs/$name "$SOURCE/tests/node" run ${options[@]+"${options[@]}"} --timeout 3600 \
		--copy "$SOURCE/tests" -- /node/suites "${files[@]}" </dev/null >>"$test_logs/$name.tap" 2>&1 &
	test_weight[$!]=$weight
	test_name[$!]=$name
	test_running=$((test_running + weight))
	tail -n +1 -f --pid=$! "$test_logs/$name.tap" &
	test_tails+=($!)
}

# Wait until one of the nodes is done.
test_await() {
	local pid status=0 name
	wait -n -p pid "${!test_weight[@]}" || status=$?
	name=${test_name[$pid]}
	[[ $status == 0 ]] || echo "not ok the node called $name: see $test_logs/$name" >>"$test_logs/$name.tap"
	test_running=$((test_running - test_weight[$pid]))
	unset "test_weight[$pid]"
}

# Run suites by the kind of node their names ask for; the plain ones are dealt out to two nodes.
test_suites() {
	local suite one=() two=() systemd=() nodes2=()
	for suite; do
		case $suite in
			*.systemd) systemd+=("$suite") ;;
			*.nodes2) nodes2+=("$suite") ;;
			*)
				if [[ ${#one[@]} -le ${#two[@]} ]]; then
					one+=("$suite")
				else
					two+=("$suite")
				fi
				;;
		esac
	done
	test_start 1 one '' ${one[@]+"${one[@]}"}
	test_start 1 two '' ${two[@]+"${two[@]}"}
	test_start 1 systemd --systemd ${systemd[@]+"${systemd[@]}"}
	test_start 2 nodes2 '--nodes 2' ${nodes2[@]+"${nodes2[@]}"}
	while ((test_running > 0)); do
		test_await
	done
	wait ${test_tails[@]+"${test_tails[@]}"}
}

test_stop() {
	local pid
	for pid in "${!test_weight[@]}" ${test_tails[@]+"${test_tails[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
}

# Print the names of suites: all there are, or those asked for, which must exist.
test_names() {
	local name found
	cd "$SOURCE/tests" || return
	if [[ $# == 0 ]]; then
		find . -path './suites/*.bats' -printf '%f\n'
	fi
	for name; do
		name=$(basename "$name" .bats)
		found=$(find . -path "./suites/$name.bats" -o -path "./suites/$name.systemd.bats" -o -path "./suites/$name.nodes2.bats")
		[[ $found ]] || bad_usage "no suite is called $name"
		echo "${found//.\/suites\//}"
	done
}

test_part() {
	"test_$1" | tee "$test_logs/$1.tap" || echo "not ok $1: it could not be run" >>"$test_logs/$1.tap"
}

# Run everything, or what is named: parts that need no node, and suites.
test_test() {
	local word parts=() asked=() names=() list
	for word; do
		case $word in
			build | layers | model | package | unit) parts+=("$word") ;;
			*) asked+=("$word") ;;
		esac
	done
	if [[ $# == 0 ]]; then
		parts=(build layers model package unit)
	fi
	if [[ $# == 0 || ${#asked[@]} -gt 0 ]]; then
		list=$(test_names ${asked[@]+"${asked[@]}"})
		mapfile -t names < <(sort -u <<<"$list" | sed -n 's/\.bats$//p')
	fi

	unset BUILD_DIR # each variant has its own
	image_make
	test_logs=$(cache_logs test)
	trap test_stop EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	for word in ${parts[@]+"${parts[@]}"}; do
		test_part "$word"
	done
	test_suites ${names[@]+"${names[@]}"}
	printf '\nThe logs are in %s\n' "$test_logs"
	awk -f "$SOURCE/tests/vm/tally.awk" "$test_logs"/*.tap
}

# Run a script of the tests tree in the nodes, and be it.
test_script() {
	local options
	read -ra options <<<"$1"
	shift
	run_run ${options[@]+"${options[@]}"} --timeout 3600 --copy "$SOURCE/tests" -- "$@"
}

# Run benchmarks in nodes that OPTIONS, words for `run`, describe: test_scripts OPTIONS SCRIPT…
test_scripts() {
	[[ $# -gt 1 ]] || return 0
	# shellcheck disable=SC2016 # expanded inside
	(test_script "$1" bash -c 'for name; do bash "/srv/tests/bench/$name" || status=1; done; exit ${status:-0}' bash "${@:2}")
}

# Benchmarks whose names end with .nodes2.sh need two nodes.
test_bench() {
	local name path found one=() nodes2=() status=0
	if [[ $# == 0 ]]; then
		set -- "$SOURCE"/tests/bench/*.sh
	fi
	for name; do
		name=$(basename "$name" .sh)
		found=
		for path in "$SOURCE/tests/bench/$name.sh" "$SOURCE/tests/bench/$name.nodes2.sh"; do
			[[ ! -e $path ]] || found=${path##*/}
		done
		case $found in
			'') bad_usage "no benchmark is called $name" ;;
			*.nodes2.sh) nodes2+=("$found") ;;
			*) one+=("$found") ;;
		esac
	done
	export MACHINE_AS_SHIPPED=yes
	test_scripts '' ${one[@]+"${one[@]}"} || status=1
	test_scripts '--nodes 2' ${nodes2[@]+"${nodes2[@]}"} || status=1
	exit $status
}

test_demo() {
	[[ $# == 0 ]] || bad_usage 'demo takes no argument'
	test_script '' bash /srv/tests/demo.sh
}
