// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measurement under scenarios, in QEMU: what is counted when every instruction counts one, and that nothing hangs.
#![allow(missing_docs)]

#[path = "support/boot.rs"]
mod boot;

use std::collections::BTreeMap;
use std::process::ExitCode;

use bench_host::aggregate::aggregate;
use report::model::{BaselineRatio, Finding, Net, Part, Summary, Sweep};
use results::order::{Order, Places};
use results::record::{Event, Support};
use results::scenario::{Axis, Scenario};

use crate::boot::{Ran, complete, run_qemu};

/// The one value of every series of a run that counts instructions.
fn exact(ran: &Ran) -> BTreeMap<(String, Event, String), u64> {
    let mut values = BTreeMap::new();
    for row in ran.run.samples().unwrap().map(Result::unwrap) {
        let key = (row.seq, row.event, row.scenario.to_string());
        let value = *values.entry(key.clone()).or_insert(row.value);
        assert_eq!(value, row.value, "{key:?} has two values");
    }
    values
}

fn summary(ran: &Ran) -> Summary {
    aggregate(ran.run.folder()).unwrap()
}

fn sweep<'a>(summary: &'a Summary, seq: &str, axis: Axis) -> &'a Sweep {
    let found = |sweep: &&Sweep| sweep.seq == seq && sweep.axis == axis;
    summary
        .sweeps
        .iter()
        .find(found)
        .unwrap_or_else(|| panic!("{seq} {axis:?}"))
}

/// Where every instruction counts one: n TLBIs more count n more, as does each load behind the sequence.
fn instructions_are_counted_exactly() {
    let ran = complete(&[
        "--deterministic",
        "--no-checks",
        "--sweep",
        "tlbis=1,2,4,8,16",
        "--sweep",
        "repeat=1,2,4",
        "--sweep",
        "refill=1,8,64,100",
        "--scenario",
        "live=1024,dirty=1024",
        "--events",
        "inst_retired",
    ]);
    let values = exact(&ran);
    for event in [Event::Cycles, Event::InstRetired] {
        let value = |seq: &str, scenario: &str| values[&(seq.to_owned(), event, scenario.to_owned())];
        // isb; <words>; isb; mrs
        let frame = value("empty", "plain");
        assert_eq!(frame, 3);
        let of = |seq, words: u64| {
            assert_eq!(value(seq, "plain"), frame + words);
            assert_eq!(
                value(seq, "live_1024_dirty_1024"),
                frame + words,
                "what is done before the frame is not in it"
            );
            for n in [2, 4, 8, 16] {
                assert_eq!(value(seq, &format!("tlbis_{n}")), frame + words - 1 + n);
            }
            for n in [2, 4] {
                assert_eq!(value(seq, &format!("repeat_{n}")), frame + words * n);
            }
            for n in [1, 8, 64, 100_u64] {
                // One load a page, and one step of the base address every eight.
                let loads = n + (n - 1) / 8;
                assert_eq!(value("empty", &format!("refill_{n}")), frame + loads);
                assert_eq!(value(seq, &format!("refill_{n}")), frame + words + loads);
                assert_eq!(value(seq, &format!("live_{n}")), frame + words);
            }
        };
        of("xen_head_old", 5);
        of("xen_head_new", 4);
    }
}

fn sweeps_say_what_was_counted() {
    let ran = complete(&[
        "--deterministic",
        "--no-checks",
        "--sweep",
        "tlbis=1,2,4,8,16",
        "--sweep",
        "repeat=1,2",
        "--scenario",
        "refill=64",
        "--batch",
        "100",
    ]);
    let summary = summary(&ran);
    let issue = sweep(&summary, "xen_head_new", Axis::Tlbis);
    assert_eq!(
        issue.points.iter().map(|point| point.x).collect::<Vec<_>>(),
        [1, 2, 4, 8, 16]
    );
    assert_eq!(
        (issue.points[4].net, issue.points[4].median),
        (Net::Resolved(19.0), 22.0)
    );
    let fit = issue.fit.unwrap();
    // One count to issue another TLBI; dsb, dsb and isb remain with none.
    assert!(
        (fit.slope - 1.0).abs() < 1e-9 && (fit.intercept - 3.0).abs() < 1e-9,
        "{fit:?}"
    );
    assert_eq!(fit.batches, 20);
    // Beside the old one: one instruction less, and the same for each TLBI.
    let ratio = issue.points[4].baseline_ratio.unwrap();
    assert_eq!((ratio.noise_floor, ratio.finding), (Some(0.0), Finding::Faster));
    assert_eq!(ratio.ratio.unwrap().estimate, 19.0 / 20.0);
    let slopes = fit.baseline_ratio.unwrap();
    assert_eq!(slopes.finding, Finding::Indistinguishable);
    assert!((slopes.ratio.unwrap().estimate - 1.0).abs() < 1e-9);
    let old = sweep(&summary, "xen_head_old", Axis::Tlbis);
    assert!(old.points.iter().all(|point| point.baseline_ratio.is_none()));
    let again = sweep(&summary, "xen_head_old", Axis::Repeat).fit.unwrap();
    assert_eq!(
        (again.slope, again.intercept),
        (5.0, 0.0),
        "T(2n) - T(n) is the sequence alone"
    );
    let refills: Vec<_> = summary
        .refills
        .iter()
        .filter(|refill| refill.part != Part::Empty)
        .collect();
    assert_eq!(refills.len(), 3);
    for refill in refills {
        // Instructions do not know what a walk costs.
        assert_eq!((refill.pages, refill.warm, refill.refill), (64, 71.0, None));
        let unseen = |ratio: BaselineRatio| (ratio.finding, ratio.ratio) == (Finding::BelowResolution, None);
        assert!(refill.baseline_ratio.is_none_or(unseen));
    }
    assert!(
        summary.series.iter().all(|series| series.event == Event::Cycles),
        "scenarios are not series"
    );
    assert_eq!(summary.series.len(), 4);
}

