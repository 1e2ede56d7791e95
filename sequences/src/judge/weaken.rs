// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be left out or weakened, and why the rest is needed.

use super::budget::Budget;
use super::context::is_switch;
use super::coverage::coverage;
use super::judgement::{Judgement, Verdict};
use super::question::{Change, Observers, Question};
use super::rule::{Reason, Rule};
use super::scope::{widest, with_scope};
use super::sufficient::is_sufficient_within;
use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::tlbi::Scope;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// One thing too much: its index in the sequence judged, and what would do instead.
struct Excess {
    at: usize,
    found: Instruction,
    instead: Option<Instruction>,
}

/// Returns what could stand instead of an instruction, weakest first; `None` is nothing at all.
fn weaker(instruction: &Instruction, sequence: &[Instruction]) -> Vec<Option<Instruction>> {
    let narrower = |domain: Domain| Domain::ALL.into_iter().filter(move |other| *other < domain);
    let mut instead = alloc::vec![None];
    match *instruction {
        Instruction::Dsb(Barrier {
            domain,
            access: Access::All,
        }) => {
            let store = Barrier {
                domain: Domain::covering(widest(sequence)),
                access: Access::Stores,
            };
            instead.push(Some(Instruction::Dsb(store)));
            instead.extend(narrower(domain).map(|domain| {
                Some(Instruction::Dsb(Barrier {
                    domain,
                    access: Access::All,
                }))
            }));
        }
        Instruction::DsbNxs(domain) => {
            instead.extend(narrower(domain).map(|domain| Some(Instruction::DsbNxs(domain))));
        }
        Instruction::Tlbi(tlbi) => {
            let scopes = [Scope::Local, Scope::InnerShareable]
                .into_iter()
                .filter(|scope| *scope < tlbi.op.scope());
            instead.extend(scopes.filter_map(|scope| with_scope(&tlbi, scope)).map(Some));
        }
        // Padding has no strength; a register write is no maintenance.
        Instruction::Nop | Instruction::Msr(..) => instead.clear(),
        _ => {}
    }
    instead
}

/// Returns the indices of a short part of the sequence that is sufficient: one TLBI, the DSBs next to it, the last ISB,
/// and all padding. Only a short cut for the search: most long sequences repeat themselves.
fn core(question: &Question, sequence: &[Instruction], budget: &Budget) -> Option<Vec<usize>> {
    let covers =
        |instruction: &Instruction| matches!(instruction, Instruction::Tlbi(tlbi) if coverage(question, tlbi).any());
    let is_dsb = |instruction: &Instruction| matches!(instruction, Instruction::Dsb(_));
    let is_full = |instruction: &Instruction| matches!(instruction, Instruction::Dsb(dsb) if dsb.access == Access::All);
    let tlbi = sequence.iter().position(covers)?;
    let mut core: Vec<usize> = (0..sequence.len())
        .filter(|at| matches!(sequence[*at], Instruction::Nop | Instruction::Msr(..)))
        .collect();
    core.push(tlbi);
    core.extend(match is_switch(question.change) {
        true => sequence[..tlbi].iter().position(is_dsb),
        false => sequence[..tlbi].iter().rposition(is_dsb),
    });
    core.extend(sequence[tlbi..].iter().position(is_full).map(|after| tlbi + after));
    core.extend(
        sequence
            .iter()
            .rposition(|instruction| *instruction == Instruction::Isb),
    );
    core.sort_unstable();
    let part: Vec<Instruction> = core.iter().map(|at| sequence[*at]).collect();
    (part.len() < sequence.len() && is_sufficient_within(question, &part, budget) == Ok(true)).then_some(core)
}

/// Returns whether an instruction is the ISB that ends the time in which a register write takes effect.
fn ends_write(sequence: &[Instruction], at: usize) -> bool {
    let since = sequence[..at].iter().rev();
    sequence[at] == Instruction::Isb
        && since
            .take_while(|instruction| **instruction != Instruction::Isb)
            .any(|instruction| matches!(instruction, Instruction::Msr(..)))
}

