// SPDX-License-Identifier: MIT OR Apache-2.0
//! A console behind a network: ser2net, conserver, labgrid, a QEMU chardev.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::InputError;

/// How long one address may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to the first address of `host:port` that answers.
pub fn connect(address: &str) -> Result<TcpStream, InputError> {
    let failed = |source| InputError::Connect {
        address: address.to_owned(),
        source,
    };
    let mut last = io::Error::other("the name has no address");
    for candidate in address.to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&candidate, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}
