// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the register of a `tlbi` holds, traced through shifts, masks and helpers.
//!
//! An operation by address takes `VA[55:12]` in bits `[43:0]`, whatever the granule, and one by ASID takes the ASID in
//! bits `[63:48]`. Whether an expression says that is a matter of by how much each of its parts is shifted, and which
//! bits a mask leaves. Where the parts do not tell, the answer is [`Shape::AsIs`] or [`Shape::Unknown`], and another
//! side of the patch, or a reader, has to say it.

mod asid;

use crate::extract::macros::Table;
use crate::extract::token::{Language, Token, TokenKind, body_tokens, closing, join, split};
use sequences::{ExceptionLevel, OperandFormat, TlbiOp};
use std::collections::HashMap;

/// The registers of arguments (AAPCS64), by the names under which what they hold at the start of a function is known.
pub const ARGUMENTS: [&str; 8] = ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"];
/// Bits of an address in an operand, and those of the ASID.
const ADDRESS: u64 = (1 << 44) - 1;
const ASID: u64 = 0xffff << 48;
/// The translation table level hint.
const HINT: u64 = 0xf << 44;
/// How deep expressions and macros are followed, and how many parts a value has.
const MAX_DEPTH: u32 = 24;
const MAX_TERMS: usize = 8;

/// A part of a value: something that is not taken apart further, shifted and masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it is, as written.
    pub base: String,
    /// By how much it is shifted left; right shifts are negative.
    pub left: i32,
    /// The bits of the value that it can set.
    pub mask: u64,
    /// A mask of unknown width, or a shift by something unknown, is on it.
    pub loose: bool,
}

/// A value: its parts, OR-ed, and a constant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Value {
    /// The parts.
    pub terms: Vec<Term>,
    /// The constant part.
    pub constant: u64,
}

/// What a value is as the operand of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In the form that the operation takes.
    Right,
    /// Something as it is: right if it was made so elsewhere.
    AsIs,
    /// Not what the operation takes, and why.
    Wrong(&'static str),
    /// It does not say.
    Unknown,
}

impl Value {
    /// Returns the value of something that is not taken apart.
    pub fn of(base: &str) -> Self {
        Self {
            terms: vec![Term {
                base: base.trim().to_owned(),
                left: 0,
                mask: u64::MAX,
                loose: false,
            }],
            constant: 0,
        }
    }

    /// Returns a constant.
    pub const fn constant(constant: u64) -> Self {
        Self {
            terms: Vec::new(),
            constant,
        }
    }

    /// Returns the constant, if it is nothing else.
    pub fn known(&self) -> Option<u64> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// Shifts left, or right where negative.
    #[must_use]
    pub fn shifted(mut self, left: i32) -> Self {
        let shift = |bits: u64| match left {
            64.. | ..=-64 => 0,
            0.. => bits << left,
            _ => bits >> -left,
        };
        self.constant = shift(self.constant);
        for term in &mut self.terms {
            term.left += left;
            term.mask = shift(term.mask);
        }
        self
    }

    /// Keeps the bits of a mask.
    #[must_use]
    pub fn masked(mut self, mask: u64) -> Self {
        self.constant &= mask;
        for term in &mut self.terms {
            term.mask &= mask;
        }
        self.terms.retain(|term| term.mask != 0);
        self
    }

