# shellcheck shell=bash
# The Debian mirror of the machine we are on, as apt itself understands its sources. Sourced.

# Tell what apt knows of Debian's own archives, one "LABEL URI" a line. Other vendors' sources are not Debian's by their Release file.
mirror_targets() {
	# shellcheck disable=SC2016 # the dollars are apt's
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" { print $2, $3 }' | sort -u
}

# Print one-line apt sources for a Debian suite, taken from the mirrors that this machine uses itself.
mirror_sources() {
	local suite=$1 main security
	local key=/usr/share/keyrings/debian-archive-keyring.gpg

	[[ $(mirror_targets) ]] || apt-get update -q >&2
	main=$(mirror_targets | awk '$1 == "Debian" { print $2; exit }')
	security=$(mirror_targets | awk '$1 == "Debian-Security" { print $2; exit }')
	if [[ -z $main ]]; then
		echo "cannot find a Debian mirror among this machine's apt sources" >&2
		return 1
	fi
	echo "deb [signed-by=$key] $main $suite main"
	if [[ $security ]]; then
		echo "deb [signed-by=$key] $security $suite-security main"
	fi
}
