// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program of a test: initial values, and which tables may be written.

use super::condition::Final;
use super::error::{LitmusError, LitmusErrorKind};
use super::names::{Location, Names};
use crate::machine::{
    Alu, Atomic, Descriptor, HardwareUpdates, Op, Page, Pages, Program, Rules, Source, Symbol, Thread, Value, Walkers,
    bits,
};
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
    let mut elements: Vec<(Symbol, u16, Value)> = names
        .elements
        .iter()
        .map(|(symbol, offset)| (*symbol, *offset, Value::Int(0)))
        .collect();
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
            (Location::Element(symbol, offset), value) => {
                let at = names.elements.iter().position(|known| *known == (*symbol, *offset));
                elements[at.ok_or(LitmusErrorKind::Missing("array of this element").at(0))?].2 = *value;
            }
        }
    }
    close(&threads, &frames, names)?;
    let mut written = written(&threads, &frames);
    for (page, index) in tables.iter().enumerate() {
        let descriptor = names.descriptors[usize::from(*index)];
        let managed = threads.iter().map(|thread| thread.updates).max().unwrap_or_default();
        let updated = managed != HardwareUpdates::None && !descriptor.af
            || managed == HardwareUpdates::Dirty && descriptor.dbm && !descriptor.db;
        if descriptor.valid && updated {
            written.0 |= Pages::one(Symbol(page as u8)).0;
        }
    }
    Ok(Program {
        threads,
        descriptors: names.descriptors.clone(),
        frames,
        tables,
        elements,
        written,
        layered: Pages::default(),
        recycled: Pages::default(),
        walkers: Walkers::default(),
        rules,
    }
    .prepared())
}

/// Adds the descriptors that walkers and calculations can make of the ones the test names.
fn close(threads: &[Thread], frames: &[Value], names: &mut Names) -> Result<(), LitmusError> {
    let managed = threads.iter().map(|thread| thread.updates).max().unwrap_or_default();
    let calculates = threads.iter().flat_map(|thread| &thread.ops).any(|op| {
        matches!(
            op,
            Op::Alu {
                op: Alu::Or | Alu::BitClear,
                ..
            } | Op::Atomic {
                op: Atomic::Operation(_),
                ..
            }
        )
    });
    let mut masks: Vec<i64> = Vec::new();
    if calculates {
        let registers = threads.iter().flat_map(|thread| thread.registers.iter().copied());
        let immediates = threads.iter().flat_map(|thread| &thread.ops).flat_map(|op| match *op {
            Op::Alu { a, b, .. } => [a, b],
            _ => [Source::Immediate(0); 2],
        });
        let immediates = immediates.map(|source| match source {
            Source::Immediate(value) => Value::Int(value),
            _ => Value::Int(0),
        });
        let shifted = threads
            .iter()
            .flat_map(|thread| &thread.ops)
            .filter_map(|op| match *op {
                Op::Alu {
                    op: Alu::ShiftLeft,
                    b: Source::Immediate(by),
                    ..
                } => u32::try_from(by)
                    .ok()
                    .and_then(|by| 1_i64.checked_shl(by))
                    .map(Value::Int),
                _ => None,
            });
        let registers = registers.chain(shifted);
        for value in registers.chain(immediates).chain(frames.iter().copied()) {
            if let Value::Int(mask) = value
                && bits::ALL.contains(&mask)
                && !masks.contains(&mask)
            {
                masks.push(mask);
            }
        }
    }
    let mut at = 0;
    while at < names.descriptors.len() {
        let descriptor = names.descriptors[at];
        if managed != HardwareUpdates::None && descriptor.valid {
            names.descriptor(Descriptor { af: true, ..descriptor }, 0)?;
        }
        if managed == HardwareUpdates::Dirty && descriptor.valid && descriptor.dbm {
            let dirty = Descriptor {
                af: true,
                db: true,
                ..descriptor
            };
            names.descriptor(dirty, 0)?;
        }
        for mask in &masks {
            for set in [false, true] {
                if let Some(changed) = descriptor.with_bit(*mask, set) {
                    names.descriptor(changed, 0)?;
                }
            }
        }
        at += 1;
    }
    Ok(())
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
                Op::Store { from, base, .. } | Op::Atomic { from, base, .. } => [Some(base), Some(from)],
                Op::Alu { a, b, .. } | Op::Select { a, b, .. } => [a, b].map(|source| match source {
                    Source::Register(register) => Some(register),
                    Source::Immediate(_) | Source::Code(_) => None,
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
