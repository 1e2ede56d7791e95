// SPDX-License-Identifier: MIT OR Apache-2.0
//! Summaries made up by hand: one that has something in every part of a report.

use results::check::{Check, Outcomes};
use results::manifest::{Hex, Host, Kernel, Manifest, Pe, Plan, QEMU_LABEL, Qemu, Sequence, Status, Stream};
use results::plan::{Flow, RuntimeCase};
use results::record::Event;
use results::scenario::Axis;
use results::verdict::Class;

use report::model::{
    BaselineRatio, BootPhase, BreakEven, CheckResult, CheckRow, Clock, Comparison, EventCount, Fate, Finding, Interval,
    Judgement, LineFit, Mutant, Net, NotCounted, Part, Proof, Ratio, Refill, Series, Statistics, Summary, Sweep,
    SweepPoint, Way, WayPoint,
};

pub const OLD: &str = "dsb sy; isb; tlbi alle2; dsb sy; isb";
pub const NEW: &str = "dsb nshst; tlbi alle2; dsb nsh; isb";

pub fn manifest(machine: &str) -> Manifest {
    let sequence = |id: &str, text: &str| Sequence {
        id: id.to_owned(),
        text: text.to_owned(),
        words: "d5033f9f".to_owned(),
        timed: true,
        checked: true,
        checks: Vec::new(),
        baseline: id == "old",
        aa_of: id.strip_suffix("_aa").map(str::to_owned),
        skipped: None,
    };
    Manifest {
        schema: results::SCHEMA_VERSION,
        status: Status::Complete,
        reasons: Vec::new(),
        started: "2026-11-22T18:40:00Z".to_owned(),
        finished: Some("2026-11-22T18:40:09Z".to_owned()),
        machine: machine.to_owned(),
        simulator: true,
        label: QEMU_LABEL.to_owned(),
        reproduce: "bench-host run --cpu cortex-a72 --smp 1 --sequence old --sequence 'new=dsb nshst; tlbi alle2; dsb \
                    nsh; isb' --iterations 100000 --batch 2000"
            .to_owned(),
        host: Host {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cpu: "Example <CPU> & Co".to_owned(),
            cpus: 2,
            bench_host: "0.1.0".to_owned(),
            commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        },
        board: None,
        qemu: Some(Qemu {
            version: "7.2.22".to_owned(),
            arguments: vec!["qemu-system-aarch64".to_owned()],
            messages: Vec::new(),
        }),
        kernel: Kernel::default(),
        plan: Plan {
            crc: Hex(1),
            seed: Hex(42),
            iterations: 100_000,
            batch: 2000,
            trials: 1000,
            case: RuntimeCase::Level1,
            runtime: None,
            flow: Flow::New,
            boot_flush: "new".to_owned(),
            known_good: "old".to_owned(),
            checks: Check::ALL[..4].to_vec(),
            deterministic: false,
            measure: results::manifest::Measure::default(),
            sequences: vec![sequence("old", OLD), sequence("old_aa", OLD), sequence("new", NEW)],
        },
        stream: Stream::default(),
        pes: vec![Pe {
            pe: 0,
            event: Some(Event::Cycles),
            frequency: Some(62_500_000),
            ..Pe::default()
        }],
    }
}

pub fn interval(low: f64, high: f64) -> Interval {
    Interval { low, high }
}

/// A series whose samples lie around a center, with a course over 50 batches.
pub fn series(seq: &str, part: Part, pe: u32, center: u64) -> Series {
    let distribution: Vec<(u64, u64)> = (0..40)
        .map(|step| (center + step * center / 100, 1 + (40 - step) * (step + 1)))
        .collect();
    let samples = distribution.iter().map(|(_, count)| count).sum();
    let at = |share: u64| center + 40 * share / 100 * center / 100;
    let median = at(45) as f64;
    let net = if part == Part::Empty {
        Net::IsFrame
    } else {
        Net::Resolved(median - 40.0)
    };
    Series {
        text: if seq.starts_with("old") { OLD } else { NEW }.to_owned(),
        seq: seq.to_owned(),
        pe,
        event: Event::Cycles,
        stats: Some(Statistics {
            samples,
            min: center,
            p1: at(3),
            p10: at(15),
            median,
            p90: at(80),
            p99: at(95),
            p999: at(99),
            max: at(99),
            mean: median + 1.5,
            mad: 12.0,
            net,
            net_interval: (part != Part::Empty).then(|| interval(median - 60.0, median - 20.0)),
            drift: Some(-0.031),
            trimmed_mean: median + 0.5,
            deviation: Some(31.0),
            modes: None,
        }),
        part,
        short_batches: 0,
        distribution,
        batches: (0..50)
            .map(|batch| (batch, median * (1.02 - f64::from(batch) / 1500.0)))
            .collect(),
    }
}

