// SPDX-License-Identifier: MIT OR Apache-2.0
//! What taking samples costs, in a run that was asked to time that.

use results::store::{Run, StoreError};

use stats::bootstrap::median_of_sorted;

/// Returns what a run says about it, in two sentences, or `None` if it was not asked.
pub fn describe(run: &Run) -> Result<Option<String>, StoreError> {
    let Some(rows) = run.overhead()? else { return Ok(None) };
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let samples: u64 = rows.iter().map(|row| row.samples).sum();
    let ratio = |beside: fn(&results::store::OverheadRow) -> u64| {
        let ratios = rows.iter().filter(|row| beside(row) > 0);
        let mut ratios: Vec<f64> = ratios.map(|row| row.timed as f64 / beside(row) as f64).collect();
        ratios.sort_by(f64::total_cmp);
        median_of_sorted(&ratios)
    };
    let Some((bare, words)) = ratio(|row| row.bare).zip(ratio(|row| row.words)) else {
        return Ok(None);
    };
    Ok(Some(format!(
        "Taking {samples} samples, each counted and kept: {bare:.3} times a bare loop over the same frames (median of {} \
         batches, side by side in one boot).\nBeside a loop over the sequences alone, without the two reads of the \
         counter and their ISBs: {words:.3} times.\n",
        rows.len()
    )))
}
