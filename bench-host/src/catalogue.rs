// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences by id.

/// A sequence that is known by its id.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Stable id.
    pub id: &'static str,
    /// The sequence.
    pub text: &'static str,
    /// Where it is from.
    pub title: &'static str,
}

/// The two sides of the Xen patch that this project started from.
pub const KNOWN: [Known; 2] = [
    Known {
        id: "xen_head_old",
        text: "dsb sy; isb; tlbi alle2; dsb sy; isb",
        title: "Xen arm64 head.S, flush in setup_fixmap before the 1:1 map was removed early",
    },
    Known {
        id: "xen_head_new",
        text: "dsb nshst; tlbi alle2; dsb nsh; isb",
        title: "Xen arm64 head.S, flush in remove_identity_mapping",
    },
];

/// Returns the sequence with this id.
pub fn find(id: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.id == id)
}
