// SPDX-License-Identifier: MIT OR Apache-2.0
//! The firmware, as far as there is one: PSCI by SMC (Arm DEN 0022).

/// What a call asks the machine to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// To return a value.
    Return(i64),
    /// To start a PE.
    On {
        /// Its affinity fields.
        affinity: u64,
        /// Where.
        entry: u64,
        /// With what in `x0`.
        context: u64,
    },
    /// To turn the calling PE off.
    Off,
    /// To say whether a PE is on.
    Affinity(u64),
    /// To turn the machine off.
    SystemOff,
    /// To reset it.
    SystemReset,
}

/// `SUCCESS`.
pub const SUCCESS: i64 = 0;
/// `NOT_SUPPORTED`, as of any unknown function of the SMC calling convention.
pub const NOT_SUPPORTED: i64 = -1;
/// `INVALID_PARAMETERS`.
pub const INVALID_PARAMETERS: i64 = -2;
/// `ALREADY_ON`.
pub const ALREADY_ON: i64 = -4;

const VERSION: u64 = 0x8400_0000;
const CPU_OFF: u64 = 0x8400_0002;
const CPU_ON: u64 = 0x8400_0003;
const AFFINITY_INFO: u64 = 0x8400_0004;
const MIGRATE_INFO_TYPE: u64 = 0x8400_0006;
const SYSTEM_OFF: u64 = 0x8400_0008;
const SYSTEM_RESET: u64 = 0x8400_0009;
const FEATURES: u64 = 0x8400_000a;
/// Calls with 64-bit arguments.
const WIDE: u64 = 1 << 30;
const SMCCC_VERSION: u64 = 0x8000_0000;

/// Reads a call.
pub fn call(x: [u64; 4]) -> Call {
    let function = x[0] & 0xffff_ffff;
    let wide = function & WIDE != 0;
    let argument = |value: u64| if wide { value } else { value & 0xffff_ffff };
    match function & !WIDE {
        VERSION => Call::Return(1 << 16),
        SMCCC_VERSION => Call::Return(1 << 16 | 1),
        CPU_ON => Call::On {
            affinity: argument(x[1]),
            entry: argument(x[2]),
            context: argument(x[3]),
        },
        CPU_OFF if !wide => Call::Off,
        AFFINITY_INFO => Call::Affinity(argument(x[1])),
        // No trusted OS.
        MIGRATE_INFO_TYPE if !wide => Call::Return(2),
        SYSTEM_OFF if !wide => Call::SystemOff,
        SYSTEM_RESET if !wide => Call::SystemReset,
        FEATURES if !wide => {
            let known = [
                VERSION,
                CPU_OFF,
                CPU_ON,
                AFFINITY_INFO,
                SYSTEM_OFF,
                SYSTEM_RESET,
                FEATURES,
                SMCCC_VERSION,
            ];
            let is_known = known.contains(&(x[1] & 0xffff_ffff & !WIDE));
            Call::Return(if is_known { SUCCESS } else { NOT_SUPPORTED })
        }
        _ => Call::Return(NOT_SUPPORTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_with_the_width_of_their_arguments() {
        let on = |function| call([function, 1, 0xffff_ffff_4020_0000, 7]);
        let wide = Call::On {
            affinity: 1,
            entry: 0xffff_ffff_4020_0000,
            context: 7,
        };
        assert_eq!(on(0xc400_0003), wide);
        let narrow = Call::On {
            affinity: 1,
            entry: 0x4020_0000,
            context: 7,
        };
        assert_eq!(on(0x8400_0003), narrow);
        assert_eq!(call([0x8400_0008, 0, 0, 0]), Call::SystemOff);
        assert_eq!(call([0x1234, 0, 0, 0]), Call::Return(NOT_SUPPORTED));
    }
}
