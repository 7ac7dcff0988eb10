#!/usr/bin/env bats
# What providers' customers run: a Debian system with databases, a web server, cron and somebody logged in by ssh, all at work. It is
# suspended and resumed, and none of them notices more than a pause.
load common

there() {
	ssh node2 "$@"
}

# Put packages of the node, with what they need, into CT 301: nodes reach no archive. Nothing here loads LLVM or perl.
install_from_node() {
	vzctl exec2 301 cat /var/lib/dpkg/status >"$BATS_FILE_TMPDIR/status"
	python3 - "$BATS_FILE_TMPDIR/status" "$@" >"$BATS_FILE_TMPDIR/files" <<-'END'
		import os, re, sys
		def packages(path):
		    found = {}
		    for stanza in open(path).read().split("\n\n"):
		        name = re.search(r"^Package: (.*)", stanza, re.M)
		        if name and "\nStatus: install ok installed" in stanza:
		            found[name[1]] = re.findall(r"^(?:Pre-)?Depends: (.*)", stanza, re.M)
		    return found
		here, there = packages("/var/lib/dpkg/status"), packages(sys.argv[1])
		wanted, todo = set(), sys.argv[2:]
		while todo:
		    name = todo.pop()
		    if name in wanted or name in there or re.match("libllvm|perl|libperl|postgresql-common", name):
		        continue
		    wanted.add(name)
		    for line in here[name]:
		        for choice in line.split(","):
		            names = [re.split("[ :(]", one.strip())[0] for one in choice.split("|")]
		            todo += [one for one in names if one in here][:1]
		for name in sorted(wanted):
		    for path in ("/var/lib/dpkg/info/%s.list" % name, "/var/lib/dpkg/info/%s:amd64.list" % name):
		        if os.path.exists(path):
		            print("\n".join(f for f in open(path).read().split("\n") if f not in ("", "/.") and os.path.lexists(f)))
	END
	tar -C / -c --no-recursion -T "$BATS_FILE_TMPDIR/files" 2>/dev/null | vzctl exec2 301 'tar -C / -x'
}

setup_file() {
	ip route replace 10.90.0.0/24 dev eth0
	there ip route replace 10.90.0.0/24 dev eth0
	vzctl --quiet create 301 --ostemplate debian-13-x86_64 --config vswap-1g --hostname shop --ipadd 10.90.0.20
	vzctl --quiet start 301 --wait
	vzctl exec2 301 'useradd -r -d /var/lib/redis redis; useradd -r -d /var/lib/postgresql postgres'
	install_from_node redis-server nginx-light postgresql-17
	tar -C / -c var/lib/postgresql etc/postgresql | vzctl exec2 301 'tar -C / -x && chown -R postgres: /var/lib/postgresql /etc/postgresql'
	vzctl exec2 301 'cat >/etc/systemd/system/postgresql.service' <<-'END'
		[Service]
		Type=notify
		User=postgres
		RuntimeDirectory=postgresql
		ExecStart=/usr/lib/postgresql/17/bin/postgres -D /var/lib/postgresql/17/main -c config_file=/etc/postgresql/17/main/postgresql.conf -c jit=off -c ssl=off -c listen_addresses=*
	END
	vzctl exec2 301 'ldconfig; systemctl daemon-reload
		mkdir -p /var/lib/redis /var/log/redis /var/lib/nginx /var/log/nginx; chown -R redis: /var/lib/redis /var/log/redis /etc/redis
		echo "bind 0.0.0.0
		protected-mode no" >>/etc/redis/redis.conf
		echo "host all all 0.0.0.0/0 trust" >>/etc/postgresql/17/main/pg_hba.conf
		ln -sf ../sites-available/default /etc/nginx/sites-enabled/; mkdir -p /var/www/html; echo open >/var/www/html/index.html
		echo "* * * * * root date >>/var/log/minutes" >/etc/cron.d/minutes
		ssh-keygen -q -A
		systemctl start redis-server nginx postgresql cron ssh
		mkdir -p -m 700 /root/.ssh; cat >>/root/.ssh/authorized_keys' </root/.ssh/id_ed25519.pub
	await 30 vzctl exec2 301 'runuser -u postgres -- psql -c "create role shop superuser login" -c "create table orders (n serial)" postgres'
}

