# `make demo` and `make test` need Python 3.10 to 3.13 and nothing else.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STH := $(PY) -m mobile
CLIPS ?=
SEED ?= 9
# Tests run in as many processes as there are cores, at most four; a file's tests stay together and share what they build.
JOBS ?= -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo quick test long lint results stream-results clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(VENV)/ready  ## make .venv with everything (about 9 GB on Linux; a few minutes)

$(VENV)/ready: pyproject.toml
	@echo "setup: 1 of 3: making $(VENV)"
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else f"error: Python {v[0]}.{v[1]} found; 3.10 to 3.13 is needed: make PYTHON=python3.12")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==0.13.8
	@echo "setup: 2 of 3: installing the packages of pyproject.toml (PyTorch, TensorFlow, ExecuTorch, coremltools)"
	@$(VENV)/bin/uv pip install --python $(PY) --quiet -e '.[dev]'
	@echo "setup: 3 of 3: checking that they fit together"
	@$(VENV)/bin/uv pip check --python $(PY)
	@touch $@

demo: setup  ## export the shipped checkpoint, check parity and latency, write an HTML report; CLIPS=path for your own
	@$(STH) demo $(if $(CLIPS),--clips $(CLIPS)) --seed $(SEED)

quick: setup  ## the tests of a second or less each
	@$(PY) -m pytest $(JOBS) -m "not minutes and not long"

test: setup lint  ## lint, types and all tests but the long ones
	@$(PY) -m pytest $(JOBS) -m "not long" --durations=10

long: setup  ## the long tests: training
	@$(PY) -m pytest -m long

lint: setup  ## ruff, mypy and the import rules
	@$(VENV)/bin/ruff check training mobile converters android_demo ios_demo tests
	@$(VENV)/bin/ruff format --check training mobile converters android_demo ios_demo tests
	@$(VENV)/bin/mypy
	@$(VENV)/bin/mypy -p android_demo.tools
	@if $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then $(VENV)/bin/lint-imports --no-logo; \
		else echo 'import rules: not run, import-linter needs Python 3.11'; fi

ART := build/artefacts
SCORED := rendered:2025:77
CENTRED := $(ART)/sth_mobilenet_v2_96
TIMED := build/latency/sth_mobilenet_v2_p0.25_width1_8x224

results: setup  ## measure every figure of the README again (about an hour) and write its tables
	@for script in export_tflite export_executorch export_coreml; do $(PY) converters/$$script.py --out $(ART) || exit 1; done
	@for script in export_tflite export_executorch; do $(PY) converters/$$script.py --precision fp32 --out $(ART) || exit 1; done
	@$(STH) card --data $(SCORED)
	@for made in mobile/checkpoints/sth_mobilenet_v2_rendered.pt $(CENTRED)_int8.tflite $(CENTRED)_int8.pte $(CENTRED)_int8.mlpackage; do \
		$(STH) evaluate $$made --data $(SCORED) --json mobile/results/accuracy/$$(basename $$made).json || exit 1; done
	@$(STH) arm64-setup && $(STH) arm64 --json mobile/results/arm64/centred.json $(CENTRED)_int8.tflite $(CENTRED)_int8.pte
	@$(STH) parity --clips $(SCORED) --arm64 mobile/results/arm64/centred.json --json mobile/results/parity.json $(CENTRED)_int8.tflite $(CENTRED)_int8.pte $(CENTRED)_int8.mlpackage $(CENTRED)_fp32.tflite $(CENTRED)_fp32.pte
	@$(STH) latency --against tsn tsm --precision int8 fp32 --json mobile/results/latency.json
	@for network in $(TIMED) $(CENTRED); do $(STH) profile $${network}_int8.tflite $${network}_fp32.tflite $${network}_int8.pte $${network}_fp32.pte \
		--json mobile/results/profile/$$(case $$network in *224*) echo 224;; *) echo 96;; esac).json || exit 1; done
	@$(STH) noise --json mobile/results/quant_debug.json
	@$(MAKE) --no-print-directory stream-results
	@$(STH) latency $(CENTRED)_int8.tflite $(CENTRED)_int8.pte $(STREAM).tflite $(STREAM).pte --json mobile/results/latency_shipped.json
	@if command -v java >/dev/null; then $(PY) -m android_demo.tools.preprocess_speed --json mobile/results/android_preprocess.json && $(STH) report --readme android_demo/README.md; fi
	@$(STH) tables stages --json training/results/stages.json
	@$(STH) report --readme README.md

STREAM := $(ART)/sth_mobilenet_v2_causal_stream_96_int8
CAUSAL := mobile/checkpoints/sth_mobilenet_v2_causal_rendered.pt

stream-results: setup  ## of them, those of the streams
	@for script in export_tflite export_executorch export_coreml; do for mode in clip stream; do \
		$(PY) converters/$$script.py --mode $$mode --checkpoint $(CAUSAL) --out $(ART) || exit 1; done; done
	@if command -v java >/dev/null; then $(PY) -m android_demo.tools.core_tests --model $(STREAM).tflite; fi
	@$(STH) arm64-setup && $(STH) arm64 --checkpoint $(CAUSAL) --json mobile/results/arm64/causal.json \
		$(ART)/sth_mobilenet_v2_causal_*_int8.tflite $(ART)/sth_mobilenet_v2_causal_*_int8.pte
	@$(STH) parity --checkpoint $(CAUSAL) --clips rendered_stream:216:77 --arm64 mobile/results/arm64/causal.json --apps $$(ls build/golden/*.json 2>/dev/null) --json mobile/results/parity_stream.json \
		$(ART)/sth_mobilenet_v2_causal_*_int8.tflite $(ART)/sth_mobilenet_v2_causal_*_int8.pte $(ART)/sth_mobilenet_v2_causal_*_int8.mlpackage
	@$(STH) score-events --model $(STREAM).tflite --streams rendered:60:9 --json mobile/results/events.json --plot mobile/results/events.png
	@$(STH) state-cost --json mobile/results/states.json
	@$(STH) latency --mode stream --against tsn clip --json mobile/results/latency_stream.json

clean:  ## remove what the commands above made, but for .venv and runs
	rm -rf build .pytest_cache .mypy_cache .ruff_cache
