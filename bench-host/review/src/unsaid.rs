// SPDX-License-Identifier: MIT OR Apache-2.0
//! The last net: what a patch does to maintenance that it leaves as it stands, where nothing else was found to say.
//!
//! The readers and the net of [`mention`](crate::mention) go by changed lines that speak of maintenance. A branch over a TLBI
//! speaks of none, nor does a way out before a flush that goes; and two instructions that trade places are the same words as
//! before. So where a review would end without a word, the two sides are held against each other once more: the order of what
//! orders and translates, function by function, and what is changed of branches, conditions and operands around it.

use crate::Unrecognised;
use crate::diff::Patch;
use crate::extract::acts::{Acts, acts, does_something};
use crate::extract::asm;
use crate::extract::instruction::{self, is_instruction};
use crate::extract::tables::{calls, changes_translation};
use crate::extract::text::{folded, words};
use crate::extract::token::{Language, SourceLine};
use crate::extract::words::{is_barrier, is_register, is_register_field, is_write, parts};
use crate::foreign::is_aarch32;
use crate::mention::{Lines, Mention, mentions};
use crate::placed::{Both, Placed, on_one_side};
use crate::plain::{is_data, is_unknown};
use crate::source::{LoneBarrier, Segment, Side, Unit};
use std::collections::{BTreeMap, HashSet};

/// How many lines on a flush is looked for behind a way out.
const BEHIND: usize = 16;
/// How many lines on one is looked for under a condition.
const UNDER: usize = 4;
/// Most lines that are listed of one patch.
const MOST: usize = 8;

/// How often a side has an instruction, with a file and a line that has it.
type Counts = BTreeMap<String, (String, u32, usize)>;

/// What of one side of a file concerns maintenance.
struct Seen {
    /// What stands in each function, in order: where, and the words.
    functions: Vec<Vec<(u32, String)>>,
    /// What is changed around what is not: where, and what is said of it.
    around: Vec<(u32, String)>,
    /// What the compiler is told of instructions on changed lines.
    told: Vec<Told>,
}

/// Returns what a patch changes around maintenance, of which nothing was said but for barriers of no sequence: those count where
/// translation is close to them.
pub(crate) fn unsaid(patch: &Patch, lone: &Both<LoneBarrier>) -> Vec<Unrecognised> {
    let mut out = Vec::new();
    let mut counts = [Counts::new(), Counts::new()];
    let mut around: Both<(u32, String)> = [Vec::new(), Vec::new()];
    for file in &patch.files {
        let sides = [Side::Before, Side::After].map(|side| Unit::side(file, side));
        let lines = || {
            sides
                .iter()
                .flat_map(|unit| &unit.segments)
                .flat_map(|segment| &segment.lines)
        };
        if is_unknown(file.path()) && !is_data(file.path()) {
            for (unit, around) in sides.iter().zip(&mut around) {
                around.extend(acting_lines(unit).into_iter().map(Placed::in_file(file.path())));
            }
            continue;
        }
        if !sides.iter().all(Unit::is_source) || is_aarch32(lines().map(|line| line.text.as_str())) {
            continue;
        }
        let one = |after: bool, line: u32, text: String| Unrecognised {
            file: file.path().to_owned(),
            line,
            text,
            after,
        };
        let lone = |index: usize| -> HashSet<u32> {
            let own = lone[index].iter().filter(|lone| lone.path == file.path());
            own.map(|lone| lone.found.line).collect()
        };
        let [before, after] = [seen(&sides[0], &lone(0)), seen(&sides[1], &lone(1))];
        for (side, counts) in [&before, &after].into_iter().zip(&mut counts) {
            count(file.path(), side, counts);
        }
        if let Some((is_after, line, text)) = reordered(&before.functions, &after.functions) {
            out.push(one(is_after, line, text));
        }
        out.extend(told_otherwise(&before.told, &after.told).map(|(line, text)| one(true, line, text)));
        for (side, around) in [before, after].into_iter().zip(&mut around) {
            around.extend(side.around.into_iter().map(Placed::in_file(file.path())));
        }
    }
    out.extend(not_moved(around));
    let [old, new] = &counts;
    if out.is_empty() {
        out.extend(more(old, new, false).into_iter().chain(more(new, old, true)));
    }
    out.truncate(MOST);
    out
}

