// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options by which a command listens to a console instead of starting QEMU.

use std::path::PathBuf;
use std::time::Duration;

use crate::input::{SerialLine, Source};
use crate::session::console::Listening;

/// How long it may take until a run begins: servers test their memory for minutes before they boot anything.
const FIRST: Duration = Duration::from_secs(300);

/// Where to listen.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(id = "console-source", multiple = false)]
pub struct SourceArgs {
    /// Receive a saved console log (- is standard input) instead of starting QEMU: every whole boot in it. Plan options
    /// that are not those of the log are an error; without any, the plan is what the log shows
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Receive from a serial line, raw and without echo; 115200 baud unless said otherwise
    #[arg(long, value_name = "DEVICE[:BAUD]")]
    serial: Option<SerialLine>,
    /// Receive from a console server (ser2net, conserver, labgrid, a QEMU chardev)
    #[arg(long, value_name = "HOST:PORT")]
    tcp: Option<String>,
    /// Receive from standard input
    #[arg(long)]
    stdin: bool,
    /// Receive from a file that another program appends to
    #[arg(long, value_name = "FILE")]
    follow: Option<PathBuf>,
}

/// How to listen.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConsoleArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The console is of a processor, not of a simulator
    #[arg(long, requires = "console-source")]
    pub hardware: bool,
    /// Make or receive so many boots, each a run of its own, and sum them up [default: one; of a log, all that are whole]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub boots: Option<u32>,
    /// Reset the board with this shell command, once the console is open and before each further boot
    #[arg(long, value_name = "COMMAND", requires = "console-source")]
    power_cycle: Option<String>,
}

impl ConsoleArgs {
    /// Returns where to listen, if that is asked for.
    pub fn source(&self) -> Option<Source> {
        let SourceArgs {
            log,
            serial,
            tcp,
            stdin,
            follow,
        } = &self.source;
        let log = log.as_ref().map(|log| match log.to_str() {
            Some("-") => Source::Stdin,
            _ => Source::Log(log.clone()),
        });
        log.or_else(|| serial.clone().map(Source::Serial))
            .or_else(|| tcp.clone().map(Source::Tcp))
            .or_else(|| stdin.then_some(Source::Stdin))
            .or_else(|| follow.clone().map(Source::Follow))
    }

    /// Returns what to listen for. `silence` is how long a run may be silent, unless the user says.
    pub fn listening(&self, source: &Source, timeout: Option<u64>, silence: Duration) -> Listening {
        let timeout = timeout.map(Duration::from_secs);
        let whole_input = matches!(source, Source::Log(_) | Source::Stdin);
        Listening {
            boots: self.boots.or((!whole_input).then_some(1)),
            first: timeout.unwrap_or(FIRST.max(silence)),
            silence: timeout.unwrap_or(silence),
            power_cycle: self.power_cycle.clone(),
        }
    }

    /// Returns the options that listen again.
    pub fn words(&self) -> Vec<(&'static str, Option<String>)> {
        let mut words: Vec<_> = self.source().iter().map(Source::option).collect();
        words.extend(self.hardware.then_some(("hardware", None)));
        words.extend(self.boots.map(|boots| ("boots", Some(boots.to_string()))));
        words.extend(self.power_cycle.clone().map(|command| ("power-cycle", Some(command))));
        words
    }
}
