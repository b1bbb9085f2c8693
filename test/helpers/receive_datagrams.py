"""Binds an AF_UNIX datagram socket (argument: path, or @name for an abstract one), prints each message as hex, a line each.

Says "bound" when it can be sent to. Ends when stdin does.
"""

import selectors
import socket
import sys

address = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\0" + address[1:] if address.startswith("@") else address)
print("bound", flush=True)

waiting = selectors.DefaultSelector()
waiting.register(receiver, selectors.EVENT_READ)
waiting.register(sys.stdin, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is sys.stdin:
            sys.exit(0)
        print(receiver.recv(65536).hex(), flush=True)