/// Returns what of both sides is on one only: what moves, or is indented otherwise, is on both.
fn not_moved(around: Both<(u32, String)>) -> impl Iterator<Item = Unrecognised> {
    let [old, new] = on_one_side(around, |(_, text)| text.clone());
    let both = [(old, false), (new, true)];
    both.into_iter().flat_map(|(side, after)| {
        side.into_iter().map(move |Placed { path, found }| Unrecognised {
            file: path,
            line: found.0,
            text: found.1,
            after,
        })
    })
}

/// Returns the changed lines that act on translations by their words, in a file whose language is not read.
fn acting_lines(unit: &Unit) -> Vec<(u32, String)> {
    let lines = unit.segments.iter().flat_map(|segment| &segment.lines);
    let is_acting = |line: &&SourceLine| {
        let text = line.text.as_str();
        let is_act = || acts(text) == Some(Acts::Anywhere) || changes_translation(text);
        line.changed && !is_comment(text) && does_something(text) && is_act()
    };
    let one = |line: &SourceLine| (line.number, format!("{}: who invalidates?", folded(&line.text)));
    lines.filter(is_acting).map(one).collect()
}

/// An instruction in line on a changed line: where, which, and what the compiler is told of memory there.
type Told = (u32, String, Option<&'static str>);

/// Says where the compiler is told something else of an instruction that stays.
fn told_otherwise(before: &[Told], after: &[Told]) -> Option<(u32, String)> {
    let signs = |all: &[Told]| all.iter().map(|(_, sign, _)| sign.clone()).collect::<Vec<_>>();
    if signs(before) != signs(after) {
        return None;
    }
    let ((_, _, old), (line, sign, new)) = before.iter().zip(after).find(|(old, new)| old.2 != new.2)?;
    let said = |told: Option<&str>| told.map_or("nothing".to_owned(), |told| format!("`{told}`"));
    let text = format!(
        "{sign}: the compiler is told {} of memory, and was told {}",
        said(*new),
        said(*old)
    );
    Some((*line, text))
}

/// Returns what the compiler is told of an instruction in line: that it touches no memory, or any. Without the one or with the
/// other, it may be moved over what it orders.
fn told(text: &str) -> Option<&'static str> {
    let is_inline =
        || words(text).any(|word| matches!(word, "asm" | "asm_volatile") || word.trim_matches('_') == "asm");
    let nomem = words(text).any(|word| word == "nomem");
    match nomem {
        true => Some("nomem"),
        false if text.contains("\"memory\"") && is_inline() => Some("memory"),
        false => None,
    }
}

/// Says where what orders and translates comes in another order.
fn reordered(before: &[Vec<(u32, String)>], after: &[Vec<(u32, String)>]) -> Option<(bool, u32, String)> {
    let texts = |list: &[(u32, String)]| list.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
    let mut others: Vec<Vec<String>> = before.iter().map(|list| texts(list)).collect();
    let mut left = Vec::new();
    for list in after {
        let own = texts(list);
        match others.iter().position(|other| *other == own) {
            Some(at) => drop(others.remove(at)),
            None => left.push((true, list, own)),
        }
    }
    let unmatched = |list: &&Vec<(u32, String)>| {
        let own = texts(list);
        let at = others.iter().position(|other| *other == own);
        at.map(|at| others.remove(at)).is_some()
    };
    let gone: Vec<_> = before
        .iter()
        .filter(unmatched)
        .map(|list| (false, list, texts(list)))
        .collect();
    for (is_after, list, own) in &left {
        for (_, _, old) in &gone {
            let sorted = |list: &[String]| {
                let mut list = list.to_vec();
                list.sort();
                list
            };
            if sorted(own) == sorted(old)
                && let Some(at) = (0..own.len()).find(|&at| own[at] != old[at])
            {
                let text = format!("`{}` before `{}`: in another order now", own[at], old[at]);
                return Some((*is_after, list[at].0, text));
            }
        }
    }
    None
}

