// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every kind of mistake gets a message that says where it is and what to write.

use sequences::{ParseError, ParseErrorKind, Sequence};

fn error(text: &str) -> ParseError {
    text.parse::<Sequence>().expect_err(text)
}

/// A text, the place of its mistake, and the message.
#[rustfmt::skip]
const MESSAGES: &[(&str, &str)] = &[
    ("", "line 1, column 1: no instruction found: write for example `dsb nshst; tlbi alle2; dsb nsh; isb`"),
    (" ; \n // nothing\n;", "line 3, column 2: no instruction found: write for example `dsb nshst; tlbi alle2; dsb nsh; isb`"),
    ("dsb nshst; tlbi alle2s", "line 1, column 17: unknown operation `alle2s` for `tlbi`: did you mean `alle2is`?"),
    ("dsb ish\n  tlbi everything", "line 2, column 8: unknown operation `everything` for `tlbi`: expected an operation of the Arm ARM, e.g. `alle2`, `vae2is`, `rvae1is`"),
    ("tlbi", "line 1, column 1: `tlbi` needs an operation, e.g. `tlbi alle2`"),
    ("tlbi ; isb", "line 1, column 1: `tlbi` needs an operation, e.g. `tlbi alle2`"),
    ("tlbi alle2, {va}", "line 1, column 13: `tlbi alle2` takes no operand: write `tlbi alle2`, or `tlbi vae2, {va}`"),
    ("tlbi vmalle1is, {ipa}", "line 1, column 17: `tlbi vmalle1is` takes no operand: write `tlbi vmalle1is`, or `tlbi ipas2e1is, {ipa}`"),
    ("tlbi alle1is, {asid}", "line 1, column 15: `tlbi alle1is` takes no operand: write `tlbi alle1is`, or `tlbi aside1is, {asid}`"),
    ("tlbi alle2, xzr", "line 1, column 13: `tlbi alle2` takes no operand: write `tlbi alle2`"),
    ("tlbi vae2is", "line 1, column 6: `tlbi vae2is` needs an operand: write `tlbi vae2is, {va}`"),
    ("tlbi vae2is,", "line 1, column 12: `tlbi vae2is` needs an operand: write `tlbi vae2is, {va}`"),
    ("tlbi vae2is {va}", "line 1, column 13: expected `,` before the operand, found `{`"),
    ("tlbi ipas2e1is, {va}", "line 1, column 17: `tlbi ipas2e1is` does not take `{va}`: it works by intermediate physical address; expected `{ipa}`, `{page}` or `xzr`"),
    ("tlbi vae1is, {asid}", "line 1, column 14: `tlbi vae1is` does not take `{asid}`: it works by virtual address; expected `{va}`, `{page}`, `{va!}` or `xzr`"),
    ("tlbi rvae2is, {va}", "line 1, column 15: `tlbi rvae2is` does not take `{va}`: it works by range; expected `{range}`"),
    ("tlbi rvae2is, xzr", "line 1, column 15: `tlbi rvae2is` does not take `xzr`: granule 0b00 of a zero operand is reserved; write `{range}`"),
    ("tlbi rvae2is, {range, ttl=0}", "line 1, column 15: `tlbi rvae2is` does not take `{range, ttl=0}`: a range hint of 0 means no hint; write `{range}`, or `ttl=1` to `ttl=3`"),
    ("tlbi rpalos, {range, ttl=3}", "line 1, column 14: `tlbi rpalos` does not take `{range, ttl=3}`: its operand has no level hint; write `{range}`"),
    ("tlbi vae2is, {page}", "line 1, column 14: `{page}` is the page of a repetition: write `for page in {range}: tlbi ..., {page}`, or `{va}` for a single address"),
    ("tlbi vae2is, x0", "line 1, column 14: registers are chosen by the bench, not by the text: instead of `x0` name what the register holds, `{va}`, `{page}`, `{va!}` or `xzr`"),
    ("tlbi alle2, x0", "line 1, column 13: `tlbi alle2` takes no operand: write `tlbi alle2`"),
    ("tlbi vae2is, va", "line 1, column 14: unknown operand `va`: did you mean `{va}`?"),
    ("tlbi vae2is, {vaa}", "line 1, column 15: unknown operand `vaa`: did you mean `{va}`?"),
    ("tlbi vae2is, {address}", "line 1, column 15: unknown operand `address`: expected `{va}`, `{ipa}`, `{asid}`, `{range}`, `{page}`, `{va!}` or `xzr`"),
    ("tlbi vae2is, {}", "line 1, column 15: expected the name of an operand, e.g. `va`, found `}`"),
    ("tlbi vae2is, {va", "line 1, column 17: expected `}` after the operand, found the end"),
    ("tlbi vae2is, {va, level=3}", "line 1, column 19: expected `ttl=`, the level hint, found `level`"),
    ("tlbi vae2is, {va, ttl 3}", "line 1, column 23: expected `=` after `ttl`, found `3`"),
    ("tlbi vae2is, {va, ttl=4}", "line 1, column 23: level hint `4` is not a level: expected 0, 1, 2 or 3"),
    ("tlbi vae2is, {va, ttl=}", "line 1, column 23: level hint `}` is not a level: expected 0, 1, 2 or 3"),
    ("tlbi rvae1, {range!}", "line 1, column 19: only `{va!}`, `{ipa!}` and `{asid!}`, which leave out the shift, take a `!`: write `{range}`"),
    ("tlbi aside1, {asid, ttl=3}", "line 1, column 21: `{asid}` has no `ttl`: a level hint goes with `{va}`, `{ipa}`, `{range}` or `{page}`"),
    ("dsb", "line 1, column 1: `dsb` needs an option, as in the assembler: `dsb sy` for the full system, `ish` inner shareable, `osh` outer shareable, `nsh` this PE; with `st` or `ld` for stores or loads only"),
    ("dmb; isb", "line 1, column 1: `dmb` needs an option, as in the assembler: `dmb sy` for the full system, `ish` inner shareable, `osh` outer shareable, `nsh` this PE; with `st` or `ld` for stores or loads only"),
    ("dsb is", "line 1, column 5: unknown option `is` for `dsb`: did you mean `ish`?"),
    ("dsb nhst", "line 1, column 5: unknown option `nhst` for `dsb`: did you mean `nshst`?"),
    ("dmb unst", "line 1, column 5: unknown option `unst` for `dmb`: did you mean `nshst`?"),
    ("dsb everything", "line 1, column 5: unknown option `everything` for `dsb`: expected `nsh`, `ish`, `osh` or `sy`, or a form with `st` or `ld`"),
    ("dsb {va}", "line 1, column 5: expected an option such as `ish`, found `{`"),
    ("dsb #11", "line 1, column 5: option `#11` by number: write `dsb ish` (`#` starts a comment at the start of a line only; `//` anywhere)"),
    ("dmb #0xb", "line 1, column 5: option `#0xb` by number: write `dmb ish` (`#` starts a comment at the start of a line only; `//` anywhere)"),
    ("dsb #0", "line 1, column 5: option `#0` by number: reserved, or no option of `dsb`; write the option's name, e.g. `sy` (`#` starts a comment at the start of a line only; `//` anywhere)"),
    ("dmb ishnxs", "line 1, column 5: `dmb` has no nXS form: write `dmb ish`, or `dsb ishnxs`"),
    ("isb ish", "line 1, column 5: `isb` takes no option but `sy`, found `ish`"),
    ("isb #15", "line 1, column 5: option `#15` by number: write `isb sy` (`#` starts a comment at the start of a line only; `//` anywhere)"),
    ("isb dsb ish", "line 1, column 5: expected `;` or a new line before the next step, found `dsb`"),
    ("tlb alle2", "line 1, column 1: unknown instruction `tlb`: did you mean `tlbi`?"),
    ("flush", "line 1, column 1: unknown instruction `flush`: expected `dsb`, `dmb`, `isb`, `sb`, `nop`, `tlbi`, `msr` or `for`"),
    ("mrs x0, ttbr0_el2", "line 1, column 1: `mrs` is outside the language: a sequence holds barriers and TLB maintenance only (`dsb`, `dmb`, `isb`, `sb`, `nop`, `tlbi`), and `msr` of translation registers; the store and the accesses belong to the check"),
    ("msr ttbr2_el1, x0", "line 1, column 5: `ttbr2_el1` is no translation register: did you mean `ttbr0_el1`?"),
    ("msr daif, x0", "line 1, column 5: `daif` is no translation register: expected a TTBR, VTTBR, TCR, VTCR, HCR or SCTLR such as `vttbr_el2`"),
    ("ic iallu", "line 1, column 1: `ic` is outside the language: a sequence holds barriers and TLB maintenance only (`dsb`, `dmb`, `isb`, `sb`, `nop`, `tlbi`), and `msr` of translation registers; the store and the accesses belong to the check"),
    ("{va}", "line 1, column 1: expected an instruction, found `{`"),
    ("isb @", "line 1, column 5: unexpected character '@': steps are separated by `;` or a new line"),
    ("isb é", "line 1, column 5: unexpected character 'é': steps are separated by `;` or a new line"),
    ("isb /* never closed", "line 1, column 5: comment without end: close it with `*/`"),
    ("for page in {range}: isb", "line 1, column 1: the repetition does the same for every page: use `{page}` in its body"),
    ("for page\nin {range}: isb", "line 1, column 9: expected `in` in `for page in {range}:`, found the end of the line"),
    ("for page in {range}:", "line 1, column 20: the repetition has no body: write `for page in {range}: tlbi vae2is, {page}`"),
    ("for page in {range}: {}", "line 1, column 20: the repetition has no body: write `for page in {range}: tlbi vae2is, {page}`"),
    ("for page in {range}: { tlbi vae2, {page}", "line 1, column 41: expected `;` or `}` in the repetition, found the end"),
    ("for page in {range}: { tlbi vae2, {page} isb }", "line 1, column 42: expected `;` or `}` in the repetition, found `isb`"),
    ("for page in {range}: for page in {range}: tlbi vae2, {page}", "line 1, column 22: a repetition cannot hold another one"),
    ("for va in {range}: tlbi vae2, {page}", "line 1, column 5: expected `page` in `for page in {range}:`, found `va`"),
    ("for page in {va}: tlbi vae2, {page}", "line 1, column 14: expected `{range}` in `for page in {range}:`, found `va`"),
    ("for page in {range} tlbi vae2, {page}", "line 1, column 21: expected `:` after `for page in {range}`, found `tlbi`"),
];

