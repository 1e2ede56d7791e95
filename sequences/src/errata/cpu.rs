// SPDX-License-Identifier: MIT OR Apache-2.0
//! CPUs by name and revision, or by MIDR value.

use core::fmt;
use core::str::FromStr;

/// A revision `r<variant>p<patch>`: MIDR bits `[23:20]` and `[3:0]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision {
    /// The `r` number.
    pub variant: u8,
    /// The `p` number.
    pub patch: u8,
}

impl Revision {
    /// Returns `r<variant>p<patch>`.
    pub const fn new(variant: u8, patch: u8) -> Self {
        Self { variant, patch }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}p{}", self.variant, self.patch)
    }
}

/// A design, as MIDR_EL1 identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// The name in lowercase with hyphens.
    pub name: &'static str,
    /// MIDR bits `[31:24]`.
    pub implementer: u8,
    /// MIDR bits `[15:4]`.
    pub number: u16,
}

const fn arm(name: &'static str, number: u16) -> Part {
    Part {
        name,
        implementer: 0x41,
        number,
    }
}

const fn other(name: &'static str, implementer: u8, number: u16) -> Part {
    Part {
        name,
        implementer,
        number,
    }
}

/// The parts with a name here: Arm's AArch64 designs, and others the table of errata names. Part numbers are those of
/// Linux `arch/arm64/include/asm/cputype.h` and of the parts' technical reference manuals.
pub const PARTS: [Part; 54] = [
    arm("cortex-a34", 0xd02),
    arm("cortex-a35", 0xd04),
    arm("cortex-a53", 0xd03),
    arm("cortex-a55", 0xd05),
    arm("cortex-a57", 0xd07),
    arm("cortex-a65", 0xd06),
    arm("cortex-a65ae", 0xd43),
    arm("cortex-a72", 0xd08),
    arm("cortex-a73", 0xd09),
    arm("cortex-a75", 0xd0a),
    arm("cortex-a76", 0xd0b),
    arm("cortex-a76ae", 0xd0e),
    arm("cortex-a77", 0xd0d),
    arm("cortex-a78", 0xd41),
    arm("cortex-a78ae", 0xd42),
    arm("cortex-a78c", 0xd4b),
    arm("cortex-a320", 0xd8f),
    arm("cortex-a510", 0xd46),
    arm("cortex-a520", 0xd80),
    arm("cortex-a520ae", 0xd88),
    arm("cortex-a710", 0xd47),
    arm("cortex-a715", 0xd4d),
    arm("cortex-a720", 0xd81),
    arm("cortex-a720ae", 0xd89),
    arm("cortex-a725", 0xd87),
    arm("cortex-r82", 0xd15),
    arm("cortex-r82ae", 0xd14),
    arm("cortex-x1", 0xd44),
    arm("cortex-x1c", 0xd4c),
    arm("cortex-x2", 0xd48),
    arm("cortex-x3", 0xd4e),
    arm("cortex-x4", 0xd82),
    arm("cortex-x925", 0xd85),
    arm("c1-nano", 0xd8a),
    arm("c1-premium", 0xd90),
    arm("c1-pro", 0xd8b),
    arm("c1-ultra", 0xd8c),
    arm("neoverse-e1", 0xd4a),
    arm("neoverse-n1", 0xd0c),
    arm("neoverse-n2", 0xd49),
    arm("neoverse-n3", 0xd8e),
    arm("neoverse-v1", 0xd40),
    arm("neoverse-v2", 0xd4f),
    arm("neoverse-v3", 0xd84),
    arm("neoverse-v3ae", 0xd83),
    other("azure-cobalt-100", 0x6d, 0xd49),
    other("cavium-thunderx", 0x43, 0x0a1),
    other("cavium-thunderx-81xx", 0x43, 0x0a2),
    other("nvidia-olympus", 0x4e, 0x010),
    other("qcom-falkor", 0x51, 0xc00),
    other("qcom-falkor-v1", 0x51, 0x800),
    other("qcom-kryo", 0x51, 0x200),
    other("qcom-kryo-4xx-silver", 0x51, 0x805),
    other("qcom-kryo-4xx-gold", 0x51, 0x804),
];

/// A CPU: a part, and the revision where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cpu {
    /// MIDR bits `[31:24]`.
    pub implementer: u8,
    /// MIDR bits `[15:4]`.
    pub part: u16,
    /// The revision; without one, every revision of the part is meant.
    pub revision: Option<Revision>,
}