/// Counts the instructions of a side, and where each was last; flushes by name were looked at.
fn count(path: &str, seen: &Seen, counts: &mut Counts) {
    for (line, text) in seen.functions.iter().flatten() {
        let is_write = instruction::writes_translation(text);
        if is_instruction(text) || is_barrier(text) || is_write {
            // What a register is given is another matter.
            let text = text
                .split(',')
                .next()
                .filter(|_| is_write)
                .unwrap_or(text)
                .to_ascii_lowercase();
            let (_, _, number) = counts.entry(text).or_insert((path.to_owned(), *line, 0));
            *number += 1;
        }
    }
}

/// Returns an instruction that a side has more often than the other.
fn more(own: &Counts, other: &Counts, after: bool) -> Option<Unrecognised> {
    let has_more = |(text, (_, _, number)): &(&String, &(String, u32, usize))| {
        *number > other.get(*text).map_or(0, |(_, _, number)| *number)
    };
    let (text, (path, line, _)) = own.iter().find(has_more)?;
    Some(Unrecognised {
        file: path.clone(),
        line: *line,
        text: format!("`{text}`: {}", if after { "new" } else { "gone" }),
        after,
    })
}

/// Looks at one side of a file, in which barriers at these lines are known to belong to no sequence.
fn seen(unit: &Unit, lone: &HashSet<u32>) -> Seen {
    let counts = |mention: &Mention| {
        let is_lone = lone.contains(&mention.line) && is_barrier(&mention.text);
        !is_lone || unit.segments.iter().any(|segment| is_close(segment, mention.line))
    };
    let mut signs: BTreeMap<u32, String> = mentions(unit, Lines::Words)
        .into_iter()
        .filter(counts)
        .map(|mention| (mention.line, mention.text))
        .collect();
    for line in unit.segments.iter().flat_map(|segment| &segment.lines) {
        if is_flush_of_object(&line.text) {
            signs.entry(line.number).or_insert_with(|| folded(&line.text));
        }
    }
    let mut all = Seen {
        functions: Vec::new(),
        around: Vec::new(),
        told: Vec::new(),
    };
    for segment in &unit.segments {
        for line in segment.lines.iter().filter(|line| line.changed) {
            if let Some(sign) = signs.get(&line.number) {
                all.told.push((line.number, sign.clone(), told(&line.text)));
            }
            // What a register is given may be all that changes of a write.
            if signs.get(&line.number).is_some_and(|sign| is_write(sign)) {
                all.around
                    .push((line.number, format!("{}: is the value another?", folded(&line.text))));
            }
            if !signs.contains_key(&line.number)
                && let Some(register) = register_given(line, unit.language())
            {
                let text = format!("{}: does it change what `{register}` holds?", folded(&line.text));
                all.around.push((line.number, text.clone()));
                signs.insert(line.number, text);
            }
        }
        let mut function = Vec::new();
        for line in &segment.lines {
            if starts_function(&line.text) && !function.is_empty() {
                all.functions.push(std::mem::take(&mut function));
            }
            function.extend(signs.get(&line.number).map(|text| (line.number, text.clone())));
        }
        all.functions
            .extend(Some(function).filter(|function| !function.is_empty()));
        match unit.language() {
            Language::Assembly => around_assembly(segment, asm::is_armasm(&unit.path), &signs, &mut all.around),
            _ => around_code(segment, &signs, &mut all.around),
        }
    }
    all
}

/// Returns whether a line flushes, or leaves it, by a method of what stands for a TLB: `tlb.flush()`, `tlb.ignore()`.
fn is_flush_of_object(text: &str) -> bool {
    let of_tlb = |object: &str| parts(object).iter().any(|part| part == "tlb");
    !is_comment(text)
        && calls(text).any(|(name, object)| of_tlb(object) && matches!(name, "flush" | "flush_all" | "ignore"))
}

/// Returns whether code close to a line names tables, the MMU, the TLB or a register that says where tables are.
fn is_close(segment: &Segment, line: u32) -> bool {
    const FAR: usize = 10;
    const PARTS: [&str; 18] = [
        "tlb",
        "tlbi",
        "ttbr",
        "ttbr0",
        "ttbr1",
        "vttbr",
        "tcr",
        "vtcr",
        "pte",
        "ptep",
        "pmd",
        "pud",
        "pgd",
        "mmu",
        "s2tt",
        "s2tte",
        "stage2",
        "pagetable",
    ];
    let lines = &segment.lines;
    let Ok(at) = lines.binary_search_by_key(&line, |source| source.number) else {
        return false;
    };
    let near = &lines[at.saturating_sub(FAR)..lines.len().min(at + 1 + FAR)];
    let names = |word: &str| {
        let all = parts(word);
        let is_table = || {
            all.windows(2)
                .any(|two| two == ["page", "table"] || two == ["translation", "table"])
        };
        all.iter().any(|part| PARTS.contains(&part.as_str())) || is_table()
    };
    near.iter()
        .any(|source| !is_comment(&source.text) && words(&source.text).any(names))
}

