"""Binds an AF_UNIX datagram socket (argument: path, or @name for an abstract one), prints each message as hex, a line each.

Behind it, if there are any, the descriptors that came with it, each as device:inode of its file. They are closed at once, or with
"keep" as another argument never. With "mute", nothing is read until a line comes in on stdin; with "late", it is not even bound.
Says "bound" when it can be sent to. Ends when stdin does.
"""

import os
import selectors
import socket
import sys

address = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if "late" in sys.argv:
    print("bound", flush=True)
    sys.stdin.readline()
receiver.bind("\0" + address[1:] if address.startswith("@") else address)
if "late" not in sys.argv:
    print("bound", flush=True)
if "mute" in sys.argv:
    sys.stdin.readline()

waiting = selectors.DefaultSelector()
waiting.register(receiver, selectors.EVENT_READ)
waiting.register(sys.stdin, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is sys.stdin:
            sys.exit(0)
        message, fds, _, _ = socket.recv_fds(receiver, 65536, 253)
        files = []
        for fd in fds:
            status = os.fstat(fd)
            files.append(f"{status.st_dev}:{status.st_ino}")
            if "keep" not in sys.argv:
                os.close(fd)
        print(" ".join([message.hex() or "-", *files]), flush=True)
