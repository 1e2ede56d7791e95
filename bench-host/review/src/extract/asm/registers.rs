// SPDX-License-Identifier: MIT OR Apache-2.0
//! What registers hold on a way through assembly, as far as the operand of a `tlbi` needs it.

use crate::extract::asm::Statement;
use crate::extract::macros::Table;
use crate::extract::operand::{self, ARGUMENTS, Names, Value};
use std::collections::HashMap;

/// Registers that a called function may change.
const CLOBBERED: u8 = 18;

/// An instruction that sets a general-purpose register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compute {
    mnemonic: String,
    operands: String,
    changed: bool,
}

impl Compute {
    /// Returns the computation that a statement is; `None` if it sets no register.
    pub(super) fn of(statement: &Statement) -> Option<Self> {
        let (mnemonic, operands) = statement.words();
        let mnemonic = mnemonic.to_ascii_lowercase();
        const NO_TARGET: [&str; 12] = [
            "tlbi", "dsb", "isb", "dmb", "msr", "cmp", "tst", "cmn", "ccmp", "prfm", "sys", "nop",
        ];
        let sets = number(operands.split(',').next().unwrap_or_default()).is_some()
            && !NO_TARGET.contains(&mnemonic.as_str())
            && !mnemonic.starts_with("st")
            && !mnemonic.starts_with(['.', '#'])
            && !mnemonic.starts_with("cb")
            && !mnemonic.starts_with("tb");
        sets.then(|| Self {
            mnemonic,
            operands: operands.to_owned(),
            changed: statement.changed,
        })
    }
}

/// What the registers hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Registers {
    values: HashMap<u8, (Value, bool)>,
}

impl Registers {
    /// Returns what an operand holds, and whether the patch changes that.
    pub(super) fn operand(&self, text: &str) -> (Value, bool) {
        match number(text) {
            Some(register) => self.get(register),
            None => (Value::of(text), false),
        }
    }

    fn get(&self, register: u8) -> (Value, bool) {
        let unknown = || (Value::of(&format!("x{register}")), false);
        match register {
            ZERO => (Value::constant(0), false),
            _ => self.values.get(&register).cloned().unwrap_or_else(unknown),
        }
    }

    /// Returns what a function that is called now is given; nothing where the registers hold what they did at the start.
    pub(super) fn arguments(&self) -> Vec<Value> {
        let registers = 0..ARGUMENTS.len() as u8;
        match registers.clone().any(|register| self.values.contains_key(&register)) {
            true => registers.map(|register| self.get(register).0).collect(),
            false => Vec::new(),
        }
    }

    /// Forgets what a called function may change.
    pub(super) fn call(&mut self) {
        for register in 0..=CLOBBERED {
            self.values
                .insert(register, (Value::of(&format!("x{register} as returned")), false));
        }
    }

