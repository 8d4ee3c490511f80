# Everything is installed into this checkout: .venv and .cache. Needed: Python >= 3.10 with venv, make and git.
PYTHON ?= python3
PYTEST ?=
KFP ?= 2.13.*
# Integration tests often wait, so there are more workers than cores.
WORKERS ?= 4

# Byte code is kept: without it, each of the many processes of the tests compiles kfp again.
unexport PYTHONDONTWRITEBYTECODE
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
export FAIRING_KFP_CACHE ?= $(CURDIR)/.cache/fairing-kfp

.PHONY: demo test test-exhaustive test-pythons test-kfp check golden lock runtime-lock docs release bench clean help

demo: .venv/installed ## Trains, judges and serves a classifier of real scans, here, without Docker, cluster or registry
	@.venv/bin/fairing-kfp run samples/digits/pipeline.py
	@echo
	@echo "Next: change the code or a parameter and see what runs again, look into the images, or run them with Docker:"
	@echo "  .venv/bin/fairing-kfp run samples/digits/pipeline.py -p depth=4"
	@echo "  .venv/bin/fairing-kfp explain samples/digits/pipeline.py"
	@echo "  .venv/bin/fairing-kfp compile samples/digits/pipeline.py -o digits.yaml --registry registry.example.com/me"

test: .venv/installed-dev ## Runs the tests; those of services that are not there are skipped, and say so
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

test-exhaustive: .venv/installed-dev ## Runs the tests, also for the kinds, versions and sizes that repeat others
	@$(MAKE) test PYTEST="--exhaustive $(PYTEST)"

test-pythons: .venv/installed-dev ## Runs the unit tests on every Python at hand, on PATH or of pyenv; PYTEST= selects some
	@.venv/bin/python tests/pythons.py .cache/pythons $(or $(PYTEST),-n $(WORKERS) tests/unit)

test-kfp: | .venv/bin/uv ## Runs tests of what depends on kfp with the oldest kfp that is supported; KFP= chooses another
	@.venv/bin/uv venv --quiet --allow-existing --python .venv/bin/python .cache/kfp
	@.venv/bin/uv pip install --quiet --python .cache/kfp/bin/python --compile-bytecode --editable . --group dev \
	  --excludes tests/excludes.txt "kfp==$(KFP)"
	@.cache/kfp/bin/python -m pytest -q -n $(WORKERS) --dist loadfile @tests/kfp-oldest.txt $(PYTEST)

check: .venv/installed-dev ## Style and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

golden: .venv/installed-dev ## Writes the compiled pipelines, components and messages that tests compare with
	@WRITE_GOLDEN=1 .venv/bin/python -m pytest tests -k golden

LOCK = .venv/bin/uv pip compile --quiet --no-python-downloads --universal --python-version 3.10 --generate-hashes \
  --only-binary :all: --no-header --no-annotate --no-emit-index-url --upgrade
# What IPython needs to complete names, and Google's aiplatform beside the client of its API.
BESIDE = jedi parso google-cloud-bigquery google-cloud-resource-manager google-genai docstring-parser pydantic

lock: .venv/installed-dev ## Locks what our own images and the server of predictors hold, for all Pythons and platforms
	@printf '%s\n' $(BESIDE) > .cache/beside.txt
	@$(LOCK) --group cluster --excludes .cache/beside.txt --output-file fairing_kfp/recipe/own_image.lock
	@$(LOCK) --group cluster --group vertex --excludes .cache/beside.txt --constraints fairing_kfp/recipe/own_image.lock \
	  --output-file fairing_kfp/recipe/own_image_vertex.lock
	@rm .cache/beside.txt
	@$(LOCK) --group server --output-file fairing_kfp/recipe/server.lock

runtime-lock: .venv/installed-dev ## Locks the releases whose files the runtime layer contains: a new packing format
	@printf 'kfp\ncloudpickle\n' | $(LOCK) --no-deps --output-file fairing_kfp/recipe/runtime.lock -

docs: .venv/installed-docs ## Builds the documentation's site into build-output/docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
	@echo "open build-output/docs/index.html"

release: | .venv/bin/uv ## Builds sdist, wheel and SBOM into dist, checks them and tries the wheel; publishes nothing
	@rm -rf dist .cache/release
	@.venv/bin/uv build --quiet
	@.venv/bin/uv tool run --quiet --from 'twine>=6' twine check --strict dist/*.tar.gz dist/*.whl
	@.venv/bin/uv venv --quiet --python .venv/bin/python .cache/release
	@.venv/bin/uv pip install --quiet --python .cache/release/bin/python dist/*.whl
	@.venv/bin/uv tool run --quiet --from 'cyclonedx-bom>=7' cyclonedx-py environment --output-reproducible \
	  --pyproject pyproject.toml --output-file dist/fairing-kfp.cdx.json .cache/release/bin/python
	@.cache/release/bin/fairing-kfp run samples/digits/pipeline.py
	@ls -l dist

bench: .venv/installed-dev ## Measures against peers; see bench/README.md
	@.venv/bin/python -m bench

clean: ## Removes what was installed, cached and written here
	rm -rf .venv .cache build-output/docs dist local_outputs

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1@\2/p' $(MAKEFILE_LIST) | while IFS=@ read -r name text; do printf '%-17s%s\n' "$$name" "$$text"; done

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and f"Python >= 3.10 is needed, this is {sys.version}")'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check uv

.venv/installed: pyproject.toml | .venv/bin/uv
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --editable .
	@touch $@

.venv/installed-dev: pyproject.toml tests/excludes.txt | .venv/bin/uv
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode --editable . --group dev \
	  --excludes tests/excludes.txt
	@touch $@ .venv/installed

.venv/installed-docs: pyproject.toml | .venv/bin/uv
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --editable . --group docs
	@touch $@
