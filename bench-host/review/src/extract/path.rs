// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ways through a function.

use crate::extract::cases::Cases;
use crate::extract::condition::{self, Decided};
use crate::extract::event::{Event, Kind, Node};
use crate::extract::shared::Shared;

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

/// A way that is still followed.
#[derive(Debug, Clone, Default)]
struct Way {
    events: Shared<Event>,
    conditions: Shared<String>,
    primary: bool,
    /// What the conditions say of others.
    decided: Decided,
}

impl Way {
    fn finish(self) -> Path {
        Path {
            events: self.events.to_vec(),
            conditions: self.conditions.to_vec(),
            primary: self.primary,
        }
    }
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

/// The ways through a function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// The ways, those without optional parts first. Never more than a few dozen, whatever the source does.
    pub all: Vec<Path>,
    /// There are more ways, or longer ones, than are followed.
    pub cut: bool,
}

/// Returns the ways through a function.
pub fn paths(nodes: &[Node]) -> Paths {
    let mut cut = false;
    let start = Way {
        primary: true,
        ..Way::default()
    };
    let mut all: Vec<Path> = walk(nodes, vec![(start, Flow::On)], &mut cut)
        .into_iter()
        .map(|(way, _)| way.finish())
        .collect();
    all.sort_by_key(|path| !path.primary);
    Paths { all, cut }
}

fn walk(nodes: &[Node], mut open: Vec<(Way, Flow)>, cut: &mut bool) -> Vec<(Way, Flow)> {
    for node in nodes {
        if open.iter().all(|(_, flow)| *flow != Flow::On) {
            break;
        }
        // Taken apart once for all ways.
        let taken_apart = match node {
            Node::Either {
                condition,
                arms,
                optional: false,
            } if arms.len() == 2 => Some(condition::read(condition)),
            _ => None,
        };
        let cases = match node {
            Node::Either {
                condition,
                arms,
                optional: false,
            } => Cases::read(condition, arms.len()),
            _ => None,
        };
        let mut next = Vec::with_capacity(open.len());
        for (mut path, flow) in open {
            if flow != Flow::On {
                next.push((path, flow));
                continue;
            }
            match node {
                Node::Event(event) => {
                    let ends = matches!(event.kind, Kind::Return | Kind::ExceptionReturn);
                    if path.events.count() < MAX_EVENTS {
                        path.events.push(event.clone());
                    } else {
                        *cut = true;
                    }
                    next.push((path, if ends { Flow::Ended } else { Flow::On }));
                }
                Node::Jump => next.push((path, Flow::Jumped)),
                Node::Region(body) => next.extend(walk(body, vec![(path, Flow::On)], cut).into_iter().map(landed)),
                Node::Loop(body) => {
                    let mark = |path: &mut Way, kind, body: &[Node]| {
                        if let Some(line) = first_line(body) {
                            path.events.push(Event {
                                kind,
                                line,
                                changed: false,
                                given: Vec::new(),
                                via: Vec::new(),
                            });
                        }
                    };
                    mark(&mut path, Kind::LoopStart, body);
                    for (mut path, flow) in walk(body, vec![(path, Flow::On)], cut).into_iter().map(landed) {
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
                    let denied = denied(condition);
                    let decided = taken_apart
                        .as_ref()
                        .and_then(|condition| path.decided.value(condition))
                        .map(|holds| usize::from(!holds));
                    let possible = |cases: &Cases| -> Vec<usize> {
                        (0..arms.len())
                            .filter(|&arm| cases.can_happen(arm, &path.decided))
                            .collect()
                    };
                    let possible = cases.as_ref().map(possible).filter(|arms| !arms.is_empty());
                    let only = possible.as_ref().is_some_and(|arms| arms.len() == 1);
                    for (index, arm) in arms.iter().enumerate() {
                        if decided.is_some_and(|decided| decided != index)
                            || cases
                                .as_ref()
                                .is_some_and(|cases| !cases.can_happen(index, &path.decided))
                        {
                            continue;
                        }
                        let mut path = path.clone();
                        if let Some(cases) = &cases {
                            cases.take(index, &mut path.decided);
                        }
                        if *optional {
                            path.primary &= index == 0;
                        } else if decided.is_none() && !only {
                            if let Some(condition) = &taken_apart {
                                path.decided.take(condition.clone(), index == 0);
                            }
                            path.conditions.push(match index {
                                0 => condition.clone(),
                                _ => denied.clone(),
                            });
                        }
                        next.extend(walk(arm, vec![(path, Flow::On)], cut));
                    }
                }
            }
        }
        next.sort_by_key(|(path, _)| !path.primary);
        *cut |= next.len() > MAX_PATHS;
        next.truncate(MAX_PATHS);
        open = next;
    }
    open
}

/// Returns the other side of a condition, as text.
fn denied(condition: &str) -> String {
    let inner = condition.strip_prefix("not (").and_then(|rest| rest.strip_suffix(')'));
    // `not (a) || not (b)` is not the denial of one thing.
    let whole = |inner: &&str| {
        let mut depth = 0_i32;
        inner.chars().all(|c| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth >= 0
        })
    };
    inner
        .filter(whole)
        .map_or_else(|| format!("not ({condition})"), str::to_owned)
}

fn landed((path, flow): (Way, Flow)) -> (Way, Flow) {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::extract::Function;

    /// Returns the ways through functions, each event as a short text.
    pub fn ways(functions: impl IntoIterator<Item = Function>) -> Vec<(String, Vec<String>)> {
        let show = |event: Event| match event.kind {
            Kind::Barrier(barrier) => barrier.to_string(),
            Kind::Tlbi(op, given) => format!("{op} {}", given.text).trim().to_owned(),
            Kind::LoopStart => "(".into(),
            Kind::LoopEnd => ")".into(),
            Kind::Return => "ret".into(),
            other => format!("{other:?}"),
        };
        functions
            .into_iter()
            .flat_map(|function| {
                paths(&function.nodes)
                    .all
                    .into_iter()
                    .map(move |path| (function.name.clone(), path.events.into_iter().map(show).collect()))
            })
            .collect()
    }
}
