// SPDX-License-Identifier: MIT OR Apache-2.0
//! Program counters to functions and source lines, by the ELF files of what ran.
//!
//! A kernel does not run where it was linked: at first it runs where it was loaded, and with KASLR somewhere else after
//! that. Both differences are found from what the log has: tables and vectors are symbols too.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use object::read::{ReadCache, ReadRef};
use object::{Object, ObjectSection, ObjectSymbol};

use crate::finding::Report;

type Slice = EndianSlice<'static, LittleEndian>;

/// Why an ELF file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no ELF file.
    #[error("{} is no ELF file with symbols: {source}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: object::Error,
    },
}

/// Where an instruction stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The function, and those it was inlined into, innermost first.
    pub functions: Vec<String>,
    /// The source file.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// How far behind the start of the symbol.
    pub offset: u64,
}

/// The symbols of one file.
pub struct Symbols {
    /// Address, size, name; sorted.
    list: Vec<(u64, u64, String)>,
    lines: Option<Context<Slice>>,
    /// What is added to a linked address where it ran; the first that fits counts.
    biases: Vec<u64>,
}

impl std::fmt::Debug for Symbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Symbols({}, {:x?})", self.list.len(), self.biases)
    }
}

impl Symbols {
    /// Reads an ELF file.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self, SymbolError> {
        // What is no regular file may block, and cannot be read here and there.
        let opened = match std::fs::metadata(path) {
            Ok(data) if !data.is_file() => Err(io::Error::other("it is no regular file")),
            Ok(_) => File::open(path),
            Err(error) => Err(error),
        };
        let file = opened.map_err(|source| SymbolError::Read {
            path: path.to_owned(),
            source,
        })?;
        let cache = ReadCache::new(file);
        Self::read(&cache).map_err(|source| SymbolError::Elf {
            path: path.to_owned(),
            source,
        })
    }

    fn read<'data>(data: impl ReadRef<'data>) -> Result<Self, object::Error> {
        let elf = object::File::parse(data)?;
        let mut list: Vec<(u64, u64, String)> = elf
            .symbols()
            .filter(|symbol| symbol.address() != 0)
            .filter_map(|symbol| Some((symbol.address(), symbol.size(), symbol.name().ok()?.to_owned())))
            // Mapping symbols ($x, $d) name no function.
            .filter(|(_, _, name)| !name.is_empty() && !name.starts_with('$'))
            .collect();
        list.sort();
        // Kept to the end of the process, like the file's other contents would be.
        let load = |id: SectionId| -> Result<Slice, object::Error> {
            let data = match elf.section_by_name(id.name()) {
                Some(section) => section.uncompressed_data()?,
                None => Cow::Borrowed(&[][..]),
            };
            Ok(EndianSlice::new(Vec::leak(data.into_owned()), LittleEndian))
        };
        // Without debug information, or with one that is not understood, functions are known and lines are not.
        let lines = Dwarf::load(load).ok().and_then(|dwarf| Context::from_dwarf(dwarf).ok());
        Ok(Self {
            list,
            lines,
            biases: vec![0],
        })
    }

    fn address_of(&self, name: &str) -> Option<u64> {
        let found = self.list.iter().find(|(_, _, known)| known == name);
        found.map(|(address, ..)| *address)
    }

    /// Finds out where the code ran, from what the log has of vectors and tables.
    pub fn locate(&mut self, report: &Report) {
        const VECTORS: [&str; 4] = ["vectors", "hyp_traps_vector", "__hyp_stub_vectors", "exception_vectors"];
        const TABLES: [&str; 8] = [
            "init_pg_dir",
            "swapper_pg_dir",
            "reserved_pg_dir",
            "idmap_pg_dir",
            "init_idmap_pg_dir",
            "xen_pgtable",
            "boot_pgtable",
            "cpu0_pgtable",
        ];
        for (names, seen) in [(&VECTORS[..], &report.vectors), (&TABLES[..], &report.roots)] {
            let mut votes: HashMap<u64, usize> = HashMap::new();
            for linked in names.iter().filter_map(|name| self.address_of(name)) {
                for ran in seen {
                    let bias = ran.wrapping_sub(linked);
                    if bias & 0xfff == 0 {
                        *votes.entry(bias).or_default() += 1;
                    }
                }
            }
            // With as many votes, the bias that moves less.
            let best = votes
                .into_iter()
                .max_by_key(|(bias, votes)| (*votes, std::cmp::Reverse((*bias).min(bias.wrapping_neg()))));
            if let Some((bias, _)) = best
                && !self.biases.contains(&bias)
            {
                self.biases.push(bias);
            }
        }
        if self.biases.len() > 1 {
            // Where it was linked comes last: an address may be in both.
            self.biases.rotate_left(1);
        }
    }

    /// Says where the code ran, instead of finding it out.
    pub fn set_bias(&mut self, bias: u64) {
        self.biases.insert(0, bias);
    }

    /// Returns the differences between where the code was linked and where it ran.
    pub fn biases(&self) -> &[u64] {
        &self.biases
    }

    /// Returns what stands at a program counter.
    pub fn place(&self, pc: u64) -> Option<Place> {
        self.biases.iter().find_map(|bias| self.linked(pc.wrapping_sub(*bias)))
    }

    fn linked(&self, address: u64) -> Option<Place> {
        let next = self.list.partition_point(|(start, ..)| *start <= address);
        // Of symbols at one address, one with a size is the function.
        let mut before = self.list[..next].iter().rev();
        let nearest = before.next()?;
        let same = self.list[..next]
            .iter()
            .rev()
            .take_while(|symbol| symbol.0 == nearest.0);
        let symbol = same.max_by_key(|symbol| symbol.1)?;
        let within = if symbol.1 > 0 {
            address - symbol.0 < symbol.1
        } else {
            address - symbol.0 < 0x1000
        };
        if !within {
            return None;
        }
        let mut place = Place {
            offset: address - symbol.0,
            ..Place::default()
        };
        if let Some(lines) = &self.lines
            && let Ok(mut frames) = lines.find_frames(address).skip_all_loads()
        {
            while let Ok(Some(frame)) = frames.next() {
                if place.file.is_none()
                    && let Some(location) = &frame.location
                {
                    place.file = location.file.map(str::to_owned);
                    place.line = location.line;
                }
                if let Some(function) = &frame.function
                    && let Ok(name) = function.demangle()
                {
                    place.functions.push(name.into_owned());
                }
            }
        }
        if place.functions.is_empty() {
            place.functions.push(symbol.2.clone());
        }
        Some(place)
    }
}

/// Returns what stands at a program counter, by whichever file has it.
pub fn place(files: &[Symbols], pc: u64) -> Option<Place> {
    files.iter().find_map(|file| file.place(pc))
}
