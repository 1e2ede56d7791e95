// SPDX-License-Identifier: MIT OR Apache-2.0
//! A limit that is met must be said: below each of these heaps stands a sequence that is not enough, and a review that
//! finds nothing there must not say that nothing is changed.

use review::extract::spelling::Spellings;
use review::{Outcome, Review, diff, review};
use sequences::judge::Stated;
use std::fmt::Write as _;

/// Returns the review of a patch that adds a file.
fn added(path: &str, text: &str) -> Review {
    let mut patch = format!(
        "diff --git a/{path} b/{path}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n",
        text.lines().count()
    );
    for line in text.lines() {
        let _ = writeln!(patch, "+{line}");
    }
    let patch = diff::read(patch.as_bytes(), diff::Quoting::Outside)
        .expect("text can be read")
        .remove(0);
    review(patch, &Spellings::built_in(), &Stated::default(), None)
}

fn is_not_lost(path: &str, text: &str) {
    let found = added(path, text);
    assert_ne!(found.outcome(), Outcome::Fine, "{}", &text[..text.len().min(200)]);
    let said = found.changes.len() + found.unrecognised.len();
    assert!(said > 0, "said nowhere");
}

/// Not enough: nothing completes it.
const BAD: &str =
    "asm volatile(\"dsb ishst\"); asm volatile(\"tlbi vae1is, %0\" :: \"r\"(va >> 12)); asm volatile(\"isb\");";

#[test]
fn nested_branches_and_blocks() {
    for depth in [12, 24, 60, 200, 2000] {
        let (open, close) = ("if (a) {\n".repeat(depth), "}\n".repeat(depth));
        is_not_lost(
            "mm/aarch64/a.c",
            &format!("void f(unsigned long va)\n{{\n{open}{BAD}\n{close}}}\n"),
        );
        let (open, close) = ("{\n".repeat(depth), "}\n".repeat(depth));
        is_not_lost(
            "mm/aarch64/a.c",
            &format!("void f(unsigned long va)\n{{\n{open}{BAD}\n{close}}}\n"),
        );
    }
}

#[test]
fn unmatched_braces() {
    is_not_lost(
        "mm/aarch64/a.c",
        &format!("void f(unsigned long va)\n{{\n}}\n}}\n {BAD}\n}}\n"),
    );
    is_not_lost(
        "mm/aarch64/a.c",
        &format!("void f(unsigned long va)\n{{\n {{ {{\n {BAD}\n}}\n"),
    );
}

#[test]
fn chained_macros() {
    for length in [8, 40, 200] {
        let mut text = format!("#define A0 {BAD}\n");
        for index in 1..=length {
            let _ = writeln!(text, "#define A{index} A{}", index - 1);
        }
        let _ = writeln!(text, "void f(unsigned long va)\n{{\n\tA{length};\n}}");
        is_not_lost("mm/aarch64/a.c", &text);
    }
}

#[test]
fn long_assembly() {
    for length in [100, 20_000, 60_000] {
        let mut text = String::from("f:\n");
        for index in 0..length {
            let _ = writeln!(text, "\tmsr sctlr_el1, x{}\n", index % 30);
        }
        text.push_str("\tdsb ishst\n\ttlbi vae1is, x0\n\tisb\n\tret\n");
        is_not_lost("mm/aarch64/a.S", &text);
    }
}

#[test]
fn a_function_in_front_that_spends_everything() {
    let mut text = String::from("void first(void)\n{\n");
    for _ in 0..30_000 {
        text.push_str("\tasm volatile(\"dsb sy; isb; dsb sy; isb; dsb sy; isb; dsb sy; isb\");\n");
    }
    let _ = writeln!(text, "}}\n\nvoid f(unsigned long va)\n{{\n\t{BAD}\n}}");
    is_not_lost("mm/aarch64/a.c", &text);
}

#[test]
fn many_ways() {
    let mut text = String::from("void f(unsigned long va)\n{\n");
    for index in 0..40 {
        let _ = writeln!(text, "\tif (a{index}) asm volatile(\"dsb ishst\");");
    }
    let _ = writeln!(text, "\t{BAD}\n}}");
    is_not_lost("mm/aarch64/a.c", &text);
    let mut text = String::from("f:\n");
    for index in 0..40 {
        let _ = writeln!(text, "\tcbz x{index}, 1f\n\tdsb ishst\n1:");
    }
    text.push_str("\ttlbi vae1is, x0\n\tisb\n\tret\n");
    is_not_lost("mm/aarch64/a.S", &text);
}

