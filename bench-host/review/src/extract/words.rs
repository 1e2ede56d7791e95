// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words that speak of maintenance: names of flushes, writes of translation registers, encodings of instructions.

use crate::extract::event::{Kind, Noted};
use crate::extract::instruction::{self, Read};
use crate::extract::names::{self, looks_like_maintenance};
use crate::extract::text;
use crate::extract::text::folded;
use crate::extract::token::{Token, TokenKind, closing, join};

/// Registers that decide how addresses are translated, without the exception level.
const REGISTERS: [&str; 14] = [
    "ttbr",
    "ttbr0",
    "ttbr1",
    "vttbr",
    "vsttbr",
    "sctlr",
    "sctlr2",
    "tcr",
    "tcr2",
    "vtcr",
    "vstcr",
    "hcr",
    "mair",
    "contextidr",
];

/// What a function that writes a register has in its name.
const VERBS: [&str; 12] = [
    "write", "set", "msr", "load", "install", "wr", "store", "switch", "restore", "update", "modify", "clear",
];

/// Methods of the types that stand for registers in Rust.
const METHODS: [&str; 6] = ["set", "write", "modify", "modify_no_read", "write_value", "write_raw"];

/// What a flush has in its name beside the TLB.
const FLUSHES: [&str; 11] = [
    "flush",
    "inval",
    "inv",
    "shootdown",
    "sync",
    "purge",
    "tlbi",
    "clean",
    "broadcast",
    "maint",
    "fence",
];

/// How far around a word its call and its line are looked at.
const MAX_TOKENS: usize = 64;

/// Returns the parts of a name: `writeTtbr0_el1` is `write`, `ttbr0`, `el1`.
pub(crate) fn parts(name: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if c == '_' || c == '$' || c.is_uppercase() && lower {
            out.push(String::new());
        }
        lower = c.is_lowercase() || c.is_ascii_digit();
        if let Some(last) = out.last_mut().filter(|_| c != '_' && c != '$') {
            last.extend(c.to_lowercase());
        }
    }
    out.retain(|part| !part.is_empty());
    out
}

/// Returns whether a name is that of a translation register: `TTBR0_EL1`, `SYS_SCTLR`, `vtcr_el2`.
pub(crate) fn is_register(name: &str) -> bool {
    let all = parts(name);
    let known = |part: &String| REGISTERS.contains(&part.as_str());
    let level = |part: &String| {
        matches!(
            part.as_str(),
            "el1" | "el2" | "el3" | "el12" | "el" | "elx" | "sys" | "arm64" | "reg" | "msr"
        )
    };
    all.iter().any(known) && all.iter().all(|part| known(part) || level(part) || part.len() == 1)
}

/// Returns whether a name is that of a constant for a field of a translation register: `TCR_EL1_TG0_4K`, `SCTLR_M`,
/// `AARCH64_TCR_EL1_EPD1`.
pub(crate) fn is_register_field(name: &str) -> bool {
    // Of HCR, few fields have to do with translation.
    const OF_HCR: [&str; 8] = ["vm", "tge", "e2", "dc", "ptw", "fb", "fwb", "cd"];
    let all = parts(name);
    let Some(at) = all.iter().position(|part| REGISTERS.contains(&part.as_str())) else {
        return false;
    };
    let rest = &all[at + 1..];
    let is_leveled = rest.first().is_some_and(|part| part.starts_with("el"));
    let is_of = all[at] != "hcr" || rest.iter().any(|part| OF_HCR.contains(&part.as_str()));
    (at == 0 || is_leveled) && rest.len() > usize::from(is_leveled) && is_of && !name.chars().any(char::is_lowercase)
}

/// Returns whether a register of a guest is meant, which is memory of ours.
fn is_emulated(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["vcpu", "emul", "sanit", "trap", "guest_set", "kvm_set_", "vgic"]
        .iter()
        .any(|word| lower.contains(word))
}

