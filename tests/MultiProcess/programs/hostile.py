"""A client without manners, as a process of its own: python3 hostile.py HOST ATTACK. Says "ready" when it has done its worst, and stays."""
import array, os, socket, struct, sys, threading

MAGIC, ATTACH, IOCTL, STATUS, PROBE = 0x4e4d5331, 1, 2, 7, 9
host = sys.argv[1]


def message(kind, body=b""):
    return struct.pack("<IHHII", MAGIC, 1, kind, len(body), 0) + body


def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(host)
    return s


def send(s, data, fds=()):
    fds = [f if isinstance(f, int) else f.fileno() for f in fds]
    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])


def attach(s, options=()):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for option in options:
        theirs.setsockopt(socket.SOL_SOCKET, option, 1)
    send(s, message(ATTACH), [theirs])
    answer, fds, _, _ = socket.recv_fds(ours, 65536, 4)
    for fd in fds:
        os.close(fd)
    return ours, theirs, struct.unpack_from("<I", answer, 12)[0]


def ask(session, kind, body=b""):
    session.send(message(kind, body))
    return session.recv(65536)


keep = []


def lingering():
    """A socket whose last close waits for an hour: its peer is there and reads nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    peer, _ = listener.accept()
    listener.close()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    s.setblocking(False)
    try:
        while True:
            s.send(bytes(65536))
    except BlockingIOError:
        pass
    keep.append(peer)
    return s


def handed_over(s, data):
    """The receiver has the only reference; unless it was so fast that ours is the last one: then the wait is ours."""
    tcp = lingering()
    try:
        send(s, data, [tcp])
    finally:
        threading.Thread(target=tcp.close, daemon=True).start()


def stray():
    for _ in range(3):
        s = connect()
        keep.append(s)
        for _ in range(2):
            handed_over(s, b"x")
        handed_over(s, message(ATTACH))


def request():
    s = connect()
    keep.append(s)
    for _ in range(3):
        session, theirs, _ = attach(s)
        theirs.close()
        handed_over(session, message(STATUS))


def unread():
    """In sockets that the server closes without having read them."""
    for _ in range(20):
        s = connect()
        handed_over(s, b"x")
        s.close()
    s = connect()
    keep.append(s)
    session, theirs, _ = attach(s)
    theirs.close()
    session.send(message(77))
    try:
        for _ in range(5):
            handed_over(session, b"x")
    except OSError:
        pass
    session.close()


def refused():
    """In connections beyond what is allowed, that are refused unread."""
    keep.extend(connect() for _ in range(300))
    for _ in range(6):
        s = connect()
        try:
            handed_over(s, b"x")
        except OSError:
            pass
        keep.append(s)


def options():
    """Everything that can be ordered with a message: SO_PASSCRED, SO_PASSPIDFD, SO_PASSSEC, SO_TIMESTAMP."""
    s = connect()
    keep.append(s)
    session, theirs, result = attach(s, (16, 76, 34, 29))
    keep.extend((session, theirs))
    for _ in range(3000):
        assert ask(session, STATUS)[6:8] == struct.pack("<H", STATUS)


def pile():
    """More descriptors than a user may have, behind some that hold up all closes."""
    s = connect()
    keep.append(s)
    for _ in range(8):
        handed_over(s, b"x")
    s.setblocking(False)
    null = os.open("/dev/null", os.O_RDONLY)
    sent = 0
    try:
        for _ in range(60):
            send(s, b"x", [null] * 253)
            sent += 253
    except BlockingIOError:
        pass
    assert sent > 0


def swamp():
    """Connections without end, while nothing is closed any more."""
    stray()
    keep.extend(connect() for _ in range(300))
    for _ in range(4000):
        try:
            s = connect()
            s.send(b"x")
            s.close()
        except OSError:
            pass


def sessions():
    for _ in range(256):
        try:
            s = connect()
            keep.append(s)
            for _ in range(64):
                ours, theirs, result = attach(s)
                theirs.close()
                keep.append(ours)
        except (OSError, struct.error):
            pass


def connects():
    for _ in range(3000):
        s = connect()
        s.close()
    for _ in range(300):
        s = connect()
        s.shutdown(socket.SHUT_RD)
        s.shutdown(socket.SHUT_WR)
        keep.append(s)


def circles():
    """The server's own sockets in each other's queues, and every kind of descriptor."""
    for _ in range(50):
        a, b = connect(), connect()
        send(a, b"x", [b])
        send(b, b"x", [a])
        s = connect()
        first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        send(first, b"x", [first, second])
        send(s, message(ATTACH), [first])
        send(s, message(ATTACH), [second])
        send(s, message(ATTACH), [s])
        epoll = __import__("select").epoll()
        send(s, b"x", [epoll.fileno(), os.pidfd_open(os.getpid()), os.memfd_create("m"), os.open("/dev/null", os.O_RDWR)])
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        send(s, message(ATTACH), [listener])
        listener.bind("")
        listener.listen()
        send(s, message(ATTACH), [listener])
        other = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        other.connect(listener.getsockname())
        send(s, message(ATTACH), [other])


def deaf():
    """Asks for much and reads nothing."""
    for _ in range(10):
        s = connect()
        keep.append(s)
        session, theirs, _ = attach(s)
        theirs.close()
        keep.append(session)
        session.setblocking(False)
        try:
            while True:
                session.send(message(STATUS))
        except (BlockingIOError, OSError):
            pass


def flood():
    """Requests as dear and as big as there are, without end."""
    s = connect()
    session, theirs, _ = attach(s)
    theirs.close()
    keep.append(session)
    print("ready", flush=True)
    while True:
        ask(session, PROBE, b"netmap:lo")
        ask(session, STATUS, bytes(8000))
        handful = connect()
        for _ in range(50):
            handful.send(bytes(60000))
        handful.close()


def impostor():
    """Listens where a server is looked for."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.bind(host.replace("@", "\0"))
    s.listen()
    keep.append(s)


globals()[sys.argv[2]]()
print("ready", flush=True)
sys.stdin.read()
