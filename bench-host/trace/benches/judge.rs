// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many events a second the judge takes: pages unmapped, invalidated, and mapped again.
#![allow(missing_docs)]

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sequences::{Barrier, Instruction, Operand, Tlbi, TlbiOp};
use trace::judge::{Judge, Options};
use trace::log::{Event, Writer};
use trace::registers::Register;

fn events() -> Vec<Event> {
    const TABLE: u64 = 0x4000_0000;
    let table = |address: u64, link: u64| {
        let mut entries = vec![0; 512];
        entries[0] = link;
        Event::Table { address, entries }
    };
    let mut events = vec![
        Event::Pes(1),
        table(TABLE, TABLE + 0x1003),
        table(TABLE + 0x1000, TABLE + 0x2003),
        table(TABLE + 0x2000, TABLE + 0x3003),
        table(TABLE + 0x3000, 0),
    ];
    for (register, value) in [
        (Register::TcrEl2, 16),
        (Register::Ttbr0El2, TABLE),
        (Register::SctlrEl2, 1),
    ] {
        events.push(Event::Register {
            pe: 0,
            pc: 0,
            register,
            value,
        });
    }
    let instruction = |instruction: Instruction, operand| Event::Instruction {
        pe: 0,
        pc: 8,
        el: 2,
        word: instruction.encode(0),
        operand,
    };
    let dsb = |name| Instruction::Dsb(Barrier::from_name(name).expect("an option"));
    let tlbi = Instruction::Tlbi(Tlbi {
        op: TlbiOp::from_name("vae2").expect("an operation"),
        operand: Operand::Va(None),
    });
    for round in 0..100_000_u64 {
        let page = round % 512;
        let store = |old, new| Event::Store {
            pe: 0,
            pc: 4,
            address: TABLE + 0x3000 + page * 8,
            old,
            new,
        };
        events.extend([
            store(0, 0x5000_0703 + (round << 12)),
            instruction(dsb("nshst"), 0),
            instruction(Instruction::Isb, 0),
            store(0x5000_0703 + (round << 12), 0),
            instruction(dsb("nshst"), 0),
            instruction(tlbi, page),
            instruction(dsb("nsh"), 0),
            instruction(Instruction::Isb, 0),
        ]);
    }
    events
}

fn judge(criterion: &mut Criterion) {
    let events = events();
    let mut log = Vec::new();
    let mut writer = Writer::new(&mut log, u64::MAX);
    for event in &events {
        writer.write(event).expect("memory");
    }
    writer.end().expect("memory");
    let mut group = criterion.benchmark_group("trace");
    group
        .throughput(Throughput::Elements(events.len() as u64))
        .sample_size(10);
    group.bench_function("judge", |bencher| {
        bencher.iter(|| {
            let report = Judge::log(
                black_box(&log[..]),
                Options::default(),
                |_, _| ControlFlow::Continue(()),
            )
            .expect("a log");
            assert!(report.findings.is_empty());
            report.events
        });
    });
    group.finish();
}

criterion_group!(benches, judge);
criterion_main!(benches);
