# Mingwen. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEDIA := .cache/media
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-log fuzz crash media docs gallery clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: $(VENV)/.run $(MEDIA)/.done ## label and verify a photograph, speech, a clip and a document; take evidence
	@$(BIN)/python tools/demo.py $(MEDIA) demo-output

test: $(VENV)/.dev $(MEDIA)/.done ## run every test, foreign judges and real servers included
	@tools/debian.sh "the tests' foreign judges" exiftool:libimage-exiftool-perl ffmpeg:ffmpeg xmllint:libxml2-utils \
	    '/usr/lib/postgresql/*/bin/initdb:postgresql' chromium:chromium openssl:openssl cc:gcc /usr/include/stdio.h:libc6-dev heif-info:libheif-examples \
	    jxlinfo:libjxl-tools avifdec:libavif-bin qpdf:qpdf pdfinfo:poppler-utils mkvmerge:mkvtoolnix flac:flac ogginfo:vorbis-tools \
	    opusinfo:opus-tools mpg123:mpg123 cjpeg:libjpeg-turbo-progs softhsm2-util:softhsm2 espeak-ng:espeak-ng tesseract:tesseract-ocr \
	    '/usr/share/tesseract-ocr/*/tessdata/chi_sim.traineddata:tesseract-ocr-chi-sim' \
	    '/usr/share/tesseract-ocr/*/tessdata/eng.traineddata:tesseract-ocr-eng'
	@MINGWEN_MEDIA=$(abspath $(MEDIA)) $(BIN)/python -m pytest

lint: $(VENV)/.dev ## check style, types, layers and the pages written from code
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/reference.py --check

bench: $(VENV)/.dev $(MEDIA)/.done ## measure against cp, exiftool, ffmpeg and others, in one run (half an hour)
	@tools/debian.sh "the benchmarks' peers" exiftool:libimage-exiftool-perl ffmpeg:ffmpeg
	@$(PIP) -r requirements/bench.lock
	@$(BIN)/python -m tools.bench $(MEDIA)
	@$(BIN)/python -m tools.bench_notices $(MEDIA)

bench-log: $(VENV)/.dev ## measure the log against plain databases, tlog-scales and pymerkle, in one run (ten minutes)
	@tools/debian.sh "the log's benchmark" '/usr/lib/postgresql/*/bin/initdb:postgresql'
	@$(BIN)/python -m tools.bench_log

fuzz: $(VENV)/.dev $(MEDIA)/.done ## search for crashes in every reader and writer, ten minutes each (hours in all)
	@MINGWEN_MEDIA=$(abspath $(MEDIA)) $(BIN)/python tools/fuzz.py

crash: $(VENV)/.dev ## kill, cut the power and fill the disk of the log: 1,000 kills and more (half an hour; needs cc)
	@tools/debian.sh "the server that is killed" '/usr/lib/postgresql/*/bin/initdb:postgresql' cc:gcc /usr/include/stdio.h:libc6-dev
	@$(BIN)/python -m tools.crash --write

media: $(MEDIA)/.done ## fetch the real media that demo and tests use

docs: $(VENV)/.dev $(MEDIA)/.done ## write the reference pages from the code
	@$(BIN)/python tools/reference.py --write
	@tools/debian.sh "the matrix's foreign tools" exiftool:libimage-exiftool-perl ffmpeg:ffmpeg
	@MINGWEN_MEDIA=$(abspath $(MEDIA)) $(BIN)/python tools/matrix.py --write

gallery: $(VENV)/.dev $(MEDIA)/.done ## draw labels into pictures and clips of every kind, to look at (docs/gallery)
	@tools/debian.sh "the gallery's clips" ffmpeg:ffmpeg
	@$(BIN)/python tools/gallery.py $(MEDIA)

clean: ## remove what was made
	rm -rf $(VENV) .cache demo-output build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, found " + sys.version.split()[0] + "; set PYTHON=")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing Mingwen and what it needs"
	@$(PIP) -r requirements/run.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	@echo "installing what the tests need"
	@$(PIP) -r requirements/dev.lock
	@touch $@

$(MEDIA)/.done: requirements/media.lock tools/media.py | $(VENV)/.run
	@echo "fetching real media (46 MB of archives; NOTICE says whose they are)"
	@$(BIN)/python tools/media.py $(MEDIA)
	@touch $@
