// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bits of an operand that hold the ASID: whose entries it names.

use super::{ASID, Term, Value};
use sequences::{ExceptionLevel, Target, TlbiOp};

impl Term {
    /// Returns whether this part of an operand is, or may be, an ASID: not an address that is shifted into its place.
    pub fn may_be_asid(&self) -> bool {
        self.loose || self.mask & ASID != 0 && self.left != -12
    }
}

impl Value {
    /// Returns whether the operand of an operation that goes by an ASID has no part in the bits of the ASID.
    pub fn names_asid_zero(&self, op: TlbiOp) -> bool {
        matches!(op.target(), Target::Va | Target::VaLast)
            && op.level() == ExceptionLevel::El1
            && !self.terms.is_empty()
            && self.constant & ASID == 0
            && !self.terms.iter().any(Term::may_be_asid)
    }
}