#[test]
fn many_cases() {
    let mut text = String::from("void f(int a, unsigned long va)\n{\n\tswitch (a) {\n");
    for index in 0..60 {
        let _ = writeln!(text, "\tcase {index}: asm volatile(\"dsb sy\"); break;");
    }
    let _ = writeln!(text, "\tcase 60: {BAD} break;\n\t}}\n}}");
    is_not_lost("mm/aarch64/a.c", &text);
}

/// A case that is left is read up to there, not to the end of all: a disassembler has thousands.
#[test]
fn thousands_of_cases_are_read_once() {
    let mut text = String::from("int f(int a)\n{\n\tswitch (a) {\n");
    for index in 0..4000 {
        let _ = writeln!(
            text,
            "\tcase {index}: g(a, {index}); if (h(a)) {{ g(a, 0); }} return k({index});"
        );
    }
    text.push_str("\tdefault: tlb_flush_of_something(a); return 0;\n\t}\n}\n");
    is_not_lost("mm/aarch64/a.c", &text);
}

/// Each macro of strings stands sixteen times in the next: written out, there would be thousands of millions.
#[test]
fn macros_of_strings_that_double() {
    let mut text = String::from("#define M0 \"nop\\n\"\n");
    for level in 1..9 {
        let _ = writeln!(text, "#define M{level} {}", format!("M{} ", level - 1).repeat(16));
    }
    let _ = write!(text, "void f(unsigned long va)\n{{\nasm volatile(M8);\n{BAD}\n}}\n");
    is_not_lost("mm/aarch64/a.c", &text);
}

/// Eight levels of macros of the assembler, each of which calls the one below a dozen times; with and without operations.
#[test]
fn macros_of_the_assembler_that_multiply() {
    for (innermost, below) in [("tlbi alle2", ""), ("nop", "\ttlbi vae2is, x0\n\tisb\n")] {
        let mut text = format!(".macro m0\n\t{innermost}\n.endm\n");
        for level in 1..8 {
            let calls = format!("\tm{}\n", level - 1).repeat(12);
            let _ = write!(text, ".macro m{level}\n{calls}.endm\n");
        }
        let _ = write!(text, "f:\n\tdsb ish\n\tm7\n{below}\tret\n");
        is_not_lost("arch/arm64/a.S", &text);
    }
}

/// The ways through many branches share what they have in common: twice the branches take twice the time.
#[test]
fn hundreds_of_branches_with_invalidations() {
    let mut text = String::from("void f(unsigned long va)\n{\n\tdsb(ishst);\n");
    for index in 0..800 {
        let _ = writeln!(
            text,
            "\tif (c{index}) {{ __tlbi(vae1is, va >> 12); }} else {{ __tlbi(vaae1is, va >> 12); }}"
        );
    }
    text.push_str("\tisb();\n}\n");
    is_not_lost("mm/aarch64/a.c", &text);
}

#[test]
fn repeated_invalidations_take_no_longer_than_one() {
    const OPERATIONS: [&str; 5] = [
        "vmalle1is",
        "vae1is, va",
        "vale1is, va",
        "aside1is, asid << 48",
        "vaae1is, va",
    ];
    let (mut equal, mut mixed) = (String::new(), String::new());
    for index in 0..38 {
        equal += "\tdsb(ishst);\n\t__tlbi(vmalle1is);\n";
        mixed += &format!("\tdsb(ishst);\n\t__tlbi({});\n", OPERATIONS[index % OPERATIONS.len()]);
    }
    let ends = [
        ("\tdsb(ish);\n", Outcome::Fine),
        ("\tdsb(ishst);\n", Outcome::Insufficient),
    ];
    for (end, outcome) in ends {
        let text = |body: &str| {
            format!("void f(unsigned long va, unsigned long asid)\n{{\n{body}\t__tlbi(vmalle1is);\n{end}\tisb();\n}}\n")
        };
        for body in [&equal, &mixed] {
            let found = added("arch/arm64/mm/a.c", &text(body));
            assert_eq!(found.outcome(), outcome);
            let given_up = found
                .changes
                .iter()
                .flat_map(|change| &change.after)
                .flat_map(|side| &side.reasons);
            assert!(
                given_up.clone().all(|ground| ground.rule != "search"),
                "{:?}",
                given_up.collect::<Vec<_>>()
            );
        }
    }
}
