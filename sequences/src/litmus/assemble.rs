// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program of a test: initial values, and which tables may be written.

use super::condition::Final;
use super::error::{LitmusError, LitmusErrorKind};
use super::names::{Location, Names};
use crate::machine::{Descriptor, Op, Page, Pages, Program, Rules, Source, Symbol, Thread, Value, Walkers};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Puts a program together.
pub(super) fn assemble(
    rules: Rules,
    mut threads: Vec<Thread>,
    entries: &[(Location, Value)],
    names: &mut Names,
    condition: &Final,
) -> Result<Program, LitmusError> {
    let count = names.len();
    let mut frames = vec![Value::Int(0); count];
    let mut tables = Vec::with_capacity(count);
    for symbol in 0..count {
        tables.push(names.descriptor(Descriptor::mapping(Symbol(symbol as u8)), 0)?);
    }
    let count_of_threads = threads.len();
    let known = |thread: u8| {
        (usize::from(thread) < count_of_threads)
            .then_some(())
            .ok_or_else(|| LitmusErrorKind::Label(format!("P{thread}")).at(0))
    };
    for location in &condition.locations {
        if let Location::Register(thread, _) = location {
            known(*thread)?;
        }
    }
    for (location, value) in entries {
        match (location, value) {
            (Location::Register(thread, register), value) => {
                known(*thread)?;
                threads[usize::from(*thread)].registers[usize::from(*register)] = *value;
            }
            (Location::Frame(symbol), value) => frames[usize::from(symbol.0)] = *value,
            (Location::Table(symbol), Value::Descriptor(index)) => tables[usize::from(symbol.0)] = *index,
            (Location::Table(_), _) => return Err(LitmusErrorKind::Missing("descriptor for a table").at(0)),
        }
    }
    let written = written(&threads, &frames);
    Ok(Program {
        threads,
        descriptors: names.descriptors.clone(),
        frames,
        tables,
        written,
        layered: Pages::default(),
        recycled: Pages::default(),
        walkers: Walkers::default(),
        rules,
    }
    .prepared())
}

/// Returns the pages whose descriptor may be stored to: their table address is the base of a store, or is passed on
/// through memory or a register.
fn written(threads: &[Thread], frames: &[Value]) -> Pages {
    let mut pages = Pages::default();
    let mut add = |value: Value| {
        if let Value::Table(page) = value {
            pages.0 |= Pages::one(page as Page).0;
        }
    };
    frames.iter().for_each(|value| add(*value));
    for thread in threads {
        for op in &thread.ops {
            let used = match *op {
                Op::Store { from, base, .. } => [Some(base), Some(from)],
                Op::Alu { a, b, .. } => [a, b].map(|source| match source {
                    Source::Register(register) => Some(register),
                    Source::Immediate(_) => None,
                }),
                _ => [None, None],
            };
            for register in used.into_iter().flatten() {
                add(thread.registers[usize::from(register)]);
            }
        }
    }
    pages
}
