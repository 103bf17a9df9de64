"""Signals that come at the worst moment."""

import os
import queue
import signal
import threading

from pppgen.system.signals import Signals

PATIENCE_S = 60.0


def test_a_signal_that_wakes_another_thread_is_heard_while_the_main_thread_waits() -> None:
    heard: queue.SimpleQueue[signal.Signals] = queue.SimpleQueue()
    before = signal.getsignal(signal.SIGTERM)
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    signals = Signals((signal.SIGTERM,), heard.put)
    try:
        assert other.ident is not None
        # Sent to the other thread it does not interrupt this one's wait: what a signal just before the wait is like.
        threading.Timer(0.2, signal.pthread_kill, (other.ident, signal.SIGTERM)).start()
        assert heard.get(timeout=PATIENCE_S) is signal.SIGTERM
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard.get(timeout=PATIENCE_S) is signal.SIGTERM
    finally:
        signals.close()
        over.set()
        other.join()
    assert signal.getsignal(signal.SIGTERM) is before


def test_after_one_signal_ctrl_c_ends_the_process_at_once() -> None:
    heard: queue.SimpleQueue[signal.Signals] = queue.SimpleQueue()
    before = signal.getsignal(signal.SIGINT)
    signals = Signals((signal.SIGTERM, signal.SIGINT), heard.put)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard.get(timeout=PATIENCE_S) is signal.SIGTERM
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signals.close()
    assert signal.getsignal(signal.SIGINT) is before
