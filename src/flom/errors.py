"""Return codes, exit statuses and exceptions: the one table of everything that can go wrong.

The numbers are an interface (cli.md 10 and 17): scripts look for `ret_cod=N` on stderr.
"""

# Exit statuses of the command (cli.md 10).
EXIT_OK = 0
EXIT_DEBUG_FAILED = 1
EXIT_LOST = 95
EXIT_CANNOT_WAIT = 96
EXIT_NOT_EXECUTED = 97
EXIT_BUSY = 98
EXIT_FAILURE = 99

# Return codes: positive = a condition, negative = an error (cli.md 17).
RC_INACTIVE_FEATURE = 13
RC_RESOURCE_IS_NOT_TRANSACTIONAL = 12
RC_API_IMMUTABLE_HANDLE = 11
RC_ELEMENT_NAME_NOT_AVAILABLE = 10
RC_NETWORK_TIMEOUT = 9
RC_CONNECTION_CLOSED = 8
RC_CONNECTION_REFUSED = 7
RC_LOCK_IMPOSSIBLE = 6
RC_LOCK_CANT_WAIT = 5
RC_LOCK_BUSY = 4
RC_LOCK_CANT_LOCK = 3
RC_LOCK_WAIT_RESOURCE = 2
RC_LOCK_ENQUEUED = 1
RC_OK = 0
RC_INTERNAL_ERROR = -1
RC_DAEMON_NOT_STARTED = -2
RC_NETWORK_EVENT_ERROR = -3
RC_NULL_OBJECT = -4
RC_INVALID_OPTION = -5
RC_OBJ_CORRUPTED = -6
RC_OUT_OF_RANGE = -7
RC_INVALID_PREFIX_SIZE = -8
RC_BUFFER_OVERFLOW = -9
RC_INVALID_MSG_LENGTH = -10
RC_INVALID_PROPERTY_VALUE = -11
RC_CONTAINER_FULL = -12
RC_PROTOCOL_ERROR = -13
RC_INVALID_RESOURCE_NAME = -14
RC_PROTOCOL_LEVEL_MISMATCH = -15
RC_MSG_DESERIALIZE_ERROR = -16
RC_API_INVALID_SEQUENCE = -17
RC_INVALID_AI_FAMILY_ERROR = -18
RC_INVALID_IP_ADDRESS = -19
RC_INVALID_IPV6_NETWORK_INTERFACE = -20
RC_NEW_OBJ = -21
RC_NO_CERTIFICATE = -22
RC_UNIQUE_ID_DOES_NOT_MATCH = -23
RC_NO_TLS_CONNECTION = -24
RC_INVALID_TIMESTAMP_FORMAT = -25
RC_RESOURCE_INIT_ERROR = -26
RC_CONNECTION_CLOSED_BY_SERVER = -27
RC_OBJ_NOT_FOUND_ERROR = -28
RC_ACCEPT_ERROR = -100
RC_BIND_ERROR = -101
RC_CHDIR_ERROR = -102
RC_CLOSE_ERROR = -103
RC_CLOSEDIR_ERROR = -104
RC_CONNECT_ERROR = -105
RC_EXECVP_ERROR = -106
RC_FCNTL_ERROR = -107
RC_FLOCK_ERROR = -108
RC_FORK_ERROR = -109
RC_GETADDRINFO_ERROR = -110
RC_GETIFADDRS_ERROR = -111
RC_GETNAMEINFO_ERROR = -112
RC_GETSOCKNAME_ERROR = -113
RC_GETSOCKOPT_ERROR = -114
RC_GETTIMEOFDAY_ERROR = -115
RC_INET_NTOP_ERROR = -116
RC_LISTEN_ERROR = -117
RC_LOCALTIME_R_ERROR = -118
RC_MALLOC_ERROR = -119
RC_OPEN_ERROR = -120
RC_OPENDIR_ERROR = -121
RC_PIPE_ERROR = -122
RC_POLL_ERROR = -123
RC_READ_ERROR = -124
RC_REALPATH_ERROR = -125
RC_RECV_ERROR = -126
RC_RECVFROM_ERROR = -127
RC_REGCOMP_ERROR = -128
RC_REGEXEC_ERROR = -129
RC_SEND_ERROR = -130
RC_SENDTO_ERROR = -131
RC_SETSID_ERROR = -132
RC_SETSOCKOPT_ERROR = -133
RC_SIGACTION_ERROR = -134
RC_SIGADDSET_ERROR = -135
RC_SIGEMPTYSET_ERROR = -136
RC_SIGNAL_ERROR = -137
RC_SIGPROCMASK_ERROR = -138
RC_SOCKET_ERROR = -139
RC_SNPRINTF_ERROR = -140
RC_UNLINK_ERROR = -141
RC_WAIT_ERROR = -142
RC_WRITE_ERROR = -143
RC_G_ARRAY_NEW_ERROR = -200
RC_G_BASE64_DECODE_ERROR = -201
RC_G_BASE64_ENCODE_ERROR = -202
RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR = -203
RC_G_KEY_FILE_NEW_ERROR = -204
RC_G_MARKUP_PARSE_CONTEXT_NEW_ERROR = -205
RC_G_MARKUP_PARSE_CONTEXT_PARSE_ERROR = -206
RC_G_NODE_APPEND_DATA_ERROR = -207
RC_G_NODE_NEW_ERROR = -208
RC_G_NODE_PREPEND_DATA_ERROR = -209
RC_G_PTR_ARRAY_REMOVE_INDEX_FAST_ERROR = -210
RC_G_QUEUE_NEW_ERROR = -211
RC_G_STRDUP_ERROR = -212
RC_G_STRNDUP_ERROR = -213
RC_G_STRSPLIT_ERROR = -214
RC_G_THREAD_NEW_ERROR = -215
RC_G_TRY_MALLOC_ERROR = -216
RC_G_TRY_REALLOC_ERROR = -217
RC_GET_FIELD_ID_ERROR = -300
RC_GET_OBJECT_CLASS_ERROR = -301
RC_NEW_DIRECT_BYTE_BUFFER_ERROR = -302
RC_SSL_CTX_CHECK_PRIVATE_KEY_ERROR = -400
RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR = -401
RC_SSL_CTX_NEW_ERROR = -402
RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR = -403
RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR = -404
RC_SSL_ACCEPT_ERROR = -405
RC_SSL_CONNECT_ERROR = -406
RC_SSL_GET_VERIFY_RESULT_ERROR = -407
RC_SSL_NEW_ERROR = -408
RC_SSL_READ_ERROR = -409
RC_SSL_SET_EX_DATA_ERROR = -410
RC_SSL_SET_FD_ERROR = -411
RC_SSL_WRITE_ERROR = -412
RC_TLS_NO_VALID_METHOD = -413

