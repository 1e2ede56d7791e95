// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the build's configuration says of who runs a sequence: `#if IMAGE_BL31`, `#ifdef CONFIG_ARM64_VHE`,
//! `config_set(CONFIG_ARM_HYPERVISOR_SUPPORT)`, `cfg(feature = "el2")`.
//!
//! Only names of options count, in capitals or as features of Rust: what asks at run time is another thing. Options name
//! exception levels for many reasons (`CTX_INCLUDE_EL2_REGS`, `HANDLE_EA_EL3_FIRST`); taken are those whose name ends in
//! the level, behind a word that says that something runs there.

use crate::extract::condition::Decided;
use crate::extract::reduce::Found;
use sequences::judge::{Question, Regime, Stage};
use sequences::{ExceptionLevel, Instruction};

/// What the configuration of an arm says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The exception level that its code runs at.
    pub level: Option<ExceptionLevel>,
    /// `HCR_EL2.E2H`.
    pub e2h: Option<bool>,
    /// The options that say so.
    pub by: String,
}

/// Returns what the configuration says under which a sequence stands.
pub fn configuration(conditions: &[String]) -> Option<Configuration> {
    let mut decided = Decided::default();
    for condition in conditions {
        decided.decide(condition, true);
    }
    let mut all = Configuration {
        level: None,
        e2h: None,
        by: String::new(),
    };
    let mut names: Vec<String> = Vec::new();
    for (atom, holds) in decided.atoms() {
        let (level, e2h) = meaning(atom, holds);
        if level.is_none() && e2h.is_none() {
            continue;
        }
        // The nearest one comes first.
        all.level = all.level.or(level);
        all.e2h = all.e2h.or(e2h);
        let atom = atom.strip_prefix("defined ").unwrap_or(atom);
        names.push(if holds { atom.to_owned() } else { format!("not {atom}") });
    }
    names.dedup();
    all.by = names.join(", ");
    (!names.is_empty()).then_some(all)
}

/// Returns what an option means that is set, or is not.
fn meaning(atom: &str, holds: bool) -> (Option<ExceptionLevel>, Option<bool>) {
    use ExceptionLevel::{El1, El2, El3};
    // `CONFIG_ARM64_CURRENT_EL == EL2`, `CURRENT_EL == 2`.
    if let Some((left, right)) = atom.split_once("==") {
        let option = left.trim().to_ascii_uppercase() == left.trim() && left.contains("EL");
        let level = level_named(right.trim().trim_start_matches("EL"));
        return (level.filter(|_| option && holds), None);
    }
    for name in options(atom) {
        let lower = name.to_ascii_lowercase().replace('-', "_");
        let parts: Vec<&str> = lower.split('_').collect();
        let has = |word: &str| parts.contains(&word);
        if has("nvhe") {
            return (Some(El2), Some(!holds));
        }
        if has("vhe") || has("e2h") {
            return (holds.then_some(El2), Some(holds));
        }
        if has("image") && (has("bl31") || has("bl1")) && holds {
            return (Some(El3), None);
        }
        if has("image") && has("bl32") && holds {
            return (Some(El1), None);
        }
        let hypervisor = has("hypervisor") || has("hyp") && (has("support") || has("mode"));
        if hypervisor && !has("guest") {
            return (Some(if holds { El2 } else { El1 }), None);
        }
        const RUNS: [&str; 20] = [
            "at", "in", "run", "runs", "config", "kernel", "target", "build", "mode", "arm", "arm64", "armv8", "a64",
            "aarch64", "arch", "image", "hyp", "sys", "is", "current",
        ];
        let Some((last, before)) = parts.split_last() else {
            continue;
        };
        let level = last.strip_prefix("el").and_then(level_named);
        let says = before.last().is_none_or(|word| RUNS.contains(word));
        if let Some(level) = level.filter(|_| says && holds) {
            return (Some(level), None);
        }
    }
    (None, None)
}

fn level_named(digit: &str) -> Option<ExceptionLevel> {
    match digit {
        "1" => Some(ExceptionLevel::El1),
        "2" => Some(ExceptionLevel::El2),
        "3" => Some(ExceptionLevel::El3),
        _ => None,
    }
}

/// Returns the options that a condition names.
fn options(atom: &str) -> Vec<&str> {
    if atom.contains("feature") {
        return atom.split('"').skip(1).step_by(2).collect();
    }
    let words = atom.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| {
            word.len() > 2 && *word == word.to_ascii_uppercase() && word.contains(|c: char| c.is_ascii_alphabetic())
        })
        .collect()
}

