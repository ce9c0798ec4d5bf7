# Made by scripts/generate; not to be edited.
# shellcheck shell=bash

# Sets words (as typed, up to the cursor) and cur; cut is what Readline would not have replaced.
__flom_words() {
    local line=$COMP_LINE rest word
    words=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        rest=${line#"${line%%[![:blank:]]*}"}
        if ((${#words[@]})) && [[ $rest == "$line" && $word ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done
    cur=${words[${#words[@]} - 1]}
    cut=${cur%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && cut=$cur
}

# The option that takes its value from the next word if $1 is a word of options, else nothing.
__flom_owner() {
    local letters
    case $1 in
        --daemon-trace-file | --command-trace-file | --resource-name | --resource-quantity | --resource-timeout | --lock-mode | --resource-create | --resource-idle-lifespan | --socket-name | --daemon-lifespan | --unicast-address | --unicast-port | --multicast-address | --multicast-port | --mount-point-vfs | --network-interface | --discovery-attempts | --discovery-timeout | --discovery-ttl | --tcp-keepalive-time | --tcp-keepalive-intvl | --tcp-keepalive-probes | --ignore-signal | --tls-certificate | --tls-private-key | --tls-ca-certificate | --tls-check-peer-id | --append-trace-file | --queue-patience | --socket-mode | --conflict-exit-code | --max-connections | --max-connections-per-peer | --max-message-size | --message-timeout | --first-message-timeout | --max-queue | --max-resources | --max-unread | --store | --store-session-ttl | --store-user | --store-password-file | --store-ca-certificate | --store-certificate | --store-private-key | --on-lost | --kill-after | --config-file | --debug-feature) printf '%s' "$1" ;;
        --*) ;;
        -?*)
            letters=${1//[!tTrqoleisdapAPmnDIEc]/}
            [[ $letters ]] && printf -- '-%s' "${letters:0:1}"
            ;;
    esac
}

# Completes $2 as a value of option $1.
__flom_value() {
    local names
    case $1 in
        -t | --daemon-trace-file | -T | --command-trace-file | -s | --socket-name | --tls-certificate | --tls-private-key | --tls-ca-certificate | --store-password-file | --store-ca-certificate | --store-certificate | --store-private-key | -c | --config-file)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$2")
            ;;
        -r | --resource-name | -q | --resource-quantity | -o | --resource-timeout | -i | --resource-idle-lifespan | -d | --daemon-lifespan | -p | --unicast-port | -A | --multicast-address | -P | --multicast-port | -D | --discovery-attempts | -I | --discovery-timeout | --discovery-ttl | --tcp-keepalive-time | --tcp-keepalive-intvl | --tcp-keepalive-probes | --queue-patience | -E | --conflict-exit-code | --max-connections | --max-connections-per-peer | --max-message-size | --message-timeout | --first-message-timeout | --max-queue | --max-resources | --max-unread | --store | --store-session-ttl | --store-user | --kill-after)
            compopt +o bashdefault +o default 2>/dev/null
            ;;
        -l | --lock-mode)
            mapfile -t COMPREPLY < <(compgen -W 'NL CR CW PR PW EX' -- "${2^^}")
            ;;
        -e | --resource-create | --tls-check-peer-id | --append-trace-file)
            mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$2")
            ;;
        -a | --unicast-address)
            mapfile -t COMPREPLY < <(compgen -A hostname -- "$2")
            ;;
        -m | --mount-point-vfs)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$2")
            ;;
        -n | --network-interface)
            names=$(cd /sys/class/net 2>/dev/null && echo *)
            mapfile -t COMPREPLY < <(compgen -W "$names" -- "$2")
            ;;
        --ignore-signal)
            mapfile -t COMPREPLY < <(compgen -W 'SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS' -- "$2")
            ;;
        --socket-mode)
            mapfile -t COMPREPLY < <(compgen -W '0600 0660 0666' -- "$2")
            ;;
        --on-lost)
            mapfile -t COMPREPLY < <(compgen -W 'term kill stop warn' -- "$2")
            ;;
        --debug-feature)
            mapfile -t COMPREPLY < <(compgen -W 'ipv6.multicast.server ipv6.multicast.client tls.server tls.client' -- "$2")
            ;;
        *) return 1 ;;
    esac
}

_flom() {
    local words cur cut owner='' at place
    __flom_words
    COMPREPLY=()
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        if [[ $owner ]]; then
            owner=''
        elif [[ ${words[at]} == -- ]]; then
            __flom_command $((at + 1))
            return
        elif [[ ${words[at]} == -?* ]]; then
            owner=$(__flom_owner "${words[at]}")
        elif [[ ! $place ]]; then
            place=$at
        fi
    done
    if [[ $owner ]]; then
        __flom_value "$owner" "$cur"
    elif [[ $cur == --*=* ]]; then
        __flom_value "${cur%%=*}" "${cur#*=}"
        if [[ $cut != *=* ]]; then
            COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
        fi
    elif [[ $cur == -* ]]; then
        # shellcheck disable=SC2207  # words without blanks
        COMPREPLY=($(compgen -W '-t --daemon-trace-file -T --command-trace-file -V --verbose -r --resource-name -q --resource-quantity -o --resource-timeout -l --lock-mode -e --resource-create -i --resource-idle-lifespan -s --socket-name -d --daemon-lifespan -a --unicast-address -p --unicast-port -A --multicast-address -P --multicast-port -m --mount-point-vfs -n --network-interface -D --discovery-attempts -I --discovery-timeout --discovery-ttl --tcp-keepalive-time --tcp-keepalive-intvl --tcp-keepalive-probes --ignore-signal --tls-certificate --tls-private-key --tls-ca-certificate --tls-check-peer-id --append-trace-file --queue-patience --socket-mode -E --conflict-exit-code --anonymous --max-connections --max-connections-per-peer --max-message-size --message-timeout --first-message-timeout --max-queue --max-resources --max-unread --store --store-session-ttl --store-user --store-password-file --store-ca-certificate --store-certificate --store-private-key --on-lost --kill-after --kill-child --quiet --progress --check -c --config-file -x --quiesce-exit -X --immediate-exit --debug-feature -h --help -? --help-all -v --version --signal-list --unique-id' -- "$cur"))
    else
        __flom_command "${place:-$((${#words[@]} - 1))}"
    fi
}

# Completes the command, which begins with word $1 of words, as the shell would without flom.
__flom_command() {
    local typed=$COMP_CWORD
    if (($1 == ${#words[@]} - 1)); then
        compopt -o filenames
        # shellcheck disable=SC2207  # as everywhere in completions
        COMPREPLY=($(compgen -c -- "$cur") $(compgen -d -- "$cur"))
    elif declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset $((typed - (${#words[@]} - 1 - $1)))
    elif declare -F _command_offset >/dev/null; then
        _command_offset $((typed - (${#words[@]} - 1 - $1)))
    fi
}

complete -o bashdefault -o default -F _flom flom
