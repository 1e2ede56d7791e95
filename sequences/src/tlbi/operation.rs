// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an operation is called, where it is encoded, and what it takes.

use crate::feature::{Feature, Features};
use crate::operand::{Operand, Ttl};
use crate::tlbi::table::{CRN, CRN_NXS, Row, TABLE};
use crate::tlbi::{ExceptionLevel, OperandFormat, Scope, SysEncoding, Target, TlbiOp};
use core::fmt::{self, Display, Formatter};

impl TlbiOp {
    /// Returns the entries the operation names.
    pub const fn target(self) -> Target {
        self.target
    }
    /// Returns the exception level in the operation's name.
    pub const fn level(self) -> ExceptionLevel {
        self.level
    }
    /// Returns the PEs the operation applies to.
    pub const fn scope(self) -> Scope {
        self.scope
    }
    /// Returns whether this is a range operation (FEAT_TLBIRANGE).
    pub const fn is_range(self) -> bool {
        self.range
    }
    /// Returns whether this is an nXS operation (FEAT_XS).
    pub const fn is_nxs(self) -> bool {
        self.nxs
    }

    /// Returns the operation with these properties, if the architecture has it.
    pub fn new(target: Target, level: ExceptionLevel, scope: Scope, range: bool, nxs: bool) -> Option<Self> {
        let op = Self {
            target,
            level,
            scope,
            range,
            nxs,
        };
        Self::all().find(|candidate| *candidate == op)
    }

