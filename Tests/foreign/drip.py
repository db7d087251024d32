"""Clients whose requests never end: COUNT of them at PORT, each anew once it is closed, until standard input ends.

A third only connects, a third drips its head, a third drips its body. Prints how many were closed so far.
"""
import select
import socket
import sys

port, count = int(sys.argv[1]), int(sys.argv[2])
BEGINNINGS = [
    b"",
    b"GET / HTTP/1.1\r\nHost: line\r\nX-Slow: ",
    b"POST /v1/sources/test.line1.pc1/events HTTP/1.1\r\nHost: line\r\nContent-Length: 100000\r\n\r\n",
]
closed = 0


def connected(kind):
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return [client, kind, False]


clients = [connected(number % 3) for number in range(count)]
while not select.select([sys.stdin], [], [], 0.5)[0]:
    poll = select.poll()
    for client in clients:
        poll.register(client[0], select.POLLIN | select.POLLOUT)
    ready = dict(poll.poll(0))
    for index, (client, kind, has_begun) in enumerate(clients):
        happened = ready.get(client.fileno(), 0)
        try:
            if happened & select.POLLIN and not client.recv(4096):
                raise ConnectionResetError
            if happened & (select.POLLHUP | select.POLLERR):
                raise ConnectionResetError
            if happened & select.POLLOUT and kind:
                client.send(b"x" if has_begun else BEGINNINGS[kind])
                clients[index][2] = True
        except OSError:
            closed += 1
            client.close()
            clients[index] = connected(kind)
    print("closed", closed, flush=True)