fn a_sequence_without_a_tlbi_cannot_repeat_it() {
    let ran = complete(&[
        "--deterministic",
        "--no-checks",
        "--sequence",
        "barriers=dsb ish; isb",
        "--sweep",
        "tlbis=1,4",
        "--sweep",
        "repeat=1,2",
    ]);
    let values = exact(&ran);
    let has = |scenario: &str| values.contains_key(&("barriers".to_owned(), Event::Cycles, scenario.to_owned()));
    assert!(has("plain") && has("repeat_2") && !has("tlbis_4"));
}

/// Outside of `-icount` QEMU counts cycles only, and says so in PMCEID; what is not counted is never 0.
fn events_that_are_not_implemented_are_said_to_be() {
    for cpu in ["cortex-a72", "neoverse-n1", "max"] {
        let ran = complete(&["--no-checks", "--iterations", "200", "--events", "all", "--cpu", cpu]);
        let events = &ran.run.manifest.pes[0].events;
        assert_eq!(events.len(), Event::counted().count());
        assert_eq!(events[&Event::DtlbWalk], Support::NotImplemented, "{cpu}");
        assert_eq!(events[&Event::L1dTlbRefill], Support::NotImplemented, "{cpu}");
        let stored = ran.run.samples().unwrap().map(|row| row.unwrap().event);
        assert!(
            stored
                .into_iter()
                .all(|event| events.get(&event).is_none_or(|s| *s == Support::Counted))
        );
        let summary = summary(&ran);
        let absent = |event| summary.not_counted.iter().any(|absent| absent.event == event);
        assert!(absent(Event::DtlbWalk));
        // Newer models of QEMU list the stall events, and count nothing: that is no count of 0 either.
        assert!(absent(Event::StallBackend));
        assert!(summary.events.is_empty(), "{:?}", summary.events);
        assert!(
            summary.warnings.iter().any(|warning| warning.contains("dtlb_walk")),
            "{:?}",
            summary.warnings
        );
    }
}

fn other_pes(accelerator: &[&str], cpu: &str) {
    let ran = complete(
        &[
            &[
                "--no-checks",
                "--iterations",
                "120",
                "--batch",
                "20",
                "--cpu",
                cpu,
                "--sweep",
                "idle=0,1,3",
                "--sweep",
                "busy=1,3",
                "--sweep",
                "broadcast=1,3",
                "--timed-pes",
                "2",
            ],
            accelerator,
        ]
        .concat(),
    );
    let summary = summary(&ran);
    let points = |axis| {
        sweep(&summary, "xen_head_new", axis)
            .points
            .iter()
            .map(|point| point.x)
            .collect::<Vec<_>>()
    };
    for axis in [Axis::Idle, Axis::Busy, Axis::Broadcast] {
        assert_eq!(points(axis), [0, 1, 3], "{axis:?}");
    }
    let pes: Vec<_> = summary
        .series
        .iter()
        .map(|series| (series.pe, series.seq.as_str()))
        .collect();
    assert_eq!(pes.len(), 8, "{pes:?}");
    assert!(ran.run.manifest.pes[1].registers.contains_key("MIDR_EL1"));
    assert_eq!(summary.clocks.len(), 2);
    assert!(summary.clocks.iter().all(|clock| clock.frequencies.len() == 6));
}

fn other_pes_work_in_threads_of_their_own() {
    other_pes(&[], "cortex-a72");
}

