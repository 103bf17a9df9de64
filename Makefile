# `make demo` and `make test` do all the set-up themselves on a fresh Debian 12 or Raspberry Pi OS.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench lab lab-shell soak bench-lab install uninstall clean

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
	.ci/wheel $(PYTHON)
	$(BIN)/pytest $(ARGS)

clean:  ## remove what was built here
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
