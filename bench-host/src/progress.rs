// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the user sees while a run goes on: a live view on a terminal, a line now and then elsewhere.
//!
//! Receiving only counts; words are made from the counts a few times a second, and only if somebody can see them. The
//! view is wiped when the run ends, however it ends, so that only the report stays. Lines are for the log of a CI service:
//! one when a phase begins and when it ends, and in between so often that nobody takes the run for dead, and so seldom that
//! an hour does not fill the log.

mod live;
mod screen;

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use report::number::plural;
use results::check::{Outcomes, Role};
use results::record::Event;

use live::Live;
use screen::Screen;

/// How often the view is made anew.
const REDRAW: Duration = Duration::from_millis(200);
/// How long after the last line the next one is written where there is no terminal: at first, and in the end. Each time
/// it takes twice as long.
const LINES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Where progress is shown.
#[derive(Debug)]
enum Display {
    /// Nowhere.
    Hidden,
    /// As lines on standard error.
    Lines,
    /// On the terminal that standard error is.
    Terminal(Screen),
}

/// How far a run is.
#[derive(Debug)]
pub struct Progress {
    display: Display,
    live: Live,
    /// When it was last shown.
    shown: Instant,
    /// How long until the next line.
    pause: Duration,
}

impl Progress {
    /// Shows progress on standard error, or nothing.
    pub fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let display = if quiet {
            Display::Hidden
        } else if dumb || !io::stderr().is_terminal() {
            Display::Lines
        } else {
            Display::Terminal(Screen::new())
        };
        let now = Instant::now();
        Self {
            display,
            live: Live::new(now),
            shown: now,
            pause: LINES.0,
        }
    }

    /// Sets what has to be said with every number.
    pub fn label(&mut self, label: &str) {
        self.live.label = label.to_owned();
    }

    /// A phase with so many steps begins.
    pub fn phase(&mut self, name: &str, steps: u32) {
        let now = Instant::now();
        self.end_phase(true, now);
        self.line(&format!("{name}: {}", plural(steps.into(), "step", "steps")));
        self.pause = LINES.0;
        self.live.phase(name, steps, now);
        match self.display {
            Display::Terminal(_) => self.show(now),
            Display::Hidden | Display::Lines => self.shown = now,
        }
    }

    /// So many steps are done.
    pub fn step(&mut self, done: u32) {
        self.live.done = done;
    }

    /// A value was counted so many times.
    pub fn sample(&mut self, seq: &str, pe: u32, event: Event, value: u64, count: u32) {
        if !matches!(self.display, Display::Hidden) {
            self.live.sample(seq, pe, event, value, count);
        }
    }

    /// Some trials were made.
    pub fn outcome(&mut self, role: Role, outcomes: &Outcomes) {
        self.live.outcome(role, outcomes);
    }

    /// Time goes by.
    pub fn tick(&mut self) {
        let now = Instant::now();
        let every = match self.display {
            Display::Hidden => return,
            Display::Lines => self.pause,
            Display::Terminal(_) => REDRAW,
        };
        if now - self.shown >= every {
            self.show(now);
            self.pause = (self.pause * 2).min(LINES.1);
        }
    }

    /// Says how a phase ended.
    fn end_phase(&mut self, is_whole: bool, now: Instant) {
        if let Some(line) = self.live.ended(is_whole, now) {
            self.line(&line);
        }
    }

    /// Shows a line of its own, only where there is no terminal.
    pub fn line(&self, text: &str) {
        if matches!(self.display, Display::Lines) {
            eprintln!("{text}");
        }
    }

    /// Tells something at once, whatever is shown.
    pub fn note(&mut self, text: &str) {
        if let Display::Terminal(screen) = &mut self.display {
            screen.wipe();
        }
        if !matches!(self.display, Display::Hidden) {
            eprintln!("note: {text}");
        }
    }

    /// Wipes the view.
    pub fn finish(&mut self) {
        self.end_phase(false, Instant::now());
        if let Display::Terminal(screen) = &mut self.display {
            screen.wipe();
        }
    }

    fn show(&mut self, now: Instant) {
        self.shown = now;
        match &mut self.display {
            Display::Hidden => {}
            Display::Lines => {
                let line = self.live.line(now);
                line.iter().for_each(|line| self.line(line));
            }
            Display::Terminal(screen) => {
                let (rows, columns) = screen.size();
                screen.show(&self.live.view(now, rows, columns));
            }
        }
    }
}

impl Drop for Progress {
    /// Leaves nothing behind, however the run ends.
    fn drop(&mut self) {
        self.finish();
    }
}