teardown_file() {
	vzd_up || vzd_start
	vzctl --quiet stop 301 --fast || there vzctl --quiet stop 301 --fast
	vzctl --quiet destroy 301 || there vzctl --quiet destroy 301
}

teardown() {
	: >"$BATS_TEST_TMPDIR/stop"
	wait
}

# Customers at work until a file says stop, each over one connection: what each got of it, and its longest wait, in seconds. One that
# is cut off, or gets another answer than it must, fails.
customers() {
	python3 - "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/served" 2>&1 3>&- <<-'END' &
		import os, socket, subprocess, sys, threading, time
		HOST, here = "10.90.0.20", sys.argv[1]
		failed = []

		class Lines:
		    def __init__(self, port):
		        self.sock = socket.create_connection((HOST, port))
		        self.file = self.sock.makefile("rb")
		    def ask(self, text):
		        self.sock.sendall(text.encode())
		        return self.file.readline().decode().strip()

		def redis():
		    lines, n = Lines(6379), 0
		    lines.ask("SET visits 0\r\n")
		    while True:
		        n += 1
		        assert lines.ask("INCR visits\r\n") == ":%d" % n
		        yield

		def nginx():
		    lines = Lines(80)
		    while True:
		        assert "200 OK" in lines.ask("GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
		        size = 0
		        while line := lines.file.readline().strip():
		            if line.lower().startswith(b"content-length:"):
		                size = int(line.split()[1])
		        lines.file.read(size)
		        yield

		def talk(*command):
		    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
		    def ask(text):
		        child.stdin.write(text + "\n")
		        return child.stdout.readline().strip()
		    return ask

		def postgresql():
		    ask, n = talk("stdbuf", "-oL", "psql", "-qAtX", "-h", HOST, "-U", "shop", "postgres"), 0
		    first = int(ask("insert into orders default values returning n;"))
		    while True:
		        n += 1
		        assert int(ask("insert into orders default values returning n;")) == first + n
		        yield

		def ssh():
		    ask, n = talk("ssh", "-o", "StrictHostKeyChecking=no", "root@" + HOST, "cat"), 0
		    while True:
		        n += 1
		        assert ask(str(n)) == str(n)
		        yield

		def serve(customer):
		    served, longest = 0, 0
		    try:
		        at_work = customer()
		        next(at_work)
		        open(here + "/" + customer.__name__, "w").close()
		        while not os.path.exists(here + "/stop"):
		            begin = time.monotonic()
		            next(at_work)
		            served, longest = served + 1, max(longest, time.monotonic() - begin)
		            time.sleep(0.05)
		    except BaseException as e:
		        failed.append(customer)
		        print(customer.__name__, "failed:", repr(e))
		    print("%s: %d served, longest wait %.1f s" % (customer.__name__, served, longest))

		threads = [threading.Thread(target=serve, args=(c,), name=c.__name__, daemon=True) for c in (redis, nginx, postgresql, ssh)]
		for thread in threads:
		    thread.start()
		while not os.path.exists(here + "/stop"):
		    time.sleep(0.1)
		for thread in threads:
		    thread.join(10)
		    if thread.is_alive():
		        failed.append(thread)
		        print(thread.name, "still waits for an answer")
		sys.stdout.flush()
		os._exit(len(failed))
	END
	at_work=$!
	for who in redis nginx postgresql ssh; do
		await 60 test -e "$BATS_TEST_TMPDIR/$who" || served
	done
}

# They all got what they wanted.
served() {
	: >"$BATS_TEST_TMPDIR/stop"
	local status=0
	wait $at_work || status=$?
	sed 's/^/# /' "$BATS_TEST_TMPDIR/served" >&3
	[ $status -eq 0 ]
}

all_well() {
	"$@" vzctl exec2 301 'systemctl is-active redis-server nginx postgresql cron ssh'
	"$@" vzctl exec2 301 'systemctl is-system-running || { systemctl --failed --no-legend; false; }'
}

@test "suspend and resume" {
	customers
	for _ in 1 2; do
		vzctl --quiet suspend 301
		vzctl --quiet resume 301
		sleep 3
	done
	served
	all_well
}
