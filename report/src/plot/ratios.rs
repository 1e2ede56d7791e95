// SPDX-License-Identifier: MIT OR Apache-2.0
//! The panels of ratios to a baseline.

use super::figure::{Body, Panel};
use super::forest::{Forest, Row};

/// Puts ratios on one axis, in as many panels as it takes for none to be longer than a screen. There is none without
/// ratios.
pub fn panels(title: &str, label: &str, words: &str, rows: &[Row]) -> Vec<Panel> {
    let forests = Forest::parts(words, rows).into_iter().enumerate();
    let panel = |(index, forest): (usize, Forest)| Panel {
        suffix: if index == 0 {
            String::new()
        } else {
            (index + 1).to_string()
        },
        title: title.to_owned(),
        label: label.to_owned(),
        legend: Vec::new(),
        body: Body::Forest(forest),
    };
    forests.map(panel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Ratio};

    #[test]
    fn panels_after_the_first_have_a_suffix() {
        let interval = Interval { low: 0.9, high: 1.1 };
        let row = Row {
            group: String::new(),
            name: "m".to_owned(),
            ratio: Ratio {
                estimate: 1.0,
                interval,
                batches: 10,
            },
            floor: None,
            is_twin: false,
            hue: 1,
        };
        let panels = panels("t", "l", "w", &vec![row; 20]);
        let suffixes: Vec<&str> = panels.iter().map(|panel| panel.suffix.as_str()).collect();
        assert_eq!(suffixes, ["", "2"]);
    }
}
