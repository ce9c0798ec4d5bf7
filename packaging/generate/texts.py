"""What the manual says beyond the option table, by long option name, key or number.

`tests/test_generated.py` sees to it that the keys are exactly those of the tables they belong to.
"""

# Paragraphs that follow the table's own explanation of an option; "" where that says it all.
OPTIONS: dict[str, str] = {
    "daemon-trace-file": "A relative name starts at `/`, where the daemon works.",
    "command-trace-file": "A relative name starts in the working directory.",
    "verbose": """
        Prints on standard output, before anything the command writes: every setting as
        `[Group]/Key=value`, and which element of a set, sequence or timestamp was locked.
        It cannot be switched off again where a file has `Verbose=yes`.
        """,
    "resource-name": """
        The name decides of which kind the resource is; see `RESOURCES`. It is compared
        byte by byte. The name `_RESOURCE` is reserved for those who give none.
        """,
    "resource-quantity": """
        More than the resource has can never be granted: exit status 99. 0 is as if the
        option were absent; a negative number is ignored, with a warning. With other kinds
        of resources it has no effect.
        """,
    "resource-timeout": """
        Greater than 0: wait at most that many milliseconds, starting a daemon and
        connecting included, then end with status 98. 0: end at once with status 98 if the
        lock is not free. Less than 0: wait for ever.
        """,
    "lock-mode": """
        The long names are accepted as well, and case does not matter; see `LOCK MODES`.
        Other kinds of resources always use `EX`.
        """,
    "resource-create": """
        With `no`, a run waits until somebody else uses the resource, for as long as
        `--resource-timeout` allows; with `--resource-timeout 0` it ends with status 96.
        For a hierarchical resource this is about its root: whoever uses any node creates
        it.
        """,
    "resource-idle-lifespan": """
        What is kept is the state of the resource: the next number of a sequence, the next
        element of a set, the time of the last timestamp. A resource without users is kept
        for this time and one second more, with 0 for two seconds. Who creates the
        resource decides; for a hierarchical resource this is about its root. A negative
        number counts as its absolute value.
        """,
    "socket-name": """
        A relative name starts in the working directory. Not together with
        `--unicast-address` or `--multicast-address`. Everybody who may write to the
        socket may take locks there; the default socket belongs to one user, and one that
        belongs to somebody else (root excepted) is not trusted.
        """,
    "daemon-lifespan": """
        Greater than 0: a daemon that this command starts ends after that many
        milliseconds without locks, waiters and connections. 0: use a daemon that is
        running, never start one; without one the status is 99. Less than 0: a daemon that
        this command starts stays until it is told to end, see `--quiesce-exit` and
        `--immediate-exit`.
        """,
    "unicast-address": """
        A name, an IPv4 or an IPv6 address; `%`*IF* after it has the effect of
        `--network-interface`. If nobody answers there and the address belongs to this
        host, a daemon is started. Several addresses of one name are tried in the
        resolver's order.
        """,
    "unicast-port": "1 to 65535.",
    "multicast-address": """
        A name or an address, IPv4 or IPv6; with `%`*IF* after it, that interface is used. Not
        together with `--socket-name`. With `--unicast-address` the daemon is not searched, but
        one that this command starts can be found in the group.

        If no daemon answers, one is started, unless `--daemon-lifespan` is 0: on a free port of
        every address of this host, found in the group.
        """,
    "multicast-port": "1 to 65535.",
    "mount-point-vfs": """
        It must exist. The files are there before the command runs and until the daemon ends;
        only the user of the daemon may read them. Needs FUSE and a Python library (`apt install
        fuse3`, `pip install 'pyflom[vfs]'`): without them a warning says so, and locks work all
        the same. A daemon that runs already is not concerned.
        """,
    "network-interface": """
        An interface without an IPv6 address, or one that does not exist, is refused. IPv4
        addresses cannot be reached with this option.
        """,
    "discovery-attempts": "0 counts as 1.",
    "discovery-timeout": "0 has the effect of 500.",
    "discovery-ttl": "0 counts as 1.",
    "tcp-keepalive-time": "In seconds, 1 to 32767.",
    "tcp-keepalive-intvl": "In seconds, 1 to 32767.",
    "tcp-keepalive-probes": "1 to 127.",
    "ignore-signal": """
        The command itself does not ignore it. Given once or more, the option replaces the
        list of the configuration files. Words that name no signal are skipped; `SIGKILL`
        and `SIGSTOP` only give a warning, and `SIGCHLD` is left out with one.
        """,
    "tls-certificate": """
        It may be followed by the authorities between it and the one that the peers know. A daemon
        reads the three files when it starts, and again when they have changed.
        """,
    "tls-private-key": "Without a passphrase.",
    "tls-ca-certificate": """
        With the three files every connection uses TLS, local sockets included, and each side must
        show a certificate. Command and daemon must agree. With one or two of them none does.
        """,
    "tls-check-peer-id": """
        The id is that of `--unique-id`, and the common name of the certificate must equal
        it. Each side decides for itself whether it checks the other. Needs the three files.
        """,
    "append-trace-file": "",
    "queue-patience": """
        A newcomer whose lock goes together with those held need not queue up behind
        waiters whose lock does not: readers join readers while a writer waits. After this
        time the waiter is passed no more.
        """,
    "max-connections": """
        Who is one too many is told so when it asks for a lock, and its connection is closed. This
        and the other limits are those of a daemon that this command starts.
        """,
    "max-connections-per-peer": "",
    "max-message-size": "At least 511. Who sends more loses its connection.",
    "message-timeout": "Who takes longer loses its connection.",
    "first-message-timeout": "Who says nothing for so long loses its connection.",
    "max-queue": "The request of who is one too many is refused.",
    "max-resources": "A request that would create one more is refused.",
    "max-unread": "At least 262144. Who leaves more unread loses its connection.",
    "conflict-exit-code": """
        From 0 to 255. It replaces 98, to tell a busy lock from a command that ends with 98.
        """,
    "anonymous": """
        A daemon that is asked for its state shows them to whoever may connect to it, of the
        command the first 120 characters. The command is told over local sockets and TLS only,
        with or without this option.
        """,
    "store": """
        etcd 3.4 or later, over its JSON gateway. The port may be left out, 2379, and so may the
        prefix, `flom`: all keys begin with it, and everybody who gives the same one locks the same
        resources. Options of the daemon, of discovery and of its TLS beside it are refused; those
        of files are not used.

        The last layer of settings that names a store or a daemon (`--socket-name`,
        `--unicast-address`, `--multicast-address`) decides.
        """,
    "store-session-ttl": """
        From 5 to 60 seconds. If the store is out of reach for nearly so long, the lock is lost, and
        the command is told before somebody else can get it. A short time frees the locks of dead
        hosts soon, a long one survives long interruptions.
        """,
    "store-user": "With a password, as etcd has it when its authentication is on.",
    "store-password-file": """
        It holds nothing else, and should be readable by its owner only. The password may also
        stand in a configuration file, as `[Store]/Password`.
        """,
    "store-ca-certificate": "The names in the URL must be those in the store's certificates.",
    "store-certificate": """
        For a store that wants one of its clients, with its private key. It turns TLS on as well;
        the user is not taken from it.
        """,
    "store-private-key": "Without a passphrase.",
    "on-lost": """
        When the daemon has gone, the connection to it is lost, or an operator has taken the lock
        away, somebody else may get the lock while the command runs.

        `term` sends the command SIGTERM, and SIGKILL if it still runs after `--kill-after`. `kill`
        sends SIGKILL at once. `stop` stops it by SIGSTOP, and says how to let it go on or end it.
        With these the status is 95. `warn` says at once what has happened, and the command goes on;
        the status is 99, in a store 95.

        Without this option it is `term` for a store, early enough that the command is dead before
        somebody else can get the lock. With a daemon the command goes on, and the loss is told at
        its end, status 99.

        Only the command itself is signalled, not what it has started. A `flom` that is stopped
        itself, or whose machine is, cannot act: FLOM_FENCING_TOKEN is for that.
        """,
    "kill-after": """
        0 leaves it no time. In a store at most a third of `--store-session-ttl` is given: a longer
        time would end commands because of short interruptions.
        """,
    "kill-child": "",
    "quiet": "",
    "progress": """
        Of a wait of more than two seconds; a line whenever the situation changes, and the same
        again at growing intervals. Who holds the lock, for how long, and the place in the queue
        are told by daemons of this kind; of another one only its address and the time are known.

        On a terminal, and in its foreground, the line is rewritten every two seconds and removed at
        the end of the wait.
        """,
    "check": """
        A line for each step, on standard output: the files that count, the daemon that would be
        used or started, the lock, the command.
        """,
    "socket-mode": "From `0000` to `0777`, for instance `0660`.",
    "config-file": """
        Settings come from these layers, each of which overrides the ones before it, key
        by key: the built-in values, `/etc/flom.conf`, `.flom` in the home directory, the
        file of `--config-file`, the command line.

        `/etc/flom.conf` and `.flom` may be absent; one that cannot be parsed is skipped
        with a warning. The file of `--config-file` must be readable and correct; if the
        option is given twice, the last file counts.

        `flom.conf(5)` tells how such a file is written.
        """,
    "quiesce-exit": """
        Locks that are held or waited for are served to their end. The command, if there
        is one, is not run, and no daemon is started. Status 0 if the daemon took the
        request, 99 if there is none.
        """,
    "immediate-exit": """
        Everybody who waits ends with status 99. Commands that run under a lock go on,
        without protection; their `flom` ends with status 99. Wins over `--quiesce-exit`.
        """,
    "debug-feature": "",
    "help": "",
    "version": "",
    "signal-list": "",
    "unique-id": """
        32 hexadecimal digits, the machine id of D-Bus or systemd. Status 99 if this host
        has none.
        """,
}

