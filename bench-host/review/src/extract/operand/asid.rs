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

/// What addresses are called.
const ADDRESSES: [&str; 7] = ["va", "vaddr", "addr", "address", "virt", "start", "page"];

impl Value {
    /// Returns whether the operand of an operation that goes by an ASID is made of an address and nothing else, also where
    /// by how much that is shifted is not known.
    pub fn is_address_alone(&self, op: TlbiOp) -> bool {
        let is_address = |term: &Term| {
            let name = term.base.trim_matches(['(', ')', ' ']).to_ascii_lowercase();
            term.loose && ADDRESSES.contains(&name.as_str())
        };
        let by_asid = matches!(op.target(), Target::Va | Target::VaLast) && op.level() == ExceptionLevel::El1;
        let named = by_asid && !self.terms.is_empty() && self.terms.iter().all(is_address);
        self.names_asid_zero(op) || named && self.constant & ASID == 0
    }

    /// Returns whether the operand of an operation that goes by an ASID has no part in the bits of the ASID.
    pub fn names_asid_zero(&self, op: TlbiOp) -> bool {
        matches!(op.target(), Target::Va | Target::VaLast)
            && op.level() == ExceptionLevel::El1
            && !self.terms.is_empty()
            && self.constant & ASID == 0
            && !self.terms.iter().any(Term::may_be_asid)
    }
}
