//! Where weights lie: the folder that every client of the hub shares, in its own layout.
//!
//! ```text
//! models--ORG--REPO/refs/main                    the commit that was fetched last
//! models--ORG--REPO/snapshots/COMMIT/FILE        a link to
//! models--ORG--REPO/blobs/SHA256                 the bytes
//! models--ORG--REPO/blobs/SHA256.incomplete      those of a file that is not whole yet
//! models--ORG--REPO/blobs/SHA256.damaged         those of one whose checksum was wrong
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use antiphon_core::{Error, Kind, Result};
use etcetera::BaseStrategy;

use super::choose;
use super::name::{Wanted, check_repository};
use crate::env_vars;

/// The hub's folder: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else `huggingface/hub` in the user's cache folder.
pub fn folder() -> PathBuf {
    match env_vars::read(env_vars::HF_HUB_CACHE) {
        Some(folder) => of_user(&folder),
        None => home().join("hub"),
    }
}

/// A path of the environment; `~` is the user's home, as for every client of the hub.
pub(super) fn of_user(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), etcetera::home_dir()) {
        (Some(rest), Ok(home)) => home.join(rest),
        _ => path.into(),
    }
}

/// `HF_HOME`.
pub(super) fn home() -> PathBuf {
    let usual = || {
        let base = etcetera::base_strategy::Xdg::new().map(|base| base.cache_dir()).unwrap_or_default();
        base.join("huggingface")
    };
    env_vars::read(env_vars::HF_HOME).map_or_else(usual, |home| of_user(&home))
}

/// The folder of a repository.
pub(super) fn of_repository(repository: &str) -> PathBuf {
    folder().join(format!("models--{}", repository.replace('/', "--")))
}

/// The lock of a blob, where `huggingface_hub` has it.
pub(super) fn lock_of(repository: &Path, etag: &str) -> PathBuf {
    let name = repository.file_name().unwrap_or_default();
    repository.with_file_name(".locks").join(name).join(format!("{etag}.lock"))
}

/// The repositories that have something here, sorted.
pub(super) fn repositories() -> Vec<String> {
    let entries = fs::read_dir(folder()).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter_map(|name| Some(name.strip_prefix("models--")?.replacen("--", "/", 1)))
        .filter(|name| check_repository(name).is_ok())
        .collect();
    names.sort();
    names
}

/// The file that is loaded for what is wanted, where it is here.
pub(super) fn find(wanted: &Wanted) -> Option<PathBuf> {
    if wanted.repository().is_empty() {
        return None;
    }
    snapshots(&of_repository(wanted.repository()))
        .into_iter()
        .find_map(|snapshot| in_snapshot(&snapshot, wanted))
}

/// All files that belong to the one that is loaded, itself first.
pub(super) fn files(first: &Path) -> Vec<PathBuf> {
    let Some((folder, name)) = first.parent().zip(first.file_name().and_then(|name| name.to_str())) else {
        return vec![first.to_owned()];
    };
    let there = names(folder, "");
    let there = there.iter().map(String::as_str).collect::<Vec<_>>();
    let parts = choose::parts(name, &there).unwrap_or_else(|_| vec![name]);
    parts.into_iter().map(|part| folder.join(part)).collect()
}

/// The commits of a repository that are here, the last one fetched first.
fn snapshots(repository: &Path) -> Vec<PathBuf> {
    let all = repository.join("snapshots");
    let main = fs::read_to_string(repository.join("refs").join("main")).unwrap_or_default();
    let main = (!main.trim().is_empty()).then(|| all.join(main.trim()));
    let rest = fs::read_dir(&all).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut rest = rest.filter(|path| main.as_ref() != Some(path)).collect::<Vec<_>>();
    rest.sort();
    main.into_iter().chain(rest).collect()
}

fn in_snapshot(snapshot: &Path, wanted: &Wanted) -> Option<PathBuf> {
    // The file that is known by name needs no look around.
    if let Some(path) =
        wanted.which().filter(|which| which.ends_with(".gguf")).map(|which| snapshot.join(which))
        && is_whole(&path)
    {
        return Some(path);
    }
    let mut paths = names(snapshot, "");
    for folder in fs::read_dir(snapshot).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok())
    {
        paths.extend(names(&snapshot.join(&folder), &format!("{folder}/")));
    }
    let paths = paths.iter().map(String::as_str).collect::<Vec<_>>();
    let chosen = wanted.choose(&paths)?;
    Some(snapshot.join(chosen)).filter(|path| is_whole(path))
}

