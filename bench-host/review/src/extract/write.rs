// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes of the registers that decide how addresses are translated: as instructions, and by accessors of all kinds.

use crate::extract::names;
use crate::extract::operand::Value;
use sequences::ContextRegister;

/// A write of a system register that matters for translation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Write {
    /// Its name, lowercase: `ttbr0_el1`; `ic iallu` for maintenance of instruction caches.
    pub register: String,
    /// What is written, as the text has it; empty where that is not in sight.
    pub text: String,
    /// What is known of that.
    pub value: Value,
    /// What it is given is computed on lines that are on one side of the patch only.
    pub fed: bool,
}

/// Registers whose write changes how addresses are translated, by the start of their names.
const REGISTERS: [&str; 9] = [
    "ttbr",
    "vttbr",
    "sctlr",
    "tcr",
    "vtcr",
    "hcr",
    "mair",
    "scr_",
    "contextidr",
];

/// Accessors that are given the register, as the first or as the last argument, without regard to case.
const ACCESSORS: [&str; 21] = [
    "write_sysreg",
    "write_sysreg_s",
    "write_sysreg64",
    "write_sysreg_lr",
    "write_sysreg_el1",
    "write_sysreg_el2",
    "write_specialreg",
    "sysreg_write",
    "sysreg_write64",
    "write_sys_reg",
    "sys_reg_write",
    "arm64_write_sysreg",
    "armv8_write_sysreg",
    "sysreg_clear_set",
    "sysreg_clear_set_s",
    "set_sysreg",
    "write_msr",
    "msr_write",
    "msr",
    "wrmsr",
    "arm_msr",
];

/// Methods of a register that write it.
const METHODS: [&str; 7] = [
    "set",
    "write",
    "modify",
    "modify_no_read",
    "set_baddr",
    "set_asid",
    "set_vmid",
];

/// Returns the register of a name, where its write changes how addresses are translated: `SYS_TTBR0_EL1`, `regs::TCR_EL2`.
pub fn register(name: &str) -> Option<String> {
    let last = name.rsplit([':', '.']).next().unwrap_or(name);
    let lower = last.trim().trim_matches('"').to_ascii_lowercase();
    let plain = lower.strip_prefix("sys_").unwrap_or(&lower);
    // The argument of a macro may stand for the exception level: `sctlr_el\\el`.
    let is_name = !plain.contains(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '+' | '|' | '&'));
    // By its encoding: `S3_4_C2_C1_0` is VTTBR_EL2.
    let by_number = plain
        .strip_prefix("s3_")
        .and_then(|rest| rest.split('_').nth(1))
        .is_some_and(|crn| crn == "c2");
    if is_name && by_number {
        return Some(plain.to_owned());
    }
    (is_name && REGISTERS.iter().any(|prefix| plain.starts_with(prefix))).then(|| plain.to_owned())
}

