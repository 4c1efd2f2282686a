//! The process of a model that has one of its own: this Python once more.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::errors;

/// What the other Python runs.
const PROGRAM: &str = "from antiphon._antiphon import run_engine_process; run_engine_process()";

/// Says how such a process is started. A program that embeds Python has no Python to start: there, the command
/// `antiphon` is looked for.
pub(crate) fn set_command(py: Python<'_>) -> PyResult<()> {
    let program: Option<PathBuf> = py.import("sys")?.getattr("executable")?.extract()?;
    if let Some(program) = program.filter(|program| !program.as_os_str().is_empty()) {
        antiphon::local::set_engine_command(program, vec!["-c".into(), PROGRAM.into()]);
    }
    Ok(())
}

/// Runs a model for the process that started this one, until that leaves.
#[pyfunction]
pub(crate) fn run_engine_process(py: Python<'_>) -> PyResult<()> {
    py.detach(antiphon::local::run_engine_process).map_err(|error| errors::to_python(py, &error))
}
