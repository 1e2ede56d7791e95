// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes a made-up run and its report, to look at: `cargo run --example synthetic_report -- FOLDER [KIND]`, with KIND
//! `exact`, `noisy`, `damaged`, `many` or `smp`.

use std::path::PathBuf;

use report::terminal;

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

use synthetic::Synthetic;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder to write to"));
    let noisy = Synthetic {
        deterministic: false,
        ..Synthetic::default()
    };
    let run = match arguments.next().as_deref().unwrap_or("exact") {
        "exact" => Synthetic::default(),
        "noisy" => noisy,
        "damaged" => Synthetic { damaged: true, ..noisy },
        "many" => Synthetic { more: 47, ..noisy },
        "smp" => Synthetic { pes: 2, ..noisy },
        other => panic!("unknown kind {other}"),
    };
    run.write(&folder);
    let summary = bench_host::aggregate::aggregate(&folder).expect("a run just written");
    let paths = report::write_reports(&folder, &summary).expect("a folder just written to");
    print!("{}", terminal::render(&summary, terminal::WIDTH));
    println!("\n{}", paths.html.display());
}
