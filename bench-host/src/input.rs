// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where console bytes come from: a thread reads, a bounded channel carries them.
//!
//! A line that can be opened again is: a board that is turned off takes its USB serial device along, and a console
//! server drops its connections. Nothing is ever written to a board.

mod error;
mod follow;
#[cfg(unix)]
mod holder;
mod lava;
mod serial;
mod tcp;

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

pub use error::InputError;
pub use serial::SerialLine;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Chunks on their way; when they are all full, the reader waits, and so in the end does the machine.
const CHUNKS: usize = 32;
/// How long to wait before a line is opened again.
const AGAIN: Duration = Duration::from_millis(300);

/// What a reader thread has to say.
#[derive(Debug)]
pub enum Event {
    /// Bytes came.
    Bytes(Vec<u8>),
    /// The line is gone, for this reason; it is looked for.
    Lost(String),
    /// It is back.
    Back,
    /// There will be no more, for this reason.
    End(io::Result<()>),
}

/// A place where a console can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A saved log, or whatever else can be opened and read to its end.
    Log(PathBuf),
    /// Standard input.
    Stdin,
    /// A file that grows.
    Follow(PathBuf),
    /// A serial line.
    Serial(SerialLine),
    /// A console server: `host:port`.
    Tcp(String),
}

/// A console that is being read.
#[derive(Debug)]
pub struct Console {
    /// Its bytes.
    pub events: Receiver<Event>,
    /// Whether it is a file that is there as a whole, so that its end is the end.
    pub is_file: bool,
}

impl Source {
    /// Opens it and starts to read.
    pub fn open(&self) -> Result<Console, InputError> {
        let (events, is_file) = match self {
            Self::Log(path) => log(path)?,
            Self::Stdin if io::stdin().is_terminal() => return Err(InputError::StdinIsATerminal),
            Self::Stdin => (read(io::stdin()), false),
            Self::Follow(path) => (read(follow::Growing::open(path)?), false),
            Self::Serial(line) => {
                let (port, line) = (line.open()?, line.clone());
                (read_again(port, move || line.open()), false)
            }
            Self::Tcp(address) => {
                let (stream, address) = (tcp::connect(address)?, address.clone());
                (read_again(stream, move || tcp::connect(&address)), false)
            }
        };
        Ok(Console { events, is_file })
    }

    /// Returns the option of the command line that names it, and its value.
    pub fn option(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Log(path) => ("log", Some(path.display().to_string())),
            Self::Stdin => ("stdin", None),
            Self::Follow(path) => ("follow", Some(path.display().to_string())),
            Self::Serial(line) => ("serial", Some(line.to_string())),
            Self::Tcp(address) => ("tcp", Some(address.clone())),
        }
    }

    /// Returns a short name for what is at the other end, as far as the source tells.
    pub fn name(&self) -> String {
        let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match self {
            Self::Log(path) | Self::Follow(path) => stem(path),
            Self::Stdin => "stdin".to_owned(),
            Self::Serial(line) => format!("serial {}", stem(&line.path)),
            Self::Tcp(address) => format!("tcp {address}"),
        }
    }
}

/// A file that is opened when it is read first, because that may take for ever.
#[derive(Debug)]
enum Later {
    Closed(PathBuf),
    Open(File),
}

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Closed(path) => *self = Self::Open(File::open(path)?),
                Self::Open(file) => return file.read(buffer),
            }
        }
    }
}

/// Opens a saved console log, or whatever else bytes of a console come from.
fn log(path: &Path) -> Result<(Receiver<Event>, bool), InputError> {
    let unreadable = |source| InputError::Log {
        path: path.to_owned(),
        source,
    };
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        return Err(InputError::IsAFolder(path.to_owned()));
    }
    if kind.is_file() {
        let mut file = File::open(path).map_err(unreadable)?;
        let mut beginning = Vec::new();
        (&mut file).take(64).read_to_end(&mut beginning).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let events = if lava::is_log(&beginning) {
            read(lava::Console::new(file))
        } else {
            read(file)
        };
        return Ok((events, true));
    }
    if serial::is_terminal(path) {
        // Left as it is, it would echo what it gets to the board.
        let line = SerialLine {
            path: path.to_owned(),
            baud: None,
        };
        let port = line.open()?;
        return Ok((read_again(port, move || line.open()), false));
    }
    // Opening a pipe waits for its other end.
    Ok((read(Later::Closed(path.to_owned())), false))
}

/// Reads `from` to its end on a thread of its own.
pub fn read(mut from: impl Read + Send + 'static) -> Receiver<Event> {
    let (sender, receiver) = sync_channel(CHUNKS);
    thread::spawn(move || {
        let end = read_to_end(&mut from, &sender);
        // The other side is gone: nobody wants to know.
        let _ = end.map(|end| sender.send(Event::End(end)));
    });
    receiver
}

/// Reads on a thread of its own, and opens again what comes to an end.
fn read_again<R: Read + Send + 'static>(
    mut from: R,
    mut open: impl FnMut() -> Result<R, InputError> + Send + 'static,
) -> Receiver<Event> {
    let (sender, receiver) = sync_channel(CHUNKS);
    thread::spawn(move || {
        while let Some(end) = read_to_end(&mut from, &sender) {
            let mut reason = match end {
                Ok(()) => "it was closed at the other end".to_owned(),
                Err(error) => error.to_string(),
            };
            loop {
                if sender.send(Event::Lost(reason)).is_err() {
                    return;
                }
                thread::sleep(AGAIN);
                match open() {
                    Ok(again) => from = again,
                    Err(error) => {
                        reason = error.to_string();
                        continue;
                    }
                }
                break;
            }
            if sender.send(Event::Back).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Sends what is read; returns how it ended, or `None` if nobody wants it any more.
fn read_to_end(from: &mut impl Read, sender: &SyncSender<Event>) -> Option<io::Result<()>> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Some(Ok(())),
            Ok(n) => sender.send(Event::Bytes(chunk[..n].to_vec())).ok()?,
            // Nothing to say for now; no bytes are sent all the same, to see whether anybody still listens.
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::TimedOut) => {
                sender.send(Event::Bytes(Vec::new())).ok()?;
            }
            Err(error) => return Some(Err(error)),
        }
    }
}
