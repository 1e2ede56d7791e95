// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in doubt of a sequence whatever its barriers are: by the registers and the stores around it.
//!
//! The judge is asked of translations and their invalidation. Whether a register was in effect when the MMU went on, or an
//! entry could be changed in place, shows in what stands beside the sequence, and seldom for certain.

use crate::extract::event::{Event, Kind};
use crate::extract::names::is_named_after_mmu;
use crate::extract::order::{changes_attributes, repoints};
use crate::extract::write::Write;
use sequences::{ContextRegister, ExceptionLevel, Instruction, Target, TlbiOp};

/// Returns what is in doubt of the sequence whose invalidations are `first` to `last`.
pub(super) fn in_doubt(function: &str, events: &[Event], first: usize, last: usize) -> Option<String> {
    let by_registers = || {
        let Kind::Tlbi(op, _) = events[first].kind else {
            return None;
        };
        root_doubt(op, events, first)
            .or_else(|| late_root_doubt(op, events, first, last))
            .or_else(|| mmu_on_doubt(op, function, events, last))
            .or_else(|| other_mmu_on_doubt(op, events, last))
    };
    (first..=last)
        .find_map(|at| security_doubt(events, at))
        .or_else(by_registers)
        .or_else(|| changes_attributes(events, first))
        .or_else(|| repoints(events, first))
}

/// Returns what is in doubt of an operation for a lower exception level at EL3, where SCR_EL3 is written beside it: that says
/// whether it is defined, and for which Security state it is.
fn security_doubt(events: &[Event], first: usize) -> Option<String> {
    let Kind::Tlbi(op, _) = &events[first].kind else {
        return None;
    };
    let is_write = |event: &Event| matches!(&event.kind, Kind::Sysreg(write) if write.register == "scr_el3");
    let isb = |event: &Event| event.kind == Kind::Barrier(Instruction::Isb);
    if op.level() == ExceptionLevel::El3 {
        return None;
    }
    match events[..first].iter().rposition(is_write) {
        Some(at) if events[at..first].iter().any(isb) => None,
        Some(_) => Some(format!(
            "`tlbi {op}` at EL3 goes by SCR_EL3, and no ISB stands between the write of it and the TLBI"
        )),
        None if events[first..].iter().any(is_write) => Some(format!(
            "`tlbi {op}` at EL3 goes by SCR_EL3, which is written only after it: is it defined, and for the Security state that \
             is meant?"
        )),
        None => None,
    }
}

/// Returns what is in doubt of an invalidation of everything, or by ASID, behind a write of TTBR, or of SCTLR that turns the
/// MMU off, without an ISB between: walks may go by the tables before until the write is synchronized. Where all registers
/// are set up, or the MMU goes on after it, it is off.
fn root_doubt(op: TlbiOp, events: &[Event], first: usize) -> Option<String> {
    let by_asid = op.target() == Target::Asid;
    if !by_asid && !matches!(op.target(), Target::All | Target::Vmall | Target::VmallS12) {
        return None;
    }
    let sets_up = ["tcr", "mair"]
        .iter()
        .all(|prefix| events[..first].iter().any(|event| writes(event, &[prefix])));
    // Tables that are cleaned to memory are made for an MMU that is off.
    let cleaned = events[..first].iter().any(|event| matches!(event.kind, Kind::Cache(_)));
    // What turned it on before, and is not written again, leaves it on.
    let control = |event: &Event| event.control().map(Write::mmu);
    let before = events[..first].iter().rev().find_map(control);
    let goes_on = events[first..].iter().any(|event| writes(event, &["sctlr"]));
    let is_on = before.is_some_and(|mmu| mmu != Some(false)) && !goes_on;
    let is_off = !is_on && (sets_up || cleaned || before.is_some() || goes_on);
    let root = |event: &Event| match &event.kind {
        Kind::Sysreg(write) if write.register.starts_with("ttbr") => {
            (by_asid || !is_off).then(|| write.register.clone())
        }
        // Those of stage 2 fill it for the VMID before, which may be the same.
        Kind::Sysreg(write) if write.register.starts_with("vttbr") => {
            (op.target() == Target::All && op.level() == ExceptionLevel::El1).then(|| write.register.clone())
        }
        // So they go by the registers that say how the tables are walked.
        Kind::Sysreg(write)
            if write
                .context()
                .is_some_and(|register| is_of_walk(register) && register.level() == op.level()) =>
        {
            (!by_asid && !is_off).then(|| write.register.clone())
        }
        Kind::Sysreg(write) if write.register.starts_with("sctlr") && write.mmu() == Some(false) => {
            (!by_asid).then(|| write.register.clone())
        }
        _ => None,
    };
    let at = events[..first].iter().rposition(|event| root(event).is_some())?;
    let ends = |event: &Event| {
        matches!(
            event.kind,
            Kind::Barrier(Instruction::Isb) | Kind::Call(_) | Kind::Return | Kind::ExceptionReturn | Kind::Tlbi(..)
        )
    };
    let register = root(&events[at])?;
    let ask = match by_asid {
        true => "Do those have another ASID?",
        false => "Is the MMU off here, or are they the same?",
    };
    (!events[at..first].iter().any(ends)).then(|| {
        format!(
            "no ISB stands between `msr {register}` and `tlbi {op}`: until the write is synchronized, walks of the tables \
             before can fill the TLB again. {ask}"
        )
    })
}