/// Returns whether a text is a barrier and nothing else.
pub(crate) fn is_barrier(text: &str) -> bool {
    let mnemonic = text.split_whitespace().next().unwrap_or_default();
    ["dsb", "isb"].iter().any(|word| mnemonic.eq_ignore_ascii_case(word))
}

/// Returns whether a text is an instruction that invalidates, by its mnemonic: which one it is, nobody could read.
pub(crate) fn is_invalidation(text: &str) -> bool {
    let mnemonic = text.split_whitespace().next().unwrap_or_default();
    mnemonic.eq_ignore_ascii_case("tlbi") && !text.contains(['?', '\\'])
}

/// Returns whether lines speak of anything that a barrier may order for translation.
pub(crate) fn speak_of_translation<'a>(mut lines: impl Iterator<Item = &'a str>) -> bool {
    const WORDS: [&str; 12] = [
        "tlb", "ttbr", "sctlr", "tcr", "hcr_", "pgd", "pte", "pmd", "table", "mmu", "desc", "mapp",
    ];
    lines.any(|line| {
        let lower = line.to_ascii_lowercase();
        WORDS.iter().any(|word| lower.contains(word))
    })
}

/// Returns whether a name, or a line, is about translation tables.
pub fn is_about_tables(text: &str) -> bool {
    speak_of_translation(std::iter::once(text)) || text.to_ascii_lowercase().contains("entry")
}

/// Returns whether a function or macro is named after the TLB: what it does there may be all that a patch changes.
pub fn names_maintenance(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    looks_like_maintenance(name) || lower.contains("tlbi") && !lower.contains("tlbimva")
}

/// Returns whether what a mention says is the write of a translation register.
pub(crate) fn is_write(text: &str) -> bool {
    text.starts_with("a write of") || instruction::writes_translation(text)
}

/// Returns the write of a translation register that starts with this token: `write_sysreg(x, ttbr0_el1)`,
/// `WRITE_SPECIALREG(tcr_el1, x)`, `set_ttbr0(x)`, `TTBR0_EL1.set(x)`, `"msr ttbr0_el1, %0"`.
pub(crate) fn write(tokens: &[Token], index: usize) -> Option<String> {
    let token = &tokens[index];
    if token.kind == TokenKind::Text {
        let part = token
            .text
            .split(['\n', ';'])
            .find(|part| instruction::writes_translation(part))?;
        return Some(part.trim().to_owned());
    }
    if token.kind != TokenKind::Word || is_emulated(&token.text) {
        return None;
    }
    let next = |by: usize| tokens.get(index + by);
    let is = |by: usize, sign: &str| next(by).is_some_and(|next| next.is(sign));
    let method = (is(1, ".") || is(1, "::"))
        && is(3, "(")
        && next(2).is_some_and(|method| METHODS.contains(&method.text.as_str()));
    if method && is_register(&token.text) {
        return Some(format!("a write of `{}`", token.text.to_ascii_lowercase()));
    }
    let open = index + 1 + usize::from(is(1, "!"));
    if !tokens.get(open).is_some_and(|next| next.is("(")) || is_declared(tokens, index) {
        return None;
    }
    let given = || {
        let near = &tokens[..tokens.len().min(open + MAX_TOKENS)];
        let inner = near.get(open + 1..closing(near, open)).unwrap_or_default();
        inner
            .iter()
            .rev()
            .find(|token| matches!(token.kind, TokenKind::Word | TokenKind::Text) && is_register(&token.text))
            .map(|token| token.text.clone())
    };
    let register = written_by(&token.text, given)?;
    Some(format!(
        "a write of `{}` by `{}`",
        register.to_ascii_lowercase(),
        token.text
    ))
}

