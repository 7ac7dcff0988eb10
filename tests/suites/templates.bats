#!/usr/bin/env bats
# OS templates.
load common

TEMPLATES=/var/lib/vz/template

teardown() {
	sweep
	vzctl --quiet template delete tiny 2>/dev/null || true
	vzctl --quiet template delete other 2>/dev/null || true
}

# A root with an init, packed as $1.
pack() {
	mkdir -p "$BATS_TEST_TMPDIR/root"
	tar -xf $TEMPLATES/cache/busybox.tar.* -C "$BATS_TEST_TMPDIR/root"
	echo "${2:-tiny}" >"$BATS_TEST_TMPDIR/root/etc/issue"
	tar -C "$BATS_TEST_TMPDIR/root" -caf "$1" .
}

@test "both templates are there" {
	run vzctl template list
	[[ "$output" == *"busybox "* ]]
	[[ "$output" == *"debian-13-x86_64 "* ]]
}

@test "import of gzip, xz and zstd; list, info, use, delete" {
	for kind in gz xz zst; do
		pack "$BATS_TEST_TMPDIR/tiny.tar.$kind" $kind
		run vzctl template import "$BATS_TEST_TMPDIR/tiny.tar.$kind"
		echo "$output"
		[ "$status" -eq 0 ]
		run vzctl template info tiny
		[[ "$output" == *"$(sha256sum <"$BATS_TEST_TMPDIR/tiny.tar.$kind" | cut -d' ' -f1)"* ]]
		vzctl --quiet create 101 --ostemplate tiny --config light
		vzctl --quiet start 101
		[ "$(vzctl exec 101 cat /etc/issue)" = $kind ]
		vzctl --quiet stop 101 --fast
		vzctl --quiet destroy 101
		vzctl --quiet template delete tiny
		run vzctl template info tiny
		[ "$status" -eq 91 ]
	done
	[ "$(ls $TEMPLATES/layers | wc -l)" -eq 2 ]
}

@test "a checksum is checked" {
	pack "$BATS_TEST_TMPDIR/tiny.tar.gz"
	find $TEMPLATES >"$BATS_TEST_TMPDIR/before"
	run vzctl template import "$BATS_TEST_TMPDIR/tiny.tar.gz" --sha256 "$(printf '%064d' 0)"
	[ "$status" -ne 0 ]
	[[ "$output" == *"SHA-256"*"expected"* ]]
	find $TEMPLATES | diff "$BATS_TEST_TMPDIR/before" -
	vzctl --quiet template import "$BATS_TEST_TMPDIR/tiny.tar.gz" --name other \
		--sha256 "$(sha256sum <"$BATS_TEST_TMPDIR/tiny.tar.gz" | cut -d' ' -f1)"
	vzctl template info other
}

@test "hostile archives are refused whole, and nothing is left of them" {
	cat >"$BATS_TEST_TMPDIR/make.py" <<-'END'
		import io, sys, tarfile
		kind, path = sys.argv[1:]
		with tarfile.open(path, "w:gz") as tar:
		    def add(name, **what):
		        info = tarfile.TarInfo(name)
		        for key, value in what.items():
		            setattr(info, key, value)
		        tar.addfile(info, io.BytesIO(b"x" * info.size))
		    add("sbin", type=tarfile.DIRTYPE, mode=0o755)
		    add("sbin/init", size=4, mode=0o755)
		    if kind == "dotdot":
		        add("../../../../etc/escaped", size=1)
		    elif kind == "link":
		        add("out", type=tarfile.SYMTYPE, linkname="/etc")
		        add("out/escaped", size=1)
		    elif kind == "hardlink":
		        add("shadow", type=tarfile.LNKTYPE, linkname="../../../../../../etc/shadow")
		    elif kind == "ids":
		        add("file", size=1, uid=70000)
	END
	find $TEMPLATES >"$BATS_TEST_TMPDIR/before"
	for kind in dotdot link hardlink ids; do
		python3 "$BATS_TEST_TMPDIR/make.py" $kind "$BATS_TEST_TMPDIR/$kind.tar.gz"
		run vzctl template import "$BATS_TEST_TMPDIR/$kind.tar.gz"
		echo "$kind: $status $output"
		[ ! -e /etc/escaped ]
		[ "$status" -ne 0 ]
		find $TEMPLATES | diff "$BATS_TEST_TMPDIR/before" -
	done
}

@test "no init, no archive, no file" {
	mkdir "$BATS_TEST_TMPDIR/empty"
	tar -C "$BATS_TEST_TMPDIR" -czf "$BATS_TEST_TMPDIR/none.tar.gz" empty
	run vzctl template import "$BATS_TEST_TMPDIR/none.tar.gz"
	[ "$status" -eq 47 ]
	echo "not an archive" >"$BATS_TEST_TMPDIR/text.tar.gz"
	run vzctl template import "$BATS_TEST_TMPDIR/text.tar.gz"
	[ "$status" -ne 0 ]
	run vzctl template import /no/such/file.tar.gz
	[ "$status" -ne 0 ]
	[[ "$output" == *"No such file"* ]]
}

@test "a template that a VE stands on stays" {
	pack "$BATS_TEST_TMPDIR/tiny.tar.gz"
	vzctl --quiet template import "$BATS_TEST_TMPDIR/tiny.tar.gz"
	vzctl --quiet create 101 --ostemplate tiny --config light
	run vzctl template delete tiny
	[ "$status" -ne 0 ]
	[[ "$output" == *"101"* ]]
	vzctl --quiet start 101
}

@test "a newer archive of the same name is for VEs to come" {
	pack "$BATS_TEST_TMPDIR/tiny.tar.gz" old
	vzctl --quiet template import "$BATS_TEST_TMPDIR/tiny.tar.gz"
	vzctl --quiet create 101 --ostemplate tiny --config light
	pack "$BATS_TEST_TMPDIR/tiny.tar.gz" new
	vzctl --quiet template import "$BATS_TEST_TMPDIR/tiny.tar.gz"
	vzctl --quiet create 102 --ostemplate tiny --config light
	vzctl --quiet start 101
	vzctl --quiet start 102
	[ "$(vzctl exec 101 cat /etc/issue)" = old ]
	[ "$(vzctl exec 102 cat /etc/issue)" = new ]
}

@test "an archive laid into the cache by hand is found" {
	pack $TEMPLATES/cache/other.tar.gz by-hand
	vzctl --quiet create 101 --ostemplate other --config light
	vzctl --quiet start 101
	[ "$(vzctl exec 101 cat /etc/issue)" = by-hand ]
}

@test "build of the embedded template, and of a Debian from the node's own sources" {
	run vzctl template build busybox
	echo "$output"
	[ "$status" -eq 0 ]
	run vzctl template build no-such-recipe
	[ "$status" -eq 91 ]
}
