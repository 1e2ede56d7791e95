// SPDX-License-Identifier: MIT OR Apache-2.0
//! The edits of one instruction.

use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::operand::Operand;
use crate::tlbi::{ExceptionLevel, Scope, Target, Tlbi, TlbiOp};
use alloc::vec::Vec;

/// The kinds of edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An instruction is left out.
    Drop,
    /// A barrier's domain is made narrower.
    NarrowDomain,
    /// A barrier's domain is made wider.
    WidenDomain,
    /// A barrier waits for fewer kinds of accesses, or for others.
    NarrowAccess,
    /// A barrier waits for loads and stores.
    WidenAccess,
    /// A DSB becomes a DMB.
    WeakenBarrier,
    /// A DMB becomes a DSB.
    StrengthenBarrier,
    /// A TLBI applies to fewer PEs.
    NarrowScope,
    /// A TLBI applies to more PEs.
    WidenScope,
    /// A TLBI is about another regime.
    WrongRegime,
    /// A TLBI covers last-level entries only.
    LastLevel,
    /// A TLBI's operand names something else.
    WrongOperand,
    /// A TLBI or DSB does not wait for accesses with the XS attribute.
    Nxs,
    /// Two neighbors change places.
    Swap,
}

impl Kind {
    /// Returns the name used in ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::NarrowDomain => "narrow_domain",
            Self::WidenDomain => "widen_domain",
            Self::NarrowAccess => "narrow_access",
            Self::WidenAccess => "widen_access",
            Self::WeakenBarrier => "weaken_barrier",
            Self::StrengthenBarrier => "strengthen_barrier",
            Self::NarrowScope => "narrow_scope",
            Self::WidenScope => "widen_scope",
            Self::WrongRegime => "wrong_regime",
            Self::LastLevel => "last_level",
            Self::WrongOperand => "wrong_operand",
            Self::Nxs => "nxs",
            Self::Swap => "swap",
        }
    }
}

/// One edit: the kind and what stands there instead, if anything.
pub(super) struct Edit {
    pub(super) kind: Kind,
    pub(super) instead: Option<Instruction>,
}

/// Returns every edit of an instruction.
pub(super) fn edits(instruction: Instruction) -> Vec<Edit> {
    let mut edits = alloc::vec![Edit {
        kind: Kind::Drop,
        instead: None
    }];
    let mut add = |kind: Kind, instead: Instruction| {
        edits.push(Edit {
            kind,
            instead: Some(instead),
        })
    };
    match instruction {
        Instruction::Dsb(barrier) => {
            for (kind, other) in barriers(barrier) {
                add(kind, Instruction::Dsb(other));
            }
            add(Kind::WeakenBarrier, Instruction::Dmb(barrier));
            if barrier.access == Access::All {
                add(Kind::Nxs, Instruction::DsbNxs(barrier.domain));
            }
        }
        Instruction::DsbNxs(domain) => {
            for other in Domain::ALL.into_iter().filter(|other| *other != domain) {
                let kind = if other < domain {
                    Kind::NarrowDomain
                } else {
                    Kind::WidenDomain
                };
                add(kind, Instruction::DsbNxs(other));
            }
        }
        Instruction::Dmb(barrier) => {
            for (kind, other) in barriers(barrier) {
                add(kind, Instruction::Dmb(other));
            }
            add(Kind::StrengthenBarrier, Instruction::Dsb(barrier));
        }
        Instruction::Tlbi(tlbi) => {
            for (kind, other) in tlbis(tlbi) {
                add(kind, Instruction::Tlbi(other));
            }
        }
        Instruction::Isb | Instruction::Sb | Instruction::Nop | Instruction::Msr(..) => {}
    }
    edits
}

fn barriers(barrier: Barrier) -> Vec<(Kind, Barrier)> {
    let domains = Domain::ALL
        .into_iter()
        .filter(|domain| *domain != barrier.domain)
        .map(|domain| {
            let kind = if domain < barrier.domain {
                Kind::NarrowDomain
            } else {
                Kind::WidenDomain
            };
            (kind, Barrier { domain, ..barrier })
        });
    let accesses = Access::ALL
        .into_iter()
        .filter(|access| *access != barrier.access)
        .map(|access| {
            let kind = if access == Access::All {
                Kind::WidenAccess
            } else {
                Kind::NarrowAccess
            };
            (kind, Barrier { access, ..barrier })
        });
    domains.chain(accesses).collect()
}

fn tlbis(tlbi: Tlbi) -> Vec<(Kind, Tlbi)> {
    let op = tlbi.op;
    let mut found = Vec::new();
    let mut add = |kind: Kind, other: Option<TlbiOp>, operand: Operand| {
        if let Some(other) = other.and_then(|other| Tlbi::new(other, operand)) {
            found.push((kind, other));
        }
    };
    for scope in [Scope::Local, Scope::InnerShareable, Scope::OuterShareable] {
        let kind = if scope < op.scope() {
            Kind::NarrowScope
        } else {
            Kind::WidenScope
        };
        if scope != op.scope() {
            add(
                kind,
                TlbiOp::new(op.target(), op.level(), scope, op.is_range(), op.is_nxs()),
                tlbi.operand,
            );
        }
    }
    for level in [ExceptionLevel::El1, ExceptionLevel::El2, ExceptionLevel::El3] {
        if level == op.level() {
            continue;
        }
        let same = TlbiOp::new(op.target(), level, op.scope(), op.is_range(), op.is_nxs());
        // What `vmalle1` is to EL1&0, `alle2` and `alle3` are to the other regimes.
        let other = same.or_else(|| match op.target() {
            Target::Vmall | Target::VmallS12 => TlbiOp::new(Target::All, level, op.scope(), false, op.is_nxs()),
            _ => None,
        });
        add(Kind::WrongRegime, other, tlbi.operand);
    }
    let last = match op.target() {
        Target::Va => Some(Target::VaLast),
        Target::VaAllAsid => Some(Target::VaAllAsidLast),
        Target::Ipa => Some(Target::IpaLast),
        _ => None,
    };
    if let Some(last) = last {
        let last = TlbiOp::new(last, op.level(), op.scope(), op.is_range(), op.is_nxs());
        add(Kind::LastLevel, last, tlbi.operand);
    }
    for operand in [Operand::VaUnshifted, Operand::Xzr] {
        if operand != tlbi.operand && op.takes_operand() {
            add(Kind::WrongOperand, Some(op), operand);
        }
    }
    if !op.is_nxs() {
        let nxs = TlbiOp::new(op.target(), op.level(), op.scope(), op.is_range(), true);
        add(Kind::Nxs, nxs, tlbi.operand);
    }
    found
}
