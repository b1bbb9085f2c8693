"""A control socket that does what a real finit cannot be made to do. Written from finit's src/api.c; see fake-finit.ts.

Like PID 1 it serves one connection at a time, blocking, and reads again after an answer.
argv: socket file. stdin: one line of JSON, see the type Script. stdout: one line of JSON for each connection that has ended.
"""
import base64
import json
import os
import select
import socket
import struct
import sys
import time

script = json.loads(sys.stdin.readline())
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(sys.argv[1])
server.listen(10)
print(json.dumps({"listening": True}), flush=True)

records = [base64.b64decode(record) for record in script.get("list", [])]
position = 0
served = 0


def iterate(first):
    """svc_iterator(): one position for all clients. The last record is the end marker, and stays."""
    global position
    if first:
        position = 0
    record = records[min(position, len(records) - 1)]
    position += 1
    return record


while True:
    client, _ = server.accept()
    request = client.recv(65536)
    step = script["steps"][min(served, len(script["steps"]) - 1)]
    served += 1
    log = {"request": request.hex()}
    if step.get("die"):
        os._exit(1)
    time.sleep(step.get("delay", 0) / 1000)
    try:
        if "reply" in step:
            client.send(base64.b64decode(step["reply"]))
        elif step.get("iterate"):
            client.send(iterate(struct.unpack_from("i", request, 8)[0]))
        elif step.get("silent"):
            # Until the client has closed: half-closed it does not count.
            poll = select.poll()
            poll.register(client, 0)
            log["closed"] = bool(poll.poll(10000))
        elif step.get("close"):
            pass
        # PID 1's second read: at once at an end, or it would be waiting for the client.
        client.settimeout(5)
        log["end"] = client.recv(65536) == b"" if len(request) else False
    except OSError as error:
        log["error"] = error.strerror or str(error)
    client.close()
    print(json.dumps(log), flush=True)
