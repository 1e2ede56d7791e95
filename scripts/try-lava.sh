#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs a job of `bench-host lava` with the real `lava-run` (Debian: lava-dispatcher; needs root) on a QEMU device, and holds
# the number of its test cases against the lines of the console; then takes the job's log into a run and verifies it.
# LAVA_RUN is the command, e.g. "python3 /usr/bin/lava-run". Usage: scripts/try-lava.sh [BENCH_HOST]
set -eu
bench_host=$(realpath "${1:-target/release/bench-host}")
lava_run=${LAVA_RUN:-lava-run}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > device.yaml <<'DEVICE'
available_architectures: [arm64]
actions:
  deploy:
    methods:
      image: {}
  boot:
    connections: {serial: }
    methods:
      qemu:
        parameters:
          command: qemu-system-aarch64
          options:
          - -machine virt,virtualization=on,gic-version=3
          - -cpu cortex-a72
          - -nographic
          - -nic none
DEVICE
"$bench_host" image kernel.img --iterations 1000 --batch 250 --trials 20
"$bench_host" lava --device-type qemu --kernel-url "file://$folder/kernel.img" --out job.yaml
$lava_run --job-id 1 --output-dir out --device device.yaml job.yaml > job.log 2>&1 || { tail -20 job.log; exit 1; }
"$bench_host" collect job.log --out runs > /dev/null
"$bench_host" verify runs/1
count() { grep '"lvl": "results"' job.log | grep -c "\"definition\": \"$1\"" || true; }
lines() { tr -d '\r' < runs/1/console.log | grep -c "^TLB,[0-9]*,$1," || true; }
status=0
for pair in boot:boot proofs:proof checks:verdict run:end; do
    cases=$(count "${pair%:*}")
    expected=$(lines "${pair#*:}")
    echo "${pair%:*}: $cases test cases, $expected lines"
    [ "$cases" -gt 0 ] && [ "$cases" -eq "$expected" ] || status=1
done
exit $status
