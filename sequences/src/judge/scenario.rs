// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs that decide a question.
//!
//! Page `x` stands for whatever was changed, with the old descriptor valid and possibly in every TLB. PE 0 changes the
//! descriptor, runs the sequence, and goes on as the question says; where other PEs may hold the entry, PE 1 acts on a
//! message from PE 0. The sequence is unsafe if a final state shows that `x` was used as it was before the change.

use super::budget::{Budget, Key};
use super::context::{coverage_at, is_switch, switches};
use super::judgement::Step;
use super::question::{Change, Level, Question, Stage};
use super::shape::{Shape, Strict, shapes};
use super::symbol::{ALIAS, FLAG, X};
use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::machine::{
    Acquire, Attribute, Descriptor, Event, Explorer, FaultHandling, HardwareUpdates, MachineError, Op, Outcome, Pages,
    Placement, Program, REGISTERS, Rules, State, Thread, TlbiTarget, Value, Walkers,
};
use crate::tlbi::Scope;
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

/// What the exploration says.
pub(super) enum Decision {
    Safe,
    /// With the interleaving that shows it.
    Unsafe(Vec<Step>),
}

/// Decides a question by exploration, with a counterexample.
pub(super) fn decide(question: &Question, sequence: &[Instruction], budget: &Budget) -> Result<Decision, MachineError> {
    let strict = Strict::of(question.reading);
    for shape in shapes(question) {
        if shape_is_safe(question, sequence, shape, strict, budget)? {
            continue;
        }
        let program = program(question, sequence, shape, strict)?;
        return Ok(Decision::Unsafe(
            match counterexample(question, &program, shape, budget) {
                Some(trace) => super::narrate::narrate(question, sequence, &program, &trace),
                None => vec![Step {
                    pe: 0,
                    text: "(the interleaving was not written down: too many states)".into(),
                }],
            },
        ));
    }
    Ok(Decision::Safe)
}

/// Returns a shortest interleaving that uses the old translation, or any where the shortest is out of reach.
fn counterexample(question: &Question, program: &Program, shape: Shape, budget: &Budget) -> Option<Vec<Event>> {
    let stale = |state: &State| is_stale(question, program, state, shape);
    let find = |told: bool, reduced: bool| {
        budget.spend_share(4, |limits| {
            let mut explorer = Explorer::new(program, limits);
            explorer = if told { explorer.told_to_the_end() } else { explorer };
            explorer = if reduced { explorer.reduced() } else { explorer };
            let found = explorer.find(stale)?;
            Ok((found.states, found.trace))
        })
    };
    // Nothing waits for a fetch: its story would end before the invalidation that comes too late.
    let told = match shape {
        Shape::FetchHere => find(true, false).ok().flatten(),
        _ => None,
    };
    let shortest = || find(false, false).ok().flatten();
    let any = || find(false, true).ok().flatten();
    told.or_else(shortest).or_else(any)
}

/// Decides a question by exploration.
pub(super) fn is_safe(question: &Question, sequence: &[Instruction], budget: &Budget) -> Result<bool, MachineError> {
    is_safe_read(question, sequence, Strict::of(question.reading), budget)
}

