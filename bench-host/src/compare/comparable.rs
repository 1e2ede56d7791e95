// SPDX-License-Identifier: MIT OR Apache-2.0
//! What keeps two runs from being compared, and what a reader must know when they are.

use std::collections::BTreeSet;

use report::number::{grouped, plural};
use results::manifest::{EL1_CAVEAT, HARDWARE_LABEL, Manifest};
use results::order::Places;

use super::load::{Loaded, RunData};

/// Returns why the numbers of two runs have nothing to do with each other, or `None`.
pub fn obstacle(a: &Manifest, b: &Manifest) -> Option<String> {
    if a.label != b.label {
        return Some(format!("not comparable: \"{}\" beside \"{}\"", a.label, b.label));
    }
    if a.plan.deterministic != b.plan.deterministic {
        return Some("not comparable: one run counts instructions (--deterministic), the other time".to_owned());
    }
    None
}

/// Returns whether two runs were made on the same kind of machine: same PEs, same emulator or none.
pub fn is_same_machine(a: &Manifest, b: &Manifest) -> bool {
    let processor = |m: &Manifest| {
        let midr = |pe: &results::manifest::Pe| pe.registers.get("MIDR_EL1").map(|value| value.0);
        m.pes.iter().filter_map(midr).collect::<Vec<_>>()
    };
    let (of_a, of_b) = (processor(a), processor(b));
    // The name of a run made from a log is that of the log, so the registers count where they are known.
    let named = of_a.is_empty() || of_b.is_empty();
    a.label == b.label && if named { a.machine == b.machine } else { of_a == of_b }
}

/// Returns whether one sequence has other instructions in one run than in the other.
pub fn is_other_sequence(seq: &str, a: &Manifest, b: &Manifest) -> bool {
    match (a.sequence(seq), b.sequence(seq)) {
        (Some(a), Some(b)) => a.words != b.words,
        _ => false,
    }
}

/// Returns what is to be said beside the numbers, one sentence each.
pub fn notes(loaded: &Loaded, baseline: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let mut say = |note: String| {
        if !notes.contains(&note) {
            notes.push(note);
        }
    };
    let first = loaded.runs_of(baseline).next();
    match first.map(|run| &run.manifest) {
        Some(m) if m.simulator => {
            say("counts of a simulator say nothing about how long a sequence takes on hardware".to_owned());
        }
        Some(m) if m.origin() == HARDWARE_LABEL && m.entered_at_el1() => {}
        Some(m) if m.label != HARDWARE_LABEL => {
            say("where these counts come from was not stated, so they are no evidence of timing".to_owned());
        }
        _ => {}
    }
    if first.is_some_and(|run| run.manifest.entered_at_el1()) {
        say(EL1_CAVEAT.to_owned());
    }
    let one_place =
        |run: &&RunData| run.manifest.plan.measure.places == Places::Run && !run.manifest.plan.deterministic;
    match loaded.runs.iter().filter(one_place).count() as u64 {
        0 => {}
        n => say(format!(
            "in {} each sequence stood at one place in memory for the whole run, so a small difference may be that of places",
            plural(n, "run", "runs")
        )),
    }
    for other in (0..loaded.sides.len()).filter(|&side| side != baseline) {
        let (a, b) = (&loaded.sides[baseline], &loaded.sides[other]);
        if a.runs != b.runs && a.runs.len() == 1 && b.runs.len() == 1 {
            say(format!(
                "one run on each side ({} and {}): run-to-run noise is not estimated, the interval is of noise within \
                 these runs; several runs a side (a folder of runs) tell",
                a.label, b.label
            ));
        }
        let all = || loaded.runs_of(baseline).chain(loaded.runs_of(other));
        for difference in differences(all()) {
            say(format!("{} and {} differ in {difference}", a.label, b.label));
        }
    }
    notes
}

/// Returns in what the runs differ, apart from their results.
fn differences<'a>(runs: impl Iterator<Item = &'a RunData> + Clone) -> Vec<String> {
    let manifests = runs.map(|run| &run.manifest);
    let every = |of: &dyn Fn(&Manifest) -> String| -> BTreeSet<String> { manifests.clone().map(of).collect() };
    let mut found = Vec::new();
    let mut differ = |what: &str, of: &dyn Fn(&Manifest) -> String| {
        let all = every(of);
        if all.len() > 1 {
            let shown: Vec<String> = all
                .into_iter()
                .map(|v| if v.is_empty() { "?".to_owned() } else { v })
                .collect();
            found.push(format!("{what}: {}", shown.join(", ")));
        }
    };
    let mut pairs = manifests.clone().zip(manifests.clone().skip(1));
    if pairs.any(|(a, b)| !is_same_machine(a, b)) {
        differ(
            "machine (a ratio between machines is no effect of the sequence)",
            &|m| {
                let midr = m.pes.first().and_then(|pe| pe.registers.get("MIDR_EL1"));
                format!(
                    "{} (MIDR {})",
                    m.machine,
                    midr.map_or_else(|| "unknown".to_owned(), ToString::to_string)
                )
            },
        );
    }
    differ("number of PEs", &|m| m.pes.len().to_string());
    differ("kernel", &|m| m.kernel.sha256.chars().take(12).collect());
    differ("QEMU", &|m| {
        m.qemu.as_ref().map_or_else(String::new, |qemu| qemu.version.clone())
    });
    differ("samples planned", &|m| grouped(m.plan.iterations.into()));
    differ("samples a batch", &|m| grouped(m.plan.batch.into()));
    differ("order of samples", &|m| {
        let measure = &m.plan.measure;
        format!("{}, {} rounds of warm-up", measure.order.id(), measure.warmup)
    });
    differ("boot path", &|m| {
        let case = m.kernel.case.as_deref().unwrap_or(m.plan.case.id());
        format!("{} at {case}", m.kernel.flow.as_deref().unwrap_or(m.plan.flow.id()))
    });
    // What a simulator counts goes by its host's clock.
    if manifests.clone().all(|m| m.simulator && !m.plan.deterministic) {
        differ("host, by whose clock a simulator counts", &|m| m.host.cpu.clone());
    }
    found
}
