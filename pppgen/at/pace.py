"""How long a modem takes for an answer, and whether another one fits before a deadline; the clock is the caller's."""

from collections.abc import Callable

from pppgen.at.client import ANSWER_S, Ask
from pppgen.at.codec import Answer


class Pace:
    """Asks on, and measures; `answer_s` is what one answer took, on average and with the one known before."""

    def __init__(self, ask: Ask, clock: Callable[[], float], deadline: float, answer_s: float) -> None:
        self._ask = ask
        self._clock = clock
        self._deadline = deadline
        self._spent_s = answer_s
        self._answers = 1

    @property
    def answer_s(self) -> float:
        """Seconds an answer."""
        return self._spent_s / self._answers

    def goes_on(self) -> bool:
        """Whether one more answer is likely to come before the deadline."""
        return self._clock() + self.answer_s <= self._deadline

    def __call__(self, command: str, timeout_s: float = ANSWER_S) -> Answer:
        """Return the modem's answer, however long it takes; raises what the client does."""
        began = self._clock()
        try:
            return self._ask(command, timeout_s)
        finally:
            self._spent_s += self._clock() - began
            self._answers += 1