/// Returns the register that a function writes by its name, or by what it is given.
fn written_by(name: &str, given: impl Fn() -> Option<String>) -> Option<String> {
    if is_emulated(name) {
        return None;
    }
    let all = parts(name);
    if !all.iter().any(|part| VERBS.contains(&part.as_str())) {
        return None;
    }
    // `REG_LOAD(ttbr0_el1)` reads; `load_ttbr0(x)` writes.
    let loads = all.iter().any(|part| part == "load");
    let own = all.iter().find(|part| REGISTERS.contains(&part.as_str()));
    let access = ["sysreg", "reg", "sys", "special", "specialreg", "msr", "cp"];
    let general = all.iter().any(|part| access.iter().any(|word| part.starts_with(word)));
    if all.iter().any(|part| part == "read" || part == "get") {
        return None;
    }
    // `MAIR_ATTR_SET(x)` makes a value.
    let first = all.first().is_some_and(|part| VERBS.contains(&part.as_str()));
    if own.is_some() && !first && !name.chars().any(char::is_lowercase) {
        return None;
    }
    own.cloned().or_else(|| given().filter(|_| general && !loads))
}

/// Returns what a call is that the readers do not know, by its words: the write of a translation register through an
/// accessor, or a flush that is not named after the TLB.
pub(crate) fn noted(name: &str, path: &str, arguments: &[String]) -> Option<Noted> {
    let text = || match path.is_empty() {
        true => format!("{name}({})", arguments.join(", ")),
        false => format!("{path}.{name}({})", arguments.join(", ")),
    };
    if is_flush(name) {
        return Some(Noted {
            text: text(),
            subject: format!("a call of `{name}`"),
            flush: Some(name.to_owned()),
            quiet: false,
        });
    }
    let lower = name.to_ascii_lowercase();
    if ["at_s1", "ats1"].iter().any(|word| lower.contains(word)) {
        return Some(Noted {
            text: text(),
            subject: format!("an address translation by `{name}`"),
            flush: None,
            quiet: true,
        });
    }
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let tables = [
        "pagetable",
        "page_table",
        "pgtable",
        "pgtbl",
        "table_write",
        "pte_",
        "translation_table",
    ];
    if has(&tables) && has(&["barrier", "sync", "fence"]) {
        return Some(Noted {
            text: text(),
            subject: format!("a call of `{name}`"),
            flush: None,
            quiet: false,
        });
    }
    let written = || arguments.iter().rev().find(|argument| is_register(argument)).cloned();
    let register = written_by(name, written)?;
    Some(Noted {
        text: text(),
        subject: format!("a write of `{}` by `{name}`", register.to_ascii_lowercase()),
        flush: None,
        quiet: false,
    })
}

/// Returns the name of a flush that this token is, where it does something: called, given to another, jumped to.
pub(crate) fn flush(tokens: &[Token], index: usize) -> Option<String> {
    let token = &tokens[index];
    if token.kind == TokenKind::Number && in_call(tokens, index) && encoded(&token.text) {
        return Some(token.text.clone());
    }
    if token.kind != TokenKind::Word || !is_flush(&token.text) || is_declared(tokens, index) {
        return None;
    }
    let called = tokens.get(index + 1).is_some_and(|next| next.is("("));
    if called {
        let near = &tokens[..tokens.len().min(index + MAX_TOKENS)];
        let close = closing(near, index + 1).min(near.len() - 1);
        return Some(join(&near[index..=close]));
    }
    // Given away, or jumped to; a constant or a type is neither.
    let acts = token.text.starts_with(|c: char| c.is_lowercase() || c == '_') && !ends_as_data(&token.text);
    let lower = token.text.to_ascii_lowercase();
    let verb = FLUSHES.iter().any(|word| *word != "tlbi" && lower.contains(word));
    // A field may be called `shootdown`; what is put into it is what counts.
    let is_field = lower == "shootdown";
    (acts && verb && !is_field).then(|| token.text.clone())
}

/// Returns whether a name is that of data about flushes, by its end.
fn ends_as_data(name: &str) -> bool {
    let last = parts(name).pop().unwrap_or_default();
    [
        "list",
        "cpus",
        "count",
        "counter",
        "cnt",
        "num",
        "nr",
        "mask",
        "flag",
        "flags",
        "lock",
        "op",
        "ops",
        "pending",
        "required",
        "needed",
        "gen",
        "generation",
        "request",
        "req",
        "stat",
        "stats",
        "info",
    ]
    .contains(&last.as_str())
}