DEBUG_FEATURES = {
    "ipv6.multicast.server": "joins the group of `--multicast-address`, waits for one datagram and "
    "answers it",
    "ipv6.multicast.client": "asks the group of `--multicast-address` and waits for one answer",
    "tls.server": "waits for one TLS connection at `--unicast-address` and checks its peer",
    "tls.client": "connects to `--unicast-address` with TLS and checks its peer",
}

# For the sample file: keys whose built-in value cannot be written down.
EXAMPLES = {
    "DaemonTraceFile": "/var/log/flom-daemon.trace",
    "CommandTraceFile": "/tmp/flom-command.trace",
    "Name": "backup",
    "SocketName": "/run/flom/flom.sock",
    "SocketMode": "0660",
    "UnicastAddress": "lockhost.example.org",
    "MulticastAddress": "ff02::1234",
    "MountPointVFS": "/mnt/flom",
    "NetworkInterface": "eth0",
    "IgnoredSignals": "SIGTERM;SIGHUP",
    "OnLost": "term",
    "TlsCertificate": "/etc/flom/cert.pem",
    "TlsPrivateKey": "/etc/flom/key.pem",
    "TlsCaCertificate": "/etc/flom/ca.pem",
    "Url": "etcd://db1.example.org,db2.example.org,db3.example.org/flom",
    "User": "flom",
    "Password": "secret",
    "PasswordFile": "/etc/flom/store.password",
    "CACertificate": "/etc/flom/store-ca.pem",
    "Certificate": "/etc/flom/cert.pem",
    "PrivateKey": "/etc/flom/key.pem",
}

