// SPDX-License-Identifier: MIT OR Apache-2.0
//! Boots an image on the machine: `boot IMAGE [latest|earliest|SEED] [PES] [armv8.0|all|ets2]`. What the guest prints goes
//! to standard output, and how the run ended to standard error.

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use adversary::{Choices, End, Features, Machine, Options};

fn main() -> ExitCode {
    match boot() {
        Ok(End::Off) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn boot() -> Result<End, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = arguments.first().ok_or("which image?")?;
    let image = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let choices = match arguments.get(1).map_or("latest", String::as_str) {
        "latest" => Choices::Latest,
        "earliest" => Choices::Earliest,
        seed => Choices::Random(seed.parse().map_err(|error| format!("{seed}: {error}"))?),
    };
    let pes = arguments.get(2).map_or(Ok(1), |pes| pes.parse());
    let features = match arguments.get(3).map_or("all", String::as_str) {
        "all" => Features::ALL,
        "armv8.0" => Features::ARMV8_0,
        "ets2" => Features {
            ets2: true,
            ..Features::ALL
        },
        other => return Err(format!("{other}: armv8.0, all or ets2?")),
    };
    let options = Options {
        choices,
        features,
        pes: pes.map_err(|error| format!("{error}"))?,
        budget: 20_000_000_000,
    };
    let started = Instant::now();
    let mut machine = Machine::new(&image, &options).map_err(|error| error.to_string())?;
    let mut output = std::io::stdout().lock();
    let end = machine.run(&mut |bytes| output.write_all(bytes).is_ok());
    let (seconds, instructions) = (started.elapsed().as_secs_f64(), machine.counters().instructions);
    let rate = instructions as f64 / seconds / 1e6;
    eprintln!("{end}; {instructions} instructions in {seconds:.2} s: {rate:.1} million a second");
    Ok(end)
}
