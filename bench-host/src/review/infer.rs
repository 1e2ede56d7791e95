// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sequence is for, as far as the source says: the question for the judge, and why it is that question.
//!
//! Everything here is a guess with its reason. It is printed, and each part can be given on the command line instead.

pub use crate::context::Given;
use crate::review::extract::reduce::Found;
use sequences::judge::{After, Change, Level, Name, Observers, Question, Regime, Stage};
use sequences::{ExceptionLevel, Instruction, Operand, Scope, Target, Tlbi};

/// A part of the context: its name, its value, and why it is taken to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// `regime`, `stage`, `change`, `observers`, `after` or `level`.
    pub name: &'static str,
    /// Its value, by the name the command line uses.
    pub value: String,
    /// Why.
    pub why: String,
}

/// Where a change stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The file.
    pub path: &'a str,
    /// The function after (before, where the sequence was removed).
    pub function: &'a str,
    /// What the patch says about itself, lowercase.
    pub message: &'a str,
}

/// Infers the question that both sides of a change are to answer.
pub fn infer(sides: &[&Found], place: Place<'_>, given: &Given) -> (Question, Vec<Assumption>) {
    let names = Names::of(sides, place);
    let tlbis: Vec<Tlbi> = sides
        .iter()
        .flat_map(|found| found.sequence.instructions())
        .filter_map(|instruction| match instruction {
            // `tlbi vale2is, xzr` is the dummy of an erratum work-around.
            Instruction::Tlbi(tlbi) if tlbi.operand != Operand::Xzr => Some(tlbi),
            _ => None,
        })
        .collect();
    let mut all = Vec::new();
    let mut say = |name, value: &str, why: &str| {
        all.push(Assumption {
            name,
            value: value.to_owned(),
            why: why.to_owned(),
        });
    };
    let flag = "given";

    let (regime, stage, why) = regime(&tlbis, &names);
    let (regime, why) = given.regime.map_or((regime, why), |regime| (regime, flag));
    say("regime", regime.name(), why);
    let stage = given
        .stage
        .unwrap_or(if regime == Regime::El10 { stage } else { Stage::One });
    say(
        "stage",
        stage.name(),
        if given.stage.is_some() {
            flag
        } else {
            "by the operations"
        },
    );

    let (change, why) = given
        .change
        .map_or_else(|| change(sides, &tlbis, &names), |change| (change, flag));
    say("change", change.name(), why);
    let (observers, why) = given
        .observers
        .map_or_else(|| observers(sides, &tlbis, &names), |observers| (observers, flag));
    say("observers", observers.name(), why);
    let (after, why) = given.after.map_or_else(
        || after(sides, &tlbis, observers, stage, change, &names),
        |after| (after, flag),
    );
    say("after", after.name(), why);

    let mut question = Question::new(change, regime, observers, after);
    question.stage = stage;
    let only_el1 = tlbis.iter().all(|tlbi| {
        tlbi.op.level() == ExceptionLevel::El1
            && !matches!(
                tlbi.op.target(),
                Target::All | Target::VmallS12 | Target::Ipa | Target::IpaLast
            )
    });
    if regime == Regime::El10 && only_el1 && !names.hypervisor && stage == Stage::One {
        question.runs_at = ExceptionLevel::El1;
    }
    if tlbis.iter().any(|tlbi| tlbi.op.level() == ExceptionLevel::El3) {
        question.runs_at = ExceptionLevel::El3;
    }
    let last = |tlbi: &Tlbi| {
        matches!(
            tlbi.op.target(),
            Target::VaLast | Target::VaAllAsidLast | Target::IpaLast
        )
    };
    let (level, why) = if given.level.is_some() {
        (given.level, flag)
    } else if change == Change::RemoveTable || given.change.is_none() && removes_empty_table(&names) {
        (Some(Level::Table), "a table entry is removed")
    } else if tlbis.iter().any(last) {
        (Some(Level::Last), "a last-level operation is used")
    } else {
        (None, "")
    };
    question.level = level;
    if let Some(level) = level {
        say("level", level.name(), why);
    }
    if tlbis.iter().any(|tlbi| tlbi.op.target() == Target::Asid) {
        question.global = Some(false);
        say("global", "no", "an address space is flushed by its ASID");
    }
    let hint = tlbis.iter().find_map(|tlbi| tlbi.operand.ttl());
    if let Some(ttl) = hint {
        question.level_number = Some(ttl.level());
        say(
            "level number",
            &ttl.level().to_string(),
            "the level hint is taken to be right",
        );
    }
    let paged = |tlbi: &Tlbi| matches!(tlbi.operand, Operand::Page(_) | Operand::Range(_));
    question.range = tlbis.iter().any(paged) && !(given.change.is_none() && removes_empty_table(&names));
    (given.complete(question), all)
}

