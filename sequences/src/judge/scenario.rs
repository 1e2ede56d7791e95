// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs that decide a question.
//!
//! Page `x` stands for whatever was changed, with the old descriptor valid and possibly in every TLB. PE 0 changes the
//! descriptor, runs the sequence, and goes on as the question says; where other PEs may hold the entry, PE 1 acts on a
//! message from PE 0. The sequence is unsafe if a final state shows that `x` was used as it was before the change.

use super::context::{coverage_at, is_switch, switches};
use super::judgement::Step;
use super::question::{After, Change, Level, Observers, Question, Reading, Stage};
use super::symbol::{ALIAS, FLAG, X};
use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::machine::{
    Acquire, Attribute, Descriptor, Explorer, FaultHandling, HardwareUpdates, Limits, MachineError, Op, Outcome, Pages,
    Placement, Program, REGISTERS, Rules, State, Thread, TlbiTarget, Value, Walkers,
};
use alloc::vec;
use alloc::vec::Vec;

/// The value PE 1 stores through a stale translation.
const STRAY: i64 = 3;

/// The registers of the programs.
mod register {
    pub(super) const TABLE: u8 = 0;
    pub(super) const DESCRIPTOR: u8 = 1;
    pub(super) const X: u8 = 2;
    pub(super) const FLAG: u8 = 3;
    pub(super) const ONE: u8 = 4;
    pub(super) const ALIAS: u8 = 5;
    pub(super) const STRAY: u8 = 6;
    pub(super) const SEEN: u8 = 7;
    pub(super) const RESULT: u8 = 8;
    pub(super) const TWO: u8 = 9;
}

/// What happens after the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// PE 0 accesses `x`; synchronizes its context first where `true`.
    AccessHere(bool),
    /// PE 0 fetches from `x`.
    FetchHere,
    /// PE 1 accesses `x` after PE 0's message.
    Message(Placement),
    /// PE 0 uses the frame under another address, while PE 1 stores to `x`.
    Reuse(Placement),
}

/// What the exploration says.
pub(super) enum Decision {
    Safe,
    /// With the interleaving that shows it.
    Unsafe(Vec<Step>),
}

/// Returns the shapes that together answer a question.
fn shapes(question: &Question) -> Vec<Shape> {
    let mut shapes = vec![match question.after {
        After::DataHere => Shape::AccessHere(false),
        After::FetchHere => Shape::FetchHere,
        After::AccessElsewhere | After::PageReuse | After::Nothing => Shape::AccessHere(true),
    }];
    for (observers, placement) in [
        (Observers::Inner, Placement::Inner),
        (Observers::Outer, Placement::Outer),
    ] {
        // A switch to a context that has no stale entries is this PE's own affair, and so are its tables. One that was in use before may have
        // them on every PE that may hold the entry, and those PEs may switch to it too.
        if question.observers < observers || matches!(question.change, Change::SwitchContext | Change::ReplaceTables) {
            continue;
        }
        shapes.push(Shape::Message(placement));
        if question.after == After::PageReuse && question.change != Change::Validate {
            shapes.push(Shape::Reuse(placement));
        }
    }
    shapes
}

/// Decides a question by exploration, with a counterexample.
pub(super) fn decide(question: &Question, sequence: &[Instruction]) -> Result<Decision, MachineError> {
    for shape in shapes(question) {
        let program = program(question, sequence, shape, Strict::of(question.reading));
        let stale = |state: &State| is_stale(question, &program, state, shape);
        let found = Explorer::new(&program, LIMITS).find(stale)?;
        if let Some(mut trace) = found.trace {
            // Nothing waits for a fetch: its story would end before the invalidation that comes too late.
            if shape == Shape::FetchHere {
                let whole = Explorer::new(&program, LIMITS).told_to_the_end().find(stale)?;
                trace = whole.trace.unwrap_or(trace);
            }
            return Ok(Decision::Unsafe(super::narrate::narrate(
                question, sequence, &program, &trace,
            )));
        }
    }
    Ok(Decision::Safe)
}

/// Which of the two passages are read strictly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strict {
    pub(super) completion: bool,
    pub(super) store: bool,
}

impl Strict {
    const fn of(reading: Reading) -> Self {
        let strict = matches!(reading, Reading::Strict);
        Self {
            completion: strict,
            store: strict,
        }
    }
}

