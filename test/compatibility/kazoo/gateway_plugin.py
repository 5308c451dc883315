"""pytest plugin: kazoo's test harness talks to the server at GATEWAY_ADDRESS instead of a cluster that it starts."""
import os
import socket
import threading

import kazoo.testing.harness as harness
import pytest

HOST, PORT = os.environ["GATEWAY_ADDRESS"].split(":")

# What a part of the harness is needed for that only a cluster of the suite's own has.
NOT_APPLICABLE = {
    "TestReconfig": "there is no ensemble to reconfigure",
    "TestReadOnlyMode": "it stops the majority of an ensemble",
    "TestSSLClient": "it needs a server with certificates that the harness made",
}


class Member:
    """A server that can be stopped and run again: a port in front of the gateway."""

    def __init__(self):
        self.listener = None
        self.connections = []
        self.port = 0
        self.run()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    @property
    def running(self):
        return self.listener is not None

    def run(self):
        if self.running:
            return
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        listener, self.listener = self.listener, None
        for each in [listener] + self.connections:
            close(each)
        self.connections = []

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection((HOST, int(PORT)))
            except OSError:
                return
            self.connections += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=forward, args=(source, target), daemon=True).start()


def close(each):
    try:
        each.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError):
        pass
    if each is not None:
        each.close()


def forward(source, target):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    except OSError:
        pass
    # A client may half-close and still read.
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Cluster(list):
    def start(self):
        for member in self:
            member.run()

    def stop(self):
        pass

    def terminate(self):
        pass

    def get_logs(self):
        return []


CLUSTER = Cluster([Member(), Member(), Member()])
harness.get_global_cluster = lambda: CLUSTER


def pytest_collection_modifyitems(items):
    for item in items:
        for name, reason in NOT_APPLICABLE.items():
            if "::%s::" % name in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=reason))
