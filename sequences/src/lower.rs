// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences to instruction words and the registers they need.
//!
//! # Registers
//!
//! The frame that runs the words loads up to eight operands into `x2` to `x9` before the timed part, every time it
//! runs. Each distinct operand of the sequence (kind and level hint) gets the next register in order of first use.
//! `xzr` needs none.
//!
//! # Repetition
//!
//! `for page in {range}` is unrolled: its body as often as the range has pages, with `add xN, xN, #1` after each
//! repetition but the last, so that no branch is timed. The register starts at the first page of the range. The
//! operands `{page}` of two repetitions are two operands: each starts at the first page. Whoever fills them picks a
//! range that ends before `VA[55:12]` would carry into the level hint, and a 4 KiB granule.

use crate::encode::{XZR, increment};
use crate::instruction::Instruction;
use crate::operand::Operand;
use crate::sequence::{Item, Sequence};
use crate::validate::{FIRST_REGISTER, MAX_WORDS, REGISTERS};
use alloc::vec::Vec;
use core::fmt::{self, Display, Formatter};

/// A register and what must be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperandSlot {
    /// The number of the register, 2 to 9.
    pub register: u8,
    /// Its operand; for [`Operand::Page`], the first page of the range.
    pub operand: Operand,
}

/// A sequence as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lowered {
    /// The instruction words, at most [`MAX_WORDS`].
    pub words: Vec<u32>,
    /// The operands to load, by ascending register from `x2`.
    pub operands: Vec<OperandSlot>,
}

/// A sequence that cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LowerError {
    /// More than [`MAX_WORDS`] words, repetitions unrolled.
    TooLong {
        /// The words needed; `usize::MAX` if there are more than that.
        words: usize,
    },
    /// More than [`REGISTERS`] distinct operands.
    TooManyOperands,
    /// A repetition over no pages.
    NoPages,
    /// A write of a translation register: it would pull the tables from under whoever runs the sequence.
    RegisterWrite(Instruction),
    /// An operand that its operation does not take, or a `{page}` outside a repetition.
    Operand(Instruction),
}

impl Display for LowerError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { words } => {
                write!(
                    f,
                    "the sequence takes {words} words, more than {MAX_WORDS}: repeat over fewer pages"
                )
            }
            Self::TooManyOperands => write!(f, "the sequence has more than {REGISTERS} distinct operands"),
            Self::NoPages => f.write_str("the sequence repeats over pages, but the range has none"),
            Self::RegisterWrite(instruction) => write!(
                f,
                "`{instruction}` writes a translation register: such a sequence can be judged and explained, not run"
            ),
            Self::Operand(instruction) => write!(f, "`{instruction}` cannot take this operand here"),
        }
    }
}

impl core::error::Error for LowerError {}

/// Returns the words of a sequence whose range has `pages` pages, and the operands to load for them.
///
/// # Errors
///
/// Returns why the sequence cannot run; [`LowerError::Operand`] only for one not made by the parser.
pub fn lower(sequence: &Sequence, pages: u32) -> Result<Lowered, LowerError> {
    let write = |instruction: &Instruction| matches!(instruction, Instruction::Msr(..));
    match sequence.instructions().find(write) {
        Some(write) => Err(LowerError::RegisterWrite(write)),
        None => words(sequence, pages),
    }
}

/// Returns the words of a sequence, runnable or not.
pub(crate) fn words(sequence: &Sequence, pages: u32) -> Result<Lowered, LowerError> {
    check_length(sequence, pages)?;
    let mut lowering = Lowering {
        words: Vec::new(),
        slots: Vec::new(),
    };
    for (index, item) in sequence.items.iter().enumerate() {
        match item {
            Item::Instruction(instruction) => lowering.push(*instruction, None)?,
            Item::ForPage(body) => lowering.repeat(body, index, pages)?,
        }
    }
    let operands = (FIRST_REGISTER..)
        .zip(lowering.slots)
        .map(|(register, (operand, _))| OperandSlot { register, operand })
        .collect();
    Ok(Lowered {
        words: lowering.words,
        operands,
    })
}