    /// Takes a computation.
    pub(super) fn apply(&mut self, compute: &Compute) {
        let parts: Vec<&str> = compute.operands.split(',').map(str::trim).collect();
        let Some(target) = number(parts[0]) else { return };
        let mut changed = compute.changed;
        let mut source = |index: usize| -> Value {
            let Some(text) = parts.get(index) else {
                return Value::of("?");
            };
            let mut value = match number(text) {
                Some(register) => {
                    let (value, traced) = self.get(register);
                    changed |= traced;
                    value
                }
                None => immediate(text),
            };
            // `orr x0, x1, x2, lsl #48`
            if index >= 2
                && let Some((kind, count)) = parts.get(index + 1).and_then(|text| text.split_once([' ', '#']))
            {
                let count = immediate(count.trim())
                    .known()
                    .and_then(|count| i32::try_from(count).ok());
                value = match (kind.trim().to_ascii_lowercase().as_str(), count) {
                    ("lsl", Some(count)) => value.shifted(count),
                    ("lsr" | "asr", Some(count)) => value.shifted(-count),
                    ("uxtw", _) => value.masked(u64::from(u32::MAX)),
                    ("uxth", _) => value.masked(0xffff),
                    _ => value,
                };
            }
            value
        };
        let field = |width: &Value| match width.known() {
            Some(width @ 1..=63) => (1_u64 << width) - 1,
            _ => u64::MAX,
        };
        let shift = |value: Value, by: &Value, sign: i32| match by.known() {
            Some(count @ 0..64) => value.shifted(sign * count as i32),
            _ => with_unknown_mask(value),
        };
        let opaque = || Value::of(&format!("{} {}", compute.mnemonic, compute.operands));
        let value = match compute.mnemonic.as_str() {
            "mov" | "movz" | "mov_imm" | "adr" | "adrp" | "mov_q" => {
                match parts.get(2).and_then(|text| text.split_once('#')) {
                    Some((kind, count)) if kind.trim().eq_ignore_ascii_case("lsl") => {
                        shift(source(1), &immediate(count), 1)
                    }
                    _ => source(1),
                }
            }
            "ldr" if parts.get(1).is_some_and(|text| text.starts_with('=')) => {
                immediate(parts[1].trim_start_matches('='))
            }
            "lsl" | "lsr" | "asr" => {
                let by = source(2);
                shift(source(1), &by, if compute.mnemonic == "lsl" { 1 } else { -1 })
            }
            "and" | "ands" => {
                let mask = source(2);
                let value = source(1);
                match (mask.known(), value.known()) {
                    (Some(mask), _) => value.masked(mask),
                    (None, Some(known)) => mask.masked(known),
                    _ => with_unknown_mask(value),
                }
            }
            "bic" => {
                let mask = source(2);
                let value = source(1);
                match mask.known() {
                    Some(mask) => value.masked(!mask),
                    None => without(value, &mask),
                }
            }
            "orr" | "eor" | "add" => {
                let value = source(1);
                value.with(source(2))
            }
            "sub" => {
                let by = source(2);
                match by.known() {
                    Some(_) => source(1),
                    None => opaque(),
                }
            }
            "ubfx" | "sbfx" => {
                let (lsb, width) = (source(2), source(3));
                shift(source(1), &lsb, -1).masked(field(&width))
            }
            "ubfiz" | "sbfiz" => {
                let (lsb, width) = (source(2), source(3));
                shift(source(1).masked(field(&width)), &lsb, 1)
            }
            "bfi" => {
                let (lsb, width) = (source(2), source(3));
                let put = shift(source(1).masked(field(&width)), &lsb, 1);
                let hole = match lsb.known() {
                    Some(count @ 0..64) => field(&width) << count,
                    _ => 0,
                };
                let (old, traced) = self.get(target);
                changed |= traced;
                old.masked(!hole).with(put)
            }
            "bfxil" => {
                let (lsb, width) = (source(2), source(3));
                let put = shift(source(1), &lsb, -1).masked(field(&width));
                let (old, traced) = self.get(target);
                changed |= traced;
                old.masked(!field(&width)).with(put)
            }
            "bfc" => {
                let (lsb, width) = (source(1), source(2));
                let hole = match lsb.known() {
                    Some(count @ 0..64) => field(&width) << count,
                    _ => 0,
                };
                let (old, traced) = self.get(target);
                changed |= traced;
                old.masked(!hole)
            }
            _ => opaque(),
        };
        let pair = compute.mnemonic == "ldp" || compute.mnemonic == "ldnp";
        self.values.insert(target, (value, changed));
        if let Some(second) = parts.get(1).and_then(|text| number(text)).filter(|_| pair) {
            self.values.insert(second, (opaque(), compute.changed));
        }
    }
}

/// Takes the bits of something unknown away, by its name.
fn without(value: Value, mask: &Value) -> Value {
    let mut value = with_unknown_mask(value);
    let names: Vec<&str> = mask.terms.iter().map(|term| term.base.as_str()).collect();
    for term in &mut value.terms {
        term.base = format!("{} & ~({})", term.base, names.join(" | "));
    }
    value
}

fn with_unknown_mask(mut value: Value) -> Value {
    value.terms.iter_mut().for_each(|term| term.loose = true);
    value
}

/// The number under which the zero register goes.
const ZERO: u8 = 31;

/// Returns the number of a general-purpose register.
fn number(text: &str) -> Option<u8> {
    let text = text.trim().to_ascii_lowercase();
    match text.as_str() {
        "xzr" | "wzr" => return Some(ZERO),
        "lr" => return Some(30),
        _ => {}
    }
    let digits = text.strip_prefix(['x', 'w'])?;
    digits.parse().ok().filter(|&number| number < ZERO)
}

fn immediate(text: &str) -> Value {
    let names = Names {
        macros: &Table::new(),
        assigned: &|_| None,
    };
    operand::evaluate(text.trim().trim_start_matches('#'), &names)
}
