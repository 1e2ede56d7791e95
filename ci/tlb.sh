#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# TLB maintenance in the CI of a tree that is not this one: Linux, Xen, a hypervisor, a Rust kernel. For any CI that runs a
# shell; ci/action.yml and ci/gitlab.yml call it.
#
#   ci/tlb.sh review     the commits of a branch: each judged, and where they end
#   ci/tlb.sh scan       the whole tree; with a baseline, only what is new fails
#   ci/tlb.sh baseline   write that baseline, to be committed
#   ci/tlb.sh check      no stale translation where the architecture forbids it, on the adversary and QEMU if there is one
#   ci/tlb.sh get        only print the path of bench-host, fetched or built
#
# What is said goes to the log; files go to $TLB_OUT. Environment, all optional:
#   TLB_TREE        the tree [default: the working directory]
#   TLB_BASE        the commit that the branch starts from [default: the CI's; else the merge base with origin's HEAD]
#   TLB_HEAD        its last commit [default: HEAD]
#   TLB_OUT         folder for SARIF, Markdown, JSON, JUnit [default: tlb-out]
#   TLB_BASELINE    for scan [default: tlb-baseline.json in the tree, if it is there]
#   TLB_CPUS        for check [default: cortex-a53 cortex-a72 neoverse-n1]
#   TLB_FAIL_ON     insufficient, undecided or never [default: insufficient]
#   TLB_ARGS        further options for bench-host, as words
#   TLB_BENCH_HOST  the program; else the one in PATH; else TLB_CACHE/bench-host; else it is fetched or built into TLB_CACHE
#   TLB_CACHE       [default: ~/.cache/tlb-bench]
#   TLB_RELEASE     URL of a release archive (scripts/dist.sh); TLB_SHA256, which it must have, is required with it
#
# Exit code: bench-host's (bench-host review --help), but 0 for what TLB_FAIL_ON lets pass.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tree=${TLB_TREE:-.}
out=${TLB_OUT:-tlb-out}
cache=${TLB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tlb-bench}

say() { printf 'tlb: %s\n' "$*" >&2; }
die() {
    say "$1"
    exit "${2:-64}"
}

# Prints the path of bench-host.
get() {
    if [ -n "${TLB_BENCH_HOST:-}" ]; then
        command -v "$TLB_BENCH_HOST" || die "TLB_BENCH_HOST is $TLB_BENCH_HOST, and that cannot be run" 4
        return
    fi
    if command -v bench-host; then return; fi
    if [ -x "$cache/bench-host" ]; then
        echo "$cache/bench-host"
        return
    fi
    mkdir -p "$cache"
    if [ -n "${TLB_RELEASE:-}" ]; then
        [ -n "${TLB_SHA256:-}" ] || die "TLB_RELEASE is set, and TLB_SHA256 is not: what is fetched must be what was meant"
        say "fetching $TLB_RELEASE"
        curl --fail --silent --show-error --location --output "$cache/release.tar.gz" "$TLB_RELEASE" ||
            die "cannot fetch $TLB_RELEASE" 4
        echo "$TLB_SHA256  $cache/release.tar.gz" | sha256sum --check --quiet - >&2 ||
            die "$TLB_RELEASE has not the checksum $TLB_SHA256: not used" 4
        tar -xzf "$cache/release.tar.gz" -C "$cache" --strip-components=1
        [ -x "$cache/bench-host" ] || die "$TLB_RELEASE has no bench-host in it" 4
    else
        source=$(dirname "$here")
        [ -f "$source/Cargo.toml" ] || die "no bench-host: set TLB_BENCH_HOST or TLB_RELEASE, or call this script in its own tree" 4
        say "building bench-host: some minutes, once (keep $cache between jobs)"
        rustup target add aarch64-unknown-none >/dev/null 2>&1 || :
        # Everything that cargo says is for the log: the path alone is printed.
        CARGO_TARGET_DIR="$cache/target" cargo build --release --locked --manifest-path "$source/Cargo.toml" --package bench-host >&2 ||
            die "bench-host could not be built" 4
        cp "$cache/target/release/bench-host" "$cache/bench-host"
    fi
    echo "$cache/bench-host"
}