/// Refuses a sequence that is too long before memory is spent on it.
fn check_length(sequence: &Sequence, pages: u32) -> Result<(), LowerError> {
    let pages = usize::try_from(pages).unwrap_or(usize::MAX);
    let mut words = 0_usize;
    for item in &sequence.items {
        let length = match item {
            Item::Instruction(_) => 1,
            Item::ForPage(_) if pages == 0 => return Err(LowerError::NoPages),
            // One step for each `{page}` with its own hint; two hints in one body are rare, and lower bounds suffice.
            Item::ForPage(body) => pages.saturating_mul(body.len() + 1) - 1,
        };
        words = words.saturating_add(length);
    }
    if words > MAX_WORDS {
        Err(LowerError::TooLong { words })
    } else {
        Ok(())
    }
}

struct Lowering {
    words: Vec<u32>,
    /// Operands by register, with the index of the repetition that a page belongs to.
    slots: Vec<(Operand, Option<usize>)>,
}

impl Lowering {
    fn push(&mut self, instruction: Instruction, repetition: Option<usize>) -> Result<(), LowerError> {
        let operand = instruction.operand();
        if let Instruction::Tlbi(tlbi) = instruction {
            let page_outside = matches!(operand, Operand::Page(_)) && repetition.is_none();
            if !tlbi.op.accepts(operand) || page_outside {
                return Err(LowerError::Operand(instruction));
            }
        }
        let register = if operand.needs_register() {
            self.register(operand, repetition)?
        } else {
            XZR
        };
        self.words.push(instruction.encode(register));
        if self.words.len() > MAX_WORDS {
            return Err(LowerError::TooLong {
                words: self.words.len(),
            });
        }
        Ok(())
    }

    fn repeat(&mut self, body: &[Instruction], index: usize, pages: u32) -> Result<(), LowerError> {
        for page in 0..pages {
            for instruction in body {
                self.push(*instruction, Some(index))?;
            }
            if page + 1 < pages {
                let steps = (FIRST_REGISTER..)
                    .zip(&self.slots)
                    .filter(|(_, (_, repetition))| *repetition == Some(index));
                self.words.extend(steps.map(|(register, _)| increment(register)));
            }
        }
        if self.words.len() > MAX_WORDS {
            return Err(LowerError::TooLong {
                words: self.words.len(),
            });
        }
        Ok(())
    }

