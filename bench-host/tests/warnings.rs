// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run says of itself before anybody believes a number.

use bench_host::aggregate::{aggregate, warnings};
use report::model::{Clock, Finding, Interval, Modes, Part, Ratio, Summary};
use report::terminal;
use results::order::Places;
use results::verdict::Class;

#[path = "support/synthetic.rs"]
mod synthetic;

use synthetic::Synthetic;

/// Returns a quiet run: nothing to warn of.
fn quiet() -> Summary {
    summary(Synthetic {
        deterministic: false,
        iterations: 12_000,
        batch: 500,
        hardware: true,
        more: 3,
        ..Synthetic::default()
    })
}

fn summary(run: Synthetic) -> Summary {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    run.write(&path);
    let mut summary = aggregate(&path).unwrap();
    // The machine of the synthetic run gets busy on purpose; what follows sets what is to be warned of.
    for series in &mut summary.series {
        series.stats.as_mut().unwrap().drift = Some(0.0);
        series.stats.as_mut().unwrap().modes = None;
    }
    for comparison in &mut summary.comparisons {
        comparison.correlation = Some(0.0);
    }
    summary
}

/// Returns the only warning.
fn only(summary: &Summary) -> String {
    let mut all = warnings::of(summary);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_quiet_run_has_no_warning() {
    assert_eq!(warnings::of(&quiet()), [""; 0]);
}

#[test]
fn too_few_samples() {
    let few = summary(Synthetic {
        iterations: 3500,
        batch: 500,
        hardware: true,
        deterministic: false,
        more: 3,
        ..Synthetic::default()
    });
    let new = few.comparisons.iter().find(|c| !c.is_twin).unwrap();
    // Seven batches would do for two comparisons, not for four.
    assert_eq!(new.finding, Finding::TooFewSamples { have: 7, need: 8 });
    assert_eq!(
        only(&few),
        "too few samples: 7 batches are paired where 8 are needed for 4 comparisons; raise --iterations or lower --batch"
    );
    let text = terminal::render(&few, terminal::WIDTH);
    assert!(text.contains("Note: too few samples"), "{text}");
}

#[test]
fn one_place_for_the_whole_run() {
    let mut summary = quiet();
    summary.manifest.plan.measure.places = Places::Run;
    assert_eq!(
        only(&summary),
        "each sequence stood at one place in memory for the whole run, so a small difference may be that of places, which \
         the noise floor need not show"
    );
}

#[test]
fn an_unstable_clock() {
    let mut summary = quiet();
    let clock = |pe, low: f64, high: f64| Clock {
        pe,
        frequencies: vec![(0, low), (1, high), (2, high)],
        median: high,
        spread: (high - low) / high,
    };
    summary.clocks = vec![clock(0, 1.99e9, 2.0e9)];
    assert_eq!(
        warnings::of(&summary),
        [""; 0],
        "half a percent is no change of frequency"
    );
    summary.clocks = vec![clock(0, 1.5e9, 2.0e9)];
    assert_eq!(
        only(&summary),
        "unstable clock: the cycle counter ran at 1,500 to 2,000 MHz against the generic timer, so a cycle is not the \
         same time throughout the run; ratios are of cycles"
    );
    summary.clocks.push(clock(1, 2.0e9, 2.0e9));
    assert!(only(&summary).contains("cycle counter of PE 0 ran"));
}

#[test]
fn drift_of_some_and_of_all() {
    let mut some = quiet();
    some.series[2].stats.as_mut().unwrap().drift = Some(-0.08);
    assert_eq!(
        only(&some),
        "the batch median moves from the first to the last third of the run: xen_head_old_aa falls by 8.0%"
    );
    for (index, series) in some
        .series
        .iter_mut()
        .enumerate()
        .filter(|(_, s)| s.part != Part::Empty)
    {
        series.stats.as_mut().unwrap().drift = Some(0.06 + index as f64 / 100.0);
    }
    let all = only(&some);
    assert!(
        all.starts_with("unstable clock or busy machine: all sequences rise together, by 7.0% to 12.0%,"),
        "{all}"
    );
}

#[test]
fn a_noise_floor_above_the_effect() {
    let mut summary = quiet();
    let new = summary.comparisons.iter_mut().find(|c| !c.is_twin).unwrap();
    new.finding = Finding::WithinNoise;
    new.noise_floor = Some(0.012);
    new.net = Some(Ratio {
        estimate: 1.008,
        interval: Interval {
            low: 1.004,
            high: 1.011,
        },
        batches: 24,
    });
    assert_eq!(
        only(&summary),
        "noise floor above the effect, so no difference is claimed: xen_head_new (0.80% of 1.2%)"
    );
    let text = terminal::render(&summary, terminal::WIDTH).replace('\n', " ");
    assert!(
        text.contains("indistinguishable, an effect of 0.80% is within the noise floor"),
        "{text}"
    );
    assert!(
        !text.contains("  within the noise floor"),
        "one word in every form: {text}"
    );
}

#[test]
fn two_modes() {
    let mut summary = quiet();
    let modes = Modes {
        low: 4200,
        high: 6300,
        upper_share: 0.25,
        upper_batches: 0.0,
    };
    summary.series[1].stats.as_mut().unwrap().modes = Some(modes);
    assert_eq!(
        only(&summary),
        "two modes, of which one median describes neither: xen_head_old 4,200 and, in 25.0% of the samples, 6,300 \
         (within batches)"
    );
    for series in &mut summary.series {
        series.stats.as_mut().unwrap().modes = Some(Modes {
            upper_batches: 0.25,
            ..modes
        });
    }
    let all = only(&summary);
    assert!(all.contains("(whole batches)") && all.ends_with("and 4 more"), "{all}");
}

#[test]
fn batches_that_follow_each_other() {
    let mut summary = quiet();
    summary.comparisons[1].correlation = Some(0.8);
    assert_eq!(
        only(&summary),
        "consecutive batches are not independent, so the interval is too narrow: xen_head_new (by about 3.0)"
    );
}

#[test]
fn modes_are_found_in_samples_and_not_in_what_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = Synthetic {
        deterministic: false,
        iterations: 12_000,
        batch: 500,
        ..Synthetic::default()
    };
    run.write(&path);
    let modes = |summary: &Summary| {
        summary
            .series
            .iter()
            .filter(|s| s.stats.unwrap().modes.is_some())
            .count()
    };
    assert_eq!(modes(&aggregate(&path).unwrap()), 0);
    // Every third batch of the new sequence goes another way, which takes a third more.
    let samples = path.join("samples.csv");
    let text = std::fs::read_to_string(&samples).unwrap();
    let slower = |line: &str| -> String {
        let fields: Vec<&str> = line.split(',').collect();
        match (fields[0], fields[3].parse::<u32>(), fields[4].parse::<u64>()) {
            ("xen_head_new", Ok(batch), Ok(value)) if batch % 3 == 0 => {
                let value = value * 4 / 3 + 1000;
                format!("{},{value},{}", fields[..4].join(","), fields[5..].join(","))
            }
            _ => line.to_owned(),
        }
    };
    let lines: Vec<String> = text.lines().map(slower).collect();
    std::fs::write(&samples, lines.join("\n") + "\n").unwrap();
    let summary = aggregate(&path).unwrap();
    assert_eq!(modes(&summary), 1);
    let found = summary.series[3].stats.unwrap().modes.unwrap();
    assert!((found.upper_share - 1.0 / 3.0).abs() < 0.05, "{found:?}");
    assert!((found.upper_batches - 1.0 / 3.0).abs() < 0.05, "{found:?}");
    let warnings = summary.warnings.join("\n");
    assert!(
        warnings.contains("two modes") && warnings.contains("(whole batches)"),
        "{warnings}"
    );
}