pub fn comparison(seq: &str, pe: u32, estimate: f64, finding: Finding) -> Comparison {
    let ratio = |estimate: f64| Ratio {
        estimate,
        interval: interval(estimate - 0.02, estimate + 0.02),
        batches: 50,
    };
    Comparison {
        seq: seq.to_owned(),
        baseline: "old".to_owned(),
        is_twin: seq == "old_aa",
        pe,
        event: Event::Cycles,
        net: Some(ratio(estimate)),
        raw: Some(ratio(estimate * 0.99)),
        noise_floor: Some(0.021),
        finding,
        shift: None,
        tests: None,
        family: 1,
        correlation: None,
    }
}

fn check(id: &str, class: Class) -> CheckResult {
    let stale = Outcomes {
        stale: 1000,
        ..Outcomes::default()
    };
    let fault = Outcomes {
        fault: 1000,
        ..Outcomes::default()
    };
    let row = |seq: &str, class: Class| CheckRow {
        seq: seq.to_owned(),
        outcomes: if class == Class::Fail { stale } else { fault },
        class,
        reason: "because".to_owned(),
        stale_rate_bound: (class == Class::Pass).then_some(0.003),
    };
    CheckResult {
        id: id.to_owned(),
        title: "EL2 page: valid to invalid, then load".to_owned(),
        expected: "fault".to_owned(),
        bad_control: Some(if class == Class::NotObservable { fault } else { stale }),
        no_tlbi: Some(if class == Class::NotObservable { fault } else { stale }),
        good_control: Some(("old".to_owned(), fault)),
        rows: vec![
            row("old", if class == Class::Fail { Class::Pass } else { class }),
            row("new", class),
        ],
    }
}

/// A sequence beside `old`, with a noise floor of 1%.
fn baseline_ratio(seq: &str, ratio: f64) -> Option<BaselineRatio> {
    (seq != "old").then(|| BaselineRatio {
        ratio: Some(Ratio {
            estimate: ratio,
            interval: interval(ratio - 0.002, ratio + 0.002),
            batches: 20,
        }),
        noise_floor: Some(0.01),
        finding: match ratio {
            ..0.99 => Finding::Faster,
            1.01.. => Finding::Slower,
            _ => Finding::Indistinguishable,
        },
    })
}

fn sweep(seq: &str, axis: Axis, xs: &[u64], start: f64, each: f64) -> Sweep {
    Sweep {
        seq: seq.to_owned(),
        part: if seq == "old" { Part::Baseline } else { Part::Test },
        pe: 0,
        event: Event::Cycles,
        axis,
        base: "plain".to_owned(),
        points: xs
            .iter()
            .map(|&x| SweepPoint {
                x,
                scenario: format!("{}_{x}", axis.id()),
                median: 40.0 + start + each * x as f64,
                net: Net::Resolved(start + each * x as f64),
                net_interval: Some(interval(start + each * x as f64 - 9.0, start + each * x as f64 + 12.0)),
                baseline_ratio: baseline_ratio(seq, 0.9 + 0.02 * x.min(5) as f64),
                samples: 20_000,
            })
            .collect(),
        fit: axis.is_linear().then(|| LineFit {
            slope: each,
            slope_interval: interval(each * 0.98, each * 1.02),
            intercept: start,
            intercept_interval: interval(start - 5.0, start + 5.0),
            baseline_ratio: baseline_ratio(seq, 0.984),
            batches: 50,
        }),
    }
}

fn beside_flush(estimate: f64) -> BaselineRatio {
    BaselineRatio {
        ratio: Some(Ratio {
            estimate,
            interval: interval(estimate * 0.97, estimate * 1.03),
            batches: 20,
        }),
        noise_floor: Some(0.05),
        finding: match estimate {
            low if low < 0.92 => Finding::Faster,
            high if high > 1.08 => Finding::Slower,
            _ => Finding::Indistinguishable,
        },
    }
}

fn way(name: &str, cost: impl Fn(u64) -> f64) -> Way {
    let point = |shift: u32| {
        let pages = 1_u64 << shift;
        WayPoint {
            pages,
            net: Net::Resolved(cost(pages)),
            interval: Some(interval(cost(pages) * 0.95, cost(pages) * 1.06)),
            beside: (name != "full flush").then(|| beside_flush(cost(pages) / 4000.0)),
        }
    };
    Way {
        name: name.to_owned(),
        points: (0..10).map(point).collect(),
    }
}

fn mutants() -> Vec<Mutant> {
    let mutant = |kind: &str, edit: &str, fate: Fate| Mutant {
        kind: kind.to_owned(),
        check: "cowinvt_el2".to_owned(),
        sequence: format!("dsb nsh; tlbi vae2, {{va}} /* {edit} */"),
        edit: edit.to_owned(),
        judge: "insufficient".to_owned(),
        fate,
    };
    vec![
        mutant("drop", "drop tlbi", Fate::CaughtByRun),
        mutant("drop", "drop dsb", Fate::CaughtByJudge),
        mutant("wrong regime", "vae1", Fate::CaughtByRun),
        mutant("widen domain", "dsb sy", Fate::Equivalent),
        mutant("swap", "swap 1 and 2", Fate::Survived),
        mutant("swap", "swap 3 and 4", Fate::Disagreement),
    ]
}

