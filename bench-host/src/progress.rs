// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the user sees while a run goes on: a bar on a terminal, a line per phase elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a run is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    plain: bool,
}

impl Progress {
    /// Shows progress on standard error, or nothing.
    pub fn new(quiet: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if quiet || !terminal {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template("{msg:10} {bar:40} {pos}/{len} [{elapsed_precise}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar,
            plain: !quiet && !terminal,
        }
    }

    /// A phase with so many steps begins.
    pub fn phase(&self, name: &str, steps: u32) {
        self.bar.set_length(steps.into());
        self.bar.set_position(0);
        self.bar.set_message(name.to_owned());
        self.line(&format!("{name}: {steps} steps"));
    }

    /// So many steps are done.
    pub fn step(&self, done: u32) {
        self.bar.set_position(done.into());
    }

    /// Shows a line of its own, only where there is no bar.
    pub fn line(&self, text: &str) {
        if self.plain {
            eprintln!("{text}");
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
