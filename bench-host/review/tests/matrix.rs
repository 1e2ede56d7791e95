// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every order of register writes, barriers, invalidations and stores, in every idiom that is read.
//!
//! `tests/matrix/cells.txt` lists sequences by what the architecture asks of them, with the right answers, which were written
//! down before the program was asked. Each is written out in the idioms below, and reviewed as a function that comes, as one
//! that goes, and as patches from and to the first sufficient one of its group. A side that is `insufficient` and passes, one
//! that is not and is blamed, and a change without a word fail the test; what is left open though the answer is known is
//! counted, and may not grow.

use review::diff::{self, Quoting};
use review::evaluate::{Evaluated, SideVerdict};
use review::extract::spelling::Spellings;
use review::{Outcome, Review, review};
use sequences::judge::{Stated, Verdict};
use std::collections::BTreeMap;
use std::path::Path;

/// What is left open though its answer is known, over all cells, idioms and patches.
const OPEN: usize = 804;

/// The right answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// `+`: enough.
    Sufficient,
    /// `-`: not enough.
    Insufficient,
    /// `?`: not enough, where the text may leave it open: what it depends on is not in sight.
    Doubtful,
    /// `~`: enough, where the text may leave it open.
    Likely,
    /// `%`: the same beside a sufficient one, which shows what is needed; alone as `*`.
    Beside,
    /// `*`: no verdict is asked for, but not nothing.
    Any,
}

/// A sequence with its answer.
#[derive(Debug, Clone)]
struct Row {
    answer: Answer,
    steps: Vec<String>,
}

/// Sequences for one purpose.
#[derive(Debug, Clone)]
struct Group {
    kind: String,
    function: String,
    /// Which list of words it is with.
    variant: usize,
    rows: Vec<Row>,
}

/// Reads the table; a group with `with` stands for one with each of its lists of words.
fn groups() -> Vec<Group> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix/cells.txt");
    let text = std::fs::read_to_string(path).expect("the table is there");
    let mut out = Vec::new();
    for block in text.split("\n[").skip(1) {
        let mut lines = block.lines();
        let (kind, function) = lines.next().unwrap().split_once(']').expect("[kind] function");
        let lines: Vec<&str> = lines
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        let with: Vec<Vec<&str>> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("with "))
            .flat_map(|list| list.split('|').map(|words| words.split_whitespace().collect()))
            .collect();
        let with = if with.is_empty() { vec![Vec::new()] } else { with };
        for (variant, words) in with.into_iter().enumerate() {
            let fill = |text: &str| {
                (0..4).fold(text.to_owned(), |text, index| {
                    text.replace(&format!("${}", index + 1), words.get(index).unwrap_or(&""))
                })
            };
            let rows = lines.iter().filter(|line| !line.starts_with("with ")).map(|line| {
                let (sign, steps) = line.split_at(1);
                Row {
                    answer: match sign {
                        "+" => Answer::Sufficient,
                        "-" => Answer::Insufficient,
                        "?" => Answer::Doubtful,
                        "~" => Answer::Likely,
                        "%" => Answer::Beside,
                        "*" => Answer::Any,
                        _ => panic!("{line}"),
                    },
                    steps: fill(steps).split(';').map(|step| step.trim().to_owned()).collect(),
                }
            });
            out.push(Group {
                kind: kind.to_owned(),
                function: fill(function.trim()),
                variant,
                rows: rows.collect(),
            });
        }
    }
    out
}

/// A way to write a sequence down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Idiom {
    Asm,
    AsmMacro,
    CAsm,
    CBlock,
    Linux,
    FreeBsd,
    NetBsd,
    TrustedFirmware,
    Upper,
    Cpp,
    WriteInHelper,
    FlushInHelper,
    Rust,
    RustAsm,
    Zig,
}

const IDIOMS: [Idiom; 15] = [
    Idiom::Asm,
    Idiom::AsmMacro,
    Idiom::CAsm,
    Idiom::CBlock,
    Idiom::Linux,
    Idiom::FreeBsd,
    Idiom::NetBsd,
    Idiom::TrustedFirmware,
    Idiom::Upper,
    Idiom::Cpp,
    Idiom::WriteInHelper,
    Idiom::FlushInHelper,
    Idiom::Rust,
    Idiom::RustAsm,
    Idiom::Zig,
];

/// A sequence written down: the file, what stands before the function, and its lines.
struct Written {
    path: &'static str,
    before: Vec<String>,
    head: Vec<String>,
    body: Vec<String>,
    tail: Vec<String>,
}

