macro_rules! flush {
    ($(#[$doc:meta])* $name:ident, $operation:literal) => {
        $(#[$doc])*
        pub fn $name() {
            unsafe { asm!("dsb ishst", $operation, "dsb ish", "isb", options(nostack)) }
        }
    };
}

flush!(
    /// Invalidates all entries of EL2 on every PE.
    #[inline]
    flush_el2,
    "tlbi alle2is"
);
