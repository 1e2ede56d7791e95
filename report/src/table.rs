// SPDX-License-Identifier: MIT OR Apache-2.0
//! A table, before anybody decides what it is written in.

/// Rows of details that somebody may read through; more are for looking up.
pub const READ: usize = 24;

/// To which side a column's cells are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows, with the unit.
    pub caption: String,
    /// The label of its numbers; `None` for a table without timing.
    pub label: Option<String>,
    /// Column names and sides.
    pub columns: Vec<(String, Align)>,
    /// Rows, as many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// The PE of each row, if the rows are about PEs; as many as rows, or none.
    pub pes: Vec<u32>,
    /// Whether it is for looking up, and stays folded where a reader can unfold it.
    pub folded: bool,
}

/// A cell: its text and, where a color may help, its tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The text, complete without the tone.
    pub text: String,
    /// The tone.
    pub tone: Tone,
    /// The address it leads to, relative to the document; empty for none.
    pub link: String,
}

/// What a cell or a banner says, for those who write in color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// Code: sequences, commands, registers.
    Code,
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// To be taken with care.
    Care,
}

impl Tone {
    /// Returns the stable name, used as a CSS class.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Code => "code",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Care => "care",
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Plain,
            link: String::new(),
        }
    }
}

impl Cell {
    /// Creates a cell with a tone.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
            link: String::new(),
        }
    }

    /// Makes the cell lead somewhere.
    pub fn linked(mut self, link: impl Into<String>) -> Self {
        self.link = link.into();
        self
    }
}

impl Table {
    /// Creates an empty table. Column names that start with `>` are pushed right.
    pub fn new(caption: impl Into<String>, columns: &[&str]) -> Self {
        let column = |name: &&str| match name.strip_prefix('>') {
            Some(name) => (name.to_owned(), Align::Right),
            None => ((*name).to_owned(), Align::Left),
        };
        Self {
            caption: caption.into(),
            label: None,
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
            pes: Vec::new(),
            folded: false,
        }
    }

    /// Sets the label of its numbers.
    pub fn labelled(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    /// Sets the PE of each row, so that a reader can choose among them.
    pub fn of_pes(mut self, pes: impl Iterator<Item = u32>) -> Self {
        self.pes = pes.collect();
        self
    }

    /// Folds the table if it has more rows than anybody reads through.
    pub fn folded_beyond(mut self, rows: usize) -> Self {
        self.folded = self.rows.len() > rows;
        self
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// If it has not as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        assert_eq!(cells.len(), self.columns.len(), "row of table `{}`", self.caption);
        self.rows.push(cells);
    }

    /// Returns the caption with the label.
    pub fn full_caption(&self) -> String {
        match &self.label {
            Some(label) => format!("{} ({label})", self.caption),
            None => self.caption.clone(),
        }
    }
}
