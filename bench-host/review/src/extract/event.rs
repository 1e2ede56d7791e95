// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a piece of source does, as far as TLB maintenance goes: events, and the branches between them.

use crate::extract::names::{has_entry_word, turns_mmu_on};
use crate::extract::operand::{ARGUMENTS, Value};
use crate::extract::text::words;
use crate::extract::write::Write;
use sequences::{Instruction, TlbiOp, Ttl};
use std::sync::Arc;

/// What the source gives a `tlbi`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceOperand {
    /// The register or expression, as written; empty for none.
    pub text: String,
    /// A level hint, where it is a literal.
    pub ttl: Option<Ttl>,
    /// What is known of what it holds; nothing where it was not traced.
    pub value: Value,
}

/// A store that may be to a translation table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// The entry, as written; empty where the text does not say.
    pub target: String,
    /// It makes the entry invalid for sure.
    pub invalid: bool,
    /// Its new value names an address, or a table.
    pub moves: bool,
    /// It changes the memory attributes of an entry that goes on to be what it is.
    pub attributes: bool,
    /// It is one entry, always the same, that is given what an index picks: one value after the other.
    pub picks: bool,
}

impl Stored {
    /// Returns the store that a call is, by its name and arguments: `pte_clear(ptep)`, `set_pte_at(mm, addr, ptep, 0)`.
    pub fn by_call(name: &str, arguments: &[String]) -> Self {
        let lower = name.to_ascii_lowercase();
        let entry = arguments
            .iter()
            .find(|text| text.contains('[') || has_entry_word(text))
            .or(arguments.first());
        Self {
            target: plain(entry.map_or("", String::as_str)),
            invalid: ["clear", "zero", "remove"].iter().any(|word| lower.contains(word))
                || arguments.iter().skip(1).any(|text| is_invalid(text)),
            moves: arguments.iter().skip(1).any(|text| names_address(text)),
            attributes: names_attributes(&lower),
            ..Self::default()
        }
    }

    /// Returns the store that an assignment is: `*ptep = 0`, `entry->pt.valid = 0`.
    pub fn by_assignment(left: &str, right: &str) -> Self {
        let left = plain(left);
        let picks = is_one_place(&left) && !is_invalid(right) && is_picked(right, &left);
        let field = left.rsplit_once(['.', '>']).map(|(entry, field)| {
            let entry = entry.split(['.', '-']).next().unwrap_or_default();
            (entry.trim().to_owned(), field.trim())
        });
        match field {
            Some((target, "valid" | "present" | "v")) => Self {
                invalid: is_invalid(right),
                target,
                ..Self::default()
            },
            // Page 0 is a page.
            Some((target, "page" | "ppn" | "pfn" | "addr" | "address" | "output_address" | "oa" | "base")) => Self {
                moves: true,
                target,
                ..Self::default()
            },
            Some((target, field)) if names_attributes(field) => Self {
                attributes: true,
                target,
                ..Self::default()
            },
            _ => Self {
                attributes: names_attributes(&right.to_ascii_lowercase()) && plain(right).contains(&left),
                moves: names_address(right),
                invalid: is_invalid(right),
                target: left,
                picks,
            },
        }
    }

    /// Returns whether this is a new value for the entry that another store made invalid.
    pub fn makes_again(&self, broken: &Self) -> bool {
        broken.invalid && !self.invalid && !self.target.is_empty() && self.target == broken.target
    }
}

/// Returns what a pointer or an entry is called, without what takes its address or goes through it.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    text.trim_start_matches(['&', '*', '(']).to_owned()
}

/// Returns whether the target of a store is the same place each time, as far as it says: `state.root[0]`, `VIRT(mm->pmd)`, not
/// `*pte`, `table[index]`.
fn is_one_place(left: &str) -> bool {
    let is_fixed = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) || !word.chars().any(char::is_lowercase);
    let mut members = 0;
    let mut at = 0;
    for word in words(left) {
        // Words come in the order of the text.
        let start = at + left[at..].find(word).unwrap_or(0);
        at = start + word.len();
        let is_member = left[..start].ends_with(['.', '>']);
        let has_member = left[at..].starts_with(['.', '-']);
        members += usize::from(is_member);
        if !is_member && !has_member && !is_fixed(word) && !left[at..].starts_with('(') {
            return false;
        }
    }
    members > 0
}

