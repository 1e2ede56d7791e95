// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules, asked of the judge of sequences once: what each barrier does before and after a TLBI, and after a store.
//!
//! A trace has millions of barriers and there are sixteen kinds: each is put into the smallest sequence in which it
//! alone decides, and the answer kept.

use std::collections::HashMap;

use sequences::judge::{After, Change, Judgement, Observers, Question, Regime, is_sufficient, judge};
use sequences::{Access, Barrier, Domain, ExceptionLevel, Instruction, Operand, Scope, Target, Tlbi, TlbiOp};

/// A data synchronization barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dsb {
    /// `dsb <option>`.
    Plain(Barrier),
    /// `dsb <domain>nxs`.
    Nxs(Domain),
}

impl Dsb {
    fn all() -> impl Iterator<Item = Self> {
        Barrier::all()
            .map(Self::Plain)
            .chain(Domain::ALL.into_iter().map(Self::Nxs))
    }

    /// Returns the instruction.
    pub const fn instruction(self) -> Instruction {
        match self {
            Self::Plain(barrier) => Instruction::Dsb(barrier),
            Self::Nxs(domain) => Instruction::DsbNxs(domain),
        }
    }
}

/// What the judge of sequences said.
#[derive(Debug)]
pub struct Rules {
    orders: HashMap<Dsb, bool>,
    completes: HashMap<(Dsb, Scope, bool), bool>,
    answers: HashMap<(String, Vec<Instruction>), bool>,
    judged: HashMap<(String, Vec<Instruction>), Judgement>,
}

/// A barrier that does everything.
pub const STRONGEST: Dsb = Dsb::Plain(Barrier::new(Domain::FullSystem, Access::All));

impl Rules {
    /// Asks.
    pub fn new() -> Self {
        let mut rules = Self {
            orders: HashMap::new(),
            completes: HashMap::new(),
            answers: HashMap::new(),
            judged: HashMap::new(),
        };
        for dsb in Dsb::all() {
            let enough = rules.around(dsb, STRONGEST, Scope::InnerShareable, false);
            rules.orders.insert(dsb, enough);
            for scope in [Scope::Local, Scope::InnerShareable, Scope::OuterShareable] {
                for nxs in [false, true] {
                    let enough = rules.around(STRONGEST, dsb, scope, nxs);
                    rules.completes.insert((dsb, scope, nxs), enough);
                }
            }
        }
        rules
    }

    fn around(&self, before: Dsb, after: Dsb, scope: Scope, nxs: bool) -> bool {
        let observers = match scope {
            Scope::Local => Observers::ThisPe,
            Scope::InnerShareable => Observers::Inner,
            Scope::OuterShareable => Observers::Outer,
        };
        let follows = match scope {
            Scope::Local => After::DataHere,
            _ => After::PageReuse,
        };
        let mut question = Question::new(Change::Invalidate, Regime::El2, observers, follows);
        // nXS differs for such memory only.
        question.device = true;
        let Some(op) = TlbiOp::new(Target::All, ExceptionLevel::El2, scope, false, nxs) else {
            return false;
        };
        let tlbi = Instruction::Tlbi(Tlbi {
            op,
            operand: Operand::None,
        });
        // With a plain TLBI only a plain DSB waits for everything; an nXS pair is for other memory.
        if nxs {
            question.device = false;
        }
        let sequence = [before.instruction(), tlbi, after.instruction(), Instruction::Isb];
        is_sufficient(&question, &sequence) == Ok(true)
    }

    /// Returns whether a DSB orders an earlier descriptor store before a later TLBI.
    pub fn orders(&self, dsb: Dsb) -> bool {
        self.orders.get(&dsb) == Some(&true)
    }

    /// Returns whether a DSB completes an earlier TLBI of this scope, nXS or not.
    pub fn completes(&self, dsb: Dsb, scope: Scope, nxs: bool) -> bool {
        self.completes.get(&(dsb, scope, nxs)) == Some(&true)
    }

    /// Returns whether an entry that was made valid can be used after these instructions; `None` where the judge does not
    /// know.
    pub fn publishes(&mut self, question: &Question, sequence: &[Instruction]) -> Option<bool> {
        let key = (format!("{question:?}"), sequence.to_vec());
        if let Some(answer) = self.answers.get(&key) {
            return Some(*answer);
        }
        let answer = is_sufficient(question, sequence).ok()?;
        self.answers.insert(key, answer);
        Some(answer)
    }

    /// Returns what the judge says of a sequence.
    pub fn judge(&mut self, question: &Question, sequence: &[Instruction]) -> &Judgement {
        let key = (format!("{question:?}"), sequence.to_vec());
        self.judged.entry(key).or_insert_with(|| judge(question, sequence))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dsb, Rules};
    use sequences::{Barrier, Scope};

    fn dsb(name: &str) -> Dsb {
        Dsb::Plain(Barrier::from_name(name).unwrap())
    }

    #[test]
    fn barriers_do_what_the_architecture_says() {
        let rules = Rules::new();
        for (name, orders, local, inner) in [
            ("nshst", true, false, false),
            ("ishst", true, false, false),
            ("ishld", false, false, false),
            ("ld", false, false, false),
            ("nsh", true, true, false),
            ("ish", true, true, true),
            ("osh", true, true, true),
            ("sy", true, true, true),
        ] {
            let dsb = dsb(name);
            assert_eq!(rules.orders(dsb), orders, "{name}");
            assert_eq!(rules.completes(dsb, Scope::Local, false), local, "{name}");
            assert_eq!(rules.completes(dsb, Scope::InnerShareable, false), inner, "{name}");
        }
    }
}
