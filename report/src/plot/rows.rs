// SPDX-License-Identifier: MIT OR Apache-2.0
//! Layout of plots with one row per thing: its name and number as text, and below that its bar. No name is ever cut or
//! overlaps another.

use plotters::element::Text;

use super::canvas::{AXIS, Chart, Drawn, LINE, style, text};
use super::theme::Paint;

/// Characters of a line of text: a panel's width at the size it is written in.
const CHARACTERS: usize = 50;

/// Rows of one plot, below each other.
pub struct Rows {
    rows: Vec<Lines>,
    height: u32,
    /// Height of the bar of a row, with the room around it.
    bar: u32,
}

struct Lines {
    top: u32,
    lines: Vec<String>,
    /// Whether there is a bar below.
    bar: bool,
}

impl Rows {
    /// Starts a plot whose bars take so many pixels.
    pub fn new(bar: u32) -> Self {
        Self {
            rows: Vec::new(),
            height: 0,
            bar,
        }
    }

    /// Adds a row with its number, and returns its index. A number that does not fit beside its name goes below it.
    pub fn add(&mut self, name: &str, number: &str) -> usize {
        let line = format!("{name}: {number}");
        let lines = match line.chars().count() <= CHARACTERS {
            true => vec![line],
            false => {
                let mut lines = wrapped(name);
                lines.extend(wrapped(number));
                lines
            }
        };
        self.push(lines, true)
    }

    /// Adds words without a bar, such as the name of the rows to come.
    pub fn heading(&mut self, words: &str) {
        self.push(wrapped(words), false);
    }

    fn push(&mut self, lines: Vec<String>, bar: bool) -> usize {
        let height = LINE * lines.len() as u32 + if bar { self.bar } else { 4 };
        self.rows.push(Lines {
            top: self.height,
            lines,
            bar,
        });
        self.height += height;
        self.rows.len() - 1
    }

    /// Returns the height of all rows, in pixels: the span of the vertical axis.
    pub fn height(&self) -> u32 {
        self.height.max(1)
    }

    /// Returns the height of the plot, its axis included.
    pub fn outer_height(&self) -> u32 {
        self.height() + AXIS
    }

    /// Returns the top and the bottom of a row with all that is in it.
    pub fn extent(&self, index: usize) -> (f64, f64) {
        let next = self.rows.get(index + 1).map_or(self.height, |row| row.top);
        (self.rows[index].top.into(), next.into())
    }

    /// Returns the top and the bottom of the bar of a row.
    pub fn bar(&self, index: usize) -> (f64, f64) {
        let row = &self.rows[index];
        debug_assert!(row.bar, "row {index} is a heading");
        let top = row.top + LINE * row.lines.len() as u32 + 2;
        (f64::from(top), f64::from(top + self.bar - 9))
    }

    /// Writes the text of every row, from `x` on.
    pub fn write(&self, chart: &mut Chart<'_, '_>, x: f64) -> Drawn<()> {
        for row in &self.rows {
            for (line, words) in (0..).zip(&row.lines) {
                let paint = if row.bar { Paint::Ink } else { Paint::Muted };
                let at = (x, f64::from(row.top + line * LINE + 3));
                let words = Text::new(words.clone(), at, style(14, paint));
                chart.draw_series([words]).map_err(text)?;
            }
        }
        Ok(())
    }
}

fn wrapped(words: &str) -> Vec<String> {
    let lines = textwrap::wrap(words, CHARACTERS);
    lines.iter().map(|line| line.to_string()).collect()
}