/// Returns what is in doubt of a flush of everything, for no entry in sight, behind which the root of the tables is written and
/// nothing is invalidated: until then walks by the tables before fill the TLB again. While the MMU is off they do not.
fn late_root_doubt(op: TlbiOp, events: &[Event], first: usize, last: usize) -> Option<String> {
    if !matches!(op.target(), Target::All | Target::Vmall) {
        return None;
    }
    // Registers that are set up together are so before the MMU goes on; a root, or an entry, that is written before is what
    // the flush is for.
    let sets_up = events
        .iter()
        .any(|event| writes(event, &["sctlr", "tcr", "mair", "hcr"]));
    let is_for = events[..first]
        .iter()
        .any(|event| writes(event, &["ttbr"]) || matches!(event.kind, Kind::Store(_) | Kind::Call(_) | Kind::Cache(_)));
    let ends = |event: &&Event| {
        !matches!(
            event.kind,
            Kind::Return | Kind::ExceptionReturn | Kind::Tlbi(..) | Kind::Call(_)
        )
    };
    let is_later = |event: &Event| matches!(&event.kind, Kind::Tlbi(..) | Kind::Call(_));
    let behind = &events[last + 1..];
    let root = behind.iter().take_while(ends).find(|event| writes(event, &["ttbr"]))?;
    let Kind::Sysreg(write) = &root.kind else { return None };
    (!sets_up && !is_for && !behind.iter().any(is_later)).then(|| {
        format!(
            "`{}` is written behind `tlbi {op}`, and nothing is invalidated after that: until then, walks of the tables before \
             can fill the TLB again. Have the tables before another ASID?",
            write.register
        )
    })
}

/// Returns whether a register says how tables are walked, and what their attributes mean.
const fn is_of_walk(register: ContextRegister) -> bool {
    use ContextRegister as R;
    matches!(
        register,
        R::TcrEl1 | R::MairEl1 | R::TcrEl2 | R::MairEl2 | R::TcrEl3 | R::MairEl3
    )
}

/// Returns what is in doubt of a flush behind which the MMU of another exception level goes on, for which nothing is
/// invalidated.
fn other_mmu_on_doubt(op: TlbiOp, events: &[Event], last: usize) -> Option<String> {
    let on = events[last + 1..]
        .iter()
        .filter_map(Event::control)
        .find(|write| write.mmu() != Some(false))?;
    let level = on.context()?.level();
    let is_for = |event: &Event| match &event.kind {
        Kind::Tlbi(op, _) => op.level() == level,
        Kind::Call(_) => true,
        _ => false,
    };
    (level != op.level() && !events.iter().any(is_for)).then(|| {
        format!(
            "`msr {}` behind it may turn the MMU of another exception level on than `tlbi {op}` is for: who invalidates what \
             the TLB holds of that one?",
            on.register
        )
    })
}

/// Returns what is in doubt of a flush behind which the MMU goes on, where no ISB stands between the write of the registers of
/// the tables and that of SCTLR: in which order those take effect is not known.
fn mmu_on_doubt(op: TlbiOp, function: &str, events: &[Event], last: usize) -> Option<String> {
    if !matches!(op.target(), Target::All | Target::Vmall | Target::VmallS12) {
        return None;
    }
    let turns_on = |write: &Write| write.mmu() == Some(true) || write.mmu().is_none() && is_named_after_mmu(function);
    let control = last
        + 1
        + events[last + 1..]
            .iter()
            .position(|event| event.control().is_some_and(turns_on))?;
    let on = events[control].control()?;
    let level = |register: &str| register.rsplit('_').next().map(str::to_owned);
    let ends = |event: &&Event| {
        !matches!(
            event.kind,
            Kind::Barrier(Instruction::Isb) | Kind::Call(_) | Kind::Return | Kind::ExceptionReturn
        )
    };
    let table = |event: &Event| match &event.kind {
        Kind::Sysreg(write) if level(&write.register) == level(&on.register) => ["ttbr", "tcr", "mair"]
            .iter()
            .any(|prefix| write.register.starts_with(prefix))
            .then(|| write.register.clone()),
        _ => None,
    };
    let register = events[..control].iter().rev().take_while(ends).find_map(table)?;
    Some(format!(
        "no ISB stands between `msr {register}` and `msr {}`, which turns the MMU on: what is walked first may go by the value \
         before",
        on.register
    ))
}

/// Returns whether an event writes a register whose name begins with one of these.
fn writes(event: &Event, prefixes: &[&str]) -> bool {
    matches!(&event.kind, Kind::Sysreg(write) if prefixes.iter().any(|prefix| write.register.starts_with(prefix)))
}