    /// Puts another value beside this one.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.constant |= other.constant;
        for term in other.terms {
            if self.terms.len() < MAX_TERMS && !self.terms.contains(&term) {
                self.terms.push(term);
            }
        }
        self
    }

    fn loosened(mut self) -> Self {
        self.terms.iter_mut().for_each(|term| term.loose = true);
        self
    }

    /// Puts arguments for parameters.
    #[must_use]
    pub fn with_arguments(&self, parameters: &[String], arguments: &[Self]) -> Self {
        let mut out = Self::constant(self.constant);
        for term in &self.terms {
            let given = parameters
                .iter()
                .position(|name| *name == term.base)
                .and_then(|index| arguments.get(index));
            match given {
                Some(given) => {
                    let mut given = given.clone().shifted(term.left).masked(term.mask);
                    given.terms.iter_mut().for_each(|part| part.loose |= term.loose);
                    out = out.with(given);
                }
                None => {
                    out = out.with(Self {
                        terms: vec![term.clone()],
                        constant: 0,
                    })
                }
            }
        }
        out
    }

    /// Returns what this is as the operand of an operation.
    pub fn shape(&self, op: TlbiOp) -> Shape {
        match op.operand_format() {
            OperandFormat::Va | OperandFormat::Ipa => self.shape_of_address(op),
            OperandFormat::Asid => self.shape_of_asid(),
            _ => Shape::Unknown,
        }
    }

    fn shape_of_address(&self, op: TlbiOp) -> Shape {
        if self.terms.iter().any(|term| term.loose) {
            return Shape::Unknown;
        }
        let address = |term: &&Term| term.mask & ADDRESS != 0 && term.left < 44;
        let mut addresses = self.terms.iter().filter(address);
        let (Some(term), None) = (addresses.next(), addresses.next()) else {
            return Shape::Unknown;
        };
        let lower = term.base.to_ascii_lowercase();
        let is_number = ["pfn", "vpn", "ppn", "page_num", "page_no", "pagenum", "pageno", "frame"]
            .iter()
            .any(|word| lower.contains(word))
            && !lower.contains("addr");
        let right = if is_number { 0 } else { -12 };
        if term.left == right {
            // Sign bits of the upper half, which EL1 has, reach the hint where a mask keeps more than 44 bits.
            let masked = term.mask >> 51 == 0;
            let spills = masked && term.mask & HINT != 0 && !is_number;
            return match spills && op.level() == ExceptionLevel::El1 && op.operand_format() == OperandFormat::Va {
                true => Shape::Wrong("a mask keeps more than the 44 bits of VA[55:12]: sign bits reach the level hint"),
                false => Shape::Right,
            };
        }
        match term.left {
            0 => Shape::AsIs,
            1..44 => Shape::Wrong("the address is shifted left; bits [43:0] take VA[55:12]"),
            ..-12 if term.left == 2 * right => {
                Shape::Wrong("the address is shifted right by 12 twice; bits [43:0] take VA[55:12]")
            }
            _ if is_number && term.left < 0 => {
                Shape::Wrong("a page number is shifted right again; bits [43:0] take VA[55:12]")
            }
            ..-12 => Shape::Wrong(
                "the address is shifted right by more than 12; bits [43:0] take VA[55:12] for every granule",
            ),
            _ => Shape::Unknown,
        }
    }

    fn shape_of_asid(&self) -> Shape {
        if self.known().is_some() {
            return Shape::Unknown;
        }
        // AArch32 with short descriptors has it there.
        let elsewhere = |term: &Term| term.base.to_ascii_lowercase().contains("contextidr");
        if self.terms.iter().any(elsewhere) {
            return Shape::Wrong("CONTEXTIDR_EL1 holds no ASID: it is in TTBR0_EL1 or TTBR1_EL1, by TCR_EL1.A1");
        }
        let all = self.terms.iter().fold(self.constant, |bits, term| bits | term.mask);
        if all & ASID == 0 {
            return Shape::Wrong("the ASID is not in bits [63:48]: the operation names ASID 0");
        }
        match self.terms.as_slice() {
            [term] if term.loose => Shape::Unknown,
            [term] if term.left == 48 => Shape::Right,
            [term] if term.left == 0 => Shape::AsIs,
            _ => Shape::Unknown,
        }
    }
}

/// What names mean where an expression stands.
pub struct Names<'a> {
    /// Macros in sight.
    pub macros: &'a Table,
    /// What variables were last set to.
    pub assigned: &'a dyn Fn(&str) -> Option<Value>,
}

/// Reads an expression.
pub fn evaluate(text: &str, names: &Names<'_>) -> Value {
    const MAX: usize = 400;
    if text.len() > MAX {
        return Value::of("?");
    }
    evaluate_tokens(&body_tokens(text, 1, false, Language::C), names, 0)
}

