// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a piece of source does, as far as TLB maintenance goes: events, and the branches between them.

use sequences::{Instruction, TlbiOp, Ttl};
use std::sync::Arc;

/// What the source gives a `tlbi`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// The register or expression, as written; empty for none.
    pub text: String,
    /// A level hint, where it is a literal.
    pub ttl: Option<Ttl>,
}

/// What happens at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A barrier.
    Barrier(Instruction),
    /// A TLB invalidation.
    Tlbi(TlbiOp, Given),
    /// A write to a system register that matters for translation, by its name.
    Sysreg(String),
    /// A store that may be to a translation table.
    Store,
    /// A call of something that is not maintenance itself.
    Call(String),
    /// The function ends here, or leaves the text at hand.
    Return,
    /// `eret`, or another change of context that synchronizes.
    ExceptionReturn,
    /// A repetition starts.
    LoopStart,
    /// A repetition ends.
    LoopEnd,
}

/// Something that happens, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// The line.
    pub line: u32,
    /// The line, or that of the macro it comes from, is not on both sides of the patch.
    pub changed: bool,
    /// The functions it was put in place of, inner ones first.
    pub via: Vec<Arc<str>>,
}

/// Events and branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An event.
    Event(Event),
    /// Exactly one of the arms happens.
    Either {
        /// What decides, as written, shortened.
        condition: String,
        /// The arms; an empty one is "nothing".
        arms: Vec<Vec<Node>>,
        /// The first arm is the rule and the others belong to an erratum or a feature patched in at run time.
        optional: bool,
    },
    /// A repetition.
    Loop(Vec<Node>),
    /// `break` or `continue`: the rest of the enclosing repetition or `switch` does not happen.
    Jump,
    /// The body of a `switch`: a [`Node::Jump`] in it ends here.
    Region(Vec<Node>),
}

impl Node {
    /// Returns whether something in here is, or may be, part of a sequence.
    pub fn has_maintenance(nodes: &[Self]) -> bool {
        nodes.iter().any(|node| match node {
            Self::Event(event) => matches!(event.kind, Kind::Barrier(_) | Kind::Tlbi(..)),
            Self::Either { arms, .. } => arms.iter().any(|arm| Self::has_maintenance(arm)),
            Self::Loop(body) | Self::Region(body) => Self::has_maintenance(body),
            Self::Jump => false,
        })
    }

    /// Returns whether a call is in here that is maintenance by its name.
    pub fn calls_maintenance(nodes: &[Self]) -> bool {
        nodes.iter().any(|node| match node {
            Self::Event(event) => matches!(&event.kind, Kind::Call(name) if name.to_ascii_lowercase().contains("tlb")),
            Self::Either { arms, .. } => arms.iter().any(|arm| Self::calls_maintenance(arm)),
            Self::Loop(body) | Self::Region(body) => Self::calls_maintenance(body),
            Self::Jump => false,
        })
    }

    /// Returns whether a `tlbi` is in here.
    pub fn has_tlbi(nodes: &[Self]) -> bool {
        nodes.iter().any(|node| match node {
            Self::Event(event) => matches!(event.kind, Kind::Tlbi(..)),
            Self::Either { arms, .. } => arms.iter().any(|arm| Self::has_tlbi(arm)),
            Self::Loop(body) | Self::Region(body) => Self::has_tlbi(body),
            Self::Jump => false,
        })
    }

    /// Returns whether the way out of here changes the control flow.
    fn leaves(nodes: &[Self]) -> bool {
        nodes.iter().any(|node| match node {
            Self::Event(event) => matches!(event.kind, Kind::Return | Kind::ExceptionReturn | Kind::Store),
            Self::Either { arms, .. } => arms.iter().any(|arm| Self::leaves(arm)),
            Self::Loop(body) | Self::Region(body) => Self::leaves(body),
            Self::Jump => true,
        })
    }

