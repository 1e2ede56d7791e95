// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules verdicts rest on.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A rule of the architecture, or another ground for a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The descriptor store is complete before the TLBI.
    StoreBeforeTlbi,
    /// A DSB for loads and stores, by the issuing PE, completes a TLBI.
    Completion,
    /// That DSB's domain covers the TLBI's scope.
    CompletionDomain,
    /// Context synchronization before this PE relies on the change.
    Context,
    /// Other PEs' accesses after a message.
    OtherPes,
    /// The TLBI applies to every PE that may hold the entry.
    Scope,
    /// The TLBI's regime, stage and VMID are those of the tables.
    Regime,
    /// The TLBI's operand and level name the entry.
    Operand,
    /// A write of a translation register takes effect by the next context synchronization event.
    RegisterWrite,
    /// Stage 2 by IPA leaves combined entries.
    Stage2,
    /// nXS forms do not wait for accesses with the XS attribute.
    Nxs,
    /// Break-before-make.
    BreakBeforeMake,
    /// Invalid entries are not cached.
    InvalidToValid,
    /// `HCR_EL2.FB` broadcasts local operations.
    ForcedBroadcast,
    /// The domain of an `st` or `ld` DSB has no meaning.
    Spelling,
    /// A DSB completes a broadcast TLBI for the PEs of its own domain.
    ReadingOfCompletion,
    /// A feature an instruction needs.
    Feature,
    /// An erratum.
    Erratum(&'static str),
    /// The question leaves something open.
    Question,
    /// A limit of the abstract machine.
    Model,
    /// The search was given up.
    Search,
}

/// Where a rule is written and what it says, in our words.
struct Entry {
    /// Document, issue, rule identifiers and section.
    citation: &'static str,
    /// What it says.
    says: &'static str,
}

/// Identifiers and sections as they stand in issue M.a.a of DDI 0487. Sections move from issue to issue (break-before-make
/// was D8.13.1 in I.a and D8.16.1 in K.a, and is D8.17.1 now); identifiers stay.
/// Pages are left out: they are others in every issue, and an identifier is found by a search.
macro_rules! arm_arm {
    ($rest:literal) => {
        concat!("Arm ARM DDI 0487 M.a.a, ", $rest)
    };
}

impl Rule {
    /// Every rule; of errata, one stands for all.
    pub const ALL: [Self; 21] = [
        Self::StoreBeforeTlbi,
        Self::Completion,
        Self::CompletionDomain,
        Self::Context,
        Self::OtherPes,
        Self::Scope,
        Self::Regime,
        Self::Operand,
        Self::RegisterWrite,
        Self::Stage2,
        Self::Nxs,
        Self::BreakBeforeMake,
        Self::InvalidToValid,
        Self::ForcedBroadcast,
        Self::Spelling,
        Self::ReadingOfCompletion,
        Self::Feature,
        Self::Erratum("any"),
        Self::Question,
        Self::Model,
        Self::Search,
    ];

    /// Returns where the rule is written: document, issue, rule identifiers where there are any, and section.
    #[must_use]
    pub fn citation(self) -> String {
        match self {
            Self::Erratum(id) => format!("erratum {id}"),
            rule => rule.entry().citation.into(),
        }
    }

