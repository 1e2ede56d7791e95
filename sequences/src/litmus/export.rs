// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences as litmus tests, for herd7, litmus7, and this crate's own reader.
//!
//! Each shape is one way a stale translation could be used after a sequence; its condition is the stale use. The
//! tests of all shapes of a question are forbidden exactly if the judge finds the sequence sufficient. What herd7 has no
//! notion of (regime, stage, level, domain of a PE) is written as header keys, which herd7 skips and this reader reads.

use crate::instruction::Instruction;
use crate::judge::{After, Change, Level, Name, Observers, Question, Stage};
use crate::operand::Operand;
use crate::tlbi::{OperandFormat, Scope, Tlbi};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The ways in which a stale translation could be used. The names follow the field's litmus tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// This PE accesses the page after the sequence.
    Own,
    /// This PE synchronizes its context and accesses the page.
    OwnSynchronized,
    /// This PE falls into the code page.
    Fetch,
    /// Another PE accesses the page after a message.
    Message,
    /// Another PE stores to the page while this PE reuses its frame.
    Reuse,
}

impl Name for Shape {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("own", Self::Own),
        ("own-synchronized", Self::OwnSynchronized),
        ("fetch", Self::Fetch),
        ("message", Self::Message),
        ("reuse", Self::Reuse),
    ];
}

impl Shape {
    /// Returns the shapes that together answer a question.
    #[must_use]
    pub fn of(question: &Question) -> Vec<Self> {
        let mut shapes = alloc::vec![match question.after {
            After::DataHere => Self::Own,
            After::FetchHere => Self::Fetch,
            After::AccessElsewhere | After::PageReuse | After::Nothing => Self::OwnSynchronized,
        }];
        if question.observers != Observers::ThisPe {
            shapes.push(Self::Message);
            if question.after == After::PageReuse && question.change != Change::Validate {
                shapes.push(Self::Reuse);
            }
        }
        shapes
    }
}

/// Why a sequence has no litmus test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportError {
    /// herd7 and litmus7 have no such instruction.
    Instruction(String),
    /// The change is not a store to a table.
    Change(&'static str),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instruction(text) => write!(f, "`{text}` does not exist in herd7's and litmus7's language"),
            Self::Change(name) => write!(
                f,
                "the change `{name}` is not a store to a table, which litmus tests need"
            ),
        }
    }
}

impl core::error::Error for ExportError {}

/// Returns the litmus test of a shape.
///
/// # Errors
///
/// [`ExportError`] where the sequence or the change has no counterpart.
pub fn export(question: &Question, sequence: &[Instruction], shape: Shape) -> Result<String, ExportError> {
    if matches!(question.change, Change::SwitchContext | Change::RecycleContext) {
        return Err(ExportError::Change(question.change.name()));
    }
    let body: Vec<String> = sequence.iter().map(instruction).collect::<Result<_, _>>()?;
    let writes = question.change == Change::Permissions;
    let (old, new) = match question.change {
        Change::Validate => ("(oa:PA(x), valid:0)", "(oa:PA(x))"),
        Change::Permissions => ("(oa:PA(x))", "(oa:PA(x), db:0)"),
        _ => ("(oa:PA(x))", "(oa:PA(x), valid:0)"),
    };
    let access = if writes { "L0: STR W2,[X4]" } else { "L0: LDR W2,[X4]" };
    let mut first: Vec<String> = alloc::vec!["LSR X9,X4,#12".into(), "STR X0,[X1]".into()];
    first.extend(body.iter().filter(|line| !line.is_empty()).cloned());
    let mut second: Vec<String> = Vec::new();
    let mut init = format!("[x]=1; [PTE(x)]={old};\n 0:X0={new}; 0:X1=PTE(x); 0:X4=x; 0:X2=3;");
    let not = if question.change == Change::Validate { "" } else { "~" };
    let condition = match shape {
        Shape::Own | Shape::OwnSynchronized => {
            if shape == Shape::OwnSynchronized {
                first.push("ISB".into());
            }
            first.push(access.into());
            format!("{not}fault(P0:L0,x)")
        }
        Shape::Fetch => {
            if let Some(tlbi) = sequence.iter().find(|instruction| {
                matches!(instruction, Instruction::Tlbi(tlbi)
                if tlbi.op.takes_operand())
            }) {
                return Err(ExportError::Instruction(format!("{tlbi} on a code page")));
            }
            first.remove(0);
            first.extend([".pagealign".into(), "Page0:".into(), "ADD W5,W5,#1".into()]);
            let (old, new) = (
                old.replace("PA(x)", "PA(P0:Page0)"),
                new.replace("PA(x)", "PA(P0:Page0)"),
            );
            init = format!("TTD(P0:Page0)={old};\n 0:X0={new}; 0:X1=TTD(P0:Page0);");
            if question.change == Change::Validate {
                "0:X5=0".into()
            } else {
                "0:X5=1".into()
            }
        }
        Shape::Message => {
            first.extend(["MOV W7,#1".into(), "STR W7,[X8]".into()]);
            second.extend(["LDR W5,[X8]".into(), "DMB LD".into(), access.into()]);
            init += "\n [z]=0; 0:X8=z; 1:X8=z; 1:X4=x; 1:X2=3;";
            format!("1:X5=1 /\\ {not}fault(P1:L0,x)")
        }
        Shape::Reuse => {
            first.extend(["MOV W7,#2".into(), "STR W7,[X11]".into(), "LDR W6,[X11]".into()]);
            second.push("L0: STR W2,[X4]".into());
            init += "\n [PTE(a)]=(oa:PA(x)); 0:X11=a; 1:X4=x; 1:X2=3;";
            format!("0:X6=3 /\\ {not}fault(P1:L0,x)")
        }
    };
    let mut text = format!(
        "AArch64 {}\n{}",
        name(question, shape, &body),
        header(question, sequence, shape)
    );
    text += &format!("{{\n {init}\n}}\n");
    table(&mut text, &first, &second);
    text += &format!("\nexists ({condition})\n");
    Ok(text)
}

