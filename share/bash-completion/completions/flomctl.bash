# Made by scripts/generate; not to be edited.
# shellcheck shell=bash

# Sets words (as typed, up to the cursor) and cur; cut is what Readline would not have replaced.
__flomctl_words() {
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
__flomctl_owner() {
    local letters
    case $1 in
        --timeout | --socket-name | --unicast-address | --unicast-port | --multicast-address | --multicast-port | --network-interface | --discovery-attempts | --discovery-timeout | --discovery-ttl | --tcp-keepalive-time | --tcp-keepalive-intvl | --tcp-keepalive-probes | --tls-certificate | --tls-private-key | --tls-ca-certificate | --tls-check-peer-id | --store | --store-user | --store-password-file | --store-ca-certificate | --store-certificate | --store-private-key | --config-file | --resource-quantity | --lock-mode | --resource-create | --interval | --count | --holder | --resource-timeout | --resource-idle-lifespan | --daemon-lifespan | --conflict-exit-code | --store-session-ttl | --listen | --resources | --daemon-trace-file | --mount-point-vfs | --append-trace-file | --queue-patience | --socket-mode | --max-connections | --max-connections-per-peer | --max-message-size | --message-timeout | --first-message-timeout | --max-queue | --max-resources | --max-unread | --dir | --name | --days | --id) printf '%s' "$1" ;;
        --*) ;;
        -?*)
            letters=${1//[!osapAPnDIcqleoidEtm]/}
            [[ $letters ]] && printf -- '-%s' "${letters:0:1}"
            ;;
    esac
}

# Completes $2 as a value of option $1.
__flomctl_value() {
    local names
    case $1 in
        -o | --timeout | -p | --unicast-port | -A | --multicast-address | -P | --multicast-port | -D | --discovery-attempts | -I | --discovery-timeout | --discovery-ttl | --tcp-keepalive-time | --tcp-keepalive-intvl | --tcp-keepalive-probes | --store | --store-user | -c | --config-file | -q | --resource-quantity | --interval | --count | --holder | --resource-timeout | -i | --resource-idle-lifespan | -d | --daemon-lifespan | -E | --conflict-exit-code | --store-session-ttl | --listen | --resources | --queue-patience | --max-connections | --max-connections-per-peer | --max-message-size | --message-timeout | --first-message-timeout | --max-queue | --max-resources | --max-unread | --name | --days | --id)
            compopt +o bashdefault +o default 2>/dev/null
            ;;
        -s | --socket-name | --tls-certificate | --tls-private-key | --tls-ca-certificate | --store-password-file | --store-ca-certificate | --store-certificate | --store-private-key | -t | --daemon-trace-file)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$2")
            ;;
        -a | --unicast-address)
            mapfile -t COMPREPLY < <(compgen -A hostname -- "$2")
            ;;
        -n | --network-interface)
            names=$(cd /sys/class/net 2>/dev/null && echo *)
            mapfile -t COMPREPLY < <(compgen -W "$names" -- "$2")
            ;;
        --tls-check-peer-id | -e | --resource-create | --append-trace-file)
            mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$2")
            ;;
        -l | --lock-mode)
            mapfile -t COMPREPLY < <(compgen -W 'NL CR CW PR PW EX' -- "${2^^}")
            ;;
        -m | --mount-point-vfs | --dir)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$2")
            ;;
        --socket-mode)
            mapfile -t COMPREPLY < <(compgen -W '0600 0660 0666' -- "$2")
            ;;
        *) return 1 ;;
    esac
}

# What can stand after command $1 ("" before there is one): words, then options.
__flomctl_words_after() {
    case $1 in
        '') printf '%s' 'ls show explain top events release hold ping shutdown metrics completion daemon pki' ;;
        'completion') printf '%s' 'bash zsh fish' ;;
        'pki') printf '%s' 'init issue renew show verify' ;;
    esac
}

__flomctl_options_of() {
    local endpoint='-s --socket-name -a --unicast-address -p --unicast-port -A --multicast-address -P --multicast-port -n --network-interface -D --discovery-attempts -I --discovery-timeout --discovery-ttl --tcp-keepalive-time --tcp-keepalive-intvl --tcp-keepalive-probes --tls-certificate --tls-private-key --tls-ca-certificate --tls-check-peer-id --store --store-user --store-password-file --store-ca-certificate --store-certificate --store-private-key -c --config-file'
    case $1 in
        '') printf '%s ' '--json' "$endpoint" ;;
        'ls') printf '%s ' '-o --timeout --json' "$endpoint" ;;
        'show') printf '%s ' '-o --timeout --json' "$endpoint" ;;
        'explain') printf '%s ' '-o --timeout --json -q --resource-quantity -l --lock-mode -e --resource-create' "$endpoint" ;;
        'top') printf '%s ' '--interval --count -o --timeout --json' "$endpoint" ;;
        'events') printf '%s ' '--count -o --timeout --json' "$endpoint" ;;
        'release') printf '%s ' '--holder --force -o --timeout --json' "$endpoint" ;;
        'hold') printf '%s ' '--json -q --resource-quantity -o --resource-timeout -l --lock-mode -e --resource-create -i --resource-idle-lifespan -d --daemon-lifespan -E --conflict-exit-code --anonymous --store-session-ttl' "$endpoint" ;;
        'ping') printf '%s ' '-o --timeout --json' "$endpoint" ;;
        'shutdown') printf '%s ' '--quiesce -o --timeout --json' "$endpoint" ;;
        'metrics') printf '%s ' '--listen --resources -o --timeout --json' "$endpoint" ;;
        'completion') printf '%s ' '--json' ;;
        'daemon') printf '%s ' '-t --daemon-trace-file -s --socket-name -d --daemon-lifespan -a --unicast-address -p --unicast-port -A --multicast-address -P --multicast-port -m --mount-point-vfs -n --network-interface --tcp-keepalive-time --tcp-keepalive-intvl --tcp-keepalive-probes --tls-certificate --tls-private-key --tls-ca-certificate --tls-check-peer-id --append-trace-file --queue-patience --socket-mode --max-connections --max-connections-per-peer --max-message-size --message-timeout --first-message-timeout --max-queue --max-resources --max-unread -c --config-file -h --help -? --help-all' ;;
        'pki') printf '%s ' '' ;;
        'pki init') printf '%s ' '--dir --name --days' ;;
        'pki issue') printf '%s ' '--dir --id --name --days' ;;
        'pki renew') printf '%s ' '--dir --days --new-key' ;;
        'pki show') printf '%s ' '--dir --json' ;;
        'pki verify') printf '%s ' '--dir -c --config-file --tls-certificate --tls-private-key --tls-ca-certificate --id --json' ;;
    esac
}

_flomctl() {
    local words cur cut owner='' command='' at
    __flomctl_words
    COMPREPLY=()
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        if [[ $owner ]]; then
            owner=''
        elif [[ ${words[at]} == -?* ]]; then
            owner=$(__flomctl_owner "${words[at]}")
        elif [[ ! $command ]]; then
            command=${words[at]}
        elif [[ $command == pki ]]; then
            command="pki ${words[at]}"
        fi
    done
    if [[ $owner ]]; then
        __flomctl_value "$owner" "$cur"
    elif [[ $cur == --*=* ]]; then
        __flomctl_value "${cur%%=*}" "${cur#*=}"
        if [[ $cut != *=* ]]; then
            COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
        fi
    elif [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(__flomctl_options_of "$command")" -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(__flomctl_words_after "$command")" -- "$cur")
    fi
}

complete -F _flomctl flomctl
