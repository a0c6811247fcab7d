//! Ports on 127.0.0.1 that stay the same from run to run where they can, so that addresses stay valid.

use std::net::TcpListener;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Because, Failure};
use crate::files;

/// The ports that others know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    /// The front door.
    pub(crate) door: u16,
    /// The emulator.
    pub(crate) emulator: u16,
}

impl Ports {
    /// A wanted port must be free; that of the last run (kept in the state folder) is taken if it is; else any.
    pub(crate) fn choose(state: &Path, door: Option<u16>, emulator: Option<u16>) -> Result<Self, Failure> {
        let path = state.join("ports.json");
        let last: Option<Self> = files::read_json(&path)?;
        let (door, held) = choose(door, last.map(|ports| ports.door))?;
        let (emulator, _) = choose(emulator, last.map(|ports| ports.emulator))?;
        drop(held); // held until now, so that both are not the same
        let ports = Self { door, emulator };
        files::write_json(&path, &ports)?;
        Ok(ports)
    }
}

fn choose(wanted: Option<u16>, last: Option<u16>) -> Result<(u16, TcpListener), Failure> {
    let listener = match (wanted, last) {
        (Some(port), _) => bind(port).because(format!("port {port} is taken: name another one"))?,
        (None, Some(port)) => bind(port).or_else(|_| bind(0)).because("no port is free")?,
        (None, None) => bind(0).because("no port is free")?,
    };
    let port = listener.local_addr().because("a listener has no address")?.port();
    Ok((port, listener))
}

fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ports_are_taken_again_if_they_are_free() {
        let folder = tempfile::tempdir().unwrap();
        let first = Ports::choose(folder.path(), None, None).unwrap();
        assert_ne!(first.door, first.emulator);
        assert_eq!(Ports::choose(folder.path(), None, None).unwrap(), first);
        let taken = bind(first.door).unwrap();
        let other = Ports::choose(folder.path(), None, None).unwrap();
        assert_ne!(other.door, first.door);
        assert_eq!(other.emulator, first.emulator);
        assert!(Ports::choose(folder.path(), Some(first.door), None).unwrap_err().0.contains("taken"));
        drop(taken);
    }
}
