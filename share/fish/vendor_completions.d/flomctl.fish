# Made by scripts/generate; not to be edited.

function __flom_interfaces
    for folder in /sys/class/net/*
        string replace -r '.*/' '' $folder
    end
end

complete -c flomctl -f
complete -c flomctl -n '__fish_is_nth_token 1' -xa daemon -d 'run the lock daemon in the foreground'
complete -c flomctl -n '__fish_is_nth_token 1' -xa pki -d 'make and check certificates for TLS: init'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s t -l daemon-trace-file -rF -d 'file for the trace of a daemon started by this command'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s s -l socket-name -rF -d 'local socket of the daemon, at most 107 bytes'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s d -l daemon-lifespan -x -d 'how long a daemon started by this command stays without work'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s a -l unicast-address -xa '(__fish_print_hostnames)' -d 'name or address of the daemon\'s host'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s p -l unicast-port -x -d 'TCP port of the daemon'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s A -l multicast-address -x -d 'multicast group in which the daemon is searched'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s P -l multicast-port -x -d 'UDP port of the multicast group'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s m -l mount-point-vfs -xa '(__fish_complete_directories)' -d 'directory where a daemon started by this command shows its state as files'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s n -l network-interface -xa '(__flom_interfaces)' -d 'interface for link-local IPv6 addresses'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l tcp-keepalive-time -x -d 'silence on a connection before it is probed'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l tcp-keepalive-intvl -x -d 'time between two probes'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l tcp-keepalive-probes -x -d 'unanswered probes after which a connection is lost'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l tls-certificate -rF -d 'certificate of this host, PEM'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l tls-private-key -rF -d 'its private key, PEM'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l tls-ca-certificate -rF -d 'certificate authority of the peers, PEM'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l tls-check-peer-id -xa "yes no" -d 'the peer\'s certificate must carry the unique id the peer sends'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l append-trace-file -xa "yes no" -d 'append to the trace files instead of emptying them'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l queue-patience -x -d 'how long a waiter lets compatible newcomers pass'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -l socket-mode -xa "0600\tthe\ owner 0660\towner\ and\ group 0666\teverybody" -d 'permissions of the local socket, octal, set by a daemon started by this command'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s c -l config-file -rF -d 'read this configuration file after /etc/flom.conf and ~/.flom'
complete -c flomctl -n '__fish_seen_subcommand_from daemon' -s h -l help -d 'print this help'