/// Names a test after its shape and its sequence, as `own+dsb.nshst-alle2-dsb.nsh-isb`.
fn name(question: &Question, shape: Shape, body: &[String]) -> String {
    let words = body.iter().map(|line| {
        let line = line.split(',').next().unwrap_or("").to_ascii_lowercase();
        line.strip_prefix("tlbi ")
            .map_or_else(|| line.replace(' ', "."), Into::into)
    });
    let words: Vec<String> = words.collect();
    let sequence = if words.is_empty() {
        "none".into()
    } else {
        words.join("-")
    };
    format!("{}.{}+{sequence}", shape.name(), question.change.name())
}

fn header(question: &Question, sequence: &[Instruction], shape: Shape) -> String {
    let mut variant = String::from(if shape == Shape::Fetch {
        "vmsa,ifetch,fatal"
    } else {
        "vmsa,fatal"
    });
    if question.architecture.ets2 {
        variant += ",ets2";
    }
    if question.architecture.ets3 {
        variant += ",ets3";
    }
    let mut header = format!(
        "Variant={variant}\nRegime={}\n",
        question.regime.name().to_ascii_uppercase()
    );
    if question.stage == Stage::Two {
        header += "Stage=2\n";
    }
    if question.level == Some(Level::Table) {
        header += "Level=table\n";
    }
    if !question.vmid_is_current {
        header += "VMID=other\n";
    }
    // A repetition over the pages of the range covers it page by page.
    let paged = sequence.iter().any(|instruction| {
        matches!(
            instruction,
            Instruction::Tlbi(Tlbi {
                operand: Operand::Page(_),
                ..
            })
        )
    });
    if (question.change == Change::RemoveTable || question.range) && !paged {
        header += "Extent=range\n";
    }
    if let Some(global) = question.global {
        header += &format!("Global={}\n", u8::from(global));
    }
    if question.host {
        header += "Host=1\n";
    }
    if question.observers == Observers::Outer && matches!(shape, Shape::Message | Shape::Reuse) {
        header += "Outer=P1\n";
    }
    header
}

/// Writes an instruction; a `nop` stays, so that the test is of the same length.
fn instruction(instruction: &Instruction) -> Result<String, ExportError> {
    let refused = || ExportError::Instruction(format!("{instruction}"));
    match instruction {
        Instruction::Tlbi(tlbi) => tlbi_text(tlbi).ok_or_else(refused),
        Instruction::DsbNxs(_) | Instruction::Sb | Instruction::Msr(..) => Err(refused()),
        other => Ok(format!("{other}").to_ascii_uppercase()),
    }
}

fn tlbi_text(tlbi: &Tlbi) -> Option<String> {
    let op = tlbi.op;
    if op.is_range() || op.scope() == Scope::OuterShareable {
        return None;
    }
    let name = op.name().to_ascii_uppercase();
    let register = match tlbi.operand {
        Operand::None => return Some(format!("TLBI {name}")),
        Operand::Xzr => "XZR",
        Operand::VaUnshifted | Operand::IpaUnshifted => "X4",
        Operand::Va(None) | Operand::Ipa(None) | Operand::Page(None) | Operand::Asid => "X9",
        _ => return None,
    };
    (op.operand_format() != OperandFormat::Range).then(|| format!("TLBI {name},{register}"))
}

fn table(text: &mut String, first: &[String], second: &[String]) {
    let width = first.iter().map(String::len).max().unwrap_or(0).max(2);
    let other = second.iter().map(String::len).max().unwrap_or(0).max(2);
    let mut row = |a: &str, b: &str| {
        if second.is_empty() {
            *text += &format!(" {a:width$} ;\n");
        } else {
            *text += &format!(" {a:width$} | {b:other$} ;\n");
        }
    };
    row("P0", "P1");
    for at in 0..first.len().max(second.len()) {
        let cell = |column: &[String]| column.get(at).cloned().unwrap_or_default();
        row(&cell(first), &cell(second));
    }
}