/// Leaves out and weakens until nothing more can be. The sequence must be sufficient.
fn weaken(question: &Question, sequence: &[Instruction], budget: &Budget) -> (Vec<Instruction>, Vec<Excess>) {
    let all: Vec<(usize, Instruction)> = sequence.iter().copied().enumerate().collect();
    let mut kept = match core(question, sequence, budget) {
        Some(core) => all
            .iter()
            .copied()
            .filter(|(at, _)| core.contains(at) || ends_write(sequence, *at))
            .collect(),
        None => all.clone(),
    };
    let left_out = all.into_iter().filter(|entry| !kept.contains(entry));
    let mut excess: Vec<Excess> = left_out
        .map(|(at, found)| Excess {
            at,
            found,
            instead: None,
        })
        .collect();
    let mut index = 0;
    while index < kept.len() {
        let now: Vec<Instruction> = kept.iter().map(|(_, instruction)| *instruction).collect();
        let (at, found) = kept[index];
        // Whatever the question is, the register's own effect waits for it.
        if ends_write(&now, index) {
            index += 1;
            continue;
        }
        let weaker = weaker(&found, &now).into_iter().filter(|instead| {
            // The stores that made the tables which are switched to are not in the question: a DSB may be there for them.
            let for_tables = instead.is_none() && found.is_dsb() && !now[..index].iter().any(|i| i.tlbi().is_some());
            // Who else switches to what is switched to here is in the broadcast, not in the question.
            let for_others = matches!(instead, Some(Instruction::Tlbi(_))) && question.observers != Observers::ThisPe;
            !((for_tables || for_others) && is_switch(question.change))
        });
        let weaker = weaker.into_iter().find(|instead| {
            let mut trial = now.clone();
            match instead {
                Some(instruction) => trial[index] = *instruction,
                None => {
                    trial.remove(index);
                }
            }
            is_sufficient_within(question, &trial, budget) == Ok(true)
        });
        match weaker {
            None => index += 1,
            Some(instead) => {
                excess.push(Excess {
                    at,
                    found: sequence[at],
                    instead,
                });
                match instead {
                    Some(instruction) => {
                        kept[index].1 = instruction;
                        index += 1;
                    }
                    None => {
                        kept.remove(index);
                        // What had to be there for the one left out may have become superfluous.
                        index = 0;
                    }
                }
            }
        }
    }
    let mut weakest: Vec<Instruction> = kept.into_iter().map(|(_, instruction)| instruction).collect();
    respell(&mut weakest, &mut excess);
    (weakest, excess)
}

/// Spells the store barriers put in here for the scope the TLBIs ended up with.
fn respell(weakest: &mut [Instruction], excess: &mut [Excess]) {
    let domain = Domain::covering(widest(weakest));
    for entry in excess.iter_mut() {
        if let Some(Instruction::Dsb(Barrier {
            access: Access::Stores, ..
        })) = entry.instead
        {
            let spelled = Instruction::Dsb(Barrier {
                domain,
                access: Access::Stores,
            });
            if let Some(instruction) = weakest
                .iter_mut()
                .find(|instruction| Some(**instruction) == entry.instead)
            {
                *instruction = spelled;
            }
            entry.instead = Some(spelled);
        }
    }
}

/// Returns the weakest sequence found from a sufficient one.
pub(super) fn weakest(question: &Question, sequence: &[Instruction], budget: &Budget) -> Vec<Instruction> {
    weaken(question, sequence, budget).0
}

/// Explains a sufficient sequence.
pub(super) fn explain(question: &Question, sequence: &[Instruction], budget: &Budget) -> Judgement {
    let (weakest, mut excess) = weaken(question, sequence, budget);
    excess.sort_by_key(|entry| entry.at);
    let mut reasons: Vec<Reason> = excess
        .iter()
        .map(|entry| reason_for(question, sequence, entry))
        .collect();
    reasons.extend(roles(question, &weakest));
    Judgement {
        verdict: if excess.is_empty() {
            Verdict::Sufficient
        } else {
            Verdict::StrongerThanNeeded
        },
        reasons,
        notes: Vec::new(),
        weakest: Some(weakest),
        counterexample: Vec::new(),
    }
}

fn ordinal(at: usize) -> String {
    format!("instruction {}", at + 1)
}

/// Says why one thing is too much.
fn reason_for(question: &Question, sequence: &[Instruction], excess: &Excess) -> Reason {
    let (found, at) = (excess.found, ordinal(excess.at));
    let tlbi_follows = sequence[excess.at + 1..]
        .iter()
        .any(|instruction| matches!(instruction, Instruction::Tlbi(_)));
    match (found, excess.instead) {
        (
            Instruction::Dsb(_),
            Some(Instruction::Dsb(Barrier {
                access: Access::Stores, ..
            })),
        ) => {
            let why = match question.change {
                Change::Validate => "only the descriptor store has to be complete",
                _ => "before the TLBI only the descriptor store has to be complete",
            };
            Reason::new(
                Rule::StoreBeforeTlbi,
                format!("`{found}` ({at}) can be `{}`: {why}", show(excess.instead)),
            )
        }
        (_, Some(instead @ (Instruction::Dsb(_) | Instruction::DsbNxs(_)))) => Reason::new(
            Rule::CompletionDomain,
            format!("`{found}` ({at}) can be `{instead}`: {}", domain_enough(question)),
        ),
        (_, Some(instead)) => Reason::new(
            Rule::Scope,
            format!("`{found}` ({at}) can be `{instead}`: {}", holders(question)),
        ),
        (Instruction::Isb, None) if tlbi_follows => Reason::new(
            Rule::Context,
            format!("`{found}` ({at}) can go: the DSB orders the TLBI after the store; nothing is fetched anew here"),
        ),
        (Instruction::Isb, None) => Reason::new(
            Rule::Context,
            format!("`{found}` ({at}) can go: this PE does not rely on the change before its next synchronization"),
        ),
        (Instruction::Tlbi(_), None) if question.change == Change::Validate => Reason::new(
            Rule::InvalidToValid,
            format!("`{found}` ({at}) can go: an invalid entry is never in a TLB"),
        ),
        (Instruction::Tlbi(_), None) => Reason::new(
            Rule::Scope,
            format!("`{found}` ({at}) can go: what it removes is gone without it"),
        ),
        (Instruction::Dmb(_), None) => Reason::new(
            Rule::StoreBeforeTlbi,
            format!("`{found}` ({at}) can go: a DMB orders neither table walks nor a TLBI"),
        ),
        (_, None) => Reason::new(
            Rule::Completion,
            format!("`{found}` ({at}) can go: nothing that matters waits for it alone"),
        ),
    }
}

