// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shares in cells, rows by columns: how many mistakes of a kind each machine shows. A cell is filled from its left as far
//! as its share goes, and has its numbers in it, so that it reads the same in grey.

use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::Color;

use super::canvas::{Heading, LINE, Spot, Width, draw, style, text};
use super::rows::Rows;
use super::theme::Paint;
use crate::number::{grouped, percent};

/// Height of a row of cells, with the room around it.
const BAR: u32 = 33;
/// Size of the numbers in the cells.
const SIZE: u32 = 14;

/// Shares in cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Names of the rows, and for every column how many of how many; `None` where there are none.
    pub rows: Vec<(String, Vec<Option<Share>>)>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub part: u64,
    /// Of how many, at least one.
    pub all: u64,
}

impl Grid {
    pub(super) fn svg(&self, heading: Heading<'_>) -> String {
        let mut layout = Rows::new(heading.width, BAR);
        let several = self.columns.len() > 1;
        let letters: Vec<String> = (0..self.columns.len() as u32)
            .map(|index| char::from_u32('A' as u32 + index % 26).unwrap_or('?').to_string())
            .collect();
        for (letter, name) in letters.iter().zip(&self.columns) {
            layout.heading(&match several {
                true => format!("{letter}: {name}"),
                false => name.clone(),
            });
        }
        if several {
            // The letters above the cells.
            layout.heading("");
        }
        let indices: Vec<usize> = self.rows.iter().map(|(name, _)| layout.name(name)).collect();
        let width = f64::from(heading.width.units());
        let left = match heading.width {
            Width::Wide => f64::from(layout.left()) + 8.0,
            Width::Narrow => 14.0,
        };
        let each = (width - left - 8.0) / self.columns.len().max(1) as f64;
        draw(heading, layout.height() + LINE, |area| {
            let mut spots = Vec::new();
            let (base_x, base_y) = area.get_base_pixel();
            for ((name, cells), &index) in self.rows.iter().zip(&indices) {
                let (top, bottom) = layout.bar(index);
                let (top, bottom) = (top as i32 + 4, bottom as i32 + 4);
                for (column, cell) in cells.iter().enumerate() {
                    let from = (left + column as f64 * each) as i32;
                    let to = from + each as i32 - 6;
                    let words = match cell {
                        None => "\u{2013}".to_owned(),
                        Some(Share { part, all }) => {
                            let share = *part as f64 / (*all).max(1) as f64;
                            let end = from + (f64::from(to - from) * share).round() as i32;
                            let fill = Paint::Series(0).color().mix(0.35).filled();
                            area.draw(&Rectangle::new([(from, top), (end, bottom)], fill))
                                .map_err(text)?;
                            format!("{} of {} ({})", grouped(*part), grouped(*all), percent(share))
                        }
                    };
                    let outline = vec![(from, top), (to, top), (to, bottom), (from, bottom), (from, top)];
                    area.draw(&PathElement::new(outline, Paint::Band.color()))
                        .map_err(text)?;
                    let room = ((to - from) as usize / 8).max(4);
                    let short = match words.chars().count() > room {
                        true => words.split(" (").next().unwrap_or_default().replace(" of ", "/"),
                        false => words.clone(),
                    };
                    let short = Text::new(short, (from + 5, (top + bottom) / 2 - 6), style(SIZE, Paint::Ink));
                    area.draw(&short).map_err(text)?;
                    if several && index == indices[0] {
                        let letter = Text::new(
                            letters[column].clone(),
                            (from + 2, layout.extent(index).0 as i32 - 12),
                            style(SIZE, Paint::Muted),
                        );
                        area.draw(&letter).map_err(text)?;
                    }
                    spots.push(Spot {
                        at: (base_x + (from + to) / 2, base_y + (top + bottom) / 2),
                        text: format!("{name}, {}: {words}", self.columns[column]),
                    });
                }
            }
            layout.write(area)?;
            Ok(spots)
        })
    }
}
