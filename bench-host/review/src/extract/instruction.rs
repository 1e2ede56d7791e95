// SPDX-License-Identifier: MIT OR Apache-2.0
//! One assembly instruction, as an assembler would read it.

use crate::extract::event::{Kind, Noted, SourceOperand, Stored};
use crate::extract::operand::{Shape, Value};
use crate::extract::write::{self, Write};
use sequences::{Barrier, Decoded, Domain, Instruction, SysEncoding, Tlbi, TlbiOp, decode};

/// What an instruction turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Something that counts.
    Event(Kind),
    /// Nothing to do with maintenance.
    Other,
    /// Maintenance by its mnemonic, but not one the architecture has, or with a name still to be filled in.
    Unknown,
}

/// Stores: a translation table may be behind any of them.
const STORES: [&str; 21] = [
    "str", "stp", "stnp", "stlr", "stur", "stlur", "sttr", "stxr", "stlxr", "strh", "strb", "stllr", "cas", "casa",
    "casl", "casal", "swp", "swpa", "swpl", "swpal", "dc",
];

/// Returns whether an instruction writes a register that decides how addresses are translated.
pub fn writes_translation(text: &str) -> bool {
    let text = text.trim();
    text.get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("msr ") || head.eq_ignore_ascii_case("msr\t"))
        && matches!(read_words(text), Read::Event(Kind::Sysreg(_)))
}

/// Returns whether a macro writes a translation table entry, by its name: `create_table_entry`, `map_block`.
pub fn writes_table(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    has(&["create", "write", "set_", "populate", "map_"])
        && has(&["_entry", "_pte", "_pmd", "_pgd", "table", "mapping"])
}

/// Reads an instruction from its line.
pub fn read_words(text: &str) -> Read {
    let text = text.trim();
    let (mnemonic, operands) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    read(mnemonic, operands)
}

/// Reads an instruction from its mnemonic and the rest of its line.
pub fn read(mnemonic: &str, operands: &str) -> Read {
    let mnemonic = mnemonic.to_ascii_lowercase();
    let operands = operands.trim();
    let mut parts = operands.split(',').map(str::trim);
    let first = parts.next().unwrap_or_default();
    match mnemonic.as_str() {
        "dsb" => barrier(first, true),
        "dmb" => barrier(first, false),
        "isb" => match first.to_ascii_lowercase().as_str() {
            "" | "sy" | "#15" | "#0xf" | "15" | "$15" => Read::Event(Kind::Barrier(Instruction::Isb)),
            _ => Read::Unknown,
        },
        "sb" if operands.is_empty() => Read::Event(Kind::Barrier(Instruction::Sb)),
        "tlbi" => tlbi(operands),
        "sys" => sys(operands),
        ".inst" | ".word" | ".long" | ".4byte" | ".hword" | "word" => match operands.contains(['|', '+']) {
            true => sum(operands),
            false => word(first.trim_start_matches('$')),
        },
        "msr" => {
            let second = parts.next().unwrap_or_default();
            // Go's assembler has the register last.
            let (register, text) = match write::register(first) {
                None => (write::register(second), first),
                found => (found, second),
            };
            let write = |register| Write {
                text: text.to_owned(),
                ..Write::of(register)
            };
            register.map_or(Read::Other, |register| Read::Event(Kind::Sysreg(write(register))))
        }
        "ic" => Read::Event(Kind::Sysreg(Write::of(format!("ic {}", first.to_ascii_lowercase())))),
        // What it finds is in PAR_EL1 after a context synchronization event.
        "at" if first.to_ascii_lowercase().starts_with("s1") => Read::Event(Kind::Noted(Noted {
            text: format!("at {}", operands.trim()),
            subject: "an address translation by `at`, whose result is read after a context synchronization event"
                .to_owned(),
            flush: None,
            quiet: true,
        })),
        "eret" | "eretaa" | "eretab" => Read::Event(Kind::ExceptionReturn),
        "ret" | "retaa" | "retab" | "br" | "braa" => Read::Event(Kind::Return),
        "svc" | "hvc" | "smc" => Read::Event(Kind::Call(mnemonic)),
        "bl" | "blr" | "call" => Read::Event(Kind::Call(first.to_owned())),
        // Zeroing a block is a store, whatever its name.
        "dc" if first.to_ascii_lowercase().contains("zva") => Read::Other,
        "dc" => {
            let name = operands.split(|c: char| c == ',' || c.is_whitespace()).next();
            Read::Event(Kind::Cache(format!(
                "dc {}",
                name.unwrap_or_default().to_ascii_lowercase()
            )))
        }
        _ if STORES.contains(&mnemonic.as_str()) => match operands.contains("[sp") {
            true => Read::Other,
            false => Read::Event(Kind::Store(Stored {
                target: operands
                    .find('[')
                    .map_or_else(String::new, |at| operands[at..].to_ascii_lowercase()),
                invalid: matches!(first.to_ascii_lowercase().as_str(), "xzr" | "wzr"),
                ..Stored::default()
            })),
        },
        _ => Read::Other,
    }
}

