"""A network that refuses everybody and remembers who asked."""

import socket


def refuse_network(monkeypatch):
    """Refuse every attempt to reach the network, and return the list they are kept in."""
    attempts = []

    def refuse(*address, **_):
        attempts.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts
