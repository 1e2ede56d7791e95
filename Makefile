# SPDX-License-Identifier: MIT OR Apache-2.0
# Every target gets what it needs first (scripts/setup.sh; no-op when all is there).
#
# ARGS goes to bench-host: make run ARGS='--cpu neoverse-n1 --runtime level0'

.DEFAULT_GOAL := help
ARGS ?=
IMAGE ?= target/el2-kernel.img
BENCH_HOST := target/release/bench-host

.PHONY: help run test image bench doctor setup build

help:
	@echo 'make run     boot, measure, check and report in QEMU      ARGS="..." see bench-host run --help'
	@echo 'make test    format, lints, documentation, every test, the kernel in QEMU among them'
	@echo 'make image   write the kernel with its plan to $(IMAGE)   IMAGE=FILE ARGS="..."'
	@echo 'make bench   measure the speed of the tools themselves'
	@echo 'make doctor  what is installed, what is missing, how to get it'

setup:
	@scripts/setup.sh

build: setup
	@cargo build --release --quiet --package bench-host

run: build
	@$(BENCH_HOST) run $(ARGS)

image: build
	@$(BENCH_HOST) image $(ARGS) $(IMAGE)

doctor: build
	@$(BENCH_HOST) doctor

test: setup
	@scripts/test.sh

bench: setup
	cargo bench --package bench-host $(ARGS)
