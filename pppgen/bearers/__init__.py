"""The ways to a link: start and stop without blocking, and a report of a lease or a reason."""
