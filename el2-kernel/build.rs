// SPDX-License-Identifier: MIT OR Apache-2.0
//! Links the bare-metal build with the image layout; the host build (unit tests) needs nothing.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=image.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let dir = env::var("CARGO_MANIFEST_DIR").unwrap();
        // Position independent, with the few absolute addresses (tables of strings, of functions) left as relocations
        // that the entry code applies itself, once for the load address and once for the runtime address.
        for arg in [
            &format!("-T{dir}/image.ld"),
            "-pie",
            "--no-dynamic-linker",
            "-znotext",
            "-zmax-page-size=4096",
        ] {
            println!("cargo:rustc-link-arg-bins={arg}");
        }
    }
}