# By two-letter name: long name, meaning.
MODES = {
    "NL": ("NullLock", "null; uses the resource, excludes nobody and is excluded by nobody"),
    "CR": ("ConcurrentRead", "concurrent read; reads while others may write"),
    "CW": ("ConcurrentWrite", "concurrent write; writes while others may write"),
    "PR": ("ProtectedRead", "protected read; the usual shared lock, no writers"),
    "PW": ("ProtectedWrite", "protected write; one writer, concurrent readers"),
    "EX": ("Exclusive", "exclusive; nobody else"),
}

# Kind of resource, as flom.core.names calls it: what its names look like, what it is.
KIND_NAMES = {
    "simple": "`A`",
    "numeric": "`A[8]`",
    "set": "`A.B.C`",
    "hierarchical": "`/a/b/c`",
    "sequence": "`_s_A[8]` or `_S_A[8]`",
    "timestamp": "`_t_%Y%m%d.%T[8]`",
}
KINDS = {
    "simple": "a letter, then letters and digits: the plain lock, shared or exclusive by its mode",
    "numeric": "so many equal units, of which a run takes as many as `--resource-quantity` says",
    "set": "simple names joined by dots; each run gets one of them for itself, which is added to "
    "the command as its last argument",
    "hierarchical": "a path; a lock on a node concerns everything above and below it, not its "
    "neighbours. A level is any text without slash, backslash and line break",
    "sequence": "each run gets the next number, from 1, as the last argument of the command; at "
    "most so many runs at a time. With `_S_`, the number of a command that fails is given again",
    "timestamp": "each run gets the time as the last argument of the command, in the form of "
    "`strftime(3)`, and never the same time as another run; at most so many runs at a time. `#f` "
    "to `#ffffff` stand for a dot and that many digits of the second's fraction. The format must "
    "tell at least the hour",
}