/// Returns whether a text is an instruction of maintenance, complete as it stands.
pub fn is_instruction(text: &str) -> bool {
    let text = text.trim();
    let (mnemonic, operands) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match mnemonic.to_ascii_lowercase().as_str() {
        // Whatever it invalidates.
        "tlbi" => !operands.is_empty(),
        "dsb" | "isb" => matches!(read_words(text), Read::Event(_)),
        "sys" => !matches!(read_words(text), Read::Other),
        _ => false,
    }
}

fn barrier(option: &str, dsb: bool) -> Read {
    // `$10` is how Go's assembler writes a number.
    let option = option.trim_start_matches(['#', '$']).to_ascii_lowercase();
    let number = match option.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => option.parse::<u32>().ok(),
    };
    let instruction = if let Some(number) = number {
        let base = if dsb { 0xd503_309f } else { 0xd503_30bf };
        let word = base | (number & 0xf) << 8;
        match decode(word) {
            Some(Decoded::Dsb(barrier)) => Some(Instruction::Dsb(barrier)),
            Some(Decoded::Dmb(barrier)) => Some(Instruction::Dmb(barrier)),
            _ => None,
        }
    } else {
        // Armv7 had other names for the same options; an option left out is the full system.
        let name = match option.as_str() {
            "" => "sy",
            "un" => "nsh",
            "unst" => "nshst",
            "sh" => "ish",
            "shst" => "ishst",
            name => name,
        };
        let nxs = || {
            let domain = name.strip_suffix("nxs")?;
            Domain::ALL.into_iter().find(|known| known.name() == domain)
        };
        match (Barrier::from_name(name), dsb) {
            (Some(barrier), true) => Some(Instruction::Dsb(barrier)),
            (Some(barrier), false) => Some(Instruction::Dmb(barrier)),
            (None, true) => nxs().map(Instruction::DsbNxs),
            (None, false) => None,
        }
    };
    instruction.map_or(Read::Unknown, |instruction| Read::Event(Kind::Barrier(instruction)))
}

fn tlbi(operands: &str) -> Read {
    // `tlbi vae1is, x0` and, from careless macros, `tlbi vae1is x0`.
    let (name, rest) = match operands.find(|c: char| c == ',' || c.is_whitespace()) {
        Some(at) => (
            &operands[..at],
            operands[at..]
                .trim_start_matches(|c: char| c == ',' || c.is_whitespace())
                .trim(),
        ),
        None => (operands, ""),
    };
    match TlbiOp::from_name(name) {
        Some(op) => Read::Event(Kind::Tlbi(op, source_operand(rest))),
        None => plan_9(name, rest).map_or(Read::Unknown, |(op, text)| {
            Read::Event(Kind::Tlbi(op, source_operand(text)))
        }),
    }
}

/// Reads what Plan 9's assembler takes: the register first, then the operation, by its name or as `op1,CRn,CRm,op2`; without a
/// register, the numbers alone.
fn plan_9<'a>(first: &'a str, rest: &'a str) -> Option<(TlbiOp, &'a str)> {
    if let Some(op) = TlbiOp::from_name(rest.trim()) {
        return Some((op, first));
    }
    let has_register = first.starts_with(['R', 'r', 'Z', 'z', 'x', 'X']);
    let numbers = rest.split(',').map(str::trim);
    let all: Vec<&str> = match has_register {
        true => numbers.collect(),
        false => std::iter::once(first).chain(numbers).collect(),
    };
    let [op1, crn, crm, op2] = all.as_slice() else {
        return None;
    };
    let number = |text: &str| text.trim_start_matches(['#', '$']).parse::<u8>().ok();
    let encoding = SysEncoding {
        op1: number(op1)?,
        crn: number(crn)?,
        crm: number(crm)?,
        op2: number(op2)?,
    };
    let op = TlbiOp::from_encoding(encoding)?;
    Some((op, if has_register { first } else { "" }))
}

