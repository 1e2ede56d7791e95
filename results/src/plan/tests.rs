// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plans written and read back.

use super::*;
use crate::event::Event;
use crate::order::Order;
use crate::scenario::{Axis, MAX_SCENARIOS, Scenario};

const SETTINGS: Settings = Settings {
    at_end: AtEnd::Loop,
    seed_by_boot: true,
    seed: 0x1234_5678_9abc_def0,
    iterations: 100_000,
    batch: 2000,
    trials: 1000,
    case: RuntimeCase::Level2,
    runtime: 0,
    flow: Flow::Old,
    console: Some(Console {
        uart: Uart::Pl011,
        address: 0x900_0000,
    }),
    conduit: Some(Conduit::Hvc),
    boot_flush: 1,
    pes: 3,
    stress: 500,
    planted: Some(Planted::Silence(Silence {
        pe: 2,
        job: 1_000_000,
        moment: Moment::Late,
    })),
    measure: Measure {
        order: Order::Abba,
        warmup: 3,
        events: Event::L1dTlbRefill.mask() | Event::InstRetired.mask(),
        timed_pes: 2,
        overhead: true,
        ..Measure::PLAIN
    },
};
const OPERAND: OperandRegister = OperandRegister {
    register: 2,
    kind: OperandKind::Page,
    hint: 4,
};
const ENTRIES: [Entry<'static>; 2] = [
    Entry {
        id: "old",
        flags: flags::TIMED,
        pages: 1,
        checks: 0,
        good_for: 1 << 63,
        operands: &[],
        words: &[1, 2, 3],
    },
    Entry {
        id: "by_va",
        flags: 0,
        pages: 512,
        checks: 0b1_1111,
        good_for: 0,
        operands: &[OPERAND],
        words: &[],
    },
];

#[test]
fn a_plan_reads_back_as_written() {
    let mut area = [0; 4096];
    let length = encode(&SETTINGS, &ENTRIES, &mut area).unwrap();
    let plan = Plan::read(&area).unwrap().unwrap();
    assert_eq!(plan.settings, SETTINGS);
    assert_eq!(plan.len(), 2);
    for (read, written) in plan.entries().zip(&ENTRIES) {
        assert_eq!((read.id, read.flags), (written.id, written.flags));
        assert_eq!((read.checks, read.good_for), (written.checks, written.good_for));
        assert!(read.words().eq(written.words.iter().copied()));
        assert!(read.operands().eq(written.operands.iter().copied()));
    }
    // Every prefix and every flipped bit is refused, never misread.
    for cut in 1..length {
        assert!(Plan::read(&area[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..length {
        area[at] ^= 0x10;
        assert!(Plan::read(&area).is_err(), "flipped at {at}");
        area[at] ^= 0x10;
    }
}

#[test]
fn scenarios_read_back_once_each_and_wrong_ones_are_refused() {
    let mut measure = Measure::PLAIN;
    let live = |value| Scenario::PLAIN.with(Axis::Live, value);
    for scenario in [live(64), Scenario::PLAIN, Scenario::PLAIN.with(Axis::Busy, 3), live(64)] {
        assert!(measure.scenarios.add(scenario));
    }
    assert_eq!((measure.scenarios.as_slice().len(), measure.pes()), (3, 4));
    let mut area = [0; 4096];
    encode(&Settings { measure, ..SETTINGS }, &ENTRIES, &mut area).unwrap();
    assert_eq!(Plan::read(&area).unwrap().unwrap().settings.measure, measure);

    for value in 1..=MAX_SCENARIOS as u16 - 3 {
        assert!(measure.scenarios.add(live(value)));
    }
    assert!(!measure.scenarios.add(live(1000)) && measure.scenarios.add(live(1)));
    let mut wrong = [Measure::PLAIN; 3];
    wrong[0].scenarios.add(live(2000));
    wrong[1].events = Event::Cycles.mask();
    wrong[2].timed_pes = 0;
    for (measure, field) in wrong.into_iter().zip(["scenario", "events", "number of timed PEs"]) {
        let refused = encode(&Settings { measure, ..SETTINGS }, &ENTRIES, &mut area);
        assert_eq!(refused, Err(PlanError::Field(field)));
    }
}

#[test]
fn invalidations_are_told_from_everything_else() {
    // tlbi alle2; tlbi vae1is, x2; tlbi rvae2is, x2; tlbi vmalle1nxs
    for word in [0xd50c_871f, 0xd508_8322, 0xd50c_8222, 0xd508_971f] {
        assert!(is_tlbi(word), "{word:08x}");
    }
    // dsb sy; isb; ic iallu; dc cvac, x2; mrs x0, pmccntr_el0; ldr x11, [x10]; add
    for word in [
        0xd503_3f9f,
        0xd503_3fdf,
        0xd508_751f,
        0xd50b_7a22,
        0xd53b_9d00,
        0xf940_014b,
        0x9140_214a,
    ] {
        assert!(!is_tlbi(word), "{word:08x}");
    }
    let many = Scenario::PLAIN.with(Axis::Tlbis, 8);
    assert!(is_timed_under(&many, [1, 0xd50c_871f]));
    assert!(!is_timed_under(&many, [1]));
    assert!(is_timed_under(&Scenario::PLAIN, []));
}

#[test]
fn an_empty_area_is_no_plan_and_no_error() {
    assert!(Plan::read(&[0; 64]).unwrap().is_none());
    assert_eq!(Plan::read(&[7; 64]).unwrap_err(), PlanError::NoPlan);
}

#[test]
fn what_does_not_fit_is_refused_with_the_size_needed() {
    let mut area = [0; 4096];
    let needed = encode(&SETTINGS, &ENTRIES, &mut area).unwrap();
    let refused = encode(&SETTINGS, &ENTRIES, &mut area[..needed - 1]).unwrap_err();
    assert_eq!(
        refused,
        PlanError::TooBig {
            needed,
            capacity: needed - 1
        }
    );
    assert_eq!(encode(&SETTINGS, &[], &mut area).unwrap_err(), PlanError::Sequences(0));
    for pes in [0, MAX_PES + 1] {
        let settings = Settings { pes, ..SETTINGS };
        let refused = encode(&settings, &ENTRIES, &mut area).unwrap_err();
        assert_eq!(refused, PlanError::Field("number of PEs"));
    }
    let bad = [
        Entry {
            id: "Old",
            ..ENTRIES[0]
        },
        ENTRIES[1],
    ];
    assert!(matches!(
        encode(&SETTINGS, &bad, &mut area),
        Err(PlanError::Entry { index: 0, .. })
    ));
    let long = [
        Entry {
            words: &[0; MAX_WORDS + 1],
            ..ENTRIES[0]
        },
        ENTRIES[1],
    ];
    assert!(matches!(
        encode(&SETTINGS, &long, &mut area),
        Err(PlanError::Entry { index: 0, .. })
    ));
}