/// What names and words say.
struct Names {
    /// Function and file, lowercase.
    text: String,
    function: String,
    message: String,
    hypervisor: bool,
}

impl Names {
    fn of(sides: &[&Found], place: Place<'_>) -> Self {
        let mut function = place.function.to_ascii_lowercase();
        for side in sides {
            function.push(' ');
            function.push_str(&side.function.to_ascii_lowercase());
        }
        let path = place.path.to_ascii_lowercase();
        Self {
            text: format!("{function} {path}"),
            function,
            message: place.message.to_owned(),
            hypervisor: path.contains("/hyp") || path.contains("kvm/") || path.contains("el2"),
        }
    }

    /// Returns whether the patch's message has these words, not inside of others.
    fn says(&self, words: &str) -> bool {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        self.message.match_indices(words).any(|(at, _)| {
            let before = self.message[..at].chars().next_back();
            let after = self.message[at + words.len()..].chars().next();
            !letter(before) && (!letter(after) || after == Some('s'))
        })
    }

    fn function_has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.function.contains(word))
    }
}

fn regime(tlbis: &[Tlbi], names: &Names) -> (Regime, Stage, &'static str) {
    let level = |level| tlbis.iter().any(|tlbi| tlbi.op.level() == level);
    let by_guest = tlbis.iter().any(|tlbi| {
        matches!(
            tlbi.op.target(),
            Target::Ipa | Target::IpaLast | Target::VmallS12 | Target::VmallWs2
        )
    });
    // `alle1` is for both stages: of which the change is, shows in what else is used, or in names.
    let all = |tlbi: &Tlbi| tlbi.op.level() == ExceptionLevel::El1 && tlbi.op.target() == Target::All;
    let guests = ["stage2", "stage_2", "s2", "vmid", "p2m", "guest", "kvm", "vcpu", "/vm"];
    let named = || guests.iter().any(|word| names.text.contains(word));
    let el1 = || tlbis.iter().filter(|tlbi| tlbi.op.level() == ExceptionLevel::El1);
    let stage_two = by_guest || tlbis.iter().any(all) && (named() || el1().all(all));
    let stage = if stage_two { Stage::Two } else { Stage::One };
    if level(ExceptionLevel::El3) {
        (Regime::El3, Stage::One, "by the operations' exception level")
    } else if stage_two && level(ExceptionLevel::El1) && !level(ExceptionLevel::El2) {
        (Regime::El10, stage, "stage 2 operations are used")
    } else if level(ExceptionLevel::El2) {
        match names.text.replace("nvhe", "").contains("vhe") || names.text.contains("e2h") {
            true => (Regime::El20, Stage::One, "by the operations, and VHE in the name"),
            false => (
                Regime::El2,
                Stage::One,
                "by the operations' exception level; HCR_EL2.E2H taken as 0",
            ),
        }
    } else {
        (Regime::El10, stage, "by the operations' exception level")
    }
}

