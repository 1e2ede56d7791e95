// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes made-up raw sample rows to standard output, for `scripts/aggregate-bench.py`.
//!
//! `raw_rows ROWS in-order|shuffled [SEED]`: columns run, seq, pe, iter, cycles; 40 sequences on 4 PEs, about 8,100
//! different values in each of the 160 groups. In order means as a kernel would send them: batches of 2,000 of one
//! group, the groups taking turns. Shuffled means that every row is of any group.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use stats::bootstrap::SplitMix64;

const SEQUENCES: u64 = 40;
const PES: u64 = 4;
const GROUPS: u64 = SEQUENCES * PES;
const BATCH: u64 = 2000;
/// Half the width of the distribution of values.
const HALF: u64 = 4050;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows = arguments.first().and_then(|rows| rows.parse::<u64>().ok());
    let shuffled = match arguments.get(1).map(String::as_str) {
        Some("in-order") => Some(false),
        Some("shuffled") => Some(true),
        _ => None,
    };
    let seed = arguments.get(2).map_or(Ok(1), |seed| seed.parse());
    let (Some(rows), Some(shuffled), Ok(seed)) = (rows, shuffled, seed) else {
        eprintln!("usage: raw_rows ROWS in-order|shuffled [SEED]");
        return ExitCode::from(64);
    };
    match write(rows, shuffled, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write to standard output: {error}");
            ExitCode::from(5)
        }
    }
}

fn write(rows: u64, shuffled: bool, seed: u64) -> io::Result<()> {
    let mut random = SplitMix64::new(seed);
    let mut out = BufWriter::with_capacity(1 << 18, io::stdout().lock());
    let mut done = [0_u64; GROUPS as usize];
    writeln!(out, "run,seq,pe,iter,cycles")?;
    for row in 0..rows {
        let group = if shuffled {
            random.below(GROUPS)
        } else {
            row / BATCH % GROUPS
        };
        let iteration = &mut done[group as usize];
        let (sequence, pe) = (group / PES, group % PES);
        let cycles = 3000 + 217 * sequence + 31 * pe + random.below(HALF) + random.below(HALF);
        writeln!(out, "r1,linux_arm64_{sequence:02},{pe},{iteration},{cycles}")?;
        *iteration += 1;
    }
    out.flush()
}