/// Returns whether a text ends with something, without regard to case.
fn ends_with(text: &str, end: &str) -> bool {
    let text = text.trim();
    text.get(text.len().saturating_sub(end.len())..)
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

impl Write {
    /// Returns the write of a register, by its name, of something that is not in sight.
    pub fn of(register: String) -> Self {
        Self {
            register,
            ..Self::default()
        }
    }

    /// Returns the write that a call is, where its name is that of an accessor of any register.
    pub fn by_accessor(name: &str, arguments: &[String]) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        // `WRITE_SYSREG32` and `WRITE_SYSREG64` write the same register.
        let plain = lower.strip_suffix("32").or(lower.strip_suffix("64")).unwrap_or(&lower);
        let (first, last) = (arguments.first()?, arguments.last()?);
        let known = ACCESSORS.contains(&plain) || ACCESSORS.contains(&lower.as_str());
        // Whatever it is called: of two arguments one is the whole name of a register.
        let register_by_itself = |text: &String| ["_el1", "_el2", "_el3"].iter().any(|level| ends_with(text, level));
        let writes = arguments.len() == 2
            && names::is_write_of_anything(name)
            && [first, last].into_iter().any(register_by_itself);
        if !known && !writes {
            return None;
        }
        // A variable may be called after its register: `write_sysreg(ttbr, ttbr0_el1)`.
        let whole = |text: &String| {
            let lower = text.to_ascii_lowercase();
            lower.contains("_el") || lower.contains("sys_")
        };
        let (name, rest) = match (register(first), register(last)) {
            (Some(name), other) if whole(first) || other.is_none() => (name, &arguments[1..]),
            (_, Some(name)) => (name, &arguments[..arguments.len() - 1]),
            _ => return None,
        };
        // `write_sysreg_el1(value, SYS_TTBR0)` leaves the exception level to the accessor.
        let level = ["_el1", "_el2"]
            .into_iter()
            .find(|level| lower.ends_with(level) && !name.contains("_el"));
        let text = match (lower.starts_with("sysreg_clear_set"), rest) {
            (true, [clear, set]) => format!("({set}) & ~({clear})"),
            _ => rest.join(", "),
        };
        Some(Self {
            register: format!("{name}{}", level.unwrap_or_default()),
            text,
            ..Self::default()
        })
    }

    /// Returns the write that a method of a register is: `TTBR0_EL2.set(x)`, `SCTLR_EL1::write(x)`.
    pub fn by_method(receiver: &str, method: &str, arguments: &[String]) -> Option<Self> {
        let lower = receiver.to_ascii_lowercase();
        // `Ttbr0El1` and `TTBR0_EL1` are both in use.
        let spelled = match lower.rfind("el") {
            Some(at) if at > 0 && !lower.contains('_') => format!("{}_{}", &lower[..at], &lower[at..]),
            _ => lower,
        };
        let name = register(&spelled).filter(|name| ["_el1", "_el2", "_el3"].iter().any(|level| name.ends_with(level)));
        name.filter(|_| METHODS.contains(&method)).map(|register| Self {
            register,
            text: arguments.join(", "),
            ..Self::default()
        })
    }

    /// Returns the register in the judge's language, where it has it.
    pub fn context(&self) -> Option<ContextRegister> {
        ContextRegister::from_name(self.register.trim())
    }

    /// Returns what is to be known of it where only what it is given changes.
    pub fn doubt(&self) -> Option<String> {
        self.fed
            .then(|| format!("what is written to `{}` is computed otherwise", self.register))
    }

    /// Returns whether the MMU is on after a write of SCTLR; nothing where the text does not say.
    pub fn mmu(&self) -> Option<bool> {
        self.register.starts_with("sctlr").then_some(())?;
        // `SCTLR_MMU_DISABLED` is a name for the bit that is not set.
        if let Some(set) = self.flag(&|word| is_mmu_bit(word) && is_off(word)) {
            return Some(!set);
        }
        if let Some(on) = self.flag(&|word| is_mmu_bit(word)) {
            return Some(on);
        }
        let lower = self.text.to_ascii_lowercase();
        for (words, on) in [
            (["::m::enable", "::m::set", "m::enable", "::m.val(1)"], true),
            (["::m::disable", "::m::clear", "m::disable", "::m.val(0)"], false),
        ] {
            if words.iter().any(|word| lower.contains(word)) {
                return Some(on);
            }
        }
        if self.value == Value::default() {
            return None;
        }
        if self.value.constant & 1 == 1 {
            return Some(true);
        }
        let clear = self.value.terms.iter().all(|term| term.mask & 1 == 0 && !term.loose);
        clear.then_some(false)
    }

    /// Returns whether SCTLR is written as it was read, with flags set that are not the M bit's: the MMU stays as it is.
    pub fn keeps_mmu(&self) -> bool {
        if !self.register.starts_with("sctlr") || self.mmu() == Some(true) {
            return false;
        }
        let lower = self.text.to_ascii_lowercase();
        let (reads, flags): (Vec<&str>, Vec<&str>) = lower
            .split('|')
            .map(str::trim)
            .partition(|part| part.contains("sctlr") && (part.contains("read") || part.contains("mrs")));
        let is_flag =
            |part: &&str| part.starts_with("sctlr") && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        reads.len() == 1 && !reads[0].contains('~') && !reads[0].contains('&') && flags.iter().all(is_flag)
    }

    /// Returns whether EL0 and the `…e1` operations belong to the host after a write of HCR_EL2 (TGE).
    pub fn host(&self) -> Option<bool> {
        self.register.starts_with("hcr").then_some(())?;
        self.flag(&|word| matches!(word, "hcr_tge" | "hcr_el2_tge" | "tge"))
            .or_else(|| {
                let lower = self.text.to_ascii_lowercase();
                match (lower.contains("host_vhe"), lower.contains("hcr_guest")) {
                    (true, false) => Some(true),
                    (false, true) => Some(false),
                    _ => None,
                }
            })
    }

    /// Returns whether a flag, by its names, is set or cleared; nothing where it is not in the text.
    fn flag(&self, is_name: &dyn Fn(&str) -> bool) -> Option<bool> {
        let text = format!(
            "{} {}",
            self.text,
            self.value
                .terms
                .iter()
                .map(|term| term.base.as_str())
                .collect::<Vec<_>>()
                .join(" | ")
        )
        .to_ascii_lowercase();
        let mut found = None;
        let mut cleared = false;
        let mut depth_of_clear = None;
        let mut depth = 0_i32;
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            if c.is_ascii_alphanumeric() || c == '_' {
                let length = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                if is_name(&rest[..length]) {
                    found = Some(!cleared);
                }
                if depth_of_clear.is_none() {
                    cleared = false;
                }
                rest = &rest[length..];
                continue;
            }
            match c {
                '~' | '!' => cleared = true,
                '(' => {
                    if cleared && depth_of_clear.is_none() {
                        depth_of_clear = Some(depth);
                    }
                    depth += 1;
                }
                ')' => {
                    depth -= 1;
                    if depth_of_clear.is_some_and(|at| depth <= at) {
                        depth_of_clear = None;
                        cleared = false;
                    }
                }
                _ => {}
            }
            rest = &rest[c.len_utf8()..];
        }
        found
    }
}