fn change(sides: &[&Found], tlbis: &[Tlbi], names: &Names) -> (Change, &'static str) {
    let everything = tlbis.iter().all(|tlbi| {
        matches!(
            tlbi.op.target(),
            Target::All | Target::Vmall | Target::VmallS12 | Target::Asid
        )
    });
    let around = |prefix: &str, after: bool| {
        sides.iter().any(|found| {
            let list = if after {
                &found.around.written_after
            } else {
                &found.around.written_before
            };
            list.iter().any(|name| name.starts_with(prefix))
        })
    };
    let stores = sides.iter().any(|found| found.around.store_before);
    let has_dsb_before = sides.iter().any(|found| {
        let instructions: Vec<_> = found.sequence.instructions().collect();
        let first = instructions
            .iter()
            .position(|i| matches!(i, Instruction::Tlbi(_)))
            .unwrap_or(0);
        instructions[..first].iter().any(Instruction::is_dsb)
    });
    let early = [
        "start", "boot", "head.s", "entry", "tramp", "reset", "init", "reloc", "smp_",
    ]
    .iter()
    .any(|word| names.text.contains(word));
    let boot = early
        || names.function_has(&[
            "enable_mmu",
            "mmu_enable",
            "mmu_on",
            "enable_mm",
            "mmu_init",
            "cpu_init",
            "cpu_setup",
        ])
        || names.function_has(&[
            "mmu_setup",
            "disable_mmu",
            "mmu_disable",
            "mmu_off",
            "arch_enable",
            "enable_dcache",
        ]);
    let control = around("sctlr", true) || around("sctlr", false);
    let root = boot && (around("ttbr", true) || around("ttbr", false));
    if everything && !has_dsb_before && (control || root || boot && !stores) {
        return (
            Change::RecycleContext,
            "the MMU is switched on or off: what the TLB holds is from before",
        );
    }
    let switches = names.function_has(&[
        "switch",
        "new_context",
        "activate",
        "rollover",
        "recycle",
        "ttbr",
        "new_asid",
        "alloc_asid",
        "asid_alloc",
    ]) || tlbis.iter().all(|tlbi| tlbi.op.target() == Target::Asid) && names.function_has(&["asid"]);
    let here = tlbis.iter().all(|tlbi| tlbi.op.scope() == Scope::Local);
    if everything && here && !stores && !has_dsb_before && (around("ttbr", false) || around("vttbr", false) || switches)
    {
        return (
            Change::RecycleContext,
            "an address space is switched, no table entry is written",
        );
    }
    if names.function_has(&[
        "remove_identity",
        "remove_1_1",
        "unmap_identity",
        "identity_mapping_removed",
    ]) {
        return (
            Change::RemoveTable,
            "by the function's name, a table entry is removed with what is below it",
        );
    }
    if removes_empty_table(names) {
        return (
            Change::Invalidate,
            "by the function's name, an empty table is taken out: its entry may be in a walk cache",
        );
    }
    if names.function_has(&[
        "wrprotect",
        "write_protect",
        "set_ro",
        "mprotect",
        "wnx",
        "permission",
        "_ro_after",
    ]) {
        return (Change::Permissions, "by the function's name");
    }
    (
        Change::Invalidate,
        "the usual one: an entry was made invalid just before",
    )
}

/// Returns whether a function takes out a table by its name. Its last-level entries were invalidated before.
fn removes_empty_table(names: &Names) -> bool {
    names.function_has(&[
        "tlb_pgtable",
        "kernel_pgtable",
        "free_pgtable",
        "remove_pgtable",
        "free_pte",
        "free_pmd",
        "free_pud",
        "free_table",
        "walk_cache",
    ])
}

fn observers(sides: &[&Found], tlbis: &[Tlbi], names: &Names) -> (Observers, &'static str) {
    const LOCAL: [&str; 22] = [
        "idmap",
        "identity",
        "hibernate",
        "kexec",
        "local",
        "boot_cpu",
        "head.s",
        "remove_identity",
        "enable_mmu",
        "mmu_enable",
        "cpu_init",
        "cpu_setup",
        "secondary",
        "percpu",
        "per_cpu",
        "this_cpu",
        "_nsh",
        "map_domain_page",
        "early",
        "start",
        "cpu_resume",
        "reset",
    ];
    let scopes: Vec<Scope> = tlbis.iter().map(|tlbi| tlbi.op.scope()).collect();
    let broadcast = scopes.iter().any(|scope| *scope != Scope::Local);
    let local_name = LOCAL.iter().any(|word| names.text.contains(word));
    let all_local = !scopes.is_empty() && !broadcast;
    if local_name && (all_local || names.function.contains("local")) {
        return (
            Observers::ThisPe,
            "by name, this PE alone uses the tables or flushes for itself",
        );
    }
    if all_local && sides.last().is_some_and(|found| found.around.broadcast_beside) {
        return (
            Observers::Inner,
            "another way through the function broadcasts: other PEs may hold the entry",
        );
    }
    if all_local {
        return (
            Observers::ThisPe,
            "only local operations are used: no other PE may hold the entry",
        );
    }
    const MESSAGE: [&str; 10] = [
        "shootdown",
        "ipi",
        "uniprocessor",
        "this cpu",
        "local cpu",
        "boot cpu",
        "per-cpu mapping",
        "only used by this",
        "current cpu",
        "this pe",
    ];
    let mixed = scopes.contains(&Scope::Local);
    // Names that leave no doubt count where one side is broadcast, too.
    const OWN: [&str; 9] = [
        "idmap",
        "identity",
        "per_cpu",
        "percpu",
        "this_cpu",
        "boot_cpu",
        "secondary",
        "cpu_init",
        "cpu_setup",
    ];
    if mixed && names.function_has(&OWN) {
        return (Observers::ThisPe, "by name, this PE alone uses the tables");
    }
    if mixed && MESSAGE.iter().any(|word| names.says(word)) {
        return (
            Observers::ThisPe,
            "the patch says that one CPU is concerned, or that others are told in another way",
        );
    }
    if scopes.contains(&Scope::OuterShareable) {
        return (Observers::Outer, "an outer shareable operation is used");
    }
    match mixed {
        true => (Observers::Inner, "one side is broadcast: other PEs may hold the entry"),
        false => (Observers::Inner, "broadcast operations are used"),
    }
}

