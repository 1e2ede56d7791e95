// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges a sequence: `judge CHANGE REGIME OBSERVERS AFTER [CPU] TEXT`.

use sequences::judge::{After, Change, CpuChoice, Name, Observers, Question, Regime, judge};
use sequences::{Instruction, Sequence};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [change, regime, observers, after, cpu @ .., text] = arguments.as_slice() else {
        panic!("judge CHANGE REGIME OBSERVERS AFTER [CPU] TEXT");
    };
    let mut question = Question::new(
        Change::from_name(change).expect("a change"),
        Regime::from_name(regime).expect("a regime"),
        Observers::from_name(observers).expect("observers"),
        After::from_name(after).expect("what follows"),
    );
    if let [cpu] = cpu {
        question.cpu = CpuChoice::One(cpu.parse().expect("a CPU"));
    }
    let sequence: Sequence = text.parse().expect("a sequence");
    let instructions: Vec<Instruction> = sequence.instructions().collect();
    let start = std::time::Instant::now();
    let judgement = judge(&question, &instructions);
    let time = start.elapsed();
    print!("{judgement}");
    eprintln!("{time:?}");
}
