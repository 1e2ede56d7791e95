// SPDX-License-Identifier: MIT OR Apache-2.0
//! Explores litmus tests: `litmus [--ets2] [--herd] [--states] FILE…`.

use sequences::litmus::{Options, Test};
use std::time::Instant;

fn main() {
    let mut options = Options::default();
    let mut states = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--ets2" => options.ets2 = true,
            "--ets3" => options.ets3 = true,
            "--herd" => options.dsb_domain = false,
            "--states" => states = true,
            path => {
                let text = std::fs::read(path).expect("readable file");
                let start = Instant::now();
                let result = Test::parse(&String::from_utf8_lossy(&text)).and_then(|test| test.run(&options));
                let time = start.elapsed();
                match result {
                    Ok(report) if states => print!("{report}"),
                    Ok(report) => println!("{path}\t{}\t{}\t{time:?}", report.observation_line(), report.explored),
                    Err(error) => println!("{path}\trefused\t{error}"),
                }
            }
        }
    }
}
