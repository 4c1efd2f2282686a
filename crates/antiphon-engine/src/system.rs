//! llama.cpp as a whole: initialised once, its log sent to `tracing`, and what it was built for.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::LlamaBackendDeviceType;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_sys_2 as sys;

/// What local models run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemInfo {
    /// Instruction sets that llama.cpp was built to use (`AVX2`, `FMA`, `NEON`, …).
    pub instruction_sets: Vec<String>,
    /// Devices that models can run on, the processor included.
    pub devices: Vec<String>,
    /// Cores that this process may use.
    pub usable_cores: usize,
    /// Bytes of memory that this process may use; `None` where nobody says.
    pub usable_memory: Option<u64>,
}

/// What local models run on.
pub fn system_info() -> SystemInfo {
    let (usable_cores, usable_memory) = (usable_cores(), usable_memory());
    let (instruction_sets, devices) = match backend() {
        Ok(_) => (instruction_sets(), devices()),
        Err(_) => (Vec::new(), Vec::new()),
    };
    SystemInfo { instruction_sets, devices, usable_cores, usable_memory }
}

/// The machine's memory, or less where the process is in a container that has less.
fn usable_memory() -> Option<u64> {
    let devices = backend().map(|_| llama_cpp_2::list_llama_ggml_backend_devices()).unwrap_or_default();
    let processor = devices.into_iter().find(|device| device.device_type == LlamaBackendDeviceType::Cpu);
    let machine = processor.map(|device| device.memory_total as u64).filter(|bytes| *bytes > 0);
    // "max" where there is no limit; other systems have no such file.
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|bytes| bytes.trim().parse().ok());
    machine.into_iter().chain(container).min()
}

pub(crate) fn usable_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// llama.cpp, ready for use.
pub(crate) fn backend() -> Result<&'static LlamaBackend> {
    static BACKEND: OnceLock<Result<LlamaBackend>> = OnceLock::new();
    let backend = BACKEND.get_or_init(|| {
        check_processor()?;
        send_log_to_tracing();
        LlamaBackend::init().map_err(|error| Error::new(Kind::Internal, format!("llama.cpp: {error}")))
    });
    backend.as_ref().map_err(Clone::clone)
}

/// The flags of `.cargo/config.toml` are in the code; without them in the processor the first matrix
/// product would be an illegal instruction.
#[cfg(target_arch = "x86_64")]
fn check_processor() -> Result<()> {
    let needed = [
        ("AVX2", std::is_x86_feature_detected!("avx2")),
        ("FMA", std::is_x86_feature_detected!("fma")),
        ("F16C", std::is_x86_feature_detected!("f16c")),
        ("BMI2", std::is_x86_feature_detected!("bmi2")),
    ];
    match needed.iter().find(|(_, has)| !has) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("this processor has no {name}, which local models need");
            Err(Error::new(Kind::LocalModel, message).hint("use a hosted model"))
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn check_processor() -> Result<()> {
    Ok(())
}

#[expect(unsafe_code, reason = "llama.cpp says what it was built for in one C string")]
fn instruction_sets() -> Vec<String> {
    // SAFETY: the function has no preconditions and returns a static, null-terminated string.
    let text = unsafe { CStr::from_ptr(sys::llama_print_system_info()) }.to_string_lossy().into_owned();
    text.split(['|', ':'])
        .filter_map(|part| part.trim().strip_suffix("= 1"))
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Whether there is a graphics processor that a model can run on.
pub(crate) fn has_gpu() -> bool {
    let is_gpu = |kind| matches!(kind, LlamaBackendDeviceType::Gpu | LlamaBackendDeviceType::IntegratedGpu);
    llama_cpp_2::list_llama_ggml_backend_devices().into_iter().any(|device| is_gpu(device.device_type))
}

fn devices() -> Vec<String> {
    llama_cpp_2::list_llama_ggml_backend_devices()
        .into_iter()
        .map(|device| match device.backend.as_str() {
            backend if backend == device.name => format!("{}: {}", device.name, device.description.trim()),
            backend => format!("{} ({backend}): {}", device.name, device.description.trim()),
        })
        .collect()
}

thread_local! {
    /// The first error that llama.cpp logged on this thread since it was last asked: of a failed load it is
    /// the reason, and what follows only says that it failed.
    static FIRST_ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

thread_local! {
    /// Whether what llama.cpp logs on this thread is of no concern to anybody but its developers.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs what may well fail, and then goes on another way: llama.cpp's errors are no errors to those outside.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    IS_QUIET.set(true);
    let done = work();
    IS_QUIET.set(false);
    done
}

/// Takes the first error that llama.cpp logged on this thread since the last call.
pub(crate) fn take_first_error() -> Option<String> {
    FIRST_ERROR.with_borrow_mut(Option::take)
}

#[expect(unsafe_code, reason = "a C callback is how llama.cpp hands out its log")]
fn send_log_to_tracing() {
    // SAFETY: the callback is a function of the right type that lives for ever, and uses no user data.
    unsafe { sys::llama_log_set(Some(log), std::ptr::null_mut()) }
}

#[expect(unsafe_code, reason = "the text of a log line is a C string")]
unsafe extern "C" fn log(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() || level == sys::GGML_LOG_LEVEL_NONE {
        return;
    }
    // SAFETY: llama.cpp passes a null-terminated string that lives for the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    match level {
        _ if IS_QUIET.get() => tracing::debug!(target: "llama.cpp", "{text}"),
        sys::GGML_LOG_LEVEL_ERROR => {
            FIRST_ERROR.with_borrow_mut(|first| {
                first.get_or_insert_with(|| text.to_owned());
            });
            tracing::error!(target: "llama.cpp", "{text}");
        }
        sys::GGML_LOG_LEVEL_WARN => tracing::warn!(target: "llama.cpp", "{text}"),
        sys::GGML_LOG_LEVEL_INFO => tracing::debug!(target: "llama.cpp", "{text}"),
        _ => tracing::trace!(target: "llama.cpp", "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_build_uses_the_instruction_sets_it_says() {
        let info = system_info();
        for name in ["AVX2", "FMA", "F16C"] {
            assert!(info.instruction_sets.iter().any(|set| set == name), "{name} is not in {info:?}");
        }
        assert!(info.usable_cores >= 1);
        assert!(info.usable_memory.is_some_and(|bytes| bytes > 1 << 28), "{info:?}");
        assert!(info.devices.iter().any(|device| device.starts_with("CPU")), "{info:?}");
    }
}
