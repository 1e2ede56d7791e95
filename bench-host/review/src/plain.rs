// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changed lines of files whose language is not read, by their words alone.
//!
//! Maintenance is written in languages, and in files with endings, that nobody foresaw: a script that writes assembly, a
//! table of instructions, a template. What such a file says of it is listed as not understood; only of documents and of the
//! options of a build is it known that they are no code.

use crate::extract::instruction::is_instruction;
use crate::extract::names::{is_long_barrier, is_long_isb, writes_register};
use crate::extract::tables::calls;
use crate::extract::text::{cut, folded, words};
use crate::extract::token::Language;
use crate::extract::words::{encoded, is_flush, is_register};
use crate::extract::{Doubt, Unread};
use crate::foreign::is_foreign;
use crate::mention::Mention;
use crate::source::Unit;
use sequences::TlbiOp;

/// How many lines from a barrier a register or an operation shows what it is for.
const FAR: usize = 12;
/// Most characters of a line that are shown.
const MAX_TEXT: usize = 120;

/// Returns whether the language of a file is not known, and it may be code.
pub fn is_unknown(path: &str) -> bool {
    Language::of(path).is_none() && !is_document(path) && !is_foreign(path)
}

/// Returns whether a file is a document, or the options of a build and what they are called, by its name.
fn is_document(path: &str) -> bool {
    const ENDINGS: [&str; 31] = [
        "md", "mdx", "mkd", "markdown", "rst", "txt", "text", "adoc", "asciidoc", "org", "tex", "texi", "texinfo",
        "dox", "html", "htm", "xhtml", "man", "pod", "ps", "svg", "dot", "drawio", "po", "pot", "log", "eml", "mbox",
        "changes", "ipynb", "rtf",
    ];
    const NAMES: [&str; 16] = [
        "readme",
        "changelog",
        "changes",
        "news",
        "license",
        "copying",
        "copyright",
        "authors",
        "credits",
        "maintainers",
        "todo",
        "notes",
        "bugs",
        "history",
        "kconfig",
        "cpucaps",
    ];
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let of_man = ending.len() == 1 && ending.chars().all(|c| c.is_ascii_digit());
    let first = stem.split(['.', '-', '_']).next().unwrap_or_default();
    let of_build = name.contains("defconfig") || first == "kconfig" || first == "config" && ending != "sh";
    let in_documents = folders
        .split('/')
        .any(|part| matches!(part, "doc" | "docs" | "documentation"));
    ENDINGS.contains(&ending) || of_man || NAMES.contains(&first) || of_build || in_documents
}

/// Returns whether a file holds data, not code of any language, by its ending: what a tree has many of, and large ones.
pub fn is_data(path: &str) -> bool {
    const ENDINGS: [&str; 58] = [
        "dts", "dtsi", "dtso", "dtb", "json", "yaml", "yml", "xml", "csv", "toml", "lock", "patch", "diff", "png",
        "jpg", "jpeg", "gif", "ico", "bmp", "ppm", "pdf", "ttf", "otf", "woff", "wav", "mp3", "o", "a", "so", "ko",
        "bin", "elf", "fd", "rom", "img", "iso", "gz", "xz", "bz2", "zst", "zip", "tar", "pem", "crt", "der", "key",
        "sha256", "sig", "asc", "css", "ini", "cfg", "conf", "dsc", "dec", "fdf", "asl", "hex",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

/// Returns the lines of a whole file that name an invalidation; of a great many, the first.
pub fn invalidations(text: &str) -> Vec<Unread> {
    const MAX: usize = 8;
    let mut out = Vec::new();
    let mut more = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if is_comment(line) || !(names_invalidation(line) || is_system(line)) {
            continue;
        }
        if out.len() == MAX {
            more += 1;
            continue;
        }
        let text = folded(line);
        out.push(Unread::new(number, cut(&text, MAX_TEXT), false, Doubt::Spelling));
    }
    if let Some(last) = out.last_mut().filter(|_| more > 0) {
        last.text.push_str(&format!(" (and {more} lines more)"));
    }
    out
}

/// Returns the changed lines of a unit that name an invalidation, a translation register, or a barrier beside one.
pub fn mentions(unit: &Unit) -> Vec<Mention> {
    let mut out = Vec::new();
    for segment in &unit.segments {
        let lines = &segment.lines;
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.changed) {
            let near = || {
                let range = at.saturating_sub(FAR)..lines.len().min(at + 1 + FAR);
                lines[range]
                    .iter()
                    .any(|line| !is_comment(&line.text) && speaks(&line.text))
            };
            let says = speaks(&line.text) || has_barrier(&line.text) && near();
            if is_comment(&line.text) || !says {
                continue;
            }
            let text = folded(&line.text);
            out.push(Mention {
                line: line.number,
                text: cut(&text, MAX_TEXT),
                order: String::new(),
            });
        }
    }
    out
}

/// Returns the changed lines of a unit for an I/O MMU that invalidate the TLBs of PEs: by a TLBI, or a flush that is known.
pub fn mentions_of_pe(unit: &Unit, is_known: impl Fn(&str) -> bool) -> Vec<Mention> {
    let lines = unit.segments.iter().flat_map(|segment| &segment.lines);
    let says = |text: &str| names_invalidation(text) || calls(text).any(|(name, _)| is_known(name));
    lines
        .filter(|line| line.changed && !is_comment(&line.text) && says(&line.text))
        .map(|line| Mention {
            line: line.number,
            text: cut(&folded(&line.text), MAX_TEXT),
            order: String::new(),
        })
        .collect()
}