fn show(instruction: Option<Instruction>) -> String {
    instruction.map_or_else(String::new, |instruction| format!("{instruction}"))
}

const fn holders(question: &Question) -> &'static str {
    match question.observers {
        Observers::ThisPe => "no other PE may hold the entry",
        Observers::Inner => "only PEs of the Inner Shareable domain may hold the entry",
        Observers::Outer => "only PEs of the Outer Shareable domain may hold the entry",
    }
}

const fn domain_enough(question: &Question) -> &'static str {
    match question.observers {
        Observers::ThisPe => {
            "no other PE may hold the entry, so the effect on this PE is all there is to wait for; a wider domain would \
             wait for PEs the change does not concern"
        }
        Observers::Inner => "every PE that may hold the entry is in the Inner Shareable domain",
        Observers::Outer => "every PE that may hold the entry is in the Outer Shareable domain",
    }
}

/// Returns the register write and the TLBI that an ISB stands between.
fn synchronizes(sequence: &[Instruction], isb: usize) -> Option<(Instruction, Instruction)> {
    let since = sequence[..isb]
        .iter()
        .rposition(|instruction| *instruction == Instruction::Isb)
        .map_or(0, |at| at + 1);
    let is_write = |instruction: &&Instruction| matches!(instruction, Instruction::Msr(..));
    let write = sequence[since..isb].iter().rfind(is_write)?;
    let is_tlbi = |instruction: &&Instruction| matches!(instruction, Instruction::Tlbi(_));
    Some((*write, *sequence[isb + 1..].iter().find(is_tlbi)?))
}

/// Says what each element of a sequence that has no excess is for.
fn roles(question: &Question, sequence: &[Instruction]) -> Vec<Reason> {
    let covering = |instruction: &Instruction| match instruction {
        Instruction::Tlbi(tlbi) => coverage(question, tlbi).any(),
        _ => false,
    };
    let first = sequence.iter().position(covering);
    let last = sequence.iter().rposition(covering);
    let mut reasons = Vec::new();
    for (at, instruction) in sequence.iter().enumerate() {
        let before = first.is_some_and(|first| at < first);
        let reason = match instruction {
            Instruction::Dsb(_) if before && is_switch(question.change) => Reason::new(
                Rule::StoreBeforeTlbi,
                format!(
                    "`{instruction}` completes the stores to the tables that are used now, where they were just made"
                ),
            ),
            Instruction::Dsb(_) if before || first.is_none() => Reason::new(
                Rule::StoreBeforeTlbi,
                format!("`{instruction}` completes the descriptor store, so that no later walk sees the old one"),
            ),
            Instruction::Dsb(_) | Instruction::DsbNxs(_) => {
                let tlbi = sequence[..at].iter().rfind(|instruction| covering(instruction));
                let scope = widest(sequence);
                let why = match scope {
                    Scope::Local => "which applies to this PE only: the Non-shareable domain is enough",
                    Scope::InnerShareable => "which applies to the Inner Shareable domain, and so must the DSB",
                    Scope::OuterShareable => "which applies to the Outer Shareable domain, and so must the DSB",
                };
                Reason::new(
                    Rule::CompletionDomain,
                    format!("`{instruction}` completes `{}`, {why}", show(tlbi.copied())),
                )
            }
            Instruction::Tlbi(tlbi) if covering(instruction) => {
                let repeated = last != Some(at) || first != Some(at);
                let text = match (tlbi.op.scope(), repeated) {
                    (_, true) => format!("`{instruction}` removes its part of the old translation"),
                    (Scope::Local, _) => {
                        format!(
                            "`{instruction}` removes the old translation from this PE: {}",
                            holders(question)
                        )
                    }
                    _ => format!("`{instruction}` removes the old translation from every PE that may hold it"),
                };
                Reason::new(Rule::Scope, text)
            }
            Instruction::Msr(..) => Reason::new(
                Rule::RegisterWrite,
                format!(
                    "`{instruction}` takes effect somewhere between itself and the next context synchronization event"
                ),
            ),
            Instruction::Isb if synchronizes(sequence, at).is_some() => {
                let (write, next) = synchronizes(sequence, at).unwrap_or((*instruction, *instruction));
                Reason::new(
                    Rule::RegisterWrite,
                    format!("`{instruction}` orders `{write}` before `{next}`, which else may go by the old value"),
                )
            }
            Instruction::Isb => Reason::new(
                Rule::Context,
                format!("`{instruction}`: without it, an access or fetch of this PE may have been translated before"),
            ),
            _ => continue,
        };
        reasons.push(reason);
    }
    reasons
}
