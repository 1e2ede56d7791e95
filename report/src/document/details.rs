// SPDX-License-Identifier: MIT OR Apache-2.0
//! The statistics beside the medians: spread of every sequence, shift of every comparison, and the tests.

use crate::model::{Modes, Summary};
use crate::number::{count, p_value, percent, signed};
use crate::table::{Cell, Table, Tone};

/// Returns what is known of the spread of every series.
pub fn spread(summary: &Summary) -> Table {
    let columns = [
        "sequence", ">min", ">mean", ">trimmed", ">sd", ">MAD", ">max", ">drift", ">modes",
    ];
    let mut table = Table::new(
        "Spread of the samples, raw; trimmed: mean without a tenth at each end; sd: standard deviation",
        &columns,
    )
    .labelled(summary.label());
    for series in &summary.series {
        let Some(s) = series.stats else { continue };
        let drift = s.drift.map_or_else(
            || "-".to_owned(),
            |drift| match drift {
                0.0 => "0%".to_owned(),
                drift if drift > 0.0 => format!("+{}", percent(drift)),
                drift => percent(drift),
            },
        );
        table.row([
            summary.naming().of(series).into(),
            count(s.min as f64).into(),
            count(s.mean).into(),
            count(s.trimmed_mean).into(),
            s.deviation.map_or_else(|| "-".to_owned(), count).into(),
            count(s.mad).into(),
            count(s.max as f64).into(),
            drift.into(),
            s.modes.as_ref().map_or_else(|| Cell::from("1"), two),
        ]);
    }
    table
}

fn two(modes: &Modes) -> Cell {
    Cell::toned(
        format!("{}, {}", count(modes.low as f64), count(modes.high as f64)),
        Tone::Care,
    )
}

/// Returns the shifts from the baseline and the tests of no difference.
pub fn shifts(summary: &Summary) -> Table {
    let columns = ["sequence", ">shift", ">sample", ">above", ">p", ">p (U)"];
    let family = summary.comparisons.first().map_or(0, |comparison| comparison.family);
    let family = match family {
        0 | 1 => String::new(),
        n => format!(", corrected for {n} comparisons (Holm)"),
    };
    let caption = format!(
        "Shift from the baseline in counts, by batch with 95% interval and by sample; share of samples above; p-values of no \
         difference, signed rank and Mann-Whitney (U){family}"
    );
    let mut table = Table::new(caption, &columns).labelled(summary.label());
    for c in &summary.comparisons {
        let dash = || "-".to_owned();
        let by_batch = c.shift.map_or_else(dash, |shift| {
            let (low, high) = (signed(shift.interval.low), signed(shift.interval.high));
            format!("{} [{low}, {high}]", signed(shift.batches))
        });
        table.row([
            summary.naming().of_comparison(c).into(),
            by_batch.into(),
            c.shift.map_or_else(dash, |shift| signed(shift.samples)).into(),
            c.shift.map_or_else(dash, |shift| percent(shift.superiority)).into(),
            c.tests.map_or_else(dash, |tests| p_value(tests.signed_rank)).into(),
            c.tests.map_or_else(dash, |tests| p_value(tests.mann_whitney)).into(),
        ]);
    }
    table
}
