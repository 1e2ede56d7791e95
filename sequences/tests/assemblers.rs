// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every word of the language against independent assemblers and a disassembler.
//!
//! `words.csv` holds each instruction of the language once per kind of register, its word, and the assemblers that
//! gave that word. binutils 2.40 and LLVM 14 lack some of the newer operations; LLVM 22 has all of them.

use capstone::arch::BuildsCapstone;
use object::{Object, ObjectSection};
use sequences::encode::{XZR, increment};
use sequences::validate::FIRST_REGISTER;
use sequences::{
    Barrier, Decoded, Domain, Instruction, Operand, OperandFormat, SysEncoding, Target, Tlbi, TlbiOp, decode,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name and the word of every instruction of the language.
type Words = BTreeMap<String, u32>;

fn stored() -> Words {
    let mut reader = csv::Reader::from_reader(include_bytes!("words.csv").as_slice());
    let words: Words = reader
        .records()
        .map(|record| record.unwrap())
        .map(|record| (record[0].to_owned(), u32::from_str_radix(&record[1], 16).unwrap()))
        .collect();
    assert_eq!(words.len(), 271);
    words
}

/// Returns what this crate makes of every instruction, with the lowest operand register.
fn ours() -> Words {
    let barriers = Barrier::all().flat_map(|barrier| [Instruction::Dsb(barrier), Instruction::Dmb(barrier)]);
    let nxs = Domain::ALL.map(Instruction::DsbNxs);
    let plain = [Instruction::Isb, Instruction::Sb, Instruction::Nop];
    let tlbi = TlbiOp::all().flat_map(|op| {
        let operands: &[Operand] = match op.operand_format() {
            OperandFormat::None => &[Operand::None],
            OperandFormat::Va | OperandFormat::Ipa => &[Operand::Page(None), Operand::Xzr],
            OperandFormat::Asid => &[Operand::Asid, Operand::Xzr],
            OperandFormat::Range | OperandFormat::PaRange => &[Operand::Range(None)],
        };
        operands
            .iter()
            .map(move |&operand| Instruction::Tlbi(Tlbi::new(op, operand).unwrap()))
    });
    let steps = (2..=9).map(|n| (format!("add x{n}, x{n}, #1"), increment(n)));
    let spelled = |instruction: Instruction| {
        let text = instruction.to_string();
        text.replace("{page}", "x2")
            .replace("{asid}", "x2")
            .replace("{range}", "x2")
    };
    let instructions = barriers.chain(nxs).chain(plain).chain(tlbi);
    instructions
        .map(|instruction| (spelled(instruction), instruction.encode(FIRST_REGISTER)))
        .chain(steps)
        .collect()
}

#[test]
fn words_are_those_the_assemblers_gave() {
    assert_eq!(ours(), stored());
    for (text, word) in stored() {
        assert_eq!(decode(word).map(|decoded| decoded.to_string()), Some(text));
    }
}

#[test]
fn no_other_word_is_of_the_language() {
    // Every word whose top byte is that of the system instructions. Registers other than 31 add nothing new.
    let found: BTreeSet<u32> = (0xd500_0000..=0xd5ff_ffff_u32)
        .step_by(32)
        .map(|word| word | 31)
        .filter(|word| decode(*word).is_some())
        .collect();
    let known: BTreeSet<u32> = ours()
        .into_values()
        .filter(|word| word >> 24 == 0xd5)
        .map(|word| word | 31)
        .collect();
    assert_eq!(found, known);
}

/// Assembles one instruction a line with the LLVM of the Rust compiler in use.
#[test]
fn rustc_agrees() {
    const TARGET: &str = "aarch64-unknown-none";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .unwrap();
    let libraries = PathBuf::from(String::from_utf8(libraries.stdout).unwrap().trim());
    if !libraries.is_dir() {
        eprintln!("skipped: the target {TARGET} is not installed");
        return;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, object) = (directory.join("words.rs"), directory.join("words-rustc.o"));
    let lines: Vec<_> = stored().into_keys().collect();
    let assembly = format!(".arch armv9.5-a+rme+sb+tlbiw+tlb-rmi+xs\n{}", lines.join("\n"));
    std::fs::write(&source, format!("#![no_std]\ncore::arch::global_asm!({assembly:?});\n")).unwrap();
    let status = Command::new(&rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--emit",
            "obj",
            "-C",
            "panic=abort",
            "--target",
            TARGET,
        ])
        .arg("-o")
        .args([&object, &source])
        .status()
        .unwrap();
    assert!(status.success());
    compare(&lines, &object);
}

/// Assembles everything binutils 2.40 knows: all but FEAT_TLBIW and the nXS operations.
#[test]
#[ignore = "needs aarch64-linux-gnu-as"]
fn binutils_agrees() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, object) = (directory.join("words.s"), directory.join("words-binutils.o"));
    let unknown = |line: &String| line.starts_with("tlbi") && (line.contains("nxs") || line.contains("vmallws2"));
    let lines: Vec<_> = stored().into_keys().filter(|line| !unknown(line)).collect();
    std::fs::write(&source, lines.join("\n") + "\n").unwrap();
    let status = Command::new("aarch64-linux-gnu-as")
        .args(["-march=armv8.8-a+sb", "-o"])
        .args([&object, &source])
        .status()
        .unwrap();
    assert!(status.success());
    compare(&lines, &object);
}

fn compare(lines: &[String], object: &Path) {
    let data = std::fs::read(object).unwrap();
    let file = object::File::parse(data.as_slice()).unwrap();
    let text = file.section_by_name(".text").unwrap().data().unwrap();
    let words: Vec<_> = text
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect();
    assert_eq!(words.len(), lines.len());
    let ours = ours();
    for (line, word) in lines.iter().zip(words) {
        assert_eq!(ours[line], word, "{line}");
    }
}

/// Disassembles with capstone 5, which spells FEAT_XS and FEAT_TLBIW operations as plain `sys`.
#[test]
fn capstone_agrees() {
    let capstone = capstone::Capstone::new()
        .arm64()
        .mode(capstone::arch::arm64::ArchMode::Arm)
        .build()
        .unwrap();
    for (text, word) in ours() {
        let instructions = capstone.disasm_count(&word.to_le_bytes(), 0, 1).unwrap();
        let theirs = instructions.first().map(|instruction| {
            format!("{} {}", instruction.mnemonic().unwrap(), instruction.op_str().unwrap())
                .trim()
                .to_owned()
        });
        let expected = match decode(word) {
            Some(Decoded::Tlbi { op, rt }) if op.is_nxs() || op.target() == Target::VmallWs2 => {
                let SysEncoding { op1, crn, crm, op2 } = op.encoding();
                let register = if rt == XZR { String::new() } else { format!(", x{rt}") };
                Some(format!("sys #{op1}, c{crn}, c{crm}, #{op2}{register}"))
            }
            _ => Some(text),
        };
        assert_eq!(theirs, expected, "{word:#x}");
    }
}
