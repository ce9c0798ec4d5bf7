# Made by scripts/generate; not to be edited.

function __flom_interfaces
    for folder in /sys/class/net/*
        string replace -r '.*/' '' $folder
    end
end

# Prints the words of the command, the one being typed last; fails while there are only options.
function __flom_command
    set -l words (commandline -opc)
    set -e words[1]
    set -l value no
    set -l current (commandline -ct)
    while set -q words[1]
        if test $value = yes
            set value no
        else if test "$words[1]" = --
            set -e words[1]
            string join0 -- $words "$current"
            return 0
        else if string match -qr -- '^(--daemon-trace-file|--command-trace-file|--resource-name|--resource-quantity|--resource-timeout|--lock-mode|--resource-create|--resource-idle-lifespan|--socket-name|--daemon-lifespan|--unicast-address|--unicast-port|--multicast-address|--multicast-port|--mount-point-vfs|--network-interface|--discovery-attempts|--discovery-timeout|--discovery-ttl|--tcp-keepalive-time|--tcp-keepalive-intvl|--tcp-keepalive-probes|--ignore-signal|--tls-certificate|--tls-private-key|--tls-ca-certificate|--tls-check-peer-id|--append-trace-file|--queue-patience|--socket-mode|--conflict-exit-code|--max-connections|--max-connections-per-peer|--max-message-size|--message-timeout|--first-message-timeout|--max-queue|--max-resources|--max-unread|--store|--store-session-ttl|--store-user|--store-password-file|--store-ca-certificate|--store-certificate|--store-private-key|--on-lost|--kill-after|--config-file|--debug-feature)$' $words[1]
            set value yes
        else if string match -qr -- '^-[^-]*[tTrqoleisdapAPmnDIEc]' $words[1]
            set value yes
        else if not string match -qr -- '^-.' $words[1]
            # Without `--`, options belong to flom even behind the command.
            contains -- -- $words; or not string match -q -- '-*' $current; or return 1
            string join0 -- $words "$current"
            return 0
        end
        set -e words[1]
    end
    test $value = no; and not string match -q -- '-*' $current; or return 1
    string join0 -- "$current"
    return 0
end

function __flom_options
    not __flom_command >/dev/null
end

function __flom_complete_command
    __fish_complete_subcommand --commandline (__flom_command | string split0)
end

