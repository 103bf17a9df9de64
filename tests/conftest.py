"""What holds for every test: machines are shared and noisy, so no example of a property has a deadline."""

from hypothesis import settings

settings.register_profile("noisy", deadline=None)
settings.load_profile("noisy")