    /// Returns what the rule says, in our words.
    #[must_use]
    pub const fn says(self) -> &'static str {
        self.entry().says
    }

    const fn entry(self) -> Entry {
        let (citation, says) = match self {
            Self::StoreBeforeTlbi => (
                arm_arm!("R_TGRMW, R_SPVBD (D8.2.6.1), R_TGVWD (D8.17.8)"),
                "The walker is an observer of its own. It is sure to see a store to a table only after a DSB by the PE that \
                 stored, and only a DSB orders a TLBI with what stands before it. Without one, a walk after the \
                 invalidation can read the old descriptor and cache it again.",
            ),
            Self::Completion => (
                arm_arm!("R_PSMWS, R_YNJCP (D8.17.8)"),
                "A TLBI may be complete at any time after its instruction, and is sure to be only after a DSB by the PE that \
                 issued it, one that waits for loads and stores alike. `st` and `ld` forms and DMBs complete nothing.",
            ),
            Self::CompletionDomain => (
                arm_arm!("R_PSMWS (D8.17.8)"),
                "The DSB reaches as far as the TLBI does: Non-shareable is enough for one that applies to a single PE, Inner \
                 Shareable for one that applies to the PEs of that domain.",
            ),
            Self::ReadingOfCompletion => (
                arm_arm!("B2.6.9, Data Synchronization Barrier"),
                "A DSB is complete when what stands before it is, for the observers of its domain. That one narrower than a \
                 broadcast TLBI completes it for its own domain's PEs is how Arm's formal model has it; `--reading strict` \
                 judges as if it completed nothing.",
            ),
            Self::Context => (
                arm_arm!("R_BLDZX (D8.17.8); FEAT_ETS2: B2.6.9"),
                "For the PE that issued the TLBI, the end of the old translation takes a DSB and then a context \
                 synchronization event: an ISB, or an exception entry or return. Before that, it may have translated what \
                 stands after the DSB. With FEAT_ETS2 the DSB alone is enough for loads and stores through entries that \
                 nobody may execute; it never is for instruction fetches.",
            ),
            Self::OtherPes => (
                arm_arm!("R_DCJQM, R_LXHLD (D8.17.8)"),
                "A TLBI is complete once every PE it applies to is done with the old translation; no observer makes a new \
                 access by it then. What another PE does after a message of the issuer is safe if that PE orders it after \
                 the message.",
            ),
            Self::Scope => (
                arm_arm!("R_QRNJC (D8.17.8); D8.17.5.4, TLB maintenance instruction scope"),
                "A TLBI acts on the PEs that its name says: this one, those of its Inner Shareable domain (IS), or those of \
                 its Outer Shareable domain (OS). All others keep what they hold.",
            ),
            Self::Regime => (
                arm_arm!("I_LMGTM (D8.17.6); D8.17.5.4, TLB maintenance instruction scope"),
                "A TLBI names the exception level of the translation regime that it applies to. Entries of another regime, \
                 stage, VMID or Security state stay.",
            ),
            Self::Operand => (
                arm_arm!("I_ZVNJG (D8.17.5.1); ranges: I_QPHNP (D8.17.5.2)"),
                "By address, bits [43:0] of the operand hold VA[55:12], bits [47:44] the level hint, bits [63:48] the ASID. \
                 A last-level form names no table entries, and a hint no entries of other levels.",
            ),
            Self::RegisterWrite => (
                arm_arm!("R_VNRFW (D8.17); D24.1.2.2, Synchronization requirements for AArch64 System registers"),
                "The write of a register that decides how addresses are translated takes effect somewhere before the next \
                 context synchronization event. What TLBs hold by its old value has to be invalidated after that.",
            ),
            Self::Stage2 => (
                arm_arm!("I_LRXYX (D8.17.6.1)"),
                "An invalidation by IPA need not remove entries that hold both stages in one. They go by a stage 1 \
                 invalidation for the VMID, with a DSB between the two.",
            ),
            Self::Nxs => (
                arm_arm!("R_TSJSN (D8.17.8); FEAT_XS"),
                "An nXS form is finished without the accesses to memory with the XS attribute, such as devices: neither it \
                 nor an nXS DSB waits for them.",
            ),
            Self::BreakBeforeMake => (
                arm_arm!("R_WHZWS, R_DDMVT (D8.17.1)"),
                "An entry that others may use gets another output address, size, memory type or shareability in steps: made \
                 invalid, DSB, TLBI, DSB, and only then the new entry and a DSB.",
            ),
            Self::InvalidToValid => (
                arm_arm!("R_XCLRD (D8.16), I_WZCBG (D8.17)"),
                "An entry that faults is in no TLB, so that making it valid needs no TLBI. It does need the DSB by which the \
                 walker sees the store, and a context synchronization event before this PE relies on it.",
            ),
            Self::ForcedBroadcast => (
                arm_arm!("HCR_EL2.FB (D24.2.62)"),
                "A hypervisor may have the local operations of EL1 broadcast in the Inner Shareable domain. EL1 cannot see it \
                 and cannot rely on it.",
            ),
            Self::Spelling => (
                "AARCH-24234 (Arm, Known issues in Issue M.a of the Arm ARM)",
                "The domain of a DSB for stores or for loads has no meaning: `dsb nshst`, `dsb ishst` and `dsb st` are one \
                 barrier. The domain of a full DSB says how far it completes TLBIs.",
            ),
            Self::Feature => (
                arm_arm!("ID_AA64ISAR0_EL1, ID_AA64ISAR1_EL1 (D24.2)"),
                "An instruction of a feature that a PE does not have is UNDEFINED there.",
            ),
            Self::Erratum(_) => (
                "",
                "Some CPUs do less than the architecture says; what Linux, Xen or TF-A do about it is in docs/errata.md.",
            ),
            Self::Question => (
                "the question",
                "The answer depends on something that was not said and does not follow from the sequence.",
            ),
            Self::Model => (
                "docs/abstract-machine.md",
                "Found by trying it on the abstract machine, not by a rule of its own.",
            ),
            Self::Search => (
                "docs/abstract-machine.md",
                "One judgement looks at so many states of the abstract machine and no more; what is beyond is not known.",
            ),
        };
        Entry { citation, says }
    }

    /// Returns a short stable id.
    #[must_use]
    pub fn id(self) -> String {
        let id = match self {
            Self::StoreBeforeTlbi => "store-before-tlbi",
            Self::Completion => "completion",
            Self::CompletionDomain => "completion-domain",
            Self::Context => "context-synchronization",
            Self::OtherPes => "other-pes",
            Self::Scope => "scope",
            Self::Regime => "regime",
            Self::Operand => "operand",
            Self::RegisterWrite => "register-write",
            Self::Stage2 => "stage-2",
            Self::Nxs => "nxs",
            Self::BreakBeforeMake => "break-before-make",
            Self::InvalidToValid => "invalid-to-valid",
            Self::ForcedBroadcast => "forced-broadcast",
            Self::Spelling => "spelling",
            Self::ReadingOfCompletion => "reading-completion",
            Self::Feature => "feature",
            Self::Erratum(id) => return format!("erratum {id}"),
            Self::Question => "question",
            Self::Model => "model",
            Self::Search => "search",
        };
        id.into()
    }
}