/// Returns the operand of an invalidation in C or Rust, and in assembly the lines that make it in `x9`.
fn operand(word: &str) -> (&'static str, &'static [&'static str]) {
    match word {
        "page" => ("va >> 12", &["lsr x9, x1, #12"]),
        "ipa" => ("ipa >> 12", &["lsr x9, x1, #12"]),
        "plain" => ("ipa", &["mov x9, x1"]),
        "bare" => ("va", &["mov x9, x1"]),
        "twice" => ("(va >> 12) >> 12", &["lsr x9, x1, #12", "lsr x9, x9, #12"]),
        "asid" => ("asid << 48", &["lsl x9, x4, #48"]),
        "low" => ("asid & 0xffff", &["and x9, x4, #0xffff"]),
        other => panic!("operand {other}"),
    }
}

/// One step in one idiom.
fn write_step(idiom: Idiom, step: &str, helpers: &mut Vec<String>) -> Vec<String> {
    use Idiom as I;
    let words: Vec<&str> = step.split_whitespace().collect();
    let asm = matches!(idiom, I::Asm | I::AsmMacro);
    let rust = matches!(idiom, I::Rust | I::RustAsm);
    let line = |text: String| vec![text];
    let inline = |text: &str| match idiom {
        I::RustAsm | I::Rust => format!("unsafe {{ asm!(\"{text}\") }};"),
        I::Zig => format!("asm volatile (\"{text}\" ::: \"memory\");"),
        I::FreeBsd => format!("__asm __volatile(\"{text}\" ::: \"memory\");"),
        _ => format!("asm volatile(\"{text}\" ::: \"memory\");"),
    };
    let inline_with = |text: &str, value: &str| match idiom {
        I::RustAsm | I::Rust => format!("unsafe {{ asm!(\"{text}, {{}}\", in(reg) {value}) }};"),
        I::Zig => format!("asm volatile (\"{text}, %[v]\" :: [v] \"r\" ({value}) : \"memory\");"),
        I::FreeBsd => format!("__asm __volatile(\"{text}, %0\" :: \"r\" ({value}) : \"memory\");"),
        _ => format!("asm volatile(\"{text}, %0\" :: \"r\"({value}) : \"memory\");"),
    };
    match words.as_slice() {
        ["w", register, value] => {
            let upper = register.to_ascii_uppercase();
            if asm {
                return match *value {
                    "on" => vec![
                        format!("mrs x8, {register}"),
                        "orr x8, x8, #1".into(),
                        format!("msr {register}, x8"),
                    ],
                    "off" => vec![
                        format!("mrs x8, {register}"),
                        "bic x8, x8, #1".into(),
                        format!("msr {register}, x8"),
                    ],
                    _ => line(format!("msr {register}, x0")),
                };
            }
            let read = match idiom {
                I::Linux | I::WriteInHelper | I::FlushInHelper => format!("read_sysreg({register})"),
                I::FreeBsd => format!("READ_SPECIALREG({register})"),
                I::NetBsd => format!("reg_{register}_read()"),
                I::Upper => format!("SYSREG_READ({register})"),
                I::TrustedFirmware | I::Cpp => format!("read_{register}()"),
                I::Rust => format!("{upper}.get()"),
                _ => String::new(),
            };
            let mut out = Vec::new();
            let local = |text: &str| match idiom {
                I::Zig => format!("var ctl: u64 = {text};"),
                I::Rust | I::RustAsm => format!("let mut ctl: u64 = {text};"),
                _ => format!("uint64_t ctl = {text};"),
            };
            let bit = match idiom {
                I::Linux | I::WriteInHelper | I::FlushInHelper => "SCTLR_ELx_M",
                I::FreeBsd => "SCTLR_M",
                I::NetBsd => "SCTLR_M",
                I::TrustedFirmware => "SCTLR_M_BIT",
                I::Upper => "0x1ULL",
                I::CAsm => "1UL",
                I::CBlock => "(1UL << 0)",
                I::Cpp => "BIT(0)",
                _ => "1",
            };
            let value = match *value {
                "on" | "off" => {
                    match (idiom, read.as_str()) {
                        (I::RustAsm, _) => {
                            out.push("let mut ctl: u64;".to_owned());
                            out.push(format!("unsafe {{ asm!(\"mrs {{}}, {register}\", out(reg) ctl) }};"));
                        }
                        (I::Zig, _) => out.push(format!(
                            "var ctl: u64 = asm volatile (\"mrs %[r], {register}\" : [r] \"=r\" (-> u64));"
                        )),
                        (_, "") => {
                            out.push("uint64_t ctl;".to_owned());
                            out.push(format!("asm volatile(\"mrs %0, {register}\" : \"=r\"(ctl));"));
                        }
                        (_, read) => out.push(local(read)),
                    }
                    let not = if rust { "!" } else { "~" };
                    out.push(match *value {
                        "on" => format!("ctl |= {bit};"),
                        _ => format!("ctl &= {not}{bit};"),
                    });
                    "ctl"
                }
                other => other,
            };
            out.push(match idiom {
                I::CAsm | I::CBlock | I::RustAsm | I::Zig => inline_with(&format!("msr {register}"), value),
                I::Linux | I::FlushInHelper => format!("write_sysreg({value}, {register});"),
                I::WriteInHelper => {
                    let name = format!("put_{register}");
                    if !helpers.iter().any(|line| line.contains(&name)) {
                        helpers.extend([
                            format!("static inline void {name}(uint64_t v)"),
                            "{".into(),
                            format!("\tasm volatile(\"msr {register}, %0\" :: \"r\"(v) : \"memory\");"),
                            "}".into(),
                            String::new(),
                        ]);
                    }
                    format!("{name}({value});")
                }
                I::FreeBsd => format!("WRITE_SPECIALREG({register}, {value});"),
                I::NetBsd => format!("reg_{register}_write({value});"),
                I::TrustedFirmware => format!("write_{register}({value});"),
                I::Upper => format!("SYSREG_WRITE({register}, {value});"),
                I::Cpp => format!("arm64::set_{register}({value});"),
                I::Rust => format!("{upper}.set({value});"),
                I::Asm | I::AsmMacro => unreachable!(),
            });
            out
        }
        [barrier @ ("dsb" | "dmb"), option] => match idiom {
            I::Asm | I::AsmMacro => line(format!("{barrier} {option}")),
            I::Linux | I::FreeBsd | I::NetBsd | I::WriteInHelper | I::FlushInHelper => {
                line(format!("{barrier}({option});"))
            }
            I::TrustedFirmware => line(format!("{barrier}{option}();")),
            I::Rust if ["ish", "sy", "ishst", "nsh"].contains(option) => {
                line(format!("barrier::{barrier}(barrier::{});", option.to_ascii_uppercase()))
            }
            _ => line(inline(&format!("{barrier} {option}"))),
        },
        ["isb"] => match idiom {
            I::Asm | I::AsmMacro => line("isb".into()),
            I::Linux | I::FreeBsd | I::NetBsd | I::WriteInHelper | I::FlushInHelper | I::TrustedFirmware => {
                line("isb();".into())
            }
            I::Rust => line("barrier::isb(barrier::SY);".into()),
            _ => line(inline("isb")),
        },
        ["tlbi", op] => match idiom {
            I::Asm | I::AsmMacro => line(format!("tlbi {op}")),
            I::Linux | I::WriteInHelper | I::FlushInHelper => line(format!("__tlbi({op});")),
            I::TrustedFirmware => line(format!("tlbi{op}();")),
            _ => line(inline(&format!("tlbi {op}"))),
        },
        ["tlbi", op, word] => {
            let (expression, before) = operand(word);
            match idiom {
                I::Asm | I::AsmMacro => before
                    .iter()
                    .map(|line| (*line).to_owned())
                    .chain([format!("tlbi {op}, x9")])
                    .collect(),
                I::Linux | I::WriteInHelper | I::FlushInHelper => line(format!("__tlbi({op}, {expression});")),
                I::TrustedFirmware => line(format!("tlbi{op}({expression});")),
                _ => line(inline_with(&format!("tlbi {op}"), expression)),
            }
        }
        ["ic"] => match idiom {
            I::Asm | I::AsmMacro => line("ic iallu".into()),
            I::TrustedFirmware => line("iciallu();".into()),
            _ => line(inline("ic iallu")),
        },
        ["break"] => line(match idiom {
            I::Asm | I::AsmMacro => "str xzr, [x2]".into(),
            I::Linux | I::WriteInHelper => "WRITE_ONCE(*ptep, 0);".into(),
            I::FreeBsd => "pmap_clear(ptep);".into(),
            I::NetBsd => "atomic_swap_64(ptep, 0);".into(),
            I::Upper => "table[index] = 0;".into(),
            I::Cpp => "*ptep = 0;".into(),
            I::Rust => "unsafe { core::ptr::write_volatile(pte, 0) };".into(),
            I::RustAsm => "table.entries[index] = 0;".into(),
            I::Zig => "table[index] = 0;".into(),
            _ => "*ptep = 0;".into(),
        }),
        ["make"] => line(match idiom {
            I::Asm | I::AsmMacro => "str x3, [x2]".into(),
            I::Linux | I::WriteInHelper => "WRITE_ONCE(*ptep, phys | attributes);".into(),
            I::Upper | I::Zig => "table[index] = phys | attributes;".into(),
            I::Rust => "unsafe { core::ptr::write_volatile(pte, phys | attributes) };".into(),
            I::RustAsm => "table.entries[index] = phys | attributes;".into(),
            I::FreeBsd => "pmap_store(ptep, phys | attributes);".into(),
            _ => "*ptep = phys | attributes;".into(),
        }),
        ["for"] => line(match idiom {
            I::Asm | I::AsmMacro => "1:".into(),
            I::Rust | I::RustAsm => "while va < end {".into(),
            I::Zig => "while (va < end) : (va += 4096) {".into(),
            _ => "for (; va < end; va += 4096) {".into(),
        }),
        ["done"] => match idiom {
            I::Asm | I::AsmMacro => vec!["add x1, x1, #4096".into(), "cmp x1, x6".into(), "b.lo 1b".into()],
            I::Rust | I::RustAsm => vec!["va += 4096;".into(), "}".into()],
            _ => line("}".into()),
        },
        ["eret"] => match idiom {
            I::Asm | I::AsmMacro => line("eret".into()),
            _ => line(inline("eret")),
        },
        other => panic!("step {other:?}"),
    }
}

/// Writes a sequence down.
fn write(idiom: Idiom, function: &str, steps: &[String]) -> Written {
    use Idiom as I;
    let mut before = Vec::new();
    let mut body = Vec::new();
    for step in steps {
        body.extend(write_step(idiom, step, &mut before));
    }
    let strings = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    match idiom {
        I::Asm => Written {
            path: "arch/arm64/mm/code.S",
            before: Vec::new(),
            head: vec![format!(".globl {function}"), format!("{function}:")],
            tail: if steps.last().is_some_and(|step| step == "eret") {
                Vec::new()
            } else {
                strings(&["\tret"])
            },
            body,
        },
        I::AsmMacro => Written {
            path: "arch/arm64/mm/macros.S",
            before: Vec::new(),
            head: vec![format!(".macro {function}_body")],
            tail: vec![
                ".endm".into(),
                String::new(),
                format!("ENTRY({function})"),
                format!("\t{function}_body"),
                if steps.last().is_some_and(|step| step == "eret") {
                    String::new()
                } else {
                    "\tret".into()
                },
                format!("END({function})"),
            ],
            body,
        },
        I::Rust | I::RustAsm => Written {
            path: "kernel/src/arch/aarch64/mmu.rs",
            before,
            head: vec![format!(
                "pub unsafe fn {function}(root: u64, va: u64, asid: u64, pte: *mut u64, phys: u64) {{"
            )],
            tail: strings(&["}"]),
            body,
        },
        I::Zig => Written {
            path: "src/arch/aarch64/mmu.zig",
            before,
            head: vec![format!(
                "pub fn {function}(root: u64, va: u64, asid: u64, phys: u64) void {{"
            )],
            tail: strings(&["}"]),
            body,
        },
        _ => {
            if idiom == I::FlushInHelper {
                // The invalidations and what is between them go into a helper in sight.
                let is_tlbi = |line: &String| line.contains("tlbi");
                if let (Some(first), Some(last)) = (body.iter().position(is_tlbi), body.iter().rposition(is_tlbi)) {
                    let inner: Vec<String> = body.splice(first..=last, ["do_tlbi(va, asid);".to_owned()]).collect();
                    before.extend(strings(&["static void do_tlbi(uint64_t va, uint64_t asid)", "{"]));
                    before.extend(inner.iter().map(|line| format!("\t{line}")));
                    before.extend(strings(&["}", ""]));
                }
            }
            if idiom == I::CBlock {
                // Instructions without operands, one after the other, in one statement.
                let mut joined: Vec<String> = Vec::new();
                for line in body {
                    let text = |line: &String| {
                        line.strip_prefix("asm volatile(\"")
                            .and_then(|rest| rest.strip_suffix("\" ::: \"memory\");"))
                            .map(str::to_owned)
                    };
                    match (joined.last().and_then(text), text(&line)) {
                        (Some(old), Some(new)) => {
                            *joined.last_mut().unwrap() = format!("asm volatile(\"{old}\\n\\t{new}\" ::: \"memory\");");
                        }
                        _ => joined.push(line),
                    }
                }
                body = joined;
            }
            Written {
                path: match idiom {
                    I::Cpp => "kernel/arch/aarch64/Mmu.cpp",
                    I::FreeBsd | I::NetBsd => "sys/arch/aarch64/aarch64/code.c",
                    I::TrustedFirmware => "lib/xlat/aarch64/code.c",
                    _ => "src/arch/aarch64/code.c",
                },
                before,
                head: vec![
                    format!("void {function}(uint64_t root, uint64_t va, uint64_t asid, pte_t *ptep, uint64_t phys)"),
                    "{".into(),
                ],
                tail: strings(&["}"]),
                body,
            }
        }
    }
}

impl Written {
    fn lines(&self) -> Vec<String> {
        let mut out = self.before.clone();
        out.extend(self.head.clone());
        out.extend(self.body.iter().map(|line| format!("\t{line}")));
        out.extend(self.tail.clone());
        out
    }
}

/// Returns a patch from one text to another, where one may be nothing.
fn patch(path: &str, old: &[String], new: &[String]) -> String {
    let same = |(a, b): &(&String, &String)| a == b;
    let head = old.iter().zip(new).take_while(same).count();
    let most = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(most)
        .take_while(same)
        .count();
    // A function that comes or goes stands among others.
    let frame = |text: &str| {
        if path.ends_with(".S") {
            vec![format!("first{text}:"), "\tret".into(), String::new()]
        } else if path.ends_with(".rs") || path.ends_with(".zig") {
            vec![format!("fn first{text}() {{"), "}".into(), String::new()]
        } else {
            vec![format!("void first{text}(void);"), String::new(), String::new()]
        }
    };
    let mut out = format!(
        "From: A <a@example.org>\nSubject: [PATCH] mm: change it\n\ndiff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ \
         -1,{} +1,{} @@\n",
        old.len() + 3,
        new.len() + 3
    );
    let mut put = |sign: char, lines: &[String]| {
        for line in lines {
            out.push(sign);
            out.push_str(line);
            out.push('\n');
        }
    };
    put(' ', &frame(""));
    put(' ', &old[..head]);
    put('-', &old[head..old.len() - tail]);
    put('+', &new[head..new.len() - tail]);
    put(' ', &old[old.len() - tail..]);
    out
}

/// What a review says of one side of a function: of what is judged of it, or else of all that is shown.
fn said(found: &Review, function: &str, after: bool) -> Option<Verdict> {
    let side = |change: &Evaluated| match after {
        true => change.after.clone(),
        false => change.before.clone(),
    };
    // A building block is judged with its callers.
    let shown: Vec<(bool, SideVerdict)> = found
        .changes
        .iter()
        .filter_map(|change| Some((change.is_passage, side(change)?)))
        .filter(|(_, side)| side.callers.is_empty())
        .collect();
    let of = |is: &dyn Fn(&(bool, SideVerdict)) -> bool| -> Vec<Verdict> {
        shown
            .iter()
            .filter(|shown| is(shown))
            .map(|(_, side)| side.verdict)
            .collect()
    };
    let own = of(&|(passage, side)| !passage && side.function == function);
    let all = if own.is_empty() { of(&|_| true) } else { own };
    let any = |verdict| all.contains(&verdict).then_some(verdict);
    any(Verdict::Insufficient)
        .or(any(Verdict::Unknown))
        .or(any(Verdict::Sufficient))
        .or(any(Verdict::StrongerThanNeeded))
}

/// How an answer that was given differs from the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Passed,
    Alarm,
    Silent,
    Open,
}

