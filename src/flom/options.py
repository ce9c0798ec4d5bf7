"""Every option of `flom`, as data: the one table behind parser, files, dump, help and man page.

The order is the one in which values are applied (cli.md 1, step 6), options that only show
something or steer the run come last. See `Option` for the columns.
"""

from flom.defaults import RESOURCE
from flom.option import Option

__all__ = ("OPTIONS", "Option")

OPTIONS = (
    Option(
        "t", "daemon-trace-file", "daemon_trace_file", "S", "text", None,
        "Trace", "DaemonTraceFile", 1, "FILE", "Trace",
        "file for the trace of a daemon started by this command",
    ),
    Option(
        "T", "command-trace-file", "command_trace_file", "S", "text", None,
        "Trace", "CommandTraceFile", 2, "FILE", "Trace",
        "file for the trace of this command, instead of standard error",
    ),
    Option(
        "V", "verbose", "verbose", "F", "boolean", False,
        "Trace", "Verbose", 4, "", "Information",
        "print the configuration and what happens",
    ),
    Option(
        "r", "resource-name", "resource_name", "S", "name", RESOURCE,
        "Resource", "Name", 5, "NAME", "Lock",
        "what to lock: simple A, numeric A[8], set A.B, hierarchical /a/b, sequence _s_A[8], "
        "transactional sequence _S_A[8], timestamp _t_%D.%T[8]; without it, one resource "
        "common to all who give no name",
    ),
    Option(
        "q", "resource-quantity", "resource_quantity", "I", "quantity", 1,
        "Resource", "Quantity", 7, "N", "Lock",
        "how much of a numeric resource to take",
    ),
    Option(
        "o", "resource-timeout", "resource_timeout", "I", "integer", -1,
        "Resource", "Timeout", 6, "MS", "Lock",
        "how long to wait for the lock: 0 = not at all, negative = for ever",
    ),
    Option(
        "l", "lock-mode", "lock_mode", "S", "mode", 5,
        "Resource", "LockMode", 8, "MODE", "Lock",
        "NL, CR, CW, PR, PW or EX (null, concurrent read, concurrent write, protected read, "
        "protected write, exclusive); simple and hierarchical resources only",
    ),
    Option(
        "e", "resource-create", "resource_create", "B", "boolean", True,
        "Resource", "Create", 9, "YES|NO", "Lock",
        "create the resource if nobody uses it yet; no = wait until somebody does "
        "(hierarchical: its root)",
    ),
    Option(
        "i", "resource-idle-lifespan", "resource_idle_lifespan", "I", "absolute", 0,
        "Resource", "IdleLifespan", 10, "MS", "Lock",
        "how long the resource outlives its last user (hierarchical: its root)",
    ),
    Option(
        "s", "socket-name", "socket_name", "S", "socket", None,
        "Daemon", "SocketName", 11, "PATH", "Daemon",
        "local socket of the daemon, at most 107 bytes; without -s, -a and -A: "
        "/tmp/flom-<login>",
    ),
    Option(
        "d", "daemon-lifespan", "daemon_lifespan", "I", "integer", 5000,
        "Daemon", "Lifespan", 12, "MS", "Daemon",
        "how long a daemon started by this command stays without work: 0 = never start one, "
        "negative = stay for ever",
    ),
    Option(
        "a", "unicast-address", "unicast_address", "S", "text", None,
        "Daemon", "UnicastAddress", 13, "HOST", "Daemon",
        "name or address of the daemon's host",
    ),
    Option(
        "p", "unicast-port", "unicast_port", "I", "port", 28015,
        "Daemon", "UnicastPort", 14, "PORT", "Daemon",
        "TCP port of the daemon",
    ),
    Option(
        "A", "multicast-address", "multicast_address", "S", "text", None,
        "Daemon", "MulticastAddress", 15, "GROUP", "Daemon",
        "multicast group in which the daemon is searched",
    ),
    Option(
        "P", "multicast-port", "multicast_port", "I", "port", 28015,
        "Daemon", "MulticastPort", 16, "PORT", "Daemon",
        "UDP port of the multicast group",
    ),
    Option(
        "m", "mount-point-vfs", "mount_point_vfs", "S", "directory", None,
        "Daemon", "MountPointVFS", 17, "DIR", "Daemon",
        "directory where a daemon started by this command shows its state as files",
    ),
    Option(
        "n", "network-interface", "network_interface", "S", "interface", None,
        "Network", "NetworkInterface", 19, "IF", "Network",
        "interface for link-local IPv6 addresses; only IPv6 is used then",
    ),
    Option(
        "D", "discovery-attempts", "discovery_attempts", "I", "positive", 2,
        "Network", "DiscoveryAttempts", 20, "N", "Network",
        "how often the multicast group is asked",
    ),
    Option(
        "I", "discovery-timeout", "discovery_timeout", "I", "absolute", 500,
        "Network", "DiscoveryTimeout", 21, "MS", "Network",
        "how long each attempt waits for a reply",
    ),
    Option(
        "", "discovery-ttl", "discovery_ttl", "I", "positive", 1,
        "Network", "DiscoveryTTL", 22, "N", "Network",
        "how many routers the question may pass",
    ),
    Option(
        "", "tcp-keepalive-time", "tcp_keepalive_time", "I", "seconds", 60,
        "Network", "TcpKeepaliveTime", 23, "S", "Network",
        "silence on a connection before it is probed",
    ),
    Option(
        "", "tcp-keepalive-intvl", "tcp_keepalive_intvl", "I", "seconds", 10,
        "Network", "TcpKeepaliveIntvl", 24, "S", "Network",
        "time between two probes",
    ),
    Option(
        "", "tcp-keepalive-probes", "tcp_keepalive_probes", "I", "probes", 6,
        "Network", "TcpKeepaliveProbes", 25, "N", "Network",
        "unanswered probes after which a connection is lost",
    ),
    Option(
        "", "ignore-signal", "ignored_signals", "L", "signals", (),
        "Monitor", "IgnoredSignals", 18, "SIGNAL", "Command",
        "signal that flom ignores while the command runs, by name or number; may be repeated",
    ),
    Option(
        "", "tls-certificate", "tls_certificate", "S", "file", None,
        "TLS", "TlsCertificate", 26, "FILE", "TLS",
        "certificate of this host, PEM",
    ),
    Option(
        "", "tls-private-key", "tls_private_key", "S", "file", None,
        "TLS", "TlsPrivateKey", 27, "FILE", "TLS",
        "its private key, PEM",
    ),
    Option(
        "", "tls-ca-certificate", "tls_ca_certificate", "S", "file", None,
        "TLS", "TlsCaCertificate", 28, "FILE", "TLS",
        "certificate authority of the peers, PEM; TLS is on when all three files are given",
    ),
    Option(
        "", "tls-check-peer-id", "tls_check_peer_id", "B", "boolean", False,
        "TLS", "TlsCheckPeerId", 29, "YES|NO", "TLS",
        "the peer's certificate must carry the unique id the peer sends",
    ),
    Option(
        "", "append-trace-file", "append_trace_file", "B", "boolean", False,
        "Trace", "AppendTraceFile", 3, "YES|NO", "Trace",
        "append to the trace files instead of emptying them",
    ),
    Option(
        "", "queue-patience", "queue_patience", "I", "integer", 60000,
        "Daemon", "QueuePatience", 30, "MS", "Daemon",
        "how long a waiter lets compatible newcomers pass, in a daemon started by this "
        "command: 0 = strictly in order, negative = for ever", True,
    ),
    Option(
        "", "socket-mode", "socket_mode", "S", "octal", None,
        "Daemon", "SocketMode", 31, "MODE", "Daemon",
        "permissions of the local socket, octal, set by a daemon started by this command; "
        "without it 0777 with -s and 0700 on the default socket", True,
    ),
    Option(
        "E", "conflict-exit-code", "conflict_exit_code", "I", "status", 98,
        "Resource", "ConflictExitCode", 32, "N", "Lock",
        "exit status when the lock is busy or the time of -o is over", True,
    ),
    Option(
        "", "anonymous", "anonymous", "F", "boolean", False,
        "Client", "Anonymous", 33, "", "Lock",
        "do not tell the daemon who asks: user, host, process and command", True,
    ),
    Option(
        "", "max-connections", "max_connections", "I", "limit", 20000,
        "Limits", "MaxConnections", 34, "N", "Daemon limits",
        "connections to the daemon", True,
    ),
    Option(
        "", "max-connections-per-peer", "max_connections_per_peer", "I", "limit", 15000,
        "Limits", "MaxConnectionsPerPeer", 35, "N", "Daemon limits",
        "those of one user over a local socket, or from one address", True,
    ),
    Option(
        "", "max-message-size", "max_message_size", "I", "message", 65536,
        "Limits", "MaxMessageSize", 36, "BYTES", "Daemon limits",
        "size of a message to the daemon", True,
    ),
    Option(
        "", "message-timeout", "message_timeout", "I", "limit", 10000,
        "Limits", "MessageTimeout", 37, "MS", "Daemon limits",
        "how long a message that has begun, or a TLS handshake, may take to be complete", True,
    ),
    Option(
        "", "first-message-timeout", "first_message_timeout", "I", "limit", 600000,
        "Limits", "FirstMessageTimeout", 38, "MS", "Daemon limits",
        "how long a connection may stay without its first message", True,
    ),
    Option(
        "", "max-queue", "max_queue", "I", "limit", 100000,
        "Limits", "MaxQueue", 39, "N", "Daemon limits",
        "holders and waiters of one resource", True,
    ),
    Option(
        "", "max-resources", "max_resources", "I", "limit", 100000,
        "Limits", "MaxResources", 40, "N", "Daemon limits",
        "resources that exist at the same time", True,
    ),
    Option(
        "", "max-unread", "max_unread", "I", "unread", 1048576,
        "Limits", "MaxUnread", 41, "BYTES", "Daemon limits",
        "answers that a connection has not read yet", True,
    ),
    Option(
        "", "store", "store_url", "S", "text", None,
        "Store", "Url", 42, "URL", "Store",
        "keep the locks in etcd instead of a daemon: etcd://HOST:PORT,HOST:PORT/PREFIX", True,
    ),
    Option(
        "", "store-session-ttl", "store_session_ttl", "I", "ttl", 15,
        "Store", "SessionTTL", 43, "S", "Store",
        "how long the store keeps the lock of a flom that has died or cannot reach it", True,
    ),
    Option(
        "", "store-user", "store_user", "S", "text", None,
        "Store", "User", 44, "NAME", "Store",
        "user of the store", True,
    ),
    Option(
        "", "", "store_password", "S", "secret", None,
        "Store", "Password", 45, "TEXT", "",
        "that user's password; in a file only, since everybody sees the words of a command", True,
    ),
    Option(
        "", "store-password-file", "store_password_file", "S", "file", None,
        "Store", "PasswordFile", 46, "FILE", "Store",
        "file with that user's password", True,
    ),
    Option(
        "", "store-ca-certificate", "store_ca", "S", "file", None,
        "Store", "CACertificate", 47, "FILE", "Store",
        "certificate authority of the store, PEM; turns TLS on", True,
    ),
    Option(
        "", "store-certificate", "store_certificate", "S", "file", None,
        "Store", "Certificate", 48, "FILE", "Store",
        "certificate to show to the store, PEM", True,
    ),
    Option(
        "", "store-private-key", "store_key", "S", "file", None,
        "Store", "PrivateKey", 49, "FILE", "Store",
        "its private key, PEM", True,
    ),
    Option(
        "", "on-lost", "on_lost", "S", "reaction", None,
        "Client", "OnLost", 50, "WORD", "Command",
        "what becomes of the command when the lock is lost while it runs: term, kill, stop or warn "
        "(default: term in a store, else it goes on)", True,
    ),
    Option(
        "", "kill-after", "kill_after", "I", "natural", 5000,
        "Client", "KillAfter", 51, "MS", "Command",
        "how long the command has after the SIGTERM of --on-lost term, before SIGKILL", True,
    ),
    Option(
        "", "kill-child", "kill_child", "F", "boolean", False,
        "", "", 0, "", "Command",
        "if flom dies, however it dies, kill the command with it (SIGKILL; not its own children, "
        "and not a set-user-ID program)", True,
    ),
    Option(
        "", "quiet", "quiet", "F", "boolean", False,
        "", "", 0, "", "Information",
        "no warnings, and nothing about a lock that is busy, late or absent (exit status 98 and "
        "96); other failures are still explained", True,
    ),
    Option(
        "", "progress", "progress", "F", "boolean", False,
        "", "", 0, "", "Information",
        "say on standard error, in plain lines, what a long wait is for; on a terminal one line "
        "tells it without this option, and with --quiet nothing does", True,
    ),
    Option(
        "", "check", "check_only", "F", "boolean", False,
        "", "", 0, "", "Information",
        "say what this command would do and whether it would work, and do nothing (exit status "
        "0 or 99)", True,
    ),
    Option(
        "c", "config-file", "config_file", "S", "text", None,
        "", "", 0, "FILE", "Information",
        "read this configuration file after /etc/flom.conf and ~/.flom",
    ),
    Option(
        "x", "quiesce-exit", "quiesce_exit", "F", "boolean", False,
        "", "", 0, "", "Daemon",
        "ask the daemon to end when nobody holds or waits any more",
    ),
    Option(
        "X", "immediate-exit", "immediate_exit", "F", "boolean", False,
        "", "", 0, "", "Daemon",
        "ask the daemon to end at once",
    ),
    Option(
        "", "debug-feature", "debug_feature", "S", "text", None,
        "", "", 0, "NAME", "Trace",
        "self-test of the network: ipv6.multicast.server, ipv6.multicast.client, tls.server, "
        "tls.client",
    ),
    Option(
        "h", "help", "help", "F", "show", False,
        "", "", 0, "", "Information",
        "print this help (also -?, --help-all)",
    ),
    Option(
        "v", "version", "version", "F", "show", False,
        "", "", 0, "", "Information",
        "print the version",
    ),
    Option(
        "", "signal-list", "signal-list", "F", "show", False,
        "", "", 0, "", "Information",
        "print the signals --ignore-signal knows",
    ),
    Option(
        "", "unique-id", "unique-id", "F", "show", False,
        "", "", 0, "", "Information",
        "print the unique id of this host",
    ),
)  # fmt: skip
