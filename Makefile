# Each target sets up what it needs by itself; the second time it starts at once.
SHELL := /bin/bash
PYTHON := .venv/bin/python
.PHONY: help demo lab test lint bench clean

help:
	@echo "make demo   play the researcher's whole journey on embedded data (a minute or two after set-up)"
	@echo "make lab    open JupyterLab on the demo data"
	@echo "make test   run every check"
	@echo "make lint   only the style, the types and the TypeScript"
	@echo "make bench  measure speed and memory beside named peers; writes build/bench.json"

demo:
	@environments/setup.sh demo
	@.venv/bin/workbench demo

lab:
	@environments/setup.sh demo
	@.venv/bin/workbench demo --data-only
	@.venv/bin/workbench lab

test:
	@environments/setup.sh test
	@environments/check.sh all

lint:
	@environments/setup.sh test
	@environments/check.sh lint

bench:
	@environments/setup.sh bench
	@mkdir -p build
	@$(PYTHON) tests/bench/run.py build/bench.json

clean:
	rm -rf .venv build dist extensions/node_modules workbench/jupyter/labextension workbench/viewer/static .setup.log
