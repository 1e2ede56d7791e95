// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt controller, as far as the interrupt of one timer needs it: where it is, and which of its redistributors is
//! that of a PE.

/// An interrupt controller, by the physical addresses of its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gic {
    /// GICv2.
    V2 {
        /// The distributor.
        distributor: u64,
        /// The CPU interface.
        cpu: u64,
    },
    /// GICv3 or GICv4.
    V3 {
        /// The distributor.
        distributor: u64,
        /// The first region of redistributors.
        redistributors: u64,
        /// Its bytes.
        size: u64,
    },
}

impl Gic {
    /// Returns the controller that a `compatible` string names, at the two places that its `reg` begins with.
    pub fn named(compatible: &str, [(first, _), (second, size)]: [(u64, u64); 2]) -> Option<Self> {
        match compatible {
            "arm,gic-400" | "arm,cortex-a15-gic" | "arm,cortex-a9-gic" | "arm,cortex-a7-gic" => Some(Self::V2 {
                distributor: first,
                cpu: second,
            }),
            "arm,gic-v3" => Some(Self::V3 {
                distributor: first,
                redistributors: second,
                size,
            }),
            _ => None,
        }
    }
}

/// Bytes of one frame of a redistributor, and of a page of it that is looked at.
pub const FRAME: u64 = 64 << 10;

/// Returns whether a redistributor is that of a PE, by its `GICR_TYPER` and the affinity fields of `MPIDR_EL1`.
pub const fn is_of(typer: u64, mpidr: u64) -> bool {
    typer >> 32 == (mpidr >> 32 & 0xff) << 24 | mpidr & 0xff_ffff
}

/// Returns how far the next redistributor is, by `GICR_TYPER`; `None` behind the last one.
pub const fn next(typer: u64) -> Option<u64> {
    const VLPIS: u64 = 1 << 1;
    const LAST: u64 = 1 << 4;
    match typer {
        _ if typer & LAST != 0 => None,
        _ if typer & VLPIS != 0 => Some(4 * FRAME),
        _ => Some(2 * FRAME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redistributor_is_known_by_the_affinity_of_its_pe() {
        assert!(is_of(0x0103_0201 << 32, 0x01_0003_0201));
        assert!(!is_of(0x0103_0201 << 32, 0x01_0003_0200));
        assert_eq!([next(0), next(2), next(0x10)], [Some(2 * FRAME), Some(4 * FRAME), None]);
    }

    #[test]
    fn strings_name_the_version() {
        let reg = [(1, 2), (3, 4)];
        assert!(matches!(
            Gic::named("arm,gic-400", reg),
            Some(Gic::V2 { distributor: 1, cpu: 3 })
        ));
        assert!(matches!(Gic::named("arm,gic-v3", reg), Some(Gic::V3 { size: 4, .. })));
        assert_eq!(Gic::named("arm,gic-v2m-frame", reg), None);
    }
}
