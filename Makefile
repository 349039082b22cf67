# Each target sets up what it needs in .venv, once: the packages of requirements.lock, then this repository.
.DEFAULT_GOAL := help
.PHONY: help lab test oldest older elsewhere notebooks lint links lock colab-check blank slides assignment grade extras setup anew site publish

# What the account sets for other programs must not reach into .venv: an active environment, how Python runs (without
# assertions, say), another kernel. Of pip's settings only those that say where packages come from may.
sources := INDEX_URL EXTRA_INDEX_URL FIND_LINKS NO_INDEX TRUSTED_HOST CERT CLIENT_CERT PROXY CONFIG_FILE \
	CACHE_DIR NO_CACHE_DIR TIMEOUT DEFAULT_TIMEOUT RETRIES KEYRING_PROVIDER
kept := PYTHON PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX $(addprefix PIP_,$(sources))
unexport VIRTUAL_ENV CONDA_PREFIX MPLBACKEND JUPYTER_PATH JUPYTER_CONFIG_PATH \
	$(filter-out $(kept),$(filter PYTHON% PIP_%,$(.VARIABLES)))
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export JUPYTER_PREFER_ENV_PATH := 1

python := .venv/bin/python
# In a configuration file of pip another place can stand as well. An option outdoes this one, the others are refused.
pip_install := -m pip install --target=
quoted = '$(subst ','\'',$(1))'
# Looked for once, and only when it is needed; a path, or a line that says why there is none.
found = $(eval found := $(shell sh tools/find_python.sh $(call quoted,$(PYTHON))))$(found)
need_python = $(if $(filter /%,$(firstword $(found))),,$(error $(found)))
as_root := $(if $(filter 0,$(shell id -u)),--allow-root)

help: ## list these targets
	@sed -n 's/^\([a-z-]*\): .*## /make \1 | /p' Makefile | awk -F '|' '{ printf "%-16s%s\n", $$1, $$2 }'

lab: setup ## open JupyterLab at the contents page; options: make lab LAB_ARGS="--no-browser --port=8899"
	$(python) -m jupyterlab $(as_root) --ServerApp.root_dir=. \
		--LabApp.default_url=/lab/tree/notebooks/00_contents.ipynb \
		--ServerApp.tornado_settings="{'websocket_max_message_size': 209715200}" $(LAB_ARGS)

test: setup ## run all tests and every notebook; options: make test TEST_ARGS="-x tests/test_geometry.py"
	$(python) -m pytest --nbval $(TEST_ARGS)

oldest: build/oldest/ready ## run all tests and every notebook on the oldest versions that pyproject.toml allows
	build/oldest/bin/python -m pytest --nbval $(TEST_ARGS)

numeric := $(patsubst %,tests/test_%.py,numpy_layers geometry walk models checks exercises) \
	$(wildcard $(addprefix notebooks/,0[1-9]*.ipynb 10*.ipynb solutions/0[1-9]*.ipynb solutions/10*.ipynb))

older: setup ## run what computes, tests and notebooks 01 to 10, as older processors round
	$(python) tools/older_processor.py haswell $(python) -m pytest --nbval $(numeric) $(TEST_ARGS)
	$(python) tools/older_processor.py nehalem $(python) -m pytest --nbval $(numeric) $(TEST_ARGS)

elsewhere: setup ## run every notebook in odd places: blanks in the path, a read-only checkout, Windows' line ends, ...
	ALEXNET_EVERYWHERE=1 $(python) -m pytest --dist=worksteal $(TEST_ARGS) tests/test_elsewhere.py

notebooks: setup ## run every notebook from a fresh kernel and store what it prints
	$(python) tools/notebooks.py run

lint: setup ## check the code's style, notebooks included, the spelling, and the links within the course
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m codespell_lib *.md *.toml *.yml Makefile alexnet_helpers data notebooks tests tools
	$(python) tools/links.py

links: setup ## list all links and follow them, those to other sites too; needs a network connection
	$(python) tools/links.py --follow

publish: setup ## fill in all addresses, of Colab, site and repository: make publish REPO=owner/name (on GitHub)
	$(python) tools/notebooks.py publish $(call quoted,$(REPO))

colab-check: setup ## run every notebook as Colab would; some: make colab-check NOTEBOOKS="02_convolution.ipynb"
	$(python) tools/colab_check.py $(NOTEBOOKS)

blank: setup ## students' copies, without outputs and solutions, in build/students
	$(python) tools/classroom.py blank build/students

slides: .venv/extras ## lessons as slides in build/slides; some: make slides NOTEBOOKS="02_convolution.ipynb"; as PDF, too: PDF=1
	$(python) tools/make_slides.py $(if $(PDF),--pdf) build/slides $(NOTEBOOKS)

