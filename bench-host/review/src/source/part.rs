// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much of a sequence a function holds.

use crate::extract::event::{Kind, Node};
use crate::extract::path::paths;
use crate::extract::reduce;
use crate::workaround::is_workaround;
use sequences::Instruction;

/// What a call of a function stands for.
pub(super) enum Part {
    /// No part of a sequence, or none that can be told.
    Nothing,
    /// A part of a sequence, which goes on in the caller.
    Fragment,
    /// A whole sequence.
    Whole,
}

impl Part {
    /// Returns how much of a sequence a function of this name and body holds.
    pub(super) fn of(name: &str, nodes: &[Node]) -> Self {
        let mut size = 0;
        Node::visit(nodes, &mut |_| size += 1);
        if size > 200 {
            return Self::Nothing;
        }
        if Node::has_tlbi(nodes) {
            let all = paths(nodes).all;
            let complete = all.iter().flat_map(|path| reduce::sequences(name, path)).any(|found| {
                if is_workaround(&found.sequence) {
                    return false;
                }
                let instructions: Vec<_> = found.sequence.instructions().collect();
                let last = instructions.iter().rposition(|i| matches!(i, Instruction::Tlbi(_)));
                let after = last.map_or(&[][..], |last| &instructions[last + 1..]);
                after.iter().any(Instruction::is_dsb)
            });
            // What it calls besides may be a part of the sequence; the invalidation is one for sure.
            return match complete {
                true => Self::Whole,
                false => Self::Fragment,
            };
        }
        let lower = name.to_ascii_lowercase();
        let named = ["tlb", "dsb", "isb", "barrier", "sync", "fence"]
            .iter()
            .any(|word| lower.contains(word));
        // Whatever it is called, what does nothing but order, or write a register of translation, is a part of what calls it.
        let mut only_orders = true;
        Node::visit(nodes, &mut |event| {
            only_orders &= match &event.kind {
                Kind::Barrier(_) | Kind::Return => true,
                // Which regime is entered may hang on what is given to it: that is shown where it is called.
                Kind::Sysreg(write) => !write.register.starts_with("ic ") && !write.register.starts_with("hcr"),
                _ => false,
            }
        });
        // One that decides, or repeats, what it writes is more than an accessor.
        let straight = nodes.iter().all(|node| matches!(node, Node::Event(_)));
        only_orders &= straight || !Node::writes_register(nodes);
        let acts = Node::has_maintenance(nodes) || only_orders && Node::writes_register(nodes);
        if (named || only_orders) && size <= 8 && acts {
            Self::Fragment
        } else {
            Self::Nothing
        }
    }
}

/// Puts the bodies of two configurations beside each other; one that adds an invalidation of nothing is a work-around.
pub(super) fn either_of(name: &str, first: Vec<Node>, second: Vec<Node>) -> Vec<Node> {
    let mut arms = vec![first, second];
    arms.sort_by_key(|arm| Node::has_tlbi(arm));
    let optional = !Node::has_tlbi(&arms[0]) && Node::has_tlbi(&arms[1]);
    vec![Node::Either {
        condition: format!("{name}() as configured"),
        arms,
        optional,
    }]
}

/// Returns the same nodes wherever they stand: two functions are alike if these are.
pub(super) fn without_places(nodes: &[Node]) -> Vec<Node> {
    let mut bare = nodes.to_vec();
    Node::visit_mut(&mut bare, &mut |node| {
        if let Node::Event(event) = node {
            event.line = 0;
            event.changed = false;
            event.given.clear();
            event.via.clear();
        }
    });
    bare
}