/// Decides a question by exploration.
pub(super) fn is_safe(question: &Question, sequence: &[Instruction]) -> Result<bool, MachineError> {
    is_safe_read(question, sequence, Strict::of(question.reading))
}

/// As [`is_safe`], with a reading of its own.
pub(super) fn is_safe_read(
    question: &Question,
    sequence: &[Instruction],
    strict: Strict,
) -> Result<bool, MachineError> {
    for shape in shapes(question) {
        let program = program(question, sequence, shape, strict);
        let mut stale = false;
        Explorer::new(&program, LIMITS).for_each_final(|state| {
            stale = is_stale(question, &program, state, shape);
            if stale { Outcome::Stop } else { Outcome::Continue }
        })?;
        if stale {
            return Ok(false);
        }
    }
    Ok(true)
}

const LIMITS: Limits = Limits { states: 200_000 };

fn is_stale(question: &Question, program: &Program, state: &State, shape: Shape) -> bool {
    let observer = usize::from(matches!(shape, Shape::Message(_) | Shape::Reuse(_)));
    let faulted = state.faults(program).any(|fault| usize::from(fault.thread) == observer);
    // A new mapping must not fault; an old one must.
    let stale = faulted == (question.change == Change::Validate);
    match shape {
        Shape::AccessHere(_) | Shape::FetchHere => stale,
        Shape::Message(_) => stale && state.register(program, 1, register::SEEN) == Value::Int(1),
        Shape::Reuse(_) => stale && state.register(program, 0, register::RESULT) == Value::Int(STRAY),
    }
}

/// Builds the program of a shape.
pub(super) fn program(question: &Question, sequence: &[Instruction], shape: Shape, strict: Strict) -> Program {
    let writes = question.change == Change::Permissions;
    let mut old = Descriptor::mapping(X);
    let mut new = old;
    if question.device {
        old.attribute = Attribute::XS;
    }
    match question.change {
        Change::Validate => old.valid = false,
        // The permission that matters to a fetch is that to execute: to it, an entry without is an invalid one.
        Change::Permissions if shape != Shape::FetchHere => new.db = false,
        _ => new.valid = false,
    }
    let access = |to: &mut Vec<Op>| {
        to.push(if writes {
            store(register::STRAY, register::X)
        } else {
            load(register::RESULT, register::X)
        });
    };
    let switch = Op::SetContext {
        page: X,
        descriptor: 1,
        stale: question.change == Change::ReplaceTables,
    };
    // A register is its PE's own: what another PE walks by does not wait for the write of this one.
    let elsewhere = matches!(shape, Shape::Message(_) | Shape::Reuse(_));
    let by_sequence = !elsewhere && sequence.iter().any(|instruction| switches(question, instruction));
    let mut ops = vec![match is_switch(question.change) {
        true if by_sequence => Op::Nop,
        true => switch,
        false => store(register::DESCRIPTOR, register::TABLE),
    }];
    if elsewhere && is_switch(question.change) {
        ops.push(Op::Isb);
    }
    let start = ops.len();
    ops.extend(sequence.iter().enumerate().map(|(at, instruction)| {
        if by_sequence && switches(question, instruction) {
            switch
        } else {
            op(question, sequence, at)
        }
    }));
    leave_repeats_out(&mut ops[start..]);
    match shape {
        Shape::AccessHere(synchronize) => {
            if synchronize {
                ops.push(Op::Isb);
            }
            access(&mut ops);
        }
        Shape::FetchHere => ops.push(Op::Fetch(X)),
        Shape::Message(_) => ops.push(store(register::ONE, register::FLAG)),
        Shape::Reuse(_) => {
            ops.push(store(register::TWO, register::ALIAS));
            ops.push(load(register::RESULT, register::ALIAS));
        }
    }
    ops.push(Op::End);
    let mut threads = vec![thread(ops, Placement::Inner)];
    if let Shape::Message(placement) | Shape::Reuse(placement) = shape {
        let mut ops = Vec::new();
        if let Shape::Message(_) = shape {
            let loads = Barrier {
                domain: Domain::FullSystem,
                access: Access::Loads,
            };
            ops.push(load(register::SEEN, register::FLAG));
            if question.change == Change::RecycleContext {
                // It switches to the context that the message names, and synchronizes its own context.
                ops.extend([Op::Dsb(loads), Op::Isb]);
            } else {
                ops.push(Op::Dmb(loads));
            }
            access(&mut ops);
        } else {
            ops.push(store(register::STRAY, register::X));
        }
        ops.push(Op::End);
        threads.push(thread(ops, placement));
    }
    let layered = question.stage == Stage::Two || question.level == Some(Level::Table);
    Program {
        threads,
        descriptors: vec![old, new, Descriptor::mapping(FLAG), Descriptor::mapping(X)],
        frames: vec![Value::Int(0); 3],
        // The alias maps the frame whatever becomes of `x`.
        tables: vec![0, 3, 2],
        elements: Vec::new(),
        written: Pages::one(X),
        layered: if layered { Pages::one(X) } else { Pages::default() },
        recycled: if question.change == Change::RecycleContext {
            Pages::one(X)
        } else {
            Pages::default()
        },
        walkers: Walkers::default(),
        rules: Rules {
            ets2: question.architecture.ets2,
            ets3: question.architecture.ets3,
            dsb_domain: true,
            strict_completion: strict.completion,
            strict_store: strict.store,
            faults: FaultHandling::Fatal,
            ..Rules::default()
        },
    }
    .prepared()
}

