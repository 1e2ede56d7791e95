// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the litmus reader prints, and what it refuses.

use proptest::prelude::prop;
use proptest::{proptest, sample};
use sequences::litmus::{LitmusErrorKind, Options, Test};

const TEST: &str = "AArch64 LB.example
Variant=vmsa,fatal
(* a comment (* in a comment *) *)
{
 [x]=1; [PTE(x)]=(oa:PA(x), db:0);
 0:X1=PTE(x); 0:X0=(oa:PA(x), valid:0); 0:X4=x;
}
 P0              ;
 STR X0,[X1]     ;
 LSR X9,X4,#12   ;
 DSB ISH         ;
 TLBI VAE1IS,X9  ;
 DSB ISH         ;
 L0: LDR W5,[X4] ;
locations [[PTE(x)]; 0:X5;]
exists (~fault(P0:L0,x))
";

/// Small searches: what is not read must be refused, what is too large must not hang.
fn small() -> Options {
    Options {
        limits: sequences::machine::Limits { states: 5_000 },
        ..Options::default()
    }
}

#[test]
fn a_report_prints_as_herd_prints_it() {
    let report = Test::parse(TEST)
        .expect("a test")
        .run(&Options::default())
        .expect("a report");
    let expected = "Test LB.example Allowed
States 2
0:X5=0; [PTE(x)]=(oa:PA(x), valid:0); Fault(P0:L0,x,D-MMU:Translation);
0:X5=1; [PTE(x)]=(oa:PA(x), valid:0);  ~Fault(P0:L0,x);
Ok
Witnesses
Positive: 1 Negative: 1
Condition exists (not (fault(P0:L0,x)))
Observation LB.example Sometimes 1 1
";
    assert_eq!(report.to_string(), expected);
}

#[test]
fn with_ets2_the_dsb_is_enough() {
    let options = Options {
        ets2: true,
        ..Options::default()
    };
    let report = Test::parse(TEST).expect("a test").run(&options).expect("a report");
    assert_eq!(report.observation_line(), "Observation LB.example Never 0 1");
}

#[test]
fn the_header_keys_of_this_project_say_what_a_tlbi_is_about() {
    for (keys, word) in [
        ("Regime=EL1&0\n", "Never"),
        ("Regime=EL2\n", "Sometimes"),
        ("Regime=EL1&0\nVMID=other\n", "Sometimes"),
        ("Regime=EL1&0\nStage=2\n", "Sometimes"),
        ("Regime=EL1&0\nExtent=range\n", "Sometimes"),
    ] {
        let text = TEST.replace("Variant=", &format!("{keys}Variant="));
        let options = Options {
            ets2: true,
            ..Options::default()
        };
        let report = Test::parse(&text).expect("a test").run(&options).expect("a report");
        assert_eq!(report.observation.name(), word, "{keys}");
    }
}

#[test]
fn what_is_not_read_is_refused_with_its_line_and_reason() {
    for (find, replace, message) in [
        (
            "AArch64 LB.example",
            "X86_64 SB",
            "line 1: expected `AArch64 <name>`, found `X86_64 SB`",
        ),
        (
            "Variant=vmsa,fatal",
            "Variant=vmsa,memtag",
            "line 2: `Variant=vmsa,memtag` is not read: memory tagging checks accesses after their translation and \
             changes no TLB maintenance",
        ),
        (
            "Variant=vmsa,fatal",
            "TTHM=P0:H",
            "line 2: header `TTHM=P0:H` is not read",
        ),
        (
            "*) *)",
            "*)",
            "line 3: the test has no end of the comment that begins here",
        ),
        ("db:0", "nG:0", "line 5: descriptor field `nG` is not read"),
        ("db:0", "db:2", "line 5: descriptor field `db:2` is not read"),
        (
            "DSB ISH         ;\n TLBI",
            "LDXR X0,[X4] ;\n TLBI",
            "line 11: instruction `LDXR X0,[X4]` is not read",
        ),
        (
            "TLBI VAE1IS,X9",
            "TLBI RVAE1IS,X9",
            "line 12: instruction `TLBI RVAE1IS,X9` is not read",
        ),
        (
            "LDR W5,[X4]",
            "LDR W5,[X4],#8",
            "line 14: instruction `LDR W5,[X4],#8` is not read",
        ),
        ("LDR W5,[X4]", "CBZ W5,L9", "line 14: label `L9` does not exist"),
        (
            "fault(P0:L0,x)",
            "fault(P0:L7,x)",
            "line 16: label `P0:L7` does not exist",
        ),
        ("exists (", "exists [", "line 16: expected a location, found `~`"),
    ] {
        let text = TEST.replacen(find, replace, 1);
        assert_ne!(text, TEST, "{find}");
        assert_eq!(Test::parse(&text).expect_err(message).to_string(), message);
    }
}

#[test]
fn a_search_beyond_its_bound_is_an_error() {
    let options = Options {
        limits: sequences::machine::Limits { states: 3 },
        ..Options::default()
    };
    let error = Test::parse(TEST)
        .expect("a test")
        .run(&options)
        .expect_err("three states are not enough");
    assert!(matches!(error.kind, LitmusErrorKind::Machine(_)));
    assert_eq!(error.to_string(), "more than 3 states");
}

#[test]
fn endless_loops_are_cut_off_and_said_so() {
    let text = TEST.replace("L0: LDR W5,[X4]", "L0: LDR W5,[X4] ; B L0");
    let report = Test::parse(&text)
        .expect("a test")
        .run(&Options::default())
        .expect("a report");
    assert!(report.cut);
    assert!(report.to_string().contains("Loop "));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        if let Ok(test) = Test::parse(&text) {
            let _ = test.run(&small());
        }
    }

    #[test]
    fn no_slip_in_a_test_makes_the_reader_panic(
        at in 0..TEST.len(),
        length in 0_usize..6,
        insert in sample::select(vec!["", ";", "|", "(", "}", "P1", ":", "X4", "~", "\\/", "9999999999999999999", "L0:", "=", ","]),
        other in prop::sample::select(vec!["", "B L0 ;", "STR X4,[X4] ;", "STR X9,[X1] ;", "EOR X4,X4,X1 ;", "SVC #0 ;", "ERET ;", "SWP X9,X4,[X1] ;", "CAS X0,X4,[X1] ;", "STCLR X9,[X1] ;", "CSEL X4,X1,X4,NE ;", "CMP X4,X1 ;", "UDF #0 ;", "MSR ELR_EL1,X4 ;", "LDR W4,[X4,#4] ;"]),
    ) {
        let end = (at + length).min(TEST.len());
        let text = format!("{}{insert}{}", &TEST[..at], &TEST[end..]).replace("LSR X9,X4,#12   ;", &format!("{other} LSR X9,X4,#12 ;"));
        if let Ok(test) = Test::parse(&text) {
            let _ = test.run(&small());
        }
    }
}
