# Everything is installed into this checkout: .venv and .cache. Needed: Python >= 3.10 with venv, make and git.
PYTHON ?= python3
PYTEST ?=

export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
export FAIRING_KFP_CACHE ?= $(CURDIR)/.cache/fairing-kfp

.PHONY: demo test check golden lock bench clean

demo: .venv/installed ## Trains, judges and serves a classifier of real scans, here, without Docker, cluster or registry
	@.venv/bin/fairing-kfp run samples/digits/pipeline.py
	@echo
	@echo "Next: change the code or a parameter and see what runs again, look into the images, or run them with Docker:"
	@echo "  .venv/bin/fairing-kfp run samples/digits/pipeline.py -p depth=4"
	@echo "  .venv/bin/fairing-kfp explain samples/digits/pipeline.py"
	@echo "  .venv/bin/fairing-kfp compile samples/digits/pipeline.py -o digits.yaml --registry registry.example.com/me"

test: .venv/installed-dev ## Runs the tests; those of services that are not there are skipped, and say so
	@.venv/bin/python -m pytest $(PYTEST)

check: .venv/installed-dev ## Style and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

golden: .venv/installed-dev ## Writes the compiled pipelines that tests compare with
	@WRITE_GOLDEN=1 .venv/bin/python -m pytest tests -k golden

LOCK = .venv/bin/uv pip compile --quiet --no-python-downloads --universal --python-version 3.10 --generate-hashes \
  --only-binary :all: --no-header --no-annotate --no-emit-index-url --upgrade
# What Google's aiplatform needs beside the client of its API.
BESIDE = google-cloud-bigquery google-cloud-resource-manager google-genai docstring-parser pydantic

lock: .venv/installed-dev ## Locks what our own images and the server of predictors hold, for all Pythons and platforms
	@$(LOCK) --group cluster --output-file fairing_kfp/own_image.lock
	@printf '%s\n' $(BESIDE) > .cache/beside.txt
	@$(LOCK) --group cluster --group vertex --excludes .cache/beside.txt --constraints fairing_kfp/own_image.lock \
	  --output-file fairing_kfp/own_image_vertex.lock
	@rm .cache/beside.txt
	@$(LOCK) --group server --output-file fairing_kfp/serving/server.lock

bench: .venv/installed-dev ## Measures against peers; see bench/README.md
	@.venv/bin/python -m bench

clean:
	rm -rf .venv .cache local_outputs

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and f"Python >= 3.10 is needed, this is {sys.version}")'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check uv

.venv/installed: pyproject.toml | .venv/bin/uv
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --editable .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/uv
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --editable . --group dev
	@touch $@ .venv/installed