/// Returns whether a function or macro may start, or end, at a line.
fn starts_function(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '}') || text.starts_with("#define")
}

/// Returns whether a line is a comment and nothing else.
fn is_comment(text: &str) -> bool {
    let text = text.trim_start();
    ["//", "/*", "*", "#", ";", "@"]
        .iter()
        .any(|mark| text.starts_with(mark))
}

/// Returns the translation register that a line gives a value by words that no reader knows: a macro that sets up registers, a
/// method of a register's type, a constant of its fields, a variable that is named after it. Of a line that only reads,
/// declares, compares or prints one it is known that it gives none.
fn register_given(line: &SourceLine, language: Language) -> Option<String> {
    const READS: [&str; 14] = [
        "mrs", "read", "get_", "print", "save", "assert", "trace", "debug", "info!", "log", "warn", "write!",
        "writeln!", "{:",
    ];
    let code = line.text.split("//").next().unwrap_or_default();
    let lower = code.to_ascii_lowercase();
    if READS.iter().any(|word| lower.contains(word)) || is_comment(code) || code.trim_start().starts_with('.') {
        return None;
    }
    let leveled = |word: &&str| word.to_ascii_lowercase().contains("_el") && is_register(word);
    if language == Language::Assembly {
        return words(code).find(leveled).map(str::to_owned);
    }
    // In code a declaration is none, nor is a list of names, a condition or what a function returns.
    let first = words(code).next().unwrap_or_default();
    let is_list = !code.contains(['=', '(', ')', '|', ':', '.', '!']);
    if !code.starts_with(char::is_whitespace)
        || is_list
        || matches!(first, "if" | "return" | "while" | "use" | "pub" | "fn")
    {
        return None;
    }
    let assigned = code.split_once('=').filter(|(left, right)| {
        !right.starts_with(['=', '>']) && !left.ends_with(['!', '<', '>', '='])
            || left.ends_with("<<")
            || left.ends_with(">>")
    });
    let of_name = || {
        let name = assigned.and_then(|(left, _)| words(left).last())?;
        is_register(name).then_some(name)
    };
    // A field of its type, or of the variable that it is written from: `Sctlr::M::set(value, 1)`, `tcr.t0sz = 25`.
    let is_path = |word: &&str| {
        let behind = code.split_once(*word).map_or("", |(_, behind)| behind);
        is_register(word) && behind.starts_with(['.', ':', '-'])
    };
    let by_path = || words(code).find(is_path).filter(|_| assigned.is_some() || sets(code));
    let of_field = || words(code).find(|word| is_register_field(word));
    words(code)
        .find(leveled)
        .or_else(of_name)
        .or_else(by_path)
        .or_else(of_field)
        .map(str::to_owned)
}

/// Returns whether a line calls what sets a field by its name: `set`, `set_m`, `clear`, `insert`.
fn sets(code: &str) -> bool {
    const SETTERS: [&str; 7] = ["set", "clear", "clr", "insert", "modify", "update", "with"];
    let is_call = |word: &str| code.split_once(word).is_some_and(|(_, behind)| behind.starts_with('('));
    words(code).any(|word| is_call(word) && parts(word).iter().any(|part| SETTERS.contains(&part.as_str())))
}

