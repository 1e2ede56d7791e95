// SPDX-License-Identifier: MIT OR Apache-2.0
//! The check a kernel makes before it runs words it was given.

use crate::decode::{Decoded, decode};
use crate::encode::XZR;
use crate::feature::Features;
use crate::tlbi::{ExceptionLevel, OperandFormat};
use core::fmt::{self, Display, Formatter};

/// The first register that holds an operand: `x2`. `x0` and `x1` belong to the frame.
pub const FIRST_REGISTER: u8 = 2;

/// The registers that hold operands: `x2` to `x9`.
pub const REGISTERS: u8 = 8;

/// The longest sequence anything here produces, in words.
pub const MAX_WORDS: usize = 4096;

/// A word that must not run, or the first one past the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Its index in the sequence, from 0.
    pub index: usize,
    /// The word.
    pub word: u32,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a word is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It is not an instruction of the language.
    NotOfTheLanguage,
    /// It is, but uses a register that holds no operand.
    Register(u8),
    /// It is past the end of the longest sequence accepted, in words.
    TooLong(usize),
}

impl Display for Refused {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { index, word, reason } = self;
        write!(f, "word {index} ({word:#010x}) ")?;
        match reason {
            Reason::NotOfTheLanguage => f.write_str("is not a barrier, isb, sb, nop, tlbi or page step"),
            Reason::Register(XZR) => f.write_str("uses xzr where an operand is needed"),
            Reason::Register(register) => write!(
                f,
                "uses x{register}; operands are in x{FIRST_REGISTER} to x{}",
                FIRST_REGISTER + REGISTERS - 1
            ),
            Reason::TooLong(max) => write!(f, "is past the limit of {max} words"),
        }
    }
}

impl core::error::Error for Refused {}

/// Accepts exactly the words that lowering a sequence can produce, at most `max` of them.
///
/// Nothing accepted here branches, accesses memory, writes a system register or a register outside `x2` to `x9`.
/// No words at all are accepted: they are the control *without* maintenance.
///
/// # Errors
///
/// Returns the first word refused.
pub fn validate_words(words: &[u32], max: usize) -> Result<(), Refused> {
    for (index, &word) in words.iter().enumerate() {
        let refused = |reason| Err(Refused { index, word, reason });
        if index >= max {
            return refused(Reason::TooLong(max));
        }
        match decode(word) {
            None => return refused(Reason::NotOfTheLanguage),
            Some(Decoded::Increment(register)) if !holds_operand(register) => {
                return refused(Reason::Register(register));
            }
            Some(Decoded::Tlbi { op, rt }) => {
                let accepted = match op.operand_format() {
                    OperandFormat::None => rt == XZR,
                    OperandFormat::Range | OperandFormat::PaRange => holds_operand(rt),
                    OperandFormat::Va | OperandFormat::Ipa | OperandFormat::Asid => rt == XZR || holds_operand(rt),
                };
                if !accepted {
                    return refused(Reason::Register(rt));
                }
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Returns what a PE needs to run the words; words that are not of the language need nothing.
pub fn required_features(words: &[u32]) -> Features {
    words
        .iter()
        .filter_map(|&word| decode(word))
        .fold(Features::NONE, |features, decoded| {
            features.union(decoded.required_features())
        })
}

/// Returns the lowest exception level at which none of the words is UNDEFINED.
pub fn lowest_level(words: &[u32]) -> ExceptionLevel {
    let levels = words.iter().filter_map(|&word| match decode(word) {
        Some(Decoded::Tlbi { op, .. }) => Some(op.lowest_level()),
        _ => None,
    });
    levels.max().unwrap_or(ExceptionLevel::El1)
}

fn holds_operand(register: u8) -> bool {
    (FIRST_REGISTER..FIRST_REGISTER + REGISTERS).contains(&register)
}

#[cfg(test)]
mod tests {
    use super::{MAX_WORDS, Reason, Refused, lowest_level, required_features, validate_words};
    use crate::encode::increment;
    use crate::feature::Feature;
    use crate::tlbi::ExceptionLevel;

    const TLBI_VAE2_X2: u32 = 0xd50c_8722;
    const RET: u32 = 0xd65f_03c0;

    fn reason(word: u32) -> Option<Reason> {
        validate_words(&[word], MAX_WORDS).err().map(|refused| refused.reason)
    }

    #[test]
    fn only_operand_registers_are_used() {
        for register in 0..32 {
            let accepted = (2..=9).contains(&register);
            let tlbi = TLBI_VAE2_X2 & !31 | u32::from(register);
            let range = 0xd50c_8620 | u32::from(register);
            assert_eq!(
                reason(tlbi).is_none(),
                accepted || register == 31,
                "tlbi vae2, x{register}"
            );
            assert_eq!(reason(range).is_none(), accepted, "tlbi rvae2, x{register}");
            if register < 31 {
                assert_eq!(reason(increment(register)).is_none(), accepted, "add x{register}");
            }
        }
        assert_eq!(reason(0xd50c_871f), None);
        assert_eq!(reason(0xd50c_8702), Some(Reason::NotOfTheLanguage));
    }

    #[test]
    fn the_first_bad_word_is_named() {
        let words = [TLBI_VAE2_X2, RET, RET];
        let refused = Refused {
            index: 1,
            word: RET,
            reason: Reason::NotOfTheLanguage,
        };
        assert_eq!(validate_words(&words, 3), Err(refused));
        assert_eq!(
            validate_words(&words[..1], 0),
            Err(Refused {
                index: 0,
                word: TLBI_VAE2_X2,
                reason: Reason::TooLong(0)
            })
        );
        assert_eq!(validate_words(&[], 0), Ok(()));
    }

    #[test]
    fn the_highest_operation_decides_where_words_can_run() {
        const TLBI_VMALLE1: u32 = 0xd508_871f;
        const TLBI_ALLE1: u32 = 0xd50c_879f;
        for (words, level) in [
            (&[][..], ExceptionLevel::El1),
            (&[TLBI_VMALLE1, 0xd503_379f], ExceptionLevel::El1),
            (&[TLBI_VMALLE1, TLBI_ALLE1], ExceptionLevel::El2),
            (&[TLBI_VAE2_X2, TLBI_VMALLE1], ExceptionLevel::El2),
            (&[0xd50e_871f], ExceptionLevel::El3),
        ] {
            assert_eq!(lowest_level(words), level, "{words:x?}");
        }
    }

    #[test]
    fn features_are_read_from_words() {
        // tlbi rvae2os, x2; dsb ishnxs; sb; ret
        let features = required_features(&[0xd50c_8522, 0xd503_3a3f, 0xd503_30ff, RET]);
        assert!(
            features
                .iter()
                .eq([Feature::TlbiRange, Feature::TlbiOs, Feature::Xs, Feature::Sb])
        );
    }
}