/// Returns whether a number is an argument of something that takes instructions.
fn in_call(tokens: &[Token], index: usize) -> bool {
    let Some(name) = index.checked_sub(2).filter(|_| tokens[index - 1].is("(")) else {
        return false;
    };
    let takes = ["inst", "insn", "emit", "exec", "word", "opcode"];
    let lower = tokens[name].text.to_ascii_lowercase();
    takes.iter().any(|word| lower.contains(word))
}

/// Returns whether a word is the encoding of an instruction of maintenance.
pub(crate) fn encoded(word: &str) -> bool {
    matches!(instruction::word(word), Read::Event(Kind::Tlbi(..)))
}

/// Returns whether a name is that of a flush.
pub(crate) fn is_flush(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // Named after what is flushed, not after where it is cached.
    let of_context =
        has(&["flush", "inval"]) && has(&["vm_context", "cpu_context", "vmid", "asid", "stage2", "stage_2"]);
    // Nothing but translations is shot down.
    let shot = lower.contains("shootdown") && !has(&["iommu", "smmu"]);
    looks_like_maintenance(name) && has(&FLUSHES) || shot || of_context && !has(&["iommu", "smmu", "dcache", "icache"])
}

/// Returns whether a name is only declared here: a type or `fn` stands before it, or the line brings it into sight.
pub(crate) fn is_declared(tokens: &[Token], index: usize) -> bool {
    const KEYWORDS: [&str; 12] = [
        "return", "else", "do", "case", "goto", "in", "unsafe", "await", "and", "or", "not", "defer",
    ];
    const IMPORTS: [&str; 6] = ["use", "import", "extern", "from", "EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL"];
    let line = tokens[index].line;
    let far = index.saturating_sub(MAX_TOKENS);
    let start = tokens[far..index]
        .iter()
        .rposition(|token| token.line != line)
        .map_or(far, |at| far + at + 1);
    let before = &tokens[start..index];
    let typed = before.last().is_some_and(|token| {
        token.kind == TokenKind::Word && !KEYWORDS.contains(&token.text.as_str()) || token.is("*") && before.len() > 1
    });
    let first = before.iter().find(|token| !token.is_word("pub"));
    let imports = first.is_some_and(|first| IMPORTS.contains(&first.text.as_str()));
    // A definition whose type stands on the line before: its name is at the margin.
    let head = before.is_empty() && tokens[index].column == Some(0);
    typed || imports || head
}

/// Returns whether a line of the body of a macro calls a flush or writes a translation register, behind the name that it defines.
pub(crate) fn body_speaks(line: &str) -> bool {
    let body = match line.trim_start().strip_prefix("define") {
        // The name, and the list of parameters that may follow it.
        Some(rest) => {
            let rest = rest.trim_start();
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            match rest[end..].strip_prefix('(').and_then(|inner| inner.split_once(')')) {
                Some((_, body)) => body,
                None => &rest[end..],
            }
        }
        None => line,
    };
    let calls = |word: &str| {
        let behind = body.split_once(word).map_or("", |(_, behind)| behind);
        behind.trim_start().starts_with('(') && (is_flush(word) || names::writes_register(word))
    };
    let writes = || {
        body.split(['"', ';', '\n'])
            .any(|part| instruction::writes_translation(part.trim()))
    };
    text::words(body).any(calls) || writes()
}

/// Returns what a statement of assembly says of a flush that it calls or of a translation register that it writes.
pub(crate) fn speaks_in_assembly(statement: &str) -> Option<String> {
    let statement = statement.trim();
    let (head, rest) = statement
        .split_once(|c: char| c.is_whitespace() || c == '(')
        .unwrap_or((statement, ""));
    if statement.starts_with('#') || statement.ends_with(':') {
        return None;
    }
    let lower = head.to_ascii_lowercase();
    let words = || text::words(rest);
    if lower == "msr" {
        return instruction::writes_translation(statement).then(|| statement.to_owned());
    }
    if lower.starts_with('.') || is_frame(&lower) {
        let is_word = matches!(lower.as_str(), ".inst" | ".word" | ".long" | ".4byte" | ".int");
        return (is_word && words().any(encoded)).then(|| statement.to_owned());
    }
    let verb = parts(head).iter().any(|part| VERBS.contains(&part.as_str()));
    if is_flush(head) || words().any(is_flush) || verb && words().any(is_register) {
        return Some(without_shift_names(statement));
    }
    None
}