/// Returns whether a line is a comment in any of the languages that have such.
fn is_comment(text: &str) -> bool {
    let text = text.trim_start();
    ["//", "/*", "* ", "--", ";", "# ", "##", "(*", "{-"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// Returns whether a line names an invalidation or a translation register.
fn speaks(text: &str) -> bool {
    // `Invalidate_TLB;` is a call in many languages, `end Invalidate_TLB;` and `procedure Invalidate_TLB is` are none.
    let calls = |word: &str| {
        let (before, behind) = text.split_once(word).unwrap_or_default();
        let (before, behind) = (before.trim_end(), behind.trim());
        let is_statement = behind.starts_with(';') && before.is_empty() || behind.is_empty() && before.is_empty();
        (is_flush(word) || writes_register(word))
            && (behind.starts_with(['(', '!']) && !is_head(before) || is_statement)
    };
    let leveled = |word: &str| word.to_ascii_lowercase().contains("_el") && is_register(word);
    names_invalidation(text) || words(text).any(|word| leveled(word) || calls(word)) || is_system(text)
}

/// Returns whether what stands before a name says that it is only declared there.
fn is_head(before: &str) -> bool {
    let last = words(before).last().unwrap_or_default().to_ascii_lowercase();
    matches!(
        last.as_str(),
        "procedure" | "function" | "func" | "fn" | "proc" | "def" | "sub" | "void" | "end" | "is"
    )
}

/// Returns whether a line names an invalidation, by its mnemonic or as a number.
fn names_invalidation(text: &str) -> bool {
    let is_operation = |word: &str| {
        let lower = word.to_ascii_lowercase();
        let name = lower.strip_prefix("tlbi_").or_else(|| lower.strip_prefix("tlbi"));
        name.is_some_and(|name| name.is_empty() || TlbiOp::from_name(name).is_some())
    };
    words(text).any(|word| is_operation(word) || encoded(word))
}

/// Returns whether a line has a `sys` instruction that invalidates, in quotes or not.
fn is_system(text: &str) -> bool {
    let mut parts = text.split(['"', '\'', '`', ';']);
    parts.any(|part| {
        let part = part.trim();
        part.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("sys")) && is_instruction(part)
    })
}

/// Returns whether a line has a barrier that orders maintenance.
fn has_barrier(text: &str) -> bool {
    words(text).any(|word| {
        matches!(word.to_ascii_lowercase().as_str(), "dsb" | "isb") || is_long_barrier(word) || is_long_isb(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::token::SourceLine;
    use crate::source::Segment;

    fn texts(lines: &[&str]) -> Vec<String> {
        let line = |(number, text): (u32, &&str)| SourceLine {
            number,
            text: (*text).to_owned(),
            changed: true,
        };
        let unit = Unit {
            path: "a.adb".into(),
            segments: vec![Segment {
                section: String::new(),
                lines: (1..).zip(lines).map(line).collect(),
            }],
        };
        mentions(&unit).into_iter().map(|mention| mention.text).collect()
    }

    #[test]
    fn words_are_enough() {
        for line in [
            "Asm (\"tlbi vmalle1is\", Volatile => True);",
            "emit :tlbi_vae2is, rt: 0",
            "  reg TTBR0_EL1 = base",
            "code += [0xd508871f]",
            "'sys #0, c8, c7, #0'",
            "flushTlbAll()",
        ] {
            assert_eq!(texts(&[line]).len(), 1, "{line}");
        }
        for line in [
            "-- tlbi vmalle1 is not needed",
            "select ARM64_WORKAROUND_REPEAT_TLBI",
            "emit :isb",
            "x = ttbr_offset",
        ] {
            assert!(texts(&[line]).is_empty(), "{line}");
        }
        assert_eq!(texts(&["Asm (\"msr ttbr0_el1, x0\");", "Asm (\"isb\");"]).len(), 2);
    }

    #[test]
    fn whole_files_are_looked_at_for_invalidations() {
        let text = "procedure Flush is\n-- tlbi alle1 is for others\n   Asm (\"tlbi vmalle1is\", Volatile => True);\n   Write (TTBR0_EL1);\n";
        let found = invalidations(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].text.contains("vmalle1is")), (3, true));
        let many = invalidations(&"emit :tlbi_vae2is\n".repeat(20));
        assert_eq!(many.len(), 8);
        assert!(many[7].text.ends_with("(and 12 lines more)"), "{}", many[7].text);
        assert!(is_data("a/b.dtsi") && !is_data("a/b.adb") && !is_data("a/Makefile"));
    }

    #[test]
    fn documents_are_no_code() {
        for path in [
            "docs/a.adb",
            "a/README.md",
            "NEWS",
            "arch/arm64/Kconfig",
            "a/Kconfig.platform",
            "man/pmap.9",
            "a.c",
            "arch/x86/a.adb",
        ] {
            assert!(!is_unknown(path), "{path}");
        }
        for path in [
            "a.adb",
            "a/b.pl",
            "gen-tlb.sh",
            "a/Makefile",
            "src/mmu.vala",
            "tools/sysreg",
        ] {
            assert!(is_unknown(path), "{path}");
        }
    }
}
