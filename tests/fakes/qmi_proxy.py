"""The proxy of libqmi with the simulated modem behind it, so that the real qmicli runs without a kernel or a USB bus.

Run it in a network namespace of its own: the socket's name is the one that qmicli knows. It prints a line when it is
ready, then obeys lines on its standard input, one answer a line: `faults NAME…` sets the modem's faults, `end` lets the
network end the call, `held` answers with the client ids that are given out.
"""

import json
import selectors
import socket
import sys
import time
from functools import reduce

from pppgen.sim.effects import Effect, Encapsulated
from pppgen.sim.faults import Faults, with_fault
from pppgen.sim.modem import Modem
from pppgen.sim.qmi import calls
from pppgen.sim.qmi.qmux import RESULT, Kind, Message, ServiceId, decode, encode
from pppgen.sim.transcript import load

PROXY_OPEN = 0xFF00  # libqmi's own message to its proxy
NAME = "\0qmi-proxy"


class Proxy:
    """Gives each program its answers, and to all that used a client what the modem tells it unasked."""

    def __init__(self, modem: Modem) -> None:
        self.modem = modem
        self.selector = selectors.DefaultSelector()
        self.buffers: dict[socket.socket, bytes] = {}
        self.asked: dict[int, tuple[socket.socket, int]] = {}
        self.asking: dict[tuple[int, int, int], socket.socket] = {}
        self.users: dict[tuple[int, int], list[socket.socket]] = {}
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(NAME)
        self.listening.listen()
        self.selector.register(self.listening, selectors.EVENT_READ)
        self.selector.register(sys.stdin, selectors.EVENT_READ)

    def run(self) -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            due = self.modem.wake_at()
            wait = None if due is None else max(0.0, due - time.monotonic())
            for key, _ in self.selector.select(wait):
                if key.fileobj is self.listening:
                    opened, _ = self.listening.accept()
                    self.buffers[opened] = b""
                    self.selector.register(opened, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket):
                    self.hear(key.fileobj)
                else:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self.obey(line.split())
            self.deliver(self.modem.advance(time.monotonic()))

    def hear(self, opened: socket.socket) -> None:
        data = opened.recv(65536)
        if not data:
            self.selector.unregister(opened)
            del self.buffers[opened]
            opened.close()
            return
        self.buffers[opened] += data
        while len(self.buffers[opened]) > 2:
            length = int.from_bytes(self.buffers[opened][1:3], "little") + 1
            if len(self.buffers[opened]) < length:
                return
            frame, self.buffers[opened] = self.buffers[opened][:length], self.buffers[opened][length:]
            self.ask(opened, decode(frame))

    def ask(self, opened: socket.socket, request: Message) -> None:
        if request.service == ServiceId.CTL:
            if request.number == PROXY_OPEN:
                self.send(opened, Message(0, 0, Kind.RESPONSE, request.transaction, PROXY_OPEN, {RESULT: bytes(4)}))
                return
            number = next(free for free in range(1, 256) if free not in self.asked)
            self.asked[number] = (opened, request.transaction)
            request = Message(0, 0, Kind.REQUEST, number, request.number, request.values)
        else:
            self.asking[request.service, request.client, request.transaction] = opened
            self.users.setdefault((request.service, request.client), []).append(opened)
        self.deliver(self.modem.control(encode(request), time.monotonic()))

    def deliver(self, effects: list[Effect]) -> None:
        for message in [decode(effect.data) for effect in effects if isinstance(effect, Encapsulated)]:
            if message.service == ServiceId.CTL and message.kind is Kind.RESPONSE:
                opened, number = self.asked.pop(message.transaction)
                self.send(opened, Message(0, 0, Kind.RESPONSE, number, message.number, message.values))
            elif message.kind is Kind.RESPONSE:
                self.send(self.asking[message.service, message.client, message.transaction], message)
            else:
                for user in dict.fromkeys(self.users.get((message.service, message.client), [])):
                    self.send(user, message)

    def send(self, opened: socket.socket, message: Message) -> None:
        if opened in self.buffers:
            opened.send(encode(message))

    def obey(self, words: list[str]) -> None:
        answer: object = "done"
        match words:
            case ["faults", *names]:
                self.deliver(self.modem.set_faults(faults_of(names), time.monotonic()))
            case ["end"]:
                self.modem.qmi.end(calls.DEACTIVATED, time.monotonic())
            case ["held"]:
                answer = self.modem.qmi.held()
            case _:
                answer = "what?"
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def faults_of(names: list[str]) -> Faults:
    return reduce(with_fault, names, Faults())


if __name__ == "__main__":
    Proxy(Modem(load("bg96"), faults_of(sys.argv[1:]))).run()
