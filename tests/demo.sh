#!/bin/bash
# The main job, shown: two VEs from nothing to gone. Runs in a node: `tests/node demo`.
set -euo pipefail

say() {
	printf '\n\033[1m# %s\033[0m\n' "$*"
}

run() {
	printf '\033[1m$ %s\033[0m\n' "$*"
	"$@"
}

say "The node: Debian $(cat /etc/debian_version), Linux $(uname -r). Its templates:"
run vzctl template list

say 'A VE from the embedded template: created, started, entered, limited, stopped, destroyed.'
run vzctl create 101 --ostemplate busybox --hostname first --name first
run vzctl set 101 --ram 64M --swap 0 --numproc 50 --diskspace 100M --save
run vzctl start 101
run vzctl exec first 'hostname; id; ps; grep MemTotal /proc/meminfo; df -h /'
say 'Its limits hold: a tmpfs of 80 MiB does not fit into 64 MiB of memory, 200 MiB not on 100 MiB of disk.'
run vzctl exec 101 'dd if=/dev/zero of=/run/big bs=1M count=80' || echo "(exit status $?)"
run vzctl exec 101 'dd if=/dev/zero of=/big bs=1M count=200; rm -f /big' || echo "(exit status $?)"
run vzlist

say 'A VE from the Debian 13 template, with systemd as its init.'
run vzctl create 102 --ostemplate debian-13-x86_64 --hostname debian --config vswap-512m
run vzctl set 102 --cpus 1 --save
run vzctl start 102 --wait
run vzctl exec 102 'systemctl is-system-running; cat /etc/debian_version; nproc; free -m; uptime' || true
run vzlist -o ctid,name,status,numproc,physpages,diskspace,hostname

say 'Addresses: both VEs are reached, and reach each other; nobody uses an address that is not his.'
run ip addr add 198.51.100.1/32 dev lo
run vzctl set 101 --ipadd 10.7.0.1 --ipadd fd07::1 --save
run vzctl set 102 --ipadd 10.7.0.2 --ipadd fd07::2 --rate 10000 --nameserver 10.7.0.1 --save
run ping -c 2 10.7.0.1
run vzctl exec 101 'ping -c 2 fd07::2; ip addr show venet0; ip route'
run vzctl exec 101 'ip addr add 10.7.0.99 dev venet0; ping -c 2 -W 1 -I 10.7.0.99 10.7.0.2' || echo "(exit status $?)"
run vzctl status --detail 101
run vzctl exec 102 'networkctl --no-pager list; cat /etc/resolv.conf'
say 'Their filter is nobody else'"'"'s to take away.'
run nft flush ruleset
run nft delete table inet openve || echo "(exit status $?)"
run vzctl set 101 --ipadd 10.7.0.2 || echo "(exit status $?)"
run vzlist -o ctid,status,ip,hostname

say 'Both are suspended: their processes are on disk, their memory is free. Then they go on where they were.'
run vzctl exec 101 '(while :; do date +%s >>/count; sleep 1; done) >/dev/null 2>&1 &'
sleep 2
run vzctl suspend 101
run vzctl suspend 102
run vzlist -a
run vzctl resume 101
run vzctl start 102
run vzctl exec 101 'wc -l </count'
run vzctl exec 102 'systemctl is-system-running; uptime' || true
run ping -c 2 10.7.0.1

say 'vzd is killed: no VE notices, and the next vzd knows them.'
pid=$(pidof -s vzd)
run kill -9 "$pid"
sleep 2
(vzd >>/var/log/vzd.log 2>&1 &)
for _ in {1..100}; do
	vzctl status 101 >/dev/null 2>&1 && break
	sleep 0.1
done
run vzlist
run vzctl exec 101 'wc -l </count'

say 'The end of both.'
run vzctl stop 102
run vzctl stop 101 --fast
run vzctl destroy 101
run vzctl destroy 102
run vzlist -a
