// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colors by name: the drawing code says `Ink` or `Series(1)`, the style sheet says what that looks like.
//!
//! The drawing library only knows colors, so every name is drawn in a color of its own that no screen ever shows, and
//! the attribute is then exchanged for a class. Series differ by dashes as well as by color (Okabe and Ito's palette),
//! so they can be told apart in grey and without color vision.

use plotters::style::RGBColor;

use crate::plain_text::escape;

/// Series that can be told apart.
pub const SERIES: usize = 4;

/// What something is drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Text.
    Ink,
    /// Text and lines that step back.
    Muted,
    /// Grid lines.
    Grid,
    /// The noise floor.
    Band,
    /// What is behind everything.
    Page,
    /// A figure that is no sequence: a boot phase, a clock.
    Plain,
    /// The strip over a panel whose counts are those of a processor.
    Hardware,
    /// The strip over any other panel.
    Simulator,
    /// The series with this index.
    Series(usize),
    /// An interval of the series with this index: its color, never dashed.
    Whisker(usize),
}

impl Paint {
    const FIXED: [Self; 8] = [
        Self::Ink,
        Self::Muted,
        Self::Grid,
        Self::Band,
        Self::Page,
        Self::Plain,
        Self::Hardware,
        Self::Simulator,
    ];

    fn code(self) -> u8 {
        match self {
            Self::Ink => 1,
            Self::Muted => 2,
            Self::Grid => 3,
            Self::Band => 4,
            Self::Page => 5,
            Self::Plain => 6,
            Self::Hardware => 7,
            Self::Simulator => 8,
            Self::Series(index) => 16 + (index % SERIES) as u8,
            Self::Whisker(index) => 32 + (index % SERIES) as u8,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Ink => "ink".to_owned(),
            Self::Muted => "muted".to_owned(),
            Self::Grid => "grid".to_owned(),
            Self::Band => "band".to_owned(),
            Self::Page => "page".to_owned(),
            Self::Plain => "plain".to_owned(),
            Self::Hardware => "hard".to_owned(),
            Self::Simulator => "sim".to_owned(),
            Self::Series(index) => (index % SERIES).to_string(),
            Self::Whisker(index) => format!("w{}", index % SERIES),
        }
    }

    /// Returns the color it has until [`themed`] exchanges it.
    pub fn color(self) -> RGBColor {
        RGBColor(self.code(), 0, 0xfe)
    }
}

/// The style of all plots, dark where the reader asks for dark and light on paper.
pub const STYLE: &str = include_str!("plot.css");

/// Exchanges the colors of [`Paint`] for classes, and gives the drawing a description.
pub fn themed(svg: &str, description: &str, class: &str) -> String {
    // The drawing library escapes markup, but lets through what no document may hold.
    let forbidden = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{fffe}' | '\u{ffff}');
    // What is so anyway is on every element.
    let mut out = svg.replace(forbidden, "\u{fffd}").replace(" opacity=\"1\"", "");
    let series = (0..SERIES).flat_map(|index| [Paint::Series(index), Paint::Whisker(index)]);
    for paint in Paint::FIXED.into_iter().chain(series) {
        let (RGBColor(r, g, b), name) = (paint.color(), paint.name());
        out = out.replace(
            &format!("fill=\"#{r:02X}{g:02X}{b:02X}\""),
            &format!("class=\"f-{name}\""),
        );
        out = out.replace(
            &format!("stroke=\"#{r:02X}{g:02X}{b:02X}\""),
            &format!("class=\"s-{name}\""),
        );
    }
    let description = escape(description);
    let start = format!("<svg class=\"plot {class}\" role=\"img\" aria-label=\"{description}\" ");
    out.replacen("<svg ", &start, 1)
}

/// Makes a panel a file of its own.
pub fn standalone(panel: &str) -> String {
    match panel.find('>') {
        Some(end) => format!(
            "{}<style>{STYLE}svg.plot{{background:var(--page)}}</style>{}",
            &panel[..=end],
            &panel[end + 1..]
        ),
        None => panel.to_owned(),
    }
}
