// SPDX-License-Identifier: MIT OR Apache-2.0
//! Layout of plots with one row per thing: its name and number as text, and its bar; on a wide panel beside each other, on
//! a narrow one below each other. No name is ever cut, overlaps another, or lies on a bar.

use plotters::element::Text;

use super::canvas::{AXIS, Area, Drawn, LINE, TEXT, Width, style, text};
use super::theme::Paint;

/// Characters of a line across a narrow panel, at the size it is written in.
const NARROW: usize = 46;
/// The same across a wide one.
const WIDE: usize = 80;
/// Characters of a line in the column of names.
const COLUMN: usize = 26;
/// Pixels of that column.
const LEFT: u32 = 214;

/// Rows of one plot, below each other.
pub struct Rows {
    width: Width,
    rows: Vec<Lines>,
    height: u32,
    /// Height of the bar of a row, with the room around it.
    bar: u32,
}

struct Lines {
    top: u32,
    /// The lines, and what each is written in.
    lines: Vec<(String, Paint)>,
    /// Where its bar is: the top, from the top of the row; none for mere words.
    bar: Option<u32>,
}

impl Rows {
    /// Starts a plot whose bars take so many pixels.
    pub fn new(width: Width, bar: u32) -> Self {
        Self {
            width,
            rows: Vec::new(),
            height: 0,
            bar,
        }
    }

    /// Adds a row with its number, and returns its index. A number that does not fit beside its name goes below it.
    pub fn add(&mut self, name: &str, number: &str) -> usize {
        match self.width {
            Width::Wide => {
                let mut lines = inked(name, COLUMN, Paint::Ink);
                if !number.is_empty() {
                    lines.extend(inked(number, COLUMN + 2, Paint::Muted));
                }
                let text = LINE * lines.len() as u32;
                let height = (text + 8).max(self.bar + 6);
                self.push(lines, Some((height - self.bar) / 2), height)
            }
            Width::Narrow => {
                let line = format!("{name}: {number}");
                let lines = match line.chars().count() <= NARROW {
                    true => vec![(line, Paint::Ink)],
                    false => {
                        let mut lines = inked(name, NARROW, Paint::Ink);
                        lines.extend(inked(number, NARROW, Paint::Ink));
                        lines
                    }
                };
                let text = LINE * lines.len() as u32;
                self.push(lines, Some(text + 5), text + self.bar + 3)
            }
        }
    }

    /// Adds a row that has a name only, and returns its index.
    pub fn name(&mut self, name: &str) -> usize {
        match self.width {
            Width::Wide => self.add(name, ""),
            Width::Narrow => {
                let lines = inked(name, NARROW, Paint::Ink);
                let text = LINE * lines.len() as u32;
                self.push(lines, Some(text + 5), text + self.bar + 3)
            }
        }
    }

    /// Adds words without a bar, such as the name of the rows to come.
    pub fn heading(&mut self, words: &str) {
        let characters = match self.width {
            Width::Wide => WIDE,
            Width::Narrow => NARROW,
        };
        let lines = inked(words, characters, Paint::Muted);
        let height = LINE * lines.len() as u32 + 4;
        self.push(lines, None, height);
    }

    fn push(&mut self, lines: Vec<(String, Paint)>, bar: Option<u32>, height: u32) -> usize {
        self.rows.push(Lines {
            top: self.height,
            lines,
            bar,
        });
        self.height += height;
        self.rows.len() - 1
    }

    /// Returns the pixels that names take at the left of the chart.
    pub fn left(&self) -> u32 {
        match self.width {
            Width::Wide => LEFT,
            Width::Narrow => 0,
        }
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
        debug_assert!(row.bar.is_some(), "row {index} is a heading");
        let top = row.top + row.bar.unwrap_or(0);
        (f64::from(top), f64::from(top + self.bar - 9))
    }

    /// Writes the text of every row onto the area that the chart is on.
    pub fn write(&self, area: &Area<'_>) -> Drawn<()> {
        let x = match self.width {
            Width::Wide => 6,
            Width::Narrow => 14,
        };
        for row in &self.rows {
            // In the middle beside a bar, and above one.
            let lead = match (self.width, row.bar) {
                (Width::Wide, Some(top)) => {
                    let middle = top + self.bar / 2;
                    middle.saturating_sub(LINE * row.lines.len() as u32 / 2 + 2)
                }
                _ => 0,
            };
            for (line, (words, paint)) in (0..).zip(&row.lines) {
                let y = 4 + row.top + lead + line * LINE + 3;
                let words = Text::new(words.clone(), (x, y as i32), style(TEXT, *paint));
                area.draw(&words).map_err(text)?;
            }
        }
        Ok(())
    }
}

fn inked(words: &str, characters: usize, paint: Paint) -> Vec<(String, Paint)> {
    let lines = textwrap::wrap(words, characters);
    lines.iter().map(|line| (line.to_string(), paint)).collect()
}
