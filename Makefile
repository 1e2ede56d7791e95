# SPDX-License-Identifier: MIT OR Apache-2.0
# Every target gets what it needs first (scripts/setup.sh; no-op when all is there).
#
# ARGS goes to bench-host: make run ARGS='--cpu neoverse-n1 --runtime level0'

.DEFAULT_GOAL := help
ARGS ?=
# A QEMU that is not in PATH; also keeps the set-up from installing one.
QEMU ?=
export QEMU
IMAGE ?= target/el2-kernel.img
BENCH_HOST := target/release/bench-host

.PHONY: help run test image bench doctor setup build

help:
	@echo 'make run     boot, measure, check and report in QEMU      ARGS="..." see bench-host run --help; QEMU=PATH'
	@echo 'make test    format, lints, documentation, every test, the kernel in QEMU among them'
	@echo 'make image   write the kernel with its plan to $(IMAGE)   IMAGE=FILE ARGS="..."'
	@echo 'make bench   measure the speed of the tools themselves'
	@echo 'make doctor  what is installed, what is missing, how to get it'

setup:
	@scripts/setup.sh

# Not silent where it takes minutes: cargo says what it compiles, as long as there is anything to compile.
build: setup
	@[ -x $(BENCH_HOST) ] || echo 'building bench-host and the kernel in it; the first time takes some minutes' >&2
	@cargo build --release $(if $(wildcard $(BENCH_HOST)),--quiet) --package bench-host

run: build
	@$(BENCH_HOST) run $(if $(QEMU),--qemu $(QEMU)) $(ARGS)

image: build
	@$(BENCH_HOST) image $(ARGS) $(IMAGE)

doctor: build
	@$(BENCH_HOST) doctor $(if $(QEMU),--qemu $(QEMU))

test: setup
	@scripts/test.sh

bench: setup
	cargo bench --package bench-host $(ARGS)
