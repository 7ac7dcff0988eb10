# Count what logs of TAP tell, and repeat the failures with their details at the end.
#
# "# suite NAME" and "# suite NAME ended STATUS" frame each suite. One that does not end, or ends before its plan is fulfilled, has
# failed; one without any TAP is a test by itself. "# suite NAME expected" announces one that must come.

function fail(title) {
	failed++
	failures = failures "\nnot ok " title "\n"
}

# A suite is over; status is "" if it just stopped.
function finish(status) {
	if (suite == "")
		return
	if (status == "")
		fail(suite ": it did not end")
	else if (!planned && !seen && status == 0)
		passed++
	else if (!planned && !seen)
		fail(suite ": it failed with status " status)
	else if (seen < plan)
		fail(suite ": it ended early, after " seen " of " plan + 0 " tests, with status " status)
	else if (status != 0 && !bad)
		fail(suite ": it ended with status " status)
	else
		last = ""
	if (last != "")
		failures = failures last
	suite = last = ""
}

FNR == 1 { finish(""); detail = 0 }

/^# suite .* expected$/ {
	sub(/^# suite /, ""); sub(/ expected$/, "")
	expected[$0] = 1
	next
}

/^# suite .* ended -?[0-9]+$/ {
	status = $NF
	finish(status)
	detail = 0
	next
}

/^# suite / {
	finish("")
	suite = substr($0, 9)
	delete expected[suite]
	plan = planned = seen = bad = detail = 0
	last = ""
	next
}

/^1\.\.[0-9]+/ {
	split($1, range, /\.\./)
	plan += range[2]
	planned = 1
	if ($0 ~ /# *[Ss][Kk][Ii][Pp]/)
		skipped++
	next
}

/^ok( |$)/ {
	seen++
	detail = 0
	if ($0 ~ /# *[Ss][Kk][Ii][Pp]/)
		skipped++
	else
		passed++
	next
}

/^not ok( |$)/ {
	seen++
	bad++
	title = $0
	sub(/^not ok */, "", title)
	fail((suite == "" ? "" : suite ": ") title)
	detail = 1
	next
}

detail { failures = failures $0 "\n"; next }

# What a suite says outside its tests matters only if it dies.
{
	last = last $0 "\n"
	if (length(last) > 8000)
		last = substr(last, 4000)
}

END {
	finish("")
	for (name in expected)
		fail(name ": it did not run")
	printf "%s", failures
	if (failures != "")
		print ""
	if (skipped)
		print skipped " skipped"
	print passed + 0 " passed, " failed + 0 " failed"
	exit failed > 0 || passed + 0 == 0
}