/// Returns whether a value is picked from an array by something that changes, which the place does not go by.
fn is_picked(right: &str, left: &str) -> bool {
    right.split('[').skip(1).any(|part| {
        let index = part.split(']').next().unwrap_or_default().trim();
        let is_variable = index.starts_with(|c: char| c.is_lowercase() || c == '_');
        is_variable && !words(left).any(|word| words(index).any(|own| own == word))
    })
}

/// Returns whether a value that is stored to an entry is made of an address: what only sets or clears bits of the old one is
/// not.
fn names_address(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    [
        "pfn",
        "phys",
        "paddr",
        "_pa(",
        "pa(",
        "type_table",
        "table_desc",
        "to_pte",
        "frame",
        "out_addr",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Returns whether a name, lowercase, or an expression is about memory attributes.
fn names_attributes(lower: &str) -> bool {
    ["attr", "mair", "memtype", "mem_type"]
        .iter()
        .any(|word| lower.contains(word))
}

/// Returns whether a value is an invalid entry, as written.
fn is_invalid(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let lower = text.to_ascii_lowercase();
    let inner = ["__pte(", "__pmd(", "__pud(", "__pgd(", "__p4d(", "{", "("]
        .iter()
        .find_map(|open| lower.strip_prefix(open))
        .map_or(lower.as_str(), |rest| rest.trim_end_matches([')', '}']));
    matches!(inner.trim_end_matches(['u', 'l']), "0" | "0x0" | "false") || lower.contains("invalid")
}

/// Something of translation that is no part of a sequence, and is shown beside what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// It, as written.
    pub text: String,
    /// What it is.
    pub subject: String,
    /// It is a call of this flush, which cannot be looked into.
    pub flush: Option<String>,
    /// It is of interest only where it stands beside a barrier.
    pub quiet: bool,
}

/// What happens at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A barrier.
    Barrier(Instruction),
    /// A TLB invalidation.
    Tlbi(TlbiOp, SourceOperand),
    /// A write to a system register that matters for translation.
    Sysreg(Write),
    /// Maintenance of the data cache, by its name: the next DSB completes it too.
    Cache(String),
    /// A store that may be to a translation table.
    Store(Stored),
    /// A call of something that is not maintenance itself.
    Call(String),
    /// A call that the patch leaves alone, of a function that holds maintenance: on what it depends is of interest, no more.
    Kept(String),
    /// Something of translation that no sequence is made of.
    Noted(Noted),
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
    /// What the argument registers hold where assembly calls something; empty where that is not known.
    pub given: Vec<Value>,
    /// The functions it was put in place of, inner ones first.
    pub via: Vec<Arc<str>>,
}

impl Event {
    /// Returns whether this is a DSB, whatever it orders.
    pub fn is_dsb(&self) -> bool {
        matches!(&self.kind, Kind::Barrier(barrier) if barrier.is_dsb())
    }

