// SPDX-License-Identifier: MIT OR Apache-2.0
//! The firmware: how it is called, and how it turns the machine off or resets it.

use core::sync::atomic::{AtomicU8, Ordering};

use results::plan::Conduit;
use smccc::psci::{system_off, system_reset};
use smccc::{Hvc, Smc};

use crate::arch::instructions::wfe;

static CONDUIT: AtomicU8 = AtomicU8::new(0);

/// Says how the firmware is called.
pub fn set_conduit(conduit: Option<Conduit>) {
    let value = match conduit {
        None => 0,
        Some(Conduit::Smc) => 1,
        Some(Conduit::Hvc) => 2,
    };
    CONDUIT.store(value, Ordering::Relaxed);
}

/// Returns how the firmware is called.
pub fn conduit() -> Option<Conduit> {
    match CONDUIT.load(Ordering::Relaxed) {
        1 => Some(Conduit::Smc),
        2 => Some(Conduit::Hvc),
        _ => None,
    }
}

/// Turns the machine off.
pub fn power_off() -> ! {
    // SYSTEM_OFF returns only where the firmware does not implement it.
    let _ = match conduit() {
        Some(Conduit::Smc) => system_off::<Smc>(),
        Some(Conduit::Hvc) => system_off::<Hvc>(),
        // No PSCI that we know of: a call nobody answers would hang or trap.
        None => Ok(()),
    };
    park()
}

/// Resets the machine.
pub fn reset() -> ! {
    let _ = match conduit() {
        Some(Conduit::Smc) => system_reset::<Smc>(),
        Some(Conduit::Hvc) => system_reset::<Hvc>(),
        None => Ok(()),
    };
    park()
}

/// Waits for ever.
pub fn park() -> ! {
    loop {
        wfe();
    }
}