/// Returns whether all operations of a side are those of EL1, for stage 1.
fn of_el1(found: &Found) -> bool {
    let mut tlbis = found.sequence.instructions().filter_map(Instruction::tlbi).peekable();
    tlbis.peek().is_some() && tlbis.all(|tlbi| tlbi.op.level() == ExceptionLevel::El1)
}

/// Puts what the configuration says into the question about one side.
pub fn configured(found: &Found, question: &Question) -> Question {
    let mut own = question.clone();
    let Some(configuration) = configuration(&found.conditions) else {
        return own;
    };
    // What a called function does for another level is no way of this arm.
    let beyond = |level: ExceptionLevel| {
        let mut tlbis = found.sequence.instructions().filter_map(Instruction::tlbi);
        !found.via.is_empty() && tlbis.any(|tlbi| tlbi.op.level() > level)
    };
    if let Some(level) = configuration.level.filter(|level| !beyond(*level)) {
        own.runs_at = level;
    }
    match (own.regime, configuration.e2h, configuration.level) {
        (Regime::El2, Some(true), _) => own.regime = Regime::El20,
        (Regime::El20, Some(false), _) => own.regime = Regime::El2,
        // Its other arm, or the other side, is for EL2.
        (Regime::El2 | Regime::El20 | Regime::El3, _, Some(ExceptionLevel::El1)) if of_el1(found) => {
            own.regime = Regime::El10;
            own.stage = Stage::One;
        }
        _ => {}
    }
    own
}

/// Returns what to ask of operations of EL1 in an arm for EL2: whose tables they are for.
pub fn whose(found: &Found, question: &Question) -> Option<String> {
    let configuration = configuration(&found.conditions)?;
    let at_el2 = configuration.level == Some(ExceptionLevel::El2) && configuration.e2h != Some(true);
    (at_el2 && question.regime == Regime::El10 && question.stage == Stage::One && !question.host && of_el1(found)).then(|| {
        format!(
            "by the configuration ({}) this runs at EL2, where operations of EL1 are about the tables of a guest: are those \
             meant, and not the code's own?",
            configuration.by
        )
    })
}

#[cfg(test)]
mod tests {
    use super::configuration;
    use sequences::ExceptionLevel::{self, El1, El2, El3};

    fn of(conditions: &[&str]) -> (Option<ExceptionLevel>, Option<bool>) {
        let conditions: Vec<String> = conditions.iter().map(|text| (*text).to_owned()).collect();
        configuration(&conditions).map_or((None, None), |found| (found.level, found.e2h))
    }

    #[test]
    fn options_say_who_runs() {
        assert_eq!(of(&["defined(CONFIG_ARM64_VHE)"]), (Some(El2), Some(true)));
        assert_eq!(of(&["not (defined(CONFIG_ARM64_VHE))"]), (None, Some(false)));
        assert_eq!(of(&["IMAGE_BL31"]), (Some(El3), None));
        assert_eq!(of(&["defined(IMAGE_BL32)"]), (Some(El1), None));
        assert_eq!(of(&["BL2_AT_EL3 && !FOO"]), (Some(El3), None));
        assert_eq!(of(&["IS_ENABLED(CONFIG_KERNEL_EL2)"]), (Some(El2), None));
        assert_eq!(of(&["config_set(CONFIG_ARM_HYPERVISOR_SUPPORT)"]), (Some(El2), None));
        assert_eq!(
            of(&["not (config_set(CONFIG_ARM_HYPERVISOR_SUPPORT))"]),
            (Some(El1), None)
        );
        assert_eq!(of(&["CONFIG_ARM64_CURRENT_EL == EL3"]), (Some(El3), None));
        assert_eq!(
            of(&["not (CONFIG_ARM64_CURRENT_EL == EL1)", "CONFIG_ARM64_CURRENT_EL == EL2"]),
            (Some(El2), None)
        );
        assert_eq!(of(&["feature = \"arm-el2\""]), (Some(El2), None));
    }

    #[test]
    fn other_names_say_nothing() {
        for name in [
            "CTX_INCLUDE_EL2_REGS",
            "HANDLE_EA_EL3_FIRST",
            "not (BL2_AT_EL3)",
            "CONFIG_SMP",
            "has_vhe()",
            "el == 2",
            "current_el() == 2",
            "ENABLE_FEAT_SEL2",
            "defined(CONFIG_HYP_DEBUG)",
            "HAS_EL3",
        ] {
            assert_eq!(of(&[name]), (None, None), "{name}");
        }
    }
}