fn wrong(answer: Answer, said: Option<Verdict>, mentioned: bool) -> Option<Wrong> {
    // What stays as it was is not shown.
    let Some(verdict) = said else {
        return (!mentioned).then_some(Wrong::Silent);
    };
    match (answer, verdict) {
        (Answer::Any, _) => None,
        (Answer::Sufficient | Answer::Likely, Verdict::Insufficient) => Some(Wrong::Alarm),
        (Answer::Insufficient | Answer::Doubtful | Answer::Beside, verdict) if verdict.is_sufficient() => {
            Some(Wrong::Passed)
        }
        (Answer::Sufficient | Answer::Insufficient, Verdict::Unknown) => Some(Wrong::Open),
        _ => None,
    }
}

/// Answers that are wrong: the cell, which way, and what was said.
type Answers = Vec<(String, Wrong, String)>;

/// Returns the patches of a cell, each with the right answers of its sides.
fn patches(group: &Group, row: &Row, idiom: Idiom) -> Vec<(&'static str, String, [Option<Answer>; 2])> {
    let here = write(idiom, &group.function, &row.steps);
    // A register has no name that says what it holds, and a helper may be given what it is to shift.
    let is_bare = |step: &String| step.ends_with(" bare") || step.ends_with(" plain");
    let nameless = matches!(idiom, Idiom::Asm | Idiom::AsmMacro | Idiom::FlushInHelper);
    let alone = match row.answer {
        Answer::Beside => Answer::Any,
        _ if nameless && row.steps.iter().any(is_bare) => Answer::Any,
        answer => answer,
    };
    let lines = here.lines();
    let mut out = vec![
        ("added", patch(here.path, &[], &lines), [None, Some(alone)]),
        ("removed", patch(here.path, &lines, &[]), [Some(alone), None]),
    ];
    if let Some(good) = group.rows.iter().find(|row| row.answer == Answer::Sufficient) {
        let other = write(idiom, &group.function, &good.steps).lines();
        if other != lines {
            let (good, own) = (Some(good.answer), Some(row.answer));
            out.push(("from", patch(here.path, &other, &lines), [good, own]));
            out.push(("to", patch(here.path, &lines, &other), [own, good]));
        }
    }
    out
}

