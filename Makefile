# Every target does its own set-up in .venv. Needs Python 3.11 or newer, make, and the package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# Python compiles what is imported, when it is: all that is installed takes a minute, and most of it is never used.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

# What Python compiles is kept, whatever the environment says: every test process, and every one that it starts, would compile it all anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo serve test test-slow check figures bench scale endure peer bench-serve results docs api lock licences dist clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt src/senpath/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "senpath needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@echo "setting up .venv; the first time this takes a few minutes"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) torch
	$(INSTALL) --editable '.[dev]'
	$(INSTALL) --no-deps Resemblyzer
	@touch $(STAMP)

demo: setup
	$(BIN)/senpath demo

# The page and the interface for programs, on the demo's network, which is made first where it is not there.
serve: setup demo/demo.sen
	$(BIN)/senpath serve demo/demo.sen --inbox

demo/demo.sen: | $(STAMP)
	$(BIN)/senpath demo

# The pictures of the page that the README shows, light and dark (page-dark.png). Needs Chromium.
docs/figures/page.png: demo/demo.sen src/senpath/server/page/*
	$(BIN)/python -m tools.picture_page demo/demo.sen $@

# One thread a process: the tests' models are small, and threads that wait for each other cost more than they save.
# A test that ends its process ends the run: pytest-xdist would wait for that process for ever.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --max-worker-restart 0

# What a change is tried with, in less than five minutes.
test: setup
	$(PYTEST) --dist worksteal -m "not slow"

# What is slow by nature: each of these tests says why. A file's tests stay together, for they share processes; so do those of Ray.
test-slow: setup
	$(PYTEST) --dist loadfile --no-loadscope-reorder -m slow

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_house.py
	$(BIN)/python -m benchmarks.figures check

# Every figure of docs/results and every picture that the code has left behind, those that take least first; stopped or killed, it goes on
# where it was (docs/howto/figures.md). All of them take days: `make figures FIGURES="--minutes 90"`, or `FIGURES="--only drift few-images"`.
figures: setup
	$(BIN)/python -m benchmarks.figures run $(FIGURES)

# A thousand tasks (docs/results/scale.md), speed (docs/results/foundation.md), a sequence of tasks beside Avalanche (docs/results/peers.md).
# Forty minutes; needs SENPATH_DATA. Avalanche needs an environment of its own; `make bench PEER=` leaves it out.
PEER ?= .venv-peer/bin/python
bench: setup $(PEER)
	$(BIN)/python -m benchmarks.scale $(if $(PEER),--peer $(PEER))
	$(BIN)/python -m benchmarks.floor
	$(BIN)/python -m benchmarks.speed $(if $(PEER),--peer $(PEER))
	$(BIN)/python -m benchmarks.few
	$(BIN)/python -m benchmarks.peers $(if $(PEER),--peer $(PEER))

# The other tables of docs/results/scale.md: finding the right one of many tasks. About an hour. Needs SENPATH_DATA.
scale: setup
	$(BIN)/python -m benchmarks.scale.characters
	$(BIN)/python -m benchmarks.scale.permuted --tasks 250

# Twenty minutes of learning, predicting, killing and full disks on one network.
endure: setup
	$(BIN)/python -m benchmarks.endurance --minutes 20 --page docs/results/scale.md

# Avalanche 0.6, in an environment of its own. It needs torchvision, whose later releases import beside the very torch alone that they were
# built with; 0.16.2, for Python 3.11, does beside any, that for the CPU too. So it is installed without looking at what it asks for.
PEER_PIP := .venv-peer/bin/pip install --quiet --disable-pip-version-check
peer: .venv-peer/bin/python

.venv-peer/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make peer needs Python 3.11; try make peer PYTHON=python3.11")'
	$(PYTHON) -m venv .venv-peer
	$(PEER_PIP) --constraint constraints.txt torch gputil pytorchcv wandb tensorboard torchmetrics gdown qpsolvers dill psutil matplotlib --editable . \
		&& $(PEER_PIP) --no-deps torchvision==0.16.2 avalanche-lib==0.6.0 || { rm -rf .venv-peer; exit 1; }

# The server's speed, beside LitServe and MLflow, for docs/results/serve.md: some minutes, on a machine with nothing else to do.
# `make bench-serve PEER=` leaves the others out. Needs SENPATH_DATA.
bench-serve: SERVERS = $(if $(PEER),.venv-servers/bin/python)
bench-serve: setup $(if $(PEER),.venv-servers/bin/python)
	$(BIN)/python -m benchmarks.serve $(if $(SERVERS),--peer $(SERVERS))

.venv-servers/bin/python:
	$(PYTHON) -m venv .venv-servers
	.venv-servers/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch litserve==0.2.19 mlflow-skinny==3.17.2 pandas fastapi uvicorn || { rm -rf .venv-servers; exit 1; }

# The documentation as a site, in build/docs: read it without a server or a network. Warnings and dead links fail.
docs: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.site.build build/docs

# Every figure of docs/results/foundation.md but the speed: about half an hour. Needs SENPATH_DATA.
results: setup
	$(BIN)/python -m benchmarks.foundation

# The public interface as one file, docs/public-api.txt: a test fails where the code has another.
api: setup
	$(BIN)/python -m tools.public_api

# What would be published, checked (docs/releasing.md): the wheel, the source archive, and the list of components (SBOM, CycloneDX).
dist: setup .venv-all/.ready
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/python -m tools.check_package dist
	.venv-release/bin/twine check --strict dist/*.whl dist/*.tar.gz
	.venv-all/bin/python -m pip check
	$(BIN)/python -m tools.sbom .venv-release/bin/cyclonedx-py .venv-all/bin/python dist/senpath.cdx.json

# Versions and hashes of all that is tested: constraints.txt from .venv, requirements.lock from that.
lock: setup .venv-release/.ready
	$(BIN)/python -m tools.lock .venv-release/bin/uv

# docs/licences.md, from all that users can install.
licences: .venv-all/.ready
	.venv-all/bin/python -m tools.licences

# The programs that only publishing needs, and an environment with all that users can install.
.venv-release/.ready:
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 cyclonedx-bom==7.5.0 twine==7.0.0
	@touch $@

.venv-all/.ready: requirements.lock pyproject.toml | .venv-release/.ready
	@test -x .venv-all/bin/python || $(PYTHON) -m venv .venv-all
	.venv-all/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	.venv-all/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	.venv-all/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

clean:
	rm -rf $(VENV) .venv-peer .venv-servers .venv-release .venv-all .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build