# Codes of our own, which the reference does not have: only peers that have announced our
# extension see them (docs/reference/extension.md).
OWN_RC_LOCK_TAKEN = -601
OWN_RC_NOT_ALLOWED = -602
OWN_RC_UNKNOWN_QUESTION = -603
OWN_RC_NO_STATE = -604
OWN_RC_ACCESS_DENIED = -605
OWN_RC_LOCK_NESTED = -606
OWN_RC_LIMIT_REACHED = -607

# The exit statuses of a command that could not lock; any other code is EXIT_FAILURE.
NOT_LOCKED = {
    RC_LOCK_BUSY: EXIT_BUSY,
    RC_NETWORK_TIMEOUT: EXIT_BUSY,
    RC_LOCK_CANT_WAIT: EXIT_CANNOT_WAIT,
}

# One line a code: number, blank, what people read. One text, so that loading it costs nothing;
# it is taken apart when somebody asks.
_DESCRIPTIONS = """\
13 this feature is not built in
12 the resource knows no rollback
11 the handle cannot be changed in this state
10 the lock has no element name
9 the time allowed is over
8 the connection has been closed
7 the connection has been refused
6 the request can never be satisfied
5 the resource does not exist and the requester does not wait
4 somebody else holds the resource
3 the resource cannot be locked
2 waiting until somebody creates the resource
1 waiting in the queue of the resource
0 done
-1 internal error
-2 the daemon did not start
-3 an unexpected event on the network
-4 something required is missing
-5 an option or a setting is not valid
-6 the object is damaged
-7 a value is out of range
-8 the size before a message is not valid
-9 something is too long for its place
-10 the length of a message is not valid
-11 a property has a value that is not valid
-12 the message would be too long
-13 the peer broke the protocol
-14 the resource name is not valid
-15 the peer speaks another level of the protocol
-16 a message cannot be understood
-17 this call is not allowed now
-18 an address of an unknown family
-19 not a valid IP address
-20 not a network interface with an IPv6 address
-21 an object could not be made
-22 the peer shows no certificate
-23 the peer's unique id is not the one in its certificate
-24 the connection does not use TLS
-25 the format of the timestamp is not valid
-26 the resource could not be set up
-27 the daemon has closed the connection
-28 not found
-100 a connection could not be accepted
-101 the address could not be bound
-102 the directory could not be changed
-103 a descriptor could not be closed
-104 a directory could not be closed
-105 no connection to a daemon
-106 the program could not be executed
-107 a descriptor could not be adjusted
-108 the lock file could not be locked
-109 no new process could be made
-110 the name or address could not be resolved
-111 the network interfaces could not be listed
-112 an address has no name
-113 the own address of a connection is unknown
-114 a socket option could not be read
-115 the time of day is unknown
-116 an address could not be written as text
-117 the socket cannot listen
-118 the local time is unknown
-119 out of memory
-120 a file could not be opened
-121 a directory could not be opened
-122 no pipe could be made
-123 waiting for events failed
-124 reading failed
-125 a path does not lead to anything
-126 the connection broke while waiting for an answer
-127 receiving a datagram failed
-128 a pattern could not be compiled
-129 a pattern could not be matched
-130 the connection broke while sending
-131 sending a datagram failed
-132 no new session could be made
-133 a socket option has been refused
-134 a signal's action could not be set
-135 a signal could not be added to a set
-136 a set of signals could not be made
-137 a signal's handling could not be set
-138 the blocked signals could not be changed
-139 no socket could be made
-140 a text could not be formatted
-141 a file could not be removed
-142 waiting for a process failed
-143 writing failed
-200 no room for a list
-201 text in base64 could not be decoded
-202 data could not be encoded in base64
-203 a configuration file could not be read
-204 no room for a configuration file
-205 the message parser could not be made
-206 the message parser failed
-207 a tree node could not be appended
-208 a tree node could not be made
-209 a tree node could not be put first
-210 a list item could not be removed
-211 a queue could not be made
-212 a text could not be copied
-213 a part of a text could not be copied
-214 a text could not be split
-215 no new thread could be made
-216 out of memory
-217 out of memory while growing
-300 a field of the Java object is unknown
-301 the class of the Java object is unknown
-302 no Java buffer could be made
-400 the private key does not belong to the certificate
-401 the certificate authority cannot be used
-402 TLS could not be set up
-403 the certificate cannot be used
-404 the private key cannot be used
-405 the TLS handshake with a client failed
-406 the TLS handshake with the daemon failed
-407 the peer's certificate could not be verified
-408 no TLS connection could be made
-409 reading over TLS failed
-410 data could not be attached to the TLS connection
-411 the TLS connection could not take the socket
-412 writing over TLS failed
-413 no common version of TLS
-601 an operator has taken the lock away
-602 this is not allowed over this connection
-603 the daemon does not know this question
-604 the daemon does not tell its state
-605 the daemon's rules of access do not allow this
-606 the request runs within a lock that it would wait for
-607 the daemon has reached one of its limits
"""