/// Returns a statement with one name for all constants that say how far an operand is shifted: to rename one is no change.
fn without_shift_names(statement: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::new();
    for piece in statement.split_inclusive(|c: char| !is_part(c)) {
        let word = piece.trim_end_matches(|c: char| !is_part(c));
        match word.ends_with("_SHIFT") && word.contains("TLBI") {
            true => out.push_str(&piece.replace(word, "TLBI_SHIFT")),
            false => out.push_str(piece),
        }
    }
    out
}

/// Returns whether a statement only says where a function starts or ends, or who may see it.
fn is_frame(lower: &str) -> bool {
    [
        "end",
        "entry",
        "func",
        "proc",
        "sym_",
        "text",
        "export",
        "import",
        "extern",
        "global",
        "leaf",
        "asm_func",
        "local_func",
        "begin",
        "weak",
    ]
    .iter()
    .any(|word| lower.starts_with(word))
        || lower.ends_with("_func")
        || lower.ends_with("function")
}

/// Returns whether a line writes an entry of a translation table, or makes the value of one, by its words.
pub fn writes_entry(text: &str) -> bool {
    const ENTRIES: [&str; 9] = ["pte", "pmd", "pud", "pgd", "p4d", "lpae", "entry", "entries", "ttb"];
    const METHODS: [&str; 9] = [
        "set",
        "unset",
        "clear",
        "reset",
        "write",
        "zero",
        "store",
        "invalidate",
        "unmap",
    ];
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let calls = text.match_indices('(').any(|(at, _)| {
        let name = text[..at].rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let makes = ["make_", "break_", "install_"].iter().any(|verb| lower.contains(verb));
        // What is stored to is the first argument.
        let rest = &text[at + 1..];
        let first = rest.split([',', ')']).next().unwrap_or_default();
        // `self.entries[index].set(...)`: what is written is what has the method.
        let before = text[..at - name.len()].trim_end();
        let object = before.strip_suffix('.').or_else(|| before.strip_suffix("->"));
        let own = object.is_some_and(|object| {
            let word = match object.strip_suffix(']').and_then(|inner| inner.rsplit_once('[')) {
                Some((array, _)) => array,
                None => object,
            };
            let word = word
                .rsplit(|c: char| !is_part(c))
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            METHODS
                .iter()
                .any(|verb| lower == *verb || lower.strip_prefix(verb).is_some_and(|rest| rest.starts_with('_')))
                && ENTRIES.iter().any(|entry| word.contains(entry))
        });
        own || names::is_write(name)
            || makes && names::has_entry_word(name)
            || names::stores_anything(name) && names::has_entry_word(first)
    });
    let assigned = text.split_once('=').is_some_and(|(left, right)| {
        let compares = right.starts_with('=') || left.ends_with(['=', '!', '<', '>']) && !left.ends_with("<<");
        let name = left.trim_end_matches(|c: char| !is_part(c) && c != ']');
        let word = match name.strip_suffix(']').and_then(|inner| inner.rsplit_once('[')) {
            Some((array, _)) => array,
            None => name,
        };
        let word = word
            .rsplit(|c: char| c.is_whitespace() || c == '*')
            .next()
            .unwrap_or_default();
        let lower = word.to_ascii_lowercase();
        // Many a thing is called an entry.
        let named = |entry: &&str| match *entry {
            "entry" => lower == "entry" || left.trim_start().starts_with('*') && lower.contains("entry"),
            "pte" => parts(word).iter().any(|part| is_pte(part)),
            entry => lower.contains(entry),
        };
        // `*(pmdp + index) = ...`, `top[index(va)] = pa | PTE_VALID`.
        let through = left.trim_start().starts_with("*(") && {
            let lower = left.to_ascii_lowercase();
            ENTRIES
                .iter()
                .any(|entry| !entry.starts_with("entr") && lower.contains(entry))
        };
        let valid = || {
            let lower = right.to_ascii_lowercase();
            left.trim_end().ends_with(']')
                && ["pte_valid", "ptevalid", "pte_table", "ptetable", "pte_present"]
                    .iter()
                    .any(|word| lower.contains(word))
        };
        !compares && (ENTRIES.iter().any(named) || through || valid())
    });
    calls || assigned
}

