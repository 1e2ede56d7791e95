// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the judge of traces hands out.

use std::collections::BTreeMap;

/// Kinds of findings. Their ids are keys: they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A valid descriptor was replaced by another valid one that may not be in a TLB beside it.
    BreakBeforeMake,
    /// A descriptor was made again, and nothing had invalidated what it was.
    NotInvalidated,
    /// The TLBI came without a DSB between the store and it.
    NotOrdered,
    /// No DSB completed the TLBI before the next step.
    NotCompleted,
    /// The invalidation was local, and other PEs have used the root.
    Scope,
    /// The TLBI names something else: regime, VMID, ASID, level, range.
    Operation,
    /// An access through a new entry came before the barriers that make it usable.
    UseBeforeSynchronization,
    /// A table was freed and written while a walk could still reach it.
    FreedTable,
    /// A frame became a table, or was mapped elsewhere, while an old translation could still be written through.
    FrameReused,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::BreakBeforeMake,
        Self::NotInvalidated,
        Self::NotOrdered,
        Self::NotCompleted,
        Self::Scope,
        Self::Operation,
        Self::UseBeforeSynchronization,
        Self::FreedTable,
        Self::FrameReused,
    ];

    /// Returns the id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::BreakBeforeMake => "break-before-make",
            Self::NotInvalidated => "not-invalidated",
            Self::NotOrdered => "store-not-ordered",
            Self::NotCompleted => "not-completed",
            Self::Scope => "local-only",
            Self::Operation => "wrong-operation",
            Self::UseBeforeSynchronization => "use-before-synchronization",
            Self::FreedTable => "freed-table",
            Self::FrameReused => "frame-reused",
        }
    }

    /// Returns the kind of an id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// Returns what it means, in one line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BreakBeforeMake => "a valid entry is replaced without break-before-make",
            Self::NotInvalidated => "an entry is made again before its old translation was invalidated",
            Self::NotOrdered => "no DSB orders the store before the TLBI",
            Self::NotCompleted => "no DSB completes the TLBI before the entry is made again",
            Self::Scope => "the TLBI is local, and another PE has used the tables",
            Self::Operation => "the TLBI does not name the changed entry",
            Self::UseBeforeSynchronization => "a new entry is used before it is sure to be seen",
            Self::FreedTable => "a table is written as something else while a walk may still reach it",
            Self::FrameReused => "a frame is used anew while its old mapping may still be written through",
        }
    }
}

/// One step of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who.
    pub pe: u32,
    /// The address of the instruction.
    pub pc: u64,
    /// What.
    pub text: String,
    /// It distinguishes this path from others; barriers of interrupts in between do not.
    pub marks: bool,
}

/// What distinguishes findings: the same code path is one finding, counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// What is wrong.
    pub kind: Kind,
    /// The program counters of the store, the maintenance, and what follows it.
    pub pcs: Vec<u64>,
}

/// A finding: what the architecture does not regard as enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How often the path was taken so.
    pub count: u64,
    /// Entries at most of one go, and their addresses.
    pub first: u64,
    /// The last address.
    pub last: u64,
    /// The translation regime, in words.
    pub regime: String,
    /// What happened, the first time.
    pub story: Vec<Step>,
    /// The sequence that was executed.
    pub sequence: String,
    /// Why it is not enough.
    pub reasons: Vec<String>,
    /// The rule's id.
    pub rule: String,
    /// A sequence that is enough.
    pub enough: Option<String>,
    /// How a stale translation may come to be used.
    pub permitted: Vec<String>,
}

/// What is lawful, or not known, and told as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Count {
    /// Descriptors made valid.
    Maps,
    /// Changes that need an invalidation.
    Obligations,
    /// Of these, completed.
    Completed,
    /// Of these, with a sequence that is longer than what is remembered.
    Forgotten,
    /// Of these, made again as they were or with more permissions.
    Remade,
    /// Of these, left when nobody had the tables loaded any more.
    Abandoned,
    /// Of these, open at the end.
    Open,
    /// Permissions relaxed: a spurious fault is tolerated.
    Relaxed,
    /// New entries of EL0 used before a DSB: a spurious fault is retried.
    Spurious,
    /// Frames that were mapped elsewhere before the flush of their old use: lazy schemes do.
    Reused,
    /// Frames that became tables before the flush of a mapping of the kernel's own: lazy schemes do.
    ReusedAsTable,
    /// Read-only pages with another output address: lawful where the contents are the same.
    Doubtful,
    /// Entries without access flag that were changed: not in a TLB.
    NotAccessed,
    /// Uses that could not be watched.
    Unwatched,
    /// Stores to a table that hangs at two levels.
    Ambiguous,
    /// Tables outside memory.
    Outside,
    /// Root loads whose format is not known: their tables are not judged.
    Undecodable,
}

impl Count {
    /// Returns it in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Maps => "entries made valid",
            Self::Obligations => "changes that need an invalidation",
            Self::Completed => "  of these completed",
            Self::Forgotten => "  with a sequence too long to be shown",
            Self::Remade => "  made again as they were, or with more permissions",
            Self::Abandoned => "  left when no PE had the tables any more",
            Self::Open => "  open at the end",
            Self::Relaxed => "relaxations without maintenance (a spurious fault is tolerated)",
            Self::Spurious => "new EL0 entries used before a DSB (a spurious fault is tolerated)",
            Self::Reused => "frames mapped anew before the flush of their old mapping (lazy schemes do)",
            Self::ReusedAsTable => {
                "frames that became tables before the flush of a kernel's own mapping (lazy schemes do)"
            }
            Self::Doubtful => "read-only entries given another address (lawful if the contents are the same)",
            Self::NotAccessed => "changes of entries without access flag (not cached)",
            Self::Unwatched => "new entries whose use was not watched",
            Self::Ambiguous => "tables at two levels at once, not judged",
            Self::Outside => "tables outside memory, not judged",
            Self::Undecodable => "root loads in an unknown format, not judged",
        }
    }
}

/// A sequence that was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// In which regime, stage, and for which change.
    pub context: String,
    /// How many entries it was for.
    pub entries: u64,
    /// What the judge says.
    pub verdict: String,
    /// What would do, if it is not the weakest.
    pub weakest: Option<String>,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Findings by path.
    pub findings: BTreeMap<Path, Finding>,
    /// Numbers.
    pub counts: BTreeMap<Count, u64>,
    /// Sequences by context and text.
    pub executed: BTreeMap<(String, String), Executed>,
    /// Events that were read.
    pub events: u64,
    /// PEs that were seen.
    pub pes: u32,
    /// What `VBAR_EL1` and `VBAR_EL2` were set to: where a kernel's vectors are.
    pub vectors: Vec<u64>,
    /// Where top-level tables were.
    pub roots: Vec<u64>,
    /// Why the log is not whole.
    pub incomplete: Option<String>,
}
