// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tells an emulator from a processor, in what a stream says of its machine.
//!
//! This only ever finds emulators: a stream that shows none of these marks proves nothing.

use results::manifest::{Board, Manifest};

/// The rate of QEMU's cycle counter, whatever it emulates.
const QEMU_CYCLES: f64 = 1e9;
/// The frequencies of its generic timer: before version 9 and since. No processor is known that has the first.
const QEMU_TIMER: [u64; 2] = [62_500_000, 1_000_000_000];
/// Ticks after which the rate of the cycle counter is known well enough.
const ENOUGH: u64 = 10_000;
/// How exact it is.
const EXACT: f64 = 0.001;

/// The two clocks over all batches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clocks {
    cycles: u64,
    ticks: u64,
}

impl Clocks {
    /// Takes those of a batch.
    pub fn add(&mut self, cycles: u64, ticks: u64) {
        self.cycles = self.cycles.saturating_add(cycles);
        self.ticks = self.ticks.saturating_add(ticks);
    }

    fn are_of_qemu(&self, frequency: u64) -> bool {
        let rate = self.cycles as f64 / self.ticks as f64 * frequency as f64;
        QEMU_TIMER.contains(&frequency) && self.ticks >= ENOUGH && (rate / QEMU_CYCLES - 1.0).abs() < EXACT
    }
}

/// Returns by what the machine is known not to be a processor by itself, in a phrase.
pub fn mark(manifest: &Manifest, clocks: &Clocks) -> Option<String> {
    let by_board = manifest.board.as_ref().and_then(board);
    let boot = manifest.pes.first();
    let register = |name: &str| Some(boot?.registers.get(name)?.0);
    let by_midr = || register("MIDR_EL1").and_then(midr);
    let frequency = boot.and_then(|pe| pe.frequency).unwrap_or_default();
    let by_clocks = || {
        clocks.are_of_qemu(frequency).then(|| {
            format!(
                "its cycle counter runs at 1 GHz beside a timer of {frequency} Hz, exactly: these are QEMU's clocks"
            )
        })
    };
    by_board.or_else(by_midr).or_else(by_clocks)
}

fn board(board: &Board) -> Option<String> {
    /// What each is, and a part of its model or `compatible`, in lowercase.
    const KNOWN: [(&str, &str); 12] = [
        ("dummy-virt", "the virtual board of QEMU and of hypervisors"),
        ("qemu", "QEMU"),
        ("sbsa-ref", "QEMU's server board"),
        ("versal-virt", "QEMU's Versal board"),
        ("versal virtual", "QEMU's Versal board"),
        ("fvp", "Arm's fixed virtual platform"),
        ("foundation-", "Arm's Foundation model"),
        ("rtsm", "Arm's architecture envelope model"),
        ("v2p-aarch64", "gem5"),
        ("gem5", "gem5"),
        ("vmware", "a guest of VMware"),
        ("kvm", "a guest of KVM"),
    ];
    let Board { model, compatible, .. } = board;
    let text = format!("{model} {compatible}").to_lowercase();
    let (_, what) = KNOWN.iter().find(|(part, _)| text.contains(part))?;
    Some(format!("it is {what} (model `{model}`, compatible `{compatible}`)"))
}

/// Judges the implementer and the part of a `MIDR_EL1`.
fn midr(midr: u64) -> Option<String> {
    let (implementer, part) = (midr >> 24 & 0xff, midr >> 4 & 0xfff);
    let what = match (implementer, part) {
        // Arm ARM, MIDR_EL1.Implementer: reserved for software use.
        (0, _) => "an implementer reserved for software: QEMU's `max`",
        (0x41, 0xd00 | 0xd0f) => "a part number of Arm's architecture models",
        _ => return None,
    };
    Some(format!("its MIDR_EL1 {midr:#x} has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_board(model: &str, compatible: &str) -> bool {
        let (model, compatible) = (model.to_owned(), compatible.to_owned());
        board(&Board {
            model,
            compatible,
            firmware: String::new(),
        })
        .is_some()
    }

    #[test]
    fn emulators_are_known_by_their_boards() {
        for (model, compatible) in [
            ("linux/dummy-virt", "linux/dummy-virt"),
            ("", "linux/sbsa-ref"),
            ("Xilinx Versal Virtual development board", "xlnx/versal-virt"),
            ("FVP Base RevC", "arm/fvp-base-revc arm/vexpress"),
            ("V2P-AARCH64", "arm/vexpress"),
            ("QEMU KVM Virtual Machine", ""),
        ] {
            assert!(is_board(model, compatible), "{model}");
        }
        for (model, compatible) in [
            ("Raspberry Pi 4 Model B Rev 1.4", "raspberrypi/4-model-b brcm/bcm2711"),
            ("ARM Juno development board (r2)", "arm/juno-r2 arm/juno arm/vexpress"),
            ("Xilinx Versal vck190 Eval board revA", "xlnx/versal-vck190-rev1.1"),
            ("Radxa ROCK 5B", "radxa/rock-5b rockchip/rk3588"),
            ("", ""),
        ] {
            assert!(!is_board(model, compatible), "{model}");
        }
    }

    #[test]
    fn emulators_are_known_by_their_processors() {
        assert!(midr(0x000f_0510).is_some() && midr(0x410f_d0f0).is_some());
        // Cortex-A72, Neoverse N1, Apple, Kunpeng, Denver.
        for real in [0x410f_d083, 0x413f_d0c1, 0x611f_0221, 0x481f_d010, 0x4e0f_0030] {
            assert_eq!(midr(real), None, "{real:#x}");
        }
    }

    #[test]
    fn emulators_are_known_by_their_clocks() {
        let clocks = |cycles, ticks| {
            let mut clocks = Clocks::default();
            clocks.add(cycles, ticks);
            clocks
        };
        assert!(clocks(2_505_703, 156_605).are_of_qemu(62_500_000));
        assert!(clocks(2_505_703, 2_505_800).are_of_qemu(1_000_000_000));
        // A board at 1 GHz with a timer of 25 MHz; one at 1.5 GHz; too little to tell; nothing.
        assert!(!clocks(4_000_000, 100_000).are_of_qemu(25_000_000));
        assert!(!clocks(1_500_000, 62_500).are_of_qemu(62_500_000));
        assert!(!clocks(16, 1).are_of_qemu(62_500_000));
        assert!(!Clocks::default().are_of_qemu(62_500_000));
    }
}