#[test]
fn a_bug_of_the_machine_that_explains_failures_is_named() {
    let mut summary = summary(Synthetic {
        deterministic: true,
        ..Synthetic::default()
    });
    summary.manifest.qemu.as_mut().unwrap().version = "7.2.22".to_owned();
    let seq = summary.checks[0].rows[0].seq.clone();
    let planned = summary.manifest.plan.sequences.iter_mut().find(|s| s.id == seq);
    planned.unwrap().text = "dsb ishst; tlbi vae2is, {va}; dsb ish; isb".to_owned();
    summary.checks.truncate(2);
    for (result, id) in summary.checks.iter_mut().zip(["cowinvt_el2h", "cowinvt_el2"]) {
        result.id = id.to_owned();
        result.rows.truncate(1);
        result.rows[0].seq.clone_from(&seq);
        result.rows[0].class = Class::Fail;
    }
    let named = |summary: &Summary| {
        let all = warnings::of(summary);
        all.into_iter().find(|warning| warning.starts_with("known bug"))
    };
    let warning = named(&summary).unwrap();
    assert!(
        warning.contains("QEMU before 8.2") && warning.ends_with("explains 1 of the 2 failures"),
        "{warning}"
    );
    summary.checks.truncate(1);
    assert!(named(&summary).unwrap().ends_with("explains the only failure"));
    summary.manifest.qemu.as_mut().unwrap().version = "8.2.0".to_owned();
    assert_eq!(named(&summary), None);
}