/// A ground of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// Further errata that say the same.
    pub also: Vec<Rule>,
    /// What it means for this sequence.
    pub text: String,
}

impl Reason {
    pub(super) fn new(rule: Rule, text: String) -> Self {
        Self {
            rule,
            also: Vec::new(),
            text,
        }
    }

    /// Returns where it is written, all names of it.
    #[must_use]
    pub fn citation(&self) -> String {
        if self.also.is_empty() {
            return self.rule.citation();
        }
        let all = core::iter::once(&self.rule).chain(&self.also);
        let names: Vec<String> = all
            .map(|rule| match rule {
                Rule::Erratum(id) => (*id).into(),
                other => other.citation(),
            })
            .collect();
        format!("errata {}", names.join(", "))
    }
}

/// A rule that grounds rest on, for those who do not know it by heart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<'a> {
    /// Where it is written.
    pub citation: String,
    /// What it says.
    pub says: &'static str,
    /// What it means here: the grounds that rest on it.
    pub here: Vec<&'a str>,
}

/// Explains the rules that grounds rest on, each once.
pub fn explained<'a>(grounds: impl IntoIterator<Item = (String, &'static str, &'a str)>) -> Vec<Explained<'a>> {
    let mut all: Vec<Explained<'a>> = Vec::new();
    for (citation, says, here) in grounds {
        match all.iter_mut().find(|known| known.citation == citation) {
            Some(known) if known.here.contains(&here) => {}
            Some(known) => known.here.push(here),
            None => all.push(Explained {
                citation,
                says,
                here: alloc::vec![here],
            }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_where_it_is_written_and_what_it_says() {
        for rule in Rule::ALL {
            assert!(!rule.citation().is_empty() && rule.says().ends_with('.'), "{rule:?}");
            let cited = rule.citation();
            if cited.contains("DDI 0487") {
                let named = cited.contains("M.a.a, ") && cited.chars().any(|c| c.is_ascii_digit());
                assert!(named, "{cited}");
            }
        }
        let mut ids: Vec<String> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), Rule::ALL.len());
    }

    #[test]
    fn errata_that_say_the_same_are_one_note_with_their_names() {
        let mut reason = Reason::new(Rule::Erratum("1"), "text".into());
        assert_eq!(reason.citation(), "erratum 1");
        reason.also.push(Rule::Erratum("2"));
        assert_eq!(reason.citation(), "errata 1, 2");
    }
}