def describe(rc: int) -> str:
    """What return code `rc` means, in a few words that fit into parentheses."""
    for line in _DESCRIPTIONS.splitlines():
        number, _, words = line.partition(" ")
        if number == str(rc):
            return words
    return "unknown code"


def symbols() -> dict[str, int]:
    """Every return code by its name without prefix: `LOCK_BUSY` -> 4 (cli.md 17)."""
    return {name[3:]: value for name, value in globals().items() if name.startswith("RC_")}


def own_symbols() -> dict[str, int]:
    """The codes the reference does not have, likewise: `LOCK_TAKEN` -> -601."""
    return {name[7:]: value for name, value in globals().items() if name.startswith("OWN_RC_")}


def symbol(rc: int) -> str:
    """The name of a return code without prefix, "" for a number that is none."""
    known = {**symbols(), **own_symbols()}
    return next((name for name, value in known.items() if value == rc), "")


class FlomError(Exception):
    """Base of every error of ours; `rc` is the return code that belongs to it.

    `advice` is what to do about it, where that does not follow from the code.
    """

    advice = ""

    def __init__(self, rc: int, text: str) -> None:
        super().__init__(text)
        self.rc = rc
        self.text = text

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.rc, self.text)


class ProtocolError(FlomError):
    """The peer sent something the protocol does not allow; costs it the connection (wire.md 8)."""


class UsageError(FlomError):
    """The words of the command line cannot be understood (cli.md 2)."""

    def __init__(self, text: str) -> None:
        super().__init__(RC_INVALID_OPTION, text)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.text,)


class ConfigError(FlomError):
    """A setting has a value that cannot be used (cli.md 3 to 7)."""
