// SPDX-License-Identifier: MIT OR Apache-2.0
//! Warnings about the clock, the events and the conditions.

use report::model::Summary;
use report::number::percent;

/// A clock whose frequency differs by more than this between batches is not stable.
const UNSTABLE: f64 = 0.01;

/// Warns about a cycle counter that does not keep step with the generic timer.
pub fn unstable_clocks(summary: &Summary) -> Vec<String> {
    let unstable = summary.clocks.iter().filter(|clock| clock.spread > UNSTABLE);
    unstable
        .map(|clock| {
            format!(
                "the clock of PE {} is not stable: its frequency, held against the generic timer, differs by {} between \
                 batches; counts of cycles still compare, times do not",
                clock.pe,
                percent(clock.spread)
            )
        })
        .collect()
}

/// Names the events that were asked for and not counted.
pub fn not_counted(summary: &Summary) -> Vec<String> {
    let mut reasons: Vec<(&str, u32, Vec<&str>)> = Vec::new();
    for absent in &summary.not_counted {
        let same = reasons
            .iter_mut()
            .find(|(reason, pe, _)| *reason == absent.reason && *pe == absent.pe);
        match same {
            Some((_, _, events)) => events.push(absent.event.id()),
            None => reasons.push((&absent.reason, absent.pe, vec![absent.event.id()])),
        }
    }
    let said = reasons.into_iter().map(|(reason, pe, events)| {
        let simulator = if summary.manifest.simulator {
            "; a simulator models neither TLBs nor pipelines that could be counted"
        } else {
            ""
        };
        format!("not counted on PE {pe}: {}: {reason}{simulator}", events.join(", "))
    });
    said.collect()
}

/// Names the scenarios that the machine could not have.
pub fn missing_scenarios(summary: &Summary) -> Vec<String> {
    let scenarios = &summary.manifest.plan.measure.scenarios;
    let missing = scenarios.iter().filter_map(|scenario| {
        let reason = scenario.skipped.as_ref()?;
        Some(format!("{}: not measured, {reason}", scenario.id))
    });
    missing.collect()
}