assignment: setup ## an assignment for nbgrader: make assignment NOTEBOOKS="04_max_pooling.ipynb" SEED=... (NAME, POINTS)
	$(python) -m tools.grading assignment $(NOTEBOOKS) --name='$(NAME)' --seed='$(SEED)' --points='$(POINTS)'

grade: setup ## grade it: make grade ASSIGNMENT=... FROM=moodle.zip TO=grades.csv ROSTER=class.csv (JOBS, LIMITS, DUE, FENCE)
	$(python) -m tools.grading grade '$(ASSIGNMENT)' '$(FROM)' '$(TO)' --roster='$(ROSTER)' --jobs=$(or $(JOBS),0) \
		--limits='$(LIMITS)' --due='$(DUE)' --fence='$(FENCE)'

choose := build/lock/bin/uv pip compile --no-config --quiet --upgrade --universal --python-version=3.11 \
	--generate-hashes --no-annotate --custom-compile-command='make lock'

lock: ## choose the versions of the lock files: the newest that pyproject.toml allows, Colab's, and the oldest
	@: $(need_python)
	$(call quoted,$(found)) -m venv --clear build/lock
	build/lock/bin/python $(pip_install) --quiet uv
	$(choose) --fork-strategy=fewest --extra=lab --extra=test --extra=scale --output-file=requirements.lock pyproject.toml
	$(choose) --fork-strategy=fewest --all-extras --constraints=requirements.lock \
		--output-file=requirements-extras.lock pyproject.toml
	$(choose) --output-file=requirements-colab.lock pyproject.toml tools/colab-versions.txt
	$(choose) --resolution=lowest-direct --extra=lab --extra=test --extra=scale \
		--output-file=requirements-oldest.lock pyproject.toml
	rm -r build/lock

extras: setup ## add what slides need, and what only some tests do: the driver of a browser, what runs ONNX files
	$(python) $(pip_install) --quiet --require-hashes -r requirements-extras.lock

site: .venv/extras ## build the course as a web site, from the notebooks as they are stored, in build/site
	$(python) -m tools.site.build

.venv/extras: .venv/ready requirements-extras.lock
	@$(MAKE) --no-print-directory extras
	@touch $@

setup: .venv/ready

build/oldest/ready: requirements-oldest.lock
	@: $(need_python)
	$(call quoted,$(found)) -m venv --clear build/oldest
	build/oldest/bin/python $(pip_install) --quiet --require-hashes -r requirements-oldest.lock
	build/oldest/bin/python $(pip_install) --quiet --no-deps --no-build-isolation --editable .
	@build/oldest/bin/python -I -c '$(complete)' || { echo '$(elsewhere_pip)' >&2; exit 1; }
	@touch $@

.venv/ready: .venv/installed pyproject.toml
	$(python) $(pip_install) --quiet --no-deps --no-build-isolation --editable .
	@# Else JupyterLab asks about news and looks for updates; --LabApp.news_url=None does not keep it from asking.
	$(python) -m jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements
	@$(python) -I -c 'import alexnet_helpers' || { echo '$(elsewhere_pip)' >&2; exit 1; }
	@touch $@

# Stamped only when all is done and there, so that an interrupted installation starts over.
.venv/installed: requirements.lock
	@: $(need_python)
	@echo Setting up .venv with $(call quoted,$(found)), once: this takes some minutes and about 3 GB
	$(call quoted,$(found)) -m venv --clear .venv
	@! $(python) -m pip config list | grep -E '^(global|install)\.(prefix|root|dry-run|no-binary)=' || \
		{ echo '$(elsewhere_pip)' >&2; exit 1; }
	$(python) $(pip_install) --require-hashes -r requirements.lock
	@$(python) -I -c '$(complete)' || { echo '$(elsewhere_pip)' >&2; exit 1; }
	@touch $@

# One package of each part of requirements.lock, found without importing it.
complete := import importlib.util as u, sys; \
	missing = [n for n in "tensorflow keras jupyterlab nbval jax".split() if not u.find_spec(n)]; \
	sys.exit("not in .venv: " + " ".join(missing) if missing else 0)
elsewhere_pip := pip does not install into .venv: take such settings out of its configuration file (pip config debug)

# The Python that .venv was made with can be upgraded away under it, another program can take packages out of it (uv
# sync does), and PYTHON can ask for another one.
same := import os, sys; print(os.path.samefile(sys._base_executable, sys.argv[1]))
ifneq ($(shell $(python) -I -c '$(complete)' 2>/dev/null && echo complete),complete)
.venv/installed: anew
else ifneq ($(PYTHON),)
ifneq ($(shell $(python) -I -c '$(same)' $(call quoted,$(found)) 2>/dev/null),True)
.venv/installed: anew
endif
endif