    /// Returns the write of SCTLR that this is, unless it leaves the MMU as it is.
    pub fn control(&self) -> Option<&Write> {
        match &self.kind {
            Kind::Sysreg(write) if write.register.starts_with("sctlr") && !write.keeps_mmu() => Some(write),
            _ => None,
        }
    }
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
        Self::any(nodes, &|event| matches!(event.kind, Kind::Barrier(_) | Kind::Tlbi(..)))
    }

    /// Returns whether something in here is shown though no sequence is made of it.
    pub fn is_noted(nodes: &[Self]) -> bool {
        Self::any(nodes, &|event| match &event.kind {
            Kind::Noted(_) => true,
            Kind::Sysreg(write) => !write.register.starts_with("ic "),
            _ => false,
        })
    }

    /// Returns whether a translation register is written in here.
    pub fn writes_register(nodes: &[Self]) -> bool {
        Self::any(nodes, &|event| matches!(event.kind, Kind::Sysreg(_)))
    }

    /// Returns whether a call is in here that is maintenance by its name.
    pub fn calls_maintenance(nodes: &[Self]) -> bool {
        Self::any(nodes, &|event| match &event.kind {
            Kind::Call(name) => name.to_ascii_lowercase().contains("tlb"),
            Kind::Kept(_) => true,
            _ => false,
        })
    }

    /// Returns whether a store that the patch changes gives an entry an address.
    pub fn gives_address(nodes: &[Self]) -> bool {
        Self::any(nodes, &|event| {
            event.changed && matches!(&event.kind, Kind::Store(stored) if stored.moves && !stored.invalid)
        })
    }

    /// Returns whether a `tlbi` is in here.
    pub fn has_tlbi(nodes: &[Self]) -> bool {
        Self::any(nodes, &|event| matches!(event.kind, Kind::Tlbi(..)))
    }

    /// Returns whether any event in here is of a kind.
    fn any(nodes: &[Self], is: &impl Fn(&Event) -> bool) -> bool {
        nodes.iter().any(|node| match node {
            Self::Event(event) => is(event),
            Self::Either { arms, .. } => arms.iter().any(|arm| Self::any(arm, is)),
            Self::Loop(body) | Self::Region(body) => Self::any(body, is),
            Self::Jump => false,
        })
    }

    /// Puts what the argument registers hold in place of them, in the body of a function of assembly that is called so.
    pub fn give_registers(nodes: &mut [Self], values: &[Value]) {
        if values.is_empty() {
            return;
        }
        let names = ARGUMENTS.map(str::to_owned);
        Self::visit_mut(nodes, &mut |node| {
            let Self::Event(event) = node else { return };
            if let Kind::Tlbi(_, operand) = &mut event.kind {
                operand.value = operand.value.with_arguments(&names, values);
            }
            for given in &mut event.given {
                *given = given.with_arguments(&names, values);
            }
        });
    }

    /// Visits the events in here, in the order of the text.
    pub fn visit(nodes: &[Self], each: &mut impl FnMut(&Event)) {
        for node in nodes {
            match node {
                Self::Event(event) => each(event),
                Self::Either { arms, .. } => arms.iter().for_each(|arm| Self::visit(arm, each)),
                Self::Loop(body) | Self::Region(body) => Self::visit(body, each),
                Self::Jump => {}
            }
        }
    }

    /// Visits the nodes in here that are no branch, to change them or put others in their place.
    pub fn visit_mut(nodes: &mut [Self], each: &mut impl FnMut(&mut Self)) {
        for node in nodes {
            match node {
                Self::Event(_) | Self::Jump => each(node),
                Self::Either { arms, .. } => arms.iter_mut().for_each(|arm| Self::visit_mut(arm, each)),
                Self::Loop(body) | Self::Region(body) => Self::visit_mut(body, each),
            }
        }
    }

    /// Moves the events of a called function to the line of the call, and makes its return the end of the call.
    pub fn place(nodes: &mut [Self], line: u32, changed: bool, via: &Arc<str>) {
        Self::visit_mut(nodes, &mut |node| match node {
            Self::Event(event) if event.kind == Kind::Return => *node = Self::Jump,
            Self::Event(event) => {
                event.line = line;
                event.changed |= changed;
                event.via.push(Arc::clone(via));
            }
            _ => {}
        });
    }

    /// Returns whether the way out of here changes the control flow.
    fn leaves(nodes: &[Self]) -> bool {
        nodes.iter().any(|node| match node {
            Self::Event(event) => matches!(event.kind, Kind::Return | Kind::ExceptionReturn | Kind::Store(_)),
            Self::Either { arms, .. } => arms.iter().any(|arm| Self::leaves(arm)),
            Self::Loop(body) | Self::Region(body) => Self::leaves(body),
            Self::Jump => true,
        })
    }

    /// Returns whether a branch is worth keeping: it decides something about a sequence.
    pub fn matters(arms: &[Vec<Self>]) -> bool {
        let turns_on = |event: &Event| matches!(&event.kind, Kind::Call(name) if turns_mmu_on(name));
        arms.iter().any(|arm| {
            Self::has_maintenance(arm)
                || Self::leaves(arm)
                || Self::calls_maintenance(arm)
                || Self::is_noted(arm)
                || Self::any(arm, &turns_on)
        })
    }
}
