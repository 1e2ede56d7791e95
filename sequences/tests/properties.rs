// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold for every sequence, tried on random ones.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq};
use sequences::validate::{MAX_WORDS, REGISTERS};
use sequences::{
    Barrier, Decoded, Domain, Instruction, Item, LowerError, Operand, Sequence, Tlbi, TlbiOp, Ttl, decode, lower,
    validate_words,
};

fn ttl() -> impl Strategy<Value = Option<Ttl>> {
    prop::option::of(select(Ttl::ALL.to_vec()))
}

fn operand(in_loop: bool) -> impl Strategy<Value = Operand> {
    let outside = prop_oneof![
        Just(Operand::Xzr),
        Just(Operand::Asid),
        Just(Operand::VaUnshifted),
        ttl().prop_map(Operand::Va),
        ttl().prop_map(Operand::Ipa),
        ttl().prop_map(Operand::Range),
    ];
    let page = ttl().prop_map(Operand::Page);
    if in_loop {
        prop_oneof![outside, page].boxed()
    } else {
        outside.boxed()
    }
}

fn instruction(in_loop: bool) -> impl Strategy<Value = Instruction> {
    let tlbi =
        (select(TlbiOp::all().collect::<Vec<_>>()), operand(in_loop)).prop_filter_map("operand", |(op, operand)| {
            let operand = if op.takes_operand() { operand } else { Operand::None };
            Tlbi::new(op, operand).map(Instruction::Tlbi)
        });
    prop_oneof![
        1 => select(Barrier::all().collect::<Vec<_>>()).prop_map(Instruction::Dsb),
        1 => select(Barrier::all().collect::<Vec<_>>()).prop_map(Instruction::Dmb),
        1 => select(Domain::ALL.to_vec()).prop_map(Instruction::DsbNxs),
        1 => Just(Instruction::Isb),
        1 => Just(Instruction::Sb),
        1 => Just(Instruction::Nop),
        6 => tlbi,
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let uses_page = |body: &Vec<Instruction>| body.iter().any(|i| matches!(i.operand(), Operand::Page(_)));
    prop_oneof![
        4 => instruction(false).prop_map(Item::Instruction),
        1 => prop::collection::vec(instruction(true), 1..6).prop_filter("page", uses_page).prop_map(Item::ForPage),
    ]
}

fn sequence() -> impl Strategy<Value = Sequence> {
    prop::collection::vec(item(), 1..12).prop_map(|items| Sequence { items })
}

proptest! {
    #[test]
    fn text_round_trips(sequence in sequence()) {
        let text = sequence.to_string();
        let parsed: Sequence = text.parse()?;
        prop_assert_eq!(&parsed, &sequence);
        prop_assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn case_spacing_and_comments_do_not_matter(sequence in sequence()) {
        let text = sequence.to_string();
        for variant in [
            text.to_uppercase(),
            text.replace("; ", "\n"),
            text.replace("; ", " // why\r\n\r\n"),
            text.replace(", ", " /* a */ ,\t").replace("; ", ";;"),
            format!("# a comment\n ; {text} ;\n"),
        ] {
            prop_assert_eq!(&variant.parse::<Sequence>()?, &sequence);
        }
    }

    #[test]
    fn lowered_words_decode_to_the_instructions(sequence in sequence(), pages in 1_u32..5) {
        let lowered = match lower(&sequence, pages) {
            Err(LowerError::TooManyOperands) => return Ok(()),
            other => other?,
        };
        prop_assert_eq!(validate_words(&lowered.words, MAX_WORDS), Ok(()));
        prop_assert!(lowered.operands.len() <= usize::from(REGISTERS));
        let operand = |rt| lowered.operands.iter().find(|slot| slot.register == rt).map(|slot| slot.operand);
        let decoded = lowered.words.iter().filter_map(|&word| match decode(word).expect("of the language") {
            Decoded::Increment(_) => None,
            // Several operands share register 31; which one follows from the operation.
            tlbi @ Decoded::Tlbi { op, rt: 31 } => {
                Some(tlbi.instruction(if op.takes_operand() { Operand::Xzr } else { Operand::None }))
            }
            tlbi @ Decoded::Tlbi { rt, .. } => Some(tlbi.instruction(operand(rt).expect("a loaded register"))),
            other => Some(other.instruction(Operand::None)),
        });
        let decoded: Vec<_> = decoded.map(|instruction| instruction.expect("a matching operand")).collect();
        let expected: Vec<_> = sequence
            .items
            .iter()
            .flat_map(|item| match item {
                Item::Instruction(instruction) => vec![*instruction],
                Item::ForPage(body) => body.repeat(pages as usize),
            })
            .collect();
        prop_assert_eq!(decoded, expected);
    }

    #[test]
    fn any_word_is_refused_or_encodes_back(word in any::<u32>()) {
        if let Some(Decoded::Tlbi { op, rt }) = decode(word) {
            let operand = if op.takes_operand() { Operand::Page(None) } else { Operand::None };
            prop_assert_eq!(Instruction::Tlbi(Tlbi { op, operand }).encode(rt), word);
        }
    }

    #[test]
    fn any_text_parses_or_gives_a_message(text in ".{0,200}") {
        check_any(&text)?;
    }

    #[test]
    fn text_made_of_our_words_parses_or_gives_a_message(
        words in prop::collection::vec(
            select(vec![
                "dsb", "dmb", "isb", "sb", "tlbi", "for", "page", "in", "ish", "nshst", "alle2", "vae2is", "rvae1", "{",
                "}", "range", "va", "ttl", "=", "3", "!", ",", ":", ";", "\n", "#", "//", "/*", "*/", "xzr", "x0", "\u{e9}",
            ]),
            0..30,
        )
    ) {
        check_any(&words.join(" "))?;
    }
}

fn check_any(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    match text.parse::<Sequence>() {
        Ok(sequence) => prop_assert_eq!(sequence.to_string().parse::<Sequence>()?, sequence),
        Err(error) => {
            prop_assert!(error.span().end <= text.len());
            prop_assert!(error.render(text).ends_with('^'));
        }
    }
    Ok(())
}
