// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several boots in one: every sequence beside the baseline, paired by boot.
//!
//! Within one boot the kernel, its stubs and its tables stand where they stand, and the interval of a ratio does not know
//! what another place would have done. Over boots it does.

use crate::compare::compare;
use crate::compare::output;
use crate::compare::select::{Selected, Selection};
use crate::error::Error;
use crate::session::console::Boot;

/// Columns of the text.
const WIDTH: usize = 100;

/// Compares the timed sequences of the boots with the first of them, over the boots.
pub fn sum_up(boots: &[&Boot]) -> Result<String, Error> {
    let whole: Vec<&&Boot> = boots
        .iter()
        .filter(|boot| boot.finished.received.manifest.is_complete())
        .collect();
    let Some(first) = whole.first() else {
        return Ok(format!(
            "{} boots, none of them complete: there is nothing to sum up\n",
            boots.len()
        ));
    };
    let mut text = format!("{} boots, {} complete\n", boots.len(), whole.len());
    let plan = &first.finished.received.manifest.plan;
    let timed = plan
        .sequences
        .iter()
        .filter(|sequence| sequence.timed && sequence.aa_of.is_none() && sequence.skipped.is_none());
    let sides: Vec<Selection> = timed
        .map(|sequence| Selection {
            label: sequence.id.clone(),
            folders: whole.iter().map(|boot| boot.folder.clone()).collect(),
            is_collection: true,
            seq: Some(sequence.id.clone()),
        })
        .collect();
    if sides.len() > 1 && whole.len() > 1 {
        let selected = Selected {
            sides,
            only: Vec::new(),
            notes: Vec::new(),
        };
        text.push_str(&output::text(&compare(selected, 0)?, None, WIDTH));
    }
    Ok(text)
}
