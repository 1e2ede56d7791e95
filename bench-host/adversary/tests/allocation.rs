// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which words are instructions: [`decode`] beside capstone.
//!
//! All values of the upper 22 bits are gone through, where opcodes are; the lower 10 bits, mostly register numbers, are drawn
//! for each of them. A word known here and not there would be a guess. A word known there and not here has to be of a kind
//! that is listed with its reason; what the list names has to occur, so that it says no more than is true.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use adversary::a64::decode;
use capstone::Capstone;
use capstone::arch::BuildsCapstone;
use capstone::arch::arm64::ArchMode;

/// What capstone knows and this crate does not, outside SIMD and floating point: beginnings of mnemonics, and why.
const ABSENT: &[(&str, &str)] = &[
    ("addg", "memory tags"),
    ("gmi", "memory tags"),
    ("irg", "memory tags"),
    ("ldg", "memory tags"),
    ("ldgm", "memory tags"),
    ("st2g", "memory tags"),
    ("stg", "memory tags"),
    ("stgm", "memory tags"),
    ("stz2g", "memory tags"),
    ("stzg", "memory tags"),
    ("stzgm", "memory tags"),
    ("subg", "memory tags"),
    ("subp", "memory tags"),
    ("subps", "memory tags"),
    ("cpy*", "memory copied by one instruction"),
    ("set*", "memory set by one instruction"),
    ("aut*", "pointer authentication that is no hint"),
    ("pac*", "pointer authentication that is no hint"),
    ("xpac*", "pointer authentication that is no hint"),
    ("blra*", "pointer authentication that is no hint"),
    ("bra*", "pointer authentication that is no hint"),
    ("ereta*", "pointer authentication that is no hint"),
    ("ldra*", "pointer authentication that is no hint"),
    ("reta*", "pointer authentication that is no hint"),
    ("bc.*", "hinted branches"),
    ("ld64b", "single copies of 64 bytes"),
    ("st64b*", "single copies of 64 bytes"),
    ("tcancel", "transactions"),
    ("tcommit", "transactions"),
    ("tstart", "transactions"),
    ("ttest", "transactions"),
    ("wfet", "waits with a timeout"),
    ("wfit", "waits with a timeout"),
    ("dcps*", "halting debug"),
    ("drps", "halting debug"),
    ("hlt", "halting debug"),
    ("sysl", "no operation of the architecture returns a result"),
    (
        "mrs",
        "system registers have op0 of 2 or 3; capstone takes 0 and 1 as well",
    ),
    (
        "msr",
        "system registers have op0 of 2 or 3; capstone takes 0 and 1 as well",
    ),
];

/// Bits 25 to 28 of the words of the integer set.
fn is_integer(word: u32) -> bool {
    !(matches!(word >> 25 & 15, 0..=3 | 7 | 15) || is_memory(word) && word >> 26 & 1 == 1)
}

fn is_memory(word: u32) -> bool {
    word >> 27 & 1 == 1 && word >> 25 & 1 == 0
}

/// Returns words with these upper 22 bits.
fn words(upper: u32) -> Vec<u32> {
    // A multiplicative hash: the same words everywhere.
    let low = upper.wrapping_mul(0x9e37_79b1) >> 22;
    let mut lows = vec![low];
    let (second, third) = (upper & 31, upper >> 6 & 31);
    if is_memory(upper << 10) {
        // The registers moved, the base, and that of the status, the same.
        lows.extend([second << 5 | second, third << 5 | third, second]);
    }
    if (upper >> 15 & 15) & 0b1110 == 0b1010 {
        // Branches, exceptions, system instructions: fixed values stand in these bits.
        lows.extend([0x3e0, 0x3ff, low | 0x1f, low & !0x1f]);
        lows.extend((1..4).map(|level| low & !0x1f | level));
    }
    if matches!(upper >> 6, 0xd500 | 0xd503 | 0xd523) {
        // Hints, barriers, changes of flags: every bit counts.
        lows = (0..1 << 10).collect();
    }
    if upper >> 6 == 0xdac1 {
        lows.push(low | 0x3e0);
    }
    lows.into_iter().map(|low| upper << 10 | low & 0x3ff).collect()
}

fn is_listed(mnemonic: &str) -> Option<&'static str> {
    let same = |name: &str| {
        name.strip_suffix('*')
            .map_or(name == mnemonic, |head| mnemonic.starts_with(head))
    };
    ABSENT.iter().map(|(name, _)| *name).find(|name| same(name))
}