    /// Iterates over every operation of the architecture: first the ordinary ones, then their nXS forms.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        let nxs = TABLE.iter().filter(|row| row.nxs_name.is_some());
        TABLE
            .iter()
            .map(|row| row.op)
            .chain(nxs.map(|row| Self { nxs: true, ..row.op }))
    }

    /// Returns the operation's name in the assembly language, lowercase, e.g. `vae2is`.
    pub fn name(self) -> &'static str {
        let row = self.row();
        if self.nxs {
            row.nxs_name.unwrap_or(row.name)
        } else {
            row.name
        }
    }

    /// Returns the operation of this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|op| op.name().eq_ignore_ascii_case(name))
    }

    /// Returns the operation's place in the system instruction space.
    pub fn encoding(self) -> SysEncoding {
        let row = self.row();
        SysEncoding {
            op1: row.op1,
            crn: if self.nxs { CRN_NXS } else { CRN },
            crm: row.crm,
            op2: row.op2,
        }
    }

    /// Returns the operation at a place in the system instruction space.
    pub fn from_encoding(encoding: SysEncoding) -> Option<Self> {
        let nxs = encoding.crn == CRN_NXS;
        TABLE
            .iter()
            .find(|row| (row.op1, row.crm, row.op2) == (encoding.op1, encoding.crm, encoding.op2))
            .filter(|row| {
                if nxs {
                    row.nxs_name.is_some()
                } else {
                    encoding.crn == CRN
                }
            })
            .map(|row| Self { nxs, ..row.op })
    }

    /// Returns what the register of the operation holds.
    pub const fn operand_format(self) -> OperandFormat {
        if self.range {
            return match self.target {
                Target::Pa | Target::PaLast => OperandFormat::PaRange,
                _ => OperandFormat::Range,
            };
        }
        match self.target {
            Target::Va | Target::VaLast | Target::VaAllAsid | Target::VaAllAsidLast => OperandFormat::Va,
            Target::Ipa | Target::IpaLast => OperandFormat::Ipa,
            Target::Asid => OperandFormat::Asid,
            _ => OperandFormat::None,
        }
    }

    /// Returns whether the operation takes a register.
    pub const fn takes_operand(self) -> bool {
        !matches!(self.operand_format(), OperandFormat::None)
    }

    /// Returns whether an operand is of a kind the operation takes.
    ///
    /// The mistakes that hardware accepts silently are refused here, except those the language has a name for
    /// ([`Operand::VaUnshifted`], [`Operand::IpaUnshifted`], [`Operand::AsidUnshifted`]). `xzr` is refused for range operations: its granule field, 0b00, is reserved.
    pub const fn accepts(self, operand: Operand) -> bool {
        match (self.operand_format(), operand) {
            (OperandFormat::None, Operand::None)
            | (OperandFormat::Va | OperandFormat::Ipa | OperandFormat::Asid, Operand::Xzr)
            | (OperandFormat::Va, Operand::Va(_) | Operand::VaUnshifted)
            | (OperandFormat::Va | OperandFormat::Ipa, Operand::Page(_))
            | (OperandFormat::Ipa, Operand::Ipa(_) | Operand::IpaUnshifted)
            | (OperandFormat::Asid, Operand::Asid | Operand::AsidUnshifted)
            | (OperandFormat::Range | OperandFormat::PaRange, Operand::Range(None)) => true,
            // The hint has two bits here, and 0b00 is "no hint".
            (OperandFormat::Range, Operand::Range(Some(ttl))) => !matches!(ttl, Ttl::Level0),
            _ => false,
        }
    }

    /// Returns what a PE needs for the operation not to be UNDEFINED at the exception level it belongs to.
    pub const fn required_features(self) -> Features {
        let mut features = Features::NONE;
        if self.nxs {
            features = features.with(Feature::Xs);
        }
        if matches!(self.level, ExceptionLevel::El3) {
            features = features.with(Feature::El3);
        }
        match self.target {
            // The outer shareable scope and the range of these come with FEAT_RME itself.
            Target::PaAll | Target::Pa | Target::PaLast => return features.with(Feature::Rme),
            Target::VmallWs2 => features = features.with(Feature::TlbiW),
            _ => {}
        }
        if self.range {
            features = features.with(Feature::TlbiRange);
        }
        if matches!(self.scope, Scope::OuterShareable) {
            features = features.with(Feature::TlbiOs);
        }
        features
    }

    /// Returns the lowest exception level at which the operation is not UNDEFINED.
    ///
    /// The level in its name says whose entries it is about. What is about several VMIDs, or about stage 2, is not for EL1.
    pub const fn lowest_level(self) -> ExceptionLevel {
        match (self.level, self.target) {
            (
                ExceptionLevel::El1,
                Target::All | Target::VmallS12 | Target::VmallWs2 | Target::Ipa | Target::IpaLast,
            ) => ExceptionLevel::El2,
            (level, _) => level,
        }
    }

    fn row(self) -> &'static Row {
        // Only rows of the table, with or without nXS, can be built.
        let op = Self { nxs: false, ..self };
        TABLE.iter().find(|row| row.op == op).unwrap_or(&TABLE[0])
    }
}