/// Looks for changed branches over maintenance, and for changed instructions that make its operand.
fn around_assembly(segment: &Segment, is_armasm: bool, signs: &BTreeMap<u32, String>, out: &mut Vec<(u32, String)>) {
    const FAR: usize = 8;
    let statements = asm::statements(&segment.lines, is_armasm);
    for (index, statement) in statements.iter().enumerate().filter(|(_, statement)| statement.changed) {
        let (mnemonic, operands) = statement.words();
        let mnemonic = mnemonic.to_ascii_lowercase();
        let rest = &statements[index + 1..];
        let is_branch = ["cbz", "cbnz", "tbz", "tbnz", "b"].contains(&mnemonic.as_str())
            || mnemonic.starts_with("b.")
            || ["beq", "bne", "bhs", "blo", "bge", "blt", "bgt", "ble", "bcs", "bcc"].contains(&mnemonic.as_str());
        let target = operands.rsplit(',').next().unwrap_or_default().trim();
        if is_branch && !target.is_empty() {
            let is_back = target.ends_with('b') && target[..target.len() - 1].parse::<u32>().is_ok();
            let name = target
                .strip_suffix('f')
                .filter(|name| name.parse::<u32>().is_ok())
                .unwrap_or(target);
            let end = rest.iter().position(|other| other.label() == Some(name));
            let over = &rest[..end.unwrap_or(BEHIND.min(rest.len()))];
            let sign = over
                .iter()
                .filter(|_| !is_back)
                .find_map(|other| signs.get(&other.line));
            if let Some(sign) = sign {
                out.push((
                    statement.line,
                    format!("{}: a way around `{sign}`", folded(&statement.text)),
                ));
            }
            continue;
        }
        // The register that it gives a value.
        let given = operands
            .split(',')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let is_general = given
            .strip_prefix('x')
            .is_some_and(|number| number.parse::<u8>().is_ok());
        if !is_general
            || signs.contains_key(&statement.line)
            || ["str", "stp", "cmp", "tst"].contains(&mnemonic.as_str())
        {
            continue;
        }
        let used = rest.iter().take(FAR).find(|other| {
            let lower = other.text.to_ascii_lowercase();
            lower.trim_start().starts_with("tlbi") && words(&lower).any(|word| word == given)
        });
        if let Some(used) = used {
            let text = format!("{}: an operand of `{}`", folded(&statement.text), folded(&used.text));
            out.push((statement.line, text));
        }
    }
}

/// Looks for changed conditions over maintenance, changed ways out before it, and changed values of what it is given.
fn around_code(segment: &Segment, signs: &BTreeMap<u32, String>, out: &mut Vec<(u32, String)>) {
    const CONDITIONS: [&str; 7] = ["if", "else", "while", "for", "match", "switch", "case"];
    const WAYS_OUT: [&str; 4] = ["return", "break", "continue", "goto"];
    let depth = |text: &str| text.len() - text.trim_start().len();
    let lines = &segment.lines;
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.changed) {
        if is_comment(&line.text) || signs.contains_key(&line.number) {
            continue;
        }
        let own = depth(&line.text);
        let code = line.text.split("//").next().unwrap_or_default();
        let has = |list: &[&str]| words(code).any(|word| list.contains(&word));
        let rest = &lines[index + 1..];
        let inside = || rest.iter().take_while(|other| !starts_function(&other.text));
        let sign = if has(&WAYS_OUT) {
            // What stands as deep as the way out, or deeper, is behind it on no way, unless its condition is in the line.
            let most = own.saturating_sub(usize::from(!has(&CONDITIONS)));
            let mut behind = inside().take(BEHIND);
            behind.find_map(|other| signs.get(&other.number).filter(|_| depth(&other.text) <= most))
        } else if has(&CONDITIONS) {
            let mut under = inside().take(UNDER).take_while(|other| {
                other.text.trim().is_empty() || depth(&other.text) > own || other.text.trim_start().starts_with('{')
            });
            under.find_map(|other| signs.get(&other.number))
        } else {
            None
        };
        if let Some(sign) = sign {
            out.push((line.number, format!("{}: decides on `{sign}`", folded(code))));
            continue;
        }
        // The name that it gives a value.
        let Some((name, _)) = code.split_once('=').filter(|(_, value)| !value.starts_with('=')) else {
            continue;
        };
        let name = name.trim_end_matches([' ', '>', '<', '|', '&', '+', '-', '/']);
        let Some(name) = words(name).last() else { continue };
        let used = inside().take(UNDER * 2).find(|other| {
            let lower = other.text.to_ascii_lowercase();
            lower.contains("tlbi") && words(&other.text).any(|word| word == name)
        });
        if let Some(used) = used {
            out.push((
                line.number,
                format!("{}: given to `{}`", folded(code), folded(&used.text)),
            ));
        }
    }
}
