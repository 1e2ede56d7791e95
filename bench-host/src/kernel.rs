// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel image: the one inside this binary, or a file; with a plan written into it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use results::image::{ImageError, plan_area};
use results::plan::{Entry, Plan, PlanError, Settings, encode};
use sha2::{Digest, Sha256};

static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/el2-kernel.bin"));

/// Larger files are not read: no kernel of ours comes near.
const MAX_IMAGE: u64 = 64 << 20;

/// Why there is no kernel to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The file cannot be read.
    #[error("cannot read kernel {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not a kernel of ours.
    #[error("{} is no kernel for this tool: {source}; leave out --kernel to use the built-in one", path.display())]
    NotAKernel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
}

/// A kernel image.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// The bytes, the plan among them once it is installed.
    pub bytes: Vec<u8>,
    /// `embedded`, or the path of the file.
    pub source: String,
    /// SHA-256 of the image with an empty plan area, in hexadecimal.
    pub sha256: String,
}

impl Kernel {
    /// Reads a kernel from a file, or takes the one inside this binary.
    pub fn load(file: Option<&Path>) -> Result<Self, KernelError> {
        let (mut bytes, source) = match file {
            Some(path) => (read(path)?, path.display().to_string()),
            None => (EMBEDDED.to_vec(), "embedded".to_owned()),
        };
        let area = plan_area(&mut bytes);
        let not_a_kernel = |source| KernelError::NotAKernel {
            path: file.unwrap_or(Path::new("")).to_owned(),
            source,
        };
        area.map_err(not_a_kernel)?.fill(0);
        let digest = Sha256::digest(&bytes);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { bytes, source, sha256 })
    }

    /// Writes a plan into the image and returns its checksum, which the kernel repeats in its start line.
    pub fn install(&mut self, settings: &Settings, entries: &[Entry<'_>]) -> Result<u32, PlanError> {
        let area = plan_area(&mut self.bytes).map_err(|_| PlanError::NoPlan)?;
        area.fill(0);
        encode(settings, entries, area)?;
        let plan = Plan::read(area)?.ok_or(PlanError::NoPlan)?;
        Ok(plan.crc)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KernelError> {
    let failed = |source| KernelError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_IMAGE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_IMAGE {
        return Err(failed(io::Error::other("larger than 64 MiB")));
    }
    Ok(bytes)
}
