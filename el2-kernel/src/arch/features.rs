// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a PE implements, from its identification registers.

use sequences::{Feature, Features};

/// Values of the identification registers that say which sequences a PE can run.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdRegisters {
    /// `ID_AA64ISAR0_EL1`.
    pub isar0: u64,
    /// `ID_AA64ISAR1_EL1`.
    pub isar1: u64,
    /// `ID_AA64ISAR3_EL1`.
    pub isar3: u64,
    /// `ID_AA64MMFR2_EL1`.
    pub mmfr2: u64,
}

impl IdRegisters {
    /// Returns the features of a sequence that this PE has at EL2. EL3 operations are UNDEFINED there, always.
    pub const fn features(self) -> Features {
        const fn field(register: u64, shift: u32) -> u64 {
            register >> shift & 15
        }
        let present = [
            (Feature::TlbiOs, field(self.isar0, 56) >= 1),
            (Feature::TlbiRange, field(self.isar0, 56) >= 2),
            (Feature::Xs, field(self.isar1, 56) >= 1),
            (Feature::Sb, field(self.isar1, 36) >= 1),
            (Feature::TlbiW, field(self.isar3, 8) >= 1),
            (Feature::Ttl, field(self.mmfr2, 48) >= 1),
        ];
        let mut features = Features::NONE;
        let mut i = 0;
        while i < present.len() {
            if present[i].1 {
                features = features.with(present[i].0);
            }
            i += 1;
        }
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_where_the_architecture_puts_them() {
        let has = |registers: IdRegisters, feature| registers.features().contains(feature);
        let os = IdRegisters {
            isar0: 1 << 56,
            ..IdRegisters::default()
        };
        assert!(has(os, Feature::TlbiOs) && !has(os, Feature::TlbiRange));
        let range = IdRegisters {
            isar0: 2 << 56,
            ..IdRegisters::default()
        };
        assert!(has(range, Feature::TlbiOs) && has(range, Feature::TlbiRange));
        let others = IdRegisters {
            isar1: 1 << 56 | 1 << 36,
            isar3: 1 << 8,
            mmfr2: 1 << 48,
            isar0: 0,
        };
        for feature in [Feature::Xs, Feature::Sb, Feature::TlbiW, Feature::Ttl] {
            assert!(has(others, feature), "{feature}");
        }
        let all = IdRegisters {
            isar0: u64::MAX,
            isar1: u64::MAX,
            isar3: u64::MAX,
            mmfr2: u64::MAX,
        };
        assert!(!has(all, Feature::El3) && !has(all, Feature::Rme));
    }
}
