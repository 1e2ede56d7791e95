// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exception syndromes in words (Arm ARM, "ESR_ELx, Exception Syndrome Register").

/// Describes a syndrome: the exception class, and for aborts the fault.
pub fn describe(esr: u64) -> String {
    let class = (esr >> 26 & 0x3f) as u8;
    let name = class_name(class);
    match class {
        0x20 | 0x21 | 0x24 | 0x25 => {
            let write = if class >= 0x24 && esr & 1 << 6 != 0 {
                " on a write"
            } else {
                ""
            };
            format!("{name}: {}{write}", fault_name((esr & 0x3f) as u8))
        }
        0x3c => format!("{name} #{:#x}", esr & 0xffff),
        _ => name.to_owned(),
    }
}

const fn class_name(class: u8) -> &'static str {
    match class {
        0x00 => "unknown reason (undefined instruction?)",
        0x01 => "trapped WFI or WFE",
        0x07 => "trapped SIMD or floating-point access",
        0x0a => "trapped instruction (LD64B, ST64B, BRB)",
        0x0d => "branch target exception",
        0x0e => "illegal execution state",
        0x15 => "SVC",
        0x16 => "HVC",
        0x17 => "SMC",
        0x18 => "trapped MSR, MRS or system instruction",
        0x19 => "trapped SVE access",
        0x1c => "pointer authentication failure",
        0x20 => "instruction abort from a lower exception level",
        0x21 => "instruction abort",
        0x22 => "PC alignment fault",
        0x24 => "data abort from a lower exception level",
        0x25 => "data abort",
        0x26 => "SP alignment fault",
        0x2f => "SError",
        0x30 | 0x31 => "breakpoint",
        0x32 | 0x33 => "software step",
        0x34 | 0x35 => "watchpoint",
        0x3c => "BRK",
        _ => "reserved exception class",
    }
}

fn fault_name(status: u8) -> String {
    let level = status & 3;
    match status {
        0x00..=0x03 => format!("address size fault, level {level}"),
        0x04..=0x07 => format!("translation fault, level {level}"),
        0x08..=0x0b => format!("access flag fault, level {level}"),
        0x0c..=0x0f => format!("permission fault, level {level}"),
        0x10 => "synchronous external abort".to_owned(),
        0x11 => "synchronous tag check fault".to_owned(),
        0x14..=0x17 => format!("external abort on a table walk, level {level}"),
        0x18 => "parity or ECC error".to_owned(),
        0x1c..=0x1f => format!("parity or ECC error on a table walk, level {level}"),
        0x21 => "alignment fault".to_owned(),
        0x30 => "TLB conflict abort".to_owned(),
        0x31 => "unsupported atomic hardware update".to_owned(),
        _ => format!("fault status {status:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syndromes_read_as_the_manual_names_them() {
        // As QEMU 7.2 and 10.0 report the same fault.
        assert_eq!(describe(0x97c0_8007), "data abort: translation fault, level 3");
        assert_eq!(
            describe(0x9600_004f),
            "data abort: permission fault, level 3 on a write"
        );
        assert_eq!(describe(0x8600_0004), "instruction abort: translation fault, level 0");
        assert_eq!(describe(0xf200_0001), "BRK #0x1");
        assert_eq!(describe(0x0200_0000), "unknown reason (undefined instruction?)");
    }
}
