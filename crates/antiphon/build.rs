//! Says which tool is missing before llama.cpp's build fails for want of it.
//!
//! It stands here and not in the engine: Cargo runs a crate's build script only after those of its direct
//! dependencies that link a library, and llama.cpp is one of the engine's.
#![expect(clippy::print_stderr, reason = "a build script speaks to the user")]

use std::path::Path;
use std::process::{Command, Stdio, exit};

const LIBCLANG_FOLDERS: &[&str] = &["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CXX");
    println!("cargo:rerun-if-env-changed=LIBCLANG_PATH");
    let wants_engine = std::env::var_os("CARGO_FEATURE_LOCAL").is_some();
    let on_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if !wants_engine || !on_linux {
        return;
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let missing = [
        (!runs("cmake")).then_some("cmake"),
        (!runs(&compiler)).then_some("g++"),
        (!has_libclang()).then_some("libclang-dev"),
    ];
    let missing = missing.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if missing.is_empty() {
        return;
    }
    eprintln!("local models need tools that are not here; on Debian: apt-get install {missing}");
    eprintln!("or build without local models: cargo build -p antiphon-cli --no-default-features");
    exit(1);
}

fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// bindgen loads libclang when it runs; these are the places where it looks.
fn has_libclang() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() || runs("llvm-config") || runs("clang") {
        return true;
    }
    let llvm =
        std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path().join("lib"));
    let folders = LIBCLANG_FOLDERS.iter().map(|folder| Path::new(folder).to_path_buf()).chain(llvm);
    folders.into_iter().any(|folder| holds_libclang(&folder))
}

fn holds_libclang(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libclang"))
}