    /// Returns the register of an operand, a new one at its first use.
    fn register(&mut self, operand: Operand, repetition: Option<usize>) -> Result<u8, LowerError> {
        let repetition = repetition.filter(|_| matches!(operand, Operand::Page(_)));
        let known = self.slots.iter().position(|slot| *slot == (operand, repetition));
        let index = known.unwrap_or(self.slots.len());
        if index >= usize::from(REGISTERS) {
            return Err(LowerError::TooManyOperands);
        }
        if known.is_none() {
            self.slots.push((operand, repetition));
        }
        // The index is below REGISTERS.
        Ok(FIRST_REGISTER + index as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::{LowerError, Lowered, OperandSlot, lower};
    use crate::decode::decode;
    use crate::instruction::Instruction;
    use crate::operand::{Operand, Ttl};
    use crate::sequence::{Item, Sequence};
    use crate::tlbi::{Tlbi, TlbiOp};
    use crate::validate::{MAX_WORDS, validate_words};
    use alloc::string::{String, ToString};
    use alloc::vec;
    use alloc::vec::Vec;

    fn lowered(text: &str, pages: u32) -> Result<Lowered, LowerError> {
        lower(&text.parse().unwrap(), pages)
    }

    fn disassembled(lowered: &Lowered) -> String {
        let lines: Vec<_> = lowered
            .words
            .iter()
            .map(|word| decode(*word).unwrap().to_string())
            .collect();
        lines.join("; ")
    }

    #[test]
    fn each_distinct_operand_gets_the_next_register() {
        let lowered = lowered(
            "tlbi vae1, {va}; tlbi aside1, {asid}; tlbi vae1, {va}; tlbi vae1, {va, ttl=3}; tlbi vae1, xzr",
            1,
        );
        let lowered = lowered.unwrap();
        assert_eq!(
            disassembled(&lowered),
            "tlbi vae1, x2; tlbi aside1, x3; tlbi vae1, x2; tlbi vae1, x4; tlbi vae1, xzr"
        );
        let slot = |register, operand| OperandSlot { register, operand };
        let expected = [
            slot(2, Operand::Va(None)),
            slot(3, Operand::Asid),
            slot(4, Operand::Va(Some(Ttl::Level3))),
        ];
        assert_eq!(lowered.operands, expected);
    }

    #[test]
    fn repetitions_are_unrolled_and_start_at_the_first_page() {
        let text = "for page in {range}: { tlbi vae2is, {page}; dsb ish }; for page in {range}: tlbi vae2is, {page}";
        let lowered = lowered(text, 2).unwrap();
        assert_eq!(
            disassembled(&lowered),
            "tlbi vae2is, x2; dsb ish; add x2, x2, #1; tlbi vae2is, x2; dsb ish; \
             tlbi vae2is, x3; add x3, x3, #1; tlbi vae2is, x3"
        );
        assert_eq!(lowered.operands.len(), 2);
        assert_eq!(validate_words(&lowered.words, MAX_WORDS), Ok(()));
    }

    #[test]
    fn two_hints_in_one_body_both_step() {
        let lowered = lowered(
            "for page in {range}: { tlbi vae2, {page}; tlbi vae2, {page, ttl=3} }",
            2,
        )
        .unwrap();
        let steps = "add x2, x2, #1; add x3, x3, #1";
        let body = "tlbi vae2, x2; tlbi vae2, x3";
        assert_eq!(disassembled(&lowered), [body, steps, body].join("; "));
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let by_page = "for page in {range}: tlbi vae2is, {page}";
        assert_eq!(lowered(by_page, 0), Err(LowerError::NoPages));
        assert_eq!(lowered(by_page, 2048).map(|lowered| lowered.words.len()), Ok(4095));
        assert_eq!(lowered(by_page, 2049), Err(LowerError::TooLong { words: 4097 }));
        assert!(matches!(lowered(by_page, u32::MAX), Err(LowerError::TooLong { .. })));
        let operands = "{va}; tlbi vae1, {va, ttl=0}; tlbi vae1, {va, ttl=1}; tlbi vae1, {va, ttl=2}; \
            tlbi vae1, {va, ttl=3}; tlbi vae1, {va!}; tlbi aside1, {asid}; tlbi ipas2e1, {ipa}";
        let text = ["tlbi vae1, ", operands].concat();
        assert_eq!(lowered(&text, 1).map(|lowered| lowered.operands.len()), Ok(8));
        assert_eq!(
            lowered(&[text.as_str(), "; tlbi rvae1, {range}"].concat(), 1),
            Err(LowerError::TooManyOperands)
        );

        let op = TlbiOp::from_name("vae2").unwrap();
        for operand in [Operand::Page(None), Operand::Ipa(None), Operand::None] {
            let instruction = Instruction::Tlbi(Tlbi { op, operand });
            let sequence = Sequence {
                items: vec![Item::Instruction(instruction)],
            };
            assert_eq!(lower(&sequence, 1), Err(LowerError::Operand(instruction)));
        }
    }

    #[test]
    fn no_maintenance_is_no_words() {
        assert_eq!(
            lower(&Sequence::default(), 0),
            Ok(Lowered {
                words: vec![],
                operands: vec![]
            })
        );
    }
}