/// A link to a blob that was removed is no file, nor is a model of which a part is missing.
fn is_whole(path: &Path) -> bool {
    path.is_file() && {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let there = path.parent().map(|folder| names(folder, "")).unwrap_or_default();
        let there = there.iter().map(String::as_str).collect::<Vec<_>>();
        choose::parts(name, &there)
            .is_ok_and(|parts| parts.iter().all(|part| path.with_file_name(part).is_file()))
    }
}

/// The GGUF files of a folder, with `before` before their names.
fn names(folder: &Path, before: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.ends_with(".gguf")).map(|name| format!("{before}{name}")).collect()
}

/// Removes what is wanted, with what was left of broken downloads of its repository, and returns the bytes.
pub(super) fn remove(wanted: &Wanted) -> Result<u64> {
    let repository = of_repository(wanted.repository());
    let first = find(wanted);
    let mut bytes = 0;
    for path in first.iter().flat_map(|first| files(first)) {
        // The blob goes first: a link without one is no file, a blob without a link would stay for ever.
        let blob = fs::canonicalize(&path).map_err(|error| failed("cannot remove", &path, &error))?;
        bytes += delete(&blob)?;
        if blob != path {
            delete(&path)?;
        }
    }
    let mut is_empty = true;
    for entry in fs::read_dir(repository.join("blobs")).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("incomplete" | "damaged") if !is_locked(&repository, &path) => bytes += delete(&path)?,
            _ => is_empty = false,
        }
    }
    if first.is_none() && bytes == 0 {
        return Err(
            Error::new(Kind::NotFound, format!("model: {} is not here", wanted.name())).param("model")
        );
    }
    if is_empty {
        let removed = fs::remove_dir_all(&repository);
        removed.map_err(|error| failed("cannot remove", &repository, &error))?;
    }
    Ok(bytes)
}

/// Whether somebody is fetching that blob.
fn is_locked(repository: &Path, incomplete: &Path) -> bool {
    let etag = incomplete.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    // Other clients put a word of their own between checksum and suffix.
    let etag = etag.split('.').next().unwrap_or(etag);
    let lock = fs::File::open(lock_of(repository, etag));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

fn delete(path: &Path) -> Result<u64> {
    let bytes =
        fs::symlink_metadata(path).map(|meta| if meta.is_file() { meta.len() } else { 0 }).unwrap_or(0);
    match fs::remove_file(path) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(failed("cannot remove", path, &error)),
    }
}

/// Puts a whole blob where a program looks for the file. Others may do the same at the same time.
pub(super) fn link(repository: &Path, commit: &str, file: &str, blob: &Path) -> Result<PathBuf> {
    let path = repository.join("snapshots").join(commit).join(file);
    let is_there =
        || fs::canonicalize(&path).is_ok_and(|there| fs::canonicalize(blob).is_ok_and(|it| it == there));
    let placed = || replace(&path, |draft| place(blob, draft, file.split('/').count() + 1));
    if is_there() {
        return Ok(path);
    }
    placed().map_err(|error| failed("cannot write", &path, &error))?;
    Ok(path)
}

/// Makes a file under another name, and then gives it its own: it is never there by half, nor missing meanwhile.
fn replace(path: &Path, make: impl FnOnce(&Path) -> std::io::Result<()>) -> std::io::Result<()> {
    make_folder(path)?;
    let draft = path.with_file_name(format!(".{}", crate::random::uuid()));
    make(&draft).and_then(|()| fs::rename(&draft, path)).inspect_err(|_| {
        // What could not be made is mostly not there.
        let _ = fs::remove_file(&draft);
    })
}

#[cfg(unix)]
fn place(blob: &Path, path: &Path, depth: usize) -> std::io::Result<()> {
    let name = blob.file_name().unwrap_or_default();
    std::os::unix::fs::symlink(Path::new(&"../".repeat(depth)).join("blobs").join(name), path)
}

/// Where links need a right of their own, the second name is a hard link.
#[cfg(not(unix))]
fn place(blob: &Path, path: &Path, _: usize) -> std::io::Result<()> {
    fs::hard_link(blob, path).or_else(|_| fs::copy(blob, path).map(|_| ()))
}

/// Notes which commit was fetched last.
pub(super) fn point_to(repository: &Path, commit: &str) -> Result<()> {
    let path = repository.join("refs").join("main");
    let written = replace(&path, |draft| fs::write(draft, commit));
    written.map_err(|error| failed("cannot write", &path, &error))
}

/// Makes the folder of a file.
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

pub(super) fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::Config, format!("{what} {}: {error}", path.display()))
}
