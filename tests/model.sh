#!/bin/bash
# The models: all states of each are searched for a broken promise and for a standstill. Prints TAP.
#
# It runs in the build root, where the checkout is read-only. What spin has found its exit status does not tell.
cd "$(dirname "$0")/model" || exit 1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
models=(*.pml)
count=0 failed=0

# Print what spin says of a model.
search() {
	cp "$1" "$place" && (cd "$place" && spin -run -safety -m1000000 "$1") 2>&1
}

# The steps that lead to what is wrong, the last of them.
steps() {
	[[ ! -e $place/$1.trail ]] || (cd "$place" && spin -t -p -g "$1" 2>&1 | grep 'proc ' | tail -n 40)
}

# Was there a whole search, and nothing found?
is_good() {
	grep -q 'errors: 0$' <<<"$1" && ! grep -qE 'Search not completed|max search depth' <<<"$1"
}

echo "1..${#models[@]}"
for model in "${models[@]}"; do
	count=$((count + 1))
	output=$(search "$model")
	if is_good "$output"; then
		echo "ok $count - $model: $(sed -n 's/^ *\([0-9]*\) states, stored$/\1/p' <<<"$output") states"
	else
		failed=1
		echo "not ok $count - $model"
		{
			echo "$output"
			steps "$model"
		} | sed 's/^/# /'
	fi
done
exit $failed