#[test]
fn messages_name_the_place_and_the_remedy() {
    for (text, message) in MESSAGES {
        assert_eq!(&error(text).to_string(), message, "{text:?}");
    }
}

#[test]
fn carets_point_at_the_mistake() {
    let source = "dsb ishst\n\ttlbi vae2is, {vaa}\ndsb ish";
    assert_eq!(
        error(source).render(source),
        "line 2, column 16: unknown operand `vaa`: did you mean `{va}`?\n2 | \ttlbi vae2is, {vaa}\n  | \t              ^^^"
    );
    let source = "isb; dsb";
    assert_eq!(error(source).render(source).lines().last(), Some("  |      ^^^"));
    let source = "";
    assert_eq!(error(source).render(source).lines().last(), Some("  | ^"));
    // Another text than the one that was parsed must not panic either.
    assert!(
        error("isb; isb; d\u{e9}")
            .render("\u{e9}")
            .starts_with("line 1, column 11")
    );
}

#[test]
fn positions_count_characters_and_spans_count_bytes() {
    let error = error("// caf\u{e9}\n/* \u{e9} */ alle2");
    assert_eq!(
        (error.position().line, error.position().column, error.position().offset),
        (2, 9, 18)
    );
    assert_eq!(error.span(), 18..23);
}

#[test]
fn too_long_is_a_message_too() {
    let text = "isb;".repeat(256);
    assert!(text.parse::<Sequence>().is_ok());
    let error = error(&(text + "isb"));
    assert_eq!(error.kind(), &ParseErrorKind::TooLong(256));
    assert_eq!(error.position().column, 256 * 4 + 1);
}

#[test]
fn long_names_are_cut() {
    let message = error(&"x".repeat(10_000)).to_string();
    assert!(message.len() < 200, "{message}");
}

#[test]
fn long_lines_are_shown_around_the_place() {
    let text = "dsb sy; ".repeat(200) + "tlbi alle2s; " + &"isb; ".repeat(50);
    let rendered = error(&text).render(&text);
    let lines: Vec<&str> = rendered.lines().collect();
    assert!(lines.iter().all(|line| line.len() <= 110), "{rendered}");
    let caret = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][caret..caret + 6], "alle2s");
    assert_eq!(lines[2].matches('^').count(), 6);
}
