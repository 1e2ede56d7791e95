// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences in sentences: what each instruction does there, what it orders, and what goes wrong without it.
//!
//! The sentences follow the Arm ARM (DDI 0487): "TLB maintenance requirements and the TLB maintenance instructions",
//! "Data Synchronization Barrier", "Context synchronization event", and FEAT_ETS2. They depend on the place of an
//! instruction among the others, and on nothing else: not on the change the sequence is for, which is the judge's
//! subject.

mod barrier;
mod context;
mod invalidation;

use crate::instruction::{Access, Barrier, Instruction};
use crate::lower::{LowerError, words};
use crate::register::ContextRegister;
use crate::sequence::{Item, Sequence};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use context::{Context, Sentences};

/// One instruction of a sequence, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The instruction in canonical text.
    pub text: String,
    /// Its word, with the register that [`lower`](crate::lower()) gives its operand.
    pub word: u32,
    /// Whether it is repeated for each page of a range.
    pub repeated: bool,
    /// What it does.
    pub does: String,
    /// What it orders before what.
    pub orders: String,
    /// What can go wrong without it.
    pub without_it: String,
}

/// Returns an explanation of each instruction, in program order; the body of a repetition once.
///
/// # Errors
///
/// Returns why the sequence cannot run, as [`lower`](crate::lower()) does.
///
/// # Examples
///
/// ```
/// let sequence = "dsb nshst; tlbi alle2; dsb nsh; isb".parse()?;
/// let explanations = sequences::explain(&sequence)?;
/// assert_eq!(explanations[1].word, 0xd50c_871f);
/// assert!(explanations[3].without_it.contains("instruction fetches"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn explain(sequence: &Sequence) -> Result<Vec<Explanation>, LowerError> {
    // One page: the words are those of the instructions as written, without steps between them.
    let words = words(sequence, 1)?.words;
    let instructions: Vec<_> = sequence.instructions().collect();
    let repeated = sequence.items.iter().flat_map(|item| {
        let repeated = matches!(item, Item::ForPage(_));
        item.instructions().iter().map(move |_| repeated)
    });
    let explained = words
        .into_iter()
        .zip(repeated)
        .enumerate()
        .map(|(index, (word, repeated))| {
            let here = Context {
                instructions: &instructions,
                index,
            };
            let Sentences {
                does,
                orders,
                without_it,
            } = sentences(&here);
            Explanation {
                text: instructions[index].to_string(),
                word,
                repeated,
                does,
                orders,
                without_it,
            }
        });
    Ok(explained.collect())
}

/// Returns the sentences about an instruction.
fn sentences(here: &Context<'_>) -> Sentences {
    match here.instructions[here.index] {
        Instruction::Dsb(barrier) => barrier::dsb(here, barrier, false),
        Instruction::DsbNxs(domain) => barrier::dsb(here, Barrier::new(domain, Access::All), true),
        Instruction::Dmb(barrier) => barrier::dmb(here, barrier),
        Instruction::Isb => barrier::isb(here),
        Instruction::Sb => Sentences::new(
            "Holds back speculation: nothing after it executes speculatively in a way that can be seen through \
             side channels.",
            "Nothing that TLB maintenance needs: it completes no store and no tlbi, and is no context \
             synchronization event.",
            "Nothing changes for the translations.",
        ),
        Instruction::Nop => Sentences::new("Does nothing.", "Nothing.", "Nothing changes but timing and alignment."),
        Instruction::Tlbi(tlbi) => invalidation::tlbi(here, tlbi),
        Instruction::Msr(register, _) => register_write(here, register),
    }
}

/// Explains a write of a translation register.
fn register_write(here: &Context<'_>, register: ContextRegister) -> Sentences {
    let does = match register {
        ContextRegister::VttbrEl2 => {
            "Selects another VMID and its stage 2 tables: what `the current VMID` of a tlbi means from now on."
        }
        ContextRegister::HcrEl2 => {
            "Changes the configuration of EL2 (E2H, TGE, VM): which regime a tlbi for EL1 executed at EL2 is about, and \
             whether stage 2 is on."
        }
        ContextRegister::Ttbr0El1
        | ContextRegister::Ttbr1El1
        | ContextRegister::Ttbr0El2
        | ContextRegister::Ttbr1El2
        | ContextRegister::Ttbr0El3 => "Selects other tables, and with them an ASID where the register holds one.",
        ContextRegister::SctlrEl1 | ContextRegister::SctlrEl2 | ContextRegister::SctlrEl3 => {
            "Changes the system control of the regime, such as whether its MMU is on."
        }
        _ => "Changes how the tables are walked.",
    };
    let synchronized = here
        .after()
        .iter()
        .find(|next| matches!(next, Instruction::Isb | Instruction::Tlbi(_)));
    let orders = match synchronized {
        Some(Instruction::Isb) => {
            "Nothing by itself: it is no access, so no DSB waits for it. The isb after it makes what follows go by the \
             new value."
        }
        Some(_) => {
            "Nothing by itself: it is no access, so no DSB waits for it. No isb stands between it and the next tlbi, \
             which may go by the old value."
        }
        None => {
            "Nothing by itself: it is no access, so no DSB waits for it. What follows may go by the old value until the \
             next context synchronization event."
        }
    };
    Sentences::new(
        does,
        orders,
        "Translations, and what a tlbi applies to, stay those of the value before.",
    )
}

