// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ways through assembly: branches followed, each repetition once.

use crate::extract::asm::reader::Op;
use crate::extract::asm::registers::Registers;
use crate::extract::event::{Event, Kind, Node};
use crate::extract::names::{looks_like_maintenance, turns_mmu_on};
use std::collections::{HashMap, HashSet};

/// Most ways of one function.
const MAX_WAYS: usize = 48;
/// Most steps over all ways of one function.
const MAX_STEPS: usize = 200_000;

#[derive(Clone)]
struct Way {
    at: usize,
    events: Vec<(usize, Event)>,
    primary: bool,
    conditions: Vec<String>,
    taken: HashSet<usize>,
    registers: Registers,
}

/// Takes what an event does to the registers, and gives an invalidation what its register holds.
fn traced(event: &Event, registers: &mut Registers) -> Event {
    let mut event = event.clone();
    match &mut event.kind {
        Kind::Tlbi(_, given) if !given.text.is_empty() => {
            let (value, changed) = registers.operand(&given.text);
            given.value = value;
            event.changed |= changed;
        }
        Kind::Sysreg(write) if !write.text.is_empty() => {
            // What a register of translation is given is no maintenance: a change of it alone is shown, and not judged.
            (write.value, write.fed) = registers.operand(&write.text);
        }
        Kind::Call(_) => {
            event.given = registers.arguments();
            registers.call();
        }
        _ => {}
    }
    event
}

/// Returns the events and branches of a function's operations, and whether there are more ways through them than are
/// followed.
pub(super) fn nodes(ops: &[Op]) -> (Vec<Node>, bool) {
    let maintenance = |op: &Op| match op {
        Op::Event(event) => match &event.kind {
            Kind::Barrier(_) | Kind::Tlbi(..) | Kind::Sysreg(_) | Kind::Cache(_) | Kind::Noted(_) => true,
            Kind::Call(name) => name.to_ascii_lowercase().contains("tlb") || turns_mmu_on(name),
            _ => false,
        },
        Op::Branch { target, .. } => looks_like_maintenance(target),
        _ => false,
    };
    if !ops.iter().any(maintenance) {
        return (Vec::new(), false);
    }
    if !ops
        .iter()
        .any(|op| matches!(op, Op::Branch { .. } | Op::Fork { .. } | Op::Jump(_)))
    {
        let mut out = Vec::new();
        let mut ended = false;
        let mut registers = Registers::default();
        for op in ops {
            if let Op::Compute(compute) = op {
                registers.apply(compute);
            } else if let Op::Event(event) = op {
                ended = matches!(event.kind, Kind::Return | Kind::ExceptionReturn);
                out.push(Node::Event(traced(event, &mut registers)));
            } else if ended {
                // Reached from elsewhere.
                return all_ways(ops);
            }
        }
        return (out, false);
    }
    all_ways(ops)
}

fn all_ways(ops: &[Op]) -> (Vec<Node>, bool) {
    let (ways, cut) = ways(ops);
    (either(ways), cut)
}

fn either(mut ways: Vec<Way>) -> Vec<Node> {
    ways.sort_by_key(|way| !way.primary);
    let mut seen: Vec<Vec<Event>> = Vec::new();
    let (mut primary, mut others) = (Vec::new(), Vec::new());
    for way in ways {
        let events: Vec<Event> = way.events.into_iter().map(|(_, event)| event).collect();
        if seen.contains(&events) {
            continue;
        }
        seen.push(events.clone());
        let arm = (
            way.conditions.join("; "),
            events.into_iter().map(Node::Event).collect::<Vec<_>>(),
        );
        if way.primary {
            primary.push(arm)
        } else {
            others.push(arm)
        }
    }
    let rule = arms(primary);
    if others.is_empty() {
        return rule;
    }
    let mut all = vec![rule];
    all.extend(others.into_iter().map(|(_, arm)| arm));
    vec![Node::Either {
        condition: "an erratum work-around".into(),
        arms: all,
        optional: true,
    }]
}

fn arms(mut list: Vec<(String, Vec<Node>)>) -> Vec<Node> {
    if list.len() <= 1 {
        return list.pop().map(|(_, arm)| arm).unwrap_or_default();
    }
    let condition = list[0].0.clone();
    vec![Node::Either {
        condition,
        arms: list.into_iter().map(|(_, arm)| arm).collect(),
        optional: false,
    }]
}