/// A run with `pes` PEs and `more` sequences beside the old and the new one.
pub fn run(name: &str, machine: &str, pes: u32, more: u32) -> Summary {
    let (mut all, mut comparisons) = (Vec::new(), Vec::new());
    for pe in 0..pes {
        all.push(series("empty", Part::Empty, pe, 40));
        all.push(series("old", Part::Baseline, pe, 4200));
        all.push(series("old_aa", Part::Twin("old".to_owned()), pe, 4210));
        all.push(series("new", Part::Test, pe, 3900));
        comparisons.push(comparison("old_aa", pe, 1.002, Finding::Indistinguishable));
        comparisons.push(comparison("new", pe, 0.93, Finding::Faster));
        for number in 0..more {
            let seq = format!("variant_{number:02}");
            all.push(series(&seq, Part::Test, pe, 3800 + 90 * u64::from(number)));
            comparisons.push(comparison(
                &seq,
                pe,
                0.9 + f64::from(number) / 50.0,
                Finding::Indistinguishable,
            ));
        }
    }
    let phases = [
        ("build_tables", 3211),
        ("mmu_on", 118),
        ("jump", 9),
        ("remove_identity", 420),
        ("fixmap", 377),
    ];
    Summary {
        name: name.to_owned(),
        manifest: manifest(machine),
        reservations: Vec::new(),
        series: all,
        comparisons,
        boot: phases
            .map(|(phase, count)| BootPhase {
                pe: 0,
                phase: phase.to_owned(),
                event: Event::Cycles,
                count,
            })
            .into(),
        proofs: vec![Proof {
            name: "identity_faults".to_owned(),
            holds: true,
            detail: "translation fault level 1".to_owned(),
        }],
        checks: vec![
            check("cowinvt_el2", Class::Pass),
            check("bbm_oa_el2", Class::Fail),
            check("wprot_el2", Class::NotObservable),
            check("table_l2_el2", Class::Skipped),
        ],
        judgements: vec![Judgement {
            seq: "new".to_owned(),
            check: None,
            text: "sufficient".to_owned(),
        }],
        warnings: vec!["old: the batch median falls".to_owned()],
        sweeps: vec![
            sweep("old", Axis::Tlbis, &[1, 2, 4, 8, 16], 900.0, 31.0),
            sweep("new", Axis::Tlbis, &[1, 2, 4, 8, 16], 700.0, 30.5),
            sweep("old", Axis::Live, &[0, 16, 64, 256, 1024], 4000.0, 1.5),
            sweep("new", Axis::Live, &[0, 16, 64, 256, 1024], 3800.0, 1.4),
            sweep("new", Axis::Busy, &[0, 1, 2, 3], 3800.0, 250.0),
        ],
        refills: vec![Refill {
            seq: "new".to_owned(),
            part: Part::Test,
            pe: 0,
            event: Event::Cycles,
            pages: 64,
            flush: Net::Resolved(3800.0),
            refill: Some(1900.0),
            refill_interval: Some(interval(1800.0, 2000.0)),
            baseline_ratio: baseline_ratio("new", 1.05),
            warm: 260.0,
        }],
        events: vec![EventCount {
            seq: "new".to_owned(),
            part: Part::Test,
            scenario: "plain".to_owned(),
            pe: 0,
            event: Event::Cycles,
            samples: 20_000,
            mean: 0.125,
            median: 0.0,
            net_mean: Some(0.105),
        }],
        not_counted: vec![NotCounted {
            pe: 0,
            event: Event::TimerTicks,
            reason: "not implemented".to_owned(),
        }],
        clocks: vec![Clock {
            pe: 0,
            frequencies: (0..50)
                .map(|batch| (batch, 1.5e9 + 1e6 * f64::from(batch % 5)))
                .collect(),
            median: 1.502e9,
            spread: 0.0026,
        }],
        break_even: vec![
            BreakEven {
                scope: "local".to_owned(),
                pe: 0,
                event: Event::Cycles,
                ways: vec![
                    way("by VA", |pages| 100.0 + 60.0 * pages as f64),
                    way("by range", |pages| 300.0 + 5.0 * pages as f64),
                    way("full flush", |_| 3800.0),
                ],
                findings: vec!["by VA: cheaper up to 32 pages; the full flush wins from 64 on".to_owned()],
            },
            BreakEven {
                scope: "broadcast".to_owned(),
                pe: 0,
                event: Event::Cycles,
                ways: vec![
                    way("by VA", |pages| 200.0 + 80.0 * pages as f64),
                    way("full flush", |_| 5200.0),
                ],
                findings: vec!["by VA: cheaper up to 32 pages; the full flush wins from 64 on".to_owned()],
            },
        ],
        mutants: mutants(),
    }
}

/// The same on hardware.
pub fn on_hardware(name: &str, machine: &str) -> Summary {
    let mut run = run(name, machine, 1, 0);
    run.manifest.simulator = false;
    run.manifest.label = results::manifest::HARDWARE_LABEL.to_owned();
    run.manifest.qemu = None;
    run.comparisons[1].net.as_mut().unwrap().estimate = 0.71;
    run.comparisons[1].net.as_mut().unwrap().interval = interval(0.68, 0.74);
    run
}
