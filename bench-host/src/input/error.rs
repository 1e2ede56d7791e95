// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a console cannot be read, and what to do about it.

use std::io;
use std::path::PathBuf;

/// Why a console cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// There is no such log, or it is not for us.
    #[error("cannot read log {}: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is a folder.
    #[error("{} is a folder, not a console log", .0.display())]
    IsAFolder(PathBuf),
    /// A person sits at standard input.
    #[error("standard input is a terminal: pipe a console into it, or name the serial line with --serial DEVICE")]
    StdinIsATerminal,
    /// There is no such device.
    #[error("there is no device {}; {}", path.display(), list(.present))]
    NoDevice {
        /// The device.
        path: PathBuf,
        /// The serial devices there are.
        present: Vec<String>,
    },
    /// The device is somebody else's.
    #[error("no permission to open {}{}", path.display(), may(.group.as_deref()))]
    Permission {
        /// The device.
        path: PathBuf,
        /// The group to join, if that helps.
        group: Option<String>,
    },
    /// Another program reads from it, and would get some of the bytes.
    #[error("{} is open already{}: each would get a part of what the board prints", path.display(), by(.holder.as_deref()))]
    Busy {
        /// The device.
        path: PathBuf,
        /// The program that has it open.
        holder: Option<String>,
    },
    /// It is no serial device.
    #[error("{} is no serial device; a file or a pipe is read with --log", .0.display())]
    NotSerial(PathBuf),
    /// The port cannot have this speed.
    #[error("{} cannot be set to {baud} baud: {source}", path.display())]
    Baud {
        /// The device.
        path: PathBuf,
        /// The speed.
        baud: u32,
        /// Why not.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot open {}: {source}", path.display())]
    Device {
        /// The device.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no such host, or it does not answer.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Host and port.
        address: String,
        /// Why not.
        source: io::Error,
    },
}

fn list(devices: &[String]) -> String {
    if devices.is_empty() {
        return "no serial device is here: is the adapter plugged in?".to_owned();
    }
    format!("here are {}", devices.join(", "))
}

fn may(group: Option<&str>) -> String {
    match group {
        Some(group) => {
            format!(": it belongs to group {group}; join it (sudo usermod -a -G {group} $USER) and log in again")
        }
        None => {
            ": no group has access to it, so it takes its owner, or a udev rule that gives it to a group".to_owned()
        }
    }
}

fn by(holder: Option<&str>) -> String {
    holder.map_or_else(String::new, |holder| format!(" in {holder}"))
}
