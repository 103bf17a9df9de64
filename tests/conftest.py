"""What holds for every test: machines are shared and noisy, so no example of a property has a deadline."""

import signal

from hypothesis import settings

settings.register_profile("noisy", deadline=None)
settings.load_profile("noisy")

# A shell ignores INT for what it starts in the background, nohup ignores HUP, and programs inherit that: those which
# the tests end by a signal would not hear it. What has a handler here, even an idle one, starts in them as usual.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)