/// Returns what an operand says, with its size prefix and percent signs left as written.
pub fn source_operand(text: &str) -> SourceOperand {
    SourceOperand {
        text: text.trim().to_owned(),
        ttl: None,
        value: Value::default(),
    }
}

/// Reads `#op1, Cn, Cm, #op2[, Xt]`.
fn sys(operands: &str) -> Read {
    let parts: Vec<_> = operands.split(',').map(str::trim).collect();
    let number = |text: &str| text.trim_start_matches(['#', '$', 'c', 'C']).parse::<u8>().ok();
    let [op1, crn, crm, op2, rest @ ..] = parts.as_slice() else {
        return Read::Other;
    };
    let (Some(op1), Some(crn), Some(crm), Some(op2)) = (number(op1), number(crn), number(crm), number(op2)) else {
        return Read::Other;
    };
    match TlbiOp::from_encoding(SysEncoding { op1, crn, crm, op2 }) {
        Some(op) => Read::Event(Kind::Tlbi(
            op,
            source_operand(rest.first().copied().unwrap_or_default()),
        )),
        None if crn == 8 || crn == 9 => Read::Unknown,
        None => Read::Other,
    }
}

/// Reads an instruction given as parts that are put together: `0xd50c8300 | 31`. With a part that is no number, what it
/// invalidates by is not known.
fn sum(text: &str) -> Read {
    let parts = text
        .split(['|', '+'])
        .map(|part| part.trim().trim_matches(['(', ')', ' ']));
    let number = |part: &str| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => part.parse::<u32>().ok(),
    };
    let (mut whole, mut known) = (0, true);
    for part in parts {
        match number(part) {
            Some(number) => whole |= number,
            None => known = false,
        }
    }
    match word(&format!("{whole:#x}")) {
        Read::Event(_) if !known => Read::Unknown,
        read => read,
    }
}

/// Reads an instruction given as a number.
pub fn word(text: &str) -> Read {
    let text = text
        .trim()
        .trim_end_matches(['u', 'U', 'l', 'L'])
        .replace('_', "")
        .to_ascii_lowercase();
    let Some(word) = text
        .strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
    else {
        return Read::Other;
    };
    match decode(word) {
        Some(Decoded::Dsb(barrier)) => Read::Event(Kind::Barrier(Instruction::Dsb(barrier))),
        Some(Decoded::Dmb(barrier)) => Read::Event(Kind::Barrier(Instruction::Dmb(barrier))),
        Some(Decoded::DsbNxs(domain)) => Read::Event(Kind::Barrier(Instruction::DsbNxs(domain))),
        Some(Decoded::Isb) => Read::Event(Kind::Barrier(Instruction::Isb)),
        Some(Decoded::Tlbi { op, rt }) => {
            let text = if op.takes_operand() {
                format!("x{rt}")
            } else {
                String::new()
            };
            Read::Event(Kind::Tlbi(op, source_operand(&text)))
        }
        _ => Read::Other,
    }
}

/// Returns the instruction for a `tlbi`: the operand by what the operation takes.
pub fn instruction(op: TlbiOp, given: &SourceOperand, paged: bool) -> Instruction {
    use sequences::{Operand, OperandFormat};
    let text = given.text.trim().trim_start_matches('%').to_ascii_lowercase();
    let zero = matches!(
        text.as_str(),
        "xzr" | "x31" | "0" | "0u" | "0ul" | "0ull" | "0l" | "(0)" | "0u64" | "0_u64"
    );
    let is_wrong = matches!(given.value.shape(op), Shape::Wrong(_));
    let operand = match op.operand_format() {
        OperandFormat::None => Operand::None,
        OperandFormat::Range => Operand::Range(given.ttl),
        OperandFormat::PaRange => Operand::Range(None),
        _ if zero => Operand::Xzr,
        OperandFormat::Va if is_wrong => Operand::VaUnshifted,
        OperandFormat::Ipa if is_wrong => Operand::IpaUnshifted,
        OperandFormat::Asid if is_wrong => Operand::AsidUnshifted,
        OperandFormat::Va | OperandFormat::Ipa if paged => Operand::Page(given.ttl),
        OperandFormat::Va => Operand::Va(given.ttl),
        OperandFormat::Ipa => Operand::Ipa(given.ttl),
        OperandFormat::Asid => Operand::Asid,
    };
    // Every arm above is an operand its format accepts; a level-0 hint of a range operation is the exception.
    let plain = || Tlbi::new(op, Operand::Range(None)).unwrap_or(Tlbi { op, operand });
    Instruction::Tlbi(Tlbi::new(op, operand).unwrap_or_else(plain))
}