complete -c flom -n __flom_command -xa '(__flom_complete_command)'
complete -c flom -n __flom_options -s t -l daemon-trace-file -rF -d 'file for the trace of a daemon started by this command'
complete -c flom -n __flom_options -s T -l command-trace-file -rF -d 'file for the trace of this command, instead of standard error'
complete -c flom -n __flom_options -s V -l verbose -d 'print the configuration and what happens'
complete -c flom -n __flom_options -s r -l resource-name -x -d 'what to lock'
complete -c flom -n __flom_options -s q -l resource-quantity -x -d 'how much of a numeric resource to take'
complete -c flom -n __flom_options -s o -l resource-timeout -x -d 'how long to wait for the lock'
complete -c flom -n __flom_options -s l -l lock-mode -xa "NL\tnull CR\tconcurrent\ read CW\tconcurrent\ write PR\tprotected\ read PW\tprotected\ write EX\texclusive" -d 'NL, CR, CW, PR, PW or EX'
complete -c flom -n __flom_options -s e -l resource-create -xa "yes no" -d 'create the resource if nobody uses it yet'
complete -c flom -n __flom_options -s i -l resource-idle-lifespan -x -d 'how long the resource outlives its last user'
complete -c flom -n __flom_options -s s -l socket-name -rF -d 'local socket of the daemon, at most 107 bytes'
complete -c flom -n __flom_options -s d -l daemon-lifespan -x -d 'how long a daemon started by this command stays without work'
complete -c flom -n __flom_options -s a -l unicast-address -xa '(__fish_print_hostnames)' -d 'name or address of the daemon\'s host'
complete -c flom -n __flom_options -s p -l unicast-port -x -d 'TCP port of the daemon'
complete -c flom -n __flom_options -s A -l multicast-address -x -d 'multicast group in which the daemon is searched'
complete -c flom -n __flom_options -s P -l multicast-port -x -d 'UDP port of the multicast group'
complete -c flom -n __flom_options -s m -l mount-point-vfs -xa '(__fish_complete_directories)' -d 'directory where a daemon started by this command shows its state as files'
complete -c flom -n __flom_options -s n -l network-interface -xa '(__flom_interfaces)' -d 'interface for link-local IPv6 addresses'
complete -c flom -n __flom_options -s D -l discovery-attempts -x -d 'how often the multicast group is asked'
complete -c flom -n __flom_options -s I -l discovery-timeout -x -d 'how long each attempt waits for a reply'
complete -c flom -n __flom_options -l discovery-ttl -x -d 'how many routers the question may pass'
complete -c flom -n __flom_options -l tcp-keepalive-time -x -d 'silence on a connection before it is probed'
complete -c flom -n __flom_options -l tcp-keepalive-intvl -x -d 'time between two probes'
complete -c flom -n __flom_options -l tcp-keepalive-probes -x -d 'unanswered probes after which a connection is lost'
complete -c flom -n __flom_options -l ignore-signal -xa "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS" -d 'signal that flom ignores while the command runs'
complete -c flom -n __flom_options -l tls-certificate -rF -d 'certificate of this host, PEM'
complete -c flom -n __flom_options -l tls-private-key -rF -d 'its private key, PEM'
complete -c flom -n __flom_options -l tls-ca-certificate -rF -d 'certificate authority of the peers, PEM'
complete -c flom -n __flom_options -l tls-check-peer-id -xa "yes no" -d 'the peer\'s certificate must carry the unique id the peer sends'
complete -c flom -n __flom_options -l append-trace-file -xa "yes no" -d 'append to the trace files instead of emptying them'
complete -c flom -n __flom_options -l queue-patience -x -d 'how long a waiter lets compatible newcomers pass'
complete -c flom -n __flom_options -l socket-mode -xa "0600\tthe\ owner 0660\towner\ and\ group 0666\teverybody" -d 'permissions of the local socket, octal, set by a daemon started by this command'
complete -c flom -n __flom_options -s E -l conflict-exit-code -x -d 'exit status when the lock is busy or the time of -o is over'
complete -c flom -n __flom_options -l anonymous -d 'do not tell the daemon who asks'
complete -c flom -n __flom_options -l max-connections -x -d 'connections to the daemon'
complete -c flom -n __flom_options -l max-connections-per-peer -x -d 'those of one user over a local socket, or from one address'
complete -c flom -n __flom_options -l max-message-size -x -d 'size of a message to the daemon'
complete -c flom -n __flom_options -l message-timeout -x -d 'how long a message that has begun, or a TLS handshake, may take to be complete'
complete -c flom -n __flom_options -l first-message-timeout -x -d 'how long a connection may stay without its first message'
complete -c flom -n __flom_options -l max-queue -x -d 'holders and waiters of one resource'
complete -c flom -n __flom_options -l max-resources -x -d 'resources that exist at the same time'
complete -c flom -n __flom_options -l max-unread -x -d 'answers that a connection has not read yet'
complete -c flom -n __flom_options -l store -x -d 'keep the locks in etcd instead of a daemon'
complete -c flom -n __flom_options -l store-session-ttl -x -d 'how long the store keeps the lock of a flom that has died or cannot reach it'
complete -c flom -n __flom_options -l store-user -x -d 'user of the store'
complete -c flom -n __flom_options -l store-password-file -rF -d 'file with that user\'s password'
complete -c flom -n __flom_options -l store-ca-certificate -rF -d 'certificate authority of the store, PEM'
complete -c flom -n __flom_options -l store-certificate -rF -d 'certificate to show to the store, PEM'
complete -c flom -n __flom_options -l store-private-key -rF -d 'its private key, PEM'
complete -c flom -n __flom_options -l on-lost -xa "term\tSIGTERM,\ and\ later\ SIGKILL kill\tSIGKILL stop\tSIGSTOP warn\ta\ warning" -d 'what becomes of the command when the lock is lost while it runs'
complete -c flom -n __flom_options -l kill-after -x -d 'how long the command has after the SIGTERM of --on-lost term, before SIGKILL'
complete -c flom -n __flom_options -l kill-child -d 'if flom dies, however it dies, kill the command with it'
complete -c flom -n __flom_options -l quiet -d 'no warnings, and nothing about a lock that is busy, late or absent'
complete -c flom -n __flom_options -l progress -d 'say on standard error, in plain lines, what a long wait is for'
complete -c flom -n __flom_options -l check -d 'say what this command would do and whether it would work, and do nothing'
complete -c flom -n __flom_options -s c -l config-file -rF -d 'read this configuration file after /etc/flom.conf and ~/.flom'
complete -c flom -n __flom_options -s x -l quiesce-exit -d 'ask the daemon to end when nobody holds or waits any more'
complete -c flom -n __flom_options -s X -l immediate-exit -d 'ask the daemon to end at once'
complete -c flom -n __flom_options -l debug-feature -xa "ipv6.multicast.server ipv6.multicast.client tls.server tls.client" -d 'self-test of the network'
complete -c flom -n __flom_options -s h -l help -d 'print this help'
complete -c flom -n __flom_options -s v -l version -d 'print the version'
complete -c flom -n __flom_options -l signal-list -d 'print the signals --ignore-signal knows'
complete -c flom -n __flom_options -l unique-id -d 'print the unique id of this host'