/// `ldtr` and its like to the base register: capstone takes them for accesses with write-back, which they are not.
fn is_unprivileged_to_base(word: u32) -> bool {
    word & 0x3f20_0c00 == 0x3800_0800 && word & 31 == word >> 5 & 31
}

/// What the Arm ARM leaves open (CONSTRAINED UNPREDICTABLE) and capstone takes for instructions: exclusives whose status
/// register is another of their registers, or with a register that they do not have, and write-back to a moved register.
fn is_left_open(word: u32) -> bool {
    let field = |low: u32| word >> low & 31;
    let (rt, rn, rt2, rs) = (field(0), field(5), field(10), field(16));
    let (load, pair) = (word >> 22 & 1 == 1, word >> 21 & 1 == 1);
    match word {
        _ if word & 0x3f80_0000 == 0x0800_0000 => {
            let status = rs == rt || pair && rs == rt2 || rs == rn && rn != 31;
            !pair && rt2 != 31 || if load { rs != 31 } else { status }
        }
        _ if word & 0x3f20_0400 == 0x3800_0400 => rt == rn && rn != 31,
        _ => false,
    }
}

#[test]
fn capstone_agrees_on_which_words_are_instructions() {
    let capstone = Capstone::new().arm64().mode(ArchMode::Arm).build().unwrap();
    let (mut guessed, mut missing) = (Vec::new(), BTreeMap::new());
    let (mut seen, mut agreed) = (BTreeSet::new(), 0_u64);
    for upper in 0..1 << 22 {
        if matches!(upper >> 15 & 15, 0..=3) {
            // Reserved, SME and SVE; `udf` is below.
            assert!(
                words(upper)
                    .into_iter()
                    .all(|word| word >> 16 == 0 || decode(word).is_none())
            );
            continue;
        }
        for word in words(upper) {
            let known = decode(word);
            let bytes = word.to_le_bytes();
            let theirs = capstone.disasm_count(&bytes, 0, 1).unwrap();
            match (known, theirs.first()) {
                (Some(known), None) if !is_unprivileged_to_base(word) => {
                    guessed.push(format!("{word:#010x} {known:?}"))
                }
                (None, Some(theirs)) if is_integer(word) && !is_left_open(word) => {
                    match theirs.mnemonic().and_then(is_listed) {
                        Some(name) => {
                            seen.insert(name);
                        }
                        None => {
                            let text = (theirs.mnemonic().unwrap_or("?"), theirs.op_str().unwrap_or("?"));
                            missing
                                .entry(text.0.to_owned())
                                .or_insert(format!("{word:#010x} {} {}", text.0, text.1));
                        }
                    }
                }
                _ => agreed += 1,
            }
        }
    }
    println!("{agreed} words alike");
    let unused: Vec<_> = ABSENT.iter().filter(|(name, _)| !seen.contains(name)).collect();
    guessed.truncate(20);
    assert!(guessed.is_empty(), "known here, and no instructions: {guessed:#?}");
    assert!(missing.is_empty(), "instructions that are not known here: {missing:#?}");
    assert!(unused.is_empty(), "listed, and never met: {unused:?}");
}

#[test]
fn a_register_written_twice_is_no_instruction() {
    for (word, text) in [
        (0x29e0_6304, "ldp w4, w24, [x24, #-256]!"),
        (0xa940_0400 | 1, "ldp x1, x1, [x0]"),
        (0xac7a_0180, "ldnp q0, q0"),
        (0xf853_7ca5, "ldr x5, [x5, #-201]!"),
        (0xf800_8400, "str x0, [x0], #8"),
        (0x4845_7f47, "ldxrh with a status register"),
        (0x8800_7c20, "stxr w0, w0, [x1]"),
        (0xc800_7c01, "stxr w0, x1, [x0]"),
        (0x887f_0420 & !31 | 1, "ldxp w1, w1, [x1]"),
        (0x089a_7d05, "stllrb with a second register"),
        (0x0821_7c02, "casp of an odd register"),
    ] {
        assert_eq!(decode(word), None, "{word:#010x} {text}");
    }
    // The stack pointer is not the zero register, and a vector register is no base.
    for (word, text) in [
        (0xf81f_0fff, "str xzr, [sp, #-16]!"),
        (0xc801_7fff, "stxr w1, xzr, [sp]"),
        (0x3cc1_0420, "ldr q0, [x1], #16"),
        (0xacc1_0400, "ldp q0, q1, [x0], #32"),
    ] {
        assert!(decode(word).is_some(), "{word:#010x} {text}");
    }
}