/// Asks about every cell of a group in an idiom; returns how many patches there were, and what is wrong.
fn ask(group: &Group, idiom: Idiom, spellings: &Spellings) -> (usize, Answers) {
    let (mut asked, mut out) = (0, Answers::new());
    for row in &group.rows {
        for (form, text, answers) in patches(group, row, idiom) {
            let read = diff::read(text.as_bytes(), Quoting::Outside).expect("text").remove(0);
            let found = review(read, spellings, &Stated::default(), None);
            asked += 1;
            let mentioned = !found.changes.is_empty() || found.outcome() == Outcome::Undecided;
            for (after, answer) in [false, true].into_iter().zip(answers) {
                let Some(answer) = answer else { continue };
                let said = said(&found, &group.function, after);
                if let Some(wrong) = wrong(answer, said, mentioned) {
                    let side = if after { "after" } else { "before" };
                    let steps = row.steps.join("; ");
                    let cell = format!("{} {}, {idiom:?}, {form}, {side}: {steps}", group.kind, group.function);
                    out.push((cell, wrong, format!("{said:?}\n{text}")));
                }
            }
        }
    }
    (asked, out)
}

/// All idioms with the first words of a group, and every eighth with each of the others; all of them with `REVIEW_MATRIX=all`.
#[test]
fn every_cell_gets_its_answer() {
    let spellings = Spellings::built_in();
    let all = std::env::var("REVIEW_MATRIX").is_ok_and(|value| value == "all");
    let groups = groups();
    let mut work: Vec<(&Group, Idiom)> = Vec::new();
    for group in &groups {
        let taken = |index: usize| all || group.variant == 0 || index % 8 == group.variant % 8;
        let idioms = IDIOMS.into_iter().enumerate().filter(|(index, _)| taken(*index));
        work.extend(idioms.map(|(_, idiom)| (group, idiom)));
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let answers: Vec<(usize, Answers)> = std::thread::scope(|scope| {
        let (work, spellings) = (&work, &spellings);
        let run = |part: usize| {
            let own = work.iter().skip(part).step_by(threads);
            own.map(|(group, idiom)| ask(group, *idiom, spellings))
                .collect::<Vec<_>>()
        };
        let all: Vec<_> = (0..threads).map(|part| scope.spawn(move || run(part))).collect();
        all.into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let asked: usize = answers.iter().map(|(asked, _)| asked).sum();
    let (mut open, mut wrong) = (BTreeMap::<String, usize>::new(), Vec::new());
    for (cell, kind, text) in answers.iter().flat_map(|(_, answers)| answers) {
        let group = cell.split(',').next().unwrap_or_default();
        match kind {
            Wrong::Open => *open.entry(group.to_owned()).or_default() += 1,
            kind => wrong.push(format!("{kind:?}: {cell}: {text}")),
        }
    }
    let left: usize = open.values().sum();
    println!("{asked} patches of {} cells; open: {open:#?}", work.len());
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(all || left <= OPEN, "{left} sides are left open: {open:#?}");
}