# By word of `--on-lost`.
REACTIONS = {
    "term": "SIGTERM, and later SIGKILL",
    "kill": "SIGKILL",
    "stop": "SIGSTOP",
    "warn": "a warning",
}

# By constant of flom.errors.
EXIT_STATUS = {
    "EXIT_OK": "the command ended with 0; or the information was printed, or the daemon took the "
    "request to end",
    "EXIT_DEBUG_FAILED": "a debug feature failed",
    "EXIT_LOST": "the lock was lost while the command ran: in a store, or `--on-lost` has ended or "
    "stopped the command for it",
    "EXIT_CANNOT_WAIT": "the resource does not exist, `--resource-create no` does not let this run "
    "create it, and `--resource-timeout 0` does not let it wait",
    "EXIT_NOT_EXECUTED": "there is no command, or it cannot be executed",
    "EXIT_BUSY": "somebody else holds the lock and `--resource-timeout 0` does not wait; or the "
    "time of `--resource-timeout` is over. `--conflict-exit-code` chooses another value",
    "EXIT_FAILURE": "anything else: a bad option or setting, no daemon, a request that can never "
    "be satisfied, the daemon was lost before the lock was given back",
}

# By constant of flom.trace: what writes records under this bit.
TRACE_BITS = {
    "GENERIC": "main program",
    "CONFIG": "configuration",
    "EXEC": "start of the command",
    "CLIENT": "the client's side of the protocol",
    "DAEMON": "start of the daemon, its event loop",
    "CONNECTION": "connections",
    "PARSER": "parser",
    "MESSAGE": "messages",
    "LOCKER": "locks",
    "RESOURCE": "resources, common part",
    "SIMPLE": "simple resources",
    "NUMERIC": "numeric resources",
    "SET": "sets",
    "HIERARCHICAL": "hierarchical resources",
    "SEQUENCE": "sequences",
    "TIMESTAMP": "timestamps",
    "VFS": "virtual file system",
    "API": "client library",
    "DEBUG": "debug features",
    "TLS": "TLS",
    "TCP": "sockets",
}