/// Returns whether a name, lowercase, is that of SCTLR's M bit: `sctlr_m`, `sctlr_elx_m`, `cr_m_bit`, `sctlr_mmu_enabled`.
fn is_mmu_bit(word: &str) -> bool {
    let mut parts = word.split('_');
    parts
        .next()
        .is_some_and(|first| matches!(first, "sctlr" | "cr" | "ctrl"))
        && parts.any(|part| part == "m" || part == "mmu")
}

/// Returns whether a name of a bit says that it is clear.
fn is_off(word: &str) -> bool {
    word.rsplit('_')
        .next()
        .is_some_and(|last| last.starts_with("dis") || last == "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(register: &str, text: &str) -> Write {
        Write {
            text: text.to_owned(),
            ..Write::of(register.to_owned())
        }
    }

    #[test]
    fn accessors_of_all_kinds_are_known() {
        let is = |name: &str, arguments: &[&str], register: &str, text: &str| {
            let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
            let write = Write::by_accessor(name, &arguments).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                (write.register.as_str(), write.text.as_str()),
                (register, text),
                "{name}"
            );
        };
        is("write_sysreg", &["ttbr", "ttbr0_el1"], "ttbr0_el1", "ttbr");
        is("WRITE_SYSREG", &["x", "VTTBR_EL2"], "vttbr_el2", "x");
        is("WRITE_SPECIALREG", &["TTBR0_EL1", "x"], "ttbr0_el1", "x");
        is("write_sysreg_el1", &["x", "SYS_TCR"], "tcr_el1", "x");
        is(
            "sysreg_clear_set",
            &["hcr_el2", "HCR_TGE", "0"],
            "hcr_el2",
            "(0) & ~(HCR_TGE)",
        );
        is("REG_UPDATE_P", &["sctlr_el1", "x"], "sctlr_el1", "x");
        is("put_reg", &["x", "TTBR0_EL1"], "ttbr0_el1", "x");
        for (name, arguments) in [
            ("write_sysreg", ["x", "vbar_el1"]),
            ("print_reg", ["SCTLR_EL1", "x"]),
            ("set_trap", ["TRAP_SCTLR", "x"]),
        ] {
            assert_eq!(Write::by_accessor(name, &arguments.map(str::to_owned)), None, "{name}");
        }
        for (receiver, register) in [
            ("TTBR0_EL2", "ttbr0_el2"),
            ("Ttbr0El1", "ttbr0_el1"),
            ("SCTLR_EL3", "sctlr_el3"),
        ] {
            let write = Write::by_method(receiver, "set", &["x".into()]).expect(receiver);
            assert_eq!(write.register, register);
        }
        assert_eq!(Write::by_method("TTBR0_EL2", "get", &[]), None);
        assert_eq!(Write::by_method("table", "set", &[]), None);
    }

    #[test]
    fn what_is_set_and_what_is_cleared_is_told_apart() {
        for (text, on) in [
            ("sctlr | SCTLR_ELx_M", Some(true)),
            ("sctlr & ~SCTLR_ELx_M", Some(false)),
            ("sctlr & ~(SCTLR_C | SCTLR_M)", Some(false)),
            ("(sctlr & ~(SCTLR_A)) | SCTLR_M", Some(true)),
            ("SCTLR_EL2::M::Enable + SCTLR_EL2::C::Cacheable", Some(true)),
            ("SCTLR_EL1::M::Disable", Some(false)),
            ("SCTLR_RESERVED | SCTLR_MMU_ENABLED", Some(true)),
            ("SCTLR_RESERVED | SCTLR_MMU_DISABLED", Some(false)),
            ("get_sctlr() | CR_C", None),
        ] {
            assert_eq!(written("sctlr_el2", text).mmu(), on, "{text}");
        }
        for (text, host) in [
            ("hcr & ~HCR_TGE", Some(false)),
            ("HCR_HOST_VHE_FLAGS", Some(true)),
            ("HCR_RW | HCR_TGE", Some(true)),
            ("HCR_GUEST_FLAGS", Some(false)),
            ("vcpu->arch.hcr_el2", None),
        ] {
            assert_eq!(written("hcr_el2", text).host(), host, "{text}");
        }
    }
}