#[cfg(test)]
mod tests {
    use super::{Explanation, explain};
    use crate::instruction::{Barrier, Domain, Instruction};
    use crate::sequence::Sequence;
    use crate::tlbi::TlbiOp;
    use alloc::format;
    use alloc::vec::Vec;

    fn explained(text: &str) -> Vec<Explanation> {
        explain(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_xen_patch_is_explained_by_place() {
        let new = explained("dsb nshst; tlbi alle2; dsb nsh; isb");
        assert!(new[0].without_it.contains("old descriptor"), "{new:?}");
        assert!(
            new[1].does.contains("EL2") && new[1].does.contains("this PE"),
            "{new:?}"
        );
        assert!(
            new[2].does.contains("Completes") && new[2].without_it.contains("may still be used"),
            "{new:?}"
        );
        assert!(new[3].without_it.contains("FEAT_ETS2"), "{new:?}");
        assert_eq!(
            new.iter().map(|line| line.word).collect::<Vec<_>>(),
            [0xd503_369f, 0xd50c_871f, 0xd503_379f, 0xd503_3fdf]
        );

        let old = explained("dsb sy; isb; tlbi alle2; dsb sy; isb");
        assert!(old[1].orders.contains("no architectural job"), "{old:?}");
        assert!(old[3].does.contains("wider than needed"), "{old:?}");
    }

    #[test]
    fn mistakes_are_named() {
        let orders = |text: &str, index: usize| explained(text)[index].orders.clone();
        let does = |text: &str, index: usize| explained(text)[index].does.clone();
        assert!(does("dsb ishst; tlbi vae1is, {va}; dsb ishst", 2).contains("Does not complete"));
        assert!(does("dsb ishst; tlbi vae1is, {va}; dsb ishld", 2).contains("Does not complete"));
        assert!(orders("dsb ishst; tlbi vae1is, {va}; dsb nsh", 2).contains("nothing is promised"));
        assert!(does("dsb ld; tlbi alle2; dsb nsh", 0).contains("not for stores"));
        assert!(orders("dmb ish; tlbi alle2; dsb nsh", 0).contains("no table walk"));
        assert!(orders("tlbi alle2; isb", 1).contains("too early"));
        assert!(does("tlbi vae2, {va!}", 0).contains("not shifted"));
        assert!(does("tlbi vae1is, {va}; dsb ish; tlbi vale1is, xzr; dsb ish", 2).contains("errata"));
        assert!(does("tlbi alle2; dsb nsh; dsb nsh", 2).contains("already complete"));
        assert!(does("tlbi vae1is, {va}; dsb nsh; dsb ish", 2).starts_with("Completes"));
        assert!(orders("tlbi vae1is, {va}; dsb nsh; isb", 2).contains("completed invalidation"));
        assert!(orders("tlbi vae1isnxs, {va}; dsb ishnxs", 1).contains("XS attribute"));
    }

    #[test]
    fn every_instruction_is_explained_in_every_place() {
        let mut instructions: Vec<_> = TlbiOp::all()
            .map(|op| {
                let operands = ["", ", {va}", ", {ipa}", ", {asid}", ", {range}"];
                let text = operands
                    .iter()
                    .find_map(|operand| format!("tlbi {op}{operand}").parse::<Sequence>().ok());
                text.unwrap().instructions().next().unwrap()
            })
            .collect();
        instructions.extend(Barrier::all().map(Instruction::Dsb));
        instructions.extend(Barrier::all().map(Instruction::Dmb));
        instructions.extend(Domain::ALL.map(Instruction::DsbNxs));
        instructions.extend([Instruction::Isb, Instruction::Sb, Instruction::Nop]);
        for instruction in instructions {
            for text in [
                "%",
                "%; tlbi alle1os",
                "tlbi alle1os; %",
                "tlbi alle2; dsb nsh; %; tlbi alle2is; %",
            ] {
                for line in explained(&text.replace('%', &format!("{instruction}"))) {
                    for sentence in [line.does, line.orders, line.without_it] {
                        assert!(
                            sentence.ends_with('.') && !sentence.contains("  "),
                            "{text} {instruction}: {sentence}"
                        );
                        assert!(
                            sentence.starts_with(|first: char| first.is_ascii_uppercase()),
                            "{sentence}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn repetitions_are_marked() {
        let lines = explained("dsb ishst; for page in {range}: tlbi vae2is, {page}; dsb ish");
        assert_eq!(
            lines.iter().map(|line| line.repeated).collect::<Vec<_>>(),
            [false, true, false]
        );
        assert_eq!(lines[1].word & 31, 2);
    }
}