/// Returns whether a part of a name is that of an entry: `pte`, `ptep`, `kpte`; not `optee`, `interrupted`.
fn is_pte(part: &str) -> bool {
    let one = part.char_indices().nth(1).map_or("", |(at, _)| &part[at..]);
    part.starts_with("pte") || matches!(one, "pte" | "ptep" | "ptes")
}

/// Returns the name of what a line calls to give pages, frames or tables back.
pub fn frees(text: &str) -> Option<&str> {
    const VERBS: [&str; 4] = ["free", "dealloc", "release", "put"];
    const THINGS: [&str; 6] = ["page", "pages", "frame", "frames", "pgtable", "table"];
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices('(').find_map(|(at, _)| {
        let name = text[..at].rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
        let all = parts(name);
        let verb = all.iter().any(|part| VERBS.iter().any(|verb| part.starts_with(verb)));
        let thing = all.iter().any(|part| THINGS.contains(&part.as_str()));
        (verb && thing).then_some(name)
    })
}

/// Returns whether a line has to do with the flush of a TLB, in code that knows no architecture: `flusher.queue(...)`,
/// `tlb.flush()`.
pub fn speaks_of_flush(text: &str) -> bool {
    const OTHER: [&str; 9] = [
        "cache", "icache", "dcache", "iommu", "hugetlb", "log", "stdout", "file", "buffer",
    ];
    let lower = text.to_ascii_lowercase();
    ["flush", "tlb", "shootdown"].iter().any(|word| lower.contains(word))
        && !OTHER.iter().any(|word| lower.contains(word))
}

/// Returns the words by which a message speaks of TLB maintenance.
pub fn speaks_of_maintenance(message: &str) -> Option<&'static str> {
    const SAYINGS: [&str; 16] = [
        "break-before-make",
        "break before make",
        "tlb flush",
        "tlb inval",
        "tlb maint",
        "tlb shootdown",
        "tlb conflict",
        "tlb entr",
        "flush the tlb",
        "flush tlb",
        "flushing the tlb",
        "invalidate the tlb",
        "invalidate tlb",
        "invalidating the tlb",
        "stale tlb",
        "tlbi",
    ];
    let lower = message.to_ascii_lowercase();
    let flat = folded(&lower);
    let flat = flat.replace("hugetlb", "huge");
    let other = ["iommu", "smmu", "iotlb", "swiotlb"];
    if other.iter().any(|word| flat.contains(word)) {
        return None;
    }
    // Level hints are spoken of by their field.
    let has = |word: &str| flat.split(|c: char| !c.is_alphanumeric()).any(|own| own == word);
    let hint = || (has("tlb") && has("ttl")).then_some("ttl");
    SAYINGS.into_iter().find(|saying| flat.contains(saying)).or_else(hint)
}

