# The front door. `make` lists what it can do; each target sets up .venv by itself.
PYTHON ?= python3
TORCH ?=
NAME ?=
TO ?=
TITLE ?= A new lesson
BIN := .venv/bin
HTML := docs/_build/html
# A worker for each core, and one thread for each worker: torch's pools in several processes wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --numprocesses=auto
SPHINX := $(BIN)/sphinx-build -W --keep-going -n -q -j auto

.DEFAULT_GOAL := help
.PHONY: help setup site lesson new-lesson renumber play serve test lint types unit doctest audit-workflows claims test-site audit check-links check-reproducible bench check-gpu lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

setup: .venv/ready ## make .venv: locked packages and glassbox, editable (PYTHON=python3.12, TORCH=cpu: another Python, PyTorch without CUDA)

.venv/ready: requirements/bootstrap.txt requirements/dev.txt requirements/install.py pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "glassbox setup: $(PYTHON) is not installed: install Python 3.11 or later, or name one: make setup PYTHON=..."; exit 1; }
	@TORCH=$(TORCH) $(PYTHON) requirements/install.py

# Another build of PyTorch is asked for: not a matter of dates.
ifneq ($(TORCH),)
.PHONY: .venv/ready
endif

site: setup ## build the course into docs/_build/html, warnings as errors
	@$(SPHINX) -b html -d docs/_build/doctrees/site docs $(HTML)
	@echo "Read it:  $(CURDIR)/$(HTML)/index.html"
	@echo "Serve it: $(BIN)/python -m http.server --directory $(HTML)"

lesson: setup ## look at one lesson's sources, then build it alone: make lesson NAME=11
	@ls gallery/*/plot_$(NAME)_*.py >/dev/null 2>&1 || { echo "make lesson: no lesson has the number '$(NAME)'; there are: $(sort $(foreach file,$(wildcard gallery/*/plot_*.py),$(word 2,$(subst _, ,$(notdir $(file))))))"; exit 1; }
	@PYTHONPATH=docs/_ext $(BIN)/python -m tools.first_look $(NAME)
	@$(SPHINX) -b html -d docs/_build/doctrees/lesson -D nb_execution_mode=off -D suppress_warnings=config.cache,myst-nb.lexer -D sphinx_gallery_conf.filename_pattern=/plot_$(NAME)_ docs docs/_build/lesson
	@ls $(CURDIR)/docs/_build/lesson/lessons/*/plot_$(NAME)_*.html

new-lesson: setup ## begin a lesson with its questions and an exercise: make new-lesson NAME=15 TITLE="Pooling by hand"
	@PYTHONPATH=docs/_ext $(BIN)/python -m tools.new_lesson "$(NAME)" "$(TITLE)"

renumber: setup ## give a lesson another place in its part: make renumber NAME=36 TO=38
	@PYTHONPATH=docs/_ext $(BIN)/python -m tools.renumber "$(NAME)" "$(TO)"

play: setup ## build the site without running a lesson or a notebook, to try the pages that compute
	@$(BIN)/sphinx-build -q -b html -d docs/_build/doctrees/play -D sphinx_gallery_conf.plot_gallery=False -D nb_execution_mode=off docs docs/_build/play
	@ls $(CURDIR)/docs/_build/play/play/*.html

serve: setup ## rebuild at each change and serve, on a free port
	@$(BIN)/sphinx-autobuild --port 0 --watch gallery --watch src --re-ignore '(docs/lessons|docs/_build|__pycache__|sg_)' -d docs/_build/doctrees/site docs $(HTML)

test: lint types unit doctest audit-workflows ## everything that needs neither a built site nor a browser

lint: setup
	@$(BIN)/ruff check --quiet --no-cache
	@$(BIN)/ruff format --check --quiet || { echo "run: $(BIN)/ruff format"; exit 1; }
	@$(BIN)/oxlint --deny-warnings --format=unix
	@$(BIN)/oxfmt --list-different || { echo "run: $(BIN)/oxfmt"; exit 1; }

types: setup
	@$(BIN)/mypy --no-error-summary

unit: setup
	@$(PYTEST) --dist=worksteal -m "not site and not slow" tests

doctest: setup ## run every example of the package and of the docs' pages
	@$(PYTEST) --dist=worksteal --doctest-modules src --doctest-glob='*.md' docs README.md --ignore=docs/lessons --ignore=docs/_build --ignore=docs/conf.py --ignore=docs/_ext

audit-workflows: setup
	@$(BIN)/zizmor --offline --quiet .github

claims: setup ## train again what lessons say in general, on other seeds and data; write docs/claims.md (minutes)
	@$(BIN)/python -m pytest -q --numprocesses=0 --claims=docs/claims.md tests/lessons

# One worker more than there are cores: browsers wait for their next frame.
test-site: setup ## check the built site: links, downloads, pages
	@$(PYTEST) --numprocesses=$$($(BIN)/python -c "import os; print(os.cpu_count() + 1)") --dist=loadgroup -m site tests/site

audit: setup ## measure the built site with Lighthouse: weight, speed, accessibility (needs Chromium, and the network once)
	@$(BIN)/python -m tests.site.audit

check-links: setup ## follow every link to another site (needs the network)
	@$(BIN)/sphinx-build -q -b linkcheck -d docs/_build/doctrees/links docs docs/_build/links

check-reproducible: setup ## build the site twice from nothing and compare every file (ten minutes)
	@$(BIN)/python -m tests.site.reproducible

bench: setup ## measure ours against torch, in the same run
	@$(BIN)/python -m benchmarks

check-gpu: setup ## on a CUDA device: its tests, the CUDA graph, the curve of lesson 3.7 (eight minutes)
	@$(BIN)/python -m benchmarks.gpu --save benchmarks/gpu.json

lock: setup ## resolve the locks again
	@echo uv | $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 - -o requirements/bootstrap.txt
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 --extra dev pyproject.toml -o requirements/dev.txt

clean: ## remove everything that is built, .venv apart
	@rm -rf docs/_build docs/lessons dist benchmarks/results.json .pytest_cache .ruff_cache .mypy_cache .hypothesis