fn ways(ops: &[Op]) -> (Vec<Way>, bool) {
    let mut labels: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, op) in ops.iter().enumerate() {
        if let Op::Label(label) = op {
            labels.entry(label).or_default().push(index);
        }
    }
    let mut done = Vec::new();
    let mut visited = HashSet::new();
    let mut steps = 0;
    let mut entry = Some(0);
    while let Some(at) = entry {
        let start = Way {
            at,
            events: Vec::new(),
            primary: true,
            conditions: Vec::new(),
            taken: HashSet::new(),
            registers: Registers::default(),
        };
        follow(ops, &labels, start, &mut done, &mut visited, &mut steps);
        // What no way has reached so far is entered from elsewhere.
        entry = (0..ops.len()).find(|index| {
            let counts =
                matches!(&ops[*index], Op::Event(event) if matches!(event.kind, Kind::Barrier(_) | Kind::Tlbi(..)));
            counts && !visited.contains(index)
        });
        if done.len() >= MAX_WAYS || steps > MAX_STEPS {
            break;
        }
    }
    let cut = entry.is_some() || steps > MAX_STEPS || done.len() >= MAX_WAYS;
    (done, cut)
}

fn target(labels: &HashMap<&str, Vec<usize>>, name: &str, at: usize) -> Option<usize> {
    let digits = name.trim_end_matches(['b', 'f', 'B', 'F']);
    let numeric =
        !digits.is_empty() && digits.len() + 1 == name.len() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric {
        return labels.get(name)?.first().copied();
    }
    let places = labels.get(digits)?;
    if name.ends_with(['f', 'F']) {
        places.iter().copied().find(|&place| place > at)
    } else {
        places.iter().copied().rev().find(|&place| place <= at)
    }
}

fn follow(
    ops: &[Op],
    labels: &HashMap<&str, Vec<usize>>,
    start: Way,
    done: &mut Vec<Way>,
    visited: &mut HashSet<usize>,
    steps: &mut usize,
) {
    let mut open = vec![start];
    while let Some(mut way) = open.pop() {
        loop {
            *steps += 1;
            let Some(op) = ops.get(way.at).filter(|_| *steps <= MAX_STEPS) else {
                break;
            };
            visited.insert(way.at);
            match op {
                Op::Event(event) => {
                    let event = traced(event, &mut way.registers);
                    way.events.push((way.at, event.clone()));
                    if matches!(event.kind, Kind::Return | Kind::ExceptionReturn) {
                        break;
                    }
                }
                Op::Label(_) => {}
                Op::Compute(compute) => way.registers.apply(compute),
                Op::Jump(label) => match labels.get(label.as_str()).and_then(|places| places.first()) {
                    Some(&place) if place > way.at => way.at = place,
                    _ => {}
                },
                Op::Fork {
                    other,
                    condition,
                    optional,
                } => {
                    let place = labels.get(other.as_str()).and_then(|places| places.first()).copied();
                    let Some(place) = place.filter(|&place| place > way.at) else {
                        way.at += 1;
                        continue;
                    };
                    // Both sides only where they differ in what counts.
                    let end = if let Some(Op::Jump(label)) = ops.get(place.wrapping_sub(1)) {
                        labels
                            .get(label.as_str())
                            .and_then(|places| places.first())
                            .copied()
                            .unwrap_or(place)
                    } else {
                        place
                    };
                    match constant(condition) {
                        Some(false) => {
                            // Nobody enters what is not there.
                            visited.extend(way.at..place);
                            way.at = place;
                            continue;
                        }
                        Some(true) => {
                            visited.extend(place..end);
                            way.at += 1;
                            continue;
                        }
                        None => {}
                    }
                    let guard = condition.contains("ASSEMBLY") || condition.contains("ASSEMBLER");
                    if counts(&ops[way.at..end]) && !guard && open.len() + done.len() < MAX_WAYS {
                        let mut there = way.clone();
                        there.at = place;
                        match optional {
                            Some(true) => way.primary = false,
                            Some(false) => there.primary = false,
                            None => {
                                way.conditions.push(condition.clone());
                                there.conditions.push(format!("not ({condition})"));
                            }
                        }
                        // What is optional comes last.
                        if optional == &Some(true) {
                            way.at += 1;
                            open.insert(0, std::mem::replace(&mut way, there));
                            continue;
                        } else {
                            open.push(there);
                        }
                    }
                }
                Op::Branch {
                    target: name,
                    conditional,
                    text,
                    line,
                    changed,
                } => match target(labels, name, way.at) {
                    Some(place) if place <= way.at => {
                        let first = way.events.iter().position(|(index, _)| *index >= place);
                        if let (Some(first), true) = (first, way.taken.insert(way.at)) {
                            let line = way.events[first].1.line;
                            let mark = |kind| Event {
                                kind,
                                line,
                                changed: false,
                                given: Vec::new(),
                                via: Vec::new(),
                            };
                            way.events.insert(first, (place, mark(Kind::LoopStart)));
                            way.events.push((way.at, mark(Kind::LoopEnd)));
                        }
                        if !conditional {
                            // The way out is a branch inside the repetition.
                            let out = (place..way.at).find_map(|index| match &ops[index] {
                                Op::Branch { target: name, .. } => {
                                    target(labels, name, index).filter(|out| *out > way.at)
                                }
                                _ => None,
                            });
                            match out {
                                Some(out) => {
                                    way.at = out;
                                    continue;
                                }
                                None => break,
                            }
                        }
                    }
                    Some(place) => {
                        if !conditional {
                            way.at = place;
                            continue;
                        }
                        if counts(&ops[way.at..place]) && open.len() + done.len() < MAX_WAYS {
                            let mut there = way.clone();
                            there.at = place;
                            there.conditions.push(text.clone());
                            open.push(there);
                        }
                    }
                    None if *conditional => {
                        if looks_like_maintenance(name) && open.len() + done.len() < MAX_WAYS {
                            let mut there = way.clone();
                            there.conditions.push(text.clone());
                            there.events.extend(goes_to(name, &way, (*line, *changed)));
                            // It goes on where no operation is.
                            there.at = ops.len();
                            way.conditions.push(format!("not ({text})"));
                            open.push(there);
                        }
                    }
                    None if looks_like_maintenance(name) => {
                        let gone = goes_to(name, &way, (*line, *changed));
                        way.events.extend(gone);
                        break;
                    }
                    // Leaves for somewhere that is not in sight.
                    None => {
                        if let Some((_, last)) = way.events.last() {
                            let line = last.line;
                            way.events.push((
                                way.at,
                                Event {
                                    kind: Kind::Return,
                                    line,
                                    changed: false,
                                    given: Vec::new(),
                                    via: Vec::new(),
                                },
                            ));
                        }
                        break;
                    }
                },
            }
            way.at += 1;
        }
        done.push(way);
        if done.len() >= MAX_WAYS {
            return;
        }
    }
}