/// Reads an expression from its tokens.
pub fn evaluate_tokens(tokens: &[Token], names: &Names<'_>, depth: u32) -> Value {
    let mut reader = Reader {
        tokens,
        at: 0,
        names,
        depth,
    };
    let value = reader.binary(0);
    match reader.at >= tokens.len() && depth <= MAX_DEPTH {
        true => value,
        false => Value::of(&join(tokens)),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    names: &'a Names<'a>,
    depth: u32,
}

impl Reader<'_> {
    fn sign(&self, at: usize) -> &str {
        match self.tokens.get(at) {
            Some(token) if token.kind == TokenKind::Sign => &token.text,
            _ => "",
        }
    }

    /// Returns the binary operator that stands here, its length in tokens, and how tightly it binds.
    fn operator(&self) -> Option<(&'static str, usize, u8)> {
        match (self.sign(self.at), self.sign(self.at + 1)) {
            ("|", "|") | ("&", "&") => None,
            ("|", _) => Some(("|", 1, 1)),
            ("^", _) => Some(("^", 1, 2)),
            ("&", _) => Some(("&", 1, 3)),
            ("<", "<") => Some(("<<", 2, 4)),
            (">", ">") => Some((">>", 2, 4)),
            ("+", _) => Some(("+", 1, 5)),
            ("-", _) => Some(("-", 1, 5)),
            ("*", _) => Some(("*", 1, 6)),
            ("/", _) => Some(("/", 1, 6)),
            _ => None,
        }
    }

    fn binary(&mut self, least: u8) -> Value {
        if self.depth > MAX_DEPTH {
            self.at = self.tokens.len() + 1;
            return Value::of("?");
        }
        self.depth += 1;
        let start = self.at;
        let mut left = self.unary();
        while let Some((operator, length, binds)) = self.operator().filter(|(_, _, binds)| *binds >= least) {
            self.at += length;
            let right = self.binary(binds + 1);
            let text = || join(self.tokens.get(start..self.at).unwrap_or_default());
            left = match (operator, left.known(), right.known()) {
                ("|" | "+" | "^", _, _) if left.known().is_none() || right.known().is_none() => left.with(right),
                ("|", Some(a), Some(b)) => Value::constant(a | b),
                ("^", Some(a), Some(b)) => Value::constant(a ^ b),
                ("+", Some(a), Some(b)) => Value::constant(a.wrapping_add(b)),
                ("-", Some(a), Some(b)) => Value::constant(a.wrapping_sub(b)),
                ("*", Some(a), Some(b)) => Value::constant(a.wrapping_mul(b)),
                ("/", Some(a), Some(b)) => Value::constant(a.checked_div(b).unwrap_or_default()),
                ("-", None, Some(_)) => left,
                ("&", _, Some(mask)) => left.masked(mask),
                ("&", Some(mask), _) => right.masked(mask),
                ("&", None, None) => left.loosened(),
                ("<<", _, Some(count @ 0..64)) => left.shifted(count as i32),
                (">>", _, Some(count @ 0..64)) => left.shifted(-(count as i32)),
                ("*", _, Some(by)) if by.is_power_of_two() => left.shifted(by.trailing_zeros() as i32),
                ("/", _, Some(by)) if by.is_power_of_two() => left.shifted(-(by.trailing_zeros() as i32)),
                ("<<" | ">>", _, _) => left.loosened(),
                _ => Value::of(&text()),
            };
        }
        self.depth -= 1;
        left
    }

    fn unary(&mut self) -> Value {
        match self.sign(self.at) {
            "~" | "!" => {
                self.at += 1;
                let value = self.unary();
                match value.known() {
                    Some(constant) => Value::constant(!constant),
                    None => value.loosened(),
                }
            }
            "-" => {
                self.at += 1;
                let value = self.unary();
                value
                    .known()
                    .map_or(value, |constant| Value::constant(constant.wrapping_neg()))
            }
            "*" | "&" => {
                let start = self.at;
                self.at += 1;
                self.unary();
                Value::of(&join(self.tokens.get(start..self.at).unwrap_or_default()))
            }
            _ => self.postfix(),
        }
    }

    /// Reads a name, number, call or parenthesis, and what is asked of it by `.` and `->`.
    fn postfix(&mut self) -> Value {
        let start = self.at;
        let mut value = self.primary();
        loop {
            match self.sign(self.at) {
                "." | "->" | "::" => {
                    self.at += 2;
                    if self.sign(self.at) == "(" {
                        self.at = closing(self.tokens, self.at) + 1;
                    }
                }
                "[" => self.at = closing(self.tokens, self.at) + 1,
                _ => break,
            }
            value = Value::of(&join(
                self.tokens
                    .get(start..self.at.min(self.tokens.len()))
                    .unwrap_or_default(),
            ));
        }
        // Rust's cast.
        while self.tokens.get(self.at).is_some_and(|token| token.is_word("as")) {
            self.at += 2;
            while self.sign(self.at) == "::" {
                self.at += 2;
            }
        }
        value
    }

    fn primary(&mut self) -> Value {
        let Some(token) = self.tokens.get(self.at) else {
            self.at += 1;
            return Value::of("?");
        };
        if token.is("(") {
            let close = closing(self.tokens, self.at);
            let inner = self
                .tokens
                .get(self.at + 1..close.min(self.tokens.len()))
                .unwrap_or_default();
            self.at = close + 1;
            if let Some((body, last)) = inner.split_first().filter(|(first, _)| first.is("{")).map(|(_, rest)| {
                let end = rest.iter().rposition(|token| token.is("}")).unwrap_or(rest.len());
                (&rest[..end], self.depth + 1)
            }) {
                return self.statements(body, last);
            }
            // `(uint64_t)x`: a type stands alone, and an operand follows.
            let typed = inner
                .iter()
                .all(|token| token.kind == TokenKind::Word || token.is("*") || token.is("::"));
            let follows = self.tokens.get(self.at).is_some_and(|next| {
                matches!(next.kind, TokenKind::Word | TokenKind::Number) && !next.is_word("as") || next.is("(")
            });
            if typed && follows && !inner.is_empty() {
                return self.unary();
            }
            return evaluate_tokens(inner, self.names, self.depth + 1);
        }
        self.at += 1;
        match token.kind {
            TokenKind::Number => number(&token.text).map_or_else(|| Value::of(&token.text), Value::constant),
            TokenKind::Word => {
                let bang = self.sign(self.at) == "!";
                if self.sign(self.at + usize::from(bang)) == "(" {
                    let open = self.at + usize::from(bang);
                    let close = closing(self.tokens, open);
                    let inner = self
                        .tokens
                        .get(open + 1..close.min(self.tokens.len()))
                        .unwrap_or_default();
                    self.at = close + 1;
                    return self.call(&token.text, inner);
                }
                self.name(&token.text)
            }
            _ => Value::of(&token.text),
        }
    }

    /// Reads GNU C's `({ type x; x = ...; x |= ...; x; })`: a macro that makes an operand in steps.
    fn statements(&self, body: &[Token], depth: u32) -> Value {
        let mut locals: HashMap<String, Value> = HashMap::new();
        let mut last = Value::of("?");
        if depth > MAX_DEPTH {
            return last;
        }
        for statement in split(body, ";").into_iter().filter(|statement| !statement.is_empty()) {
            let assigned = |name: &str| locals.get(name).cloned().or_else(|| (self.names.assigned)(name));
            let names = Names {
                macros: self.names.macros,
                assigned: &assigned,
            };
            let Some(equals) = statement.iter().position(|token| token.is("=")) else {
                last = evaluate_tokens(statement, &names, depth);
                continue;
            };
            let left = &statement[..equals];
            let Some(at) = left.iter().rposition(|token| token.kind == TokenKind::Word) else {
                return Value::of("?");
            };
            let operator: String = left[at + 1..].iter().map(|token| token.text.as_str()).collect();
            let name = &left[at].text;
            let old = || assigned(name).unwrap_or_else(|| Value::of("?"));
            let right = evaluate_tokens(&statement[equals + 1..], &names, depth);
            let count = right.known().filter(|count| *count < 64).map(|count| count as i32);
            let value = match (operator.as_str(), right.known(), count) {
                ("", _, _) => right,
                ("|" | "+", _, _) => old().with(right),
                ("&", Some(mask), _) => old().masked(mask),
                ("&", None, _) => old().loosened(),
                ("<<", _, Some(count)) => old().shifted(count),
                (">>", _, Some(count)) => old().shifted(-count),
                _ => Value::of("?"),
            };
            locals.insert(name.clone(), value);
        }
        last
    }

    fn name(&self, name: &str) -> Value {
        if let Some(value) = (self.names.assigned)(name) {
            return value;
        }
        if let Some(found) = self.names.macros.get(name).filter(|found| found.parameters.is_none())
            && self.depth < MAX_DEPTH
        {
            return evaluate_tokens(&found.body, self.names, self.depth + 4);
        }
        constant_named(name).map_or_else(|| Value::of(name), Value::constant)
    }

    fn call(&self, name: &str, inner: &[Token]) -> Value {
        let list = split(inner, ",");
        if let Some(found) = self.names.macros.get(name)
            && let Some(parameters) = &found.parameters
            && self.depth < MAX_DEPTH
            && parameters.len() == list.len()
        {
            let arguments: Vec<Value> = list.iter().map(|part| self.value(part)).collect();
            return evaluate_tokens(&found.body, self.names, self.depth + 4).with_arguments(parameters, &arguments);
        }
        let argument = |index: usize| self.value(list.get(index).copied().unwrap_or_default());
        let page = |value: Value| value.shifted(-12).masked(ADDRESS);
        let opaque = || Value::of(&format!("{name}({})", join(inner)));
        match name.trim_start_matches('_').to_ascii_uppercase().as_str() {
            "TLBI_VADDR" if list.len() == 2 => page(argument(0)).with(argument(1).masked(0xffff).shifted(48)),
            "TLBI_ADDR" | "TLBI_VA" | "TLBI_ARG" if list.len() == 1 => page(argument(0)),
            "ASID_TO_OPERAND" if list.len() == 1 => argument(0).shifted(48),
            "ATOP" | "VTOPAGE" | "PFN_DOWN" | "VA_TO_PFN" if list.len() == 1 => argument(0).shifted(-12),
            "BIT" | "BIT64" | "BITUL" | "BIT_64" | "BIT_ULL" => match argument(0).known() {
                Some(bit @ 0..64) => Value::constant(1 << bit),
                _ => opaque(),
            },
            "GENMASK" | "GENMASK_64" | "GENMASK_ULL" => match (argument(0).known(), argument(1).known()) {
                (Some(high @ 0..64), Some(low)) if low <= high => {
                    Value::constant((u64::MAX >> (63 - high)) >> low << low)
                }
                _ => opaque(),
            },
            "BITS_SHIFT" | "SHIFT_L" | "SHIFT_U64" if list.len() == 2 => match argument(1).known() {
                Some(count @ 0..64) => argument(0).shifted(count as i32),
                _ => argument(0).loosened(),
            },
            "UL" | "ULL" | "U" | "UINT64_C" | "AC" | "U64" | "L" | "READ_ONCE" => argument(0),
            _ => opaque(),
        }
    }

    fn value(&self, tokens: &[Token]) -> Value {
        evaluate_tokens(tokens, self.names, self.depth + 1)
    }
}