# Prints the commit that the branch starts from.
base() {
    if [ -n "${TLB_BASE:-}" ]; then
        echo "$TLB_BASE"
    elif [ -n "${CI_MERGE_REQUEST_DIFF_BASE_SHA:-}" ]; then
        echo "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
    elif [ -n "${GITHUB_BASE_REF:-}" ]; then
        git -C "$tree" merge-base "origin/$GITHUB_BASE_REF" "$head"
    else
        git -C "$tree" merge-base origin/HEAD "$head"
    fi || die "cannot tell where the branch starts: fetch its history (fetch-depth: 0, GIT_DEPTH: 0), or set TLB_BASE"
}

# Runs bench-host and keeps its exit code in $code.
run() {
    code=0
    # The options are words on purpose.
    # shellcheck disable=SC2086
    "$tool" "$@" ${TLB_ARGS:-} || code=$?
}

# Ends with the exit code that the CI should see.
finish() {
    case "$1:${TLB_FAIL_ON:-insufficient}" in
    0:*) exit 0 ;;
    1:never | 2:never) say "found something (exit code $1); TLB_FAIL_ON=never lets it pass" ;;
    2:insufficient) say "not everything could be decided: read it; TLB_FAIL_ON=undecided would fail here" ;;
    *:insufficient | *:undecided | *:never) exit "$1" ;;
    *) die "TLB_FAIL_ON is ${TLB_FAIL_ON:-}: insufficient, undecided or never" ;;
    esac
    exit 0
}

# GitHub shows Markdown on the job's page, and takes annotations from a log by a matcher: data is never a command to it.
publish() {
    if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$1" ]; then cat "$1" >>"$GITHUB_STEP_SUMMARY"; fi
}
annotate() {
    if [ "${GITHUB_ACTIONS:-}" = true ]; then
        echo "::add-matcher::$here/matcher.json"
        # Nothing in it begins with two colons: each line begins with a path.
        sed 's/^::/ ::/' "$1"
        echo "::remove-matcher owner=tlb::"
    else
        cat "$1"
    fi
}

what=${1:-}
case "$what" in
get)
    get
    exit
    ;;
review | scan | baseline | check) ;;
*)
    sed -n '/^#   ci/,/^set/ s/^# \{0,1\}//p' "$0" >&2
    exit 64
    ;;
esac
tool=$(get)
head=${TLB_HEAD:-HEAD}
mkdir -p "$out"

case "$what" in
review)
    range=$(base)..$head
    say "reviewing $range"
    run review --git "$tree" "$range" --tree "$tree" --format sarif >"$out/review.sarif"
    [ "$code" -le 2 ] || finish "$code"
    run review --git "$tree" "$range" --tree "$tree" --format markdown >"$out/review.md"
    run review --git "$tree" "$range" --tree "$tree" --format line >"$out/review.txt"
    run review --git "$tree" "$range" --tree "$tree"
    publish "$out/review.md"
    annotate "$out/review.txt"
    ;;
baseline)
    run scan --json "$tree" >"${TLB_BASELINE:-$tree/tlb-baseline.json}"
    [ "$code" -le 2 ] || finish "$code"
    code=0
    ;;
scan)
    baseline=${TLB_BASELINE:-$tree/tlb-baseline.json}
    if [ -f "$baseline" ]; then
        set -- --baseline "$baseline"
    elif [ -n "${TLB_BASELINE:-}" ]; then
        die "the baseline $baseline is not there: ci/tlb.sh baseline makes it"
    else
        set --
        say "no baseline: everything counts (ci/tlb.sh baseline makes one)"
    fi
    run scan "$@" --format sarif "$tree" >"$out/scan.sarif"
    [ "$code" -le 2 ] || finish "$code"
    run scan "$@" --format line "$tree" >"$out/scan.txt"
    run scan "$@" "$tree"
    annotate "$out/scan.txt"
    ;;
check)
    worst=0
    for cpu in ${TLB_CPUS:-cortex-a53 cortex-a72 neoverse-n1}; do
        run check --cpu "$cpu" --allow-known-bugs --out "$out/check-$cpu" --junit "$out/check-$cpu.xml" \
            --ktap "$out/check-$cpu.ktap" --summary "$out/check-$cpu.md" --litmus "$out/check-$cpu.litmus.txt"
        say "$cpu: exit code $code"
        publish "$out/check-$cpu.md"
        # 1 is a forbidden outcome and counts most; anything else that is not 0 could not decide.
        if [ "$code" -eq 1 ] || [ "$worst" -eq 0 ]; then worst=$code; fi
    done
    code=$worst
    ;;
esac
finish "$code"
