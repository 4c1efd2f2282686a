//! The model inside: chorister's bytes, put where llama.cpp can map them.
//!
//! llama.cpp loads from a path only. The bytes are written once to the cache folder, under a name that
//! holds their hash, and mapped from there ever after. Where there is no such folder, they go to memory
//! (Linux) or to a temporary file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use antiphon_core::{Error, Kind, Result};

/// The weights; see `models/chorister/README.md`.
static CHORISTER: &[u8] = include_bytes!("../../../models/chorister/chorister.gguf");

/// The path of the built-in model's file, written to `cache_dir` if it is not there yet.
pub fn builtin_path(cache_dir: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = cache_dir {
        match in_folder(folder) {
            Ok(path) => return Ok(path),
            Err(error) => tracing::debug!("cannot keep chorister in {}: {error}", folder.display()),
        }
    }
    in_memory().map_err(|error| {
        Error::new(Kind::LocalModel, format!("cannot put the built-in model anywhere: {error}"))
            .hint("make the cache folder or the folder for temporary files writable")
    })
}

pub(crate) fn size() -> u64 {
    CHORISTER.len() as u64
}

fn file_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| format!("chorister-{:016x}.gguf", fnv1a(CHORISTER)))
}

/// FNV-1a over words: it only tells versions of our own file apart.
fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325 ^ bytes.len() as u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = u64::from_le_bytes(word.try_into().expect("a chunk of eight bytes"));
        hash = (hash ^ word).wrapping_mul(0x0100_0000_01B3).rotate_left(23);
    }
    words.remainder().iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// The name holds the hash and a file appears under it only whole, so its length is check enough.
fn in_folder(folder: &Path) -> std::io::Result<PathBuf> {
    let path = folder.join(file_name());
    let whole = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == CHORISTER.len() as u64)
    };
    if whole(&path) {
        return Ok(path);
    }
    std::fs::create_dir_all(folder)?;
    let temporary =
        folder.join(format!("{}.{:016x}", file_name(), crate::random::Random::from_system().next()));
    let written = write_new(&temporary).and_then(|()| std::fs::rename(&temporary, &path));
    if let Err(error) = written {
        // What is left of the attempt is of no use; that it cannot be removed either changes nothing.
        let _ = std::fs::remove_file(&temporary);
        // Where a file in use cannot be replaced, another process was first.
        return if whole(&path) { Ok(path) } else { Err(error) };
    }
    Ok(path)
}

fn write_new(path: &Path) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(CHORISTER)
}

/// Files that must stay open as long as the process: their paths go through the descriptor.
static OPEN: Mutex<Option<(File, PathBuf)>> = Mutex::new(None);

fn in_memory() -> std::io::Result<PathBuf> {
    let mut open = OPEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, path)) = &*open {
        return Ok(path.clone());
    }
    #[cfg(target_os = "linux")]
    if let Ok((file, path)) = memfd() {
        *open = Some((file, path.clone()));
        return Ok(path);
    }
    let folder = std::env::temp_dir().join(format!("antiphon-{}", std::process::id()));
    let path = in_folder(&folder)?;
    *open = Some((File::open(&path)?, path.clone()));
    Ok(path)
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library cannot make a file in memory")]
fn memfd() -> std::io::Result<(File, PathBuf)> {
    use std::ffi::{c_char, c_int, c_uint};
    use std::os::fd::FromRawFd;
    unsafe extern "C" {
        fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
    }
    const CLOSE_ON_EXEC: c_uint = 1;
    // SAFETY: the name is a null-terminated string; the call has no other precondition.
    let descriptor = unsafe { memfd_create(c"chorister".as_ptr(), CLOSE_ON_EXEC) };
    if descriptor < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nothing else owns it.
    let mut file = unsafe { File::from_raw_fd(descriptor) };
    file.write_all(CHORISTER)?;
    Ok((file, PathBuf::from(format!("/proc/self/fd/{descriptor}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_and_repaired_when_cut() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("a/b");
        let path = builtin_path(Some(&cache)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), CHORISTER);
        assert_eq!(builtin_path(Some(&cache)).unwrap(), path);
        std::fs::write(&path, b"GGUF").unwrap();
        assert_eq!(std::fs::read(builtin_path(Some(&cache)).unwrap()).unwrap(), CHORISTER);
        assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn without_a_folder_it_is_somewhere_all_the_same() {
        for folder in [None, Some(Path::new("/proc/no/such/folder"))] {
            let path = builtin_path(folder).unwrap();
            assert_eq!(std::fs::read(&path).unwrap().len(), CHORISTER.len());
        }
    }
}
