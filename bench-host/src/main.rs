// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures, checks and reviews AArch64 TLB maintenance sequences.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(bench_host::cmd::main().code())
}
