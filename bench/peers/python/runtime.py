"""Lambda's Runtime API by a plain socket that stays open, as the managed runtime's native client has it: next call, answer, next call."""

import os
import re
import socket
import sys

import orjson

ROOT = "/2018-06-01/runtime/invocation"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
REQUEST_ID = re.compile(rb"\r\nlambda-runtime-aws-request-id: *([^\r]+)", re.I)


class Connection:
    """HTTP/1.1 with nothing that the Runtime API does not use."""

    def __init__(self):
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> bytes:
        received = self.socket.recv(1 << 20)
        return received or sys.exit(0)

    def exchange(self, method: str, path: str, body: bytes = b""):
        self.socket.sendall(f"{method} {ROOT}{path} HTTP/1.1\r\nhost: runtime\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        received = self.receive()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self.receive()
        head, pieces = received[:end], [received[end + 4 :]]
        left = int(LENGTH.search(head)[1]) - len(pieces[0])
        while left > 0:
            pieces.append(self.receive())
            left -= len(pieces[-1])
        return head, b"".join(pieces)


def run(handler) -> None:
    """Calls the handler with each event (bytes) and posts what it answers as JSON; an error ends the process."""
    connection = Connection()
    while True:
        head, event = connection.exchange("GET", "/next")
        request_id = REQUEST_ID.search(head)[1].decode()
        connection.exchange("POST", f"/{request_id}/response", orjson.dumps(handler(event)))
