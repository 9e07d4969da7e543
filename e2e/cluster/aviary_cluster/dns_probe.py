"""One DNS question over UDP, to know when a cluster's DNS answers."""

import socket

_QUESTION_HEADER = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
_TYPE_A_CLASS_IN = b"\x00\x00\x01\x00\x01"


def dns_answers(address: str, name: str) -> bool:
    """Whether the server at `address` knows an A record of `name`; waits at most half a second."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        try:
            sock.sendto(_QUESTION_HEADER + labels + _TYPE_A_CLASS_IN, (address, 53))
            answer = sock.recv(512)
        except OSError:
            return False
    return len(answer) > 7 and answer[3] & 0x0F == 0 and int.from_bytes(answer[6:8]) > 0