    /// Returns whether a branch is worth keeping: it decides something about a sequence.
    pub fn matters(arms: &[Vec<Self>]) -> bool {
        arms.iter()
            .any(|arm| Self::has_maintenance(arm) || Self::leaves(arm) || Self::calls_maintenance(arm))
    }
}

/// A way through a function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path {
    /// What happens on it.
    pub events: Vec<Event>,
    /// The conditions it depends on, `optional` ones left out.
    pub conditions: Vec<String>,
    /// No optional arm was taken.
    pub primary: bool,
}

/// Most ways through one function that are followed; the first ones are those without optional parts.
const MAX_PATHS: usize = 48;
/// Most events of a way.
const MAX_EVENTS: usize = 4000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Jumped,
    Ended,
}

/// Returns the ways through a function. Never more than a few dozen, whatever the source does.
pub fn paths(nodes: &[Node]) -> Vec<Path> {
    let start = Path {
        primary: true,
        ..Path::default()
    };
    let mut all: Vec<Path> = walk(nodes, vec![(start, Flow::On)])
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    all.sort_by_key(|path| !path.primary);
    all
}

fn walk(nodes: &[Node], mut open: Vec<(Path, Flow)>) -> Vec<(Path, Flow)> {
    for node in nodes {
        if open.iter().all(|(_, flow)| *flow != Flow::On) {
            break;
        }
        let mut next = Vec::with_capacity(open.len());
        for (mut path, flow) in open {
            if flow != Flow::On {
                next.push((path, flow));
                continue;
            }
            match node {
                Node::Event(event) => {
                    let ends = matches!(event.kind, Kind::Return | Kind::ExceptionReturn);
                    if path.events.len() < MAX_EVENTS {
                        path.events.push(event.clone());
                    }
                    next.push((path, if ends { Flow::Ended } else { Flow::On }));
                }
                Node::Jump => next.push((path, Flow::Jumped)),
                Node::Region(body) => next.extend(walk(body, vec![(path, Flow::On)]).into_iter().map(landed)),
                Node::Loop(body) => {
                    let mark = |path: &mut Path, kind, body: &[Node]| {
                        if let Some(line) = first_line(body) {
                            path.events.push(Event {
                                kind,
                                line,
                                changed: false,
                                via: Vec::new(),
                            });
                        }
                    };
                    mark(&mut path, Kind::LoopStart, body);
                    for (mut path, flow) in walk(body, vec![(path, Flow::On)]).into_iter().map(landed) {
                        if flow == Flow::On {
                            mark(&mut path, Kind::LoopEnd, body);
                        }
                        next.push((path, flow));
                    }
                }
                Node::Either {
                    condition,
                    arms,
                    optional,
                } => {
                    // A condition that was decided before is decided the same way.
                    let denied = format!("not ({condition})");
                    let decided = match (arms.len(), optional) {
                        (2, false) if path.conditions.contains(condition) => Some(0),
                        (2, false) if path.conditions.contains(&denied) => Some(1),
                        _ => None,
                    };
                    for (index, arm) in arms.iter().enumerate() {
                        if decided.is_some_and(|decided| decided != index) {
                            continue;
                        }
                        let mut path = path.clone();
                        if *optional {
                            path.primary &= index == 0;
                        } else if decided.is_none() {
                            path.conditions.push(match index {
                                0 => condition.clone(),
                                _ => denied.clone(),
                            });
                        }
                        next.extend(walk(arm, vec![(path, Flow::On)]));
                    }
                }
            }
        }
        next.sort_by_key(|(path, _)| !path.primary);
        next.truncate(MAX_PATHS);
        open = next;
    }
    open
}

fn landed((path, flow): (Path, Flow)) -> (Path, Flow) {
    (path, if flow == Flow::Jumped { Flow::On } else { flow })
}

fn first_line(nodes: &[Node]) -> Option<u32> {
    nodes.iter().find_map(|node| match node {
        Node::Event(event) => Some(event.line),
        Node::Either { arms, .. } => arms.iter().find_map(|arm| first_line(arm)),
        Node::Loop(body) | Node::Region(body) => first_line(body),
        Node::Jump => None,
    })
}
