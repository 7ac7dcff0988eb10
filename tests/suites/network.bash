# shellcheck shell=bash
# What the suites of the network share: a network of the node's own with somebody in it, and questions to VEs.
load common

# wan0 is the node's uplink, in 192.0.2.0/24 and 2001:db8::/64; somebody is there, at .9, in a namespace of his own.
lan_up() {
	ip netns add lan
	ip link add wan0 type veth peer name eth0 netns lan
	ip addr add 192.0.2.1/24 dev wan0
	ip addr add 2001:db8::1/64 dev wan0 nodad
	ip link set wan0 up
	ip -n lan addr add 192.0.2.9/24 dev eth0
	ip -n lan addr add 2001:db8::9/64 dev eth0 nodad
	ip -n lan link set eth0 up
	ip -n lan link set lo up
}

lan_down() {
	ip link del wan0
	ip netns del lan
}

in_lan() {
	ip netns exec lan "$@"
}

# Who pings whom: pings WHO ADDRESS, WHO being node, lan or a CTID.
pings() {
	local ping=(ping -c 1 -W 3)
	case $1 in
	node) "${ping[@]}" "$2" ;;
	lan) in_lan "${ping[@]}" "$2" ;;
	*) vzctl exec2 "$1" "${ping[*]} $2" ;;
	esac >/dev/null
}

# A web server in a VE or the node that says its name: serve WHO PORT. It ends with the VE, or with serve_no_more.
serve() {
	local server="mkdir -p /tmp/www; echo $1 >/tmp/www/index.html; exec busybox httpd -f -h /tmp/www -p $2"
	case $1 in
	node) sh -c "$server" >/dev/null 2>&1 3>&- & ;;
	*) vzctl exec2 "$1" "$server" >/dev/null 2>&1 </dev/null 3>&- & ;;
	esac
	sleep 1
}

serve_no_more() {
	pkill -x httpd || pkill -f 'busybox httpd -f' || true
}

# What WHO hears at ADDRESS PORT[/PATH].
hears() {
	local url=http://$2:$3
	[[ $2 != *:* ]] || url=http://[$2]:$3
	case $1 in
	node) busybox wget -T 3 -qO- "$url" ;;
	lan) in_lan busybox wget -T 3 -qO- "$url" ;;
	*) vzctl exec2 "$1" "wget -T 3 -qO- $url" ;;
	esac
}

# Elements of a set or map of ours.
elements() {
	nft list set "$@" 2>/dev/null || nft list map "$@"
}

# vz.conf with other values, and vzd told of it: node_config KEY=VALUE…
node_config() {
	local pair
	cp -n /etc/vz/vz.conf "$BATS_FILE_TMPDIR/vz.conf"
	for pair; do
		sed -i "/^${pair%%=*}=/d" /etc/vz/vz.conf
		echo "${pair%%=*}=\"${pair#*=}\"" >>/etc/vz/vz.conf
	done
	kill -HUP "$(vzd_pid)"
	sleep 1
}

node_config_back() {
	[[ -e $BATS_FILE_TMPDIR/vz.conf ]] || return 0
	mv "$BATS_FILE_TMPDIR/vz.conf" /etc/vz/vz.conf
	kill -HUP "$(vzd_pid)"
	sleep 1
}
