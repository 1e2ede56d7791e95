// SPDX-License-Identifier: MIT OR Apache-2.0
//! Explores the runs of an image from where its checks begin: `explore IMAGE [PES]`. A run fails if a tested sequence sees
//! a stale translation; the shortest schedule that does is printed.

use std::process::ExitCode;

use adversary::{Bound, Explored, Options, explore};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = arguments.first().ok_or("which image?")?;
    let image = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let pes = arguments.get(1).map_or(Ok(1), |pes| pes.parse());
    let options = Options {
        pes: pes.map_err(|error| format!("{error}"))?,
        budget: 1_000_000_000,
        ..Options::default()
    };
    let has = |printed: &[u8], text: &str| String::from_utf8_lossy(printed).contains(text);
    let found = explore(
        &image,
        &options,
        &Bound::default(),
        |printed| has(printed, ",phase,check"),
        stale,
    )
    .map_err(|error| error.to_string())?;
    match found {
        Explored::Fails(schedule) => {
            println!(
                "{} choices make it fail, found in run {}:",
                schedule.deviations, schedule.runs
            );
            schedule.events.iter().for_each(|event| println!("  {event}"));
        }
        Explored::Holds { runs, complete } => println!("holds in {runs} runs (complete: {complete})"),
    }
    Ok(())
}

/// Returns whether a tested sequence saw a stale translation.
fn stale(printed: &[u8]) -> bool {
    let text = String::from_utf8_lossy(printed);
    text.lines().any(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        // TLB, number, outcome, check, sequence, role, PE, stale.
        fields.get(2) == Some(&"outcome") && fields.get(5) == Some(&"test") && fields.get(7) != Some(&"0")
    })
}
