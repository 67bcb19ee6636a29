# The Makefile of every layer of our own code, which SAM wants in its folder: run by `sam build` (BuildMethod: makefile) in
# a copy of that. layers/dependencies/Makefile explains the variables.
RUNTIME ?= python3.13
COMPILER ?= $(RUNTIME)
BYTECODE ?= optional

TARGET = $(ARTIFACTS_DIR)/python
IS_RUNTIME := import sys; sys.exit("python%d.%d" % sys.version_info[:2] != "$(RUNTIME)")

# Bytecode alone, without docstrings and columns: less than half the size, and less to read at each cold start.
# A traceback still names file, function and line. (By hash, because a time in it would make each build another one.)
build-CoreLayer build-DeliveryLayer build-ConnectorLayer:
	mkdir -p "$(TARGET)"
	cp -RL jobsprint "$(TARGET)/"
	find "$(TARGET)" -type d -name __pycache__ -prune -exec rm -rf {} +
	@if "$(COMPILER)" -c '$(IS_RUNTIME)' 2>/dev/null; then \
		"$(COMPILER)" -X no_debug_ranges -m compileall -q -b -f -o 2 --invalidation-mode unchecked-hash \
			-s "$(TARGET)" -p /opt/python "$(TARGET)" && find "$(TARGET)" -name '*.py' -delete; \
	else \
		echo "No $(RUNTIME) to compile with: the layer has no bytecode and starts slower." >&2; \
		test "$(BYTECODE)" != required; \
	fi

.PHONY: build-CoreLayer build-DeliveryLayer build-ConnectorLayer
