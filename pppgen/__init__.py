"""pppgen finds a cellular modem, proves its ports, writes pppd's files and keeps the link up."""

# Stands here as text so that `pppgen --version` needs no importlib.metadata, which costs more than the answer.
__version__ = "0.1.0"
