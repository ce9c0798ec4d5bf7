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
        --daemon-trace-file | --socket-name | --daemon-lifespan | --unicast-address | --unicast-port | --multicast-address | --multicast-port | --mount-point-vfs | --network-interface | --tcp-keepalive-time | --tcp-keepalive-intvl | --tcp-keepalive-probes | --tls-certificate | --tls-private-key | --tls-ca-certificate | --tls-check-peer-id | --append-trace-file | --queue-patience | --socket-mode | --config-file) printf '%s' "$1" ;;
        --*) ;;
        -?*)
            letters=${1//[!tsdapAPmnc]/}
            [[ $letters ]] && printf -- '-%s' "${letters:0:1}"
            ;;
    esac
}

# Completes $2 as a value of option $1.
__flomctl_value() {
    local names
    case $1 in
        -t | --daemon-trace-file | -s | --socket-name | --tls-certificate | --tls-private-key | --tls-ca-certificate | -c | --config-file)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$2")
            ;;
        -d | --daemon-lifespan | -p | --unicast-port | -A | --multicast-address | -P | --multicast-port | --tcp-keepalive-time | --tcp-keepalive-intvl | --tcp-keepalive-probes | --queue-patience)
            compopt +o bashdefault +o default 2>/dev/null
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
        --tls-check-peer-id | --append-trace-file)
            mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$2")
            ;;
        --socket-mode)
            mapfile -t COMPREPLY < <(compgen -W '0600 0660 0666' -- "$2")
            ;;
        *) return 1 ;;
    esac
}

_flomctl() {
    local words cur cut owner='' at
    __flomctl_words
    COMPREPLY=()
    if ((${#words[@]} == 2)); then
        # shellcheck disable=SC2207  # words without blanks
        COMPREPLY=($(compgen -W 'daemon pki' -- "$cur"))
        return
    fi
    [[ ${words[1]} == daemon ]] || return
    for ((at = 2; at < ${#words[@]} - 1; at++)); do
        if [[ $owner ]]; then
            owner=''
        else
            owner=$(__flomctl_owner "${words[at]}")
        fi
    done
    if [[ $owner ]]; then
        __flomctl_value "$owner" "$cur"
    elif [[ $cur == --*=* ]]; then
        __flomctl_value "${cur%%=*}" "${cur#*=}"
        if [[ $cut != *=* ]]; then
            COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
        fi
    elif [[ $cur == -* || ! $cur ]]; then
        # shellcheck disable=SC2207  # words without blanks
        COMPREPLY=($(compgen -W '-t --daemon-trace-file -s --socket-name -d --daemon-lifespan -a --unicast-address -p --unicast-port -A --multicast-address -P --multicast-port -m --mount-point-vfs -n --network-interface --tcp-keepalive-time --tcp-keepalive-intvl --tcp-keepalive-probes --tls-certificate --tls-private-key --tls-ca-certificate --tls-check-peer-id --append-trace-file --queue-patience --socket-mode -c --config-file -h --help -? --help-all' -- "$cur"))
    fi
}

complete -F _flomctl flomctl
