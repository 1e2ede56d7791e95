// SPDX-License-Identifier: MIT OR Apache-2.0
//! A counterexample in words.

use super::context::is_switch;
use super::judgement::Step;
use super::question::{Change, Question};
use super::symbol::{ALIAS, FLAG, X, sequence_index};
use crate::instruction::Instruction;
use crate::machine::{Event, Op, Program, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Tells the events of a trace, beginning with what the TLBs hold.
pub(super) fn narrate(question: &Question, sequence: &[Instruction], program: &Program, trace: &[Event]) -> Vec<Step> {
    let mut steps = Vec::new();
    let holder = trace.iter().rev().find_map(|event| match event {
        Event::Walk {
            thread,
            page,
            descriptor: 0,
            stale: true,
            ..
        } if *page == X => Some(*thread),
        _ => None,
    });
    if let Some(pe) = holder {
        steps.push(Step {
            pe,
            text: "the TLB holds the old translation".to_string(),
        });
    }
    for event in trace {
        let (pe, text) = tell(question, sequence, program, event);
        steps.push(Step { pe, text });
    }
    let end = match (question.change, program.threads.len()) {
        (Change::Validate, _) => "the access faults although the entry is valid",
        (_, 1) => "the sequence has ended, and the old translation was used after it",
        _ => "the old translation was used after the sequence had ended on PE 0",
    };
    let pe = (program.threads.len() - 1) as u8;
    steps.push(Step {
        pe,
        text: end.to_string(),
    });
    steps
}

fn tell(question: &Question, sequence: &[Instruction], program: &Program, event: &Event) -> (u8, String) {
    let frames = program.frames.len();
    match *event {
        Event::Walk {
            thread,
            pc,
            descriptor,
            stale,
            ..
        } => {
            let what = match program.threads[usize::from(thread)].ops[usize::from(pc)] {
                Op::Fetch(_) => "the instruction fetch",
                Op::Store { .. } => "the store",
                _ => "the load",
            };
            let text = match (descriptor, stale) {
                (0, true) => format!("{what} is translated by the old entry in the TLB"),
                (0, false) => format!("{what} is translated: the walk reads the old descriptor"),
                _ => format!("{what} is translated: the walk reads the new descriptor"),
            };
            (thread, text)
        }
        Event::Load {
            thread,
            value,
            location,
            ..
        } => (
            thread,
            match (usize::from(location), value) {
                (at, Value::Int(1)) if at == usize::from(FLAG.0) => "receives the message".to_string(),
                (at, _) if at == usize::from(FLAG.0) => "finds no message yet".to_string(),
                (at, Value::Int(value)) if at == usize::from(X.0) && thread == 0 && program.threads.len() > 1 => {
                    format!("reads {value} from the frame")
                }
                _ => "the load is satisfied from the old frame".to_string(),
            },
        ),
        Event::Store {
            thread,
            pc,
            location,
            value,
            ..
        } => {
            let at = usize::from(location);
            let text = if at >= frames {
                match question.change {
                    change if is_switch(change) => "the register write takes effect".to_string(),
                    _ => "the descriptor store reaches memory, where every walker sees it".to_string(),
                }
            } else if at == usize::from(FLAG.0) {
                "sends the message".to_string()
            } else if through_alias(program, thread, pc) {
                "the new owner of the frame stores to it".to_string()
            } else {
                match value {
                    Value::Int(value) => format!("stores {value} through the old translation"),
                    _ => "stores through the old translation".to_string(),
                }
            };
            (thread, text)
        }
        Event::Update { by, .. } => {
            let thread = by.map_or(0, |(thread, _)| thread);
            (thread, "the walker writes the descriptor back".to_string())
        }
        Event::Fault { thread, .. } => (thread, "the access takes a translation fault".to_string()),
        Event::Invalidate { thread, pc, on } => {
            let name = sequence_index(pc, sequence).map_or(String::new(), |at| sequence[at].to_string());
            (thread, format!("`{name}` takes effect on PE {on}"))
        }
    }
}

fn through_alias(program: &Program, thread: u8, pc: u16) -> bool {
    let thread = &program.threads[usize::from(thread)];
    matches!(thread.ops[usize::from(pc)], Op::Store { base, .. }
        if thread.registers[usize::from(base)] == Value::Address(ALIAS))
}
