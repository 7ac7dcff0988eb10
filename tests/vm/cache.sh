# shellcheck shell=bash
# Products: what is downloaded or built once and used by many runs. Sourced.
#
# A product is a directory KIND-KEY in the cache, KEY being a hash of all that it depends on. It is made under a temporary name and
# renamed when whole. Who uses one holds a shared lock on its directory; who removes one must hold that lock alone.

CACHE=${OPENVE_CACHE:-/var/cache/openve}

# Print a short hash of words, of files, and of all files in directories.
cache_key() {
	local word
	for word; do
		if [[ -d $word ]]; then
			(cd "$word" && find . -type f -print0 | sort -z | xargs -0r sha256sum)
		elif [[ -f $word ]]; then
			sha256sum <"$word"
		else
			echo "$word"
		fi
	done | sha256sum | cut -c1-12
}

# Make product $1 (KIND-KEY), unless it is there, by command $2…, which gets the empty directory to fill as its last argument.
cache_make() {
	local name=$1 lock
	shift
	[[ ! -d $CACHE/$name ]] || return 0

	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/${name%-*}.lock"
	flock "$lock"
	if [[ ! -d $CACHE/$name ]]; then
		rm -rf --one-file-system "$CACHE/$name.new"
		mkdir "$CACHE/$name.new"
		"$@" "$CACHE/$name.new" {lock}>&-
		mv -T "$CACHE/$name.new" "$CACHE/$name"
		cache_trim "${name%-*}"
	fi
	exec {lock}>&-
}

# Keep product $1 from being removed until this process and its children have ended.
cache_use() {
	local lock
	touch -c "$CACHE/$1"
	exec {lock}<"$CACHE/$1"
	flock -s "$lock"
}

# Remove the products of a kind that nobody uses, but for the two used last: two checkouts may share the cache.
cache_trim() {
	local old lock
	# Who makes one of this kind holds its lock, so that what is half made has been given up.
	rm -rf --one-file-system "$CACHE/$1"-*.new "$CACHE/$1"-*.new.log
	# shellcheck disable=SC2012 # the names are ours
	ls -dt "$CACHE/$1"-*/ | tail -n +3 | while read -r old; do
		exec {lock}<"$old"
		if flock -n "$lock"; then
			rm -rf --one-file-system "${old%/}"
		fi
		exec {lock}<&-
	done
}

# Make a directory for the logs of one run, of which the last few of each kind are kept, and print its name.
cache_logs() {
	local kind=$1
	mkdir -p "$CACHE/logs"
	# shellcheck disable=SC2012 # the names are ours
	ls -dt "$CACHE/logs/$kind"-*/ 2>/dev/null | tail -n +10 | xargs -r rm -rf --one-file-system
	mktemp -d "$CACHE/logs/$kind-$(date +%m%d-%H%M%S)-XXXX"
}