fn thread(ops: Vec<Op>, placement: Placement) -> Thread {
    let mut registers = [Value::Int(0); REGISTERS];
    registers[usize::from(register::TABLE)] = Value::Table(X);
    registers[usize::from(register::DESCRIPTOR)] = Value::Descriptor(1);
    registers[usize::from(register::X)] = Value::Address(X);
    registers[usize::from(register::FLAG)] = Value::Address(FLAG);
    registers[usize::from(register::ONE)] = Value::Int(1);
    registers[usize::from(register::TWO)] = Value::Int(2);
    registers[usize::from(register::STRAY)] = Value::Int(STRAY);
    registers[usize::from(register::ALIAS)] = Value::Address(ALIAS);
    Thread {
        ops,
        handler: None,
        registers,
        placement,
        user: false,
        updates: HardwareUpdates::None,
    }
}

const fn load(to: u8, base: u8) -> Op {
    Op::Load {
        to,
        base,
        index: None,
        acquire: Acquire::No,
    }
}

const fn store(from: u8, base: u8) -> Op {
    Op::Store {
        from,
        base,
        index: None,
        release: false,
    }
}

/// Leaves out a TLBI that the machine sees again before anything orders the two.
///
/// Each may take effect at any time up to the DSB that completes it, so whatever both allow, the last one allows alone: the
/// first may take effect together with it. Without this, every subset of them is a state.
fn leave_repeats_out(ops: &mut [Op]) {
    let plain = |op: &Op| {
        let mut plain = *op;
        match &mut plain {
            Op::Tlbi { id, .. } => *id = 0,
            _ => return None,
        }
        Some(plain)
    };
    for at in 0..ops.len() {
        let run = ops[at + 1..]
            .iter()
            .take_while(|op| matches!(op, Op::Tlbi { .. } | Op::Nop));
        let own = plain(&ops[at]);
        if own.is_some() && run.into_iter().any(|later| plain(later) == own) {
            ops[at] = Op::Nop;
        }
    }
}

/// Translates an instruction of the sequence; `at` numbers the TLBIs.
fn op(question: &Question, sequence: &[Instruction], at: usize) -> Op {
    match &sequence[at] {
        Instruction::Dsb(barrier) => Op::Dsb(*barrier),
        Instruction::DsbNxs(domain) => Op::DsbNxs(*domain),
        Instruction::Dmb(barrier) => Op::Dmb(*barrier),
        Instruction::Isb => Op::Isb,
        // A speculation barrier is not a context synchronization event and orders no memory access here.
        // What a register write means for the TLBIs after it is in their coverage.
        Instruction::Sb | Instruction::Nop | Instruction::Msr(..) => Op::Nop,
        Instruction::Tlbi(tlbi) => {
            let covered = coverage_at(question, sequence, at, tlbi);
            let pages = if covered.any() { Pages::one(X) } else { Pages::default() };
            Op::Tlbi {
                id: (at % 32) as u8,
                scope: tlbi.op.scope(),
                nxs: tlbi.op.is_nxs(),
                target: TlbiTarget::Pages(pages),
                layers: covered.layers,
            }
        }
    }
}