impl Cpu {
    /// Returns the CPU of a MIDR_EL1 value.
    pub const fn from_midr(midr: u32) -> Self {
        Self {
            implementer: (midr >> 24) as u8,
            part: (midr >> 4) as u16 & 0xfff,
            revision: Some(Revision::new((midr >> 20) as u8 & 0xf, midr as u8 & 0xf)),
        }
    }

    /// Returns the part's name, where it has one here.
    pub fn name(&self) -> Option<&'static str> {
        let part = PARTS
            .iter()
            .find(|part| part.implementer == self.implementer && part.number == self.part);
        part.map(|part| part.name)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "implementer {:#04x} part {:#05x}", self.implementer, self.part)?,
        }
        match self.revision {
            Some(revision) => write!(f, "@{revision}"),
            None => Ok(()),
        }
    }
}

/// Why a text is no CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuError {
    /// The name is not in [`PARTS`].
    UnknownName,
    /// The part after `@` is not `r<n>p<n>`.
    Revision,
    /// The number is not a 32-bit MIDR value in hexadecimal.
    Midr,
}

impl fmt::Display for CpuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownName => {
                "unknown CPU name; use a name such as `neoverse-n1` or a MIDR value such as 0x413fd0c1"
            }
            Self::Revision => "expected a revision such as `r3p1` after `@`",
            Self::Midr => "expected a MIDR value of at most 8 hexadecimal digits",
        })
    }
}

impl core::error::Error for CpuError {}

impl FromStr for Cpu {
    type Err = CpuError;

    /// Reads `neoverse-n1@r3p1`, `neoverse-n1` or `0x413fd0c1`.
    fn from_str(text: &str) -> Result<Self, CpuError> {
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return u32::from_str_radix(digits, 16)
                .map(Self::from_midr)
                .map_err(|_| CpuError::Midr);
        }
        let (name, revision) = match text.split_once('@') {
            Some((name, revision)) => (name, Some(parse_revision(revision).ok_or(CpuError::Revision)?)),
            None => (text, None),
        };
        let part = PARTS
            .iter()
            .find(|part| part.name.eq_ignore_ascii_case(name))
            .ok_or(CpuError::UnknownName)?;
        Ok(Self {
            implementer: part.implementer,
            part: part.number,
            revision,
        })
    }
}

fn parse_revision(text: &str) -> Option<Revision> {
    let (variant, patch) = text.strip_prefix(['r', 'R'])?.split_once(['p', 'P'])?;
    let number = |text: &str| text.parse::<u8>().ok().filter(|number| *number < 16);
    Some(Revision::new(number(variant)?, number(patch)?))
}

#[cfg(test)]
mod tests {
    use super::{Cpu, CpuError, PARTS, Revision};
    use alloc::string::ToString;

    #[test]
    fn a_name_with_revision_and_the_midr_value_are_the_same_cpu() {
        let named: Cpu = "neoverse-n1@r3p1".parse().expect("a CPU");
        assert_eq!(named, Cpu::from_midr(0x413f_d0c1));
        assert_eq!("0x413fd0c1".parse(), Ok(named));
        assert_eq!(named.to_string(), "neoverse-n1@r3p1");
        assert_eq!(named.revision, Some(Revision::new(3, 1)));
    }

    #[test]
    fn every_part_is_found_by_its_name_and_by_its_number_alone() {
        for part in PARTS {
            let cpu: Cpu = part.name.parse().expect("a name");
            assert_eq!((cpu.name(), cpu.revision), (Some(part.name), None), "{}", part.name);
        }
    }

    #[test]
    fn what_is_no_cpu_is_refused_with_the_reason() {
        assert_eq!("neoverse-n9".parse::<Cpu>(), Err(CpuError::UnknownName));
        assert_eq!("neoverse-n1@3.1".parse::<Cpu>(), Err(CpuError::Revision));
        assert_eq!("neoverse-n1@r16p0".parse::<Cpu>(), Err(CpuError::Revision));
        assert_eq!("0x1413fd0c1".parse::<Cpu>(), Err(CpuError::Midr));
        assert_eq!(
            Cpu::from_midr(0x00f0_fff0).to_string(),
            "implementer 0x00 part 0xfff@r15p0"
        );
    }
}