fn after(
    sides: &[&Found],
    tlbis: &[Tlbi],
    observers: Observers,
    stage: Stage,
    change: Change,
    names: &Names,
) -> (After, &'static str) {
    let last_isb = |found: &&Found| {
        let instructions: Vec<_> = found.sequence.instructions().collect();
        let last = instructions
            .iter()
            .rposition(|i| matches!(i, Instruction::Tlbi(_)))
            .unwrap_or(0);
        let rest = &instructions[last..];
        let dsb = rest.iter().position(Instruction::is_dsb);
        dsb.is_some_and(|dsb| rest[dsb..].contains(&Instruction::Isb))
    };
    let any_isb = sides.iter().any(last_isb);
    let kernel = names.function_has(&["kernel", "fixmap", "hyp", "xen", "pgtable"]);
    let by_space = tlbis.iter().all(|tlbi| {
        matches!(tlbi.op.target(), Target::Va | Target::VaLast | Target::Asid) && tlbi.op.level() == ExceptionLevel::El1
    });
    let user = (by_space || names.function_has(&["user", "vma", "mm"])) && !kernel;
    let clearly_user =
        names.function_has(&["_mm", "user", "vma", "flush_tlb_page", "flush_tlb_range", "_asid"]) && !kernel;
    if stage == Stage::Two && !any_isb {
        return (
            elsewhere(observers),
            "a guest runs next, and entering it synchronizes the context",
        );
    }
    if clearly_user && !sides.iter().all(last_isb) || user && !any_isb {
        return (
            elsewhere(observers),
            "user memory: the return to it synchronizes the context",
        );
    }
    if !any_isb && !kernel && tlbis.iter().all(|tlbi| tlbi.op.level() == ExceptionLevel::El1) {
        return (
            elsewhere(observers),
            "no side has an ISB: taken to be for another context, whose entry synchronizes",
        );
    }
    if !any_isb && sides.len() == 2 {
        return (
            elsewhere(observers),
            "no side has an ISB: what synchronizes the context is elsewhere, as before",
        );
    }
    let returns = sides.iter().all(|found| found.around.returns_from_exception);
    if returns && !any_isb {
        return (
            elsewhere(observers),
            "an exception return follows, which synchronizes the context",
        );
    }
    let writes_control = sides
        .iter()
        .any(|found| found.around.written_after.iter().any(|name| name.starts_with("sctlr")));
    if !any_isb && change == Change::RecycleContext && (writes_control || !names.function.is_empty()) {
        return (
            After::Nothing,
            "the MMU or the address space is switched later, with its own ISB",
        );
    }
    if change == Change::Permissions {
        return (After::DataHere, "this PE goes on with data of the regime");
    }
    (After::FetchHere, "this PE goes on with code and data of the regime")
}

/// What can go wrong apart from this PE's next instructions.
const fn elsewhere(observers: Observers) -> After {
    match observers {
        Observers::ThisPe => After::Nothing,
        Observers::Inner | Observers::Outer => After::AccessElsewhere,
    }
}