/// Returns what a branch to a flush out of sight does: it calls it, and does not come back.
fn goes_to(name: &str, way: &Way, (line, changed): (u32, bool)) -> [(usize, Event); 2] {
    [
        (Kind::Call(name.to_owned()), way.registers.arguments()),
        (Kind::Return, Vec::new()),
    ]
    .map(|(kind, given)| {
        let event = Event {
            kind,
            line,
            changed,
            given,
            via: Vec::new(),
        };
        (way.at, event)
    })
}

/// Returns what a condition is where it holds nothing but numbers: the argument of a macro, compared.
fn constant(condition: &str) -> Option<bool> {
    let text = condition.trim();
    for (sign, decides) in [("||", true), ("&&", false)] {
        if text.contains(sign) {
            let parts: Vec<Option<bool>> = text.split(sign).map(constant).collect();
            return match parts.contains(&Some(decides)) {
                true => Some(decides),
                false => parts.iter().all(Option::is_some).then_some(!decides),
            };
        }
    }
    if let Some(rest) = text.strip_prefix('!').filter(|rest| !rest.starts_with('=')) {
        return constant(rest).map(|holds| !holds);
    }
    for sign in ["==", "!=", "<>", "<=", ">=", "<", ">"] {
        if let Some((a, b)) = text.split_once(sign) {
            let (a, b) = (number(a)?, number(b)?);
            return Some(match sign {
                "==" => a == b,
                "!=" | "<>" => a != b,
                "<=" => a <= b,
                ">=" => a >= b,
                "<" => a < b,
                _ => a > b,
            });
        }
    }
    number(text).map(|value| value != 0)
}

/// Returns the number that a text is.
fn number(text: &str) -> Option<i64> {
    let text = text.trim().trim_matches(['(', ')']).trim();
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Returns whether leaving these operations out makes a difference.
fn counts(ops: &[Op]) -> bool {
    ops.iter().skip(1).any(|op| match op {
        Op::Event(event) => match &event.kind {
            Kind::Call(name) => looks_like_maintenance(name),
            _ => true,
        },
        Op::Branch {
            conditional, target, ..
        } => !conditional || looks_like_maintenance(target),
        Op::Label(_) | Op::Compute(_) | Op::Fork { .. } | Op::Jump(_) => false,
    })
}