/// Returns the words by which a message speaks of what decides how addresses are translated.
pub fn speaks_of_tables(message: &str) -> Option<&'static str> {
    const SAYINGS: [&str; 9] = [
        "page table",
        "page-table",
        "pagetable",
        "translation table",
        "table walk",
        "page walk",
        "pte",
        "mmu",
        "sctlr",
    ];
    let lower = message.to_ascii_lowercase();
    let flat = folded(&lower);
    let other = ["iommu", "smmu", "dma descriptor", "file descriptor", "usb"];
    if other.iter().any(|word| flat.contains(word)) {
        return None;
    }
    let is_word = |saying: &str| flat.split(|c: char| !c.is_alphanumeric()).any(|own| own == saying);
    SAYINGS.into_iter().find(|saying| match saying.len() {
        // Short ones are words, or parts of others.
        ..=3 => is_word(saying),
        _ => flat.contains(saying),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::token::{Language, SourceLine, tokens};

    fn said(text: &str, language: Language) -> Vec<String> {
        let line = SourceLine {
            number: 1,
            text: text.to_owned(),
            changed: true,
        };
        let tokens = tokens(&[line], language);
        (0..tokens.len())
            .filter_map(|index| write(&tokens, index).or_else(|| flush(&tokens, index)))
            .collect()
    }

    #[test]
    fn registers_are_written_in_many_ways() {
        let is = |text: &str, register: &str| {
            let found = said(text, Language::C);
            assert!(found.len() == 1 && found[0].contains(register), "{text}: {found:?}");
        };
        is(" write_sysreg(x | y, ttbr0_el1);", "ttbr0_el1");
        is(" write_sysreg_el1(ctxt->sys_regs[TCR_EL1], SYS_TCR);", "sys_tcr");
        is(" WRITE_SPECIALREG(sctlr_el1, x);", "sctlr_el1");
        is(" arm_write_sysreg(tcr_el1, x);", "tcr_el1");
        is(" write_ttbr0_el1(x);", "ttbr0");
        is(" cpu.setTtbr1(x);", "ttbr1");
        is(" TTBR0_EL1.set(x);", "ttbr0_el1");
        is(" asm volatile(\"msr vttbr_el2, %0\" :: \"r\" (x));", "vttbr_el2");
        for other in [
            " x = read_sysreg(ttbr0_el1);",
            " vcpu_write_sys_reg(vcpu, x, SCTLR_EL1);",
            "void write_ttbr0(u64 x);",
            " offset = ttbr_offset(x);",
            " set_flags(SCTLR_M);",
        ] {
            assert!(said(other, Language::C).is_empty(), "{other}");
        }
    }

    #[test]
    fn flushes_are_named_in_many_ways() {
        for (text, language) in [
            (" cpu.FlushTlbByASID(asid)", Language::C),
            (" goto out_flush_tlb;", Language::C),
            (" .shootdown = arm64_tlb_shootdown,", Language::C),
            (" self.u.inst(0xd50c83df)", Language::C),
            (" mmu::invalidate_tlb(addr);", Language::Rust),
            (" wait(space().shootdown(page, size));", Language::C),
        ] {
            assert_eq!(said(text, language).len(), 1, "{text}");
        }
        for (text, language) in [
            ("static void flush_tlb(int x)", Language::C),
            (" pub fn flush_tlb(x: u64) {", Language::Rust),
            ("use crate::mmu::flush_tlb;", Language::Rust),
            (" iommu_flush_iotlb(d);", Language::C),
            (" x = tlb_size;", Language::C),
            (" // flush_tlb()", Language::C),
        ] {
            assert!(said(text, language).is_empty(), "{text}");
        }
    }

    #[test]
    fn assembly_speaks_too() {
        for text in [
            "msr ttbr0_el1, x0",
            "bl flush_tlb_all",
            ".long 0xd508871f",
            "sysreg_write ttbr0_el1, x1",
        ] {
            assert!(speaks_in_assembly(text).is_some(), "{text}");
        }
        for text in [
            "flush_tlb:",
            ".globl flush_tlb",
            "ENDPROC(flush_tlb)",
            "msr daifset, #2",
            "mov x0, x1",
            "FUNC tlbi_all , :",
        ] {
            assert!(speaks_in_assembly(text).is_none(), "{text}");
        }
    }

    #[test]
    fn messages_speak() {
        assert_eq!(
            speaks_of_maintenance("adhere to break-before-make"),
            Some("break-before-make")
        );
        assert_eq!(speaks_of_maintenance("iommu: flush the tlb"), None);
    }
}
