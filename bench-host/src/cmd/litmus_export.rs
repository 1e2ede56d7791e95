// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host litmus-export`: a sequence as litmus tests.

use std::fs;
use std::path::PathBuf;

use results::wire::crc32;
use sequences::litmus::{Shape, export};

use super::print;
use super::question::{QuestionArgs, named};
use super::sequence_argument::SequenceArgument;
use crate::error::Error;
use crate::exit::{Codes, Exit};

const EXAMPLES: &str = "\
Examples:
  bench-host litmus-export xen_head_new --out DIR    tests for herd7 and litmus7
";

/// How the command ends.
const CODES: Codes = Codes(&[(Exit::Ok, "written"), (Exit::Store, "a file cannot be written")]);

/// Write a sequence as litmus tests for herd7 and litmus7, one file for each shape
///
/// The condition of each test is the stale use: the sequence is sufficient exactly if all of them are forbidden.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// A sequence by id, or its text
    #[arg(value_name = "ID|TEXT")]
    sequence: String,
    /// Only this shape; repeatable [default: every shape that the question asks for]
    #[arg(long, value_parser = named::<Shape>())]
    shape: Vec<Shape>,
    /// Write files into this folder instead of printing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    question: QuestionArgs,
}

/// Longest name of a test that is that of its file; file systems take 255 bytes.
const LONGEST: usize = 200;

/// Returns the name of a test as that of a file: cut, with its checksum, where it is too long.
fn file_name(name: &str) -> String {
    let name: String = name.chars().map(|c| if c == '/' { '_' } else { c }).collect();
    if name.len() <= LONGEST {
        return name;
    }
    let mut end = LONGEST - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{:08x}", &name[..end], crc32(name.as_bytes()))
}

/// Writes or prints the tests.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let SequenceArgument { sequence, question, .. } = SequenceArgument::for_question(&args.sequence, &args.question)?;
    let instructions: Vec<_> = sequence.instructions().collect();
    let shapes = if args.shape.is_empty() {
        Shape::of(&question)
    } else {
        args.shape.clone()
    };
    for shape in shapes {
        let text = export(&question, &instructions, shape).map_err(|error| Error::Usage(error.to_string()))?;
        let Some(folder) = &args.out else {
            print(&text);
            continue;
        };
        let name = text
            .lines()
            .next()
            .and_then(|line| line.split_whitespace().nth(1))
            .unwrap_or("test");
        let path = folder.join(format!("{}.litmus", file_name(name)));
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, &text));
        written.map_err(|source| Error::Output {
            path: path.clone(),
            source,
        })?;
        print(&format!("{}\n", path.display()));
    }
    Ok(Exit::Ok)
}