fn other_pes_work_in_one_thread() {
    other_pes(&["--one-thread"], "neoverse-n1");
}

/// Checks follow a measurement that has turned PEs on and off.
fn checks_follow() {
    complete(&["--iterations", "100", "--sweep", "broadcast=0,1"]);
}

fn every_order_is_recorded_and_seeded() {
    for order in Order::ALL {
        let runs = [(); 2].map(|()| {
            complete(&[
                "--deterministic",
                "--no-checks",
                "--order",
                order.id(),
                "--warm-up",
                "3",
                "--iterations",
                "300",
            ])
        });
        let measure = &runs[0].run.manifest.plan.measure;
        assert_eq!(
            (measure.order, measure.warmup, measure.places),
            (order, 3, Places::Batch)
        );
        let [one, two] = [0, 1].map(|i: usize| std::fs::read_to_string(runs[i].file("console.log")).unwrap());
        assert!(
            one.contains(&format!("order,{},{},3,batch,", order.id(), order.block())),
            "{one}"
        );
        assert_eq!(one, two);
    }
}

fn a_log_is_read_with_or_without_its_plan() {
    let options = [
        "--no-checks",
        "--iterations",
        "200",
        "--sweep",
        "live=0,8",
        "--events",
        "inst_retired",
    ];
    let ran = complete(&options);
    let log = ran.file("console.log").display().to_string();
    // What `run_qemu` added.
    let stated = [&options[..], &["--batch", "500", "--trials", "50"]].concat();
    for plan in [&stated[..], &[]] {
        let again = run_qemu(&[&["--log", &log], plan].concat());
        assert_eq!(again.code, Some(0), "{}", again.stderr);
        let scenarios: Vec<_> = again.run.manifest.plan.measure.scenarios.iter().map(|s| s.id).collect();
        assert_eq!(scenarios, [Scenario::PLAIN, Scenario::PLAIN.with(Axis::Live, 8)]);
        assert_eq!(summary(&again).sweeps, summary(&ran).sweeps);
    }
}

fn too_few_pes_are_refused_before_anything_is_started() {
    let refused = |arguments: &[&str]| {
        let output = std::process::Command::new(assert_cmd::cargo::cargo_bin!("bench-host"))
            .arg("run")
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&["--sweep", "busy=0,3", "--smp", "2"]).contains("need 4 PEs"));
    assert!(refused(&["--sweep", "busy=0,1", "--deterministic"]).contains("--smp 1"));
    assert!(refused(&["--scenario", "live=5000"]).contains("from 0 to 1024"));
    assert!(refused(&["--events", "tlb"]).contains("no event `tlb`"));
}

/// What taking samples costs beside a bare loop over the same stubs, in instructions: how long either takes is for
/// `scripts/measure-pace.sh` to say. To choose, prepare, run, log and count one takes some seventy.
fn taking_samples_takes_few_instructions() {
    let ran = complete(&[
        "--deterministic",
        "--no-checks",
        "--overhead",
        "--iterations",
        "5000",
        "--batch",
        "500",
    ]);
    let rows: Vec<_> = ran.run.overhead().unwrap().unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 10);
    for row in rows {
        // Where every instruction takes a nanosecond, a tick of QEMU's 62.5 MHz timer is 16 of them.
        let (timed, bare) = (row.timed * 16 / row.samples, row.bare * 16 / row.samples);
        assert!((1..20).contains(&bare) && timed < bare + 75, "{timed} {bare}");
    }
}

fn main() -> ExitCode {
    let cases: [boot::Case; 11] = [
        ("instructions_are_counted_exactly", instructions_are_counted_exactly),
        ("sweeps_say_what_was_counted", sweeps_say_what_was_counted),
        (
            "a_sequence_without_a_tlbi_cannot_repeat_it",
            a_sequence_without_a_tlbi_cannot_repeat_it,
        ),
        (
            "events_that_are_not_implemented_are_said_to_be",
            events_that_are_not_implemented_are_said_to_be,
        ),
        (
            "other_pes_work_in_threads_of_their_own",
            other_pes_work_in_threads_of_their_own,
        ),
        ("other_pes_work_in_one_thread", other_pes_work_in_one_thread),
        ("checks_follow", checks_follow),
        ("every_order_is_recorded_and_seeded", every_order_is_recorded_and_seeded),
        (
            "a_log_is_read_with_or_without_its_plan",
            a_log_is_read_with_or_without_its_plan,
        ),
        (
            "too_few_pes_are_refused_before_anything_is_started",
            too_few_pes_are_refused_before_anything_is_started,
        ),
        (
            "taking_samples_takes_few_instructions",
            taking_samples_takes_few_instructions,
        ),
    ];
    boot::main(cases)
}