/// Reads a number of C, C++ or Rust.
pub fn number(text: &str) -> Option<u64> {
    let plain = text.replace(['_', '\''], "").to_ascii_lowercase();
    let plain = ["u64", "usize", "u32", "i64"]
        .iter()
        .find_map(|suffix| plain.strip_suffix(suffix))
        .unwrap_or(&plain);
    if let Some(digits) = plain.strip_prefix("0x") {
        return u64::from_str_radix(digits.trim_end_matches(['u', 'l']), 16).ok();
    }
    if let Some(digits) = plain.strip_prefix("0b") {
        return u64::from_str_radix(digits.trim_end_matches(['u', 'l']), 2).ok();
    }
    plain.trim_end_matches(['u', 'l']).parse().ok()
}

/// Returns the constants whose names say what they are.
fn constant_named(name: &str) -> Option<u64> {
    let upper = name.to_ascii_uppercase();
    if upper.ends_with("ASID_SHIFT") || upper.ends_with("ASID_POS") {
        return Some(48);
    }
    // That of the pair of ASIDs of an address space which user space runs by, without the kernel's tables.
    if upper == "USER_ASID_FLAG" {
        return Some(1 << 48);
    }
    match upper.as_str() {
        "PAGE_SHIFT" | "PAGE_BITS" | "PAGE_WIDTH" | "SEL4_PAGEBITS" | "SMALL_PAGE_SHIFT" | "TLBI_ADDR_SHIFT"
        | "TLBI_VA_SHIFT" | "TLBI_MVA_SHIFT" | "EFI_PAGE_SHIFT" | "PAGE_SIZE_SHIFT" => Some(12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(op: &str, text: &str) -> Shape {
        let table = Table::new();
        let names = Names {
            macros: &table,
            assigned: &|_| None,
        };
        evaluate(text, &names).shape(TlbiOp::from_name(op).unwrap())
    }

    #[test]
    fn addresses_are_page_numbers() {
        for right in [
            "va >> 12",
            "(va >> PAGE_SHIFT) & 0xfffffffffff",
            "va >> 12 & ((1 << 44) - 1)",
            "__TLBI_VADDR(addr, ASID(mm))",
            "TLBI_ADDR(va)",
            "((uint64_t)va >> 12) | ((u64)asid << 48)",
            "(self.start.as_u64() >> 12) as u64",
            "(va / 4096)",
            "page_number",
            "(asid << 48) | cap_frame_get_mapped_address(cap) >> 12",
            "(va >> 21) << 9",
            "({ u64 x; x = ((va) >> 12) & ((1UL << 43) - 1); x |= (u64)(asid) << 48; x; })",
        ] {
            let shape = shape("vae1is", right);
            let fits = matches!(shape, Shape::Right) || right == "page_number";
            assert!(fits, "{right}: {shape:?}");
        }
        assert_eq!(shape("vae1is", "va"), Shape::AsIs);
        assert_eq!(shape("vae1is", "self.va"), Shape::AsIs);
        for wrong in [
            "va << 12",
            "(va >> 12) >> 12",
            "pfn >> 12",
            "va >> 14",
            "(va >> 12) & 0xffffffffffff",
        ] {
            assert!(matches!(shape("vae1is", wrong), Shape::Wrong(_)), "{wrong}");
        }
        // EL2 has no upper half: nothing spills.
        assert_eq!(shape("vae2is", "(va >> 12) & 0xffffffffffff"), Shape::Right);
        assert_eq!(shape("vae1is", "va >> shift"), Shape::Unknown);
        assert_eq!(shape("vae1is", "f(va) | g(x)"), Shape::Unknown);
    }

    #[test]
    fn asids_are_in_the_upper_bits() {
        assert_eq!(shape("aside1is", "asid << 48"), Shape::Right);
        assert_eq!(shape("aside1is", "ASID_TO_OPERAND(asid)"), Shape::Right);
        assert_eq!(shape("aside1is", "__TLBI_VADDR(0, ASID(mm))"), Shape::Right);
        assert_eq!(shape("aside1is", "asid"), Shape::AsIs);
        assert!(matches!(shape("aside1is", "read_contextidr_el1()"), Shape::Wrong(_)));
        assert_eq!(shape("aside1is", "asid & 0xffff000000000000"), Shape::AsIs);
        assert!(matches!(shape("aside1is", "asid & 0xffff"), Shape::Wrong(_)));
        assert!(matches!(shape("aside1is", "(asid & 0xff) << 12"), Shape::Wrong(_)));
    }
}