impl Display for TlbiOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use crate::feature::Feature;
    use crate::operand::{Operand, Ttl};
    use crate::tlbi::table::TABLE;
    use crate::tlbi::{ExceptionLevel, Scope, SysEncoding, Target, TlbiOp};

    #[test]
    fn the_table_is_complete_and_unambiguous() {
        assert_eq!(TABLE.len(), 85);
        assert_eq!(TlbiOp::all().count(), 85 + 81);
        for op in TlbiOp::all() {
            assert_eq!(TlbiOp::from_name(op.name()), Some(op));
            assert_eq!(TlbiOp::from_name(&op.name().to_ascii_uppercase()), Some(op));
            assert_eq!(TlbiOp::from_encoding(op.encoding()), Some(op));
            assert_eq!(
                TlbiOp::new(op.target(), op.level(), op.scope(), op.is_range(), op.is_nxs()),
                Some(op)
            );
        }
    }

    #[test]
    fn names_spell_out_their_properties() {
        for op in TlbiOp::all() {
            let base = op.name();
            let base = if op.is_nxs() {
                base.strip_suffix("nxs").unwrap()
            } else {
                base
            };
            let (base, scope) = match (base.strip_suffix("is"), base.strip_suffix("os")) {
                (Some(base), _) => (base, Scope::InnerShareable),
                (_, Some(base)) => (base, Scope::OuterShareable),
                _ => (base, Scope::Local),
            };
            assert_eq!(op.scope(), scope, "{op}");
            let level = match base.as_bytes().last() {
                Some(b'1') => ExceptionLevel::El1,
                Some(b'2') => ExceptionLevel::El2,
                // The operations on granule protection tables carry no level in their name.
                _ => ExceptionLevel::El3,
            };
            assert_eq!(op.level(), level, "{op}");
            assert_eq!(op.is_range(), base.starts_with('r'), "{op}");
        }
    }

    #[test]
    fn what_the_architecture_lacks_cannot_be_built() {
        assert_eq!(TlbiOp::from_name("alle4"), None);
        assert_eq!(TlbiOp::from_name("paallnxs"), None);
        assert_eq!(TlbiOp::from_name("paallis"), None);
        assert_eq!(
            TlbiOp::new(Target::Asid, ExceptionLevel::El2, Scope::Local, false, false),
            None
        );
        assert_eq!(
            TlbiOp::from_encoding(SysEncoding {
                op1: 6,
                crn: 9,
                crm: 7,
                op2: 4
            }),
            None
        );
        assert_eq!(
            TlbiOp::from_encoding(SysEncoding {
                op1: 4,
                crn: 7,
                crm: 7,
                op2: 0
            }),
            None
        );
    }

    #[test]
    fn operands_fit_their_operation() {
        let accepts = |name, operand| TlbiOp::from_name(name).unwrap().accepts(operand);
        assert!(accepts("alle2", Operand::None));
        assert!(!accepts("alle2", Operand::Xzr));
        assert!(accepts("vale2is", Operand::Xzr));
        assert!(accepts("vale2is", Operand::Va(Some(Ttl::Level3))));
        assert!(!accepts("vale2is", Operand::None));
        assert!(!accepts("ipas2e1is", Operand::Va(None)));
        assert!(accepts("ipas2e1is", Operand::Page(None)));
        assert!(!accepts("rvae1is", Operand::Va(None)));
        assert!(!accepts("rvae1is", Operand::Xzr));
        assert!(accepts("rvae1is", Operand::Range(Some(Ttl::Level1))));
        assert!(!accepts("rvae1is", Operand::Range(Some(Ttl::Level0))));
        assert!(!accepts("rpalos", Operand::Range(Some(Ttl::Level1))));
    }

    #[test]
    fn el1_has_what_is_about_its_own_stage() {
        let lowest = |name| TlbiOp::from_name(name).unwrap().lowest_level();
        for name in ["vmalle1", "vae1is", "aside1os", "rvaale1is", "vaae1nxs"] {
            assert_eq!(lowest(name), ExceptionLevel::El1, "{name}");
        }
        for name in [
            "alle1",
            "alle1is",
            "vmalls12e1",
            "ipas2e1is",
            "ripas2le1",
            "vmallws2e1",
            "alle2",
            "vae2is",
        ] {
            assert_eq!(lowest(name), ExceptionLevel::El2, "{name}");
        }
        for name in ["alle3", "paall", "rpalos"] {
            assert_eq!(lowest(name), ExceptionLevel::El3, "{name}");
        }
    }

    #[test]
    fn features_follow_the_name() {
        let features = |name| TlbiOp::from_name(name).unwrap().required_features();
        assert!(features("vae2is").is_empty());
        assert!(
            features("rvae2osnxs")
                .iter()
                .eq([Feature::TlbiRange, Feature::TlbiOs, Feature::Xs])
        );
        assert!(features("rpalos").iter().eq([Feature::Rme, Feature::El3]));
        assert!(features("vmallws2e1").iter().eq([Feature::TlbiW]));
    }
}
