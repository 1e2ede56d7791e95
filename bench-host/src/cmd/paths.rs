// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and folders that a command reads.
//!
//! One that is not there is a mistake of the command line, and so is found before anything is done, with the same words and
//! the same exit code in every command.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

const ABSENT: &str = "no such file or folder";

/// Reads the path of something that is there.
pub fn existing() -> impl TypedValueParser<Value = PathBuf> {
    // A link that leads nowhere is as good as nothing; what may not be looked at is left to whoever reads it.
    PathBufValueParser::new().try_map(|path| match path.try_exists() {
        Ok(false) => Err(ABSENT),
        _ => Ok(path),
    })
}

/// The same, where `-` is standard input.
pub fn existing_or_stdin() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.try_exists() {
        Ok(false) if path.as_os_str() != "-" => Err(ABSENT),
        _ => Ok(path),
    })
}
