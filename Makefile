# `make demo` and `make test` do all the set-up themselves on a fresh Debian 12 or Raspberry Pi OS.
.DEFAULT_GOAL := help
.PHONY: help demo test check man readme bench lab lab-shell soak bench-lab fuzz install uninstall clean

# The distribution's interpreter: a python behind a version manager costs seconds a start in the lab's guest.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' $(MAKEFILE_LIST)

$(VENV)/.ready: pyproject.toml .ci/need
	.ci/need python3-venv ppp
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade 'pip>=25.1'
	$(BIN)/pip install -q --group dev -e .
	touch $@

demo: $(VENV)/.ready  ## the whole path against a simulated modem, without a modem and without root
	$(BIN)/pppgen demo $(ARGS)

check: $(VENV)/.ready  ## the quick half of `make test`: lint, types, tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q $(ARGS)

test: $(VENV)/.ready  ## lint, types, tests, and the wheel used from a fresh environment
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	.ci/need iproute2 iputils-ping procps udev util-linux systemd libqmi-utils udhcpc busybox \
		mobile-broadband-provider-info
	.ci/wheel $(PYTHON)
	$(BIN)/pytest --junitxml=build/test.xml $(ARGS)

bench: $(VENV)/.ready  ## the budgets beside what was measured; ARGS=--strict fails if one is exceeded
	$(BIN)/python tests/bench/run.py $(ARGS)

man: $(VENV)/.ready  ## docs/man from the commands' own help texts
	$(BIN)/python docs/man/make.py docs/man

readme: $(VENV)/.ready  ## the tables of README.md and docs/policy.md from the code that they describe
	$(BIN)/python docs/tables.py

# Debian's pip refuses to touch the system, and root's PATH lacks a user's folders: an environment of its own, and links.
# DESTDIR is for packagers and for the test; the environment's scripts name the final path only where DESTDIR is empty.
OPT ?= /opt/pppgen
LOCAL ?= /usr/local
UNITS ?= /etc/systemd/system
# pon and poff come before Debian's in PATH: they ask the service where it runs, and are Debian's own elsewhere.
SCRIPTS = etc/bin/pon etc/bin/poff etc/hooks/pppgen-failover
INSTALLED = $(addprefix $(DESTDIR)$(LOCAL)/bin/,pppgen $(notdir $(SCRIPTS))) $(DESTDIR)$(LOCAL)/share/man/man1/pppgen*.1 \
	$(DESTDIR)$(LOCAL)/share/bash-completion/completions/pppgen $(DESTDIR)$(UNITS)/pppgen.service
# Only a running systemd has something to read anew, and only the system itself, not a packager's folder.
SYSTEMD = $(if $(DESTDIR),,$(wildcard /run/systemd/system))

# umask: sudo keeps a stricter one of the user's, and `pppgen status` is for everybody.
install: .ci/need  ## on a board: /opt/pppgen, links in /usr/local/bin, the service, man pages, completion
	.ci/need python3-venv ppp libqmi-utils udhcpc
	umask 022; $(PYTHON) -m venv $(DESTDIR)$(OPT)
	umask 022; $(DESTDIR)$(OPT)/bin/pip install -q .
	umask 022; install -d $(DESTDIR)$(LOCAL)/bin $(DESTDIR)$(LOCAL)/share/man/man1 $(DESTDIR)$(LOCAL)/share/bash-completion/completions
	ln -sfn $(OPT)/bin/pppgen $(DESTDIR)$(LOCAL)/bin/pppgen
	install -m 755 $(SCRIPTS) $(DESTDIR)$(LOCAL)/bin/
	install -m 644 docs/man/*.1 $(DESTDIR)$(LOCAL)/share/man/man1/
	umask 022; _PPPGEN_COMPLETE=bash_source $(DESTDIR)$(OPT)/bin/pppgen >$(DESTDIR)$(LOCAL)/share/bash-completion/completions/pppgen
	umask 022; install -D -m 644 etc/systemd/pppgen.service $(DESTDIR)$(UNITS)/pppgen.service
	$(if $(SYSTEMD),systemctl daemon-reload)
	@echo 'Installed. Next:  sudo pppgen setup --apn YOUR_APN'

uninstall:  ## take back what `make install` did (`pppgen rollback` takes back what setup wrote)
	$(if $(SYSTEMD),-systemctl disable --now pppgen.service)
	rm -rf $(DESTDIR)$(OPT)
	rm -f $(INSTALLED)
	$(if $(SYSTEMD),systemctl daemon-reload)

$(VENV)/.fuzz: $(VENV)/.ready
	$(BIN)/pip install -q --group fuzz
	touch $@

fuzz: $(VENV)/.fuzz  ## five minutes of bytes that grow towards new branches, through all readers of logs; ARGS=-max_total_time=…
	$(BIN)/python tests/fuzz/fuzz_diagnose.py -max_total_time=300 -max_len=4096 $(ARGS)

$(VENV)/.lab: $(VENV)/.ready
	.ci/need qemu-system-x86 kmod util-linux udev iproute2 iputils-ping wget procps psmisc busybox udhcpc libqmi-utils dbus ppp systemd
	$(BIN)/pip install -q --group lab
	touch $@

lab: $(VENV)/.lab  ## tests against a real kernel, a USB modem on its bus and a real pppd, in a small virtual machine
	$(BIN)/python -m tests.lab.machine test $(ARGS)

soak: $(VENV)/.lab  ## the same thing 50 times: pon and poff, replugging, QMI calls; kills at every moment and unplugging in every state
	LAB_ROUNDS=50 $(BIN)/python -m tests.lab.machine test tests/lab/test_rounds.py tests/lab/test_fallback.py tests/lab/test_ppp_supervised.py $(ARGS)

bench-lab: $(VENV)/.lab  ## beside wvdialconf and ModemManager: until the AT port is known; until the first ping
	$(BIN)/python -m tests.lab.machine bench

lab-shell: $(VENV)/.lab  ## a prompt in that machine, with the modem plugged in
	$(BIN)/python -m tests.lab.machine shell

clean:  ## remove what was built here
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
