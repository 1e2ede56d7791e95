// SPDX-License-Identifier: MIT OR Apache-2.0
//! A panic is a bug of the kernel: the run says where, and fails.

use core::fmt::Write;
use core::panic::PanicInfo;

use crate::platform::end::fatal;
use crate::platform::firmware::park;
use crate::platform::lost;
use crate::platform::message::Message;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if lost::is_this_pe() {
        park();
    }
    let mut message = Message::new();
    let (file, line) = info
        .location()
        .map_or(("?", 0), |location| (location.file(), location.line()));
    let _ = write!(message, "panic at {file}:{line}");
    fatal(message.as_str())
}