/// As [`is_safe`], with a reading of its own.
pub(super) fn is_safe_read(
    question: &Question,
    sequence: &[Instruction],
    strict: Strict,
    budget: &Budget,
) -> Result<bool, MachineError> {
    for shape in shapes(question) {
        if !shape_is_safe(question, sequence, shape, strict, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn shape_is_safe(
    question: &Question,
    sequence: &[Instruction],
    shape: Shape,
    strict: Strict,
    budget: &Budget,
) -> Result<bool, MachineError> {
    let program = program(question, sequence, shape, strict)?;
    // What else of the question the program and its end depend on is in its operations.
    let key = Key {
        operations: (program.threads.iter())
            .flat_map(|thread| thread.ops.iter().copied().filter(|op| *op != Op::Nop))
            .collect(),
        shape,
        strict,
        permissions: question.change == Change::Permissions,
        validates: question.change == Change::Validate,
        recycles: question.change == Change::RecycleContext,
        device: question.device,
        layered: program.layered != Pages::default(),
        ets: (program.rules.ets2, program.rules.ets3),
    };
    if let Some(known) = budget.known(&key) {
        return Ok(known);
    }
    let safe = budget.spend(|limits| {
        let mut stale = false;
        let done = Explorer::new(&program, limits).reduced().for_each_final(|state| {
            stale = is_stale(question, &program, state, shape);
            if stale { Outcome::Stop } else { Outcome::Continue }
        })?;
        Ok((done.states, !stale))
    })?;
    budget.learn(key, safe);
    Ok(safe)
}

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
///
/// # Errors
///
/// There are more invalidations than the machine can tell apart.
pub(super) fn program(
    question: &Question,
    sequence: &[Instruction],
    shape: Shape,
    strict: Strict,
) -> Result<Program, MachineError> {
    program_with(question, sequence, shape, strict, |ops| leave_repeats_out(ops, strict))
}

fn program_with(
    question: &Question,
    sequence: &[Instruction],
    shape: Shape,
    strict: Strict,
    tidy: impl FnOnce(&mut [Op]),
) -> Result<Program, MachineError> {
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
    // Where several registers are written, the change is whole with the last of them that an invalidation follows.
    let first_tlbi = sequence.iter().position(|instruction| instruction.tlbi().is_some());
    let switches_at = |at: &usize| !elsewhere && switches(question, &sequence[*at]);
    let last = (0..first_tlbi.unwrap_or(sequence.len())).rfind(switches_at);
    let switching = last.or_else(|| (0..sequence.len()).find(switches_at));
    let mut ops = vec![match is_switch(question.change) {
        true if switching.is_some() => Op::Nop,
        true => switch,
        false => store(register::DESCRIPTOR, register::TABLE),
    }];
    if elsewhere && is_switch(question.change) {
        ops.push(Op::Isb);
    }
    let start = ops.len();
    ops.extend((0..sequence.len()).map(|at| {
        if switching == Some(at) {
            switch
        } else {
            op(question, sequence, at)
        }
    }));
    tidy(&mut ops[start..]);
    number(&mut ops[start..])?;
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
    Ok(Program {
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
    .prepared())
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

/// Leaves out what the machine sees again before anything can tell.
///
/// A TLBI may take effect on a PE at any time up to the DSB that completes it there. If one that removes the same or more
/// follows before that DSB, the first may take effect together with it: whatever both allow, the later one allows alone.
/// And of two barriers of one kind in a row, the second waits for all that the first does. Without this, every subset
/// of the invalidations is a state.
fn leave_repeats_out(ops: &mut [Op], strict: Strict) {
    for at in (0..ops.len()).rev() {
        let Op::Tlbi { scope, .. } = ops[at] else { continue };
        let mut here = true;
        for later in at + 1..ops.len() {
            match ops[later] {
                Op::Tlbi { .. } if does_all_of(&ops[at], &ops[later], strict) => {
                    match &mut ops[at] {
                        // Complete on this PE already, when the later one does the rest.
                        Op::Tlbi { scope, .. } if !here => *scope = Scope::Local,
                        op => *op = Op::Nop,
                    }
                    break;
                }
                Op::Dsb(barrier) if barrier.access == Access::All => {
                    // With the strict reading one that is too narrow waits for nothing.
                    let narrow = barrier.domain < Domain::covering(scope);
                    match (narrow, strict.completion) {
                        (true, true) => {}
                        (true, false) if barrier.domain == Domain::NonShareable => here = false,
                        _ => break,
                    }
                }
                Op::DsbNxs(_) => break,
                _ => {}
            }
        }
    }
    let mut last = None;
    for op in ops.iter_mut().filter(|op| **op != Op::Nop) {
        if matches!(op, Op::Dsb(_) | Op::DsbNxs(_) | Op::Dmb(_) | Op::Isb) && last == Some(*op) {
            *op = Op::Nop;
        } else {
            last = Some(*op);
        }
    }
}

/// Returns whether one TLBI does all that another does, and a DSB that waits for the other waits for it.
fn does_all_of(less: &Op, more: &Op, strict: Strict) -> bool {
    let (
        Op::Tlbi {
            scope,
            nxs,
            target: TlbiTarget::Pages(pages),
            layers,
            ..
        },
        Op::Tlbi {
            scope: wider,
            nxs: also_nxs,
            target: TlbiTarget::Pages(more),
            layers: deeper,
            ..
        },
    ) = (less, more)
    else {
        return false;
    };
    let reaches = if strict.completion {
        scope == wider
    } else {
        scope <= wider
    };
    reaches && nxs == also_nxs && pages.0 & !more.0 == 0 && layers.leaf <= deeper.leaf && layers.upper <= deeper.upper
}

/// Numbers the TLBIs that are left.
fn number(ops: &mut [Op]) -> Result<(), MachineError> {
    const LIMIT: u8 = 32;
    let mut next = 0;
    for op in ops {
        if let Op::Tlbi { id, .. } = op {
            if next == LIMIT {
                return Err(MachineError::TooManyInvalidations {
                    limit: usize::from(LIMIT),
                });
            }
            *id = next;
            next += 1;
        }
    }
    Ok(())
}

/// Translates an instruction of the sequence; its TLBIs have no numbers yet.
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
                id: 0,
                scope: tlbi.op.scope(),
                nxs: tlbi.op.is_nxs(),
                target: TlbiTarget::Pages(pages),
                layers: covered.layers,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Strict, is_safe_read, is_stale, program_with, shapes};
    use crate::instruction::Instruction;
    use crate::judge::{After, Budget, Change, Observers, Question, Regime, Stage};
    use crate::machine::{Explorer, Limits, Outcome};
    use crate::sequence::Sequence;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn instructions(text: &str) -> Vec<Instruction> {
        let sequence: Sequence = text.parse().unwrap();
        sequence.instructions().collect()
    }

    /// Decides by every order of events, of every instruction.
    fn in_full(question: &Question, sequence: &[Instruction], strict: Strict) -> bool {
        shapes(question).into_iter().all(|shape| {
            let program = program_with(question, sequence, shape, strict, |_| {}).unwrap();
            let mut stale = false;
            Explorer::new(&program, Limits::default())
                .for_each_final(|state| {
                    stale = is_stale(question, &program, state, shape);
                    if stale { Outcome::Stop } else { Outcome::Continue }
                })
                .unwrap();
            !stale
        })
    }

    #[test]
    fn what_is_left_out_makes_no_difference() {
        const PARTS: [&str; 10] = [
            "dsb ishst",
            "dsb nsh",
            "dsb ish",
            "isb",
            "tlbi vmalle1is",
            "tlbi vmalle1",
            "tlbi vale1is, {va}",
            "tlbi ipas2e1is, {ipa}",
            "tlbi vmalls12e1is",
            "dsb ishnxs",
        ];
        let ask = |change, stage, after| {
            let mut question = Question::new(change, Regime::El10, Observers::Inner, after);
            question.stage = stage;
            question
        };
        let questions = [
            ask(Change::Invalidate, Stage::One, After::DataHere),
            ask(Change::Invalidate, Stage::Two, After::PageReuse),
        ];
        // Every seventh of all sequences of four parts between barriers, by a stride that has nothing to do with their number.
        let mut text = String::new();
        let mut verdicts = [0; 2];
        for number in (0..PARTS.len().pow(4)).step_by(7) {
            text.clear();
            let mut digits = number;
            for _ in 0..4 {
                text += PARTS[digits % PARTS.len()];
                text += "; ";
                digits /= PARTS.len();
            }
            let sequence = instructions(&format!("dsb ishst; {text}tlbi vmalls12e1is; dsb ish"));
            let short = instructions(&format!("{text}dsb ish"));
            for sequence in [sequence, short] {
                for question in &questions {
                    for (completion, store) in [(false, false), (true, true)] {
                        let strict = Strict { completion, store };
                        let found = is_safe_read(question, &sequence, strict, &Budget::default());
                        assert_eq!(found, Ok(in_full(question, &sequence, strict)), "{text} {question:?}");
                        verdicts[usize::from(found == Ok(true))] += 1;
                    }
                }
            }
        }
        assert!(verdicts.iter().all(|count| *count > 1000), "{verdicts:?}");
    }

    #[test]
    fn repeats_cost_nothing_more() {
        let question = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse);
        let cost = |text: &str| {
            let budget = Budget::default();
            let strict = Strict::of(question.reading);
            assert_eq!(
                is_safe_read(&question, &instructions(text), strict, &budget),
                Ok(true),
                "{text}"
            );
            budget.states() - budget.left()
        };
        let once = cost("dsb ishst; tlbi vmalle1is; dsb ish");
        for pair in [
            "dsb ishst; tlbi vmalle1is; ",
            "dsb ishst; tlbi vale1is, {va}; tlbi vae1is, {va}; ",
        ] {
            assert!(
                cost(&format!("{}tlbi vmalle1is; dsb ish", pair.repeat(30))) <= 2 * once,
                "{pair}"
            );
        }
    }
}
