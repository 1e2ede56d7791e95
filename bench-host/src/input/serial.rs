// SPDX-License-Identifier: MIT OR Apache-2.0
//! A serial line: raw, so that nothing is echoed to the board or changed on the way, and ours alone.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serial2::{SerialPort, Settings};

use super::InputError;

/// The speed of most boards' consoles.
const USUAL: u32 = 115_200;
/// How long one read waits: how soon a reader that is no longer wanted ends, and closes the port.
const WAIT: Duration = Duration::from_secs(1);

/// A serial line and its speed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialLine {
    /// The device.
    pub path: PathBuf,
    /// Bits per second; `None` leaves it as it is.
    pub baud: Option<u32>,
}

impl FromStr for SerialLine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, baud) = match text.rsplit_once(':') {
            // Device names may have colons in them (`/dev/serial/by-path/...-usb-0:1:1.0-port0`).
            Some((path, baud)) if !baud.is_empty() && baud.bytes().all(|byte| byte.is_ascii_digit()) => (
                path,
                baud.parse()
                    .map_err(|_| format!("{baud} is no speed in bits per second"))?,
            ),
            _ => (text, USUAL),
        };
        if path.is_empty() {
            return Err("a serial line is written DEVICE or DEVICE:BAUD".to_owned());
        }
        if baud == 0 {
            return Err("0 is no speed: to many drivers it means to hang up".to_owned());
        }
        Ok(Self {
            path: path.into(),
            baud: Some(baud),
        })
    }
}

impl fmt::Display for SerialLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.baud.map_or(Ok(()), |baud| write!(f, ":{baud}"))
    }
}

/// An open serial port.
pub struct Port(SerialPort);

impl Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl SerialLine {
    /// Opens the line for us alone, raw and without echo.
    pub(super) fn open(&self) -> Result<Port, InputError> {
        let path = || self.path.clone();
        #[cfg(unix)]
        if let Some(holder) = super::holder::of(&self.path) {
            return Err(InputError::Busy {
                path: path(),
                holder: Some(holder),
            });
        }
        let raw = |mut settings: Settings| {
            settings.set_raw();
            Ok(settings)
        };
        let mut port = SerialPort::open(&self.path, raw).map_err(|error| self.explain(error))?;
        self.claim(&port)?;
        if let Some(baud) = self.baud {
            let failed = |source| InputError::Baud {
                path: path(),
                baud,
                source,
            };
            let mut settings = port.get_configuration().map_err(failed)?;
            settings.set_baud_rate(baud).map_err(failed)?;
            port.set_configuration(&settings).map_err(failed)?;
        }
        port.set_read_timeout(WAIT)
            .map_err(|source| InputError::Device { path: path(), source })?;
        Ok(Port(port))
    }

    /// Keeps others away: those who look for a lock, and those who open it later.
    #[cfg(unix)]
    fn claim(&self, port: &SerialPort) -> Result<(), InputError> {
        use rustix::fs::{FlockOperation, flock};

        match flock(port, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => Err(InputError::Busy {
                path: self.path.clone(),
                holder: None,
            }),
            // Where a device cannot be locked, there is no lock to respect.
            _ => {
                let _ = rustix::termios::ioctl_tiocexcl(port);
                Ok(())
            }
        }
    }

    /// The system lets only one program open it.
    #[cfg(not(unix))]
    fn claim(&self, _: &SerialPort) -> Result<(), InputError> {
        Ok(())
    }

    fn explain(&self, source: io::Error) -> InputError {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::NotFound => InputError::NoDevice {
                present: present(),
                path,
            },
            io::ErrorKind::PermissionDenied => InputError::Permission {
                group: group(&path),
                path,
            },
            io::ErrorKind::ResourceBusy => InputError::Busy { path, holder: None },
            _ if fs::metadata(&path).is_ok_and(|found| !is_device(&found)) => InputError::NotSerial(path),
            #[cfg(unix)]
            _ if source.raw_os_error() == Some(rustix::io::Errno::NOTTY.raw_os_error()) => InputError::NotSerial(path),
            _ => InputError::Device { path, source },
        }
    }
}

/// Returns the serial devices that are plugged in; those that are always there, used or not, are left out.
fn present() -> Vec<String> {
    let ports = SerialPort::available_ports().unwrap_or_default();
    let mut names: Vec<String> = ports.iter().map(|port| port.display().to_string()).collect();
    names.retain(|name| !name.starts_with("/dev/ttyS"));
    names.sort();
    names
}

#[cfg(unix)]
fn is_device(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    found.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_device(found: &fs::Metadata) -> bool {
    !found.is_file() && !found.is_dir()
}

/// Returns the name, or else the number, of the group whose members may use a device, if there is one to join.
#[cfg(unix)]
fn group(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let device = fs::metadata(path).ok()?;
    let gid = device.gid();
    if !is_to_join(device.mode(), gid) {
        return None;
    }
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    Some(group_name(&groups, gid).unwrap_or_else(|| gid.to_string()))
}

#[cfg(not(unix))]
fn group(_: &Path) -> Option<String> {
    None
}

/// Returns whether joining a group helps: it may read and write, and it is not the one of the administrator.
#[cfg(unix)]
const fn is_to_join(mode: u32, gid: u32) -> bool {
    mode & 0o060 == 0o060 && gid != 0
}

#[cfg(unix)]
fn group_name(groups: &str, gid: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

/// Returns whether a path is a terminal device: a serial line, or one end of a pseudo-terminal.
pub(super) fn is_terminal(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::io::IsTerminal;
        use std::os::unix::fs::OpenOptionsExt;
        const FLAGS: i32 = (rustix::fs::OFlags::NONBLOCK.bits() | rustix::fs::OFlags::NOCTTY.bits()) as i32;
        // Only devices are opened: to open a pipe would end the wait of its writer.
        fs::metadata(path).is_ok_and(|found| is_device(&found))
            && fs::File::options()
                .read(true)
                .custom_flags(FLAGS)
                .open(path)
                .is_ok_and(|file| file.is_terminal())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> (String, Option<u32>) {
        let line: SerialLine = text.parse().unwrap();
        (line.path.display().to_string(), line.baud)
    }

    #[test]
    fn a_line_has_a_device_and_a_speed() {
        assert_eq!(line("/dev/ttyUSB0"), ("/dev/ttyUSB0".to_owned(), Some(115_200)));
        assert_eq!(
            line("/dev/ttyUSB0:1500000"),
            ("/dev/ttyUSB0".to_owned(), Some(1_500_000))
        );
        let by_path = "/dev/serial/by-path/pci-0:14.0-usb-0:1:1.0-port0";
        assert_eq!(line(by_path), (by_path.to_owned(), Some(115_200)));
        for wrong in ["", ":9600", "/dev/ttyUSB0:99999999999", "/dev/ttyUSB0:0"] {
            assert!(wrong.parse::<SerialLine>().is_err(), "{wrong}");
        }
        let again: SerialLine = "/dev/ttyUSB0:9600".parse().unwrap();
        assert_eq!(again.to_string(), "/dev/ttyUSB0:9600");
    }

    #[test]
    #[cfg(unix)]
    fn groups_have_names() {
        let groups = "root:x:0:\ndialout:x:20:ann,bob\nbroken\n";
        assert_eq!(group_name(groups, 20).as_deref(), Some("dialout"));
        assert_eq!(group_name(groups, 21), None);
        assert!(is_to_join(0o020_660, 20));
        assert!(!is_to_join(0o020_620, 5) && !is_to_join(0o020_600, 20) && !is_to_join(0o020_660, 0));
    }
}
